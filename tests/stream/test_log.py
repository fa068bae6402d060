"""The log: bounded in number, bytes and age, and honest about what it forgot."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.model import Change, Link, Position
from portal.stream.announcer import event_from_change
from portal.stream.events import Event, Unwritten
from portal.stream.log import EventLog, LogOptions
from portal.stream.views import View
from tests.stream.entries import added, application

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def event(text: str = "{}", **more: object) -> Event:
    return Event(type="T", timestamp=NOW, data=text.encode(), **more)  # type: ignore[arg-type]


def filled(count: int, options: LogOptions | None = None) -> EventLog:
    log = EventLog(options, epoch="p0")
    for _ in range(count):
        log.append(event())
        log.floor = log.end
    log.trim()
    return log


def test_positions_count_up_within_an_epoch_of_this_process() -> None:
    log = EventLog()

    assert log.head.offset == 0
    assert [log.append(event()).position.offset for _ in range(3)] == [1, 2, 3]
    assert log.head.epoch != EventLog().head.epoch


@given(count=st.integers(0, 60), frames=st.integers(1, 40), offset=st.integers(0, 80))
def test_every_position_is_either_resumed_exactly_or_a_gap(count: int, frames: int, offset: int) -> None:
    log = filled(count, LogOptions(frames=frames))

    found = log.after(Position("p0", offset))

    later = [n for n in range(1, count + 1) if n > offset]
    is_kept = max(0, count - frames) <= offset <= count
    assert (found == "gap") is not is_kept
    assert not is_kept or [record.position.offset for record in log.slice(int(found), log.end)] == later  # type: ignore[arg-type]


def test_bytes_bound_the_log() -> None:
    log = EventLog(LogOptions(bytes=10_000), epoch="p0")

    for _ in range(50):
        log.append(event('"' + "x" * 900 + '"'))
        log.floor = log.end
    log.trim()

    assert 9 <= log.end - log.start <= 10


class Writer:
    """Writes events about an entry, and counts how often."""

    def __init__(self) -> None:
        self.written = 0

    def unwritten(self, **more: object) -> Unwritten:
        return Unwritten("APPLICATION_ADDED", NOW, added(application(**more)), self.write)

    def write(self, change: Change, now: datetime) -> Event:
        self.written += 1
        return event_from_change(change, now)


def test_an_event_is_written_when_somebody_reads_it_and_then_once() -> None:
    log, writer = EventLog(epoch="p0"), Writer()
    record, _ = log.append(writer.unwritten()), log.append(writer.unwritten())
    assert log.named("p0.1") is None
    assert writer.written == 0

    frames = {View(tags).frame(record) for tags in (None, frozenset("a"), None)}

    assert (len(frames), writer.written) == (1, 1)
    assert b'"type":"APPLICATION_ADDED"' in frames.pop()


def test_events_that_nobody_read_count_by_the_bytes_they_would_have() -> None:
    log, writer = EventLog(LogOptions(bytes=100_000), epoch="p0"), Writer()

    for _ in range(50):
        log.append(writer.unwritten(info="x" * 9_000))
        log.floor = log.end
    log.trim()

    assert log.end - log.start == 10


@pytest.mark.parametrize("info", [None, "long " * 1000])
def test_the_bytes_of_an_event_about_an_entry_are_known_before_it_is_written(info: str | None) -> None:
    links = tuple(Link(f"https://{n}.example.com", f"{n}.example.com") for n in range(20))
    log, writer = EventLog(epoch="p0"), Writer()

    record = log.append(writer.unwritten(info=info, links=links))

    assert record.total - record.before == pytest.approx(len(record.envelope), rel=0.5)


def test_age_bounds_the_log() -> None:
    clock = Clock()
    log = EventLog(LogOptions(seconds=300), epoch="p0", clock=clock)
    log.append(event())
    clock.now = 200
    log.append(event())
    log.floor = log.end
    clock.now = 301

    log.trim()

    assert log.after(Position("p0", 0)) == "gap"
    assert log.after(Position("p0", 1)) == 2


def test_what_was_not_handed_out_is_kept_beyond_the_bounds_but_not_for_ever() -> None:
    log = EventLog(LogOptions(frames=10), epoch="p0")

    sizes = []
    for _ in range(100):
        log.append(event())
        sizes.append(log.end - log.start)

    assert sizes[24] == 25
    assert max(sizes) == 40


@pytest.mark.parametrize(
    ("position", "reason"),
    [
        (Position("p1", 3), "restart"),
        (Position("b1", 3, 0), "epoch"),
        (Position("b0", 50), "gap"),
        (Position("b0", 49, 9), "gap"),
        (Position("b0", 99, 0), "gap"),
    ],
)
def test_a_shared_log_tells_its_own_lost_history_from_another_process(position: Position, reason: str) -> None:
    log = EventLog(epoch="x")
    log.restart(Position("b0", 50, 0))
    log.append(event(), Position("b0", 60, 1))

    assert log.after(position) == reason


def test_a_shared_log_resumes_between_the_brokers_numbers() -> None:
    log = EventLog(epoch="x")
    log.restart(Position("b0", 50, 0))
    cursors = [log.append(event(), Position("b0", *at)) and log.end for at in [(60, 0), (60, 1), (61, 0)]]

    assert [log.after(Position("b0", *at)) for at in [(60, 0), (60, 1), (61, 0)]] == cursors
    assert log.after(Position("b0", 50, 0)) == cursors[0] - 1


def test_a_publishers_own_id_is_found() -> None:
    log = EventLog(epoch="p0")
    log.append(event(id="one"))
    log.append(event(id="two"))
    log.append(event(id="one"))

    assert log.named("two") == 3
    assert log.named("one") == 4
    assert log.named("three") is None


def test_in_a_shared_log_a_process_own_events_stand_with_the_newest_and_are_not_missed() -> None:
    log = EventLog(epoch="x")
    log.restart(Position("b0", 50, 0))
    read = log.append(event(), Position("b0", 60, 0)).position
    own = log.append(event("own")).position
    log.append(event(), Position("b0", 61, 0))

    resumed = log.after(read)

    assert own == read
    assert [record.event.data for record in log.slice(int(resumed), log.end)] == [b"own", b"{}"]  # type: ignore[arg-type]
