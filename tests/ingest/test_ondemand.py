from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from portal.ingest.ondemand import Listing, OnDemand
from portal.kube.decode import Fault
from portal.kube.errors import Expired, Forbidden, KubeError, Malformed, NotFound, TooManyRequests, Unreachable
from portal.kube.listwatch import Page, WatchStream
from portal.kube.outage import Outage
from portal.kube.reflector import Replaced
from portal.model import ResourceStatus

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
TTL = 60.0


class World:
    """A door that answers what a test says, behind a listing, and a clock that a test turns."""

    def __init__(self, *, held: bool = False, ttl: float = TTL) -> None:
        self.now = 1000.0
        self.answers: list[Page[Any] | KubeError] = []
        self.asked: list[tuple[int, str]] = []
        self.delivered: list[Replaced[Any]] = []
        self.reported: list[ResourceStatus] = []
        self.faults: list[Fault] = []
        self.listing = Listing(
            "Ingress",
            self,
            self.delivered.append,
            self.reported.append,
            ttl,
            outage=Outage(lambda: 200),
            held=held,
            notice=self.faults.append,
            clock=lambda: self.now,
            now=lambda: NOON + timedelta(seconds=self.now - 1000),
        )

    def list(self, *, limit: int, continue_token: str) -> Page[Any]:
        self.asked.append((limit, continue_token))
        answer = self.answers.pop(0)
        if isinstance(answer, KubeError):
            raise answer
        return answer

    def watch(self, *, resource_version: str, timeout_seconds: float) -> WatchStream[Any]:
        raise NotImplementedError

    def after(self, seconds: float, *answers: Page[Any] | KubeError) -> ResourceStatus:
        """Let time pass, list if that is due, and return the status."""
        self.now += seconds
        self.answers = list(answers)
        turn = self.listing.ask()
        if turn is not None:
            self.listing.list_once()
        return self.listing.status()


def page(*objects: str, token: str = "", version: str = "7") -> Page[Any]:
    return Page(objects, version, token)


def test_pages_are_put_together_and_counted_as_they_come() -> None:
    world = World()

    status = world.after(0, page("a", "b", token="more"), page("c"))

    assert [each.objects for each in world.delivered] == [("a", "b", "c")]
    assert [(each.status, each.count) for each in world.reported[1:]] == [
        ("in_progress", 2),
        ("in_progress", 3),
        ("completed", 3),
    ]
    assert (status.resource_version, status.last_contact) == ("7", NOON)


def test_a_token_that_expired_is_answered_by_a_list_without_pages() -> None:
    world = World()

    world.after(0, page("a", token="more"), Expired("too old"), page("a", "b"))

    assert world.asked == [(500, ""), (500, "more"), (0, "")]
    assert [each.objects for each in world.delivered] == [("a", "b")]


def test_pages_that_do_not_fit_together_are_answered_by_a_list_without_pages() -> None:
    world = World()

    status = world.after(0, page("a", "b", token="more"), page("c", version="8"), page("a", "b", "c"))

    assert world.asked == [(500, ""), (500, "more"), (0, "")]
    assert [each.objects for each in world.delivered] == [("a", "b", "c")]
    assert status.status == "completed"


def test_a_server_that_wants_peace_gets_it() -> None:
    world = World()
    world.after(0, TooManyRequests("slow down", code=429, retry_after=30.0))

    world.after(29)
    asked = len(world.asked)
    world.after(1, page("a"))

    assert (asked, len(world.asked)) == (1, 2)


def test_a_failure_is_not_asked_about_as_often_as_a_cache_of_a_moment_would_have_it() -> None:
    world = World(ttl=0.1)
    world.after(0, Malformed("no list"))

    world.after(1.9)
    asked = len(world.asked)
    world.after(0.1, page("a"))

    assert (asked, len(world.asked)) == (1, 2)


def test_nothing_is_asked_before_the_ttl_is_over() -> None:
    world = World()
    world.after(0, page("a"))

    world.after(TTL - 1)
    asked = len(world.asked)
    world.after(1, page("a"))

    assert (asked, len(world.asked)) == (1, 2)


def test_a_listing_under_way_is_not_begun_twice() -> None:
    world = World()
    turns: list[int | None] = []
    world.listing._deliver = lambda _: turns.append(world.listing.ask())
    world.answers = [page("a")]

    world.listing.list_once()

    assert turns == [1]
    assert not world.listing._asked.is_set()


def test_a_failure_keeps_the_entries_and_is_tried_again_soon() -> None:
    world = World()
    world.after(0, page("a"))

    status = world.after(TTL, Unreachable("no connection"))
    soon = world.after(5, page("a"))

    assert (status.status, status.count, status.last_contact) == ("stale", 1, NOON)
    assert soon.status == "completed"
    assert [each.objects for each in world.delivered] == [("a",), ("a",)]


def test_the_log_says_each_change_of_state_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="portal")
    world = World()

    world.after(0, page("a"))
    world.after(TTL, page("a", "b"))
    world.after(TTL, Unreachable("no connection"))
    world.after(5, Unreachable("no connection"))
    world.after(5, page("a"))

    assert [record.getMessage() for record in caplog.records] == [
        "Listed resource=Ingress objects=1",
        "The API server cannot be reached why=no connection",
        "The API server answers again",
        "Listed resource=Ingress objects=1",
    ]


@pytest.mark.parametrize(("error", "state"), [(Forbidden("no"), "forbidden"), (NotFound("no"), "absent")])
def test_a_refusal_or_disappearance_takes_the_entries_when_it_is_repeated_a_minute_later(
    error: KubeError, state: str
) -> None:
    world = World()
    world.after(0, page("a"))

    first = world.after(TTL, error)
    kept = len(world.delivered)
    second = world.after(TTL, error)

    assert (first.status, first.count, kept) == (state, 1, 1)
    assert (second.status, second.count) == (state, None)
    assert [(each.objects, each.reason) for each in world.delivered[1:]] == [((), state)]


def test_a_refusal_that_was_a_mistake_is_forgotten() -> None:
    world = World()
    world.after(0, page("a"))
    world.after(TTL, Forbidden("no"))
    world.after(TTL, page("a"))

    world.after(TTL, Forbidden("no"))

    assert [each.objects for each in world.delivered] == [("a",), ("a",)]


def test_what_was_restored_is_kept_like_what_was_listed() -> None:
    world = World(held=True)

    unreachable = world.after(0, Unreachable("no connection"))
    refused = world.after(5, Forbidden("no"))
    world.after(TTL, Forbidden("no"))

    assert (unreachable.status, refused.status) == ("stale", "forbidden")
    assert [each.reason for each in world.delivered] == ["forbidden"]


@pytest.mark.parametrize(("error", "state"), [(Forbidden("no"), "forbidden"), (NotFound("no"), "absent")])
def test_a_server_that_is_away_is_no_news_of_what_is_absent_or_refused_and_is_not_waited_for(
    error: KubeError, state: str
) -> None:
    world = World()
    world.after(0, error)
    reports = len(world.reported)

    status = world.after(TTL, Unreachable("no connection"))
    is_failing = world.listing.is_failing
    again = world.after(5, Malformed("no list"))

    assert (status.status, status.error, is_failing) == (state, "no", True)
    assert [each.status for each in world.reported[reports:]] == ["failed"]
    assert (again.status, again.error) == ("failed", "no list")


def test_what_is_absent_is_not_waited_for_again_when_the_server_hangs() -> None:
    world = World()
    world.after(0, NotFound("no"))
    world.now += TTL

    OnDemand([world.listing], lambda: world.now).refresh(0)

    assert (world.listing.status().status, world.listing.is_failing) == ("absent", True)


@pytest.mark.parametrize(("error", "state"), [(Forbidden("no"), "forbidden"), (NotFound("no"), "absent")])
def test_a_refusal_or_absence_at_the_start_is_known_as_emptiness_once(error: KubeError, state: str) -> None:
    world = World()

    world.after(0, error)
    world.after(TTL, error)

    assert [(each.objects, each.reason) for each in world.delivered] == [((), state)]


def test_who_waits_for_a_listing_that_is_left_goes_on() -> None:
    world, stop = World(), threading.Event()
    turn = world.listing.ask()
    stop.set()

    world.listing.leave()
    world.listing.run(stop)
    world.listing.wait(turn or 0, world.now)

    assert (world.asked, world.listing.status().status) == ([], "pending")
    assert turn == 1


def test_fields_that_cannot_be_read_are_told() -> None:
    world = World()
    fault = Fault("default", "a", "spec", "is text, and a map is wanted")

    world.after(0, Page(("a",), "7", "", (fault,)))

    assert world.faults == [fault]


def test_who_waits_in_vain_says_that_what_is_known_grows_old() -> None:
    world = World()
    world.after(0, page("a"))
    world.now += TTL

    OnDemand([world.listing], lambda: world.now).refresh(0)

    assert world.listing.status().status == "stale"


def test_those_who_only_listen_are_asked_for() -> None:
    world, stop = World(), threading.Event()
    on_demand = OnDemand([world.listing], lambda: world.now)

    def wanted() -> bool:
        stop.set()
        return True

    on_demand.keep(wanted, stop)

    assert world.listing._asked.is_set()


class Waited:
    """A listing that is always due, and takes note of how long an answer would wait for it."""

    def __init__(self, *, is_failing: bool) -> None:
        self.is_failing = is_failing
        self.until: list[float] = []
        self.asked = 0
        self.then: Callable[[], None] = lambda: None

    def ask(self) -> int:
        self.asked += 1
        return 1

    def wait(self, _turn: int, deadline: float) -> None:
        self.until.append(deadline)
        self.then()


@pytest.mark.parametrize(("is_failing", "seconds"), [(False, 3.0), (True, 0.3)])
def test_an_answer_waits_three_seconds_and_hardly_at_all_where_the_last_listing_failed(
    is_failing: bool, seconds: float
) -> None:
    listing = Waited(is_failing=is_failing)

    OnDemand([listing], clock=lambda: 1000.0).refresh()  # type: ignore[list-item] # a listing as far as an answer sees it

    assert listing.until == [pytest.approx(1000.0 + seconds)]


def test_what_decides_which_sources_there_are_is_waited_for_before_they_are_asked() -> None:
    namespaces, source = Waited(is_failing=False), Waited(is_failing=True)
    on_demand = OnDemand(clock=lambda: 1000.0)
    on_demand.before = namespaces  # type: ignore[assignment] # as above
    namespaces.then = lambda: setattr(on_demand, "listings", (source,))

    on_demand.refresh()

    assert (namespaces.until, source.until) == ([pytest.approx(1003.0)], [pytest.approx(1000.3)])


def test_what_decides_which_sources_there_are_is_asked_for_those_who_only_listen_too() -> None:
    world = World()
    on_demand = OnDemand(clock=lambda: world.now)
    on_demand.before = world.listing

    on_demand.ask()

    assert world.listing._asked.is_set()


def test_sources_that_are_known_are_asked_along_with_what_decides_on_them() -> None:
    namespaces, source = Waited(is_failing=False), Waited(is_failing=False)
    on_demand = OnDemand([source], clock=lambda: 1000.0)  # type: ignore[list-item] # as above
    on_demand.before = namespaces  # type: ignore[assignment] # as above
    asked: list[int] = []
    namespaces.then = lambda: asked.append(source.asked)

    on_demand.refresh()

    assert asked == [1]
