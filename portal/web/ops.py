"""Probes and metrics, at the paths that Startpunkt's deployments ask and at those that Kubernetes people expect."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from portal.web.documents import encode
from portal.web.house import Check, House

Ask = Callable[[], tuple[Check, ...]]


def ops_blueprint(house: House) -> Blueprint:
    """Return the blueprint of probes and metrics."""
    blueprint = Blueprint("ops", __name__)

    def everything() -> tuple[Check, ...]:
        return tuple({each.name: each for each in (*house.live(), *house.ready(), *house.started())}.values())

    probes: dict[str, Ask] = {
        "/q/health/live": house.live,
        "/livez": house.live,
        "/q/health/ready": house.ready,
        "/readyz": house.ready,
        "/q/health/started": house.started,
        "/q/health": everything,
        "/healthz": everything,
    }
    for path, ask in probes.items():
        blueprint.add_url_rule(path, path, _probe(ask))
    for path in ("/q/metrics", "/metrics"):
        blueprint.add_url_rule(path, path, lambda: _metrics(house))
    return blueprint


def _probe(ask: Ask) -> Callable[[], Response]:
    def answer() -> Response:
        checks = ask()
        up = all(each.up for each in checks)
        body = encode({"status": _word(up=up), "checks": [_document(each) for each in checks]})
        answer = Response(body, status=200 if up else 503, content_type="application/json")
        answer.headers["Cache-Control"] = "no-store"
        return answer

    return answer


def _document(check: Check) -> dict[str, object]:
    document: dict[str, object] = {"name": check.name, "status": _word(up=check.up)}
    return document if check.data is None else {**document, "data": check.data}


def _word(*, up: bool) -> str:
    return "UP" if up else "DOWN"


def _metrics(house: House) -> Response:
    return Response(generate_latest(house.registry), content_type=CONTENT_TYPE_LATEST)
