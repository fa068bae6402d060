"""Changes become events; bursts are merged, and what is announced stays true to what was announced before."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from typing import Any

import gevent
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.model import Application, Change
from portal.stream.announcer import Announcer
from portal.stream.events import Event, Sayable
from tests.stream.entries import added, application, bookmark, down, health, removed, updated


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Stage:
    """An announcer whose clock is turned by hand, and what it published."""

    def __init__(self, window: float = 0.05) -> None:
        self.clock = Clock()
        self.events: list[Event] = []
        self.merged = 0
        self.announcer = Announcer(self._read, window, clock=self.clock, on_merged=self._count)

    def _read(self, said: Sequence[Sayable]) -> None:
        self.events.extend(each.written() for each in said)

    def _count(self, changes: int) -> None:
        self.merged += changes

    def announce(self, *changes: Change) -> Stage:
        self.announcer.announce(changes)
        return self

    def later(self, seconds: float) -> Stage:
        self.clock.now += seconds
        self.announcer.flush()
        return self

    @property
    def types(self) -> list[str]:
        return [event.type for event in self.events]

    @property
    def data(self) -> list[Any]:
        return [json.loads(event.data) for event in self.events]


ONE = application()
TWO = application(info="two")
THREE = application(info="three")


def test_an_entry_is_announced_whole_at_once() -> None:
    stage = Stage().announce(added(ONE), added(bookmark()))

    assert stage.types == ["APPLICATION_ADDED", "BOOKMARK_ADDED"]
    assert stage.data[0]["id"] == "local/ingress/media/jellyfin"
    assert stage.data[0]["hasOwnerReferences"] is False


def test_a_removal_says_what_is_gone() -> None:
    stage = Stage().announce(removed(ONE))

    assert stage.types == ["APPLICATION_REMOVED"]
    assert stage.data == [{"id": "local/ingress/media/jellyfin", "namespace": "media", "resourceName": "jellyfin"}]


def test_of_a_burst_the_first_comes_at_once_and_the_last_at_the_end_of_the_window() -> None:
    stage = Stage().announce(added(ONE), updated(ONE, TWO), updated(TWO, THREE))
    at_once = list(stage.types)

    stage.later(0.049)
    before_the_end = list(stage.types)
    stage.later(0.002)

    assert (at_once, before_the_end) == (["APPLICATION_ADDED"], ["APPLICATION_ADDED"])
    assert stage.types == ["APPLICATION_ADDED", "APPLICATION_UPDATED"]
    assert stage.data[-1]["info"] == "three"
    assert stage.merged == 1


def test_a_steady_burst_gives_one_event_per_window() -> None:
    stage = Stage().announce(added(ONE))

    for n in range(100):
        stage.announce(updated(ONE, application(info=str(n)))).later(0.01)

    assert 15 <= len(stage.events) <= 22


@pytest.mark.parametrize(
    ("changes", "types"),
    [
        ([added(ONE), removed(ONE)], ["APPLICATION_ADDED", "APPLICATION_REMOVED"]),
        ([added(ONE), removed(ONE), added(TWO)], ["APPLICATION_ADDED", "APPLICATION_UPDATED"]),
        ([removed(ONE), added(ONE)], ["APPLICATION_REMOVED", "APPLICATION_ADDED"]),
        ([removed(ONE), added(ONE), removed(ONE)], ["APPLICATION_REMOVED"]),
        ([updated(ONE, TWO), removed(TWO), added(ONE)], ["APPLICATION_UPDATED", "APPLICATION_UPDATED"]),
        ([updated(ONE, TWO), updated(TWO, THREE), updated(THREE, TWO)], ["APPLICATION_UPDATED"]),
    ],
)
def test_merging_stays_true_to_what_was_announced(changes: list[Change], types: list[str]) -> None:
    stage = Stage().announce(*changes).later(0.06).later(0.06)

    assert stage.types == types


def test_health_alone_is_gathered_into_one_event() -> None:
    two = application("two")
    stage = Stage().announce(health(ONE, down(ONE)), health(two, down(two)))

    assert stage.types == ["STATUS_CHANGED"]
    assert stage.data == [
        {
            "changes": [
                {"id": ONE.id, "available": False, "health": {"state": "down"}},
                {"id": two.id, "available": False, "health": {"state": "down"}},
            ],
            "reason": "availability_check",
        }
    ]


def test_health_that_returns_within_the_window_is_no_change() -> None:
    stage = Stage().announce(health(ONE, down(ONE)))

    stage.announce(health(down(ONE), ONE), health(ONE, down(ONE))).later(0.06)

    assert stage.types == ["STATUS_CHANGED"]


def test_health_of_an_entry_that_waits_goes_with_the_entry() -> None:
    stage = Stage().announce(added(ONE), updated(ONE, TWO), health(TWO, down(TWO))).later(0.06)

    assert stage.types == ["APPLICATION_ADDED", "APPLICATION_UPDATED"]
    assert stage.data[-1]["available"] is False


def test_waiting_health_of_a_removed_entry_is_not_announced_after_it() -> None:
    other = application("other")
    stage = Stage().announce(health(other, down(other)))

    stage.announce(health(ONE, down(ONE)), removed(down(ONE))).later(0.06)

    assert stage.types == ["STATUS_CHANGED", "APPLICATION_REMOVED"]


def test_without_a_window_every_change_is_an_event() -> None:
    stage = Stage(window=0.0).announce(added(ONE), updated(ONE, TWO), removed(TWO))

    assert stage.types == ["APPLICATION_ADDED", "APPLICATION_UPDATED", "APPLICATION_REMOVED"]


def test_what_waits_is_published_when_it_stops() -> None:
    stage = Stage(window=60.0).announce(added(ONE), updated(ONE, TWO))
    stop = threading.Event()
    stop.set()

    stage.announcer.run(stop)

    assert stage.types == ["APPLICATION_ADDED", "APPLICATION_UPDATED"]


def test_running_it_publishes_what_is_due_by_itself() -> None:
    events: list[Event] = []
    announcer = Announcer(events.extend, 0.01)
    stop = threading.Event()
    running = gevent.spawn(announcer.run, stop)

    announcer.announce([added(ONE), updated(ONE, TWO)])
    gevent.sleep(0.1)
    stop.set()
    running.get(timeout=5)

    assert [event.type for event in events] == ["APPLICATION_ADDED", "APPLICATION_UPDATED"]


class World:
    """A catalog of three entries that changes at random, and a client that folds the events."""

    def __init__(self) -> None:
        self.entries: dict[str, Application] = {}

    def step(self, name: str, action: str, mark: int) -> list[Change]:
        before = self.entries.get(name)
        after = (
            None if action == "remove" else application(name, info=str(mark), tags=action if action in "ab" else None)
        )
        if action == "health" and before is not None:
            after = application(name, info=before.info, tags=before.tags, available=bool(mark % 2))
        if before == after:
            return []
        self.entries.pop(name, None)
        self.entries.update({} if after is None else {name: after})
        return [Change(before, after, only_health=action == "health" and before is not None)]


def fold(events: list[Event]) -> dict[str, Any]:
    state: dict[str, Any] = {}
    for event in events:
        data = json.loads(event.data)
        if event.type == "STATUS_CHANGED":
            for change in data["changes"]:
                state[change["id"]]["available"] = change["available"]
            continue
        assert event.type.endswith("ADDED") == (event.type.endswith("ADDED") and data["id"] not in state)
        assert event.type.endswith("ADDED") or data["id"] in state
        if event.type.endswith("REMOVED"):
            del state[data["id"]]
        else:
            state[data["id"]] = data
    return state


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["one", "two", "three"]),
            st.sampled_from(["a", "b", "set", "remove", "health"]),
            st.integers(0, 3),
            st.sampled_from([0.0, 0.01, 0.06]),
        ),
        max_size=40,
    )
)
def test_whatever_happens_the_folded_events_end_in_the_truth(script: list[tuple[str, str, int, float]]) -> None:
    stage, world = Stage(), World()

    for name, action, mark, pause in script:
        stage.announce(*world.step(name, action, mark)).later(pause)
    stage.later(1).later(1)

    state = fold(stage.events)
    assert {key: (data.get("info"), data["available"]) for key, data in state.items()} == {
        entry.id: (entry.info, entry.available) for entry in world.entries.values()
    }
