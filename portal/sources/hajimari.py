"""Hajimari's objects: `applications.hajimari.io`, and `bookmarks.hajimari.io` of its unreleased line."""

from __future__ import annotations

from typing import Final

from portal.kube.resources import Resource
from portal.sources.custom import CustomApplication, CustomBookmark, application_from_spec, bookmark_from_spec
from portal.sources.source import Source

_GROUP: Final = "hajimari.io"

APPLICATION: Final = Source(
    name="hajimari-application",
    title="Hajimari Application",
    resources=(Resource(_GROUP, "v1alpha1", "applications", "Application"),),
    projection=CustomApplication,
    mapping=application_from_spec,
)

BOOKMARK: Final = Source(
    name="hajimari-bookmark",
    title="Hajimari Bookmark",
    resources=(Resource(_GROUP, "v1alpha1", "bookmarks", "Bookmark"),),
    projection=CustomBookmark,
    mapping=bookmark_from_spec,
)
