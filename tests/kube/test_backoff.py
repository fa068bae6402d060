"""Delays grow as client-go's do, and requests pass as a bucket lets them."""

from __future__ import annotations

import pytest

from portal.kube.backoff import Backoff, BackoffOptions
from portal.kube.limits import TokenBucket

OPTIONS = BackoffOptions()


@pytest.mark.parametrize(
    ("failures", "shortest"), [(0, 0.8), (1, 1.6), (2, 3.2), (3, 6.4), (4, 12.8), (5, 25.6), (6, 30), (500, 30)]
)
def test_each_delay_is_twice_the_one_before_up_to_the_cap(failures: int, shortest: float) -> None:
    _, least = Backoff(failures, 100.0).next(100.0, 0.0, OPTIONS)
    _, most = Backoff(failures, 100.0).next(100.0, 0.999, OPTIONS)

    assert least == pytest.approx(shortest)
    assert least < most < 2 * shortest


def test_two_minutes_of_peace_reset_it() -> None:
    backoff, delay = Backoff(6, 100.0).next(220.1, 0.0, OPTIONS)

    assert delay == pytest.approx(0.8)
    assert backoff == Backoff(1, 220.1)


def test_less_peace_does_not() -> None:
    backoff, delay = Backoff(6, 100.0).next(219.9, 0.0, OPTIONS)

    assert delay == 30
    assert backoff.failures == 7


class Clock:
    """A clock that moves when somebody waits."""

    def __init__(self) -> None:
        self.seconds = 50.0
        self.waits: list[float] = []

    def __call__(self) -> float:
        return self.seconds

    def pause(self, seconds: float) -> None:
        self.waits.append(round(seconds, 3))
        self.seconds += seconds


def test_a_burst_passes_at_once_and_then_so_many_a_second() -> None:
    clock = Clock()
    bucket = TokenBucket(5, 10, clock=clock, pause=clock.pause)

    [bucket.take() for _ in range(15)]

    assert clock.waits == [0.2] * 5


def test_a_bucket_fills_again_and_not_beyond_its_rim() -> None:
    clock = Clock()
    bucket = TokenBucket(5, 10, clock=clock, pause=clock.pause)
    [bucket.take() for _ in range(10)]
    clock.seconds += 1000

    [bucket.take() for _ in range(11)]

    assert clock.waits == [0.2]
