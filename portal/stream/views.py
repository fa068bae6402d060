"""Views of the log: which events a subscriber sees, and as what.

Filters are what a subscriber asks for; its audience, the groups it belongs to, is what it is allowed. Both cut alike.

A view is a pure function of the record. Leaving the filter looks like a removal and entering it like an addition, and a
change of status is cut to what the filter shows.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from portal.stream.events import ENTRY_TYPES, Event, Reach, type_as
from portal.stream.frames import Form
from portal.stream.log import Record

_ENTRY_TYPES: Final = frozenset(ENTRY_TYPES)


class View(Struct, frozen=True):
    """What one kind of subscriber sees: by tags, types and audience (None: everything), in one form."""

    tags: frozenset[str] | None = None
    types: frozenset[str] | None = None
    form: Form = "envelope"
    audience: frozenset[str] | None = None

    def shows(self, reach: Reach | None) -> bool:
        """Return whether an entry of this reach is shown: it shares a tag and a group with the view, or has none."""
        return reach is not None and _share(reach.tags, self.tags) and _share(reach.audience, self.audience)

    def frame(self, record: Record) -> bytes:
        """Return the record's frame in this view, empty where the view hides it."""
        shown = self._shown(record.event)
        if shown is None or (self.types is not None and shown[0] not in self.types):
            return b""
        return record.frame(self.form, *shown)

    def _shown(self, event: Event) -> tuple[str, bytes] | None:
        if self.tags is None and self.audience is None:
            return event.type, event.data
        if event.parts:
            return self._cut(event)
        if event.type not in _ENTRY_TYPES:
            return (event.type, event.data) if self.shows(event.after) else None
        return self._moved(event, was=self.shows(event.before), is_now=self.shows(event.after))

    def _moved(self, event: Event, *, was: bool, is_now: bool) -> tuple[str, bytes] | None:
        if is_now:
            return (event.type if was else type_as(event.type, "ADDED")), event.data
        if was:
            return type_as(event.type, "REMOVED"), event.removal or event.data
        return None

    def _cut(self, event: Event) -> tuple[str, bytes] | None:
        seen = [part.data for part in event.parts if self.shows(part.reach)]
        if not seen:
            return None
        return event.type, event.data if len(seen) == len(event.parts) else status_data(seen, event.reason)


def _share(wanted: frozenset[str], given: frozenset[str] | None) -> bool:
    return not wanted or given is None or not wanted.isdisjoint(given)


def status_data(changes: Iterable[bytes], reason: str) -> bytes:
    """Return the data of a `STATUS_CHANGED` with these changes, each JSON already."""
    return b'{"changes":[%b],"reason":"%b"}' % (b",".join(changes), reason.encode())


def frames(view: View, records: Iterable[Record]) -> list[bytes]:
    """Return the frames of the records in this view, one per record, empty where it is hidden."""
    if view == View():
        return [record.envelope for record in records]
    return [view.frame(record) for record in records]


def conflated(view: View, records: list[Record]) -> list[bytes]:
    """Return the frames as `frames` does, empty also where a later one with the same key makes one superfluous.

    Only a frame that the view shows supersedes another: what is left is complete from every position on.
    """
    result = frames(view, records)
    seen: set[str] = set()
    for index in range(len(records) - 1, -1, -1):
        key = records[index].event.key
        if not key or not result[index]:
            continue
        if key in seen:
            result[index] = b""
        seen.add(key)
    return result
