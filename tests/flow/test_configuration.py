"""The configuration while portal runs: reloaded, refused when it is wrong, and namespaces that come and go by label."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.control_plane import ControlPlane
from tests.flow.portal import Portal, Stream, eventually
from tests.kube.scenario.client import Scenario, ingress

LABELLED = """
startpunkt:
  namespaceSelector: {any: false, labelSelector: {matchLabels: {start-page: "yes"}}}
  ingress: {onlyAnnotated: false}
  availability: {enabled: false}
"""
INGRESS = """
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: shop, namespace: labelled}
spec:
  rules: [{host: shop.example.com}]
"""
SHOP = "local/ingress/labelled/shop"


@pytest.fixture
def namespace(control_plane: ControlPlane) -> Iterator[str]:
    control_plane.kubectl("create", "namespace", "labelled")
    control_plane.kubectl("apply", "-f", "-", stdin=INGRESS)
    yield "labelled"
    control_plane.kubectl("delete", "ingress", "shop", "-n", "labelled")
    control_plane.kubectl("delete", "namespace", "labelled", "--wait=false")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "application.yaml"
    path.write_text(LABELLED, encoding="utf-8")
    return path


@pytest.fixture
def portal(control_plane: ControlPlane, namespace: str, file: Path, tmp_path: Path) -> Iterator[Portal]:
    arguments = ("serve", "--config", str(file), "--kubeconfig", str(control_plane.admin))
    with Portal(tmp_path / "log", *arguments) as running:
        eventually(lambda: running.get("/readyz")[0] == 200, 30)
        yield running


def test_namespaces_come_and_go_with_their_labels_and_the_file_is_reloaded(
    control_plane: ControlPlane, portal: Portal, file: Path
) -> None:
    stream = Stream(portal)
    assert portal.get("/api/apps")[0] == 404

    control_plane.kubectl("label", "namespace", "labelled", "start-page=yes")
    assert stream.wait("APPLICATION_ADDED", SHOP, 20)["url"] == "http://shop.example.com"
    control_plane.kubectl("label", "namespace", "labelled", "start-page-")
    stream.wait("APPLICATION_REMOVED", SHOP, 20)

    file.write_text(LABELLED.replace('any: false, labelSelector: {matchLabels: {start-page: "yes"}}', "any: true"))
    assert eventually(lambda: stream.of_type("CONFIG_CHANGED")[0]["data"]) == {"configVersion": 2}
    eventually(lambda: SHOP in portal.applications(), 20)

    file.write_text("startpunkt: {web: {titel: Ours}}")
    eventually(lambda: len(stream.of_type("CONFIG_CHANGED")) == 2)
    assert f'{file}:1:20: web.titel: unknown key (did you mean "title"?)' in portal.log()
    assert "web.titel" in portal.get("/")[2]
    assert 'portal_config_reloads_total{result="refused"} 1.0' in portal.get("/metrics")[2]

    file.write_text("startpunkt: {web: {title: Ours}, ingress: {onlyAnnotated: true}}")
    eventually(lambda: "<title>Ours</title>" in portal.get("/")[2])
    assert "web.titel" not in portal.get("/")[2]
    eventually(lambda: SHOP not in portal.applications())


def test_a_reload_while_the_api_server_is_away_makes_nothing_younger(file: Path, tmp_path: Path) -> None:
    with Scenario() as server:
        server.put(ingress("shop"))
        file.write_text("startpunkt: {ingress: {onlyAnnotated: false}, availability: {enabled: false}}")
        with Portal(
            tmp_path / "log", "serve", "--config", str(file), "--kubeconfig", str(server.kubeconfig(tmp_path))
        ) as portal:
            eventually(lambda: portal.get("/readyz")[0] == 200, 30)
            server.tell("down")
            before = eventually(lambda: stale(portal)["lastContact"], 20)

            file.write_text("startpunkt: {ingress: {onlyAnnotated: true}, availability: {enabled: false}}")
            eventually(lambda: portal.log().count("Starting watch for Ingress") == 2, 20)
            status = eventually(lambda: stale(portal), 20)

            assert status["staleSeconds"] >= 0
            younger = datetime.fromisoformat(status["lastContact"]) - datetime.fromisoformat(before)
            assert younger < timedelta(seconds=0.1)


def stale(portal: Portal) -> dict[str, Any]:
    status = portal.resource_status("Ingress")
    assert status["status"] == "stale", status
    return status
