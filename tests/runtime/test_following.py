"""What is followed, and what is said of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from prometheus_client import generate_latest

from portal.ingest.intake import Feed
from portal.ingest.startup import Startup, stages
from portal.kube.errors import Forbidden
from portal.kube.listwatch import Page
from portal.model import ResourceStatus
from portal.runtime.crew import Crew
from portal.sources.ingress import INGRESS
from portal.sources.source import MappingOptions
from tests.catalog.entries import application
from tests.ingest.ingresses import ingress
from tests.runtime.stage import NOON, Stage

FEED = Feed(INGRESS, MappingOptions(only_annotated=False))
OTHER = Feed(INGRESS, MappingOptions(only_annotated=False, default_protocol="https"))
SLACK = timedelta(milliseconds=1)  # a reflector measures on two clocks
SAVED = NOON - timedelta(minutes=5)
WAYS = pytest.mark.parametrize("way", ["watch Ingress", "list Ingress"])


def restored(way: str, **answers: Any) -> Stage:
    """Return a stage on which an Ingress of before the restart is shown and its kind is followed."""
    stage = Stage(lists=2 if way == "watch Ingress" else 1, **answers)
    stage.catalog.replace(FEED.scope, [application("shop")])
    stage.following.ages.restore({FEED.scope: SAVED})
    follow(stage, way, FEED)
    return stage


def followed(way: str, feed: Feed, **answers: Any) -> Stage:
    """Return a stage on which a feed is followed and nothing is shown."""
    stage = Stage(lists=2 if way == "watch Ingress" else 1, **answers)
    follow(stage, way, feed)
    return stage


def follow(stage: Stage, way: str, feed: Feed) -> None:
    if way == "watch Ingress":
        stage.following.watch([feed], Startup(()))
    else:
        stage.following.list_on_demand([feed], 0.001)


def status(stage: Stage) -> ResourceStatus:
    return stage.tracker.status().resource_status[0]


@WAYS
def test_a_restored_source_that_cannot_be_listed_is_as_old_as_when_it_was_saved(way: str) -> None:
    stage = restored(way)

    stage.run(way)

    assert status(stage).status == "stale"
    assert (status(stage).last_contact, status(stage).stale_seconds) == (SAVED, 300)


@WAYS
def test_what_a_list_has_confirmed_is_no_longer_as_old(way: str) -> None:
    stage = restored(way, Ingress=Page((ingress("shop"),), "7", ""))

    stage.run(way)

    assert status(stage).last_contact not in (None, SAVED)


@WAYS
def test_what_is_followed_anew_is_as_old_as_it_was_until_it_is_listed(way: str) -> None:
    stage = followed(way, FEED, Ingress=Page((ingress("shop"),), "7", ""))
    stage.run(way)
    before, stage.answers = datetime.now(UTC), {}

    follow(stage, way, OTHER)
    stage.run(way)
    follow(stage, way, FEED)
    stage.run(way)

    stale = status(stage)
    assert (stale.status, stale.stale_seconds is not None) == ("stale", True)
    assert stale.last_contact is not None
    assert before - timedelta(seconds=5) < stale.last_contact < before + SLACK


@WAYS
def test_what_is_followed_anew_and_listed_is_as_new_as_its_list(way: str) -> None:
    stage = followed(way, FEED, Ingress=Page((ingress("shop"),), "7", ""))
    stage.run(way)
    follow(stage, way, OTHER)
    before = datetime.now(UTC)

    stage.run(way)

    contact = status(stage).last_contact
    assert contact is not None
    assert contact > before - SLACK


@WAYS
def test_what_is_followed_anew_and_shows_nothing_is_as_new_as_at_the_start(way: str) -> None:
    stage = followed(way, FEED, Ingress=Page((), "7", ""))
    stage.run(way)

    stage.answers = {}
    follow(stage, way, OTHER)
    stage.run(way)

    assert (status(stage).status, status(stage).last_contact) == ("failed", None)


@WAYS
@pytest.mark.parametrize(
    ("answers", "moment"),
    [
        ({}, SAVED),
        ({"Ingress": Forbidden("not for you", code=403)}, SAVED),
        ({"Ingress": Page((ingress("shop"),), "7", "")}, None),
    ],
    ids=["away", "refused once", "listed"],
)
def test_what_is_shown_is_restored_until_it_is_confirmed(way: str, answers: Any, moment: Any) -> None:
    stage = restored(way, **answers)

    stage.run(way)

    assert stage.tracker.status().restored == moment
    assert len(stage.catalog.entries(FEED.scope)) == 1


@WAYS
def test_what_is_no_longer_wanted_is_no_longer_restored(way: str) -> None:
    stage = restored(way)

    stage.following.watch([], Startup(()))

    assert stage.tracker.status().restored is None


class Reluctant(Crew):
    """A crew of whom nobody leaves at once when told to; `most` is how many were leaving at the same time."""

    def __init__(self) -> None:
        super().__init__()
        self.leaving = self.most = 0

    def start(self, name: str, run: Callable[[threading.Event], None], *, at_once: bool = False) -> Callable[[], None]:
        del run, at_once
        return super().start(name, self._linger)

    def _linger(self, stop: threading.Event) -> None:
        stop.wait()
        self.leaving += 1
        self.most = max(self.most, self.leaving)
        time.sleep(0.01)
        self.leaving -= 1


def in_namespaces(number: int) -> list[Feed]:
    return [Feed(INGRESS, MappingOptions(), namespace=f"team-{each}") for each in range(number)]


def test_watches_that_are_no_longer_wanted_end_side_by_side() -> None:
    crew = Reluctant()
    stage = Stage(roll=crew)
    stage.following.watch(in_namespaces(20), Startup(()))
    stage.following.watch_endpoints([feed.namespace for feed in in_namespaces(20)], lambda *_: None)

    stage.following.watch([], Startup(()))
    most, crew.most = crew.most, 0
    stage.following.watch_endpoints([], lambda *_: None)

    assert (most, crew.most) == (20, 20)
    assert crew.names() == ()


@WAYS
def test_namespaces_that_come_and_go_leave_nothing_behind(way: str) -> None:
    stage = Stage(lists=2 if way == "watch Ingress" else 1, Ingress=Page((ingress("shop"),), "7", ""))
    before = generate_latest(stage.registry)

    for feed in in_namespaces(3):
        follow(stage, way, feed)
        stage.run(f"{way} in {feed.namespace}")
    stage.following.watch([], Startup(()))

    assert generate_latest(stage.registry) == before
    assert stage.catalog._scopes == {}


@WAYS
def test_who_follows_anew_knows_what_was_taken_before(way: str) -> None:
    stage = followed(way, FEED, Ingress=Page((ingress("shop"),), "7", ""))
    stage.run(way)

    follow(stage, way, OTHER)

    assert stage.following._followed[FEED.scope].intake.keys() == {("default", "shop")}


def test_who_waits_for_the_end_of_a_wider_watch_holds_nobody_up() -> None:
    stage = Stage()
    stage.following.watch([FEED], Startup(()))
    narrow = in_namespaces(2)
    startup = Startup(stages("sequential", 1, [feed.title for feed in narrow]))

    stage.following.watch(narrow, startup, only=False)

    assert stage.roll.runs.keys() == {"watch Ingress"}
    assert startup.listed
