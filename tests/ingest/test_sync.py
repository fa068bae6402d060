from __future__ import annotations

import threading
from copy import copy
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from portal.ingest.sync import SyncTracker
from portal.model import ResourceStatus, SyncStatus

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


class World:
    """Resources whose states a test sets, and a clock that a test turns."""

    def __init__(self, *names: str) -> None:
        self.now = NOON
        self.announced: list[SyncStatus] = []
        self.states = {name: ResourceStatus(name=name, status="pending") for name in names}
        self.tracker = SyncTracker(self.announced.append, lambda: self.now)
        for name in names:
            self.tracker.follow(name, lambda name=name: self.states[name])

    def begin(self) -> None:
        self.tracker.start()
        self.tracker.cleaned()

    def set(self, name: str, status: str, **values: object) -> None:
        self.states[name] = ResourceStatus(name=name, status=status, **values)
        self.tracker.report(self.states[name])


class OnceAround(threading.Event):
    """Stops who waits for the first time, and knows for how long that would have been."""

    def __init__(self) -> None:
        super().__init__()
        self.waited: list[float | None] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.waited.append(timeout)
        self.set()
        return True


@pytest.fixture
def world() -> World:
    return World("Ingress", "Route")


def test_nothing_is_claimed_before_the_start(world: World) -> None:
    status = world.tracker.status()

    assert (status.status, status.total_resources, status.synced_resources) == ("not_started", 2, 0)


def test_it_is_completed_when_every_resource_is_listed_absent_or_refused(world: World) -> None:
    world.begin()
    world.set("Ingress", "in_progress", count=500)
    halfway = world.tracker.status()
    world.set("Ingress", "completed", count=700)
    world.now += timedelta(seconds=2)
    world.set("Route", "absent")

    whole = world.tracker.status()

    assert (halfway.status, halfway.current_resource, halfway.synced_resources) == ("in_progress", "Ingress", 0)
    assert (whole.status, whole.step, whole.synced_resources, whole.duration_ms) == ("completed", "done", 2, 2000)
    assert [run.count for run in whole.history] == [700]


def test_what_is_shown_from_before_the_restart_is_news_until_it_is_confirmed(world: World) -> None:
    world.begin()
    world.set("Ingress", "completed")
    world.set("Route", "forbidden")
    before = world.tracker.version

    world.tracker.restored(NOON)
    world.tracker.restored(NOON)
    restored = world.tracker.status()
    world.tracker.restored(None)

    assert (restored.status, restored.restored) == ("completed", NOON)
    assert world.tracker.status().restored is None
    assert world.tracker.version == before + 2


def test_a_resource_that_becomes_stale_was_listed_all_the_same(world: World) -> None:
    world.begin()
    world.set("Ingress", "completed")
    world.set("Route", "completed")

    world.set("Route", "stale", last_contact=NOON - timedelta(seconds=40), error="connection refused")

    status = world.tracker.status()
    assert status.status == "completed"
    assert [each.stale_seconds for each in status.resource_status] == [None, 40]
    assert world.tracker.ready


def test_it_failed_only_when_nothing_could_be_listed(world: World) -> None:
    world.begin()
    world.set("Ingress", "failed", error="connection refused")
    one = world.tracker.status().status
    world.set("Route", "failed", error="connection refused")

    both = world.tracker.status()

    assert one == "in_progress"
    assert (both.status, both.error) == ("failed", "connection refused")
    assert not world.tracker.ready


@pytest.mark.parametrize(
    ("ingress", "route", "whole"),
    [
        ("forbidden", "forbidden", ("completed", "done", 2, True, None)),
        ("absent", "absent", ("completed", "done", 2, True, None)),
        ("absent", "forbidden", ("completed", "done", 2, True, None)),
        ("forbidden", "failed", ("failed", "informer", 1, False, "Route is failed")),
        ("absent", "failed", ("failed", "informer", 1, False, "Route is failed")),
        ("failed", "absent", ("failed", "informer", 1, False, "Ingress is failed")),
        ("absent", "stale", ("failed", "informer", 1, False, "Route is stale")),
        ("forbidden", "pending", ("in_progress", "sync", 1, False, None)),
        ("failed", "in_progress", ("in_progress", "sync", 0, False, None)),
        ("completed", "failed", ("in_progress", "informer", 1, False, None)),
        ("completed", "forbidden", ("completed", "done", 2, True, None)),
    ],
)
def test_the_whole_follows_from_what_became_of_each(
    world: World, ingress: str, route: str, whole: tuple[object, ...]
) -> None:
    world.begin()
    world.set("Ingress", ingress, error=f"Ingress is {ingress}")
    world.set("Route", route, error=f"Route is {route}")

    status = world.tracker.status()

    assert (status.status, status.step, status.synced_resources, world.tracker.ready, status.error) == whole


def test_what_is_shown_from_before_the_restart_does_not_count_as_listed(world: World) -> None:
    world.begin()
    world.set("Ingress", "stale", error="connection refused")
    world.set("Route", "failed", error="connection refused")

    status = world.tracker.status()

    assert (status.status, status.synced_resources) == ("failed", 0)
    assert not world.tracker.ready


def test_readiness_stays_when_a_new_namespace_has_still_to_be_listed(world: World) -> None:
    world.begin()
    world.set("Ingress", "completed")
    world.set("Route", "completed")

    world.states["Ingress in b"] = ResourceStatus(name="Ingress in b", status="pending")
    world.tracker.follow("Ingress in b", lambda: world.states["Ingress in b"])

    assert world.tracker.status().status == "in_progress"
    assert world.tracker.ready


def test_a_resource_that_is_no_longer_enabled_does_not_count(world: World) -> None:
    world.begin()
    world.set("Ingress", "completed")

    world.tracker.forget("Route")

    assert world.tracker.status().status == "completed"


def test_the_version_grows_with_states_and_not_with_counts(world: World) -> None:
    world.begin()
    world.set("Ingress", "in_progress", count=1)
    before = world.tracker.version

    world.set("Ingress", "in_progress", count=500)

    assert world.tracker.version == before
    world.set("Ingress", "completed", count=700)
    assert world.tracker.version > before


def test_the_steps_are_what_is_under_way() -> None:
    world = World()
    steps = [world.tracker.step]
    for name in ("Ingress", "Route"):
        world.states[name] = ResourceStatus(name=name, status="pending")
        world.tracker.follow(name, lambda name=name: world.states[name], watched=True)
    world.tracker.start()
    steps.append(world.tracker.step)

    world.tracker.cleaned()
    steps.append(world.tracker.step)
    world.set("Ingress", "completed")
    steps.append(world.tracker.step)
    world.set("Route", "forbidden", error="not for you")
    steps.append(world.tracker.step)
    world.tracker.watching("Ingress")
    steps.append(world.tracker.step)

    assert steps == ["cleanup", "cleanup", "sync", "sync", "informer", "done"]


def test_readiness_needs_no_watch_but_the_end_does() -> None:
    world = World()
    world.states["Ingress"] = ResourceStatus(name="Ingress", status="pending")
    world.tracker.follow("Ingress", lambda: world.states["Ingress"], watched=True)
    world.begin()

    world.set("Ingress", "completed")

    assert world.tracker.ready
    assert (world.tracker.status().status, world.tracker.status().end_time) == ("in_progress", None)


def test_a_list_that_failed_is_waited_for_but_no_longer_the_first(world: World) -> None:
    world.begin()
    world.set("Ingress", "completed", count=1)

    world.set("Route", "failed", error="connection refused")

    assert (world.tracker.status().status, world.tracker.step, world.tracker.ready) == (
        "in_progress",
        "informer",
        False,
    )


def test_nothing_to_follow_is_done_at_once() -> None:
    world = World()

    world.begin()

    assert (world.tracker.status().status, world.tracker.step, world.tracker.ready) == ("completed", "done", True)


def test_each_synchronisation_is_remembered_with_its_own_duration(world: World) -> None:
    world.begin()
    world.set("Ingress", "completed", count=3)
    world.now += timedelta(seconds=2)
    world.set("Route", "completed", count=4)
    world.now += timedelta(hours=1)

    world.states["Ingress in b"] = ResourceStatus(name="Ingress in b", status="pending")
    world.tracker.follow("Ingress in b", lambda: world.states["Ingress in b"])
    world.now += timedelta(seconds=1)
    world.set("Ingress in b", "completed", count=1)

    history = world.tracker.status().history
    assert [(run.duration_ms, run.count) for run in history] == [(2000, 7), (1000, 8)]


def test_a_last_word_of_a_resource_that_is_no_longer_followed_counts_for_nothing(world: World) -> None:
    world.begin()
    world.set("Ingress", "completed")
    world.tracker.forget("Route")

    world.set("Route", "stale", error="connection refused")

    status = world.tracker.status()
    assert (status.status, status.total_resources, status.synced_resources) == ("completed", 1, 1)


@pytest.mark.parametrize(("resources", "seconds"), [(8, 0.1), (8000, 8.0)])
def test_the_more_each_status_holds_the_more_seldom_it_is_announced(resources: int, seconds: float) -> None:
    announced: list[SyncStatus] = []
    tracker = SyncTracker(announced.append)
    for number in range(resources):
        status = ResourceStatus(name=f"kind-{number}", status="pending")
        tracker.follow(status.name, partial(copy, status))
    stop = OnceAround()

    tracker.run(stop)

    assert (len(announced), stop.waited) == (1, [seconds])
