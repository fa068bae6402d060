"""The subscribers of one view: sockets that have everything, sockets that are behind, and readers that pull.

A socket that has everything stores no cursor: it has all before the channel's `flushed`. Only one whose `send` was
short gets a `Backlog`, with the rest of what it was being sent and the cursor from which it goes on.
"""

from __future__ import annotations

import _socket  # gevent's and the standard library's sockets cost 0.3 µs more for each send
import contextlib
import socket
import struct
import sys
import threading
from collections.abc import Callable
from typing import Final, NamedTuple

from portal.stream.frames import border_from
from portal.stream.log import Record
from portal.stream.views import View

SEND_BUFFER: Final = 64 * 1024
UNSENT_LOW: Final = 16 * 1024
_ABORT: Final = struct.pack("ii", 1, 0)


class Backlog:
    """What a socket has yet to get: the rest of `data`, then the `earlier` records, then those from `cursor` on.

    `exact` while a resumed reader gets what it missed, nothing merged; `moved` is when the socket last took a byte. The
    first `kept` bytes of `data` are sent whatever happens: a response's head, or the end of a frame whose beginning is
    out.
    """

    __slots__ = ("cursor", "data", "earlier", "exact", "kept", "moved", "offset")

    def __init__(self, data: bytes, cursor: int, moved: float, *, offset: int = 0, exact: bool = False) -> None:
        self.data = data
        self.offset = offset
        self.cursor = cursor
        self.moved = moved
        self.exact = exact
        self.earlier: list[Record] = []
        self.kept = 0

    def skip(self, reset: bytes, cursor: int) -> None:
        """Drop all but the frame that is half sent, and go on with `reset` from `cursor`."""
        border = self.kept if self.offset <= self.kept else border_from(self.data, self.offset)
        self.kept = border - self.offset
        self.data = self.data[self.offset : border] + reset
        self.offset = 0
        self.cursor = cursor
        self.earlier = []
        self.exact = False


class Client:
    """One subscriber's socket, after the hand-off from the web server."""

    __slots__ = ("address", "expires", "fd", "group", "send", "socket")

    def __init__(self, sock: _socket.socket, group: Group, address: str, expires: float) -> None:
        self.socket = sock
        self.fd = sock.fileno()
        self.send: Callable[[bytes | memoryview], int] = sock.send
        self.group = group
        self.address = sys.intern(address)
        self.expires = expires

    def write(self, backlog: Backlog, now: float) -> bool:
        """Send what the socket takes of `backlog.data`; return whether it took all. Raise OSError where it is gone."""
        rest = memoryview(backlog.data)[backlog.offset :]
        try:
            sent = self.send(rest)
        except BlockingIOError:
            return not rest
        backlog.offset += sent
        backlog.moved = now
        return sent == len(rest)

    def close(self) -> None:
        """Close in good order: what the kernel has still goes out."""
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_WR)
        self.socket.close()

    def abort(self) -> None:
        """Close at once, so that the kernel gives up what it holds for a reader that does not read."""
        with contextlib.suppress(OSError):
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
        self.socket.close()


class Turn(NamedTuple):
    """Clients, and their sockets' `send` at the same index: a sweep need not touch the clients themselves."""

    clients: tuple[Client, ...]
    sends: tuple[Callable[[bytes], int], ...]


class Puller:
    """A reader that takes frames from an iterator, on servers that keep their sockets to themselves."""

    __slots__ = ("address", "expires", "wake")

    def __init__(self, address: str, expires: float) -> None:
        self.address = address
        self.expires = expires
        self.wake = threading.Event()


class Group:
    """The subscribers of a channel that share a view, and so the same bytes."""

    __slots__ = ("_turn", "blocked", "channel", "live", "pullers", "view")

    def __init__(self, channel: str, view: View) -> None:
        self.channel = channel
        self.view = view
        self.live: dict[int, Client] = {}
        self.blocked: dict[int, tuple[Client, Backlog]] = {}
        self.pullers: set[Puller] = set()
        self._turn: Turn | None = None

    def join(self, client: Client) -> None:
        """Take a client among those that have everything."""
        self.live[client.fd] = client
        self._turn = None

    def leave(self, client: Client) -> None:
        """Take a client from among those that have everything, if it is there."""
        if self.live.pop(client.fd, None):
            self._turn = None

    def turn(self) -> Turn:
        """Return the clients that have everything; made anew only where they are others than last time."""
        if self._turn is None:
            clients = tuple(self.live.values())
            self._turn = Turn(clients, tuple(client.send for client in clients))
        return self._turn

    def __len__(self) -> int:
        return len(self.live) + len(self.blocked) + len(self.pullers)


def prepare(fd: int, patience_seconds: float) -> _socket.socket:
    """Return a descriptor's raw socket, set up for streaming: not blocking, with small and bounded kernel buffers."""
    sock = _socket.socket(fileno=fd)
    sock.settimeout(0.0)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
    if sock.family in (socket.AF_INET, socket.AF_INET6):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_LOW)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(patience_seconds * 1000))
    return sock
