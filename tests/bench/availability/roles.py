"""The servers that are asked and the client that reads pages, each a process of its own."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable

from gevent.server import StreamServer

ANSWER = (
    b"HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: Sat, 21 Nov 2026 08:00:00 GMT\r\n"
    b"Content-Type: text/html; charset=utf-8\r\nContent-Length: 512\r\n"
    b"Cache-Control: no-cache\r\nX-Frame-Options: DENY\r\n"
)


def answer(connection: socket.socket, _peer: object) -> None:
    with connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while request := connection.recv(65536):
            closing = b"onnection: close" in request
            connection.sendall(ANSWER + (b"Connection: close\r\n\r\n" if closing else b"\r\n"))
            if closing:
                return


def hang(connection: socket.socket, _peer: object) -> None:
    with connection:
        while connection.recv(65536):
            pass


def serve(behaviour: Callable[[socket.socket, object], None], *certificate: str) -> None:
    options = {"certfile": certificate[0], "keyfile": certificate[1]} if certificate else {}
    server = StreamServer(("0.0.0.0", 0), behaviour, backlog=1024, **options)  # all of 127.0.0.0/8
    server.start()
    print(server.server_port, flush=True)
    server.serve_forever()


def read(port: str, seconds: str) -> None:
    times = []
    for _ in range(int(seconds) * 20):
        began = time.perf_counter()
        with socket.create_connection(("127.0.0.1", int(port))) as connection:
            connection.sendall(b"GET / HTTP/1.0\r\nAccept-Encoding: gzip\r\n\r\n")  # as every browser does
            while connection.recv(65536):
                pass
        times.append(round((time.perf_counter() - began) * 1000, 3))
        time.sleep(max(0.0, 0.05 - (time.perf_counter() - began)))
    print(json.dumps(times))


ROLES: dict[str, Callable[..., None]] = {
    "answer": lambda *certificate: serve(answer, *certificate),
    "hang": lambda: serve(hang),
    "read": read,
}
