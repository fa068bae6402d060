"""What a replica says again, and when: its own word against the stream's."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from portal.model import Application, Position, utc_now
from portal.stream.announcer import event_from_change
from portal.stream.events import Event
from portal.stream.reconciler import Reconciler
from tests.stream.entries import added, application, removed, updated


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def reconciler(clock: Clock) -> Reconciler:
    return Reconciler(clock)


def at(version: int, **more: object) -> Application:
    return application(resource_version=str(version), **more)


BEFORE = Position("e", 1, 0)
NEW = event_from_change(added(at(9)), utc_now())
CHANGED = event_from_change(updated(at(9), at(10, info="changed")), utc_now())
GONE = event_from_change(removed(at(9)), utc_now())


def repeated_within(reconciler: Reconciler, clock: Clock, seconds: int) -> list[Event]:
    found: list[Event] = []
    for _ in range(seconds):
        found += reconciler.to_repeat(is_settled=True)
        clock.now += 1
    return found


@pytest.mark.parametrize("heard", [CHANGED, GONE], ids=["changed", "gone"])
def test_a_replica_whose_watch_is_down_for_a_while_does_not_bring_back_the_old(
    reconciler: Reconciler, clock: Clock, heard: Event
) -> None:
    reconciler.say(NEW)
    reconciler.hear(NEW, BEFORE)

    reconciler.hear(heard, BEFORE)

    assert repeated_within(reconciler, clock, 60) == []
    assert repeated_within(reconciler, clock, 5) == [NEW]


def test_a_replica_whose_watch_is_down_for_a_while_does_not_remove_what_it_has_not_found(
    reconciler: Reconciler, clock: Clock
) -> None:
    reconciler.hear(NEW, BEFORE)

    assert repeated_within(reconciler, clock, 60) == []
    assert [event.type for event in repeated_within(reconciler, clock, 5)] == ["APPLICATION_REMOVED"]


@pytest.mark.parametrize("known", [{}, {NEW.key: "another digest"}], ids=["missing", "different"])
def test_what_a_new_history_lacks_is_said_again_soon(
    reconciler: Reconciler, clock: Clock, known: dict[str, str]
) -> None:
    reconciler.say(NEW)
    reconciler.hear_all(known)

    assert repeated_within(reconciler, clock, 4) == [NEW]


def test_what_is_said_after_it_was_heard_otherwise_is_said_again_soon(reconciler: Reconciler, clock: Clock) -> None:
    reconciler.hear(CHANGED, BEFORE)
    repeated_within(reconciler, clock, 3)

    reconciler.say(NEW)

    assert repeated_within(reconciler, clock, 4) == [NEW]


def test_replicas_that_never_agree_say_less_and_less(reconciler: Reconciler, clock: Clock) -> None:
    reconciler.say(NEW)
    other = replace(NEW, digest="of another configuration")
    count = 0

    for _ in range(100):
        reconciler.hear(other, BEFORE)
        count += len(repeated_within(reconciler, clock, 5))
        reconciler.hear(NEW, BEFORE)
        count += len(repeated_within(reconciler, clock, 5))

    assert count < 10
