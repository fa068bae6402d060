"""The fault proxy passes bytes, and does each damage that it is named for."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from tests.kube.scenario.proxy import ProxyProcess

if TYPE_CHECKING:
    from collections.abc import Iterator


def echo(listener: socket.socket) -> None:
    """Send everything back, one thread for each client."""

    def serve(client: socket.socket) -> None:
        with client, suppress(OSError):
            while data := client.recv(65536):
                client.sendall(data)

    with suppress(OSError):
        while True:
            threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()


@pytest.fixture
def proxy() -> Iterator[ProxyProcess]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=echo, args=(listener,), daemon=True).start()
        with ProxyProcess(listener.getsockname()[1]) as running:
            yield running


def connect(proxy: ProxyProcess) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=5)


def exchange(client: socket.socket, data: bytes) -> bytes:
    client.sendall(data)
    return client.recv(len(data))


def test_a_healthy_line_passes_bytes_both_ways(proxy: ProxyProcess) -> None:
    with connect(proxy) as client:
        assert exchange(client, b"hello") == b"hello"


def test_latency_delays_both_ways(proxy: ProxyProcess) -> None:
    proxy.set(latency=0.1)
    with connect(proxy) as client:
        start = time.monotonic()
        exchange(client, b"hello")

    assert time.monotonic() - start >= 0.2


def test_slices_arrive_one_by_one(proxy: ProxyProcess) -> None:
    proxy.set(slice_bytes=1, slice_pause=0.01)
    with connect(proxy) as client:
        assert exchange(client, b"hello") == b"h"


def test_a_reset_ends_open_connections(proxy: ProxyProcess) -> None:
    with connect(proxy) as client:
        exchange(client, b"hello")
        proxy.set(reset=True)

        with pytest.raises(ConnectionResetError):
            client.recv(1)


def test_a_stall_is_silent_and_passes_what_was_held_when_it_ends(proxy: ProxyProcess) -> None:
    with connect(proxy) as client:
        exchange(client, b"hello")
        proxy.set(stall=True)
        client.settimeout(0.2)
        with pytest.raises(TimeoutError):
            exchange(client, b"held")
        proxy.set()
        client.settimeout(5)

        assert client.recv(4) == b"held"


def test_a_limit_ends_the_connection_after_so_many_bytes(proxy: ProxyProcess) -> None:
    proxy.set(limit=8)
    with connect(proxy) as client:
        assert exchange(client, b"hello") == b"hello"
        assert exchange(client, b"hello") == b""


def test_down_refuses_and_a_new_process_takes_the_same_port(proxy: ProxyProcess) -> None:
    proxy.set(down=True)
    with pytest.raises(ConnectionRefusedError):
        connect(proxy)
    proxy.kill()
    proxy.start()

    with connect(proxy) as client:
        assert exchange(client, b"hello") == b"hello"


def test_a_frozen_proxy_still_accepts(proxy: ProxyProcess) -> None:
    proxy.pause()
    with connect(proxy) as client:
        client.sendall(b"hello")
        proxy.resume()

        assert client.recv(5) == b"hello"
