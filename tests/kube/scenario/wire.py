"""HTTP/1.1 by hand, so that every byte of an answer can be wrong on purpose."""

from __future__ import annotations

import json
import select
import socket
import struct
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 410: "Gone"}
JSON = {"Content-Type": "application/json"}
TEXT = {"Content-Type": "text/plain; charset=utf-8"}
MAXIMUM_HEAD = 65536


@dataclass(frozen=True)
class Request:
    """What a client asked for."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]

    @property
    def is_watch(self) -> bool:
        """Tell whether the client wants to be told of changes."""
        return self.query.get("watch", "") in ("1", "true", "True")


class Disconnected(Exception):  # noqa: N818 - the usual end of a connection
    """The client is gone."""


class Connection:
    """One client's socket: reads requests, writes answers whole, in chunks, or as bare bytes."""

    def __init__(self, client: socket.socket) -> None:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = client
        self._buffer = b""

    def read_request(self) -> Request | None:
        """Return the next request, or None when the client has closed the connection."""
        while b"\r\n\r\n" not in self._buffer:
            received = self._socket.recv(65536)
            if not received or len(self._buffer) > MAXIMUM_HEAD:
                return None
            self._buffer += received
        head, self._buffer = self._buffer.split(b"\r\n\r\n", 1)
        first, *lines = head.decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ", 2)
        url = urlsplit(target)
        headers = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines)}
        return Request(method, url.path, dict(parse_qsl(url.query, keep_blank_values=True)), headers)

    def send(self, data: bytes) -> None:
        """Write bytes as they are."""
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise Disconnected from error

    def answer(self, code: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        """Write a whole answer with its length."""
        self.send(_head(code, {**JSON, "Content-Length": str(len(body)), **(headers or {})}) + body)

    def answer_json(self, code: int, body: Any) -> None:
        """Write a whole answer in JSON."""
        self.answer(code, json.dumps(body).encode())

    def open_stream(self, headers: dict[str, str] | None = None) -> None:
        """Write the head of an answer that comes in chunks."""
        self.send(_head(200, {**JSON, "Transfer-Encoding": "chunked", **(headers or {})}))

    def chunk(self, data: bytes) -> None:
        """Write one chunk."""
        self.send(b"%x\r\n%b\r\n" % (len(data), data))

    def finish(self) -> None:
        """Write the chunk that proves that nothing is missing."""
        self.send(b"0\r\n\r\n")

    def is_gone(self, seconds: float) -> bool:
        """Wait up to `seconds` for the client to close its side, and tell whether it has."""
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        if not poll.poll(seconds * 1000):
            return False
        try:
            return not self._socket.recv(1, socket.MSG_PEEK)
        except OSError:
            return True

    def close(self) -> None:
        """Close in an orderly way (FIN)."""
        self._socket.close()

    def reset(self) -> None:
        """Close by a reset (RST): what the client has not read yet is lost."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()


def _head(code: int, headers: dict[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {code} {REASONS.get(code, 'Status')}", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
