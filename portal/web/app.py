"""Composes the web application from its blueprints."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from flask import Blueprint, Flask

from portal.availability.transport import Opener
from portal.resources import folder
from portal.web import problem, security, sync_headers
from portal.web.api import Api, api_blueprint
from portal.web.assets import Assets, assets_blueprint
from portal.web.cache import AnswerCache
from portal.web.docs import docs_blueprint
from portal.web.house import House
from portal.web.icon_sets import IconSets
from portal.web.icons import Icons, icons_blueprint
from portal.web.ops import ops_blueprint
from portal.web.pages import Pages, pages_blueprint
from portal.web.remote_icons import RemoteIcons
from portal.web.texts import Languages


def create_app(house: House, *, blueprints: Sequence[Blueprint] = (), cache: AnswerCache | None = None) -> Flask:
    """Return the application; `blueprints` are further ones, `cache` is given by who wants to invalidate it."""
    app = Flask("portal.web", static_folder=None)
    answers = cache or AnswerCache(house.boot, house.cache_ttl)
    problem.install(app)
    security.install(app)
    sync_headers.install(app, house)
    for blueprint in (*blueprints, *own_blueprints(house, answers)):
        app.register_blueprint(blueprint)
    return app


def own_blueprints(house: House, cache: AnswerCache) -> Iterable[Blueprint]:
    """Return the blueprints of everything but the stream."""
    static = folder("static")
    assets, languages = Assets(static), Languages(static / "i18n")
    icons = Icons(IconSets(static / "icons"), house.snapshot, house.fetch_icon or RemoteIcons(Opener()))
    return (
        api_blueprint(Api(house, cache, languages)),
        docs_blueprint(cache, assets),
        ops_blueprint(house),
        icons_blueprint(icons),
        assets_blueprint(assets, cache),
        pages_blueprint(Pages(house, cache, languages, assets, folder("templates"))),
    )
