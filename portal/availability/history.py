"""The last day of one URL in fixed memory: a ring of results, a ring of changes of state, and half hours for a bar.

A result takes eight bytes; while nothing changes at most one a minute is kept, so that the ring lasts a day.
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime
from struct import Struct as Packing
from typing import Annotated, Final

from msgspec import Meta, Struct

from portal.availability.results import Outcome, Result
from portal.model import Health, HealthState

RESULTS: Final = 1440  # one a minute for a day
SPACING: Final = 54  # seconds; a little less than the minute between two checks, which is never exact
CHANGES: Final = 128
REASONS: Final = 15
HALF_HOUR: Final = 1800
SLOTS: Final = 48
UNKNOWN_LATENCY: Final = 0xFFFF

RECORD: Final = Packing("<IHH")  # time | state in 2 bits, status in 10, reason in 4 | latency in ms
OUTCOMES: Final[tuple[Outcome, ...]] = ("up", "down", "unknown")
STATES: Final = bytes(low for low in range(256) if low & 3 < len(OUTCOMES))
LATEST: Final = 0xFFFFFFFF

Moment = Annotated[int, Meta(ge=0, le=LATEST)]
Share = Annotated[int, Meta(ge=0, le=0xFFFF)]


class CheckResult(Struct, frozen=True, gc=False, kw_only=True, rename="camel", omit_defaults=True):
    """One check, as in `/api/availability/{id}`."""

    time: datetime
    state: HealthState
    http_status: int | None = None
    latency_ms: int | None = None
    reason: str | None = None


class StateChange(Struct, frozen=True, gc=False):
    """The moment from which a state was believed."""

    time: datetime
    state: HealthState


class Bucket(Struct, frozen=True, gc=False, kw_only=True, rename="camel", omit_defaults=True):
    """Half an hour of the uptime bar: the share of the known time it was up, and the slowest answer."""

    time: datetime
    uptime: float | None = None
    latency_ms: int | None = None


class AvailabilityHistory(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """What is remembered of one application, as in `/api/availability/{id}`; newest last."""

    id: str
    health: Health
    checks: tuple[CheckResult, ...]
    changes: tuple[StateChange, ...] = ()
    buckets: tuple[Bucket, ...] = ()
    uptime: float | None = None


class SavedDay(Struct, frozen=True, array_like=True):
    """A day as it is written into the saved snapshot."""

    results: Annotated[bytes, Meta(max_length=RESULTS * RECORD.size)]
    head: int
    reasons: Annotated[tuple[str, ...], Meta(max_length=REASONS)]
    changes: tuple[tuple[Moment, Outcome], ...]
    seconds: Annotated[tuple[Share, ...], Meta(min_length=3 * SLOTS, max_length=3 * SLOTS)]
    slot: Annotated[int, Meta(ge=0, le=LATEST // HALF_HOUR)]
    last: Moment

    def is_sound(self) -> bool:
        """Tell whether the ring holds whole records, begins with one of them, and all of them can be read."""
        if len(self.results) % RECORD.size or self.head not in range(0, max(len(self.results), 1), RECORD.size):
            return False
        lows, highs = self.results[4 :: RECORD.size], self.results[5 :: RECORD.size]  # the two bytes of each word
        return not (lows.translate(None, STATES) or highs.translate(None, bytes(range((len(self.reasons) + 1) << 4))))


class Day:
    """The last day of one URL."""

    __slots__ = ("_changes", "_head", "_last", "_reasons", "_results", "_seconds", "_slot")

    def __init__(self, saved: SavedDay | None = None) -> None:
        self._results = bytearray(saved.results if saved else b"")
        self._head = saved.head if saved else 0
        self._reasons = list(saved.reasons) if saved else []
        self._changes: deque[tuple[int, Outcome]] = deque(saved.changes if saved else (), CHANGES)
        # Per slot: seconds up, seconds down, slowest answer in ms.
        self._seconds = array("H", saved.seconds if saved else bytes(2 * 3 * SLOTS))
        self._slot = saved.slot if saved else 0
        self._last = saved.last if saved else 0

    def add(self, at: int, result: Result, believed: Outcome, longest: float) -> None:
        """Note a result of this epoch second, and what is believed now; after `longest` seconds of silence nothing."""
        latency = UNKNOWN_LATENCY if result.latency is None else min(int(result.latency * 1000), UNKNOWN_LATENCY - 1)
        self._count(at, believed, latency if result.outcome == "up" else 0, longest)
        word = OUTCOMES.index(result.outcome) | min(result.http_status or 0, 1023) << 2 | self._noted(result) << 12
        if self._is_worth_keeping(at, word):
            self._keep(RECORD.pack(at, word, latency))
        self._last = at

    def pause(self, at: int) -> None:
        """Take note that nothing is asked at this epoch second, and since the last result or pause: it is unknown."""
        self._count(at, "unknown", 0, 0)
        self._last = at

    def _keep(self, record: bytes) -> None:
        if len(self._results) < RESULTS * RECORD.size:
            self._results += record
        else:
            self._results[self._head : self._head + RECORD.size] = record
            self._head = (self._head + RECORD.size) % len(self._results)

    def _is_worth_keeping(self, at: int, word: int) -> bool:
        if not self._results:
            return True
        newest = (self._head or len(self._results)) - RECORD.size
        kept_at, kept_word, _ = RECORD.unpack_from(self._results, newest)
        return bool(kept_word != word or at - kept_at >= SPACING)

    def _noted(self, result: Result) -> int:
        """Return the number of a reason: from 1, and 0 for none or one too many."""
        if result.reason is None:
            return 0
        if result.reason not in self._reasons:
            if len(self._reasons) == REASONS:
                return 0
            self._reasons.append(result.reason)
        return self._reasons.index(result.reason) + 1

    def _count(self, at: int, believed: Outcome, latency: int, longest: float) -> None:
        """Add the time since the last result to the half hour of this one, under what was believed meanwhile."""
        slot = at // HALF_HOUR
        for passed in range(max(self._slot + 1, slot - SLOTS + 1), slot + 1):
            self._seconds[passed % SLOTS * 3 : passed % SLOTS * 3 + 3] = array("H", (0, 0, 0))
        self._slot = max(slot, self._slot)
        first, before = slot % SLOTS * 3, self._changes[-1][1] if self._changes else "unknown"
        passed_seconds = at - self._last if 0 < at - self._last <= longest else 0
        if before != "unknown":
            place = first + (before == "down")
            self._seconds[place] = min(self._seconds[place] + passed_seconds, 0xFFFF)
        self._seconds[first + 2] = max(self._seconds[first + 2], latency)
        if before != believed:
            self._changes.append((at, believed))

    def history(self, entry_id: str, health: Health) -> AvailabilityHistory:
        """Return all that is remembered, for one of the entries that this URL belongs to."""
        return AvailabilityHistory(
            id=entry_id,
            health=health,
            checks=self.checks(),
            changes=self.changes(),
            buckets=self.buckets(),
            uptime=self.uptime(),
        )

    def checks(self) -> tuple[CheckResult, ...]:
        """Return the kept results, newest last."""
        return tuple(self._checks())

    def _checks(self) -> Iterator[CheckResult]:
        for at, word, latency in RECORD.iter_unpack(self._results[self._head :] + self._results[: self._head]):
            yield CheckResult(
                time=datetime.fromtimestamp(at, UTC),
                state=OUTCOMES[word & 3],
                http_status=word >> 2 & 1023 or None,
                latency_ms=None if latency == UNKNOWN_LATENCY else latency,
                reason=self._reasons[(word >> 12) - 1] if word >> 12 else None,
            )

    def changes(self) -> tuple[StateChange, ...]:
        """Return the last changes of the believed state, newest last."""
        return tuple(StateChange(datetime.fromtimestamp(at, UTC), state) for at, state in self._changes)

    def buckets(self) -> tuple[Bucket, ...]:
        """Return the half hours of the last day up to the last result, newest last."""
        return tuple(self._bucket(slot) for slot in range(self._slot - SLOTS + 1, self._slot + 1) if slot > 0)

    def _bucket(self, slot: int) -> Bucket:
        up, down, latency = self._seconds[slot % SLOTS * 3 : slot % SLOTS * 3 + 3]
        uptime = round(up / (up + down), 4) if up + down else None
        return Bucket(time=datetime.fromtimestamp(slot * HALF_HOUR, UTC), uptime=uptime, latency_ms=latency or None)

    def uptime(self) -> float | None:
        """Return the share of the known time of the last day it was up, or None where nothing is known."""
        up, down = sum(self._seconds[0::3]), sum(self._seconds[1::3])
        return round(up / (up + down), 5) if up + down else None

    def saved(self) -> SavedDay:
        """Return the day in a form that can be written down."""
        return SavedDay(
            bytes(self._results),
            self._head,
            tuple(self._reasons),
            tuple(self._changes),
            tuple(self._seconds),
            self._slot,
            self._last,
        )
