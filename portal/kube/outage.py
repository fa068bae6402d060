"""Waiting for an API server that does not answer: one asks for all, and wakes them one by one when it is back.

That it does not answer, and that it does again, is said once for all.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from typing import Final

from portal.kube.errors import ConnectionLost, KubeError, Unavailable, Unreachable

log = logging.getLogger(__name__)

PROBE_SECONDS: Final = (0.8, 1.5)
STAGGER_SECONDS: Final = 1.0
BOOT_SECONDS: Final = (
    10.0  # a server that starts answers 500 and refuses what it will allow; one that stays so is asked again
)
LOOK_SECONDS: Final = 0.5
SERVER_ERROR: Final = 500
SAYS_NOTHING: Final = (ConnectionLost, Unavailable)  # neither that the server is away, nor that it is there

Pause = Callable[[threading.Event, float], object]


class Outage:
    """One per cluster. The first who waits asks for all; the next takes over when that one is stopped.

    `probe` returns the HTTP status of the server's readiness, or raises KubeError.
    """

    def __init__(
        self,
        probe: Callable[[], int],
        *,
        clock: Callable[[], float] = time.monotonic,
        pause: Pause = threading.Event.wait,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._probe = probe
        self._clock = clock
        self._pause = pause
        self._chance = chance
        self._asking = threading.Lock()
        self._returned = threading.Condition()
        self._returns = 0
        self._why: str | None = None

    def heard(self, error: KubeError | None = None) -> bool:
        """Take note of how a request went, and say what is new; tell whether this very failure is said for all."""
        if isinstance(error, Unreachable):
            if self._why is None:
                self._why = str(error)
                log.warning("The API server cannot be reached why=%s", error)
            return self._why == str(error)
        if self._why is not None and not isinstance(error, SAYS_NOTHING):
            self._why = None
            log.info("The API server answers again")
        return False

    def wait(self, stop: threading.Event) -> None:
        """Return when the server answers again, or when `stop` is set."""
        returns = self._returns
        while returns == self._returns and not stop.is_set():
            if self._asking.acquire(blocking=False):
                try:
                    self._ask(stop, returns)
                finally:
                    self._asking.release()
            else:
                with self._returned:
                    self._returned.wait_for(lambda: self._returns != returns, timeout=LOOK_SECONDS)
        self._pause(stop, STAGGER_SECONDS * self._chance())

    def _ask(self, stop: threading.Event, returns: int) -> None:
        """Ask until the server answers; what it answers hardly matters."""
        answering_since: float | None = None
        while returns == self._returns:
            shortest, longest = PROBE_SECONDS
            self._pause(stop, shortest + (longest - shortest) * self._chance())
            if stop.is_set():
                return
            status = self._status()
            if status is None:
                answering_since = None
                continue
            now = self._clock()
            answering_since = now if answering_since is None else answering_since
            if status < SERVER_ERROR or now - answering_since >= BOOT_SECONDS:
                self._wake()

    def _status(self) -> int | None:
        try:
            return self._probe()
        except KubeError:
            return None

    def _wake(self) -> None:
        with self._returned:
            self._returns += 1
            self._returned.notify_all()
