"""Who is let in: a bound on all streams, one per address, and a tenth of the file descriptors kept for the rest."""

from __future__ import annotations

import resource
from collections import Counter
from typing import Final

_DESCRIPTORS_FOR_STREAMS: Final = 0.9


class Admission:
    """Counts open streams and says when there are enough."""

    def __init__(self, max_clients: int, max_per_address: int) -> None:
        self._max_clients = max_clients
        self._max_per_address = max_per_address
        self._by_address: Counter[str] = Counter()
        self.clients = 0

    def admits(self, address: str) -> bool:
        """Return whether one more stream from `address` may open."""
        if self._max_per_address and self._by_address[address] >= self._max_per_address:
            return False
        return self.clients < min(self._max_clients, descriptors_for_streams())

    def enter(self, address: str) -> None:
        """Count a stream that opened."""
        self.clients += 1
        self._by_address[address] += 1

    def leave(self, address: str) -> None:
        """Count a stream that closed."""
        self.clients -= 1
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]


def descriptors_for_streams() -> float:
    """Return how many streams the process's limit of open files leaves room for."""
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return float("inf") if soft == resource.RLIM_INFINITY else soft * _DESCRIPTORS_FOR_STREAMS
