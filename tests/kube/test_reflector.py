"""What a reflector hands on, reports and says, with a door that does what a test wants."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from portal.kube import errors
from portal.kube.decode import Fault
from portal.kube.listwatch import Page
from portal.kube.metrics import KubeMetrics
from portal.kube.outage import Outage
from portal.kube.reflector import Changes, Reflector, Replaced
from portal.model import ResourceStatus
from tests.kube.doors import Answers, FakeDoor, page, thing
from tests.kube.simulation import event

START = datetime(2026, 1, 1, tzinfo=UTC)


class Stage:
    """A reflector on a clock that moves when it waits; the play ends when the door has nothing more to answer."""

    def __init__(self, lists: Answers, watches: Answers, **more: Any) -> None:
        self.stop = threading.Event()
        self.seconds = 0.0
        self.waits: list[float] = []
        self.delivered: list[Replaced[Any] | Changes[Any]] = []
        self.reports: list[ResourceStatus] = []
        self.registry = CollectorRegistry()
        told = [[self._told(step) for step in watch] if isinstance(watch, list) else watch for watch in watches]
        self.door = FakeDoor(lists, [*told, [self._end]])
        self.reflector: Reflector[Any] = Reflector(
            "Thing",
            self.door,
            self.delivered.append,
            self.reports.append,
            **{
                "outage": Outage(self._probe, clock=self.clock, pause=self.pause),
                "metrics": KubeMetrics(self.registry),
                "clock": self.clock,
                "now": lambda: START + timedelta(seconds=self.seconds),
                "pause": self.pause,
                "give_way": lambda _: None,
                "chance": lambda: 0.5,
                **more,
            },
        )

    def play(self) -> None:
        """Run until the door has nothing more to answer."""
        self.reflector.run(self.stop)

    def clock(self) -> float:
        return self.seconds

    def pause(self, stop: threading.Event, seconds: float) -> None:
        del stop
        self.waits.append(seconds)
        self.seconds += seconds

    def told(self) -> list[Any]:
        """Return what was delivered, in short."""
        return [_short(each) for each in self.delivered]

    def statuses(self) -> list[str]:
        """Return the states that were reported, each once in a row."""
        return [
            each.status
            for number, each in enumerate(self.reports)
            if not number or self.reports[number - 1].status != each.status
        ]

    def value(self, name: str, **labels: str) -> float | None:
        """Return a metric."""
        labels = {"resource": "Thing", "namespace": ""} | labels
        return self.registry.get_sample_value(f"portal_reflector_{name}", labels)

    def _told(self, step: Any) -> Any:
        """Return a step of a watch; a number is so many seconds of silence."""
        return partial(self._silence, step) if isinstance(step, float) else step

    def _silence(self, seconds: float) -> tuple[()]:
        self.seconds += seconds
        return ()

    def _end(self) -> tuple[()]:
        self.stop.set()
        return ()

    def _probe(self) -> int:
        return 200


def _short(each: Replaced[Any] | Changes[Any]) -> Any:
    if isinstance(each, Replaced):
        return each.reason, [found.metadata.name for found in each.objects]
    return [(found.type, found.object.metadata.name) for found in each.events]


def test_a_list_is_the_whole_truth_and_a_watch_what_happens_then() -> None:
    stage = Stage(
        [page(5, "a", "b")], [[[event("ADDED", "c", 6)], [event("BOOKMARK", "", 9), event("DELETED", "a", 10)]]]
    )

    stage.play()

    assert stage.told() == [("initial", ["a", "b"]), [("ADDED", "c")], [("DELETED", "a")]]
    assert stage.door.asked == [("list", 500, ""), ("watch", "5"), ("watch", "10")]
    assert stage.statuses() == ["in_progress", "completed"]


def test_pages_are_handed_on_together_and_counted_as_they_come() -> None:
    stage = Stage([page(5, "a", "b", token="2"), page(5, "c")], [])

    stage.play()

    assert stage.told() == [("initial", ["a", "b", "c"])]
    assert stage.door.asked[:2] == [("list", 500, ""), ("list", 500, "2")]
    assert [(each.status, each.count) for each in stage.reports] == [
        ("in_progress", 0),
        ("in_progress", 2),
        ("completed", 3),
    ]


def test_a_connection_that_broke_is_resumed_where_it_broke() -> None:
    stage = Stage([page(5, "a")], [[[event("ADDED", "b", 8)], errors.ConnectionLost("reset")]])

    stage.play()

    assert stage.door.asked == [("list", 500, ""), ("watch", "5"), ("watch", "8")]
    assert stage.statuses() == ["in_progress", "completed"]
    assert all(stream.closed for stream in stage.door.streams)


def test_an_expired_version_leads_to_a_new_list_and_what_is_held_is_stale_meanwhile() -> None:
    stage = Stage([page(5, "a"), page(50, "b")], [errors.Expired("too old", code=410), [2.0]])

    stage.play()

    assert stage.told() == [("initial", ["a"]), ("relist", ["b"])]
    assert stage.statuses() == ["in_progress", "completed", "stale", "completed"]
    assert 0.8 <= stage.waits[0] < 1.6


def test_a_server_that_is_away_is_waited_for_and_its_return_needs_no_list() -> None:
    gone = errors.Unreachable("connection refused")
    stage = Stage([page(5, "a")], [[errors.ConnectionLost("reset")], gone, gone, [[event("ADDED", "b", 6)]]])

    stage.play()

    assert stage.told() == [("initial", ["a"]), [("ADDED", "b")]]
    assert stage.statuses() == ["in_progress", "completed", "stale", "completed"]
    assert stage.reports[-2].error == "connection refused"


def test_a_list_that_fails_says_why_and_is_tried_again() -> None:
    stage = Stage([errors.Unavailable("starting", code=503, retry_after=5), page(5, "a")], [])

    stage.play()

    assert stage.statuses() == ["in_progress", "failed", "completed"]
    assert stage.waits[0] == 5
    assert stage.reports[1].error == "starting"


def test_what_is_not_served_is_absent_and_known_to_be_empty() -> None:
    stage = Stage([errors.NotFound("404 page not found", code=404), page(5, "a")], [])

    stage.play()

    assert stage.told() == [("absent", []), ("relist", ["a"])]
    assert stage.statuses() == ["in_progress", "absent", "completed"]
    assert 20 <= stage.waits[0] < 40


def test_what_is_refused_twice_a_minute_apart_is_let_go() -> None:
    refused = errors.Forbidden("no", code=403)
    stage = Stage([page(5, "a"), refused, refused, page(9, "b")], [refused])

    stage.play()

    assert stage.told() == [("initial", ["a"]), ("forbidden", []), ("relist", ["b"])]
    assert stage.statuses() == ["in_progress", "completed", "forbidden", "completed"]


def test_what_is_refused_once_stays() -> None:
    stage = Stage([page(5, "a"), page(5, "a")], [errors.Forbidden("no", code=403), [[event("ADDED", "b", 6)]]])

    stage.play()

    assert stage.told() == [("initial", ["a"]), ("relist", ["a"]), [("ADDED", "b")]]
    assert stage.statuses() == ["in_progress", "completed", "forbidden", "completed"]


def test_what_was_restored_and_is_refused_twice_a_minute_apart_is_let_go() -> None:
    refused = errors.Forbidden("no", code=403)
    stage = Stage([refused, refused, refused, page(9, "b")], [], held=True)

    stage.play()

    assert stage.told() == [("forbidden", []), ("relist", ["b"])]
    assert stage.statuses() == ["in_progress", "forbidden", "completed"]


def test_nothing_is_counted_of_what_was_restored_before_it_is_listed() -> None:
    stage = Stage([errors.Unavailable("starting", code=503), page(5, "a", "b")], [], held=True)

    stage.play()

    assert [(each.status, each.count) for each in stage.reports] == [
        ("in_progress", 0),
        ("stale", None),
        ("completed", 2),
    ]
    assert stage.reports[1].error == "starting"


def test_a_safety_list_that_shows_the_same_is_no_drift() -> None:
    stage = Stage([page(5, "a"), page(5, "a")], [[1000.0]])

    stage.play()

    assert stage.told() == [("initial", ["a"]), ("safety", ["a"])]
    assert stage.value("drift_total") == 0
    assert stage.value("relists_total", reason="safety") == 1


def test_a_safety_list_that_shows_something_else_is_drift_and_mended() -> None:
    other = Page((thing("a", 3), thing("lost", 4)), "5")
    stage = Stage([page(5, "a", "ghost"), other], [[1000.0]])

    stage.play()

    assert stage.told()[-1] == ("safety", ["a", "lost"])
    assert stage.value("drift_total") == 3


def test_a_server_that_went_back_in_time_begins_an_epoch() -> None:
    stage = Stage([page(500, "a"), page(50, "b")], [errors.Expired("gone", code=410)])

    stage.play()

    assert stage.told() == [("initial", ["a"]), ("epoch", ["b"])]
    assert stage.value("epoch") == 1


def test_a_reader_that_is_slow_holds_the_watch_up_and_loses_nothing() -> None:
    order: list[str] = []
    stage = Stage(
        [page(5)], [[lambda: order.append("read") or [event("ADDED", "b", 6)], lambda: order.append("read") or ()]]
    )
    stage.reflector._deliver = lambda _: order.append("delivered")

    stage.play()

    assert order == ["delivered", "read", "delivered", "read"]


def test_a_greenlet_that_is_ended_leaves_no_connection_behind() -> None:
    stage = Stage([page(5)], [[KeyboardInterrupt()]])

    with pytest.raises(KeyboardInterrupt):
        stage.play()

    assert stage.door.streams[0].closed


def test_the_first_list_and_the_first_watch_wait_for_their_turn() -> None:
    order: list[str] = []

    class Gate:
        @contextmanager
        def listing(self) -> Iterator[None]:
            order.append("in")
            yield
            order.append(f"out {len(stage.delivered)}")

        def watching(self) -> None:
            order.append(f"watch {len(stage.door.asked)}")

    stage = Stage([page(5, "a", token="2"), page(5, "b")], [[errors.ConnectionLost("reset")]], admission=Gate())

    stage.play()

    assert order == ["in", "out 1", "watch 2"]


def test_a_first_list_that_fails_ends_its_turn() -> None:
    order: list[str] = []

    class Gate:
        @contextmanager
        def listing(self) -> Iterator[None]:
            order.append("in")
            yield
            order.append("out")

        def watching(self) -> None:
            order.append("watch")

    stage = Stage([errors.Unavailable("no"), page(5)], [], admission=Gate())

    stage.play()

    assert order == ["in", "out", "watch"]


def test_fields_that_cannot_be_read_are_noticed() -> None:
    fault = Fault("default", "a", "spec.rules", "is a number, and a list is wanted")
    heard: list[Fault] = []
    stage = Stage([Page((thing("a"),), "5", "", (fault,))], [], notice=heard.append)

    stage.play()

    assert heard == [fault]
    assert stage.value("decode_errors_total") == 1


def test_the_log_says_each_change_of_state_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="portal.kube")
    gone = errors.Unreachable("connection refused")
    stage = Stage([page(5)], [[errors.ConnectionLost("reset")], gone, gone, [[event("ADDED", "b", 6)]]])

    stage.play()

    assert [record.getMessage() for record in caplog.records] == [
        "Starting watch for Thing in all namespaces",
        "Listed resource=Thing objects=0",
        "Successfully started watch for Thing",
        "Watch closed for Thing with error error=reset",
        "The API server cannot be reached why=connection refused",
        "The API server answers again",
        "Successfully started watch for Thing",
    ]


def test_an_outage_at_the_start_is_said_once_for_all_and_for_each_only_what_differs(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, logger="portal.kube")
    outage = Outage(lambda: 200, pause=lambda stop, _: stop.set())  # it is over for each as soon as it waits
    for why in ("connection refused", "connection refused", "not resolved"):
        Stage([errors.Unreachable(why)], [], outage=outage).play()

    Stage([page(5)], [], outage=outage).play()
    Stage([page(5)], [], outage=outage).play()

    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == [
        "The API server cannot be reached why=connection refused",
        "Listing failed, trying again resource=Thing why=not resolved",
    ]
    assert caplog.messages.count("The API server answers again") == 1


def test_a_server_that_answers_again_but_not_well_is_said_by_each(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="portal.kube")
    gone, unknown_to_it = errors.Unreachable("connection refused"), errors.Unauthorized("who are you", code=401)
    stage = Stage([gone, unknown_to_it, unknown_to_it, page(5)], [])

    stage.play()

    assert [record.getMessage() for record in caplog.records] == [
        "Starting watch for Thing in all namespaces",
        "The API server cannot be reached why=connection refused",
        "The API server answers again",
        "Listing failed, trying again resource=Thing why=who are you",
        "Listed resource=Thing objects=0",
        "Successfully started watch for Thing",
    ]


def test_a_server_that_is_away_is_no_news_of_what_it_does_not_serve(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="portal.kube")
    missing, gone = errors.NotFound("404 page not found", code=404), errors.Unreachable("connection refused")
    stage = Stage([missing, gone, gone, missing, page(5, "a")], [])

    stage.play()

    assert [(each.status, each.error) for each in stage.reports[:3]] == [
        ("in_progress", None),
        ("absent", "404 page not found"),
        ("completed", None),
    ]
    assert stage.value("errors_total", code="Unreachable") == 2
    assert [record.getMessage() for record in caplog.records][1:2] == [
        "Not served by this cluster, waiting for it resource=Thing why=404 page not found"
    ]
    assert [each.getMessage() for each in caplog.records if each.levelno >= logging.WARNING] == [
        "The API server cannot be reached why=connection refused"
    ]


def test_a_namespace_is_named_in_the_log_and_in_the_status(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="portal.kube")
    stage = Stage([page(5)], [], namespace="media")

    stage.play()

    assert caplog.records[0].getMessage() == "Starting watch for Thing in namespace media"
    assert stage.reports[0].name == "Thing in media"


def test_the_status_knows_when_the_server_was_last_heard() -> None:
    stage = Stage([page(5, "a")], [[3.0, [event("ADDED", "b", 6)], 4.0]])

    stage.play()
    status = stage.reflector.status()

    assert (status.status, status.count, status.resource_version) == ("completed", 2, "6")
    assert stage.seconds >= 7
    assert stage.value("staleness_seconds") == 0.0 or status.last_contact is not None


def test_events_are_counted_by_type() -> None:
    events = [event("ADDED", "b", 6), event("MODIFIED", "b", 7), event("MODIFIED", "b", 8), event("MODIFIED", "b", 8)]
    stage = Stage([page(5)], [[events, [event("DELETED", "b", 9)]]])

    stage.play()

    assert stage.value("watch_events_total", type="MODIFIED") == 2
    assert stage.value("watch_events_total", type="DELETED") == 1
    assert stage.value("duplicates_dropped_total") == 1
    assert stage.value("state", state="completed") == 1
    assert stage.value("last_resource_version") == 9


def test_a_burst_gives_way_every_few_milliseconds() -> None:
    ways: list[float] = []
    stage = Stage([page(5)], [[0.001] * 12], give_way=lambda _: ways.append(stage.seconds))

    stage.play()

    assert ways[:4] == pytest.approx([0.003, 0.006, 0.009, 0.012])
