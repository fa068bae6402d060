"""What comes over the wire, from a server that misbehaves on purpose."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from portal.kube import errors
from portal.kube.client import Api, connect
from portal.kube.discovery import Discovery
from portal.kube.doors import HttpListWatch, VersionedListWatch
from portal.kube.errors import KubeError
from portal.kube.resources import Resource
from portal.sources.ingress import INGRESS, Ingress
from tests.kube.scenario.client import Scenario, ingress

V1 = INGRESS.resources[0]
V2 = Resource("networking.k8s.io", "v2", "ingresses", "Ingress")
UNKNOWN = Resource("example.test", "v1", "things", "Thing")
EXPIRED = {"kind": "Status", "status": "Failure", "reason": "Expired", "code": 410, "message": "too old"}


@pytest.fixture(scope="module")
def scenario() -> Iterator[Scenario]:
    with Scenario() as running:
        yield running


@pytest.fixture
def api(scenario: Scenario, tmp_path: Path) -> Api:
    scenario.tell("honest")
    return connect(str(scenario.kubeconfig(tmp_path)), tick=0.05)


def names(door: Any, **query: Any) -> list[str]:
    return [each.metadata.name for each in door.list(**{"limit": 500, "continue_token": ""} | query).objects]


def watched(door: Any, version: str, events: int) -> list[tuple[str, str]]:
    """Return so many events from a watch."""
    stream = door.watch(resource_version=version, timeout_seconds=60)
    found: list[tuple[str, str]] = []
    for batch in stream:
        found += [(event.type, event.object.metadata.name) for event in batch]
        if len(found) >= events:
            break
    stream.close()
    return found


def test_a_list_comes_in_pages(scenario: Scenario, api: Api) -> None:
    [scenario.put(ingress(name, namespace="paged")) for name in "abc"]
    door = HttpListWatch(api, V1, Ingress, "paged")

    first = door.list(limit=2, continue_token="")
    second = door.list(limit=2, continue_token=first.continue_token)

    assert [each.metadata.name for page in (first, second) for each in page.objects] == ["a", "b", "c"]
    assert first.resource_version == second.resource_version
    assert second.continue_token == ""


def test_one_object_can_be_selected_by_name(scenario: Scenario, api: Api) -> None:
    [scenario.put(ingress(name, namespace="chosen")) for name in "abc"]

    assert names(HttpListWatch(api, V1, Ingress, "chosen", field_selector="metadata.name=b")) == ["b"]


@pytest.mark.parametrize(
    "step",
    [
        {"serve": {}},
        {"serve": {"merge": True}},
        {"serve": {"slice_bytes": 1}},
        {"serve": {"newline": "\r\n"}},
        "gzip",
    ],
    ids=str,
)
def test_a_watch_is_read_however_it_is_cut(scenario: Scenario, api: Api, step: object) -> None:
    before = scenario.tell("version")
    [scenario.put(ingress(name, host=f"bücher-{before}.test", namespace="cut")) for name in "xyz"]
    scenario.fault("watch", *([step, "hang"] if step == "gzip" else [step]))

    found = watched(HttpListWatch(api, V1, Ingress, "cut"), str(before), 3)

    assert [name for _, name in found] == ["x", "y", "z"]


def test_silence_is_told_bit_by_bit(scenario: Scenario, api: Api) -> None:
    scenario.fault("watch", "open", "hang")
    stream = HttpListWatch(api, V1, Ingress).watch(resource_version="1", timeout_seconds=60)

    batches = iter(stream)

    assert [list(next(batches)) for _ in range(3)] == [[], [], []]
    stream.close()


def test_a_watch_goes_on_after_silence(scenario: Scenario, api: Api) -> None:
    version = scenario.put(ingress("quiet", namespace="late"))
    scenario.fault("watch", "open", {"wait": 0.2}, "serve")
    scenario.put(ingress("loud", namespace="late"))

    assert watched(HttpListWatch(api, V1, Ingress, "late"), version, 1) == [("ADDED", "loud")]


@pytest.mark.parametrize(
    ("steps", "kind"),
    [
        ([{"text": '{"type":"ADDED"'}, "finish"], errors.Truncated),
        ([{"bytes": "MWY="}, "close"], errors.ConnectionLost),
        (["reset"], errors.ConnectionLost),
        (["close"], errors.Truncated),
        ([{"text": "garbage\n"}, "hang"], errors.Malformed),
        ([{"bytes": "enp6DQo="}, "hang"], errors.Malformed),
        ([{"event": {"type": "ERROR", "object": EXPIRED}}, "hang"], errors.Expired),
    ],
    ids=str,
)
def test_each_bad_end_of_a_watch_has_its_name(
    scenario: Scenario, api: Api, steps: list[object], kind: type[KubeError]
) -> None:
    scenario.fault("watch", "open", *steps)

    with pytest.raises(kind):
        list(HttpListWatch(api, V1, Ingress).watch(resource_version="1", timeout_seconds=60))


def test_an_orderly_end_of_a_watch_is_just_the_end(scenario: Scenario, api: Api) -> None:
    scenario.fault("watch", "open", "finish")

    assert list(HttpListWatch(api, V1, Ingress).watch(resource_version="1", timeout_seconds=60)) in ([], [()])


@pytest.mark.parametrize(
    ("answer", "kind", "wait"),
    [
        ({"code": 410, "body": EXPIRED}, errors.Expired, 0),
        (
            {"code": 429, "type": "text/plain", "body": "Too many requests\n", "headers": {"Retry-After": 3}},
            errors.TooManyRequests,
            3,
        ),
        ({"code": 503, "type": "text/html", "body": "<h1>no server</h1>"}, errors.Unavailable, 0),
        ({"code": 503, "body": {"details": {"retryAfterSeconds": 5}}}, errors.Unavailable, 5),
        (
            {"code": 504, "body": {"message": "Too large resource version: 5, current: 1"}},
            errors.TooLargeResourceVersion,
            0,
        ),
        ({"code": 404, "type": "text/plain", "body": "404 page not found\n"}, errors.NotFound, 0),
        ({"code": 403, "body": {"code": 403, "reason": "Forbidden"}}, errors.Forbidden, 0),
        ({"code": 422, "body": {"reason": "Invalid"}}, errors.InvalidRequest, 0),
        ({"code": 501, "body": ""}, errors.InternalError, 0),
        ({"code": 418, "body": ""}, errors.Unexpected, 0),
        ({"code": 200, "type": "text/html", "body": "<html>Please log in</html>"}, errors.Malformed, 0),
    ],
    ids=lambda value: str(value)[:40],
)
def test_each_answer_has_its_name(
    scenario: Scenario, api: Api, answer: dict[str, Any], kind: type[KubeError], wait: float
) -> None:
    scenario.fault("any", {"status": answer}, times=2)
    door = HttpListWatch(api, V1, Ingress)

    with pytest.raises(KubeError) as listing:
        door.list(limit=500, continue_token="")
    with pytest.raises(KubeError) as watching:
        door.watch(resource_version="1", timeout_seconds=60)

    assert (type(listing.value), type(watching.value)) == (kind, kind)
    assert (listing.value.retry_after, watching.value.retry_after) == (wait, wait)


def test_a_list_that_is_cut_short_is_not_taken_for_whole(scenario: Scenario, api: Api) -> None:
    scenario.put(ingress("cut-short"))
    scenario.fault("list", {"list": {"cut": 0.5}}, "close")

    with pytest.raises(errors.ConnectionLost):
        HttpListWatch(api, V1, Ingress).list(limit=500, continue_token="")


def test_a_list_whose_page_leads_to_itself_has_no_end(scenario: Scenario, api: Api) -> None:
    [scenario.put(ingress(name, namespace="circle")) for name in "abc"]
    door = HttpListWatch(api, V1, Ingress, "circle")
    first = door.list(limit=2, continue_token="")
    scenario.fault("list", {"list": {"metadata": {"continue": first.continue_token}}})

    with pytest.raises(errors.Malformed, match="a page leads to itself"):
        door.list(limit=2, continue_token=first.continue_token)


def test_nobody_listening_is_unreachable(tmp_path: Path, scenario: Scenario) -> None:
    api = connect(str(scenario.kubeconfig(tmp_path, url="http://127.0.0.1:9")))

    with pytest.raises(errors.Unreachable, match="Connection refused"):
        api.get("/version")
    with pytest.raises(errors.Unreachable):
        api.probe()


def test_a_token_that_rotated_is_read_again_at_once(scenario: Scenario, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("old")
    scenario.tell("set", token="new")
    api = connect(str(scenario.kubeconfig(tmp_path, token)))
    token.write_text("new")

    assert b"IngressList" in api.get(V1.path())
    scenario.tell("set", token="")


def test_a_token_that_is_not_good_is_said(scenario: Scenario, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("old")
    scenario.tell("set", token="new")
    api = connect(str(scenario.kubeconfig(tmp_path, token)))

    with pytest.raises(errors.Unauthorized):
        api.get(V1.path())
    scenario.tell("set", token="")


def test_a_server_that_is_there_is_found_by_a_probe(api: Api) -> None:
    assert api.probe() == 200


def test_the_version_that_is_served_is_found(scenario: Scenario, api: Api) -> None:
    scenario.put(ingress("versioned", namespace="versions"))
    door = VersionedListWatch(api, Discovery(api), (V2, V1), Ingress, "versions")

    assert names(door) == ["versioned"]
    assert door.resource == V1


def test_what_no_version_of_is_served_is_not_found(api: Api) -> None:
    other = Resource("example.test", "v2", "things", "Thing")

    with pytest.raises(errors.NotFound):
        VersionedListWatch(api, Discovery(api), (UNKNOWN, other), Ingress).list(limit=500, continue_token="")


def test_the_preferred_version_is_not_asked_about(scenario: Scenario, api: Api) -> None:
    before = len(scenario.tell("requests"))

    VersionedListWatch(api, Discovery(api), INGRESS.resources, Ingress).list(limit=500, continue_token="")

    assert [request["verb"] for request in scenario.tell("requests")[before:]] == ["list"]


def test_several_sources_ask_about_a_group_once(scenario: Scenario, api: Api) -> None:
    discovery = Discovery(api)
    before = len(scenario.tell("requests"))

    found = [discovery.serving((V2, V1)) for _ in range(3)]

    assert found == [V1, V1, V1]
    assert len(scenario.tell("requests")) - before == 2


def test_where_discovery_is_refused_the_preferred_version_is_taken(scenario: Scenario, api: Api) -> None:
    scenario.fault("other", {"status": {"code": 403, "body": {"reason": "Forbidden", "code": 403}}})

    assert Discovery(api).serving((V2, V1)) == V2


def test_a_group_that_is_not_there_is_served_in_no_version(api: Api) -> None:
    assert Discovery(api).serving((UNKNOWN,)) is None


def test_the_core_group_is_always_there(api: Api) -> None:
    pods = Resource("", "v1", "pods", "Pod")

    assert Discovery(api).serving((pods,)) == pods
