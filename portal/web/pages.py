"""The start page, complete without JavaScript, and its theme."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from flask import Blueprint, Response, abort, request
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from portal.catalog.arrange import grouped, tagged
from portal.model import Application, Snapshot
from portal.pace import Pace
from portal.web.assets import Assets
from portal.web.cache import AnswerCache, Built, Variant
from portal.web.cards import DrawnCards
from portal.web.house import House, PageOptions
from portal.web.notices import notices_from
from portal.web.texts import Languages
from portal.web.theme import stylesheet

HTML: Final = "text/html; charset=utf-8"
RESERVED: Final = frozenset(
    ("api", "q", "static", "icons", "livez", "readyz", "healthz", "metrics", "theme.css",
     "favicon.ico", "robots.txt", "manifest.webmanifest", "graphql", "sw.js", ".well-known")
)  # fmt: skip
"""First segments that are never tags."""


class Pages:
    """Answers the requests for the page and its theme."""

    def __init__(self, house: House, cache: AnswerCache, languages: Languages, assets: Assets, templates: Path) -> None:
        self._house = house
        self._cache = cache
        self._languages = languages
        self._assets = assets
        self._jinja = Environment(
            loader=FileSystemLoader(templates),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._drawn = DrawnCards(vars(self._jinja.get_template("card.html").module)["card"], Pace())

    def page(self, tags: str = "") -> Response:
        """Answer `/` and `/{tags}`; `?q=` filters, for those without JavaScript."""
        if tags in RESERVED:
            abort(404, f"there is nothing at /{tags}")
        self._house.refresh()
        options, head, state = self._house.page(), self._house.head(), self._house.snapshot()
        language = self._languages.accepted(request.accept_languages, options.default_language)
        query = request.args.get("q", "")[:100]
        version = (str(head), state.version, self._house.sync_version(), options.config_version, self._assets.hash)
        variant = Variant("page", (tags, language, query), HTML)
        answer = self._cache.answer(
            request, variant, version, lambda: Built(self._render(str(head), state, options, (tags, language, query)))
        )
        answer.vary.add("Accept-Language")
        return answer

    def theme(self) -> Response:
        """Answer `/theme.css`."""
        options = self._house.page()
        variant = Variant("config", ("theme.css",), "text/css; charset=utf-8")
        return self._cache.answer(
            request, variant, (options.config_version,), lambda: Built(stylesheet(options.light, options.dark).encode())
        )

    def _render(self, position: str, state: Snapshot, options: PageOptions, which: tuple[str, str, str]) -> bytes:
        tags, language, query = which
        texts, sync = self._languages.texts(language), self._house.sync()
        applications = tuple(each for each in tagged(state.applications, tags) if _matches(each, query))
        bookmarks = tuple(each for each in state.bookmarks if _matches(each, query))
        page = self._jinja.get_template("page.html").render(
            t=texts,
            tags=tags,
            query=query,
            options=options,
            position=position,
            sync=sync,
            applications=grouped(applications),
            bookmarks=grouped(bookmarks),
            drawn=self._drawn,
            notices=notices_from(sync, options.config_error, texts),
            hidden_by_tags=len(state.applications) - len(applications),
            asset=self._assets.url,
        )
        return page.encode()


def pages_blueprint(pages: Pages) -> Blueprint:
    """Return the blueprint of the page."""
    blueprint = Blueprint("pages", __name__)
    blueprint.add_url_rule("/", "page", pages.page)
    blueprint.add_url_rule("/theme.css", "theme", pages.theme)
    blueprint.add_url_rule("/<tags>", "tagged", pages.page)
    return blueprint


def _matches(entry: Application | object, query: str) -> bool:
    if not query:
        return True
    words = (getattr(entry, name, None) or "" for name in ("name", "group", "info", "tags", "url"))
    return query.casefold() in " ".join(words).casefold()
