"""A portal's stream on a loopback port, and readers that look at its raw bytes."""

from __future__ import annotations

import json
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable
from typing import Any

import gevent
from flask import Flask
from msgspec import Struct

from portal.stream.hub import Hub
from portal.stream.options import HubOptions
from portal.web.events import STREAM_PATH, events_blueprint
from portal.web.server import Server
from tests.stream.doors import Door, Open

PATIENCE = 15.0
CONNECTING = 60.0  # seconds; a thousand TLS handshakes at a time keep a busy machine for long
_LINE = re.compile(rb"(?::[^\n]*|(id|event|data|retry): ([^\n]*))")


class Frame(Struct, frozen=True):
    id: str
    event: str
    data: str
    retry: str = ""

    @property
    def type(self) -> str:
        return json.loads(self.data)["type"] if self.data.startswith("{") else ""

    @property
    def value(self) -> Any:
        return json.loads(self.data)["data"]


class MalformedError(Exception):
    pass


def parse(body: bytes) -> list[Frame]:
    blocks = body.split(b"\n\n")
    return [_frame(block) for block in blocks[:-1]]


def _frame(block: bytes) -> Frame:
    fields: dict[str, str] = {}
    for line in block.split(b"\n"):
        match = _LINE.fullmatch(line)
        if match is None or b"\r" in line:
            raise MalformedError(block)
        if match[1]:
            name = match[1].decode()
            fields[name] = f"{fields[name]}\n{match[2].decode()}" if name in fields else match[2].decode()
    return Frame(fields.get("id", ""), fields.get("event", ""), fields.get("data", ""), fields.get("retry", ""))


class Reader:
    """One connection, read as raw bytes."""

    def __init__(
        self,
        address: tuple[str, int],
        request: bytes,
        receive_buffer: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(CONNECTING)
        self.socket.connect(address)
        self.socket = self.socket if tls is None else tls.wrap_socket(self.socket)
        self.socket.sendall(request)
        self.socket.settimeout(PATIENCE)
        self.raw = b""
        self.ended = False

    def read(self, size: int = 65536) -> bytes:
        data = self.socket.recv(size)
        self.raw += data
        self.ended = not data
        return data

    def until(self, condition: Callable[[Reader], object], seconds: float = PATIENCE) -> Reader:
        deadline = time.monotonic() + seconds
        while not condition(self):
            left = deadline - time.monotonic()
            if left <= 0 or self.ended:
                raise AssertionError(f"did not come within {seconds} s; got {self.raw[-2000:]!r}")
            self.socket.settimeout(left)
            try:
                self.read()
            except TimeoutError:
                continue
        return self

    def until_end(self, seconds: float = PATIENCE) -> Reader:
        self.socket.settimeout(seconds)
        while self.read():
            pass
        return self

    def until_types(self, *types: str) -> Reader:
        return self.until(lambda reader: tuple(reader.types)[-len(types) :] == types)

    def until_event(self, event_id: object) -> Reader:
        return self.until(lambda reader: f"id: {event_id}\n".encode() in reader.raw and reader.raw.endswith(b"\n\n"))

    @property
    def head(self) -> bytes:
        return self.raw.partition(b"\r\n\r\n")[0]

    @property
    def headers(self) -> dict[str, str]:
        pairs = (line.split(": ", 1) for line in self.head.decode().split("\r\n")[1:])
        return {name.lower(): value for name, value in pairs}

    @property
    def body(self) -> bytes:
        return self.raw.partition(b"\r\n\r\n")[2]

    @property
    def frames(self) -> list[Frame]:
        return parse(self.body)

    @property
    def types(self) -> list[str]:
        return [frame.type for frame in self.frames]

    @property
    def events(self) -> list[Frame]:
        return [frame for frame in self.frames if frame.type not in ("HEARTBEAT", "")]

    def close(self) -> None:
        self.socket.close()


class Site:
    """A hub behind a web server: portal's own, which hands sockets over, or a plain one, which iterates."""

    def __init__(
        self, options: HubOptions | None = None, *, door: Door | None = None, app: Flask | None = None
    ) -> None:
        self.hub = Hub(options)
        self.app = app or Flask(__name__)
        self.app.register_blueprint(events_blueprint(self.hub))
        self.app.add_url_rule("/ping", "ping", lambda: "pong")
        self.stop = threading.Event()
        self.readers: list[Reader] = []
        self.greenlets = [gevent.spawn(self.hub.run, self.stop)]
        self._open = (door or self._hand_over)(self.app)
        self.address = ("127.0.0.1", self._open.port)

    def _hand_over(self, app: Flask) -> Open:
        server = Server(app, "127.0.0.1", 0)
        self.greenlets.append(gevent.spawn(server.serve, self.stop))
        return Open(server.address[1], server.close)

    def connect(
        self,
        query: str = "",
        *,
        last: object = "",
        method: str = "GET",
        version: str = "1.0",
        path: str = STREAM_PATH,
        headers: str = "",
        receive_buffer: int = 0,
    ) -> Reader:
        lines = [f"{method} {path}{query} HTTP/{version}", "Host: portal"]
        lines += [f"Last-Event-ID: {last}"] if last else []
        request = "\r\n".join([*lines, headers + "\r\n"] if headers else [*lines, "\r\n"])
        reader = Reader(self.address, request.encode(), receive_buffer, self._open.tls)
        self.readers.append(reader)
        return reader

    def open(self, query: str = "", **more: Any) -> Reader:
        """Connect, and return when the first heartbeat is there."""
        return self.connect(query, **more).until(lambda reader: b'"HEARTBEAT"' in reader.raw and reader.types[-1:])

    def wait(self, condition: Callable[[], object], seconds: float = PATIENCE) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "did not come to be"
            gevent.sleep(0.005)

    def close(self) -> None:
        self.stop.set()
        self.hub.close(0)
        for reader in self.readers:
            reader.close()
        self._open.close()
        gevent.joinall(self.greenlets, timeout=PATIENCE)
