"""The OpenAPI document, and a page to read it without anything from outside."""

from __future__ import annotations

from functools import lru_cache, partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

import yaml
from flask import Blueprint, Response, redirect, request, url_for
from jinja2 import Environment, FileSystemLoader
from werkzeug.wrappers import Response as AnyResponse

from portal.resources import folder
from portal.web.assets import Assets
from portal.web.cache import AnswerCache, Built, Variant
from portal.web.documents import encode

STARTPUNKTS: Final = {"/q/openapi": "docs.document", "/q/swagger-ui": "docs.page"}
"""Where Startpunkt has them."""

SOURCE: Final = Path(__file__).with_name("openapi.yaml")
HTML: Final = "text/html; charset=utf-8"


@lru_cache(maxsize=1)
def openapi_document() -> dict[str, Any]:
    """Return the OpenAPI document; `portal openapi` prints it, `/api/openapi.json` serves it."""
    document: dict[str, Any] = yaml.safe_load(SOURCE.read_text(encoding="utf-8"))
    try:
        document["info"]["version"] = version("portal")
    except PackageNotFoundError:  # a checkout that is not installed
        document["info"]["version"] = "0"
    return document


def docs_blueprint(cache: AnswerCache, assets: Assets) -> Blueprint:
    """Return the blueprint of the documentation."""
    blueprint = Blueprint("docs", __name__)

    def document() -> Response:
        return cache.answer(request, Variant("docs", ("json",)), (), lambda: Built(encode(openapi_document())))

    def page() -> Response:
        return cache.answer(request, Variant("docs", ("page",), HTML), (assets.hash,), lambda: Built(_rendered(assets)))

    blueprint.add_url_rule("/api/openapi.json", "document", document)
    blueprint.add_url_rule("/api/docs", "page", page, strict_slashes=False)
    for path, endpoint in STARTPUNKTS.items():
        blueprint.add_url_rule(path, path, partial(_elsewhere, endpoint), strict_slashes=False)
    return blueprint


def _elsewhere(endpoint: str) -> AnyResponse:
    return redirect(url_for(endpoint))


def _rendered(assets: Assets) -> bytes:
    jinja = Environment(loader=FileSystemLoader(folder("templates")), autoescape=True)
    return jinja.get_template("docs.html").render(api=openapi_document(), asset=assets.url).encode()
