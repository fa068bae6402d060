"""The web server: its address, its end, and peers that are slow or wrong."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
import time
from collections.abc import Iterator

import gevent
import pytest
from flask import Flask

from portal.web.server import ListenError, Server, url_of


@pytest.fixture
def app() -> Flask:
    app = Flask("tested")
    app.add_url_rule("/ping", "ping", lambda: "pong")
    app.add_url_rule("/defect", "defect", lambda: 1 // 0)
    return app


@pytest.fixture
def server(app: Flask) -> Iterator[Server]:
    server, stop = Server(app, "127.0.0.1", 0), threading.Event()
    serving = gevent.spawn(server.serve, stop)
    yield server
    stop.set()
    serving.get(timeout=5)


def ask(server: Server, request: bytes, *, seconds: float = 5.0) -> bytes:
    with socket.create_connection(server.address, seconds) as connection:
        connection.sendall(request)
        pieces = []
        with contextlib.suppress(ConnectionError):
            while piece := connection.recv(65536):
                pieces.append(piece)
    return b"".join(pieces)


PING = b"GET /ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


def test_it_listens_on_a_free_port_and_says_which(server: Server) -> None:
    host, port = server.address

    assert (host, port > 0) == ("127.0.0.1", True)
    assert ask(server, PING).endswith(b"pong")


@pytest.mark.parametrize(
    ("host", "url"), [("0.0.0.0", "http://0.0.0.0:80"), ("::", "http://[::]:80"), ("::1", "http://[::1]:80")]
)
def test_the_address_that_is_said_can_be_opened(host: str, url: str) -> None:
    assert url_of(host, 80) == url


def test_a_taken_port_is_said_clearly(server: Server, app: Flask) -> None:
    with pytest.raises(
        ListenError, match=rf"cannot listen on 127\.0\.0\.1:{server.address[1]}: Address already in use"
    ):
        Server(app, *server.address)


def test_an_address_that_is_not_ours_is_said_clearly(app: Flask) -> None:
    with pytest.raises(ListenError, match=r"cannot listen on 192\.0\.2\.1:80: "):
        Server(app, "192.0.2.1", 80)


def test_a_port_can_be_listened_on_again_at_once(app: Flask) -> None:
    first, stop = Server(app, "127.0.0.1", 0), threading.Event()
    serving = gevent.spawn(first.serve, stop)
    assert ask(first, PING).endswith(b"pong")
    stop.set()
    serving.get(timeout=5)

    second = Server(app, *first.address)

    assert second.address == first.address
    second.close()


def test_after_stopping_nothing_is_accepted_but_answers_under_way_go_on(app: Flask) -> None:
    app.add_url_rule("/slow", "slow", lambda: (time.sleep(0.1), "done")[1])
    server, stop = Server(app, "127.0.0.1", 0), threading.Event()
    serving = gevent.spawn(server.serve, stop)
    asking = gevent.spawn(ask, server, PING.replace(b"/ping", b"/slow"))
    gevent.sleep(0.03)

    stop.set()
    serving.get(timeout=5)

    with pytest.raises(OSError, match="refused"):
        socket.create_connection(server.address)
    assert asking.get(timeout=5).endswith(b"done")


def test_small_answers_on_a_kept_connection_do_not_wait_for_acknowledgements(server: Server) -> None:
    with socket.create_connection(server.address, 5) as connection:
        start = time.monotonic()
        for _ in range(20):
            connection.sendall(PING.replace(b"Connection: close\r\n", b""))
            answer = b""
            while not answer.endswith(b"pong"):
                answer += connection.recv(4096)
        took = time.monotonic() - start

    assert took < 20 * 0.02


def test_a_defect_is_answered_and_the_server_goes_on(server: Server) -> None:
    answer = ask(server, PING.replace(b"/ping", b"/defect"))

    assert answer.startswith(b"HTTP/1.1 500 ")
    assert ask(server, PING).endswith(b"pong")


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\r\n\r\n",
    ],
)
def test_what_is_no_http_is_refused(server: Server, request_bytes: bytes) -> None:
    assert ask(server, request_bytes).startswith(b"HTTP/1.1 400 ")


def test_a_peer_that_never_finishes_its_request_is_let_go(app: Flask) -> None:
    server, stop = Server(app, "127.0.0.1", 0, idle_seconds=0.2), threading.Event()
    serving = gevent.spawn(server.serve, stop)

    start = time.monotonic()
    answers = [ask(server, b""), ask(server, b"GET /ping HTTP/1.1\r\nHost: x\r\n")]
    took = time.monotonic() - start
    stop.set()
    serving.get(timeout=5)

    assert answers == [b"", b""]
    assert took < 3


def test_the_access_log_is_quiet_unless_it_is_asked_for(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "portal.web.server"):
        ask(server, PING)
    quiet = list(caplog.records)
    with caplog.at_level(logging.DEBUG, "portal.web.server"):
        ask(server, PING)

    assert quiet == []
    assert any("GET /ping" in record.getMessage() for record in caplog.records)
