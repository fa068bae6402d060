"""The JSON documents of the REST interface, made from values: Startpunkt's shapes, with portal's members added."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

import msgspec
from msgspec import structs

from portal.availability.history import AvailabilityHistory
from portal.catalog.arrange import grouped, tagged
from portal.model import Application, Bookmark, Entry, Health, Position, Snapshot, SyncStatus, tags_from_text
from portal.web.house import PageOptions

encode: Final[Callable[[Any], bytes]] = msgspec.json.encode
UNCHECKED: Final = Health(state="unknown")


def groups_document(entries: Iterable[Entry], member: str) -> bytes | None:
    """Return `{"groups":[{"name","applications":[…]}]}`, None where there is no group; `member` names the list."""
    groups = [{"name": group.name, member: group.entries} for group in grouped(entries)]
    return encode({"groups": groups}) if groups else None


def applications_document(snapshot: Snapshot, tags: str) -> bytes | None:
    """Return the applications that a tag filter shows, in groups."""
    return groups_document(tagged(snapshot.applications, tags), "applications")


def bookmarks_document(snapshot: Snapshot) -> bytes | None:
    """Return the bookmarks, in groups."""
    return groups_document(snapshot.bookmarks, "bookmarks")


def application_at(snapshot: Snapshot, path: str) -> Application | None:
    """Return the application that `GROUP/NAME` names, ignoring case and a slash at the end. Both may contain some."""
    wanted = {path.casefold(), path.casefold().removesuffix("/")}
    return next((each for each in snapshot.applications if f"{each.group}/{each.name}".casefold() in wanted), None)


def unchecked(snapshot: Snapshot, entry_id: str) -> AvailabilityHistory | None:
    """Return the history of an application of which no check is remembered: empty, with the health that is shown."""
    healths = (each.health for each in snapshot.applications if each.id == entry_id)
    return next((AvailabilityHistory(id=entry_id, health=each or UNCHECKED, checks=()) for each in healths), None)


def shared(applications: Iterable[Application], tags: str) -> tuple[Application, ...]:
    """Return what the stream shows to a subscriber with these tags: without tags, everything."""
    wanted = tags_from_text(tags)
    return tuple(each for each in applications if not wanted or not (own := tags_from_text(each.tags)) or own & wanted)


def snapshot_document(position: Position, snapshot: Snapshot, sync: SyncStatus, tags: str) -> bytes:
    """Return everything a frontend needs at once; `position` was read before the snapshot."""
    applications: tuple[Application, ...] = shared(snapshot.applications, tags)
    bookmarks: tuple[Bookmark, ...] = snapshot.bookmarks
    return encode(
        {
            "position": str(position),
            "catalogVersion": snapshot.version,
            "sync": settled(sync),
            "applications": applications,
            "bookmarks": bookmarks,
        }
    )


def settled(sync: SyncStatus) -> SyncStatus:
    """Return only what changes with a state, so that what shows it keeps its tag while nothing happens."""
    resources = tuple(
        structs.replace(each, last_contact=None, stale_seconds=None, resource_version=None, count=None)
        for each in sync.resource_status
    )
    return structs.replace(sync, resource_status=resources, history=())


def config_document(page: PageOptions) -> bytes:
    """Return what a frontend has to know of the configuration."""
    web = {
        "showGithubLink": page.github_link,
        "checkForUpdates": False,  # portal's page asks nobody but portal
        "title": page.title,
        "refreshInterval": page.refresh_interval,
        "searchEngine": page.search_engine,
    }
    realtime = {"enabled": page.realtime_enabled}
    config: dict[str, object] = {
        "version": page.version,
        "web": web,
        "realtime": realtime,
        "websocket": {"enabled": False},
    }
    config["configVersion"] = page.config_version
    if page.config_error is not None:
        config["configError"] = page.config_error
    return encode({"config": config})


def theme_document(page: PageOptions) -> bytes:
    """Return the colours of both themes as configured."""
    return encode({"light": page.light, "dark": page.dark})
