"""Applications and bookmarks that people declare as objects of their own: what Startpunkt's and Hajimari's share."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from portal.model import DEFAULT_LOCATION, Application, Bookmark
from portal.sources.annotated import is_shown
from portal.sources.annotations import Words, location_from, words_from_annotations
from portal.sources.entries import application_from, bookmark_from, written_url
from portal.sources.notes import Notes
from portal.sources.source import Described, Found


class BookmarkSpec(Struct, frozen=True, gc=False, rename="camel", omit_defaults=True):
    """What is declared of a bookmark, and of an application too."""

    name: str | None = None
    group: str | None = None
    icon: str | None = None
    url: str | None = None
    info: str | None = None
    target_blank: bool | None = None
    location: int | None = None


class ApplicationSpec(BookmarkSpec, frozen=True, gc=False, rename="camel", omit_defaults=True):
    """What is declared of an application."""

    icon_color: str | None = None
    enabled: bool | None = None
    root_path: str | None = None
    tags: str | None = None


class CustomBookmark(Described, frozen=True, gc=False, rename="camel"):
    """A declared bookmark."""

    spec: BookmarkSpec = BookmarkSpec()

    def content(self) -> object:
        """Return the whole spec."""
        return self.spec, str(self.spec.location)


class CustomApplication(Described, frozen=True, gc=False, rename="camel"):
    """A declared application."""

    spec: ApplicationSpec = ApplicationSpec()

    def content(self) -> object:
        """Return the whole spec."""
        return self.spec, str(self.spec.location)


def application_from_spec(found: Found[Any], resolved: str | None = None) -> Application | None:
    """Return the declared application, or None where it is disabled; a `resolved` address wins over `spec.url`."""
    spec: ApplicationSpec = found.object.spec
    words = words_from_annotations(found.object.metadata.annotations, found.notes)
    if not _is_shown(spec.enabled, words, found.notes):
        return None
    root_path = _text(spec.root_path)
    return application_from(
        found,
        name=_name(spec, found.notes),
        group=_text(spec.group),
        icon=_text(spec.icon),
        info=_text(spec.info),
        target_blank=spec.target_blank,
        location=_location(spec, found.notes),
        url=resolved or _url(spec, found),
        icon_color=_text(spec.icon_color),
        root_path=root_path or words.text("rootPath"),
        root_path_place="spec.rootPath" if root_path else words.place("rootPath"),
        tags=_text(spec.tags) or words.text("tags"),
    )


def bookmark_from_spec(found: Found[CustomBookmark]) -> Bookmark | None:
    """Return the declared bookmark, or None where an annotation disables it."""
    spec = found.object.spec
    words = words_from_annotations(found.object.metadata.annotations, found.notes)
    if not _is_shown(None, words, found.notes):
        return None
    return bookmark_from(
        found,
        name=_name(spec, found.notes),
        group=_text(spec.group),
        icon=_text(spec.icon),
        info=_text(spec.info),
        target_blank=spec.target_blank,
        location=_location(spec, found.notes),
        url=_url(spec, found),
    )


def _is_shown(enabled: bool | None, words: Words, notes: Notes) -> bool:
    return is_shown(words.flag("enabled") if enabled is None else enabled, only_annotated=False, notes=notes)


def _name(spec: BookmarkSpec, notes: Notes) -> str | None:
    name = _text(spec.name)
    if name is None:
        notes.fault("spec.name", "missing; the name of the object is used")
    return name


def _url(spec: BookmarkSpec, found: Found[Any]) -> str | None:
    url = written_url(spec.url, "spec.url", found.options.default_protocol, found.notes)
    if url is None:
        found.notes.step("no url: spec.url is missing or was dropped")
    return url


def _location(spec: BookmarkSpec, notes: Notes) -> int:
    if spec.location is None:
        return DEFAULT_LOCATION
    return location_from(spec.location, "spec.location", notes, spec.location)


def _text(value: str | None) -> str | None:
    return (value.strip() or None) if value else None
