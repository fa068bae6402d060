"""A peer that is gone without a word: no FIN, no RST, nothing is acknowledged any more."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import gevent
import pytest

from portal.stream.options import HubOptions
from portal.web.server import Server
from tests.stream.site import Site

SERVER, PEER = "198.18.77.1", "198.18.77.2"
STALL = 1.0
READ_AND_STAY = """
import socket, sys, time
reader = socket.create_connection((sys.argv[1], int(sys.argv[2])))
reader.sendall(b"GET /api/updates/stream HTTP/1.1\\r\\nHost: portal\\r\\n\\r\\n")
while b"HEARTBEAT" not in reader.recv(65536):
    pass
print("reads", flush=True)
time.sleep(60)
"""


class Link:
    """A network namespace with one link to it, which can be cut."""

    def __init__(self, name: str) -> None:
        self.name = name

    def open(self) -> None:
        name = self.name
        self._ip("netns", "add", name)
        self._ip("link", "add", name, "type", "veth", "peer", "name", "peer", "netns", name)
        self._ip("address", "add", f"{SERVER}/30", "dev", name)
        self._ip("link", "set", name, "up")
        self._ip("-n", name, "address", "add", f"{PEER}/30", "dev", "peer")
        self._ip("-n", name, "link", "set", "peer", "up")

    def _ip(self, *arguments: str) -> None:
        subprocess.run(["ip", *arguments], check=True, capture_output=True)

    def run(self, *command: str) -> subprocess.Popen[str]:
        return subprocess.Popen(["ip", "netns", "exec", self.name, *command], stdout=subprocess.PIPE, text=True)

    def cut(self) -> None:
        self._ip("-n", self.name, "link", "set", "peer", "down")

    def close(self) -> None:
        for arguments in (("link", "delete", self.name), ("netns", "delete", self.name)):
            with suppress(subprocess.CalledProcessError):
                self._ip(*arguments)


@pytest.fixture
def link() -> Iterator[Link]:
    if shutil.which("ip") is None:
        pytest.skip("ip is missing; on Debian: apt-get install iproute2")
    made = Link(f"portal{os.getpid()}")
    try:
        made.open()
    except subprocess.CalledProcessError as error:
        made.close()
        pytest.skip(f"no network namespace can be made, root may: {error.stderr.decode().strip()}")
    yield made
    made.close()


def test_a_peer_whose_link_is_cut_is_closed_within_the_stall_limit(open_site: Callable[..., Site], link: Link) -> None:
    site = open_site(HubOptions(heartbeat=0.3, stall=STALL))
    server = Server(site.app, SERVER, 0)
    site.greenlets.append(gevent.spawn(server.serve, site.stop))
    peer = link.run(sys.executable, "-c", READ_AND_STAY, SERVER, str(server.address[1]))
    assert peer.stdout is not None
    assert peer.stdout.readline() == "reads\n"
    assert site.hub.clients == 1

    link.cut()
    start = time.monotonic()
    site.wait(lambda: site.hub.clients == 0, 5 * STALL)

    assert STALL / 2 < time.monotonic() - start < 3 * STALL  # the kernel looks only when it sends once more
    assert peer.poll() is None
    peer.kill()
    peer.communicate()
