"""What a card shows, as words: the template only places it. `static/js/card.js` says the same of an event's entry."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

from msgspec import Struct

from portal.catalog.arrange import grouped
from portal.model import Application, Bookmark, Entry, Health, Link
from portal.web.texts import Texts

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


class CardGroup(Struct, frozen=True):
    """The cards under one heading; `key` is the heading without regard to case."""

    name: str
    key: str
    cards: tuple[Card, ...]


def card_groups(entries: tuple[Application, ...] | tuple[Bookmark, ...], texts: Texts) -> tuple[CardGroup, ...]:
    """Return arranged entries as cards, in groups."""
    return tuple(
        CardGroup(group.name, group.name.casefold(), tuple(card_from_entry(each, texts) for each in group.entries))
        for group in grouped(tuple(entries))
    )


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
