from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator

import pytest

from portal.runtime.crew import Crew


@pytest.fixture
def crew() -> Iterator[Crew]:
    crew = Crew()
    yield crew
    crew.disband(0.1)


def test_everybody_is_told_to_stop_and_does(crew: Crew) -> None:
    ended: list[str] = []

    def run(stop: threading.Event) -> None:
        stop.wait()
        ended.append("polite")

    crew.start("polite", run)
    crew.disband(5)

    assert ended == ["polite"]
    assert not crew.failed.is_set()


def test_who_does_not_listen_is_ended(crew: Crew) -> None:
    ended: list[str] = []

    def run(_: threading.Event) -> None:
        try:
            threading.Event().wait()
        finally:
            ended.append("deaf")

    crew.start("deaf", run)
    time.sleep(0.001)
    crew.disband(2)

    assert ended == ["deaf"]


def test_who_may_be_ended_at_once_is_not_waited_for(crew: Crew) -> None:
    began = time.monotonic()
    ends = [crew.start("deaf", lambda _: threading.Event().wait(), at_once=True) for _ in range(5)]
    time.sleep(0.001)

    [end() for end in ends]

    assert crew.names() == ()
    assert time.monotonic() - began < 1


@pytest.mark.parametrize("error", [None, RuntimeError("broken")])
def test_an_eternal_part_that_ends_is_said_and_stops_the_process(
    crew: Crew, error: Exception | None, caplog: pytest.LogCaptureFixture
) -> None:
    def run(_: threading.Event) -> None:
        if error:
            raise error

    crew.start("watch Ingress", run)

    assert crew.stop.wait(1)
    assert crew.failed.is_set()
    assert "part=watch Ingress" in caplog.text


def test_one_who_is_dismissed_ends_alone(crew: Crew) -> None:
    stops: list[threading.Event] = []

    def run(stop: threading.Event) -> None:
        stops.append(stop)
        stop.wait()

    crew.start("stays", run)
    dismiss = crew.start("goes", run)
    time.sleep(0.001)
    dismiss()

    assert [stop.is_set() for stop in stops] == [False, True]
    assert crew.names() == ("stays",)
    assert not crew.failed.is_set()


def test_one_may_start_while_another_of_its_name_is_being_dismissed(crew: Crew) -> None:
    def run(stop: threading.Event) -> None:
        stop.wait()
        time.sleep(0.02)

    dismiss = crew.start("availability", run)
    time.sleep(0.001)
    dismissing = threading.Thread(target=dismiss)
    dismissing.start()
    crew.start("availability", run)
    dismissing.join()

    assert crew.names() == ("availability",)
    assert not crew.failed.is_set()


def test_an_errand_that_fails_is_said_and_ends_nothing(crew: Crew, caplog: pytest.LogCaptureFixture) -> None:
    def run() -> None:
        raise RuntimeError("broken")

    with caplog.at_level(logging.ERROR):
        crew.errand("check nas", run)
        time.sleep(0.001)

    assert "task=check nas" in caplog.text
    assert not crew.stop.is_set()
