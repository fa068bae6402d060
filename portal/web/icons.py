"""The icons of the page, all from us: drawn from the sets, as a letter, or fetched from where an entry says."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from flask import Blueprint, Response, request

from portal.model import Snapshot
from portal.web.drawing import letter_tile, outline_tile
from portal.web.house import FetchIcon
from portal.web.icon_sets import IconName, IconSets, name_from_text
from portal.web.security import DRAWING_POLICY

SVG = "image/svg+xml"
DRAWN_KEPT = 512
A_DAY = "public, max-age=86400"
FIVE_MINUTES = "public, max-age=300"


class Icons:
    """Answers `/icons/…`; `fetch` reads an icon from elsewhere, only where an entry of the catalog asks for it."""

    def __init__(self, sets: IconSets, snapshot: Callable[[], Snapshot], fetch: FetchIcon) -> None:
        self._sets = sets
        self._snapshot = snapshot
        self._fetch = fetch
        self._drawn = lru_cache(maxsize=DRAWN_KEPT)(self._draw)

    def of_entry(self) -> Response:
        """Answer `/icons/of?icon=…&color=…&name=…`: whatever an entry's icon says, or a letter."""
        icon, colour, name = (request.args.get(key, "")[:2048] for key in ("icon", "color", "name"))
        if "://" in icon:
            return self._fetched(icon) or _drawing(letter_tile(name, colour), FIVE_MINUTES)
        return _drawing(self._drawn(name_from_text(icon), colour, name), A_DAY)

    def of_set(self, icon_set: str, slug: str) -> Response:
        """Answer `/icons/{set}/{slug}.svg?color=…`."""
        return _drawing(self._drawn(name_from_text(f"{icon_set}:{slug}"), request.args.get("color", ""), slug), A_DAY)

    def _draw(self, icon: IconName | None, colour: str, name: str) -> bytes:
        outline = None if icon is None else self._sets.find(icon)
        return (
            letter_tile(name, colour) if outline is None or icon is None else outline_tile(outline, colour, icon.slug)
        )

    def _fetched(self, url: str) -> Response | None:
        if not self._wanted(url):
            return None
        found = self._fetch(url)
        if found is None:
            return None
        content_type, body = found
        answer = Response(body, content_type=content_type)
        answer.headers["Content-Security-Policy"] = DRAWING_POLICY
        answer.headers["Cache-Control"] = A_DAY
        return answer

    def _wanted(self, url: str) -> bool:
        now = self._snapshot()
        return any(each.icon == url for entries in (now.applications, now.bookmarks) for each in entries)


def icons_blueprint(icons: Icons) -> Blueprint:
    """Return the blueprint of the icons."""
    blueprint = Blueprint("icons", __name__, url_prefix="/icons")
    blueprint.add_url_rule("/of", "of", icons.of_entry)
    blueprint.add_url_rule("/<icon_set>/<slug>.svg", "set", icons.of_set)
    return blueprint


def _drawing(svg: bytes, keep: str) -> Response:
    answer = Response(svg, content_type=SVG)
    answer.headers["Content-Security-Policy"] = DRAWING_POLICY
    answer.headers["Cache-Control"] = keep
    return answer
