"""Startpunkt's own objects: `applications.startpunkt.ullberg.us` and `bookmarks.startpunkt.ullberg.us`."""

from __future__ import annotations

from typing import Final

from portal.kube.resources import Resource
from portal.model import Application
from portal.sources.checks import CheckWords, check_from_spec
from portal.sources.custom import (
    ApplicationSpec,
    CustomApplication,
    CustomBookmark,
    application_from_spec,
    bookmark_from_spec,
)
from portal.sources.entries import written_url
from portal.sources.references import Reference, UrlFrom, reference_from_url_from, value_from_reference
from portal.sources.source import Found, Source

_GROUP: Final = "startpunkt.ullberg.us"
_VERSIONS: Final = ("v1alpha4", "v1alpha3", "v1alpha2", "v1alpha1")


class StartpunktSpec(ApplicationSpec, frozen=True, gc=False, rename="camel", omit_defaults=True):
    """What is declared of an application, whose address may stand in another object."""

    url_from: UrlFrom | None = None
    check: CheckWords | None = None


class StartpunktApplication(CustomApplication, frozen=True, gc=False, rename="camel"):
    """An Application of Startpunkt."""

    spec: StartpunktSpec = StartpunktSpec()


def application_from_startpunkt(found: Found[StartpunktApplication]) -> Application | None:
    """Return the declared application; the address that `urlFrom` gives wins over `url`."""
    url_from = found.object.spec.url_from
    return application_from_spec(found, None if url_from is None else _resolved(url_from, found))


def references_of_startpunkt(application: StartpunktApplication) -> tuple[Reference, ...]:
    """Return the object that `urlFrom` means."""
    url_from = application.spec.url_from
    reference = None if url_from is None else reference_from_url_from(url_from, application.metadata.namespace)
    return () if reference is None else (reference,)


def _resolved(url_from: UrlFrom, found: Found[StartpunktApplication]) -> str | None:
    text = value_from_reference(url_from, found.origin.namespace, found.lookup, found.notes)
    return written_url(text, "spec.urlFrom", found.options.default_protocol, found.notes)


APPLICATION: Final = Source(
    name="application",
    title="Startpunkt Application",
    resources=tuple(Resource(_GROUP, version, "applications", "Application") for version in _VERSIONS),
    projection=StartpunktApplication,
    mapping=application_from_startpunkt,
    references=references_of_startpunkt,
    check=check_from_spec,
)

BOOKMARK: Final = Source(
    name="bookmark",
    title="Startpunkt Bookmark",
    resources=tuple(Resource(_GROUP, version, "bookmarks", "Bookmark") for version in _VERSIONS),
    projection=CustomBookmark,
    mapping=bookmark_from_spec,
)
