"""All entries the page shows: one writer, atomic replacement per scope, and an immutable snapshot per version.

A scope is what one watch covers (a source, or a source in one namespace). Everything here happens without giving way to
another greenlet, so a reader never sees half of a change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from msgspec import structs

from portal.catalog.arrange import arranged
from portal.model import Application, Bookmark, Change, Entry, Health, Snapshot

E = TypeVar("E", bound=Entry)
Tell = Callable[[Sequence[Change]], object]


def nobody(_changes: Sequence[Change]) -> None:
    """Pass over changes."""


class Catalog:
    """Holds every entry by scope and id, and tells `publish` what changed."""

    def __init__(self, publish: Callable[[Sequence[Change]], None]) -> None:
        self._publish = publish
        self._scopes: dict[str, dict[str, Entry]] = {}
        self._version = 1
        self._snapshot: Snapshot | None = None

    @property
    def version(self) -> int:
        """Return the number of the present version; every visible change makes a new one."""
        return self._version

    def scopes(self) -> tuple[str, ...]:
        """Return the scopes that hold entries."""
        return tuple(scope for scope, entries in self._scopes.items() if entries)

    def entries(self, scope: str) -> tuple[Entry, ...]:
        """Return the entries of a scope."""
        return tuple(self._scopes.get(scope, {}).values())

    def held(self, scope: str, entry_id: str) -> Entry | None:
        """Return the entry with this id, if this scope holds it."""
        return self._scopes.get(scope, {}).get(entry_id)

    def get(self, entry_id: str) -> Entry | None:
        """Return the entry with this id, from whichever scope holds it."""
        return next((entries[entry_id] for entries in self._scopes.values() if entry_id in entries), None)

    def replace(
        self, scope: str, entries: Iterable[Entry], reborn: Iterable[str] = (), tell: Tell = nobody
    ) -> Sequence[Change]:
        """Make these the only entries of a scope, at once, and return what changed.

        `reborn` are those that went and came back as others; `tell` hears of it before everybody else does.
        """
        new = {entry.id: entry for entry in entries}
        gone = [entry_id for entry_id in self._scopes.get(scope, ()) if entry_id not in new]
        return self.change(scope, list(new.values()), [*reborn, *gone], tell)

    def change(
        self, scope: str, put: Sequence[Entry], drop: Sequence[str] = (), tell: Tell = nobody
    ) -> Sequence[Change]:
        """Drop and put entries of a scope, at once, and return what changed; equal entries change nothing.

        `tell` hears of it before everybody else does.
        """
        entries = self._scopes.setdefault(scope, {})
        changes = [Change(entries.pop(entry_id), None) for entry_id in drop if entry_id in entries]
        for entry in put:
            before = entries.get(entry.id)
            if before is None:
                after = entry
            elif before is entry:
                continue
            else:
                after = _with_health_of(before, entry)
                if _same(before, after):
                    continue
            entries[entry.id] = after
            changes.append(Change(before, after))
        if not entries:
            del self._scopes[scope]  # namespaces come and go, and every one would leave some behind
        if changes:
            tell(changes)
        return self._changed(changes)

    def judge(self, verdicts: Mapping[str, Health]) -> Sequence[Change]:
        """Give applications their new health and return what changed; ids that are gone are ignored."""
        changes = []
        for entries in self._scopes.values():
            for entry_id in verdicts.keys() & entries.keys():
                before, health = entries[entry_id], verdicts[entry_id]
                if isinstance(before, Application) and before.health != health:
                    after = structs.replace(before, health=health, available=health.state != "down")
                    entries[entry_id] = after
                    changes.append(Change(before, after, only_health=True))
        return self._changed(changes)

    def snapshot(self) -> Snapshot:
        """Return the present version, arranged; built at most once per version."""
        if self._snapshot is None:
            self._snapshot = Snapshot(self._version, self._all(Application), self._all(Bookmark))
        return self._snapshot

    def _all(self, kind: type[E]) -> tuple[E, ...]:
        return arranged(
            each for entries in self._scopes.values() for each in entries.values() if isinstance(each, kind)
        )

    def _changed(self, changes: Sequence[Change]) -> Sequence[Change]:
        if changes:
            self._version += 1
            self._snapshot = None
            self._publish(changes)
        return changes


def _same(before: Entry, after: Entry) -> bool:
    """Tell whether two entries show the same, whatever their resourceVersion."""
    if before.name != after.name:  # what people change most, and cheaper to ask first
        return False
    return structs.replace(after, resource_version=before.resource_version) == before


def _with_health_of(before: Entry, after: Entry) -> Entry:
    """Return `after` with what is known of `before`, as long as it is the same address that is asked."""
    if not isinstance(before, Application) or not isinstance(after, Application):
        return after
    if before.health is None or before.url != after.url:
        return after
    return structs.replace(after, health=before.health, available=before.available)
