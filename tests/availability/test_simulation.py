"""2,000 URLs over a day of virtual time: how soon failures and recoveries are seen, and what that costs."""

from __future__ import annotations

import random

import pytest

from portal.availability.targets import CheckOptions
from tests.availability.simulation import Day, simulated_day

pytestmark = pytest.mark.timeout(300)  # it computes for half a minute where nobody else does
INTERVAL = 300.0  # a minute's interval takes a minute of computing: `python -m tests.bench.availability` does that


@pytest.fixture(scope="module")
def day() -> Day:
    return simulated_day(2000, CheckOptions(interval=INTERVAL), random.Random(7))


def test_every_failure_and_every_recovery_is_seen(day: Day) -> None:
    assert len(day.detections) > 500
    assert day.missed == 0


def test_a_failure_is_seen_within_an_interval_and_its_confirmation(day: Day) -> None:
    assert day.detection(0.5) < INTERVAL * 0.65
    assert day.detection(0.99) < INTERVAL + 15


def test_a_recovery_is_seen_sooner_than_an_interval(day: Day) -> None:
    assert day.recovery(0.5) < INTERVAL * 0.6
    assert day.recovery(0.99) < INTERVAL + 10


def test_the_day_costs_little_more_than_a_check_per_interval(day: Day) -> None:
    assert day.requests < 2000 * 86_400 / INTERVAL * 1.05


def test_there_are_never_more_in_flight_than_allowed(day: Day) -> None:
    assert day.most_in_flight <= 50
    assert day.most_per_host == 1
