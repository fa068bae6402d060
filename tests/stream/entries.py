"""Entries and changes to announce."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from portal.model import Application, Bookmark, Change, Entry, Health


def application(name: str = "jellyfin", **more: Any) -> Application:
    values: dict[str, Any] = {
        "id": f"local/ingress/media/{name}",
        "cluster": "local",
        "source": "ingress",
        "namespace": "media",
        "resource_name": name,
        "resource_version": "7",
        "name": name,
        "group": "media",
        "target_blank": False,
        "location": 1000,
        "has_owner_references": False,
        "enabled": True,
        "available": True,
    }
    return Application(**{**values, **more})


def bookmark(name: str = "docs") -> Bookmark:
    return Bookmark(
        id=f"local/bookmark/media/{name}",
        cluster="local",
        source="bookmark",
        namespace="media",
        resource_name=name,
        resource_version="3",
        name=name,
        group="links",
        target_blank=False,
        location=1000,
        has_owner_references=False,
    )


def added(entry: Entry) -> Change:
    return Change(None, entry)


def updated(before: Entry, after: Entry) -> Change:
    return Change(before, after)


def removed(entry: Entry) -> Change:
    return Change(entry, None)


def down(entry: Application) -> Application:
    return replace(entry, available=False, health=Health(state="down"))


def health(before: Application, after: Application) -> Change:
    return Change(before, after, only_health=True)
