"""Takes the pages of a long list one by one, while the next page is on its way.

A list counts only as a whole, but most of the work of taking it over does not have to wait for its end: the time in
which the API server makes the next page is free, and an object that is mapped need not be held any longer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar

from msgspec import Struct

from portal.kube.resources import Metadata
from portal.model import Entry
from portal.pace import Pace
from portal.sources.source import Described

Key = tuple[str, str]  # namespace and name

TOGETHER: Final = 50  # objects, some 2 ms, between two turns of others

T = TypeVar("T")


class Kept(Struct, frozen=True, gc=False):
    """What is remembered of an object."""

    uid: str
    digest: int


class Draft(Struct, gc=False):
    """One object of a list that is not whole yet: the object itself until it is mapped, then what came of it."""

    object: Described | None
    key: Key
    resource_version: str
    kept: Kept | None = None
    entry: Entry | None = None

    @property
    def metadata(self) -> Metadata:
        """Return what is known of the object's metadata; made anew each time, because ten thousand drafts are held."""
        if self.object is not None:
            return self.object.metadata
        namespace, name = self.key
        return Metadata(name, namespace, self.kept.uid if self.kept else "", self.resource_version)

    def settle(self, kept: Kept, entry: Entry | None) -> None:
        """Take note of what came of the object, and let go of it."""
        self.object = None
        self.kept, self.entry = kept, entry


def draft_from(each: Described) -> Draft:
    """Return an object that is not mapped yet."""
    metadata = each.metadata
    return Draft(each, (metadata.namespace, metadata.name), metadata.resource_version)


class Ahead(Generic[T]):
    """Hands objects to `take`, a few at a time."""

    def __init__(self, take: Callable[[Sequence[T]], None], pace: Pace) -> None:
        self._take = take
        self._pace = pace
        self._round = 0

    def run(self, objects: Sequence[T]) -> None:
        """Take these, until that is done or no longer wanted."""
        this_round = self._round
        for start in range(0, len(objects), TOGETHER):
            self._pace.give_way()
            if self._round != this_round:
                return
            self._take(objects[start : start + TOGETHER])

    def close(self) -> None:
        """Take nothing more of what runs."""
        self._round += 1
