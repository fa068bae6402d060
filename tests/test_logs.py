"""Log lines are one line each, in UTC, and never flood."""

import io
import logging
import sys
import threading
from collections.abc import Iterator

import pytest

from portal.logs import LimitedLine, LineFormatter, set_up, settle_all


@pytest.fixture
def restored() -> Iterator[None]:
    """Give the loggers back as they were."""
    root, ours = logging.getLogger(), logging.getLogger("portal")
    kept = (root.handlers[:], root.level, ours.level)
    yield
    root.handlers[:], root.level = kept[0], kept[1]
    ours.setLevel(kept[2])


class Clock:
    def __init__(self) -> None:
        self.time = 100.0

    def __call__(self) -> float:
        return self.time


class Written:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def __call__(self, template: str, *values: object) -> None:
        self.lines.append(template % values)


def record(message: str, *values: object) -> logging.LogRecord:
    made = logging.LogRecord("portal.kube.reflector", logging.INFO, __file__, 1, message, values, None)
    made.created = 1795247100.123456
    return made


def test_a_line_tells_moment_level_and_speaker() -> None:
    line = LineFormatter().format(record("Started %d Kubernetes resource watchers", 6))

    assert line == "2026-11-21T07:45:00.123Z INFO  kube.reflector: Started 6 Kubernetes resource watchers"


def test_a_message_with_line_breaks_stays_one_line() -> None:
    line = LineFormatter().format(record("Refused name=%s", "a\nb\r2026-11-21 forged"))

    assert line.endswith("Refused name=a\\nb\\r2026-11-21 forged")


def test_a_traceback_follows_its_line() -> None:
    made = record("Broken")
    try:
        int("why")
    except ValueError:
        made.exc_info = sys.exc_info()

    first, *rest = LineFormatter().format(made).splitlines()

    assert first.endswith("kube.reflector: Broken")
    assert rest[-1] == "ValueError: invalid literal for int() with base 10: 'why'"


@pytest.mark.usefixtures("restored")
@pytest.mark.parametrize(("level", "lines"), [("debug", 4), ("INFO", 3), ("ERROR", 2), ("", 3)])
def test_the_environment_sets_our_level_and_leaves_libraries_quiet(level: str, lines: int) -> None:
    stream = io.StringIO()
    set_up({"PORTAL_LOG_LEVEL": level} if level else {}, stream)

    logging.getLogger("portal.kube").debug("debug")
    logging.getLogger("portal.kube").info("info")
    logging.getLogger("portal.kube").error("error")
    logging.getLogger("redis").info("info of a library")
    logging.getLogger("redis").warning("warning of a library")
    logging.getLogger("urllib3.connection").warning("complaint about somebody's headers")

    assert len(stream.getvalue().splitlines()) == lines


@pytest.mark.usefixtures("restored")
def test_an_unknown_level_is_said_and_info_counts() -> None:
    stream = io.StringIO()
    set_up({"PORTAL_LOG_LEVEL": "loud"}, stream)
    logging.getLogger("portal.kube").info("info")

    assert "Unknown log level level=LOUD known=DEBUG, INFO, WARNING, ERROR used=INFO" in stream.getvalue()
    assert "INFO  kube: info" in stream.getvalue()


@pytest.mark.parametrize(("calls", "expected"), [(19, 19), (20, 20), (21, 20), (1000, 20)])
def test_at_most_twenty_lines_a_second_are_written(calls: int, expected: int) -> None:
    written = Written()
    line = LimitedLine(written, now=Clock())

    for number in range(calls):
        line("Broadcasted event: %s", number)

    assert len(written.lines) == expected


@pytest.mark.parametrize("second", [0.0, 0.25, 0.75])
def test_no_second_holds_more_than_twenty_lines_wherever_it_begins(second: float) -> None:
    clock, moments = Clock(), list[float]()
    line = LimitedLine(lambda template, *_: moments.append(clock.time) if "more" not in template else None, now=clock)
    clock.time += second

    for _ in range(300):
        clock.time += 0.01
        line("Broadcasted event: %s", "APPLICATION_ADDED")

    assert max(sum(start <= each < start + 1 for each in moments) for start in moments) == 20
    assert len(moments) == 60


def test_the_next_second_begins_with_what_was_left_out() -> None:
    clock, written = Clock(), Written()
    line = LimitedLine(written, per_second=1, now=clock)
    line("a")
    line("b")
    line("c")

    clock.time += 1
    line("d")

    assert written.lines == ["a", "and 2 more in the last second", "d"]


def test_a_quiet_second_says_nothing_of_its_own() -> None:
    clock, written = Clock(), Written()
    line = LimitedLine(written, per_second=1, now=clock)
    line("a")

    clock.time += 1
    line.settle()

    assert written.lines == ["a"]


def test_what_was_left_out_is_said_even_if_nothing_follows() -> None:
    clock, written = Clock(), Written()
    line = LimitedLine(written, per_second=1, now=clock)
    line("a")
    line("b")
    line.settle()
    before = list(written.lines)

    clock.time += 1
    line.settle()
    line.settle()

    assert (before, written.lines) == (["a"], ["a", "and 1 more in the last second"])


def test_the_end_of_the_process_loses_nothing() -> None:
    written, stop = Written(), threading.Event()
    line = LimitedLine(written, per_second=1, now=Clock())
    line("a")
    line("b")
    stop.set()

    settle_all([line], stop)

    assert written.lines == ["a", "and 1 more in the last second"]
