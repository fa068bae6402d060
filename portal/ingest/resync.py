"""Delivers what is kept of a source again, every so often and without asking the API server.

The objects themselves are not kept, their entries are: each is announced once more as updated, for clients that want to
be told everything now and then. The catalog, its version and the answers from it stay as they are.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

from portal.model import Change, Entry

TOGETHER: Final = 50
PAUSE_SECONDS: Final = 0.005  # between so many: ten thousand entries take a second and disturb nobody


class Resync:
    """Announces the entries of one scope again, every `period` seconds."""

    def __init__(
        self,
        period: float,
        entries: Callable[[], Sequence[Entry]],
        announce: Callable[[Sequence[Change]], object],
        give_way: Callable[[float], object] = time.sleep,
    ) -> None:
        self._period = period
        self._entries = entries
        self._announce = announce
        self._give_way = give_way

    def run(self, stop: threading.Event) -> None:
        """Deliver again after each period until `stop` is set."""
        while not stop.wait(self._period):
            self.deliver()

    def deliver(self) -> None:
        """Announce every entry once; one that changes meanwhile has been announced as it is."""
        entries = self._entries()
        for start in range(0, len(entries), TOGETHER):
            held = {entry.id: entry for entry in self._entries()}
            part = [held[entry.id] for entry in entries[start : start + TOGETHER] if entry.id in held]
            self._announce([Change(entry, entry) for entry in part])
            self._give_way(PAUSE_SECONDS)
