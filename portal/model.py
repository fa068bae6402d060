"""The values that travel through portal: where an entry was found, what the page shows, and what changed.

Everything here is frozen and holds tuples instead of lists, so that ten thousand kept entries cost the garbage
collector nothing. Field names are encoded in camelCase; members without a value are left out of the JSON.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, Literal

from msgspec import Struct

HealthState = Literal["up", "degraded", "down", "unknown"]
SourceState = Literal["pending", "in_progress", "completed", "stale", "absent", "forbidden", "failed"]
SyncState = Literal["not_started", "in_progress", "completed", "failed"]
SyncStep = Literal["cleanup", "sync", "informer", "done"]
ResetReason = Literal["gap", "slow", "restart", "epoch"]

DEFAULT_LOCATION: Final = 1000


class Origin(Struct, frozen=True, gc=False):
    """Where an entry was found."""

    cluster: str
    source: str
    namespace: str
    name: str

    @property
    def id(self) -> str:
        """Return the entry's id, as in `local/ingress/media/jellyfin`."""
        return f"{self.cluster}/{self.source}/{self.namespace}/{self.name}"


class Link(Struct, frozen=True, gc=False):
    """One more address of an application that answers on several."""

    url: str
    text: str


class Health(Struct, frozen=True, gc=False, kw_only=True, rename="camel", omit_defaults=True):
    """What is known about whether an application is up, and why.

    `latency_ms` in milliseconds, `since` in UTC; `ready` of `total` endpoints behind the application.
    """

    state: HealthState
    http_status: int | None = None
    latency_ms: int | None = None
    reason: str | None = None
    since: datetime | None = None
    ready: int | None = None
    total: int | None = None
    certificate_days: int | None = None


class Entry(Struct, frozen=True, gc=False, kw_only=True, rename="camel", omit_defaults=True):
    """What the page shows: one application or bookmark.

    `resource_version` is the object's at the last write that touched a field portal reads.
    """

    id: str
    cluster: str
    source: str
    namespace: str
    resource_name: str
    resource_version: str
    name: str
    group: str
    target_blank: bool
    location: int
    has_owner_references: bool
    url: str | None = None
    links: tuple[Link, ...] = ()
    icon: str | None = None
    info: str | None = None


class Application(Entry, frozen=True, gc=False, kw_only=True, rename="camel", omit_defaults=True):
    """Something that runs in the cluster and can be opened.

    `url` already ends in `root_path`; `tags` is comma separated, as written. `available` is `health.state != "down"`.
    """

    enabled: bool
    available: bool
    icon_color: str | None = None
    root_path: str | None = None
    tags: str | None = None
    health: Health | None = None


class Bookmark(Entry, frozen=True, gc=False, kw_only=True, rename="camel", omit_defaults=True):
    """A link that somebody wants on the page."""


class Change(Struct, frozen=True, gc=False):
    """One entry before and after: added, updated or removed, or with new health only."""

    before: Entry | None
    after: Entry | None
    only_health: bool = False

    @property
    def entry(self) -> Entry:
        """Return the entry as it is now or, when it was removed, as it was last."""
        entry = self.after or self.before
        if entry is None:
            raise ValueError("a change needs an entry before or after it")
        return entry


class Snapshot(Struct, frozen=True, gc=False):
    """The catalog at one version, in the order of the page: by group, location and name, ignoring case."""

    version: int
    applications: tuple[Application, ...]
    bookmarks: tuple[Bookmark, ...]


class ResourceStatus(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """How far one watched resource is, as in `/api/v1/sync/status`.

    `name` is the source's title, with its namespace where namespaces are selected; `since` the moment of the last
    change of `status`; `last_contact` the moment at which what is shown was known to be true, for what was restored
    that of its saving; `stale_seconds` the time since then while there is no contact with the API server.
    """

    name: str
    status: SourceState
    count: int | None = None
    error: str | None = None
    since: datetime | None = None
    last_contact: datetime | None = None
    stale_seconds: int | None = None
    resource_version: str | None = None


class SyncRun(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """One finished synchronisation, kept as history."""

    status: SyncState
    start_time: datetime
    end_time: datetime
    duration_ms: int
    count: int | None = None
    failures: tuple[str, ...] = ()


class SyncStatus(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """How far the whole portal is, as in `/api/v1/sync/status`.

    `restored` is when the oldest of what is shown from before the restart, and not confirmed yet, was saved.
    """

    status: SyncState
    step: SyncStep
    total_resources: int
    synced_resources: int
    current_resource: str | None = None
    start_time: datetime | None = None
    end_time: datetime | None = None
    duration_ms: int | None = None
    error: str | None = None
    restored: datetime | None = None
    resource_status: tuple[ResourceStatus, ...] = ()
    history: tuple[SyncRun, ...] = ()


class Position(Struct, frozen=True, order=True, gc=False):
    """A place in the event log, the id of a server-sent event.

    Positions compare only within one epoch. `part` is for logs that number in two parts (a Valkey Stream's `ms-seq`).
    """

    epoch: str
    offset: int
    part: int | None = None

    def __str__(self) -> str:
        return f"{self.epoch}.{self.offset}" if self.part is None else f"{self.epoch}.{self.offset}-{self.part}"


_POSITION = re.compile(r"([0-9A-Za-z]{1,24})\.([0-9]{1,20})(?:-([0-9]{1,18}))?", re.ASCII)


def position_from_text(text: str) -> Position | None:
    """Return the position that `text` names, or None where it names none."""
    match = _POSITION.fullmatch(text)
    if match is None:
        return None
    epoch, offset, part = match.groups()
    return Position(epoch, int(offset), None if part is None else int(part))


def utc_now() -> datetime:
    """Return the present moment, in UTC as every moment here."""
    return datetime.now(UTC)


@lru_cache(maxsize=4096)
def tags_from_text(text: str | None) -> frozenset[str]:
    """Return the tags in a comma-separated list: trimmed, lower-cased, empty ones dropped."""
    return frozenset(tag for part in (text or "").split(",") if (tag := part.strip().lower()))
