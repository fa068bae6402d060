"""What follows sources, without a cluster and without greenlets: a test lays out the answers and runs who is to run."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from prometheus_client import CollectorRegistry

from portal.catalog.state import Catalog
from portal.ingest.handover import HandoverMetrics
from portal.ingest.journal import Journal
from portal.ingest.sync import SyncTracker
from portal.kube.backoff import BackoffOptions
from portal.kube.errors import KubeError, Unavailable
from portal.kube.listwatch import Page
from portal.kube.metrics import KubeMetrics
from portal.kube.outage import Outage
from portal.kube.state import WatchOptions
from portal.logs import LimitedLine
from portal.runtime.clusters import Collection
from portal.runtime.following import Following
from portal.runtime.reflectors import Watching
from tests.kube.doors import answered

HASTY = WatchOptions(backoff=BackoffOptions(initial=0.001), forbidden_poll=(0.001, 0.001))
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
AWAY = Unavailable("try again later")


class Roll:
    """A crew that starts nobody: who would run, by name."""

    def __init__(self) -> None:
        self.runs: dict[str, Callable[[threading.Event], None]] = {}

    def start(
        self, name: str, run: Callable[[threading.Event], None], *, at_once: bool = False
    ) -> Callable[[], object]:
        del at_once
        self.runs[name] = run
        return lambda: self.runs.pop(name)

    def errand(self, name: str, run: Callable[[], None]) -> None:
        del name
        run()

    def together(self, name: str, works: Iterable[Callable[[], object]]) -> None:
        del name
        for work in works:
            work()


class Door:
    """Answers every list with the same, and no watch; the last question is the first watch or the `last` list."""

    def __init__(self, answer: Page[Any] | KubeError, stop: threading.Event, last: int) -> None:
        self._answer = answer
        self._stop = stop
        self._left = last

    def list(self, *, limit: int, continue_token: str) -> Page[Any]:
        del limit, continue_token
        self._left -= 1
        if not self._left:
            self._stop.set()
        page: Page[Any] = answered(self._answer)
        return page

    def watch(self, *, resource_version: str, timeout_seconds: float) -> Any:
        del resource_version, timeout_seconds
        self._stop.set()
        raise AWAY


class Stage:
    """Following and what it needs; `answers` says what a list of a kind gives, where that is no failure.

    `lists` of a kind are answered before it ends: two, so that what came of the first is taken note of.
    """

    def __init__(self, lists: int = 2, roll: Any = None, **answers: Page[Any] | KubeError) -> None:
        self._lists = lists
        self.roll = roll or Roll()
        self.stop = threading.Event()
        self.catalog = Catalog(lambda _: None)
        self.tracker = SyncTracker(lambda _: None, now=lambda: NOON)
        self.answers = answers
        outage = Outage(lambda: 200)
        self.registry = CollectorRegistry()
        metrics = KubeMetrics(self.registry), HandoverMetrics(self.registry)
        watching = Watching(HASTY, outage, *metrics, 1000, {}, lambda _: None)
        journal = Journal(LimitedLine(lambda *_: None))
        self.following = Following(self, self.roll, self.catalog, self.tracker, journal, watching)

    def door(self, collection: Collection, notice: Any) -> Door:
        del notice
        return Door(self.answers.get(collection.resources[0].kind, AWAY), self.stop, self._lists)

    def run(self, name: str) -> None:
        """Run one who was started until it has been answered for the last time."""
        self.stop.clear()
        self.roll.runs[name](self.stop)
