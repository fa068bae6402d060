"""How long to wait after a failure: longer each time, never the same for two, and briefly again after a good while.

The numbers are client-go's: 0.8 s doubled up to 30 s, each stretched by up to as much again, forgotten after 120 s of
peace.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

MANY: Final = 64  # failures beyond which the delay has long reached its cap


class BackoffOptions(Struct, frozen=True, kw_only=True):
    """Seconds of the first delay, the factor to the next, the share of chance, the cap, and the peace that resets."""

    initial: float = 0.8
    factor: float = 2.0
    jitter: float = 1.0
    cap: float = 30.0
    reset_after: float = 120.0


class Backoff(Struct, frozen=True, gc=False):
    """What is remembered of failures: how many in a row, and when the last was."""

    failures: int = 0
    last: float = 0.0

    def next(self, now: float, chance: float, options: BackoffOptions) -> tuple[Backoff, float]:
        """Return what to remember of one more failure, and the seconds to wait; `chance` is from [0, 1)."""
        before = 0 if now - self.last > options.reset_after else self.failures
        delay = min(options.initial * options.factor ** min(before, MANY), options.cap)
        return Backoff(before + 1, now), delay * (1 + options.jitter * chance)
