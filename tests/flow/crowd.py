"""Many subscribers of one portal in one thread, reading nothing but bytes."""

from __future__ import annotations

import re
import selectors
import socket
import threading
import time
from itertools import pairwise
from typing import Self
from urllib.parse import urlsplit

from tests.flow.portal import Portal, eventually

FRAME = re.compile(rb'^id: (\S+)\ndata: {"type":"(\w+)".*\n\n', re.MULTILINE)


class Subscriber:
    """What one of them received, and when its stream ended."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.received = bytearray()
        self.ended: float | None = None

    def events(self) -> list[tuple[str, str]]:
        """Return the positions and types of the whole events, but no heartbeats."""
        frames: list[tuple[bytes, bytes]] = FRAME.findall(bytes(self.received))
        return [(position.decode(), kind.decode()) for position, kind in frames if kind != b"HEARTBEAT"]

    def jumps(self) -> set[str]:
        """Return the types of the events before which others are missing."""
        numbered = [(int(position.partition(".")[2]), kind) for position, kind in self.events()]
        return {kind for (before, _), (here, kind) in pairwise(numbered) if here != before + 1}

    def retry(self) -> int:
        """Return how many milliseconds the portal asked to wait last."""
        return int(re.findall(rb"^retry: (\d+)$", bytes(self.received), re.MULTILINE)[-1])


class Crowd:
    """That many subscribers, from the beginning of the block to its end."""

    def __init__(self, portal: Portal, count: int) -> None:
        address = urlsplit(portal.url)
        self._selector = selectors.DefaultSelector()
        self._stop = threading.Event()
        self.members = [self._join(address.hostname or "", address.port or 0) for _ in range(count)]
        self._reader = threading.Thread(target=self._read)

    def __enter__(self) -> Self:
        self._reader.start()
        eventually(lambda: all(b"HEARTBEAT" in each.received for each in self.members), 20)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._reader.join()
        for each in self.members:
            each.connection.close()

    def _join(self, host: str, port: int) -> Subscriber:
        connection = socket.create_connection((host, port))
        connection.sendall(b"GET /api/updates/stream HTTP/1.1\r\nHost: portal\r\n\r\n")
        connection.settimeout(0)
        member = Subscriber(connection)
        self._selector.register(connection, selectors.EVENT_READ, member)
        return member

    def _read(self) -> None:
        while not self._stop.is_set() and self._selector.get_map():
            for key, _ in self._selector.select(timeout=0.1):
                member: Subscriber = key.data
                try:
                    data = member.connection.recv(1 << 20)
                except ConnectionError:
                    data = b""
                member.received += data
                if not data:
                    member.ended = time.monotonic()
                    self._selector.unregister(member.connection)
