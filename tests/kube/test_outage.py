"""While an API server is away one asks for all; when it is back, everybody goes on."""

from __future__ import annotations

import logging
import threading
from collections import deque

import pytest

from portal.kube.errors import ConnectionLost, Forbidden, KubeError, Unauthorized, Unavailable, Unreachable
from portal.kube.outage import Outage


class World:
    """A server that answers what is laid out, and a clock that moves when somebody waits."""

    def __init__(self, *answers: int | None) -> None:
        self.answers = deque(answers)
        self.seconds = 0.0
        self.probed: list[float] = []
        self.outage = Outage(self.probe, clock=lambda: self.seconds, pause=self.pause, chance=lambda: 0.5)

    def probe(self) -> int:
        self.probed.append(self.seconds)
        answer = self.answers.popleft()
        if answer is None:
            raise Unreachable("refused")
        return answer

    def pause(self, stop: threading.Event, seconds: float) -> None:
        del stop
        self.seconds += seconds


def test_it_is_asked_every_one_to_two_seconds_until_it_answers() -> None:
    world = World(None, None, 200)

    world.outage.wait(threading.Event())

    assert [round(each, 2) for each in world.probed] == [1.15, 2.3, 3.45]
    assert world.seconds - world.probed[-1] <= 1.0


def test_any_answer_but_that_of_a_starting_server_will_do() -> None:
    world = World(401)

    world.outage.wait(threading.Event())

    assert len(world.probed) == 1


def test_a_server_that_starts_is_given_time_but_not_for_ever() -> None:
    world = World(*[500] * 30)

    world.outage.wait(threading.Event())

    assert 10 <= world.probed[-1] - world.probed[0] < 12


def test_a_stopped_waiter_goes_at_once() -> None:
    world = World()
    stop = threading.Event()
    stop.set()

    world.outage.wait(stop)

    assert world.probed == []


def test_one_asks_for_all() -> None:
    asked = threading.Event()
    let_go = threading.Event()
    count: list[int] = []

    def probe() -> int:
        count.append(1)
        asked.set()
        let_go.wait(5)
        return 200

    outage = Outage(probe, pause=lambda _, __: None)
    waiters = [threading.Thread(target=outage.wait, args=(threading.Event(),)) for _ in range(5)]
    [waiter.start() for waiter in waiters]
    asked.wait(5)
    let_go.set()
    [waiter.join(5) for waiter in waiters]

    assert count == [1]
    assert not any(waiter.is_alive() for waiter in waiters)


def test_when_the_one_who_asks_is_stopped_another_takes_over() -> None:
    stop_first = threading.Event()
    asked = threading.Event()
    answers: deque[int | None] = deque([None, 200])

    def probe() -> int:
        answer = answers.popleft()
        asked.set()
        if answer is None:
            stop_first.set()
            raise Unreachable("refused")
        return answer

    outage = Outage(probe, pause=lambda _, __: None)
    first = threading.Thread(target=outage.wait, args=(stop_first,))
    second = threading.Thread(target=outage.wait, args=(threading.Event(),))
    first.start()
    asked.wait(5)
    second.start()
    first.join(5)
    second.join(5)

    assert not answers
    assert not second.is_alive()


def test_an_outage_is_said_once_with_its_first_reason_and_that_it_is_over(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="portal.kube.outage")
    outage = Outage(lambda: 200)
    outage.heard()

    said = [outage.heard(Unreachable(why)) for why in ("refused", "refused", "timed out", "refused")]
    outage.heard()
    outage.heard()

    assert said == [True, True, False, True]
    assert caplog.messages == ["The API server cannot be reached why=refused", "The API server answers again"]


@pytest.mark.parametrize(
    ("error", "is_over"),
    [
        (Forbidden("no"), True),
        (Unauthorized("who are you"), True),
        (ConnectionLost("reset"), False),
        (Unavailable("bad gateway"), False),
    ],
)
def test_an_answer_that_says_no_is_one_too(error: KubeError, is_over: bool, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="portal.kube.outage")
    outage = Outage(lambda: 200)
    outage.heard(Unreachable("refused"))

    assert not outage.heard(error)

    assert ("The API server answers again" in caplog.messages) == is_over
