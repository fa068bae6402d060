"""Which objects were handed on, in which version: what a list is compared with to find what a watch did not tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from prometheus_client import Counter

from portal.kube.listwatch import WatchEvent
from portal.kube.resources import Metadata, Projection
from portal.kube.sift import is_before


class Ledger:
    """The versions of the objects that were handed on, by uid."""

    def __init__(self) -> None:
        self._versions: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._versions)

    def clear(self) -> None:
        """Forget everything."""
        self._versions.clear()

    def apply(self, events: Sequence[WatchEvent[Any]], counters: Mapping[str, Counter]) -> None:
        """Take note of events, and count them by type."""
        versions = self._versions
        added = deleted = 0
        for event in events:
            metadata = event.object.metadata
            if event.type == "DELETED":
                deleted += 1
                versions.pop(metadata.uid or _name(metadata), None)
            else:
                added += event.type == "ADDED"
                versions[metadata.uid or _name(metadata)] = metadata.resource_version
        for kind, number in (("ADDED", added), ("MODIFIED", len(events) - added - deleted), ("DELETED", deleted)):
            if number:
                counters[kind].inc(number)

    def replace(self, objects: Sequence[Projection], cursor: str, version: str, *, compared: bool) -> int:
        """Take note of a whole list and, if it is `compared`, return how many objects differ from what was handed on.

        A difference counts when it must have been told before `cursor`; an object that is missing may have gone since
        then, and counts only where the list is not newer than the cursor.
        """
        before = self._versions
        self._versions = {each.metadata.uid or _name(each.metadata): each.metadata.resource_version for each in objects}
        if not compared:
            return 0
        late = sum(before.get(uid) != each and not is_before(cursor, each) for uid, each in self._versions.items())
        return late if is_before(cursor, version) else late + len(before.keys() - self._versions.keys())


def _name(metadata: Metadata) -> str:
    return f"{metadata.namespace}/{metadata.name}"
