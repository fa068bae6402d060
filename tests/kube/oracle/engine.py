"""portal's own way from the API server to the catalog and its events, and what those believe who listen to it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec

from portal.catalog.state import Catalog
from portal.ingest.handover import HandoverMetrics
from portal.ingest.intake import Feed
from portal.ingest.journal import Journal
from portal.ingest.startup import Startup
from portal.ingest.sync import SyncTracker
from portal.kube.client import connect
from portal.kube.limits import TokenBucket
from portal.kube.metrics import KubeMetrics
from portal.kube.outage import Outage
from portal.kube.state import WatchOptions
from portal.logs import LimitedLine
from portal.runtime.clusters import RealCluster
from portal.runtime.crew import Crew
from portal.runtime.following import Following
from portal.runtime.reflectors import Watching
from portal.sources import SOURCES
from portal.sources.source import MappingOptions
from portal.stream.announcer import Announcer
from tests.kube.faults.folding import Folded, Published

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from portal.ingest.intake import Intake
    from portal.kube.reflector import Changes, Replaced
    from portal.model import Change, Entry
    from portal.stream.events import Event

# Shorter than in life, so that minutes hold what otherwise takes hours.
OPTIONS = WatchOptions(
    page=5,
    lifetime=(8.0, 20.0),
    idle=15.0,
    idle_without_marks=15.0,
    safety_relist=45.0,
    absent_poll=(2.0, 4.0),
    grace=5.0,
)


class Observed(Following):
    """Following, with somebody who folds every delivery."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.folded: dict[str, Folded] = {source.name: Folded() for source in SOURCES}

    def _deliver(self, scope: str, intake: Intake, delivery: Replaced[Any] | Changes[Any]) -> None:
        self.folded[intake.feed.source.name](delivery)
        super()._deliver(scope, intake, delivery)


class Subscriber:
    """A page that believes events: entries by id, as JSON."""

    def __init__(self) -> None:
        self.entries: dict[str, dict[str, Any]] = {}
        self.counts: Counter[str] = Counter()

    def __call__(self, event: Event) -> None:
        """Take an event in."""
        self.counts[event.type] += 1
        if event.type.endswith("_REMOVED"):
            self.entries.pop(event.key, None)
        elif event.type.endswith(("_ADDED", "_UPDATED")):
            self.entries[event.key] = _without_version(msgspec.json.decode(event.data))


class Engine:
    """Everything between the socket and a subscriber, for all kinds."""

    def __init__(self, kubeconfig: Path) -> None:
        self.crew = Crew()
        self.published = Published()
        self.subscriber = Subscriber()
        self.announcer = Announcer(lambda said: [self.subscriber(each.written()) for each in said])
        self.catalog = Catalog(self._changed)
        api = connect(str(kubeconfig), bucket=TokenBucket(qps=50, burst=50))
        watching = Watching(
            options=OPTIONS,
            outage=Outage(api.probe),
            metrics=KubeMetrics(),
            handover=HandoverMetrics(),
            capacity=1000,
            resync={},
            announce=self.announcer.announce,
        )
        journal = Journal(LimitedLine(lambda *_: None))
        tracker = SyncTracker(lambda _: None)
        self.following = Observed(RealCluster(api), self.crew, self.catalog, tracker, journal, watching)

    def start(self) -> None:
        """Follow every kind."""
        self.crew.start("announcer", self.announcer.run)
        options = MappingOptions(only_annotated=False)
        self.following.watch([Feed(source, options) for source in SOURCES], Startup(()))

    def stop(self) -> None:
        """End everything."""
        self.crew.disband(5)

    def entries(self) -> dict[str, Entry]:
        """Return the catalog's entries by id."""
        snapshot = self.catalog.snapshot()
        return {entry.id: entry for entry in (*snapshot.applications, *snapshot.bookmarks)}

    def entries_as_json(self) -> dict[str, dict[str, Any]]:
        """Return the catalog's entries as subscribers are told of them."""
        return {key: _without_version(msgspec.to_builtins(entry)) for key, entry in self.entries().items()}

    def _changed(self, changes: Sequence[Change]) -> None:
        self.published(changes)
        self.announcer.announce(changes)


def _without_version(entry: dict[str, Any]) -> dict[str, Any]:
    # A write that changes nothing that is shown is told to nobody, so versions may differ.
    return {name: value for name, value in entry.items() if name != "resourceVersion"}
