"""portal's engine as a subject: from the socket to the catalog, its event log and its lines in the log.

`python -m tests.bench.watch.engine URL [hold] [alone]` prints `ready` and `done` as the peers do; with `hold` also how
long other greenlets had to wait meanwhile, as `hold P99 MAX` in milliseconds; with `alone` there is a reflector and
nothing else, and what it delivers goes nowhere, which shows what the way to the catalog costs.
"""

from __future__ import annotations

# ruff: noqa: E402 - the standard library is made cooperative first
from gevent import monkey

monkey.patch_all()

import os
import sys
import threading
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from msgspec import structs

from portal import logs
from portal.kube.client import connect
from portal.kube.doors import HttpListWatch
from portal.kube.outage import Outage
from portal.kube.reflector import Changes, Reflector
from portal.runtime.clusters import RealCluster
from portal.runtime.crew import Crew
from portal.runtime.house import Portal
from portal.settings.tree import Kind, Settings
from portal.sources.ingress import INGRESS
from tests.bench.watch.feed import END
from tests.bench.watch.peers import KUBECONFIG, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from portal.availability.results import Result
    from portal.availability.targets import Target
    from portal.kube.client import Api
    from portal.kube.reflector import Replaced
    from portal.model import Change

BEAT_SECONDS = 0.002


class Beats:
    """Notes how late a greenlet is that wants to run every two milliseconds."""

    def __init__(self) -> None:
        self.late: list[float] = []

    def run(self, stop: threading.Event) -> None:
        """Beat until told to stop."""
        while not stop.is_set():
            due = time.perf_counter() + BEAT_SECONDS
            time.sleep(BEAT_SECONDS)
            self.late.append(time.perf_counter() - due)

    def describe(self) -> str:
        """Return p99 and the maximum in milliseconds."""
        late = sorted(self.late) or [0.0]
        return f"hold {late[int(len(late) * 0.99)] * 1000:.3f} {late[-1] * 1000:.3f} {len(late)}"


class Whole:
    """The whole portal but its web server; nothing is checked, because the addresses are invented."""

    def __init__(self, api: Api, crew: Crew) -> None:
        never = Kind(enabled=False)
        said = Settings()
        settings = structs.replace(
            said,
            openshift=never,
            istio=structs.replace(said.istio, virtualservice=never),
            gatewayapi=structs.replace(said.gatewayapi, httproute=never),
            hajimari=structs.replace(said.hajimari, enabled=False),
            availability=structs.replace(said.availability, enabled=False),
        )
        self.done = threading.Event()
        self._portal = Portal(settings, RealCluster(api), Outage(api.probe), crew, _unasked)
        self._publish, self._portal.catalog._publish = self._portal.catalog._publish, self._changed
        self._portal.start()

    def is_following(self) -> bool:
        """Tell whether everything was listed and is watched."""
        return self._portal.tracker.status().status == "completed"

    def _changed(self, changes: Sequence[Change]) -> None:
        self._publish(changes)
        if changes[-1].entry.resource_name == END:
            self.done.set()


class Alone:
    """A reflector whose deliveries go nowhere."""

    def __init__(self, api: Api, crew: Crew) -> None:
        self.done = threading.Event()
        door = HttpListWatch(api, INGRESS.resources[0], INGRESS.projection)
        self._reflector = Reflector("Ingress", door, self._drop, lambda _: None, outage=Outage(api.probe))
        crew.start("reflector", self._reflector.run)

    def is_following(self) -> bool:
        """Tell whether everything was listed and is watched."""
        return self._reflector.status().status == "completed"

    def _drop(self, delivery: Replaced[Any] | Changes[Any]) -> None:
        if isinstance(delivery, Changes) and delivery.events[-1].object.metadata.name == END:
            self.done.set()


def _unasked(target: Target) -> Result:
    raise AssertionError(f"{target.url} was asked although availability is off")


def main(url: str, *, hold: bool, alone: bool) -> None:
    """Follow the feed until the last event has changed the catalog."""
    logs.set_up(os.environ)
    with TemporaryDirectory(prefix="bench-") as folder:
        kubeconfig = Path(folder) / "config"
        kubeconfig.write_text(KUBECONFIG.format(url=url))
        crew, beats = Crew(), Beats()
        subject = (Alone if alone else Whole)(connect(str(kubeconfig)), crew)
        while not subject.is_following():
            time.sleep(0.05)
        say("ready")
        if hold:
            crew.start("beats", beats.run)
        subject.done.wait()
        say("done")
        if hold:
            say(beats.describe())
        sys.stdin.read()  # memory is read from outside; the bench says when to end
        crew.disband(1)


if __name__ == "__main__":
    main(sys.argv[1], hold="hold" in sys.argv[2:], alone="alone" in sys.argv[2:])
