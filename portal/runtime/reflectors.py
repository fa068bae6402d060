"""Builds and starts the reflectors of one cluster: what all of them share, and what one is for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from portal.ingest.handover import HandoverMetrics
from portal.ingest.intake import Witness
from portal.ingest.references import Deliver, WholeObject
from portal.ingest.startup import StartupAdmission
from portal.kube.decode import Fault
from portal.kube.listwatch import ListWatch
from portal.kube.metrics import KubeMetrics
from portal.kube.outage import Outage
from portal.kube.reflector import Changes, Reflector, Replaced
from portal.kube.state import WatchOptions
from portal.model import Change, ResourceStatus
from portal.runtime.clusters import Cluster, Collection, Notice
from portal.runtime.crew import Crew
from portal.sources.references import Reference

Take = Callable[[Replaced[Any] | Changes[Any]], None]


class Watching(Struct, frozen=True):
    """What all reflectors of a cluster share.

    `capacity` is how many objects are handed on together; `resync` says after how many seconds the entries of a source
    are announced again by `announce`, 0 for never.
    """

    options: WatchOptions
    outage: Outage
    metrics: KubeMetrics
    handover: HandoverMetrics
    capacity: int
    resync: Mapping[str, float]
    announce: Callable[[Sequence[Change]], object]


class Reflectors:
    """Gives a reflector for any collection of one cluster; `witness` hears of fields that cannot be read."""

    def __init__(self, cluster: Cluster, crew: Crew, witness: Witness, watching: Watching) -> None:
        self._cluster = cluster
        self._crew = crew
        self._witness = witness
        self._watching = watching

    def build(
        self,
        title: str,
        collection: Collection,
        deliver: Take,
        report: Callable[[ResourceStatus], None] = lambda _: None,
        admission: StartupAdmission | None = None,
        *,
        held: bool = False,
        seen: Callable[[ListWatch[Any]], ListWatch[Any]] = lambda door: door,
        metrics: KubeMetrics | None = None,
    ) -> Reflector[Any]:
        """Return a reflector that is not started; without an admission it lists and watches at once."""
        notice = self.notice(title)
        return Reflector(
            title,
            seen(self._cluster.door(collection, notice)),
            deliver,
            report,
            namespace=collection.namespace,
            held=held,
            options=self._watching.options,
            outage=self._watching.outage,
            admission=admission,
            metrics=metrics or self._watching.metrics,
            notice=notice,
        )

    def start(self, name: str, reflector: Reflector[Any]) -> Callable[[], None]:
        """Start a reflector; return the function that ends it and takes its metrics back."""
        end = self._crew.start(name, reflector.run, at_once=True)

        def ended() -> None:
            end()
            reflector.forget()

        return ended

    def follow_reference(self, reference: Reference, deliver: Deliver) -> Callable[[], None]:
        """Follow one object that entries depend on; how it is, is no part of the synchronisation."""
        collection = collection_of_reference(reference)
        # Of its own metrics: objects of one kind would share series, and how each is, is no question of a dashboard.
        reflector = self.build(reference.kind, collection, deliver, metrics=KubeMetrics())
        end = self._crew.start(f"watch {reference}", reflector.run, at_once=True)
        # Nobody hears of it any more, and who lets go of a thousand cannot wait for each.
        return lambda: self._crew.errand(f"end of watch {reference}", end)

    def notice(self, title: str) -> Notice:
        """Return what tells people of fields that cannot be read."""

        def tell(fault: Fault) -> None:
            notes = self._witness.notes(title, (fault.namespace, fault.name))
            notes.fault(fault.path or "the whole object", "%s", fault.message)

        return tell


def collection_of_reference(reference: Reference) -> Collection:
    """Return the one object that a reference means."""
    return Collection(reference.resources, WholeObject, reference.namespace, reference.name)
