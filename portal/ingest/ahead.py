"""Takes the pages of a long list one by one, while the next page is on its way.

A list counts only as a whole, but most of the work of taking it over does not have to wait for its end: the time in
which the API server makes the next page is free.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar

TOGETHER: Final = 50  # objects, some 2 ms, between two turns of others
YIELD_SECONDS: Final = 1e-6  # not 0: that lets other greenlets run, but no input and no timers

T = TypeVar("T")


class Ahead(Generic[T]):
    """Hands objects to `take`, a few at a time."""

    def __init__(self, take: Callable[[Sequence[T]], None], give_way: Callable[[float], object] = time.sleep) -> None:
        self._take = take
        self._give_way = give_way
        self._round = 0

    def run(self, objects: Sequence[T]) -> None:
        """Take these, until that is done or no longer wanted."""
        this_round = self._round
        for start in range(0, len(objects), TOGETHER):
            self._give_way(YIELD_SECONDS)
            if self._round != this_round:
                return
            self._take(objects[start : start + TOGETHER])

    def close(self) -> None:
        """Take nothing more of what runs."""
        self._round += 1
