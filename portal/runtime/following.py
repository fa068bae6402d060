"""Follows every enabled source: by a reflector each or, without watches, by a listing each that is asked on demand."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from typing import Any

from msgspec import Struct

from portal.catalog.state import Catalog
from portal.ingest.intake import Feed, Intake, Witness
from portal.ingest.ondemand import PATIENCE_SECONDS, Listing, OnDemand
from portal.ingest.references import Deliver, References, WholeObject
from portal.ingest.startup import Startup
from portal.ingest.sync import SyncTracker
from portal.kube.machine import WatchOptions
from portal.kube.metrics import KubeMetrics
from portal.kube.outage import Outage
from portal.kube.reflector import Changes, Reflector, Replaced
from portal.runtime.clusters import Cluster
from portal.runtime.crew import Crew
from portal.sources.references import Reference

log = logging.getLogger(__name__)


class Watching(Struct, frozen=True):
    """What all reflectors of a cluster share."""

    options: WatchOptions
    outage: Outage
    metrics: KubeMetrics


class Followed:
    """One feed that is followed: its intake, and how to end it."""

    def __init__(self, feed: Feed, intake: Intake, end: Callable[[], None]) -> None:
        self.feed = feed
        self.intake = intake
        self.end = end


class Following:
    """Starts and ends what follows the feeds."""

    def __init__(
        self, cluster: Cluster, crew: Crew, catalog: Catalog, tracker: SyncTracker, witness: Witness, watching: Watching
    ) -> None:
        self._cluster = cluster
        self._crew = crew
        self._catalog = catalog
        self._tracker = tracker
        self._witness = witness
        self._watching = watching
        self._references = References(self._follow_reference)
        self._followed: dict[str, Followed] = {}
        self.on_demand = OnDemand(())
        self.restored: dict[str, datetime] = {}

    def watch(self, feeds: Iterable[Feed], startup: Startup) -> None:
        """Follow these feeds by watches, and no others."""
        wanted = {feed.scope: feed for feed in feeds}
        for scope in self._followed.keys() - wanted.keys():
            self._unfollow(scope, clear=True)
        for scope, feed in wanted.items():
            followed = self._followed.get(scope)
            if followed is not None and followed.feed != feed:
                self._unfollow(scope, clear=False)
            if scope not in self._followed:
                self._watch(feed, startup)

    def list_on_demand(self, feeds: Iterable[Feed], ttl: float) -> None:
        """Follow these feeds by listings that `refresh` asks for."""
        listings = []
        for feed in feeds:
            intake = self._intake(feed)
            door = self._cluster.door(feed.source.resources, feed.source.projection, feed.namespace)
            listing = Listing(feed.title, door, partial(self._deliver, feed, intake), self._tracker.report, ttl)
            self._tracker.follow(feed.title, listing.status)
            end = self._crew.start(f"list {feed.title}", listing.run)
            self._followed[feed.scope] = Followed(feed, intake, end)
            listings.append(listing)
        self.on_demand = OnDemand(listings)

    def refresh(self, patience: float = PATIENCE_SECONDS) -> None:
        """Bring what is listed on demand up to date; nothing to do with watches."""
        self.on_demand.refresh(patience)

    def oldest_restored(self) -> datetime | None:
        """Return when what is shown from before the restart was saved; None when everything is confirmed."""
        return min(self.restored.values(), default=None)

    def __len__(self) -> int:
        return len(self._followed)

    def _watch(self, feed: Feed, startup: Startup) -> None:
        intake = self._intake(feed)
        door = self._cluster.door(feed.source.resources, feed.source.projection, feed.namespace)
        reflector = Reflector(
            feed.source.title,
            door,
            partial(self._deliver, feed, intake),
            self._tracker.report,
            namespace=feed.namespace,
            options=self._watching.options,
            outage=self._watching.outage,
            admission=startup.admission(feed.title),
            metrics=self._watching.metrics,
        )
        self._tracker.follow(feed.title, reflector.status)
        end = self._crew.start(f"watch {feed.title}", reflector.run)
        self._followed[feed.scope] = Followed(feed, intake, end)

    def _unfollow(self, scope: str, *, clear: bool) -> None:
        followed = self._followed.pop(scope)
        followed.end()
        self._tracker.forget(followed.feed.title)
        self.restored.pop(scope, None)
        if clear:
            followed.intake.clear()

    def _intake(self, feed: Feed) -> Intake:
        return Intake(feed, self._catalog, self._references, self._witness)

    def _deliver(self, feed: Feed, intake: Intake, delivery: Replaced[Any] | Changes[Any]) -> None:
        intake(delivery)
        self.restored.pop(feed.scope, None)

    def _follow_reference(self, reference: Reference, deliver: Deliver) -> Callable[[], None]:
        """Follow one object that entries depend on; how it is, is no part of the synchronisation."""
        door = self._cluster.door(reference.resources, WholeObject, reference.namespace, reference.name)
        reflector = Reflector(
            str(reference),
            door,
            deliver,
            lambda _: None,
            namespace=reference.namespace,
            options=self._watching.options,
            outage=self._watching.outage,
            admission=Startup(()).admission(str(reference)),
            metrics=self._watching.metrics,
        )
        return self._crew.start(f"watch {reference}", reflector.run)
