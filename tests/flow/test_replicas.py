"""Two and three portals on one real Valkey and one real API server: one stream, whoever dies in the middle.

The tests share the portals; the last one kills one of them.
"""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

import gevent
import pytest
from msgspec.structs import replace

from portal.web.events import STREAM_PATH
from tests.cluster.control_plane import ControlPlane
from tests.flow.portal import Portal, eventually
from tests.stream.replicas import Valkey
from tests.stream.site import Frame, Reader

CONFIGURATION = """
startpunkt:
  ingress: {{onlyAnnotated: false}}
  availability: {{enabled: false}}
  broker: {{url: "{url}"}}
"""
"""The health of applications is another test's."""
OWN = ("HEARTBEAT", "SYNC_STATUS", "CONFIG_CHANGED", "")
"""What a replica says of itself alone."""
BURST = 60


class Burst:
    """Ingresses that come one after the other, written to the API server from a thread of their own."""

    def __init__(self, cluster: ControlPlane, prefix: str) -> None:
        self._cluster = cluster
        self.names = [f"{prefix}-{n:03d}" for n in range(BURST)]
        self._thread = threading.Thread(target=self._write)
        self._thread.start()

    def _write(self) -> None:
        manifests = {"apiVersion": "v1", "kind": "List", "items": [ingress(name) for name in self.names]}
        self._cluster.kubectl("create", "-f", "-", stdin=json.dumps(manifests))

    def join(self) -> None:
        self._thread.join()


def ingress(name: str) -> dict[str, Any]:
    rule = {"host": f"{name}.example.org"}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"rules": [rule], "defaultBackend": {"service": {"name": name, "port": {"number": 80}}}},
    }


@pytest.fixture(scope="module")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    own = Valkey(tmp_path_factory.mktemp("valkey"))
    yield own
    own.close()


@pytest.fixture(scope="module", params=[2, 3], ids=["two", "three"])
def replicas(
    request: pytest.FixtureRequest,
    control_plane: ControlPlane,
    valkey: Valkey,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[list[Portal]]:
    folder = tmp_path_factory.mktemp("replicas")
    config = folder / "application.yaml"
    config.write_text(CONFIGURATION.format(url=valkey.url), encoding="utf-8")
    arguments = ("serve", "--config", str(config), "--kubeconfig", str(control_plane.admin))
    valkey.client().flushall()  # what was there before would be told to go in the middle of a test
    portals = [Portal(folder / f"log{n}", *arguments) for n in range(request.param)]
    with ExitStack() as stack:
        gevent.joinall([gevent.spawn(stack.enter_context, portal) for portal in portals], raise_error=True)
        for portal in portals:
            eventually(lambda portal=portal: portal.get("/readyz")[0] == 200, 30)
        yield portals
    control_plane.kubectl("delete", "--raw", "/apis/networking.k8s.io/v1/namespaces/default/ingresses")  # all at once


def listen(portal: Portal, last: str = "") -> Reader:
    address = urlsplit(portal.url)
    header = f"Last-Event-ID: {last}\r\n" if last else ""
    request = f"GET {STREAM_PATH} HTTP/1.1\r\nHost: portal\r\n{header}\r\n"
    reader = Reader((str(address.hostname), int(address.port or 0)), request.encode())
    return reader.until(lambda reader: b'"HEARTBEAT"' in reader.raw)


def shared(reader: Reader) -> list[Frame]:
    """Return the events that are all replicas', whole ones only, without when to come back."""
    body = reader.body
    reader.raw = reader.raw[: len(reader.raw) - len(body)] + body[: body.rfind(b"\n\n") + 2]
    return [replace(frame, retry="") for frame in reader.frames if frame.type not in OWN]


def added(frames: list[Frame]) -> list[str]:
    return [frame.value["resourceName"] for frame in frames if frame.type == "APPLICATION_ADDED"]


def until_name(reader: Reader, name: str) -> Reader:
    mark = f'"resourceName":"{name}"'.encode()
    return reader.until(lambda reader: mark in reader.raw and reader.raw.endswith(b"\n\n"), 30)


def applications(portal: Portal) -> set[str]:
    return {each["resourceName"] for each in portal.json("/api/snapshot")["applications"]}


def test_every_replica_shows_the_same_ids_and_bytes_and_no_change_twice(
    control_plane: ControlPlane, replicas: list[Portal]
) -> None:
    readers = [listen(portal) for portal in replicas]

    burst = Burst(control_plane, f"same-on-{len(replicas)}")
    for reader in readers:
        until_name(reader, burst.names[-1])
    burst.join()

    seen = [shared(reader) for reader in readers]
    assert added(seen[0]) == burst.names
    assert all(frames == seen[0] for frames in seen)


def test_a_broker_that_dies_and_comes_back_in_the_middle_loses_no_reader_and_ends_in_the_truth(
    control_plane: ControlPlane, replicas: list[Portal], valkey: Valkey
) -> None:
    readers = [listen(portal) for portal in replicas]

    burst = Burst(control_plane, f"broker-of-{len(replicas)}")
    readers[0].until(lambda reader: reader.raw.count(b"APPLICATION_ADDED") > BURST // 4, 30)
    later = f"later-on-{len(replicas)}"
    followers = [Follower(portal, reader) for portal, reader in zip(replicas, readers, strict=True)]
    following = [gevent.spawn(each.until_known, {*burst.names, later}) for each in followers]
    valkey.kill()
    burst.join()
    valkey.start()
    control_plane.kubectl("create", "-f", "-", stdin=json.dumps(ingress(later)))
    gevent.joinall(following, timeout=60, raise_error=True)

    assert not any(reader.ended for reader in readers)
    assert [each.known - applications(portal) for each, portal in zip(followers, replicas, strict=True)] == [
        set() for _ in replicas
    ]
    for portal in replicas:  # each comes back by itself, with a RESET, and the next test counts what readers get
        eventually(lambda portal=portal: "portal_sse_broker_up 1.0" in portal.get("/metrics")[2])


def test_who_loses_its_replica_in_the_middle_of_a_burst_goes_on_at_another(
    control_plane: ControlPlane, replicas: list[Portal]
) -> None:
    victim, *others = replicas
    reader = listen(victim)
    whole = listen(others[0])

    burst = Burst(control_plane, f"killed-by-{len(replicas)}")
    reader.until(lambda reader: reader.raw.count(b"APPLICATION_ADDED") > BURST // 4, 30)
    victim.stop(signal.SIGKILL)
    before = shared(reader)
    resumed = until_name(listen(others[-1], before[-1].id), burst.names[-1])
    until_name(whole, burst.names[-1])
    burst.join()

    after = shared(resumed)
    assert [*before, *after] == shared(whole)
    assert added([*before, *after]) == burst.names


class Follower:
    """What somebody knows who does as the contract says: RESET means to fetch the snapshot, and to go on."""

    def __init__(self, portal: Portal, reader: Reader) -> None:
        self._portal = portal
        self._reader = reader
        self._resets = 0
        self._snapshot: set[str] = set()

    @property
    def known(self) -> set[str]:
        frames = self._reader.frames
        resets = sum(frame.type == "RESET" for frame in frames)
        if resets > self._resets:
            self._resets, self._snapshot = resets, applications(self._portal)
        return {*added(frames), *self._snapshot}

    def until_known(self, names: set[str]) -> None:
        self._reader.until(lambda _reader: names <= self.known, 60)
