"""The body of a streaming response: handed over with its socket where the server can, iterated where not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from portal.stream.options import Subscription


class Streaming(Protocol):
    """What a body needs of the hub."""

    is_running: bool

    def attach(self, fd: int, subscription: Subscription, head: bytes) -> None:
        """Take over a connection."""

    def frames(self, subscription: Subscription) -> Iterator[bytes]:
        """Yield whole frames."""


class Stream:
    """The body of a streaming response: handed over with its socket where the server can, iterated where not."""

    def __init__(self, hub: Streaming, subscription: Subscription) -> None:
        self._hub = hub
        self._subscription = subscription
        self._frames: Iterator[bytes] | None = None

    @property
    def can_attach(self) -> bool:
        """Return whether the hub runs, and so looks after sockets."""
        return self._hub.is_running

    def attach(self, fd: int, head: bytes) -> None:
        """Hand the connection over to the hub, with the response's head still to be sent."""
        self._hub.attach(fd, self._subscription, head)

    def __iter__(self) -> Iterator[bytes]:
        self._frames = self._hub.frames(self._subscription)
        return self._frames

    def close(self) -> None:
        """Leave the stream; called by the server when the reader is gone."""
        close = getattr(self._frames, "close", None)
        if close is not None:
            close()
