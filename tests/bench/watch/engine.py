"""portal's engine as a subject: from the socket to the catalog, its event log and its lines in the log.

`python -m tests.bench.watch.engine URL [hold] [alone]` prints `ready` and `done` as the peers do; with `hold` also how
long other greenlets had to wait meanwhile, as `hold P99 MAX` in milliseconds; with `alone` what the reflector delivers
goes nowhere, which shows what the way to the catalog costs.
"""

from __future__ import annotations

# ruff: noqa: E402 - the standard library is made cooperative first
from gevent import monkey

monkey.patch_all()

import logging
import sys
import threading
import time
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from portal import logs
from portal.catalog.state import Catalog
from portal.ingest.intake import Feed, Intake
from portal.ingest.journal import Journal
from portal.ingest.references import References
from portal.kube.client import connect
from portal.kube.doors import HttpListWatch
from portal.kube.outage import Outage
from portal.kube.reflector import Changes, Reflector
from portal.logs import LimitedLine
from portal.runtime.crew import Crew
from portal.sources.ingress import INGRESS
from portal.sources.source import MappingOptions
from portal.stream.announcer import Announcer
from portal.stream.hub import Hub
from portal.stream.options import HubOptions
from tests.bench.watch.feed import END
from tests.bench.watch.peers import KUBECONFIG, say

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from portal.kube.reflector import Replaced
    from portal.model import Change
    from portal.sources.references import Reference

BEAT_SECONDS = 0.002


class Beats:
    """Notes how late a greenlet is that wants to run every two milliseconds."""

    def __init__(self) -> None:
        self.late: list[float] = []
        self.counting = False

    def run(self, stop: threading.Event) -> None:
        """Beat until told to stop."""
        while not stop.is_set():
            due = time.perf_counter() + BEAT_SECONDS
            time.sleep(BEAT_SECONDS)
            if self.counting:
                self.late.append(time.perf_counter() - due)

    def describe(self) -> str:
        """Return p99 and the maximum in milliseconds."""
        late = sorted(self.late) or [0.0]
        return f"hold {late[int(len(late) * 0.99)] * 1000:.3f} {late[-1] * 1000:.3f} {len(late)}"


class Subject:
    """The engine put together as portal does, but for the web."""

    def __init__(self, url: str, folder: Path, *, alone: bool) -> None:
        kubeconfig = folder / "config"
        kubeconfig.write_text(KUBECONFIG.format(url=url))
        lines = {name: LimitedLine(logging.getLogger(f"portal.{name}").info) for name in ("ingest", "stream", "web")}
        hub = Hub(HubOptions(), log_broadcast=partial(lines["stream"], "Broadcasted event: %s"))
        self.announcer = Announcer(hub.append)
        self._line = lines["web"]
        self._intake = Intake(
            Feed(INGRESS, MappingOptions()),
            Catalog(self._changed),
            References(_follow_nothing),
            Journal(lines["ingest"]),
        )
        api = connect(str(kubeconfig))
        door = HttpListWatch(api, INGRESS.resources[0], INGRESS.projection)
        deliver = self._drop if alone else self._deliver
        self.reflector = Reflector("Ingress", door, deliver, lambda _: None, outage=Outage(api.probe))
        self.beats = Beats()
        self.done = threading.Event()

    def _deliver(self, delivery: Replaced[Any] | Changes[Any]) -> None:
        self.beats.counting = True
        self._intake(delivery)

    def _drop(self, delivery: Replaced[Any] | Changes[Any]) -> None:
        if isinstance(delivery, Changes) and delivery.events[-1].object.metadata.name == END:
            self.done.set()

    def _changed(self, changes: Sequence[Change]) -> None:
        self._line("Invalidated application caches due to resource changes")
        self.announcer.announce(changes)
        if changes[-1].entry.resource_name == END:
            self.done.set()


def _follow_nothing(reference: Reference, deliver: Any) -> Callable[[], None]:
    del reference, deliver
    return lambda: None


def main(url: str, *, hold: bool, alone: bool) -> None:
    """Follow the feed until the last event has changed the catalog."""
    logs.set_up({})
    with TemporaryDirectory(prefix="bench-") as folder:
        subject, crew = Subject(url, Path(folder), alone=alone), Crew()
        crew.start("announcer", subject.announcer.run)
        crew.start("reflector", subject.reflector.run)
        if hold:
            crew.start("beats", subject.beats.run)
        while subject.reflector.status().status != "completed":
            time.sleep(0.05)
        subject.beats.late.clear()
        subject.beats.counting = False
        say("ready")
        subject.done.wait()
        say("done")
        if hold:
            say(subject.beats.describe())
        sys.stdin.read()  # memory is read from outside; the bench says when to end
        crew.disband(1)


if __name__ == "__main__":
    main(sys.argv[1], hold="hold" in sys.argv[2:], alone="alone" in sys.argv[2:])
