"""Follows every enabled source: by a reflector each or, without watches, by a listing each that is asked on demand."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from portal.catalog.state import Catalog
from portal.ingest.endpoints import RESOURCES, SERVICE_LABEL, EndpointSlice
from portal.ingest.handover import Handover
from portal.ingest.intake import NOBODY, Aside, Feed, Intake, Witness
from portal.ingest.ondemand import PATIENCE_SECONDS, Listing, OnDemand
from portal.ingest.references import Deliver, References
from portal.ingest.resync import Resync
from portal.ingest.startup import ObservedDoor, Startup
from portal.ingest.sync import SyncTracker
from portal.kube.reflector import Changes, Replaced
from portal.model import ResourceStatus
from portal.runtime.ages import Ages
from portal.runtime.clusters import Cluster, Collection, Notice
from portal.runtime.crew import Crew
from portal.runtime.namespaces import NAMESPACES, TITLE, Namespace, SelectedNamespaces
from portal.runtime.reflectors import Reflectors, Take, Watching, collection_of_reference
from portal.sources.references import Reference

log = logging.getLogger(__name__)

DeliverFrom = Callable[[str, Replaced[Any] | Changes[Any]], None]


class Followed:
    """One feed that is followed: its intake, and what ends it, in this order."""

    def __init__(self, feed: Feed, intake: Intake, ends: Iterable[Callable[[], object]]) -> None:
        self.feed = feed
        self.intake = intake
        self._ends = tuple(ends)

    def end(self) -> None:
        """End it, and return when that is done."""
        for end in self._ends:
            end()


class Following:
    """Starts and ends what follows the feeds."""

    def __init__(
        self,
        cluster: Cluster,
        crew: Crew,
        catalog: Catalog,
        tracker: SyncTracker,
        witness: Witness,
        watching: Watching,
        aside: Callable[[References], Aside] = lambda _: NOBODY,
    ) -> None:
        self._cluster = cluster
        self._crew = crew
        self._catalog = catalog
        self._tracker = tracker
        self._witness = witness
        self._watching = watching
        self._reflectors = Reflectors(cluster, crew, witness, watching)
        self._references = References(self._follow_reference)
        self._aside = aside(self._references)
        self._followed: dict[str, Followed] = {}
        self._left: dict[str, Intake] = {}  # of what is followed anew, until it is
        self._listings: dict[str, Listing] = {}
        self._referenced: dict[Reference, Listing] = {}
        self._ttl: float | None = None  # of listings; None where everything is watched
        self.on_demand = OnDemand()
        self.ages = Ages(tracker)
        self._end_namespaces: Callable[[], None] = lambda: None
        self._end_slices: dict[str, Callable[[], None]] = {}

    def watch(self, feeds: Iterable[Feed], startup: Startup, *, only: bool = True) -> None:
        """Follow these feeds by watches; `only`: and no others."""
        feeds = tuple(feeds)
        wanted = self._wanted(feeds, only=only)
        self._let_go(wanted, only=only)
        for scope, feed in wanted.items():
            if scope in self._followed:
                startup.answered(feed.title)
            else:
                self._watch(feed, startup)
        for feed in feeds:
            if feed.scope not in wanted:
                startup.answered(feed.title)

    def select_namespaces(self, labels: str, selected: SelectedNamespaces) -> None:
        """Follow the namespaces with these labels, and none with others; without labels, none at all.

        Those selected by name wait for no answer about labels.
        """
        held = bool(self._followed or self.ages.restored)
        self._end_namespaces()
        self.ages.discount(TITLE, TITLE, held=held)
        if not labels:
            self._end_namespaces = lambda: None
            return
        collection = Collection(NAMESPACES, Namespace, labels=labels)
        selected.begin()
        deliver = partial(self._deliver, TITLE, selected)
        reflector = self._reflectors.build(TITLE, collection, deliver, self._tracker.report, held=held)
        self.ages.count(TITLE, TITLE, reflector.status)
        self._end_namespaces = self._reflectors.start(f"watch {TITLE}", reflector)

    def watch_endpoints(self, namespaces: Iterable[str], deliver: DeliverFrom, *, only: bool = True) -> None:
        """Follow the EndpointSlices of these namespaces; `only`: and of no others. No part of the synchronisation."""
        wanted = frozenset(namespaces)
        gone = sorted(self._end_slices.keys() - wanted) if only else []
        self._crew.together("end of watches", [self._end_slices.pop(namespace) for namespace in gone])
        for namespace in gone:
            deliver(namespace, Replaced((), "", "relist"))
        for namespace in () if "" in self._end_slices else sorted(wanted - self._end_slices.keys()):
            collection = Collection(RESOURCES, EndpointSlice, namespace, labels=SERVICE_LABEL)
            reflector = self._reflectors.build("EndpointSlice", collection, partial(deliver, namespace))
            self._end_slices[namespace] = self._reflectors.start(f"watch EndpointSlice {namespace}", reflector)

    def list_on_demand(self, feeds: Iterable[Feed], ttl: float, *, only: bool = True) -> None:
        """Follow these feeds by listings that `refresh` asks for; `only`: and no others."""
        wanted = self._wanted(feeds, only=only)
        kept = {scope: each for scope, each in self._listings.items() if self._is_followed(wanted.get(scope))}
        self._listings, self._ttl = kept, ttl
        self._let_listings_be_asked()
        self._let_go(wanted, only=only)
        for scope, feed in wanted.items():
            if scope in kept:
                continue
            intake = self._intake(feed)
            handover, is_shown = self._handover(feed, intake), self._is_shown(feed)
            notice = self._reflectors.notice(feed.source.title)
            listing, end = self._list(feed.title, collection_of(feed), handover, notice, ttl, held=is_shown)
            ends = end, handover.forget
            self.ages.count(scope, feed.title, listing.status)
            self._followed[scope], self._listings[scope] = Followed(feed, intake, ends), listing
        self._let_listings_be_asked()
        self.on_demand.ask()

    def list_namespaces(self, labels: str, selected: SelectedNamespaces, ttl: float) -> None:
        """List the namespaces with these labels before their sources; without labels, none at all.

        Those selected by name wait for no answer about labels.
        """
        held = bool(self._followed or self.ages.restored)
        self._end_namespaces()
        self.ages.discount(TITLE, TITLE, held=held)
        self.on_demand.before, self._end_namespaces = None, lambda: None
        if labels:
            collection, notice = Collection(NAMESPACES, Namespace, labels=labels), self._reflectors.notice(TITLE)
            selected.begin()
            deliver = partial(self._deliver, TITLE, selected)
            listing, self._end_namespaces = self._list(TITLE, collection, deliver, notice, ttl, held=held)
            self.ages.count(TITLE, TITLE, listing.status)
            self.on_demand.before = listing
            self.on_demand.ask()

    def refresh(self, patience: float = PATIENCE_SECONDS) -> None:
        """Bring what is listed on demand up to date; nothing to do with watches."""
        self.on_demand.refresh(patience)

    def referenced(self) -> tuple[ResourceStatus, ...]:
        """Return how the last listings went of what entries depend on; nothing to do with watches."""
        return tuple(each.status() for each in self._referenced.values())

    def __len__(self) -> int:
        return len(self._followed)

    def _watch(self, feed: Feed, startup: Startup) -> None:
        intake = self._intake(feed)
        handover = self._handover(feed, intake)
        reflector = self._reflectors.build(
            feed.source.title,
            collection_of(feed),
            handover,
            self._tracker.report,
            startup.admission(feed.title),
            held=self._is_shown(feed),
            seen=lambda door: ObservedDoor(
                door, partial(self._tracker.watching, feed.title), partial(self._take_ahead, intake)
            ),
        )
        self.ages.count(feed.scope, feed.title, reflector.status, watched=True)
        ends = [self._reflectors.start(f"watch {feed.title}", reflector), handover.forget]
        period = self._watching.resync.get(feed.source.name, 0)
        if period:
            resync = Resync(period, partial(self._catalog.entries, feed.scope), self._watching.announce)
            ends.append(self._crew.start(f"resync {feed.title}", resync.run))
        self._followed[feed.scope] = Followed(feed, intake, ends)

    def _list(
        self,
        title: str,
        collection: Collection,
        deliver: Take,
        notice: Notice,
        ttl: float,
        *,
        held: bool = False,
        report: Callable[[ResourceStatus], None] | None = None,
    ) -> tuple[Listing, Callable[[], None]]:
        """Start a listing, which reports to the synchronisation or to `report`; return what ends it with it."""
        door, report = self._cluster.door(collection, notice), report or self._tracker.report
        outage = self._watching.outage
        listing = Listing(title, door, deliver, report, ttl, outage=outage, held=held, notice=notice)
        end = self._crew.start(f"list {title}", listing.run)

        def ended() -> None:
            listing.leave()
            end()

        return listing, ended

    def _follow_reference(self, reference: Reference, deliver: Deliver) -> Callable[[], None]:
        """Follow one object that entries depend on as they are followed; it is no part of the synchronisation."""
        if self._ttl is None:
            return self._reflectors.follow_reference(reference, deliver)
        title, notice = reference.kind, self._reflectors.notice(reference.kind)
        collection = collection_of_reference(reference)
        listing, end = self._list(title, collection, deliver, notice, self._ttl, report=lambda _: None)
        self._referenced[reference] = listing
        self._let_listings_be_asked()
        listing.ask()

        def ended() -> None:
            self._referenced.pop(reference, None)
            self._let_listings_be_asked()
            self._crew.errand(f"end of list {reference}", end)  # as with watches: nobody can wait for a thousand

        return ended

    def _let_listings_be_asked(self) -> None:
        self.on_demand.listings = (*self._listings.values(), *self._referenced.values())

    def _is_followed(self, feed: Feed | None) -> bool:
        """Tell whether a feed is followed as it is."""
        followed = None if feed is None else self._followed.get(feed.scope)
        return followed is not None and followed.feed == feed

    def _wanted(self, feeds: Iterable[Feed], *, only: bool) -> dict[str, Feed]:
        """Return these feeds by their scopes and, where they are not the `only` ones, those that are followed.

        One whose source is followed in all namespaces waits for the end of that: both would show the same entries.
        """
        others = {} if only else {scope: each.feed for scope, each in self._followed.items()}
        everywhere = {feed.source.name for feed in others.values() if not feed.namespace}
        return others | {feed.scope: feed for feed in feeds if feed.source.name not in everywhere}

    def _let_go(self, wanted: Mapping[str, Feed], *, only: bool) -> None:
        """Follow nothing but these feeds; what is shown of one that is only read in another way stays for now.

        Where they are not the `only` ones, what was restored of others stays too: nobody knows yet whether it may.
        """
        gone = [partial(self._unfollow, scope, clear=True) for scope in self._followed.keys() - wanted.keys()]
        others = [
            partial(self._unfollow, scope, clear=False)
            for scope, feed in wanted.items()
            if scope in self._followed and not self._is_followed(feed)
        ]
        self._crew.together("end of watches", (*gone, *others))
        for scope in self.ages.restored.keys() - wanted.keys() if only else ():
            self._catalog.replace(scope, ())
            self.ages.confirmed(scope)

    def _unfollow(self, scope: str, *, clear: bool) -> None:
        followed = self._followed.pop(scope)
        self.ages.discount(scope, followed.feed.title, held=not clear and self._is_shown(followed.feed))
        followed.end()
        followed.intake.end()
        if not clear:
            self._left[scope] = followed.intake
        elif scope not in self._followed:  # or it is followed anew already: who ended us may have been ended
            followed.intake.clear()
            self.ages.confirmed(scope)

    def _is_shown(self, feed: Feed) -> bool:
        """Tell whether entries of a feed are shown already, of before the restart or of before a reload."""
        return bool(self._catalog.entries(feed.scope))

    def _intake(self, feed: Feed) -> Intake:
        after = self._left.pop(feed.scope, None)
        return Intake(feed, self._catalog, self._references, self._witness, self._aside, after=after)

    def _handover(self, feed: Feed, intake: Intake) -> Handover:
        watching = self._watching
        return Handover(feed.title, partial(self._deliver, feed.scope, intake), watching.capacity, watching.handover)

    def _take_ahead(self, intake: Intake, page: Sequence[Any], is_last: bool) -> Sequence[Any]:
        drafts = intake.drafts(page)
        if intake.is_empty and not is_last:
            self._crew.errand(f"first list {intake.feed.title}", partial(intake.ahead, drafts))
        return drafts

    def _deliver(self, scope: str, take: Take, delivery: Replaced[Any] | Changes[Any]) -> None:
        take(delivery)
        self.ages.confirmed(scope)


def collection_of(feed: Feed) -> Collection:
    """Return the objects that a feed reads."""
    return Collection(feed.source.resources, feed.source.projection, feed.namespace)
