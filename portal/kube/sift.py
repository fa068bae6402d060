"""Which events of a batch count: those that are newer than everything before them, and are ours.

Within one stream resourceVersions only grow, so that an event that is not newer than the cursor was seen before: a
replay after a reconnection, or an old ADDED after the DELETED. Versions are compared as the decimal numbers they are;
where a server's versions are no numbers, only an equal one counts as seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from msgspec import Struct

from portal.kube.listwatch import WatchEvent

MARK: Final = "BOOKMARK"
DATA: Final = frozenset({"ADDED", "MODIFIED", "DELETED"})
OPAQUE: Final = -1
LONGEST: Final = 300  # digits; beyond 308 no float holds a number, beyond 4300 Python reads none

Events = Sequence[WatchEvent[Any]]


class Sifted(Struct, frozen=True, gc=False):
    """The events of a batch that count, and what is known after them.

    `cursor` is the version of the last event or progress mark; `unknown` is set when an event of an unknown type ended
    the batch early, because its effect is not known and the cursor must not pass it. `went_back` is set when a mark is
    older than the cursor: no server sends that but one that was restored from a backup.
    """

    events: Events
    cursor: str
    marks: int = 0
    duplicates: int = 0
    damaged: int = 0
    unknown: str = ""
    went_back: bool = False


def number_from_version(version: str) -> int:
    """Return a resourceVersion as the number it is, or OPAQUE."""
    return int(version) if version.isdecimal() and version.isascii() and len(version) <= LONGEST else OPAQUE


def is_before(version: str, other: str) -> bool:
    """Tell whether a version is older than another; versions that are no numbers have no order."""
    first, second = number_from_version(version), number_from_version(other)
    return OPAQUE not in (first, second) and first < second


def sift(events: Events, cursor: str) -> Sifted:
    """Return what counts in a batch that came after the cursor."""
    reached = number_from_version(cursor)
    kept: list[WatchEvent[Any]] = []
    keep, last = kept.append, cursor
    marks = duplicates = damaged = 0
    went_back = False
    try:
        for event in events:
            metadata = event.object.metadata
            version = metadata.resource_version
            number = int(version)
            kind = event.type
            if kind in DATA:
                if number > reached:
                    reached, last = number, version
                    if metadata.name:
                        keep(event)
                    else:
                        damaged += 1
                else:
                    duplicates += 1
            elif kind == MARK:
                marks += 1
                if number > reached:
                    reached, last = number, version
                went_back |= number < reached
            else:
                return Sifted(kept, last, marks, duplicates, damaged, kind or "(none)")
    except ValueError:
        return _sift_carefully(events, cursor)  # a version that is missing or no number
    return Sifted(kept, last, marks, duplicates, damaged, went_back=went_back)


def _sift_carefully(events: Events, cursor: str) -> Sifted:
    """Do the same for versions that may be missing or no numbers."""
    kept: list[WatchEvent[Any]] = []
    marks = duplicates = damaged = 0
    for event in events:
        metadata = event.object.metadata
        version = metadata.resource_version
        if event.type not in DATA and event.type != MARK:
            return Sifted(kept, cursor, marks, duplicates, damaged, event.type or "(none)")
        marks += event.type == MARK
        if not version or not (metadata.name or event.type == MARK):
            damaged += 1
        elif version == cursor or is_before(version, cursor):
            duplicates += event.type != MARK
            continue
        elif event.type != MARK:
            kept.append(event)
        cursor = version or cursor
    return Sifted(kept, cursor, marks, duplicates, damaged)
