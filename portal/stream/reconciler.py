"""The reconciler: holds what this replica knows against what the shared stream says, so that neither is wrong for long.

The deduplicating script decides by versions, which cannot tell everything: a reference of an entry may change without
its version, a replica may die between two words, all of them may be away while an entry goes. What differs for a while
is said again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import msgspec
from msgspec.structs import replace

from portal.stream.events import Event, type_as, utc_now

_PATIENCE: Final = 2.0
"""Seconds in which a difference may just be on its way."""
_LONGEST: Final = 600.0
"""Seconds; two replicas that will never agree (another version, another configuration) repeat themselves no faster."""
_ID_PARTS: Final = 4


class Reconciler:
    """Remembers the last word of this replica and of the stream for each entry."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._said: dict[str, Event] = {}
        self._heard: dict[str, str] = {}
        self._differs_since: dict[str, tuple[float, float]] = {}

    def say(self, event: Event) -> None:
        """Remember what this replica says."""
        if event.key:
            self._said[event.key] = event

    def hear(self, event: Event) -> None:
        """Remember what the stream says."""
        if event.key and event.after is None:
            self._heard.pop(event.key, None)
        elif event.key:
            self._heard[event.key] = event.digest

    def hear_all(self, known: dict[str, str]) -> None:
        """Start over with what the stream says of all entries, as digests by id."""
        self._heard = known
        self._differs_since.clear()

    def standing(self) -> list[Event]:
        """Return the last word of this replica on each entry that is there."""
        return [event for event in self._said.values() if event.after is not None]

    def to_repeat(self, *, is_settled: bool) -> list[Event]:
        """Return what must be said again; once this replica knows everything, also what is gone without a word."""
        now = self._clock()
        self._said = {key: event for key, event in self._said.items() if event.after is not None or key in self._heard}
        differing = {key: event for key, event in self._said.items() if self._differs(key, event)}
        if is_settled:
            differing.update({key: _farewell(key) for key in self._heard.keys() - self._said.keys()})
        self._differs_since = {key: self._differs_since.get(key, (now, _PATIENCE)) for key in differing}
        return [event for key, event in differing.items() if self._is_due(key, now)]

    def _differs(self, key: str, event: Event) -> bool:
        return self._heard.get(key) != (None if event.after is None else event.digest)

    def _is_due(self, key: str, now: float) -> bool:
        since, patience = self._differs_since[key]
        if now - since < patience:
            return False
        self._differs_since[key] = (now, min(patience * 2, _LONGEST))
        return True


def _farewell(key: str) -> Event:
    parts = key.split("/", _ID_PARTS - 1)
    _cluster, source, namespace, name = parts if len(parts) == _ID_PARTS else ("", "", "", key)
    noun = "BOOKMARK" if source.endswith("bookmark") else "APPLICATION"
    data = msgspec.json.encode({"id": key, "namespace": namespace, "resourceName": name})
    gone = Event(type=type_as(f"{noun}_", "REMOVED"), timestamp=utc_now(), data=data, key=key, after=None)
    return replace(gone, removal=data)
