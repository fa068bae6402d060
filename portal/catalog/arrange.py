"""The order of the page: how entries are sorted, grouped and filtered by tags."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Generic, TypeVar

from msgspec import Struct

from portal.model import Application, Entry, tags_from_text

E = TypeVar("E", bound=Entry)


class Group(Struct, Generic[E], frozen=True):
    """Entries that are shown under one heading, spelt as its first entry spells it."""

    name: str
    entries: tuple[E, ...]

    @property
    def key(self) -> str:
        """Return the heading without regard to case, by which entries belong together."""
        return self.name.casefold()


def place(entry: Entry) -> tuple[str, int, str, str]:
    """Return where an entry stands: by group, location and name, ignoring case, and by id where all are equal."""
    return entry.group.casefold(), entry.location, entry.name.casefold(), entry.id


def arranged(entries: Iterable[E]) -> tuple[E, ...]:
    """Return the entries in the order of the page."""
    return tuple(sorted(entries, key=place))


def grouped(entries: Iterable[E]) -> tuple[Group[E], ...]:
    """Return arranged entries in their groups; spellings that differ only in case are one group."""
    groups: dict[str, list[E]] = {}
    for entry in entries:
        groups.setdefault(entry.group.casefold(), []).append(entry)
    return tuple(Group(members[0].group, tuple(members)) for members in groups.values())


def tagged(applications: Iterable[Application], tags: str) -> tuple[Application, ...]:
    """Return the applications that a tag filter lets through.

    Without tags, the untagged ones; with tags, those that share one and all untagged ones; a filter that is written but
    names nothing (as in `,`) lets everything through (Startpunkt's rules).
    """
    wanted = tags_from_text(tags)
    if tags and not wanted:
        return tuple(applications)
    return tuple(each for each in applications if not (own := tags_from_text(each.tags)) or own & wanted)
