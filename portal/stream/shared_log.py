"""The log of this process as the broker sees it, which fills it with what all replicas say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from portal.model import Position, ResetReason
from portal.stream.events import Event
from portal.stream.past import ReadPast


class SharedLog(Protocol):
    """What the broker needs of the hub."""

    @property
    def head(self) -> Position:
        """Return the position of the newest event."""

    def holds(self, position: Position) -> bool:
        """Return whether a reader can go on from a position."""

    def append(self, event: Event, position: Position | None = None) -> Position:
        """Broadcast an event."""

    def restart(
        self, head: Position, past: Sequence[tuple[Position, Event]] = (), reason: ResetReason | None = None
    ) -> None:
        """Go on in another history."""

    def look_back(self, read: ReadPast) -> None:
        """Ask `read` for what is older than the log."""
