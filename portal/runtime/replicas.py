"""Which of several replicas asks whether applications are up, and how the others learn what it found."""

from __future__ import annotations

import logging
import secrets
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from portal.availability.scheduler import Scheduler
from portal.catalog.state import Catalog
from portal.kube.lease import LeaseOptions
from portal.model import Application, Change, Health
from portal.runtime.clusters import Cluster
from portal.runtime.crew import Crew
from portal.stream.announcer import StatusChange
from portal.stream.events import STATUS_CHANGED, UPDATES, Event
from portal.stream.healths import SharedHealths

log = logging.getLogger(__name__)

LEASE: Final = "portal-availability"
HOLDING: Final = "we hold the lease"
NAMESPACE_FILE: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


class StatusData(Struct, frozen=True):
    """The data of `STATUS_CHANGED`."""

    changes: tuple[StatusChange, ...]


class Replicas:
    """Lets this process ask, or hear what another one found; `asks` says which."""

    def __init__(self, crew: Crew, catalog: Catalog, scheduler: Scheduler) -> None:
        self.asks = True
        self._crew = crew
        self._catalog = catalog
        self._scheduler = scheduler
        self._heard: dict[str, Health] = {}
        self._known: tuple[int, Mapping[str, Health]] = (0, {})
        self._reasons: set[str] = set()
        self._turning = threading.Lock()
        self._end: Callable[[], None] = lambda: None

    def start(self, cluster: Cluster, broker_url: str) -> None:
        """Ask at once where we are alone; with others, when it is our turn."""
        identity = f"{socket.gethostname()}-{secrets.token_hex(4)}"
        options = LeaseOptions(namespace=own_namespace(), name=LEASE, identity=identity)
        lease = cluster.lease(options, partial(self._turn, HOLDING)) if broker_url else None
        if lease is None:
            self._turn("we are alone", holds=True)
            return
        self.asks = False
        self._scheduler.pause()
        lost = partial(self._turn, "the broker is away")
        # One who asks only while the broker is away must not write over what the holder knows when it is back.
        shared = SharedHealths(broker_url, self._everything, self._hear_all, lambda: HOLDING in self._reasons, lost)
        self._crew.start("shared health", shared.run)
        self._crew.start("lease", lease.run)

    def _turn(self, reason: str, holds: bool) -> None:
        """Ask as long as there is a reason to, and otherwise leave it to another replica."""
        with self._turning:
            asked = bool(self._reasons)
            self._reasons = self._reasons | {reason} if holds else self._reasons - {reason}
            self.asks = bool(self._reasons)
            if self.asks and not asked:
                self._end = self._crew.start("availability", self._scheduler.run)
            elif asked and not self.asks:
                self._end()  # takes a while, in which another reason may come
                self._scheduler.pause()

    def hear(self, event: Event) -> None:
        """Take note of an event of the shared stream: what the replica that asks has found."""
        if event.type == STATUS_CHANGED and event.channel == UPDATES and not self.asks:
            verdicts = _verdicts(event)
            self._heard.update(verdicts)
            self._judge(verdicts)

    def complete(self, changes: Sequence[Change]) -> None:
        """Give applications that are new here the health that was heard of them before."""
        if self.asks:
            return
        added = [each.after for each in changes if isinstance(each.after, Application) and each.after.health is None]
        self._judge({each.id: self._heard[each.id] for each in added if each.id in self._heard})

    def _hear_all(self, verdicts: Mapping[str, Health]) -> None:
        if not self.asks:
            self._heard = dict(verdicts)
            self._judge(verdicts)

    def _judge(self, verdicts: Mapping[str, Health]) -> None:
        self._scheduler.hear(verdicts)
        self._catalog.judge(verdicts)

    def _everything(self) -> Mapping[str, Health]:
        snapshot = self._catalog.snapshot()
        if snapshot.version != self._known[0]:
            healths = {each.id: each.health for each in snapshot.applications if each.health is not None}
            self._known = (snapshot.version, healths)
        return self._known[1]


def _verdicts(event: Event) -> dict[str, Health]:
    try:
        data = msgspec.json.decode(event.data, type=StatusData)
    except ValueError as error:  # a replica of another version may say what this one does not know
        log.warning("The health that another replica found cannot be read error=%s", error)
        return {}
    return {each.id: each.health for each in data.changes if each.health is not None}


def own_namespace(file: Path = NAMESPACE_FILE) -> str:
    """Return the namespace that we run in, `default` outside of a cluster."""
    try:
        return file.read_text(encoding="utf-8").strip() or "default"
    except OSError:
        return "default"
