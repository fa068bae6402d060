"""What a replica makes of what others say, and of reasons to ask that come and go."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import gevent
import pytest

from portal.availability.results import Result
from portal.availability.scheduler import Scheduler
from portal.catalog.state import Catalog
from portal.model import utc_now
from portal.runtime.crew import Crew
from portal.runtime.replicas import HOLDING, Replicas
from portal.stream.events import STATUS_CHANGED, Event


@pytest.fixture
def crew() -> Iterator[Crew]:
    crew = Crew()
    yield crew
    crew.disband(0.1)


@pytest.fixture
def scheduler(crew: Crew) -> Scheduler:
    return Scheduler(lambda _target: Result(outcome="up"), lambda _verdicts: None, crew.errand)


@pytest.fixture
def replicas(crew: Crew, scheduler: Scheduler) -> Replicas:
    replicas = Replicas(crew, Catalog(lambda _changes: None), scheduler)
    replicas.asks = False
    return replicas


@pytest.mark.parametrize(
    ("data", "channel"),
    [
        (b'"a text of an application"', "sse:sse"),
        (b'{"changes":[{"id":"a","available":true,"health":{"state":"up"}}]}', "sse:sse"),
        (b'{"changes":[{"id":"a","available":true,"health":{"state":"of a later version"}}]}', ""),
        (b'{"changes":[{"id":"\xff"}]}', ""),
    ],
    ids=["another channel", "another channel alike", "another version", "no text"],
)
def test_only_what_another_portal_found_is_heard(replicas: Replicas, data: bytes, channel: str) -> None:
    replicas.hear(Event(type=STATUS_CHANGED, timestamp=utc_now(), data=data, channel=channel))

    assert replicas._heard == {}


def test_a_reason_to_ask_that_comes_while_another_goes_counts(
    replicas: Replicas, scheduler: Scheduler, crew: Crew
) -> None:
    replicas._turn(HOLDING, holds=True)
    gevent.sleep(0.01)

    going = gevent.spawn(replicas._turn, HOLDING, holds=False)
    coming = gevent.spawn(partial(replicas._turn, "the broker is away", holds=True))
    gevent.joinall([going, coming])
    gevent.sleep(0.01)

    assert replicas.asks
    assert not scheduler._register.is_silent
    assert not crew.failed.is_set()
