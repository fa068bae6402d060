"""From what an object says of itself to the entry on the page: the part that all sources share."""

from __future__ import annotations

from sys import intern
from typing import Any

from msgspec import Struct

from portal.model import Application, Bookmark, Link
from portal.sources.notes import Notes
from portal.sources.source import Found
from portal.sources.urls import is_accepted, url_from_text, with_root_path


class Description(Struct, frozen=True, gc=False, kw_only=True):
    """What is said of an entry, parsed, before anything missing is filled in."""

    name: str | None
    group: str | None
    icon: str | None
    info: str | None
    target_blank: bool | None
    location: int
    url: str | None
    links: tuple[Link, ...] = ()
    icon_color: str | None = None
    root_path: str | None = None
    root_path_place: str = ""
    tags: str | None = None


def application_from(description: Description, found: Found[Any]) -> Application:
    """Return the application; its name falls back to the object's name, its group to the namespace.

    What many applications have in common is held once for all of them.
    """
    origin = found.origin
    metadata = found.object.metadata
    return Application(
        id=origin.id,
        cluster=origin.cluster,
        source=origin.source,
        namespace=intern(origin.namespace),
        resource_name=origin.name,
        resource_version=metadata.resource_version,
        name=description.name or origin.name,
        group=intern(description.group or origin.namespace),
        target_blank=bool(description.target_blank),
        location=description.location,
        has_owner_references=metadata.is_managed,
        url=_rooted(description, found.notes),
        links=description.links,
        icon=intern(description.icon) if description.icon else None,
        info=description.info,
        enabled=True,
        available=True,
        icon_color=description.icon_color,
        root_path=description.root_path,
        tags=description.tags,
    )


def bookmark_from(description: Description, found: Found[Any]) -> Bookmark:
    """Return the bookmark; its name falls back to the object's name, its group to the namespace."""
    origin = found.origin
    metadata = found.object.metadata
    return Bookmark(
        id=origin.id,
        cluster=origin.cluster,
        source=origin.source,
        namespace=origin.namespace,
        resource_name=origin.name,
        resource_version=metadata.resource_version,
        name=description.name or origin.name,
        group=description.group or origin.namespace,
        target_blank=bool(description.target_blank),
        location=description.location,
        has_owner_references=metadata.is_managed,
        url=description.url,
        icon=description.icon,
        info=description.info,
    )


def written_url(text: str | None, place: str, protocol: str | None, notes: Notes) -> str | None:
    """Return the address that a person wrote at `place`; None, with a fault, where the page may not link to it.

    A bare host is completed by `protocol`; None means that it must not be.
    """
    if text is None or not text.strip():
        return None
    url = url_from_text(text, protocol)
    if url is None:
        notes.fault(place, "%r is neither http nor https, nor a path with one slash at its begin; dropped", text)
    else:
        notes.step("url is %s, from %s", url, place)
    return url


def _rooted(description: Description, notes: Notes) -> str | None:
    url, root_path = description.url, description.root_path
    if url is None or root_path is None:
        return url
    rooted = with_root_path(url, root_path)
    if not is_accepted(rooted):
        notes.fault(description.root_path_place, "%r cannot be appended to %s; ignored", root_path, url)
        return url
    notes.step("url with rootPath is %s", rooted)
    return rooted
