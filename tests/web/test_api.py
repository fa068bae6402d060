"""The REST interface: shapes as in Startpunkt's, and what portal adds."""

from __future__ import annotations

import pytest
from msgspec import structs
from werkzeug.test import TestResponse

from portal.availability.history import AvailabilityHistory, CheckResult
from portal.model import Health, Link, Position, ResourceStatus
from portal.web.house import Check
from tests.web.houses import NOON, SYNCED, application, bookmark, state


def names(answer: TestResponse, member: str = "applications") -> list[tuple[str, list[str]]]:
    return [(group["name"], [each["name"] for each in group[member]]) for group in answer.json["groups"]]


def test_applications_come_in_groups_in_the_order_of_the_page() -> None:
    client = state(
        application("Zig", "media"), application("Late", "Media", location=2000), application("Auth", "Access")
    ).client()

    assert names(client.get("/api/apps")) == [("Access", ["Auth"]), ("media", ["Zig", "Late"])]


def test_an_application_has_startpunkts_members_and_portals_and_none_without_a_value() -> None:
    health = Health(state="down", http_status=503, reason="answers 503", since=NOON)
    entry = application(
        "Nas", icon="nas", tags="admin", health=health, available=False, links=(Link("https://b.example.com", "b"),)
    )

    answer = state(entry).client().get("/api/apps/admin")

    assert answer.json["groups"][0]["applications"][0] == {
        "id": "local/ingress/test/nas",
        "cluster": "local",
        "source": "ingress",
        "namespace": "test",
        "resourceName": "nas",
        "resourceVersion": "1",
        "name": "Nas",
        "group": "Media",
        "url": "https://nas.example.com",
        "links": [{"url": "https://b.example.com", "text": "b"}],
        "icon": "nas",
        "tags": "admin",
        "targetBlank": False,
        "location": 1000,
        "enabled": True,
        "available": False,
        "hasOwnerReferences": False,
        "health": {"state": "down", "httpStatus": 503, "reason": "answers 503", "since": "2026-11-21T12:00:00Z"},
    }


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/api/apps", ["Open"]),
        ("/api/apps/admin", ["Admin", "Open"]),
        ("/api/apps/ADMIN,%20dev", ["Admin", "Dev", "Open"]),
        ("/api/apps/unknown", ["Open"]),
        ("/api/apps/,", ["Admin", "Dev", "Open"]),
    ],
)
def test_tags_filter_applications_as_startpunkt_does(path: str, shown: object) -> None:
    client = state(
        application("Open"), application("Admin", tags="Admin"), application("Dev", tags="dev, other")
    ).client()

    assert names(client.get(path)) == [("Media", shown)]


@pytest.mark.parametrize("path", ["/api/apps/media/jellyfin", "/api/apps/MEDIA/JellyFin"])
def test_one_application_is_found_by_group_and_name_ignoring_case(path: str) -> None:
    assert state(application("Jellyfin")).client().get(path).json["name"] == "Jellyfin"


def test_a_name_may_contain_a_slash() -> None:
    assert state(application("TV/Radio")).client().get("/api/apps/Media/TV%2FRadio").json["name"] == "TV/Radio"


@pytest.mark.parametrize("path", ["/api/apps", "/api/apps/admin", "/api/apps/media/none", "/api/bookmarks"])
def test_an_empty_list_is_404_with_a_problem_body(path: str) -> None:
    answer = state().client().get(path)

    assert answer.status_code == 404
    assert answer.content_type == "application/problem+json"
    assert answer.json["status"] == 404


def test_bookmarks_come_in_groups() -> None:
    assert names(state(bookmark("News")).client().get("/api/bookmarks"), "bookmarks") == [("Links", ["News"])]


def test_the_snapshot_holds_everything_and_where_to_go_on_from() -> None:
    house = state(application("Admin", tags="admin"), bookmark("News"))
    house.head = Position("e", 7)

    answer = house.client().get("/api/snapshot")

    assert answer.json["position"] == "e.7"
    assert answer.json["catalogVersion"] == 2
    assert [each["name"] for each in answer.json["applications"]] == ["Admin"]
    assert [each["name"] for each in answer.json["bookmarks"]] == ["News"]


def test_the_snapshot_is_200_with_nothing_in_it() -> None:
    answer = state().client().get("/api/snapshot")

    assert (answer.status_code, answer.json["applications"], answer.json["bookmarks"]) == (200, [], [])


def test_the_snapshot_with_tags_holds_what_the_stream_with_these_tags_shows() -> None:
    client = state(application("Open"), application("Admin", tags="admin"), application("Dev", tags="dev")).client()

    answer = client.get("/api/snapshot?tags=admin")

    assert [each["name"] for each in answer.json["applications"]] == ["Admin", "Open"]


def test_the_snapshots_sync_holds_only_what_changes_with_a_state() -> None:
    resource = state().client().get("/api/snapshot").json["sync"]["resourceStatus"][0]

    assert resource == {"name": "Ingress", "status": "completed", "since": "2026-11-21T12:00:00Z"}


def test_the_sync_status_says_all() -> None:
    resource = state().client().get("/api/v1/sync/status").json["resourceStatus"][0]

    assert (resource["count"], resource["lastContact"]) == (3, "2026-11-21T12:00:00Z")


def test_health_holds_the_sync_status_and_whether_the_first_sync_is_done() -> None:
    house = state()
    house.ready = (Check("sources", up=False),)

    answer = house.client().get("/api/v1/health")

    assert answer.json["status"] == "starting"
    assert answer.json["sync"]["totalResources"] == 2
    assert answer.json["timestamp"].endswith("Z")


def test_the_configuration_has_startpunkts_shape() -> None:
    config = state().client().get("/api/config").json["config"]

    assert config["version"] == "1.2.3"
    assert config["web"]["title"] == "Startpunkt"
    assert config["web"]["refreshInterval"] == 60
    assert config["realtime"] == {"enabled": True}


def test_a_mistake_in_the_configuration_is_told() -> None:
    house = state()
    house.change_page(config_error="config.yaml:3:1: web.titel")

    assert house.client().get("/api/config").json["config"]["configError"] == "config.yaml:3:1: web.titel"


def test_the_theme_is_given_as_configured() -> None:
    answer = state().client().get("/api/theme")

    assert answer.json["light"] == {
        "bodyBgColor": "#F8F6F1",
        "bodyColor": "#696969",
        "emphasisColor": "#000000",
        "textPrimaryColor": "#4C432E",
        "textAccentColor": "#AA9A73",
    }


@pytest.mark.parametrize(
    ("path", "word"),
    [
        ("/api/i8n", "Search"),
        ("/api/i8n/sv-SE", "Sök"),
        ("/api/i8n/de-AT", "Suche"),
        ("/api/i8n/de", "Suche"),
        ("/api/i8n/fr-FR", "Sök"),
        ("/api/i8n/nonsense", "Search"),
    ],
)
def test_words_come_in_the_language_asked_for_else_in_the_default_one(path: str, word: str) -> None:
    house = state()
    house.change_page(default_language="sv-SE")

    assert house.client().get(path).json["search.label"] == word


@pytest.mark.parametrize(
    ("what", "noun"),
    [("apps", "Application"), ("bookmarks", "Bookmark"), ("config", "Config"), ("theme", "Theme"), ("i8n", "I8n")],
)
def test_pings_answer_with_startpunkts_words(what: str, noun: str) -> None:
    answer = state().client().get(f"/api/{what}/ping")

    assert (answer.text, answer.mimetype) == (f"Pong from {noun} Resource", "text/plain")


@pytest.mark.parametrize(
    "path",
    ["apps", "apps/tools", "apps/media/nas", "bookmarks", "snapshot", "config", "theme", "i8n", "i8n/de", "apps/ping"],
)
def test_a_slash_at_the_end_means_nothing(path: str) -> None:
    client = state(application("Nas"), bookmark("News")).client()

    answer = client.get(f"/api/{path}/")

    assert (answer.status_code, answer.text) == (200, client.get(f"/api/{path}").text)


def test_a_list_in_a_query_may_be_repeated() -> None:
    client = state(
        application("Nas", tags="a"), application("Router", tags="b"), application("Printer", tags="c")
    ).client()

    found = client.get("/api/snapshot?tags=a&tags=b").json["applications"]

    assert [each["name"] for each in found] == ["Nas", "Router"]


def test_the_history_of_an_id_with_slashes_is_found() -> None:
    house = state()
    check = CheckResult(time=NOON, state="up", http_status=200, latency_ms=24)
    house.histories["local/ingress/test/nas"] = AvailabilityHistory(
        id="local/ingress/test/nas", health=Health(state="up"), checks=(check,)
    )

    answer = house.client().get("/api/availability/local/ingress/test/nas")

    assert answer.json == {
        "id": "local/ingress/test/nas",
        "health": {"state": "up"},
        "checks": [{"time": "2026-11-21T12:00:00Z", "state": "up", "httpStatus": 200, "latencyMs": 24}],
    }


@pytest.mark.parametrize("health", [Health(state="down", reason="answers 503"), None])
def test_the_history_of_an_application_that_nobody_checked_here_is_empty(health: Health | None) -> None:
    house = state(application("Nas", health=health))

    answer = house.client().get("/api/availability/local/ingress/test/nas")

    assert answer.status_code == 200
    assert answer.json == {
        "id": "local/ingress/test/nas",
        "health": {"state": "down", "reason": "answers 503"} if health else {"state": "unknown"},
        "checks": [],
    }


@pytest.mark.parametrize(
    "path", ["/api/availability/a/b/c/d", "/api/availability/local/bookmark/test/news", "/api/nothing", "/api"]
)
def test_what_is_not_there_is_a_problem(path: str) -> None:
    answer = state(bookmark("News")).client().get(path)

    assert (answer.status_code, answer.content_type) == (404, "application/problem+json")


def test_a_wrong_method_is_a_problem_that_says_the_right_ones() -> None:
    answer = state().client().post("/api/apps")

    assert answer.status_code == 405
    assert answer.content_type == "application/problem+json"
    assert "GET" in answer.headers["Allow"]


def test_a_defect_is_a_problem_without_its_inner_life() -> None:
    house = state()
    house.ready = None  # what should never be

    answer = house.client().get("/api/v1/health")

    assert (answer.status_code, answer.content_type) == (500, "application/problem+json")
    assert answer.json["detail"] == "portal has a defect here; its log says more"


def test_headers_say_how_far_the_synchronisation_is() -> None:
    headers = state().client().get("/api/snapshot").headers

    assert headers["X-Sync-Status"] == "completed"
    assert headers["X-Sync-Step"] == "done"
    assert headers["X-Sync-Progress"] == "2/2"
    assert headers["X-Sync-End-Time"] == "2026-11-21T12:00:00.000Z"
    assert headers["X-Sync-Duration"] == "5234ms"


def test_headers_follow_the_state() -> None:
    house = state()
    client = house.client()
    client.get("/api/snapshot")
    house.change_sync(
        structs.replace(SYNCED, status="failed", step="sync", error="no route\nto host", current_resource="Route")
    )

    headers = client.get("/api/apps").headers

    assert headers["X-Sync-Status"] == "failed"
    assert headers["X-Sync-Error"] == "no route to host"
    assert headers["X-Sync-Current-Resource"] == "Route"


@pytest.mark.parametrize(
    "path", ["/api", "/api/apps", "/api/config", "/api/nothing", "/api/docs", "/api/v1/health", "/api/updates/stream"]
)
def test_every_answer_under_api_carries_the_sync_headers(path: str) -> None:
    assert state().client().get(path).headers["X-Sync-Progress"] == "2/2"


def test_the_page_does_not_carry_the_sync_headers() -> None:
    assert "X-Sync-Status" not in state().client().get("/").headers


def test_the_catalog_is_refreshed_before_it_is_answered() -> None:
    house = state(application("Nas"))

    house.client().get("/api/apps")
    house.client().get("/api/snapshot")
    house.client().get("/")

    assert house.refreshed == 3


def test_a_resource_that_is_stale_says_since_when() -> None:
    house = state()
    stale = ResourceStatus(name="Ingress", status="stale", last_contact=NOON, stale_seconds=60)
    house.change_sync(structs.replace(SYNCED, resource_status=(stale,)))

    assert house.client().get("/api/v1/sync/status").json["resourceStatus"][0]["staleSeconds"] == 60
