"""A token bucket that all requests to one API server share; watches and continuation pages go past it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

NOT_WORTH_A_PAUSE: Final = 0.001


class TokenBucket:
    """Lets `qps` requests a second pass, and `burst` at once after a pause, in the order in which they came."""

    def __init__(
        self,
        qps: float = 5.0,
        burst: int = 10,
        *,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], object] = time.sleep,
    ) -> None:
        self._interval = 1.0 / qps
        self._depth = burst * self._interval
        self._clock = clock
        self._pause = pause
        self._lock = threading.Lock()
        self._full_at = clock()  # the moment at which the bucket is full again if nobody takes any more

    def take(self) -> None:
        """Wait until a request may be sent."""
        wait = self._reserve()
        if wait > NOT_WORTH_A_PAUSE:
            self._pause(wait)

    def _reserve(self) -> float:
        with self._lock:
            now = self._clock()
            self._full_at = max(self._full_at, now) + self._interval
            return self._full_at - self._depth - now
