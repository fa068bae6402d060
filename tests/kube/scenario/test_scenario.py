"""The scenario server behaves as the real API server was seen to, where nothing else was queued."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import urllib3

from tests.kube.scenario.client import INGRESSES, Scenario, ingress

if TYPE_CHECKING:
    from collections.abc import Iterator

PATH = "/apis/networking.k8s.io/v1/ingresses"


@pytest.fixture(scope="module")
def started() -> Iterator[Scenario]:
    with Scenario() as scenario:
        yield scenario


@pytest.fixture
def scenario(started: Scenario) -> Scenario:
    """Return the running server with no objects, no faults, and a clock that is turned."""
    started.tell("honest")
    started.tell("set", second=0.01, marks=60.0)
    started.tell("restore", name=INGRESSES, items=[], version=100)
    return started


def get(scenario: Scenario, query: str = "", path: str = PATH) -> tuple[int, Any]:
    answer = urllib3.request("GET", f"{scenario.url}{path}?{query}", retries=False, timeout=10)
    body = answer.data.decode()
    return answer.status, json.loads(body) if body.startswith("{") and "\n" not in body else body


def put_all(scenario: Scenario, *names: str) -> None:
    for name in names:
        scenario.put(ingress(name))


def watch(scenario: Scenario, query: str) -> list[tuple[str, str, str]]:
    """Return what a watch of five turned seconds says: type, name and resourceVersion of each event."""
    body = urllib3.request("GET", f"{scenario.url}{PATH}?watch=1&timeoutSeconds=5&{query}", retries=False).data
    events = [json.loads(line) for line in body.splitlines()]
    described = ((event["type"], event["object"]["metadata"]) for event in events)
    return [(kind, metadata.get("name", ""), metadata.get("resourceVersion", "")) for kind, metadata in described]


def test_pages_are_all_of_one_moment(scenario: Scenario) -> None:
    put_all(scenario, "a", "b", "c")
    _, first = get(scenario, "limit=2")
    scenario.put(ingress("d"))
    _, second = get(scenario, f"limit=2&continue={first['metadata']['continue']}")

    assert first["metadata"]["resourceVersion"] == second["metadata"]["resourceVersion"] == "103"
    assert [item["metadata"]["name"] for item in second["items"]] == ["c"]
    assert "kind" not in first["items"][0]


def test_a_continue_token_expires_with_compaction(scenario: Scenario) -> None:
    put_all(scenario, "a", "b", "c")
    _, first = get(scenario, "limit=2")
    scenario.tell("compact", name=INGRESSES)

    code, status = get(scenario, f"limit=2&continue={first['metadata']['continue']}")

    assert (code, status["reason"]) == (410, "Expired")
    assert status["metadata"]["continue"]


def test_a_version_beside_a_continue_token_is_a_bad_request(scenario: Scenario) -> None:
    assert get(scenario, "limit=2&continue=e30%3D&resourceVersion=3")[0] == 400


def test_a_watch_tells_what_came_after_its_version(scenario: Scenario) -> None:
    scenario.put(ingress("a"))
    scenario.put(ingress("b"))
    scenario.put(ingress("b", host="other"))
    scenario.delete("a")

    told = watch(scenario, "resourceVersion=101")

    assert told == [("ADDED", "b", "102"), ("MODIFIED", "b", "103"), ("DELETED", "a", "104")]


def test_leaving_a_selection_is_a_deletion(scenario: Scenario) -> None:
    scenario.put(ingress("a", labels={"show": "yes"}))
    scenario.put(ingress("a", labels={"show": "no"}))

    assert watch(scenario, "resourceVersion=101&labelSelector=show%3Dyes") == [("DELETED", "a", "102")]


def test_a_watch_from_before_the_compaction_is_told_so_in_the_stream(scenario: Scenario) -> None:
    scenario.put(ingress("a"))
    scenario.put(ingress("b"))
    scenario.tell("compact", name=INGRESSES)

    assert watch(scenario, "resourceVersion=101") == [("ERROR", "", "")]


def test_a_watch_from_the_future_is_silent(scenario: Scenario) -> None:
    scenario.tell("set", marks=1.0)
    scenario.put(ingress("a"))

    assert watch(scenario, "resourceVersion=9999&allowWatchBookmarks=true") == []


def test_progress_marks_come_to_who_asks(scenario: Scenario) -> None:
    scenario.tell("set", marks=2.0)
    scenario.put(ingress("a"))

    assert watch(scenario, "resourceVersion=101&allowWatchBookmarks=true") == [("BOOKMARK", "", "101")] * 2


def test_an_identical_write_changes_nothing(scenario: Scenario) -> None:
    assert scenario.put(ingress("a")) == scenario.put(ingress("a")) == "101"


def test_unknown_resources_are_text_not_json(scenario: Scenario) -> None:
    assert get(scenario, path="/apis/nowhere.example/v1/things") == (404, "404 page not found\n")


def test_discovery_names_groups_versions_and_resources(scenario: Scenario) -> None:
    _, groups = get(scenario, path="/apis")
    _, resources = get(scenario, path="/apis/networking.k8s.io/v1")

    assert {"name", "versions", "preferredVersion"} <= set(groups["groups"][0])
    assert [resource["name"] for resource in resources["resources"]] == ["ingresses"]


def test_a_removed_definition_deletes_its_objects_and_is_not_found(scenario: Scenario) -> None:
    scenario.put(ingress("a"))
    scenario.tell("remove", name=INGRESSES)
    code, _ = get(scenario)
    scenario.tell("serve", name=INGRESSES)

    assert code == 404
    assert watch(scenario, "resourceVersion=101") == [("DELETED", "a", "102")]


def test_every_request_is_remembered_with_its_query(scenario: Scenario) -> None:
    get(scenario, "limit=7")
    last = scenario.tell("requests")[-1]

    assert (last["verb"], last["name"], last["query"]) == ("list", INGRESSES, {"limit": "7"})


@pytest.mark.parametrize(
    ("steps", "error"),
    [
        (["reset"], urllib3.exceptions.ProtocolError),
        (["close"], urllib3.exceptions.ProtocolError),
        ([{"open": None}, {"text": "half"}, "close"], urllib3.exceptions.ProtocolError),
        ([{"open": None}, {"text": "half"}, "reset"], urllib3.exceptions.ProtocolError),
    ],
)
def test_a_queued_fault_is_done_once(scenario: Scenario, steps: list[Any], error: type[Exception]) -> None:
    scenario.fault("watch", *steps)
    with pytest.raises(error):
        watch(scenario, "resourceVersion=100")

    assert watch(scenario, "resourceVersion=100") == []
