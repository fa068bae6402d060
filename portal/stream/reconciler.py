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

from portal.model import Position, utc_now
from portal.stream.events import Event, type_as

_PATIENCE: Final = 2.0
"""Seconds in which a difference may just be on its way."""
_BEHIND: Final = 60.0
"""Seconds for which this replica may be the one that is behind, as while its watch is down; after that it is not."""
_LONGEST: Final = 600.0
"""Seconds; two replicas that will never agree (another version, another configuration) repeat themselves no faster."""
_ID_PARTS: Final = 4


class Reconciler:
    """Remembers the last word of this replica and of the stream for each entry."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._said: dict[str, Event] = {}
        self._heard: dict[str, str] = {}
        self._ahead: dict[str, tuple[Position, float]] = {}  # after what the stream has later news, since when
        self._differs_since: dict[str, float] = {}
        self._repeated: dict[str, tuple[float, float]] = {}  # when, and how long to wait after it

    def say(self, event: Event) -> None:
        """Remember what this replica says."""
        if event.key:
            self._said[event.key] = event
            self._ahead.pop(event.key, None)
            self._differs_since.pop(event.key, None)
            self._repeated.pop(event.key, None)

    def hear(self, event: Event, before: Position) -> None:
        """Remember what the stream says, after the position `before`."""
        if not event.key:
            return
        if event.after is None:
            self._heard.pop(event.key, None)
        else:
            self._heard[event.key] = event.digest
        if self._differs(event.key) and self._is_news(event):
            self._ahead.setdefault(event.key, (before, self._clock()))
        else:
            self._ahead.pop(event.key, None)

    def hear_all(self, known: dict[str, str]) -> None:
        """Start over with what the stream says of all entries, as digests by id."""
        self._heard = known
        self._ahead.clear()
        self._differs_since.clear()
        self._repeated.clear()

    def reached(self) -> Position | None:
        """Return the position up to which this replica has found what the stream says, None where that is all of it."""
        oldest = self._clock() - _BEHIND
        return next((before for before, since in self._ahead.values() if since > oldest), None)

    def standing(self) -> list[Event]:
        """Return the last word of this replica on each entry that is there."""
        return [event for event in self._said.values() if event.after is not None]

    def to_repeat(self, *, is_settled: bool) -> list[Event]:
        """Return what must be said again; once this replica knows everything, also what is gone without a word."""
        now = self._clock()
        self._said = {key: event for key, event in self._said.items() if event.after is not None or key in self._heard}
        differing = {key: event for key, event in self._said.items() if self._differs(key)}
        if is_settled:
            differing.update({key: _farewell(key) for key in self._heard.keys() - self._said.keys()})
        self._repeated = {key: each for key, each in self._repeated.items() if now - each[0] < 2 * _LONGEST}
        self._differs_since = {key: self._differs_since.get(key, now) for key in differing}
        return [event for key, event in differing.items() if self._is_due(key, now)]

    def _differs(self, key: str) -> bool:
        said = self._said.get(key)
        return self._heard.get(key) != (None if said is None or said.after is None else said.digest)

    def _is_news(self, heard: Event) -> bool:
        """Tell whether the stream says what this replica may yet find, not what it found another word for."""
        said = self._said.get(heard.key)
        if said is None:
            return True
        ours, theirs = _order(said.version), _order(heard.version)
        return theirs > ours or (theirs == ours and heard.after is None)

    def _is_due(self, key: str, now: float) -> bool:
        _at, patience = self._repeated.get(key, (now, _BEHIND if key in self._ahead else _PATIENCE))
        if now - self._differs_since[key] < patience:
            return False
        self._differs_since[key] = now
        self._repeated[key] = (now, min(patience * 2, _LONGEST))
        return True


def _order(version: str) -> tuple[int, str]:
    return len(version), version


def _farewell(key: str) -> Event:
    parts = key.split("/", _ID_PARTS - 1)
    _cluster, source, namespace, name = parts if len(parts) == _ID_PARTS else ("", "", "", key)
    noun = "BOOKMARK" if source.endswith("bookmark") else "APPLICATION"
    data = msgspec.json.encode({"id": key, "namespace": namespace, "resourceName": name})
    gone = Event(type=type_as(f"{noun}_", "REMOVED"), timestamp=utc_now(), data=data, key=key, after=None)
    return replace(gone, removal=data)
