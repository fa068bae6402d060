"""What the stream carries: typed events, who may see each of them, and their names.

An event knows everything that decides who sees it, so that one reader's view of the log is a pure function of log and
filter, and a resumed view is exactly the one that was interrupted.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import ClassVar, Final

from msgspec import Struct

from portal.model import Change

ENTRY_TYPES: Final = tuple(
    f"{noun}_{verb}" for noun in ("APPLICATION", "BOOKMARK") for verb in ("ADDED", "UPDATED", "REMOVED")
)
STATUS_CHANGED: Final = "STATUS_CHANGED"
SYNC_STATUS: Final = "SYNC_STATUS"
CONFIG_CHANGED: Final = "CONFIG_CHANGED"
HEARTBEAT: Final = "HEARTBEAT"
RESET: Final = "RESET"
EVENT_TYPES: Final = (*ENTRY_TYPES, STATUS_CHANGED, SYNC_STATUS, CONFIG_CHANGED, HEARTBEAT, RESET)

ALL: Final[frozenset[str]] = frozenset()
"""The tags of what every filter shows: bookmarks, untagged applications, and events that are about no entry."""

UPDATES: Final = ""
"""The channel of portal's own events; flask-sse's channels have names."""

_OWN = frozenset(EVENT_TYPES)
_BREAKS_A_LINE = re.compile(r"[\r\n\0]")
_NEVER = ("error", "open")
_AROUND = 128  # bytes of a frame besides its data: id, type, timestamp
_AROUND_ENTRY = 600  # bytes of a frame about an entry besides what people write


class StreamError(Exception):
    """The stream was asked for something it cannot do; the root of this room's errors."""


class BadEventError(StreamError, ValueError):
    """An event cannot be written as a frame."""


class Reach(Struct, frozen=True, gc=False):
    """Who is shown an entry: who filters by one of its tags, and belongs to one of the groups in its audience.

    No tags: every filter shows it. No audience: it is for everybody.
    """

    tags: frozenset[str] = ALL
    audience: frozenset[str] = frozenset()


EVERYWHERE: Final = Reach()
"""The reach of bookmarks, and of events that are about no entry."""


class Part(Struct, frozen=True, gc=False):
    """One of the changes in a `STATUS_CHANGED`: the entry's reach, and the change as JSON."""

    reach: Reach
    data: bytes


class Event(Struct, frozen=True, gc=False, kw_only=True):
    """Something that happened, encoded once.

    `data` is JSON (or any text, on a channel of flask-sse). `key` is the entry's id: of two events with the same key
    the later makes the earlier superfluous. `before` and `after` are the entry's reach, None where there was or is no
    entry; where they differ, `removal` is what those get who no longer see it. `id` and `retry` are a publisher's own;
    by `version` and `digest` replicas know that they say the same.
    """

    type: str
    timestamp: datetime
    data: bytes
    key: str = ""
    before: Reach | None = EVERYWHERE
    after: Reach | None = EVERYWHERE
    removal: bytes = b""
    parts: tuple[Part, ...] = ()
    reason: str = ""
    version: str = ""
    digest: str = ""
    id: str = ""
    retry: int | None = None
    channel: str = UPDATES
    is_json: bool = True

    def __post_init__(self) -> None:
        """Refuse what would break a frame, or fire a browser's own `error` and `open` handlers."""
        if self.type in _OWN and not self.id:
            return
        if _BREAKS_A_LINE.search(self.type) or _BREAKS_A_LINE.search(self.id):
            raise BadEventError("the type and the id of an event are one line each, without NUL")
        if self.type in _NEVER:
            raise BadEventError(f"an event of type {self.type!r} would look like the connection's own")

    @property
    def size(self) -> int:
        """Return about how many bytes its frame has."""
        return len(self.data) + _AROUND

    def written(self) -> Event:
        """Return it as it is."""
        return self


class Unwritten(Struct, frozen=True, gc=False):
    """An event of this process about an entry, which nobody has read yet: `write` makes it what readers get.

    Most events of a burst are never read, and one that is not costs neither the time nor the room of its bytes.
    """

    id: ClassVar[str] = ""

    type: str
    timestamp: datetime
    change: Change
    write: Callable[[Change, datetime], Event]

    @property
    def size(self) -> int:
        """Return about how many bytes its frame will have."""
        entry = self.change.after
        if entry is None:
            return _AROUND_ENTRY
        links = sum(len(link.url) + len(link.text) for link in entry.links) if entry.links else 0
        return _AROUND_ENTRY + len(entry.name) + len(entry.url or "") + len(entry.info or "") + links

    def written(self) -> Event:
        """Return the event with its data."""
        return self.write(self.change, self.timestamp)


Sayable = Event | Unwritten


def type_as(event_type: str, verb: str) -> str:
    """Return the entry type with another verb: `APPLICATION_UPDATED` as `REMOVED` is `APPLICATION_REMOVED`."""
    return f"{event_type.partition('_')[0]}_{verb}"
