"""The event log: the latest events by position, bounded in number, bytes and age.

Records are counted from 1 for the life of the log; a record's number is its cursor, whatever its position looks like. A
log of this process alone numbers positions itself; one that replicas share is told the positions by the broker.
"""

from __future__ import annotations

import secrets
import time
from bisect import bisect_left
from collections.abc import Callable, Iterable
from typing import Final

from msgspec import Struct

from portal.model import Position, ResetReason
from portal.stream.events import Event, Sayable
from portal.stream.frames import Form, event_frame, json_frame

_TOGETHER: Final = 64
"""So many frames beyond the bound are forgotten together, because looking at each for itself would take longer."""

_FORGET_AT: Final = 256
"""Forgotten records are cut off the list in lots, because each cut moves the whole rest."""

_PATIENCE: Final = 4
"""Up to so many times its bounds the log waits for its readers; then it forgets what they have not read."""


class LogOptions(Struct, frozen=True, kw_only=True):
    """The bounds of a log; the first that is reached counts."""

    frames: int = 4096
    bytes: int = 8 << 20
    seconds: float = 300.0


class Record(Struct, gc=False):
    """An event with its position, and its frames, each encoded once and shared by all who get it.

    `before` and `total` count about the bytes of all envelopes before this one, and with it.
    """

    said: Sayable
    position: Position
    at: float
    before: int = 0
    total: int = 0
    encoded: bytes | None = None
    others: dict[object, bytes] | None = None

    @property
    def id(self) -> str:
        """Return the id that its publisher gave the event."""
        return self.said.id

    @property
    def event(self) -> Event:
        """Return the event, written at the first look."""
        event = self.said = self.said.written()
        return event

    @property
    def envelope(self) -> bytes:
        """Return the frame that most readers get."""
        if self.encoded is None:
            event = self.event
            self.encoded = json_frame(self.position, event.type, event.timestamp, event.data, "envelope")
        return self.encoded

    def frame(self, form: Form, event_type: str, data: bytes) -> bytes:
        """Return the frame that shows this event in `form` as `event_type` with `data`."""
        event = self.event
        if form == "envelope" and data is event.data and event_type == event.type:
            return self.envelope
        if self.others is None:
            self.others = {}
        key = (form, event_type, data)
        frame = self.others.get(key)
        if frame is None:
            frame = self.others[key] = event_frame(self.position, event, form, event_type, data)
        return frame


def local_epoch() -> str:
    """Return a name for a history that begins with this process."""
    return f"p{secrets.token_hex(6)}"


class EventLog:
    """A ring of records.

    `end` is the cursor after the newest record; `floor` the oldest cursor that is still to be delivered, which the log
    does not forget while it can help it.
    """

    def __init__(
        self, options: LogOptions | None = None, *, epoch: str = "", clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._options = options or LogOptions()
        self._trim_at = self._options.frames + min(_TOGETHER, self._options.frames // 16)
        self._clock = clock
        self.end = 0
        self._total = 0
        self.restart(Position(epoch or local_epoch(), 0))

    def restart(self, head: Position) -> None:
        """Forget everything and go on after `head`; cursors keep counting, and none of before is valid any more."""
        self.end += 1
        self.floor = self.end
        self.head = head
        self._records: list[Record] = []
        self._forgotten = 0
        self._first = self.end
        self._before = head
        self._cut = self._total
        self._own: dict[str, Record] = {}

    @property
    def own(self) -> list[Record]:
        """Return what this process said last, of each type, outside of what replicas share."""
        return list(self._own.values())

    @property
    def start(self) -> int:
        """Return the cursor of the oldest record that is kept."""
        return self._first

    @property
    def shared(self) -> bool:
        """Return whether a broker numbers the positions."""
        return self.head.part is not None

    def append(self, said: Sayable, position: Position | None = None) -> Record:
        """Add an event at the broker's position or, where it is this process's own, at the next.

        In a shared log only the broker counts on: there this process's own stand at the position of the newest.
        """
        return self._add(said, position, self._clock())

    def extend(self, said: Iterable[Sayable]) -> None:
        """Add events of this process, at this moment, in this order."""
        at = self._clock()  # one number for all of them: ten thousand would lie between what is kept of a long list
        for each in said:
            self._add(each, None, at)

    def _add(self, said: Sayable, position: Position | None, at: float) -> Record:
        head, before = self.head, self._total
        is_own = position is None and head.part is not None
        if position is None:
            position = head if is_own else Position(head.epoch, head.offset + 1)
        self.head = position
        self._total = before + said.size
        record = Record(said, position, at, before, self._total)
        self._records.append(record)
        if is_own:
            self._own[said.type] = record
        self.end += 1
        if self.end - self._first > self._trim_at or self._total - self._cut > self._options.bytes:
            self.trim()
        return record

    def trim(self) -> None:
        """Forget what is beyond the bounds, the undelivered last."""
        surplus = min(self.end - self._options.frames, self.floor) - self._first
        if surplus > 0:
            self._forget(surplus)
        oldest = self._clock() - self._options.seconds
        while self._first < self.end and self._exceeds(oldest):
            self._forget(1)
        if self._forgotten >= _FORGET_AT or self._first == self.end:
            del self._records[: self._forgotten]
            self._forgotten = 0

    def _forget(self, count: int) -> None:
        last = self._records[self._forgotten + count - 1]
        self._cut = last.total
        self._before = last.position
        self._first += count
        self._forgotten += count

    def _exceeds(self, oldest: float) -> bool:
        factor = 1 if self._first < self.floor else _PATIENCE
        return (
            self.end - self._first > self._options.frames * factor
            or self._total - self._cut > self._options.bytes * factor
            or (factor == 1 and self._records[self._forgotten].at < oldest)
        )

    def slice(self, start: int, end: int) -> list[Record]:
        """Return the records from cursor `start` up to before `end`; both must be inside the log."""
        shift = self._forgotten - self._first
        return self._records[start + shift : end + shift]

    def position(self, cursor: int) -> Position:
        """Return the position of the last record before `cursor`."""
        return self._before if cursor <= self._first else self.slice(cursor - 1, cursor)[0].position

    def after(self, position: Position) -> int | ResetReason:
        """Return the cursor of the first record after `position`, or why there is no telling.

        Of several at one position (a shared log has this process's own there too) only the first counts as read.
        """
        if position.epoch != self.head.epoch:
            return "epoch" if self.shared and position.part is not None else "restart"
        wanted = order_of(position)
        if not order_of(self._before) <= wanted <= order_of(self.head) or (position.part is None) is self.shared:
            return "gap"
        kept = self._records[self._forgotten :] if self._forgotten else self._records
        index = bisect_left(kept, wanted, key=lambda record: order_of(record.position))
        is_there = index < len(kept) and order_of(kept[index].position) == wanted
        return self._first + index + is_there

    def named(self, event_id: str) -> int | None:
        """Return the cursor after the newest record that its publisher gave this id."""
        kept = self.slice(self._first, self.end)
        found = (index for index in range(len(kept) - 1, -1, -1) if kept[index].id == event_id)
        index = next(found, None)
        return None if index is None else self._first + index + 1

    def is_before(self, position: Position) -> bool:
        """Return whether `position` is one that this log has forgotten, and the broker may not have."""
        return self.shared and position.epoch == self.head.epoch and order_of(position) < order_of(self._before)

    def is_ahead(self, position: Position) -> bool:
        """Return whether `position` is one that this log may still reach."""
        return position.epoch == self.head.epoch and order_of(position) > order_of(self.head)


def order_of(position: Position) -> tuple[int, int]:
    """Return what positions of one epoch are sorted by."""
    return (position.offset, position.part or 0)
