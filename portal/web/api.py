"""The REST interface: Startpunkt's paths and shapes, the snapshot, and the sync status."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Final

from flask import Blueprint, Response, request

from portal.web.cache import AnswerCache, Built, Variant, Version
from portal.web.documents import (
    application_at,
    applications_document,
    bookmarks_document,
    config_document,
    encode,
    snapshot_document,
    theme_document,
    unchecked,
)
from portal.web.house import House
from portal.web.problem import CONTENT_TYPE, problem, problem_body
from portal.web.queries import listed
from portal.web.sync_headers import moment_text
from portal.web.texts import LANGUAGE, Languages

PONGS: Final = {"apps": "Application", "bookmarks": "Bookmark", "config": "Config", "theme": "Theme", "i8n": "I8n"}


class Api:
    """Answers the requests under /api."""

    def __init__(self, house: House, cache: AnswerCache, languages: Languages) -> None:
        self._house = house
        self._cache = cache
        self._languages = languages

    def apps(self, tags: str = "") -> Response:
        """Answer `/api/apps` and `/api/apps/{tags}`."""
        return self._catalog("applications", (tags,), lambda: self._applications(tags))

    def app(self, path: str) -> Response:
        """Answer `/api/apps/{group}/{app}`."""
        return self._catalog("applications", ("at", path.casefold()), lambda: self._application(path))

    def bookmarks(self) -> Response:
        """Answer `/api/bookmarks`."""
        return self._catalog(
            "bookmarks", (), lambda: _found(bookmarks_document(self._house.snapshot()), "no bookmarks")
        )

    def snapshot(self) -> Response:
        """Answer `/api/snapshot`; the position is read before the state, so that nothing between them is missed."""
        self._house.refresh()
        tags, head, state = listed(request, "tags"), self._house.head(), self._house.snapshot()
        version = (str(head), state.version, self._house.sync_version())
        variant = Variant("snapshot", (tags,))
        return self._cache.answer(
            request, variant, version, lambda: Built(snapshot_document(head, state, self._house.sync(), tags))
        )

    def config(self) -> Response:
        """Answer `/api/config`."""
        return self._configured("config", (), lambda: Built(config_document(self._house.page())))

    def theme(self) -> Response:
        """Answer `/api/theme`."""
        return self._configured("config", ("theme",), lambda: Built(theme_document(self._house.page())))

    def i8n(self, language: str = "en-US") -> Response:
        """Answer `/api/i8n` and `/api/i8n/{language}`: what is no language is English, one not spoken the default."""
        wanted = language if LANGUAGE.fullmatch(language) else "en-US"
        name = self._languages.spoken(wanted, self._house.page().default_language)
        return self._configured("config", ("i8n", name), lambda: Built(self._languages.file(name)))

    def sync_status(self) -> Response:
        """Answer `/api/v1/sync/status`."""
        return _fresh(encode(self._house.sync()))

    def health(self) -> Response:
        """Answer `/api/v1/health`."""
        up = all(each.up for each in self._house.ready())
        now = moment_text(datetime.now(UTC))
        return _fresh(encode({"status": "ok" if up else "starting", "timestamp": now, "sync": self._house.sync()}))

    def availability(self, entry_id: str) -> Response:
        """Answer `/api/availability/{id}`; the history of an application that was not checked here is empty."""
        history = self._house.history(entry_id) or unchecked(self._house.snapshot(), entry_id)
        if history is None:
            return problem(404, f"nothing is known about the availability of {entry_id}")
        return _fresh(encode(history))

    def _catalog(self, kind: str, which: tuple[str, ...], build: Callable[[], Built]) -> Response:
        self._house.refresh()
        version: Version = (self._house.snapshot().version,)
        return self._cache.answer(request, Variant(kind, which), version, build)

    def _configured(self, kind: str, which: tuple[str, ...], build: Callable[[], Built]) -> Response:
        return self._cache.answer(request, Variant(kind, which), (self._house.page().config_version,), build)

    def _applications(self, tags: str) -> Built:
        return _found(applications_document(self._house.snapshot(), tags), "no applications")

    def _application(self, path: str) -> Built:
        found = application_at(self._house.snapshot(), path)
        return _found(None if found is None else encode(found), f"no application {path}")


def api_blueprint(api: Api) -> Blueprint:
    """Return the blueprint of the REST interface; a slash at the end of a path means nothing, as in Startpunkt."""
    blueprint = Blueprint("api", __name__, url_prefix="/api")
    routes: dict[str, Callable[..., Response]] = {
        "/apps": api.apps,
        "/apps/<tags>": api.apps,
        "/apps/<path:path>": api.app,
        "/bookmarks": api.bookmarks,
        "/snapshot": api.snapshot,
        "/config": api.config,
        "/theme": api.theme,
        "/i8n": api.i8n,
        "/i8n/<language>": api.i8n,
        "/v1/sync/status": api.sync_status,
        "/v1/health": api.health,
        "/availability/<path:entry_id>": api.availability,
    }
    for path, view in routes.items():
        blueprint.add_url_rule(path, path, view, strict_slashes=False)
    for what, noun in PONGS.items():
        blueprint.add_url_rule(f"/{what}/ping", f"{what}/ping", partial(_ping, noun), strict_slashes=False)
    return blueprint


def _ping(noun: str) -> Response:
    return Response(f"Pong from {noun} Resource", content_type="text/plain; charset=utf-8")


def _found(body: bytes | None, missing: str) -> Built:
    return Built(problem_body(404, missing), 404, CONTENT_TYPE) if body is None else Built(body)


def _fresh(body: bytes) -> Response:
    answer = Response(body, content_type="application/json")
    answer.headers["Cache-Control"] = "no-store"
    return answer
