"""Objects that entries depend on: a Gateway's listeners, the object behind an Application's `urlFrom`.

Each is watched as long as some entry depends on it, and the entries are mapped again when it changes.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Protocol

import msgspec

from portal.kube.outage import Pause
from portal.kube.reflector import Changes, Replaced
from portal.kube.resources import Metadata, Projection
from portal.sources.references import Reference

PATIENCE_SECONDS: Final = 2.0  # how long the first mapping of an object waits for what it depends on, if nothing comes

Owner = tuple[str, tuple[str, str]]  # scope, and namespace and name


class WholeMetadata(Metadata, frozen=True, gc=False, rename="camel"):
    """Metadata of which nothing is left out."""

    annotations: dict[str, str] = msgspec.field(default_factory=dict)
    labels: dict[str, str] = msgspec.field(default_factory=dict)


class WholeObject(Projection, frozen=True, gc=False, rename="camel"):
    """An object in which any property may be asked for."""

    metadata: WholeMetadata = WholeMetadata()
    spec: Any = None
    status: Any = None
    data: Any = None


Deliver = Callable[[Replaced[WholeObject] | Changes[WholeObject]], None]


class Follow(Protocol):
    """Starts following one object, and returns the function that ends it."""

    def __call__(self, reference: Reference, deliver: Deliver) -> Callable[[], None]:
        """Follow one object."""


class Referenced:
    """One object that is followed, and who depends on it."""

    def __init__(self, news: Callable[[Referenced], None], since: float) -> None:
        self.since = since
        self.content: Mapping[str, Any] | None = None
        self.known = threading.Event()
        self.owners: set[Owner] = set()
        self.end: Callable[[], None] = lambda: None
        self._news = news

    def __call__(self, delivery: Replaced[WholeObject] | Changes[WholeObject]) -> None:
        """Take note of what the object is now, and tell those who depend on it when that is new."""
        before, first = self.content, not self.known.is_set()
        if isinstance(delivery, Replaced):
            self.content = content_of(delivery.objects[0]) if delivery.objects else None
        else:
            last = delivery.events[-1]
            self.content = None if last.type == "DELETED" else content_of(last.object)
        self.known.set()
        if first or before != self.content:
            self._news(self)


class References:
    """Follows what entries depend on, each object once however many depend on it."""

    def __init__(
        self, follow: Follow, clock: Callable[[], float] = time.monotonic, pause: Pause = threading.Event.wait
    ) -> None:
        self._follow = follow
        self._clock = clock
        self._pause = pause
        self._followed: dict[Reference, Referenced] = {}
        self._again: dict[Owner, Callable[[], None]] = {}
        self._of: dict[Owner, frozenset[Reference]] = {}
        self._heard_at = -PATIENCE_SECONDS

    def lookup(self, reference: Reference) -> Mapping[str, Any] | None:
        """Return an object as decoded JSON, or None where it is absent or not known."""
        referenced = self._followed.get(reference)
        return referenced.content if referenced else None

    def is_known(self, reference: Reference) -> bool:
        """Tell whether it is known if an object is there, and how it is."""
        referenced = self._followed.get(reference)
        return referenced is not None and referenced.known.is_set()

    def depend(self, owner: Owner, references: Iterable[Reference], again: Callable[[], None]) -> None:
        """Follow these references, and no others, for an owner; `again` is called whenever one of them changes."""
        wanted = frozenset(references)
        before = self._of.get(owner, frozenset())
        if wanted:
            self._of[owner], self._again[owner] = wanted, again
        else:
            self._of.pop(owner, None)
            self._again.pop(owner, None)
        for reference in wanted - before:
            self._hold(reference, owner)
        for reference in before - wanted:
            self._release(reference, owner)

    def settle(self, references: Iterable[Reference]) -> None:
        """Wait until these references are known, as long as some of all become known.

        After the patience without any, nobody waits: what a thousand objects depend on may be out of reach for good.
        """
        for reference in references:
            referenced = self._followed.get(reference)
            if referenced is not None and not referenced.known.is_set():  # asked first: see Startup._await
                deadline = max(referenced.since, self._heard_at) + PATIENCE_SECONDS
                self._pause(referenced.known, max(deadline - self._clock(), 0))

    def _hold(self, reference: Reference, owner: Owner) -> None:
        referenced = self._followed.get(reference)
        if referenced is None:
            referenced = self._followed[reference] = Referenced(self._tell, self._clock())
            referenced.end = self._follow(reference, referenced)
        referenced.owners.add(owner)

    def _release(self, reference: Reference, owner: Owner) -> None:
        referenced = self._followed[reference]
        referenced.owners.discard(owner)
        if not referenced.owners:
            del self._followed[reference]
            referenced.end()

    def _tell(self, referenced: Referenced) -> None:
        self._heard_at = self._clock()
        for owner in tuple(referenced.owners):
            again = self._again.get(owner)
            if again is not None:
                again()


def content_of(each: WholeObject) -> Mapping[str, Any]:
    """Return an object as decoded JSON."""
    content: Mapping[str, Any] = msgspec.to_builtins(each)
    return content
