from __future__ import annotations

import pytest

from portal.demo.manifests import Manifests
from portal.demo.script import Theatre, script
from portal.sources import SOURCES


class Clock:
    """Time that passes only by waiting, and a stop that is set after so many waits."""

    def __init__(self, waits: int) -> None:
        self.now = 0.0
        self.left = waits
        self.moments: list[float] = []

    def __call__(self) -> float:
        return self.now

    def is_set(self) -> bool:
        return self.left <= 0

    def wait(self, seconds: float) -> bool:
        self.now += seconds
        self.moments.append(self.now)
        self.left -= 1
        return self.is_set()


@pytest.fixture
def paper() -> Manifests:
    return Manifests()


def test_the_loop_is_shorter_than_a_minute_and_something_changes_within_ten_seconds() -> None:
    told = script()

    assert told.seconds <= 60
    assert told.steps[0].at <= 10
    assert [step.at for step in told.steps] == sorted(step.at for step in told.steps)


def test_the_script_shows_every_source(paper: Manifests) -> None:
    Theatre(script(), paper)

    kinds = {kind for kind, _ in paper.everything()}
    assert {(source.resources[0].group, source.resources[0].kind) for source in SOURCES} == kinds


def test_applications_appear_change_fail_recover_and_go(paper: Manifests) -> None:
    theatre = Theatre(script(), paper)
    before = set(paper.everything())
    seen = set()
    failed = set()

    for step in script().steps:
        theatre.perform(step)
        seen |= set(paper.everything())
        failed |= {host for host, status in theatre.answers.items() if status >= 500}

    assert seen > before
    assert set(paper.everything()) == before
    assert failed
    assert all(status == 200 for status in theatre.answers.values())


def test_each_loop_begins_where_the_first_began(paper: Manifests) -> None:
    theatre = Theatre(script(), paper)
    begun = {kind: paper.of(kind).keys() for kind, _ in paper.everything()}
    for step in script().steps[:4]:
        theatre.perform(step)

    theatre.rewind()

    assert {kind: paper.of(kind).keys() for kind, _ in paper.everything()} == begun
    assert not theatre.answers


def test_steps_come_at_their_moments(paper: Manifests) -> None:
    clock = Clock(waits=len(script().steps) + 1)
    theatre = Theatre(script(), paper, clock)

    theatre.run(clock)  # type: ignore[arg-type] # a stop that turns the clock

    assert clock.moments == [*(step.at for step in script().steps), script().seconds]
