"""A replica is killed in the middle of a burst; its reader goes on elsewhere with nothing missing and nothing twice.

`PORTAL_ROUNDS=100` runs it a hundred times.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import gevent
import pytest

from portal.model import utc_now
from portal.stream.events import Event
from portal.web.events import STREAM_PATH
from tests.stream.replicas import Replica, Valkey
from tests.stream.site import Reader

ROUNDS = int(os.environ.get("PORTAL_ROUNDS", "5"))
BURST = 300


class Process:
    def __init__(self, valkey: Valkey) -> None:
        command = [sys.executable, "-m", "tests.stream.replica_process", valkey.url, "killed"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2])
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())

    def connect(self, last: str = "") -> Reader:
        header = f"Last-Event-ID: {last}\r\n" if last else ""
        return Reader(("127.0.0.1", self.port), f"GET {STREAM_PATH} HTTP/1.1\r\nHost: x\r\n{header}\r\n".encode())

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()

    close = kill


@pytest.fixture(scope="module")
def survivor(shared_valkey: Valkey) -> Iterator[Process]:
    with closing(Process(shared_valkey)) as process:
        yield process


@pytest.fixture(scope="module")
def publisher(shared_valkey: Valkey) -> Iterator[Replica]:
    with closing(Replica(shared_valkey.url, "killed")) as replica:
        assert replica.broker.wait_filled(10)
        yield replica


@pytest.fixture
def victim(shared_valkey: Valkey) -> Iterator[Process]:
    with closing(Process(shared_valkey)) as process:
        yield process


def whole(raw: bytes) -> bytes:
    """Return what a browser has of a body: a frame without its end does not count."""
    return raw[: raw.rfind(b"\n\n") + 2]


@pytest.mark.parametrize("attempt", range(ROUNDS))
def test_a_reader_of_a_killed_replica_goes_on_elsewhere(
    attempt: int, victim: Process, survivor: Process, publisher: Replica
) -> None:
    reader = victim.connect().until(lambda reader: b"HEARTBEAT" in reader.raw)
    kill_at = f'"n":{20 + attempt * 37 % 200}}}'.encode()

    def burst() -> None:
        for n in range(BURST):
            publisher.broker.publish(Event(type="NUMBER", timestamp=utc_now(), data=b'{"n":%d}' % n))
            gevent.sleep(0.0005)

    publishing = gevent.spawn(burst)
    reader.until(lambda reader: kill_at in reader.raw)
    victim.kill()
    reader.raw = whole(reader.raw)
    resumed = survivor.connect(reader.frames[-1].id).until(lambda reader: b'"n":%d}' % (BURST - 1) in reader.raw)
    publishing.join()

    seen = [frame.value["n"] for frame in [*reader.events, *resumed.events]]
    assert seen == list(range(BURST))
    assert "RESET" not in resumed.types
