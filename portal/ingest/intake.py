"""Carries what a reflector yields through its source into the catalog.

Of each object only its uid, its resourceVersion and a digest of what the source read of it are kept; its entry lives in the
catalog. A write that touched nothing the source reads (most writes: status, managedFields) ends at the digest.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from msgspec import Struct

from portal.catalog.state import Catalog
from portal.kube.listwatch import WatchEvent
from portal.kube.reflector import Changes, Replaced
from portal.kube.resources import Projection
from portal.model import Change, Entry, Origin
from portal.sources.source import MappingOptions, Notes, Source

TURN_SECONDS: Final = 0.003  # the longest time other greenlets wait while objects are mapped


class Kept(Struct, frozen=True, gc=False):
    """What is remembered of an object."""

    uid: str
    resource_version: str
    digest: int


class Witness(Protocol):
    """Is told what became of objects, by their type and name."""

    def changed(self, title: str, changes: Sequence[Change]) -> None:
        """Take note of entries that appeared, changed or went after the first list."""

    def notes(self, title: str, key: tuple[str, str]) -> Notes:
        """Return where the mistakes in one object go."""


class Intake:
    """Keeps one scope of the catalog equal to one watched resource."""

    def __init__(
        self,
        scope: str,
        cluster: str,
        source: Source,
        options: MappingOptions,
        catalog: Catalog,
        witness: Witness,
        *,
        clock: Callable[[], float] = time.perf_counter,
        give_way: Callable[[float], None] = time.sleep,
    ) -> None:
        self.scope = scope
        self.title = source.title
        self._cluster = cluster
        self._source = source
        self._options = options
        self._catalog = catalog
        self._witness = witness
        self._clock = clock
        self._give_way = give_way
        self._kept: dict[tuple[str, str], Kept] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def __call__(self, delivery: Replaced[Projection] | Changes[Projection]) -> None:
        """Bring the catalog to what was delivered."""
        if isinstance(delivery, Replaced):
            self._replace(delivery)
        else:
            self._change(delivery.events)

    def _replace(self, delivery: Replaced[Projection]) -> None:
        """Make the listed objects the whole truth; entries of objects that read as before are kept as they are."""
        kept: dict[tuple[str, str], Kept] = {}
        entries: list[Entry] = []
        reborn: list[str] = []
        turn_ends = self._clock() + TURN_SECONDS
        for each in delivery.objects:
            key, now, origin = self._read(each)
            before = self._kept.get(key)
            kept[key] = now
            if before is not None and before.uid != now.uid:
                reborn.append(origin.id)
            entry = self._entry_as_before(before, now, origin) or self._entry(each, key, origin)
            if entry is not None:
                entries.append(entry)
            if self._clock() > turn_ends:
                self._give_way(1e-6)
                turn_ends = self._clock() + TURN_SECONDS
        first = delivery.reason == "initial"
        self._kept = kept
        changes = [*self._catalog.change(self.scope, (), reborn), *self._catalog.replace(self.scope, entries)]
        if changes and not first:
            self._witness.changed(self.title, changes)

    def _change(self, events: Sequence[WatchEvent[Projection]]) -> None:
        """Apply one batch of a watch, in order."""
        for event in events:
            key, now, origin = self._read(event.object)
            if event.type == "DELETED":
                self._kept.pop(key, None)
                self._commit((), (origin.id,))
                continue
            before = self._kept.get(key)
            self._kept[key] = now
            if before is not None and before.uid == now.uid and before.digest == now.digest:
                continue
            if before is not None and before.uid != now.uid:
                self._commit((), (origin.id,))
            entry = self._entry(event.object, key, origin)
            self._commit((), (origin.id,)) if entry is None else self._commit((entry,), ())

    def _commit(self, put: Sequence[Entry], drop: Sequence[str]) -> None:
        changes = self._catalog.change(self.scope, put, drop)
        if changes:
            self._witness.changed(self.title, changes)

    def _read(self, each: Projection) -> tuple[tuple[str, str], Kept, Origin]:
        metadata = each.metadata
        key = (metadata.namespace, metadata.name)
        kept = Kept(metadata.uid, metadata.resource_version, each.digest())
        return key, kept, Origin(self._cluster, self._source.name, *key)

    def _entry(self, each: Projection, key: tuple[str, str], origin: Origin) -> Entry | None:
        return self._source.entry(each, origin, self._options, self._witness.notes(self.title, key))

    def _entry_as_before(self, before: Kept | None, now: Kept, origin: Origin) -> Entry | None:
        if before is None or before.uid != now.uid or before.digest != now.digest:
            return None
        return self._catalog.held(self.scope, origin.id)
