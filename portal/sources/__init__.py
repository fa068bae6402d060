"""What portal finds: one file per kind of object, each a pure mapping from object to entry."""

from __future__ import annotations

from typing import Final

from portal.sources import hajimari, httproute, ingress, route, startpunkt, virtualservice
from portal.sources.source import Source

SOURCES: Final[tuple[Source, ...]] = (
    startpunkt.APPLICATION,
    hajimari.APPLICATION,
    route.ROUTE,
    ingress.INGRESS,
    virtualservice.VIRTUALSERVICE,
    httproute.HTTPROUTE,
    startpunkt.BOOKMARK,
    hajimari.BOOKMARK,
)
