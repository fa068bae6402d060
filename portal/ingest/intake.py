"""Carries what a reflector yields through its source into the catalog.

Of each object only its uid and a digest of what the source read of it are kept; its entry lives in the catalog. A write
that touched nothing the source reads (most writes: status, managedFields) ends at the digest. Only where an entry
depends on other objects is what was read kept too, and mapped again when one of them changes.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import partial
from typing import Any, Final, Protocol

from msgspec import Struct

from portal.catalog.state import Catalog, nobody
from portal.ingest.ahead import Ahead, Draft, Kept, Key, draft_from
from portal.ingest.references import References
from portal.kube.listwatch import WatchEvent
from portal.kube.reflector import Changes, Replaced
from portal.model import Application, Change, Entry, Origin
from portal.pace import Pace
from portal.sources.notes import Notes
from portal.sources.references import Reference
from portal.sources.source import Described, MappingOptions, Source


class Witness(Protocol):
    """Is told what became of objects, by their type and name."""

    def changed(self, title: str, changes: Sequence[Change]) -> None:
        """Take note of entries that appeared, changed or went after the first list."""

    def notes(self, title: str, key: Key) -> Notes:
        """Return where the mistakes in one object go."""


class Aside(Protocol):
    """Is told what objects say beside what is on the page: how their entries are to be checked."""

    def found(self, entry_id: str, source: Source, each: Described, notes: Notes) -> None:
        """Take note of an object whose entry is about to be shown."""

    def gone(self, entry_id: str) -> None:
        """Take note that an entry is about to go."""


class Nobody:
    """Takes no note of anything."""

    def found(self, entry_id: str, source: Source, each: Described, notes: Notes) -> None:
        """Pass over an object."""

    def gone(self, entry_id: str) -> None:
        """Pass over an entry."""


NOBODY: Final = Nobody()


class Feed(Struct, frozen=True):
    """One source, in one namespace or in all, and how it is read. `scope` names its part of the catalog.

    `checked` says whether somebody wants to know what objects say of checks.
    """

    source: Source
    options: MappingOptions
    cluster: str = "local"
    namespace: str = ""
    checked: bool = True

    @property
    def scope(self) -> str:
        """Return the name of the part of the catalog that this fills."""
        return "/".join(part for part in (self.cluster, self.source.name, self.namespace) if part)

    @property
    def title(self) -> str:
        """Return what people call it."""
        return f"{self.source.title} in {self.namespace}" if self.namespace else self.source.title


class Intake:
    """Keeps one scope of the catalog equal to one watched resource; `after` is who did so before, in another way."""

    def __init__(
        self,
        feed: Feed,
        catalog: Catalog,
        references: References,
        witness: Witness,
        aside: Aside = NOBODY,
        *,
        after: Intake | None = None,
        pace: Pace | None = None,
    ) -> None:
        self.feed = feed
        self._scope = feed.scope
        self._catalog = catalog
        self._references = references
        self._witness = witness
        self._aside = aside if feed.checked else NOBODY
        self._pace = pace or Pace()
        self._kept: dict[Key, Kept] = {}
        self._whole: dict[Key, Described] = {}
        self._ahead: Ahead[Draft] = Ahead(self._take_early, self._pace)
        self._early: set[Key] = set()
        self._inherited: set[Key] = set() if after is None else after.keys()
        self._lock = threading.Lock()  # a reference that changes is another greenlet than the reflector

    def __call__(self, delivery: Replaced[Any] | Changes[Any]) -> None:
        """Bring the catalog to what was delivered."""
        with self._lock:
            if isinstance(delivery, Replaced):
                self._replace(delivery)
            else:
                self._change(delivery.events)

    def keys(self) -> set[Key]:
        """Return which objects were taken."""
        return self._kept.keys() | self._early | self._inherited

    @property
    def is_empty(self) -> bool:
        """Tell whether no list was taken yet, or only one of nothing."""
        return not self._kept

    def drafts(self, objects: Sequence[Described]) -> tuple[Draft, ...]:
        """Return what is held of a page of a list until the list is whole: nothing of objects that read as before."""
        drafts = tuple(map(draft_from, objects))
        for draft, each in zip(drafts, objects, strict=True) if self._kept else ():
            now = kept_of(each)
            if self._kept.get(draft.key) == now and not self.feed.source.references(each):
                draft.settle(now, self._catalog.held(self._scope, self._origin(draft.key).id))
        return drafts

    def ahead(self, drafts: Sequence[Draft]) -> None:
        """Show what is on a page of the first list before the list is whole; a list later on is taken as a whole."""
        if self.is_empty:
            self._ahead.run(drafts)

    def end(self) -> None:
        """Take nothing more of a list that is not whole."""
        self._ahead.close()

    def clear(self) -> None:
        """Take every entry of this scope out of the catalog."""
        with self._lock:
            for key in self.keys() | self._taken_early():
                self._forget(key)
            self._kept.clear()
            self._catalog.replace(self._scope, (), tell=self._tell)

    def _replace(self, delivery: Replaced[Any]) -> None:
        """Make the listed objects the whole truth; entries of objects that read as before are kept as they are."""
        source = self.feed.source
        kept: dict[Key, Kept] = {}
        entries: list[Entry] = []
        reborn: list[str] = []
        known = self.keys() | self._taken_early()
        inherited, self._inherited, self._early = self._inherited, set(), set()
        drafts = [each if isinstance(each, Draft) else draft_from(each) for each in delivery.objects]
        self._prepare([draft.object for draft in drafts if draft.object])
        for key in inherited - self._whole.keys():
            self._release(key)
            self._pace.breathe()
        for draft in drafts:
            key = draft.key
            if draft.object is not None:
                origin, now = self._origin(key), kept_of(draft.object)
                before = self._kept.get(key)
                if before is not None and before.uid != now.uid:
                    reborn.append(origin.id)
                entry = self._as_before(before, now, origin)
                draft.settle(now, entry or self._entry(draft.object, key, origin, source.references(draft.object)))
            if draft.kept is not None:
                kept[key] = draft.kept
            if draft.entry is not None:
                entries.append(draft.entry)
            self._pace.breathe()
        for key in known - kept.keys():
            self._forget(key)
        self._kept = kept
        tell = nobody if delivery.reason == "initial" else self._tell
        self._catalog.replace(self._scope, entries, reborn, tell)

    def _change(self, events: Sequence[WatchEvent[Any]]) -> None:
        """Apply what a watch told at once; what goes is gone before what comes, so an object's last event decides."""
        source, known = self.feed.source, self._kept
        put: dict[str, Entry] = {}
        drop: list[str] = []
        for event in events:
            each = event.object
            metadata = each.metadata
            key = metadata.namespace, metadata.name
            if event.type == "DELETED":
                known.pop(key, None)
                self._forget(key)
                gone = self._origin(key).id
                put.pop(gone, None)
                drop.append(gone)
                continue
            before, now = known.get(key), Kept(metadata.uid, each.digest())
            if before == now:
                continue
            known[key] = now
            origin = self._origin(key)
            if before is not None and before.uid != now.uid:
                drop.append(origin.id)
            references = source.references(each)
            if references:  # it may have to wait for what it depends on, and the others need not
                self._catalog.change(self._scope, tuple(put.values()), drop, self._tell)
                put, drop = {}, []
            entry = self._entry(each, key, origin, references)
            if entry is None:
                put.pop(origin.id, None)
                drop.append(origin.id)
            else:
                put[entry.id] = entry
        self._catalog.change(self._scope, tuple(put.values()), drop, self._tell)

    def _again(self, key: Key) -> None:
        """Map an object once more, because something that its entry depends on changed."""
        with self._lock:
            whole = self._whole.get(key)
            if whole is not None:
                origin = self._origin(key)
                entry = self._entry(whole, key, origin, self.feed.source.references(whole))
                put, drop = ((), (origin.id,)) if entry is None else ((entry,), ())
                self._catalog.change(self._scope, put, drop, self._tell)

    def _tell(self, changes: Sequence[Change]) -> None:
        self._witness.changed(self.feed.source.title, changes)

    def _origin(self, key: Key) -> Origin:
        return Origin(self.feed.cluster, self.feed.source.name, *key)

    def _take_early(self, drafts: Sequence[Draft]) -> None:
        """Show objects of a list that is not whole yet; those that depend on others wait for its end."""
        for draft in drafts:
            each, key = draft.object, draft.key
            if each is not None and not self.feed.source.references(each):
                self._early.add(key)
                draft.settle(kept_of(each), self._entry(each, key, self._origin(key), ()))
        self._catalog.change(self._scope, [draft.entry for draft in drafts if draft.entry is not None])

    def _taken_early(self) -> set[Key]:
        """Name what was taken early, and take nothing more."""
        self._ahead.close()
        return self._early

    def _entry(self, each: Described, key: Key, origin: Origin, references: Sequence[Reference]) -> Entry | None:
        source = self.feed.source
        if references or key in self._whole:
            self._whole[key] = each
            self._references.depend((self._scope, key), references, partial(self._again, key))
            self._references.settle(references)
        notes = self._witness.notes(source.title, key)
        entry = source.entry(each, origin, self.feed.options, notes, self._references.lookup)
        if entry is None:
            self._aside.gone(origin.id)
        elif isinstance(entry, Application):
            self._aside.found(entry.id, source, each, notes)
        return entry

    def _prepare(self, objects: Sequence[Described]) -> None:
        """Follow everything that these objects depend on, so that the waiting is done once and not for each."""
        for each in objects:
            references = self.feed.source.references(each)
            if references:
                key = key_of(each)
                self._whole[key] = each
                self._references.depend((self._scope, key), references, partial(self._again, key))

    def _forget(self, key: Key) -> None:
        self._aside.gone(self._origin(key).id)
        self._whole.pop(key, None)
        self._release(key)

    def _release(self, key: Key) -> None:
        """Let an object depend on nothing."""
        self._references.depend((self._scope, key), (), lambda: None)

    def _as_before(self, before: Kept | None, now: Kept, origin: Origin) -> Entry | None:
        if before is None or before.uid != now.uid or before.digest != now.digest:
            return None
        return self._catalog.held(self._scope, origin.id)


def key_of(each: Described) -> Key:
    """Return the namespace and name of an object."""
    return each.metadata.namespace, each.metadata.name


def kept_of(each: Described) -> Kept:
    """Return what is remembered of an object."""
    return Kept(each.metadata.uid, each.digest())
