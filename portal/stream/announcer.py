"""The announcer: turns changes of the catalog into events, and merges bursts.

The first change of an entry is announced at once; what follows within the window is merged into one more event at its
end, so the last state is never lost. Types stay true to what was announced before: an entry that comes and goes within
a window never was. Health alone is gathered over all entries into `STATUS_CHANGED`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from hashlib import blake2b
from itertools import islice, takewhile

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from portal.model import Application, Change, Entry, Health, tags_from_text, utc_now
from portal.stream.events import ENTRY_TYPES, EVERYWHERE, STATUS_CHANGED, Event, Part, Reach, Sayable, Unwritten
from portal.stream.views import status_data

_EVERYBODY: frozenset[str] = frozenset()
_APPLICATION_TYPES, _BOOKMARK_TYPES = ENTRY_TYPES[:3], ENTRY_TYPES[3:]  # each: added, updated, removed
_encode = msgspec.json.Encoder().encode
_LOOK_AT_STOP = 0.25
_REASON = "availability_check"


class Removal(Struct, frozen=True, rename="camel"):
    """The data of `APPLICATION_REMOVED` and `BOOKMARK_REMOVED`."""

    id: str
    namespace: str
    resource_name: str


class StatusChange(Struct, frozen=True, rename="camel", omit_defaults=True):
    """One of the changes in the data of `STATUS_CHANGED`."""

    id: str
    available: bool
    health: Health | None = None


AudienceOf = Callable[[Entry], frozenset[str]]
DigestOf = Callable[[Entry], str]


def everybody(_entry: Entry) -> frozenset[str]:
    """Return the audience of an entry that anybody may see."""
    return _EVERYBODY


def digest_of(entry: Entry) -> str:
    """Return a digest of what an entry says, its health left out: that is told by whoever checks it."""
    return blake2b(_encode(_without_health(entry)), digest_size=8).hexdigest()


def undigested(_entry: Entry) -> str:
    """Return no digest, for who shares events with nobody."""
    return ""


class Announcer:
    """Merges changes and publishes them as events.

    `on_merged` is told how many changes another one swallowed; `audience_of` names the groups that may see an entry,
    none for everybody; `digest_of` is what replicas compare.
    """

    def __init__(
        self,
        publish: Callable[[Sequence[Sayable]], object],
        window_seconds: float = 0.05,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = utc_now,
        on_merged: Callable[[int], object] = lambda _: None,
        audience_of: AudienceOf = everybody,
        digest_of: DigestOf = digest_of,
    ) -> None:
        self._publish = publish
        self._seconds = window_seconds
        self._clock = clock
        self._now = now
        self._on_merged = on_merged
        self._audience_of = audience_of
        self._digest_of = digest_of
        self._swallowed = 0
        self._said: list[Sayable] = []
        self._windows: dict[str, float] = {}  # when they end, in this order, for all are equally long
        self._pending: dict[str, Change] = {}  # what waits for its window to end
        self._status: dict[str, Change] = {}
        self._status_until = 0.0
        self._lock = threading.Lock()
        self._work = threading.Event()

    def announce(self, changes: Sequence[Change]) -> None:
        """Publish changes, at once or merged when their window ends."""
        with self._lock:
            now, until = self._now(), self._clock() + self._seconds
            for change in changes:
                self._take(change, now, until)
            if self._status and self._clock() >= self._status_until:
                self._say_status()
            self._publish_said()
            swallowed, self._swallowed = self._swallowed, 0
        if swallowed:
            self._on_merged(swallowed)
        if not self._work.is_set() and (self._windows or self._status):
            self._work.set()

    def flush(self) -> float | None:
        """Publish what is due; return the seconds until something else is, or None where nothing waits."""
        with self._lock:
            return self._flush(self._clock())

    def run(self, stop: threading.Event) -> None:
        """Publish merged changes as their windows end, until `stop` is set; then publish the rest."""
        while not stop.is_set():
            self._work.wait(_LOOK_AT_STOP)
            self._work.clear()
            while (pause := self.flush()) is not None and not stop.wait(pause):
                pass
        with self._lock:
            self._flush(float("inf"))

    def _take(self, change: Change, now: datetime, until: float) -> None:
        key = change.entry.id
        if change.only_health and key not in self._pending:
            self._status[key] = self._merged(self._status.get(key), change)
            return
        if self._status:
            change = self._merged(self._status.pop(key, None), change)
        if key in self._windows:
            self._pending[key] = self._merged(self._pending.get(key), change)
        else:
            self._say(key, change, now, until)

    def _merged(self, earlier: Change | None, later: Change) -> Change:
        if earlier is None:
            return later
        self._swallowed += 1
        return Change(earlier.before, later.after, only_health=earlier.only_health and later.only_health)

    def _say(self, key: str, change: Change, now: datetime, until: float) -> None:
        self._said.append(Unwritten(type_of(change), now, change, self._write))
        if self._seconds > 0:
            self._windows[key] = until

    def _write(self, change: Change, now: datetime) -> Event:
        return event_from_change(change, now, self._audience_of, self._digest_of)

    def _publish_said(self) -> None:
        if self._said:
            said, self._said = self._said, []
            self._publish(said)

    def _flush(self, now: float) -> float | None:
        moment, until = self._now(), self._clock() + self._seconds
        for key in [key for key, _ in takewhile(lambda each: each[1] <= now, self._windows.items())]:
            del self._windows[key]
            pending = self._pending.pop(key, None)
            if pending is not None and pending.before != pending.after:
                self._say_merged(key, pending, moment, until)
        if self._status and now >= self._status_until:
            self._say_status()
        self._publish_said()
        return self._pause()

    def _say_merged(self, key: str, pending: Change, now: datetime, until: float) -> None:
        if _is_about_health(pending):
            self._status[key] = pending
        else:
            self._say(key, pending, now, until)

    def _pause(self) -> float | None:
        ends = list(islice(self._windows.values(), 1))
        if self._status:
            ends.append(self._status_until)
        return max(0.0, min(ends) - self._clock()) if ends else None

    def _say_status(self) -> None:
        event = event_from_health(self._status.values(), self._now(), self._audience_of)
        self._status.clear()
        if event is not None:
            self._said.append(event)
            self._status_until = self._clock() + self._seconds


def type_of(change: Change) -> str:
    """Return the type of the event that tells of a change of an entry."""
    types = _APPLICATION_TYPES if isinstance(change.after or change.before, Application) else _BOOKMARK_TYPES
    return types[0 if change.before is None else 2 if change.after is None else 1]


def event_from_change(
    change: Change, now: datetime, audience_of: AudienceOf = everybody, digest_of: DigestOf = digest_of
) -> Event:
    """Return the event that tells of a change of an entry."""
    entry = change.entry
    before, after = _reach(change.before, audience_of), _reach(change.after, audience_of)
    removal = _encode(Removal(entry.id, entry.namespace, entry.resource_name)) if before and before != after else b""
    return Event(
        type=type_of(change),
        timestamp=now,
        data=removal if change.after is None else _encode(change.after),
        key=entry.id,
        before=before,
        after=after,
        removal=removal,
        version=entry.resource_version,
        digest=digest_of(entry),
    )


def _is_about_health(change: Change) -> bool:
    """Tell whether a change, of many that were merged into it, is one of health alone."""
    before, after = change.before, change.after
    if not isinstance(before, Application) or not isinstance(after, Application):
        return False
    if before.health == after.health and before.available == after.available:
        return False
    return _without_health(before) == _without_health(after)


def _without_health(entry: Entry | None) -> Entry | None:
    return replace(entry, health=None, available=True) if isinstance(entry, Application) else entry


def event_from_health(changes: Iterable[Change], now: datetime, audience_of: AudienceOf = everybody) -> Event | None:
    """Return the event that tells of new health, or None where in the end none is new."""
    parts = [part for change in changes if (part := _part(change, audience_of)) is not None]
    if not parts:
        return None
    data = status_data((part.data for part in parts), _REASON)
    return Event(type=STATUS_CHANGED, timestamp=now, data=data, parts=tuple(parts), reason=_REASON)


def _part(change: Change, audience_of: AudienceOf) -> Part | None:
    before, after = change.before, change.after
    if not isinstance(after, Application):
        return None
    if isinstance(before, Application) and (before.available, before.health) == (after.available, after.health):
        return None
    status = StatusChange(after.id, after.available, after.health)
    return Part(Reach(tags_from_text(after.tags), audience_of(after)), _encode(status))


def _reach(entry: Entry | None, audience_of: AudienceOf) -> Reach | None:
    if entry is None:
        return None
    tags = tags_from_text(entry.tags) if isinstance(entry, Application) else EVERYWHERE.tags
    audience = audience_of(entry)
    return Reach(tags, audience) if tags or audience else EVERYWHERE
