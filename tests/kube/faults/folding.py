"""What is known to who believes all he is told: the reflector's deliveries and the catalog's changes, folded."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from portal.kube.reflector import Changes, Replaced

if TYPE_CHECKING:
    from collections.abc import Sequence

    from portal.model import Change

Key = tuple[str, str]


class Folded:
    """Objects by namespace and name, as the reflector's deliveries leave them; `told` is what happened on the way."""

    def __init__(self) -> None:
        self.objects: dict[Key, tuple[str, str]] = {}
        self.told: list[tuple[str, str]] = []
        self.reasons: list[str] = []
        self.version_went_back = 0
        self.emptied = 0

    def __call__(self, delivery: Replaced[Any] | Changes[Any]) -> None:
        """Take a delivery in."""
        if isinstance(delivery, Replaced):
            self._replace(delivery)
        else:
            for event in delivery.events:
                self._apply(event.type, event.object.metadata)

    def _replace(self, delivery: Replaced[Any]) -> None:
        new = {_key(each.metadata): _state(each.metadata) for each in delivery.objects}
        self.reasons.append(delivery.reason)
        self.emptied += bool(self.objects) and not new
        self.told += [("DELETED", key[1]) for key in self.objects.keys() - new.keys()]
        self.told += [("ADDED", key[1]) for key in new.keys() - self.objects.keys()]
        self.told += [("MODIFIED", key[1]) for key in new.keys() & self.objects.keys() if new[key] != self.objects[key]]
        self.objects = new

    def _apply(self, kind: str, metadata: Any) -> None:
        key = _key(metadata)
        self.told.append((kind, key[1]))
        if kind == "DELETED":
            self.objects.pop(key, None)
            self.emptied += not self.objects
            return
        before = self.objects.get(key)
        self.version_went_back += before is not None and int(metadata.resource_version) <= int(before[1])
        self.objects[key] = _state(metadata)


class Published:
    """The ids and addresses of entries, as the catalog's changes leave them."""

    def __init__(self) -> None:
        self.entries: dict[str, str | None] = {}
        self.counts: Counter[tuple[str, str]] = Counter()
        self.contradictions: list[Change] = []

    def __call__(self, changes: Sequence[Change]) -> None:
        """Take changes in; one that does not fit what was told before is kept as a contradiction."""
        for change in changes:
            entry = change.entry
            if (change.before is not None) != (entry.id in self.entries):
                self.contradictions.append(change)
            verb = "removed" if change.after is None else "updated" if change.before else "added"
            self.counts[verb, entry.resource_name] += 1
            if change.after is None:
                self.entries.pop(entry.id, None)
            else:
                self.entries[entry.id] = entry.url


def _key(metadata: Any) -> Key:
    return metadata.namespace, metadata.name


def _state(metadata: Any) -> tuple[str, str]:
    return metadata.uid, metadata.resource_version
