"""Keeps what computes for long from holding up others: greenlets change places only where one gives way."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

TURN_SECONDS: Final = 0.003  # the longest time that others wait
YIELD_SECONDS: Final = 1e-6  # not 0: that lets other greenlets run, but no input and no timers


class Pace:
    """Gives way to others once what runs has run for its turn."""

    def __init__(
        self, *, clock: Callable[[], float] = time.perf_counter, give_way: Callable[[float], object] = time.sleep
    ) -> None:
        self._clock = clock
        self._give_way = give_way
        self._turn_ends = clock() + TURN_SECONDS

    def breathe(self) -> None:
        """Let others run, where the turn is over."""
        if self._clock() >= self._turn_ends:
            self.give_way()

    def give_way(self) -> None:
        """Let others run, and begin another turn."""
        self._give_way(YIELD_SECONDS)
        self._turn_ends = self._clock() + TURN_SECONDS
