"""Probes, metrics, the API's description and static files."""

from __future__ import annotations

import re
from typing import Any

import pytest
from prometheus_client import Gauge
from werkzeug.routing import Rule

from portal.web.app import create_app
from portal.web.docs import STARTPUNKTS, openapi_document
from portal.web.house import Check
from tests.web.houses import application, state

NOT_IN_THE_DOCUMENT = {"/", "/<tags>", "/theme.css", "/static/<path:path>", "/api/docs", *STARTPUNKTS}


@pytest.mark.parametrize("path", ["/q/health/live", "/livez", "/q/health/ready", "/readyz", "/q/health/started"])
def test_a_probe_that_holds_is_200(path: str) -> None:
    answer = state().client().get(path)

    assert (answer.status_code, answer.json["status"]) == (200, "UP")


@pytest.mark.parametrize("path", ["/q/health/ready", "/readyz", "/q/health", "/healthz"])
def test_a_probe_that_does_not_hold_is_503_and_says_which_check(path: str) -> None:
    house = state()
    house.ready = (Check("sources", up=False, data={"synced": "1/2"}),)

    answer = house.client().get(path)

    assert (answer.status_code, answer.json["status"]) == (503, "DOWN")
    assert {"name": "sources", "status": "DOWN", "data": {"synced": "1/2"}} in answer.json["checks"]


@pytest.mark.parametrize("path", ["/q/health", "/healthz"])
def test_everything_names_each_check_once(path: str) -> None:
    names = [each["name"] for each in state().client().get(path).json["checks"]]

    assert names == sorted(set(names), key=names.index)


@pytest.mark.parametrize("path", ["/q/health/live", "/livez"])
def test_being_alive_does_not_depend_on_being_ready(path: str) -> None:
    house = state()
    house.ready = (Check("sources", up=False),)

    assert house.client().get(path).status_code == 200


@pytest.mark.parametrize("path", ["/q/metrics", "/metrics"])
def test_metrics_are_those_of_the_registry(path: str) -> None:
    house = state().house()
    Gauge("portal_test", "A test", registry=house.registry).set(7)

    answer = create_app(house).test_client().get(path)

    assert "portal_test 7.0" in answer.text
    assert answer.mimetype == "text/plain"


def routes() -> list[Rule]:
    return list(create_app(state().house()).url_map.iter_rules())


def test_the_document_describes_every_route() -> None:
    described = {re.sub(r"\{\w+\}", "{}", path) for path in openapi_document()["paths"]}
    served = {re.sub(r"<[^>]+>", "{}", rule.rule) for rule in routes() if rule.rule not in NOT_IN_THE_DOCUMENT}
    pings = {path for path in served if path.endswith("/ping")}

    assert served - pings - {"/api/apps/{}"} <= described
    assert described - served == {"/api/updates/stream", "/api/{}/ping", "/api/apps/{}/{}"}


@pytest.mark.parametrize(("path", "mimetype"), [("/q/openapi", "application/json"), ("/q/swagger-ui/", "text/html")])
def test_the_document_is_found_where_startpunkt_has_it(path: str, mimetype: str) -> None:
    answer = state().client().get(path, follow_redirects=True)

    assert (answer.status_code, answer.mimetype) == (200, mimetype)


def references(node: Any) -> list[str]:
    inner = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    own = [node["$ref"]] if isinstance(node, dict) and "$ref" in node else []
    return own + [found for each in inner for found in references(each)]


def resolved(document: Any, reference: str) -> Any:
    found = document
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return found


def test_every_reference_in_the_document_leads_somewhere() -> None:
    document = openapi_document()

    assert all(resolved(document, each) is not None for each in references(document))


def values(node: Any) -> list[Any]:
    inner = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    return [node, *(found for each in inner for found in values(each))]


def test_no_value_in_the_document_is_left_out() -> None:
    # A comma in a description that is not quoted makes a key of what follows, and the document is valid no more.
    assert None not in values(openapi_document())


def test_every_operation_has_a_name_of_its_own_a_summary_and_answers() -> None:
    operations = [item["get"] for item in openapi_document()["paths"].values()]

    assert len({each["operationId"] for each in operations}) == len(operations)
    assert all(each["summary"] and each["responses"] for each in operations)


def test_every_event_is_described() -> None:
    document = openapi_document()
    schemas = [resolved(document, each["$ref"]) for each in document["components"]["schemas"]["Event"]["oneOf"]]
    kinds = [schema["allOf"][1]["properties"]["type"] for schema in schemas]

    assert {name for kind in kinds for name in kind.get("enum", [kind.get("const")])} == {
        "APPLICATION_ADDED", "APPLICATION_UPDATED", "APPLICATION_REMOVED", "BOOKMARK_ADDED", "BOOKMARK_UPDATED",
        "BOOKMARK_REMOVED", "STATUS_CHANGED", "SYNC_STATUS", "CONFIG_CHANGED", "HEARTBEAT", "RESET",
    }  # fmt: skip


def test_the_document_is_served_and_can_be_read_as_a_page() -> None:
    client = state().client()

    assert client.get("/api/openapi.json").json["openapi"] == "3.1.0"
    assert "GET /api/snapshot" in client.get("/api/docs").text


def test_static_files_are_kept_for_good_under_their_hash() -> None:
    client = state(application("Nas")).client()
    path = re.search(r'src="(/static/\w+/js/main\.js)"', client.get("/").text)[1]

    answer = client.get(path)

    assert answer.mimetype == "text/javascript"
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize("path", ["/static/js/main.js", "/static/0123456789ab/js/main.js"])
def test_static_files_under_another_path_are_asked_for_again(path: str) -> None:
    answer = state().client().get(path)

    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-cache")


@pytest.mark.parametrize("path", ["/static/js/none.js", "/static/../portal.py", "/static/icons/mdi.zip"])
def test_nothing_but_the_pages_files_is_served(path: str) -> None:
    assert state().client().get(path).status_code == 404
