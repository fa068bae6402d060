"""A saved snapshot: after `kill -9` the page is full at once, says that it is from before, and then is true."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.flow.portal import Portal, eventually
from tests.kube.scenario.client import INGRESSES, Scenario, ingress

ENGLISH = {"Accept-Language": "en-US"}
QUIET = {"availability": {"enabled": False}}
COUNT = 300
GONE, NEW, KEPT = (f"local/ingress/default/{name}" for name in ("app-0", "new", "app-1"))


@pytest.fixture
def scenario() -> Iterator[Scenario]:
    with Scenario() as server:
        fill(server)
        yield server


def fill(server: Scenario) -> None:
    for number in range(COUNT):
        server.put(ingress(f"app-{number}"))


@pytest.fixture(scope="module")
def left_behind(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return the file of a portal that was killed after it had saved its catalog."""
    folder = tmp_path_factory.mktemp("killed")
    with Scenario() as server:
        fill(server)
        prepare(folder, server)
        with again(folder) as portal:
            eventually((folder / "state" / "catalog.json").exists, 10)
            portal.stop(signal.SIGKILL)
    return (folder / "state" / "catalog.json").read_bytes()


@pytest.fixture
def killed(scenario: Scenario, left_behind: bytes, tmp_path: Path) -> Path:
    """Return a folder as the killed portal left it, for a cluster that holds the same."""
    prepare(tmp_path, scenario)
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "catalog.json").write_bytes(left_behind)
    return tmp_path


def prepare(folder: Path, server: Scenario) -> None:
    configuration = {"state": {"path": str(folder / "state")}, "ingress": {"onlyAnnotated": False}, **QUIET}
    (folder / "application.yaml").write_text(json.dumps({"startpunkt": configuration}), encoding="utf-8")
    server.kubeconfig(folder)


def again(folder: Path) -> Portal:
    """Return a portal on the same folders, with a log of its own."""
    (folder / "log").unlink(missing_ok=True)
    config, kubeconfig = str(folder / "application.yaml"), str(folder / "scenario.kubeconfig")
    return Portal(folder / "log", "serve", "--config", config, "--kubeconfig", kubeconfig)


def test_after_a_kill_the_page_is_full_at_once_and_then_true(scenario: Scenario, killed: Path) -> None:
    scenario.delete("app-0")
    scenario.put(ingress("new"))
    scenario.fault("list", {"wait": 2}, {"list": {}}, name=INGRESSES)

    with again(killed) as portal:
        served = time.monotonic()
        shown, page = portal.applications(), portal.get("/", **ENGLISH)[2]
        assert time.monotonic() - served < 1
        assert (len(shown), GONE in shown, NEW in shown) == (COUNT, True, False)
        assert page.count('data-id="local/ingress/') == COUNT
        assert "before the restart" in page
        assert portal.get("/readyz")[0] == 503

        eventually(lambda: NEW in portal.applications(), 8)
        assert GONE not in portal.applications()
        eventually(lambda: portal.get("/readyz")[0] == 200, 5)
        assert "before the restart" not in portal.get("/", **ENGLISH)[2]


def test_after_a_kill_the_page_is_full_although_the_api_server_is_away(scenario: Scenario, killed: Path) -> None:
    scenario.tell("down")

    with again(killed) as portal:
        status = eventually(lambda: failed(portal), 5)
        assert len(portal.applications()) == COUNT
        assert "before the restart" in portal.get("/", **ENGLISH)[2]
        assert status["error"].startswith("no connection")
        assert portal.resource_status("Ingress")["staleSeconds"] >= 0

        scenario.tell("up")
        eventually(lambda: "before the restart" not in portal.get("/", **ENGLISH)[2], 8)
        assert len(portal.applications()) == COUNT


def test_a_kind_that_is_refused_after_a_restart_keeps_its_entries_for_now(scenario: Scenario, killed: Path) -> None:
    refusal = {"kind": "Status", "code": 403, "reason": "Forbidden", "message": "ingresses are not for you"}
    scenario.fault("list", {"status": {"code": 403, "body": refusal}}, times=-1, name=INGRESSES)

    with again(killed) as portal:
        eventually(lambda: portal.get("/readyz")[0] == 200, 8)
        whole = eventually(lambda: completed(portal), 8)
        status, page = portal.resource_status("Ingress"), portal.get("/", **ENGLISH)[2]

        assert (status["status"], status["error"]) == ("forbidden", refusal["message"])
        assert "count" not in status
        assert len(portal.applications()) == COUNT
        assert whole["restored"] == status["lastContact"]
        assert "before the restart" in page
        assert refusal["message"] in page


def test_namespaces_that_are_refused_after_a_restart_take_nothing_away_for_now(
    scenario: Scenario, killed: Path
) -> None:
    selector = {"any": False, "labelSelector": {"matchLabels": {"start-page": "yes"}}}
    configuration = {"state": {"path": str(killed / "state")}, "namespaceSelector": selector, **QUIET}
    (killed / "application.yaml").write_text(json.dumps({"startpunkt": configuration}), encoding="utf-8")
    file = killed / "state" / "catalog.json"
    file.write_text(file.read_text(encoding="utf-8").replace('"local/ingress":', '"local/ingress/default":'))
    scenario.fault("list", {"status": {"code": 403, "body": {"kind": "Status", "code": 403}}}, times=-1)

    with again(killed) as portal:
        eventually(lambda: portal.get("/readyz")[0] == 200, 8)

        assert portal.resource_status("Namespace")["status"] == "forbidden"
        assert len(portal.applications()) == COUNT


def failed(portal: Portal) -> dict[str, Any]:
    status: dict[str, Any] = portal.json("/api/v1/sync/status")
    assert status["status"] == "failed", status
    return status


def completed(portal: Portal) -> dict[str, Any]:
    status: dict[str, Any] = portal.json("/api/v1/sync/status")
    assert status["status"] == "completed", status
    return status


def test_entries_of_a_source_that_is_no_longer_enabled_do_not_come_back(scenario: Scenario, killed: Path) -> None:
    configuration = {"state": {"path": str(killed / "state")}, "ingress": {"enabled": False}, **QUIET}
    (killed / "application.yaml").write_text(json.dumps({"startpunkt": configuration}), encoding="utf-8")

    with again(killed) as portal:
        eventually(lambda: portal.get("/readyz")[0] == 200, 8)
        assert portal.applications() == {}
        assert "dropped_scopes=1" in portal.log()


def test_a_truncated_file_costs_one_warning(scenario: Scenario, killed: Path) -> None:
    file = killed / "state" / "catalog.json"
    file.write_bytes(file.read_bytes()[:1000])

    with again(killed) as portal:
        eventually(lambda: KEPT in portal.applications(), 8)
        assert portal.log().count("WARNING") == 1
        assert "Set the saved catalog aside and start empty" in portal.log()


def test_a_portal_that_stops_saves_what_it_knows(scenario: Scenario, killed: Path) -> None:
    with again(killed) as portal:
        eventually(lambda: portal.get("/readyz")[0] == 200, 8)
        scenario.put(ingress("last"))
        eventually(lambda: "local/ingress/default/last" in portal.applications(), 5)

    saved = json.loads((killed / "state" / "catalog.json").read_bytes())
    names = {each["resourceName"] for each in saved["scopes"]["local/ingress"]["applications"]}
    assert "last" in names
