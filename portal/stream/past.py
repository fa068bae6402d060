"""What a broker still holds of the time before this process's log: for readers who were away for longer.

It is read once for all who ask at about the same time, and given up again soon.
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import Final

from msgspec import Struct

from portal.model import Position
from portal.stream.events import Event
from portal.stream.log import EventLog, Record, order_of

ReadPast = Callable[[Position], Sequence[tuple[Position, Event]]]
"""Returns the latest events up to and with a position, of all channels, without gaps; may wait."""

_KEPT_SECONDS: Final = 5.0
_OVERLAP: Final = 64
"""Records that are read though the log has them too: it may forget them meanwhile."""


class Earlier(Struct, frozen=True):
    """The records that a reader gets before it goes on in the log, from `cursor` on."""

    records: list[Record]
    cursor: int


class Past:
    """The past of one channel's log."""

    def __init__(self, channel: str, log: EventLog, clock: Callable[[], float] = time.monotonic) -> None:
        self._channel = channel
        self._log = log
        self._clock = clock
        self._reading = threading.Lock()
        self._records: list[Record] = []
        self._until: Position | None = None
        self._expires = 0.0

    def fetch(self, position: Position, read: ReadPast, patience_seconds: float) -> None:
        """Have at hand what follows a position that the log has forgotten, if `read` knows; may wait."""
        if self._log.is_before(position) and self._reading.acquire(timeout=patience_seconds):
            try:
                if self._cursor() is None:
                    self._read(read)
            finally:
                self._reading.release()

    def after(self, position: Position) -> Earlier | None:
        """Return what follows a position up to the log, None where that is not at hand. Never waits."""
        cursor = self._cursor()
        wanted = order_of(position)
        index = bisect_left(self._records, wanted, key=_order)
        is_known = index < len(self._records) and _order(self._records[index]) == wanted
        if cursor is None or not is_known or not self._log.is_before(position):
            return None
        records = [record for record in self._records[index + 1 :] if record.event.channel == self._channel]
        return Earlier(sorted([*records, *self._own(position)], key=_order), cursor)

    def forget(self) -> None:
        """Give up what nobody asked for lately."""
        if self._until is not None and self._clock() >= self._expires:
            self._until, self._records = None, []

    def _read(self, read: ReadPast) -> None:
        until = self._log.position(min(self._log.start + _OVERLAP, self._log.floor))
        found = read(until)
        self._records = [Record(event, position, 0.0) for position, event in found]
        self._until, self._expires = until, self._clock() + _KEPT_SECONDS

    def _cursor(self) -> int | None:
        found = None if self._until is None else self._log.after(self._until)
        return found if isinstance(found, int) else None

    def _own(self, position: Position) -> list[Record]:
        """Return the last words of this process about itself that the log has forgotten too."""
        until = order_of(self._until) if self._until else (0, 0)
        return [record for record in self._log.own if order_of(position) <= _order(record) < until]


def _order(record: Record) -> tuple[int, int]:
    return order_of(record.position)
