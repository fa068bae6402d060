"""A channel: one log, and the groups of subscribers that read it.

`flushed` is the cursor up to which events have been handed to subscribers. It moves before the bytes do, so that a
subscriber who comes while a sweep is under way is given exactly what the sweep will not give it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Final

from msgspec import Struct

from portal.model import Position, ResetReason, position_from_text
from portal.stream.clients import Group
from portal.stream.events import Event
from portal.stream.log import EventLog, Record
from portal.stream.past import Earlier, Past
from portal.stream.views import View, conflated, frames

CONFLATE_FROM: Final = 32
"""Frames; below that, finding what is superfluous costs more than sending it."""


class Batch(Struct, frozen=True, kw_only=True):
    """How much goes into one write; it fits the socket's buffer."""

    frames: int = 256
    bytes: int = 64 * 1024


class Lag(Struct, frozen=True):
    """How far behind a reader is: in frames, in bytes, and by the age in seconds of the oldest event it has not got."""

    frames: int
    bytes: int
    seconds: float


class Channel:
    """A log with its subscribers."""

    def __init__(self, name: str, log: EventLog, batch: Batch) -> None:
        self.name = name
        self.log = log
        self.past = Past(name, log)
        self.flushed = log.end
        self.groups: dict[View, Group] = {}
        self.reset_due: ResetReason | None = None
        self._restarted: tuple[int, ResetReason] = (0, "slow")
        self._batch = batch

    @property
    def position(self) -> Position:
        """Return the position up to which everything has been handed out."""
        return self.log.position(self.flushed)

    def group(self, view: View) -> Group:
        """Return the group of a view."""
        group = self.groups.get(view)
        if group is None:
            group = self.groups[view] = Group(self.name, view)
        return group

    def leave(self, group: Group) -> None:
        """Forget a group that nobody is in."""
        if not len(group):
            self.groups.pop(group.view, None)

    def restart(self, head: Position, past: Sequence[tuple[Position, Event]], reason: ResetReason | None) -> None:
        """Go on in another history: after `head`, with `past` handed out; who is here is due a `RESET` for `reason`.

        Without a reason those who are up to date just go on.
        """
        self.log.restart(head)
        self._restarted = (self.log.start, reason or "restart")
        for position, event in past:
            self.log.append(event, position)
        self.flushed = self.log.floor = self.log.end
        self.reset_due = reason

    def lost(self, cursor: int) -> ResetReason | None:
        """Return why a reader cannot go on from `cursor`, None where it can."""
        if cursor >= self.log.start:
            return None
        start, reason = self._restarted
        return reason if cursor < start else "slow"

    def advance(self) -> list[Record]:
        """Return the next records to hand out, one write's worth, and count them as handed out."""
        records = self.log.slice(self.flushed, min(self.log.end, self.flushed + self._batch.frames))
        if records and records[-1].total - records[0].before > self._batch.bytes:
            records = records[: self._fitting(record.total - record.before for record in records)]
        self.flushed += len(records)
        self.log.floor = self.flushed
        return records

    @staticmethod
    def bytes_of(view: View, records: list[Record]) -> bytes:
        """Return the records as the bytes that a view shows of them."""
        return b"".join(frames(view, records))

    def batch(self, view: View, cursor: int, *, exact: bool) -> tuple[bytes, int]:
        """Return one write's worth of what a reader at `cursor` has yet to get, and the cursor after it.

        Not `exact`: without what later events make superfluous.
        """
        records = self.log.slice(cursor, self.flushed)
        if not exact and len(records) > CONFLATE_FROM:
            data, count = self._joined(conflated(view, records))
        else:
            data, count = self.first_of(view, records)
        return data, cursor + count

    def first_of(self, view: View, records: list[Record]) -> tuple[bytes, int]:
        """Return one write's worth of these records as a view shows them, and how many it is."""
        return self._joined(frames(view, records[: self._batch.frames]))

    def _joined(self, pieces: list[bytes]) -> tuple[bytes, int]:
        count = self._fitting(len(piece) for piece in pieces)
        return b"".join(pieces[:count]), count

    def _fitting(self, sizes: Iterator[int]) -> int:
        count = 0
        for count, total in enumerate(accumulate(sizes), start=1):
            if total > self._batch.bytes or count >= self._batch.frames:
                return count
        return count

    def cursor(self, last_event_id: str) -> int | ResetReason:
        """Return where a reader with this last id goes on, or why it must be sent back to a snapshot."""
        if not last_event_id:
            return self.flushed
        position = position_from_text(last_event_id)
        found = self.log.named(last_event_id) if position is None else self.log.after(position)
        if found is None or (isinstance(found, int) and found > self.flushed):
            return "gap"
        return found

    def earlier(self, last_event_id: str) -> Earlier | None:
        """Return what a reader missed before this log begins, None where it is not at hand."""
        position = position_from_text(last_event_id)
        return None if position is None else self.past.after(position)

    def is_waiting_for(self, last_event_id: str) -> bool:
        """Return whether this id is of an event that is about to be handed out, or may yet come from the broker."""
        position = position_from_text(last_event_id)
        if position is None:
            return False
        if self.log.is_ahead(position):
            return self.log.shared
        found = self.log.after(position)
        return isinstance(found, int) and found > self.flushed

    def lag(self, cursor: int, now: float) -> Lag:
        """Return how far behind a reader at `cursor` is."""
        if cursor >= self.flushed:
            return Lag(0, 0, 0.0)
        if cursor < self.log.start:
            return Lag(self.flushed - cursor, sys.maxsize, now)
        first, *_ = self.log.slice(cursor, cursor + 1)
        last, *_ = self.log.slice(self.flushed - 1, self.flushed)
        return Lag(self.flushed - cursor, last.total - first.before, now - first.at)
