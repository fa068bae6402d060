"""What a card shows, as words: the template only places it. `static/js/card.js` says the same of an event's entry."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final
from urllib.parse import urlencode

from cachetools import LRUCache
from msgspec import Struct

from portal.model import Application, Entry, Health, Link
from portal.pace import Pace
from portal.web.texts import Texts

ROOM: Final = 32 << 20  # characters: the cards of 20,000 applications
CERTIFICATE_WARNING: Final = 30  # days; certificates are renewed about then, so fewer is worth a word


class Card(Struct, frozen=True, kw_only=True):
    """One card."""

    id: str
    kind: str
    name: str
    url: str | None
    target_blank: bool
    icon: str
    location: int
    info: str
    reason: str
    state: str
    status: str
    detail: str
    since: str
    links: tuple[Link, ...]
    tags: tuple[str, ...]
    search: str


class DrawnCards:
    """Draws each card once in each language, for as long as its entry stays what it is.

    A page of thousands changes by a card or two between two requests.
    """

    def __init__(self, draw: Callable[[Card, Texts], str], pace: Pace, room: int = ROOM) -> None:
        self._draw = draw
        self._pace = pace
        self._drawn: LRUCache[tuple[str, str], tuple[Entry, str]] = LRUCache(room, getsizeof=_size)

    def __call__(self, entries: Iterable[Entry], texts: Texts) -> str:
        """Return the cards of entries as HTML, one after the other, and let others run meanwhile."""
        return "".join([self._card(each, texts) for each in entries])

    def _card(self, entry: Entry, texts: Texts) -> str:
        self._pace.breathe()
        key = (texts.language, entry.id)
        kept = self._drawn.get(key)
        if kept is not None and kept[0] is entry:
            return kept[1]
        drawn = self._draw(card_from_entry(entry, texts), texts)
        if len(drawn) < self._drawn.maxsize:
            self._drawn[key] = (entry, drawn)
        return drawn


def _size(kept: tuple[Entry, str]) -> int:
    return len(kept[1])


def card_from_entry(entry: Entry, texts: Texts) -> Card:
    """Return the card of an entry."""
    application = entry if isinstance(entry, Application) else None
    health = application.health if application else None
    tags = application.tags if application else None
    return Card(
        id=entry.id,
        kind="application" if application else "bookmark",
        name=entry.name,
        url=entry.url,
        target_blank=entry.target_blank,
        icon=icon_url(entry),
        location=entry.location,
        info=entry.info or "",
        reason=_reason(health),
        state=health.state if health else "",
        status=_status(health, texts) if health else "",
        detail=_detail(health, texts) if health else "",
        since=health.since.isoformat().replace("+00:00", "Z") if health and health.since else "",
        links=entry.links,
        tags=tuple(tag for part in (tags or "").split(",") if (tag := part.strip())),
        search=" ".join(filter(None, (entry.info, tags, entry.url))),
    )


def icon_url(entry: Entry) -> str:
    """Return where the entry's icon comes from: always from us."""
    colour = entry.icon_color if isinstance(entry, Application) else None
    wanted = {"icon": entry.icon, "color": colour, "name": entry.name}
    return "/icons/of?" + urlencode({key: value for key, value in wanted.items() if value})


def _reason(health: Health | None) -> str:
    return (health.reason or "") if health and health.state in ("down", "degraded") else ""


def _status(health: Health, texts: Texts) -> str:
    if health.state == "up" and health.latency_ms is not None:
        return texts("status.latency", ms=health.latency_ms)
    if health.state == "degraded" and health.total:
        return f"{health.ready or 0}/{health.total}"
    return texts(f"state.{health.state}")


def _detail(health: Health, texts: Texts) -> str:
    parts = [texts(f"state.{health.state}"), health.reason or ""]
    if health.latency_ms is not None:
        parts.append(texts("status.latency", ms=health.latency_ms))
    if health.total is not None:
        parts.append(texts("status.ready", ready=health.ready or 0, total=health.total))
    if health.certificate_days is not None and health.certificate_days < CERTIFICATE_WARNING:
        parts.append(texts("status.certificate", days=health.certificate_days))
    return " · ".join(filter(None, parts))
