"""Whatever becomes of the file, a history that is read from it is a good one or none, and no other is lost."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from portal.availability.errors import HistoryUnreadableError
from portal.availability.history import SPACING, Day, SavedDay
from portal.availability.results import Result
from portal.availability.saved import SavedChecks, bytes_from_checks, checks_from_bytes
from portal.availability.targets import CheckSpec
from portal.model import Health

START = 1_800_000_000
RESULTS = (
    Result(outcome="up", http_status=200, latency=0.012),
    Result(outcome="down", http_status=503, latency=0.5, reason="answers 503"),
    Result(outcome="unknown", reason="not asked: Too many open files"),
)


def saved_day(results: int, shift: int) -> SavedDay:
    day = Day()
    for number in range(results):
        result = RESULTS[(number // 7 + shift) % 3]
        day.add(START + SPACING * number, result, result.outcome, 180)
    return day.saved()


DAYS = {
    "http://a.example/": saved_day(40, 0),
    "http://b.example/": saved_day(1500, 1),
    "http://c.example/": saved_day(3, 2),
}
SPECS = {"local/ingress/default/a": CheckSpec(path="/ready"), "local/ingress/default/b": CheckSpec(interval=30)}
BODY = bytes_from_checks(DAYS.items(), SPECS)
RING = DAYS["http://b.example/"].results


def flips(body: bytes, most: int) -> st.SearchStrategy[list[tuple[int, int]]]:
    """Return where in a body bytes are changed, and by what."""
    return st.lists(st.tuples(st.integers(0, len(body) - 1), st.integers(1, 255)), min_size=1, max_size=most)


def flipped(body: bytes, changes: list[tuple[int, int]]) -> bytes:
    changed = bytearray(body)
    for at, by in changes:
        changed[at] ^= by
    return bytes(changed)


def read(body: bytes) -> SavedChecks:
    try:
        return checks_from_bytes(body)
    except HistoryUnreadableError:
        return SavedChecks({}, {})


@given(flips(BODY, 1))
def test_a_flipped_byte_costs_at_most_what_it_is_in_and_is_said(changes: list[tuple[int, int]]) -> None:
    checks = checks_from_bytes(flipped(BODY, changes))

    assert checks.days.items() <= DAYS.items()
    assert checks.specs.items() <= SPECS.items()
    assert len(checks.days) + len(checks.specs) >= len(DAYS) + len(SPECS) - 1
    assert len(checks.damaged) == 1


@given(flips(BODY, 20), st.integers(0, len(BODY)))
def test_what_is_read_of_a_broken_and_torn_file_is_as_it_was_written(changes: list[tuple[int, int]], end: int) -> None:
    checks = read(flipped(BODY, changes)[:end])

    assert checks.days.items() <= DAYS.items()
    assert checks.specs.items() <= SPECS.items()


@given(flips(RING, 4))
def test_a_ring_that_was_damaged_before_it_was_written_gives_a_history_or_none(changes: list[tuple[int, int]]) -> None:
    days = {"http://b.example/": replace(DAYS["http://b.example/"], results=flipped(RING, changes))}

    checks = checks_from_bytes(bytes_from_checks(days.items(), SPECS))

    assert len(checks.days) + len(checks.damaged) == 1
    assert all(Day(day).history("b", Health(state="up")).checks for day in checks.days.values())


@pytest.mark.parametrize(
    "change",
    [
        {"results": RING[:-1]},
        {"results": RING * 2},
        {"results": RING[:2] + b"\x00\x00\x03\x00\x00\x00" + RING[8:]},  # no such state
        {"reasons": ()},
        {"reasons": ("x",) * 16},
        {"head": 4},
        {"head": -8},
        {"head": len(RING)},
        {"changes": ((-(2**62), "up"),)},
        {"changes": ((2**62, "up"),)},
        {"changes": ((START, "good"),)},
        {"seconds": (-1,) * 144},
        {"seconds": (0,) * 12},
        {"slot": 2**40},
        {"slot": -1},
        {"last": 2**62},
    ],
    ids=str,
)
def test_a_day_that_makes_no_sense_is_left_out_and_named(change: dict[str, object]) -> None:
    days = DAYS | {"http://me:secret@b.example/": replace(DAYS["http://b.example/"], **change)}

    checks = checks_from_bytes(bytes_from_checks(days.items(), SPECS))

    assert checks.days == DAYS
    assert checks.damaged == ("http://b.example/",)  # without the password


def test_what_is_saved_is_what_is_read() -> None:
    checks = checks_from_bytes(BODY)

    assert (checks.days, checks.specs, checks.damaged) == (DAYS, SPECS, ())


def test_nothing_is_saved_as_nothing() -> None:
    assert checks_from_bytes(bytes_from_checks((), {})) == SavedChecks({}, {})


def test_a_file_of_another_kind_is_no_history() -> None:
    with pytest.raises(HistoryUnreadableError):
        checks_from_bytes(msgspec.msgpack.encode([{}, {}]))
