"""The sweep: the same bytes to one socket after the other, in slices that let other requests run."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from portal.stream.clients import Client, Turn

_LOOK_AT_CLOCK: Final = 31  # sends between two looks at the clock, less one: some 100 µs


class Sweeper:
    """Sends to many, and lets others run by `give_way` after each `slice_seconds`.

    `on_short` is told of each client that did not take all: the client, the bytes, how many it took (less than 0: it is
    gone), and the cursor after them.
    """

    def __init__(
        self, slice_seconds: float, on_short: Callable[[Client, bytes, int, int], None], give_way: Callable[[], object]
    ) -> None:
        self._slice_seconds = slice_seconds
        self._on_short = on_short
        self._give_way = give_way
        self._is_backwards = False
        self._longest_hold = 0.0

    def take_longest_hold(self) -> float:
        """Return for how many seconds a slice held others up at most since the last call."""
        longest, self._longest_hold = self._longest_hold, 0.0
        return longest

    def sweep(self, turn: Turn, data: bytes, cursor: int) -> None:
        """Send to all, every other time in the opposite order: nobody is always last, caches stay warm."""
        self._is_backwards = not self._is_backwards
        clients, sends = (turn.clients[::-1], turn.sends[::-1]) if self._is_backwards else turn
        size = len(data)
        slice_seconds = self._slice_seconds
        perf_counter = time.perf_counter
        until = perf_counter() + slice_seconds
        for index, send in enumerate(sends):
            try:
                sent = send(data)
            except BlockingIOError:
                sent = 0
            except OSError:
                sent = -1
            if sent != size:
                self._on_short(clients[index], data, sent, cursor)
            if not index & _LOOK_AT_CLOCK and (now := perf_counter()) > until:
                self._longest_hold = max(self._longest_hold, now - until + slice_seconds)
                self._give_way()
                until = perf_counter() + slice_seconds
