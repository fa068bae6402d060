"""`watch.enabled: false`: listed when somebody asks, once for all who ask, served on when the API server is away."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.flow.portal import Portal, Stream, eventually
from tests.kube.scenario.client import INGRESSES, Scenario, ingress

TTL = 2.0
CONFIGURATION = """
startpunkt:
  watch: {enabled: %s, client: {qps: 200, burst: 200}}
  cache: {ttl: %s}
  ingress: {onlyAnnotated: false}
  availability: {enabled: false}
"""
APPLICATIONS = "applications.startpunkt.ullberg.us"
BOOKMARKS = "bookmarks.startpunkt.ullberg.us"
GATEWAYS = "gateways.gateway.networking.k8s.io"
EDGE = "local/application/default/edge"
URL_FROM = {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway", "name": "edge", "property": "spec.address"}
BEHIND_A_GATEWAY = {
    "metadata": {"name": "edge", "namespace": "default"},
    "spec": {"name": "Edge", "urlFrom": URL_FROM},
}
MEDIA = "local/ingress/default/media"


@pytest.fixture
def scenario() -> Iterator[Scenario]:
    with Scenario() as server:
        server.put(ingress("media"))
        server.put(
            {
                "metadata": {"name": "docs", "namespace": "default"},
                "spec": {"name": "Docs", "url": "https://docs.test"},
            },
            BOOKMARKS,
        )
        yield server


def portal_on(scenario: Scenario, folder: Path, *, watching: bool, ttl: float = TTL) -> Portal:
    folder.mkdir(exist_ok=True)
    (folder / "application.yaml").write_text(CONFIGURATION % (str(watching).lower(), ttl), encoding="utf-8")
    config, kubeconfig = str(folder / "application.yaml"), str(scenario.kubeconfig(folder))
    return Portal(folder / "log", "serve", "--config", config, "--kubeconfig", kubeconfig)


def lists(scenario: Scenario) -> list[dict[str, Any]]:
    return [each for each in scenario.tell("requests") if each["verb"] == "list"]


def ask_together(portal: Portal, count: int) -> Counter[int]:
    """Return the statuses of that many requests sent at the same time."""
    statuses: Counter[int] = Counter()

    def ask() -> None:
        statuses[portal.get("/api/apps")[0]] += 1

    threads = [threading.Thread(target=ask) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return statuses


def test_two_hundred_requests_at_once_cause_one_list_per_source_and_ttl(scenario: Scenario, tmp_path: Path) -> None:
    scenario.fault("list", {"wait": 0.7}, {"list": {}}, times=8)

    with portal_on(scenario, tmp_path, watching=False, ttl=60) as portal:
        assert portal.get("/readyz")[0] == 200
        first = ask_together(portal, 200)
        second = ask_together(portal, 200)

    asked = Counter(each["name"] for each in lists(scenario))
    assert (first, second) == (Counter({200: 200}), Counter({200: 200}))
    assert (len(asked), set(asked.values())) == (8, {1})
    assert [each for each in scenario.tell("requests") if each["verb"] == "watch"] == []


def test_changes_between_two_listings_are_told_to_those_who_only_listen(scenario: Scenario, tmp_path: Path) -> None:
    with portal_on(scenario, tmp_path, watching=False, ttl=1) as portal:
        eventually(lambda: MEDIA in portal.applications(), 5)
        stream = Stream(portal)

        scenario.put(ingress("new"))
        scenario.delete("media")

        stream.wait("APPLICATION_ADDED", "local/ingress/default/new", 5)
        stream.wait("APPLICATION_REMOVED", MEDIA, 5)
        assert "Ingress ADDED: default/new" in portal.log()

    times = [each["time"] for each in lists(scenario) if each["name"] == INGRESSES]
    assert min(later - earlier for earlier, later in pairwise(times)) >= 1


def gateway(address: str) -> dict[str, Any]:
    return {"metadata": {"name": "edge", "namespace": "default"}, "spec": {"address": address}}


def test_what_an_entry_depends_on_is_listed_too_and_not_watched(scenario: Scenario, tmp_path: Path) -> None:
    scenario.put(BEHIND_A_GATEWAY, APPLICATIONS)
    scenario.put(gateway("https://one.test"), GATEWAYS)

    with portal_on(scenario, tmp_path, watching=False, ttl=1) as portal:
        eventually(lambda: portal.applications()[EDGE]["url"] == "https://one.test", 5)
        scenario.put(gateway("https://two.test"), GATEWAYS)
        eventually(lambda: portal.applications()[EDGE]["url"] == "https://two.test", 5)
        scenario.delete("edge", name=APPLICATIONS)
        eventually(lambda: EDGE not in portal.applications(), 5)

    assert [each for each in scenario.tell("requests") if each["verb"] == "watch"] == []
    times = [each["time"] for each in lists(scenario) if each["name"] == GATEWAYS]
    assert min(later - earlier for earlier, later in pairwise(times)) >= 1


def test_a_list_in_the_terminal_says_what_it_may_not_read_of_what_entries_depend_on(
    scenario: Scenario, tmp_path: Path
) -> None:
    scenario.put(BEHIND_A_GATEWAY, APPLICATIONS)
    scenario.fault("list", {"status": {"code": 403}}, times=-1, name=GATEWAYS)

    code, said = Portal(tmp_path / "log", "list", "--kubeconfig", str(scenario.kubeconfig(tmp_path))).run_once()

    assert (code, "Gateway could not be listed: " in said) == (0, True)


def test_an_api_server_that_is_away_costs_nothing_but_freshness(scenario: Scenario, tmp_path: Path) -> None:
    with portal_on(scenario, tmp_path, watching=False, ttl=1) as portal:
        eventually(lambda: MEDIA in portal.applications(), 5)

        scenario.tell("down")
        eventually(lambda: stale(portal), 5)
        assert MEDIA in portal.applications()
        assert portal.get("/readyz")[0] == 200
        eventually(lambda: stale(portal)["staleSeconds"] >= 2, 5)
        assert "Ingress" in portal.get("/", **{"Accept-Language": "en-US"})[2]

        scenario.tell("up")
        eventually(lambda: portal.applications() and portal.resource_status("Ingress")["status"] == "completed", 10)


def test_an_api_server_that_hangs_is_waited_for_once_and_not_for_long(scenario: Scenario, tmp_path: Path) -> None:
    with portal_on(scenario, tmp_path, watching=False, ttl=1) as portal:
        eventually(lambda: MEDIA in portal.applications(), 5)
        scenario.fault("list", "hang", times=-1, name=INGRESSES)

        began = time.monotonic()
        status = eventually(lambda: stale(portal), 10)
        waited = time.monotonic() - began
        again = time.monotonic()
        assert MEDIA in portal.applications()

        assert waited < 6
        assert time.monotonic() - again < 2.5  # the patience is 3 s
        assert status["error"] == "the API server has not answered for a while"


def test_a_wait_lasts_until_everything_was_listed(scenario: Scenario, tmp_path: Path) -> None:
    scenario.fault("list", {"wait": 8}, {"list": {}}, name=INGRESSES)

    with portal_on(scenario, tmp_path, watching=False) as portal:
        too_short, long_enough = (
            Portal(tmp_path / "wait", "wait", "--url", portal.url, "--timeout", timeout).run_once()
            for timeout in ("1s", "20s")
        )

    assert (too_short[0], "7 of 8 resources listed (Ingress in_progress)" in too_short[1]) == (1, True)
    assert long_enough == (0, "")


def stale(portal: Portal) -> dict[str, Any]:
    portal.get("/api/apps")
    status = portal.resource_status("Ingress")
    assert status["status"] == "stale", status
    return status


@pytest.mark.parametrize(
    "path", ["/api/apps", "/api/apps/docs", "/api/bookmarks", "/api/apps/default/other", "/api/theme"]
)
def test_the_answers_are_those_of_a_portal_that_watches(pair: tuple[Portal, Portal], path: str) -> None:
    watching, asking = pair

    first, second = watching.get(path), asking.get(path)

    assert (first[0], json.loads(first[2])) == (second[0], json.loads(second[2]))


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Portal, Portal]]:
    folder = tmp_path_factory.mktemp("pair")
    with Scenario() as server:
        server.put(ingress("media", annotations={"startpunkt.ullberg.us/tags": "docs"}))
        server.put(ingress("other"))
        spec = {"name": "Docs", "url": "https://docs.test"}
        server.put({"metadata": {"name": "docs", "namespace": "default"}, "spec": spec}, BOOKMARKS)
        with (
            portal_on(server, folder / "watching", watching=True) as watching,
            portal_on(server, folder / "asking", watching=False) as asking,
        ):
            eventually(lambda: watching.get("/readyz")[0] == 200, 10)
            eventually(lambda: "local/ingress/default/other" in asking.applications(), 10)
            yield watching, asking
