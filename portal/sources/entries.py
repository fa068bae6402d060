"""From what an object says of itself to the entry on the page: the part that all sources share."""

from __future__ import annotations

from sys import intern
from typing import Any

from msgspec.structs import replace

from portal.model import Application, Bookmark, Link
from portal.sources.notes import Notes
from portal.sources.source import Found
from portal.sources.urls import is_accepted, url_from_text, with_root_path


def application_from(
    found: Found[Any],
    *,
    name: str | None,
    group: str | None,
    icon: str | None,
    info: str | None,
    target_blank: bool | None,
    location: int,
    url: str | None,
    links: tuple[Link, ...] = (),
    icon_color: str | None = None,
    root_path: str | None = None,
    root_path_place: str = "",
    tags: str | None = None,
) -> Application:
    """Return the application; its name falls back to the object's name, its group to the namespace.

    What many applications have in common is held once for all of them.
    """
    origin, metadata = found.origin, found.object.metadata
    application = Application(  # with more than 15 names Python makes a dict of them, which takes three times as long
        id=origin.id,
        cluster=origin.cluster,
        source=origin.source,
        namespace=intern(origin.namespace),
        resource_name=origin.name,
        resource_version=metadata.resource_version,
        name=name or origin.name,
        group=intern(group or origin.namespace),
        target_blank=bool(target_blank),
        location=location,
        has_owner_references=metadata.is_managed,
        url=_rooted(url, root_path, root_path_place, found.notes) if root_path and url else url,
        icon=intern(icon) if icon else None,
        enabled=True,
        available=True,
    )
    if not (links or info or icon_color or root_path or tags):
        return application
    return replace(application, links=links, info=info, icon_color=icon_color, root_path=root_path, tags=tags)


def bookmark_from(
    found: Found[Any],
    *,
    name: str | None,
    group: str | None,
    icon: str | None,
    info: str | None,
    target_blank: bool | None,
    location: int,
    url: str | None,
) -> Bookmark:
    """Return the bookmark; its name falls back to the object's name, its group to the namespace."""
    origin, metadata = found.origin, found.object.metadata
    return Bookmark(
        id=origin.id,
        cluster=origin.cluster,
        source=origin.source,
        namespace=origin.namespace,
        resource_name=origin.name,
        resource_version=metadata.resource_version,
        name=name or origin.name,
        group=group or origin.namespace,
        target_blank=bool(target_blank),
        location=location,
        has_owner_references=metadata.is_managed,
        url=url,
        icon=icon,
        info=info,
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


def _rooted(url: str, root_path: str, place: str, notes: Notes) -> str:
    rooted = with_root_path(url, root_path)
    if not is_accepted(rooted):
        notes.fault(place, "%r cannot be appended to %s; ignored", root_path, url)
        return url
    notes.step("url with rootPath is %s", rooted)
    return rooted
