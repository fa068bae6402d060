"""The least that Python needs: portal's reading and decoding, then one function written for this feed and no other.

`python -m tests.bench.watch.straight URL` prints `ready` and `done` as the peers do. It maps the annotations and the
one rule that the feed's Ingresses have, keeps what is known and the latest 4096 changes, and writes 20 log lines a
second. No resuming, references, links, faults, checks, merging, events or metrics: beyond this is what they cost.
"""

from __future__ import annotations

import logging
import os
import socket
import sys
import time
from collections import deque
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from portal import logs
from portal.kube.framing import Chunks, Lines
from portal.kube.wire import ObjectDecoder
from portal.model import Application, Change
from portal.sources.ingress import INGRESS, Ingress
from tests.bench.watch.feed import END
from tests.bench.watch.peers import PATH, say

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from portal.kube.listwatch import WatchEvent

RECEIVED: Final = 65536
LINES: Final = 20  # a second

log = logging.getLogger("portal.straight")


class Straight:
    """What is known, and one long function that brings it up to date."""

    def __init__(self) -> None:
        self.digests: dict[tuple[str, str], tuple[str, int]] = {}
        self.entries: dict[str, Application] = {}
        self.changes: deque[Change] = deque(maxlen=4096)
        self._second = 0
        self._said = 0

    def take(self, events: Sequence[WatchEvent[Ingress]]) -> bool:
        """Apply events, and tell whether the last one is among them."""
        digests, entries = self.digests, self.entries
        is_over = False
        for event in events:
            metadata, spec = event.object.metadata, event.object.spec
            annotations, name, namespace = metadata.annotations, metadata.name, metadata.namespace
            digest = metadata.uid, hash((annotations, spec))
            if digests.get((namespace, name)) == digest:
                continue
            digests[namespace, name] = digest
            if annotations.startpunkt_enable != "true":
                continue
            rule, hosts = spec.rules[0], spec.tls[0].hosts
            entry_id = f"local/ingress/{namespace}/{name}"
            entry = Application(
                id=entry_id,
                cluster="local",
                source="ingress",
                namespace=namespace,
                resource_name=name,
                resource_version=metadata.resource_version,
                name=annotations.startpunkt_app_name or name,
                group=annotations.startpunkt_group or namespace,
                target_blank=False,
                location=1000,
                has_owner_references=bool(metadata.owner_references),
                url=f"https://{rule.host}" if rule.host in hosts else f"http://{rule.host}",
                icon=annotations.startpunkt_icon,
                enabled=True,
                available=True,
            )
            self.changes.append(Change(entries.get(entry_id), entry))
            entries[entry_id] = entry
            self._say(namespace, name)
            is_over = is_over or name == END
        return is_over

    def _say(self, namespace: str, name: str) -> None:
        second = int(time.monotonic())
        if second != self._second:
            self._second, self._said = second, 0
        self._said += 1
        if self._said <= LINES:
            log.info("Ingress MODIFIED: %s/%s", namespace, name)


def batches(url: str, decoder: ObjectDecoder[Ingress]) -> Iterator[Sequence[WatchEvent[Ingress]]]:
    """Yield what a watch receives together."""
    place = urlsplit(url)
    with socket.create_connection((place.hostname or "", place.port or 0)) as connection:
        connection.sendall(f"GET {PATH}?watch=1 HTTP/1.1\r\nHost: {place.netloc}\r\n\r\n".encode())
        data = b""
        while b"\r\n\r\n" not in data:
            data += connection.recv(RECEIVED)
        say("ready")
        data = data.partition(b"\r\n\r\n")[2]
        chunks, lines = Chunks(), Lines()
        while True:
            whole = lines.feed(chunks.feed(data))
            if whole:
                yield decoder.events(whole, lambda _: None)[0]
            data = connection.recv(RECEIVED)


def main(url: str) -> None:
    """Follow the feed until its last event."""
    logs.set_up(os.environ)
    straight = Straight()
    if any(map(straight.take, batches(url, ObjectDecoder(INGRESS.resources[0], INGRESS.projection)))):
        say("done")
    sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1])
