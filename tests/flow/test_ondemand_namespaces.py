"""Without watches, in the namespaces of a label: they are listed when somebody asks, and their sources after them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.running import portal as portal_command
from tests.cluster.control_plane import ControlPlane
from tests.flow.portal import Portal, Stream, eventually

CONFIGURATION = """
startpunkt:
  watch: {enabled: false, client: {qps: 200, burst: 200}}
  cache: {ttl: 1s}
  namespaceSelector: {any: false, labelSelector: {matchLabels: {asked: "yes"}}}
  ingress: {onlyAnnotated: false}
  availability: {enabled: false}
"""
INGRESS = """
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: shop, namespace: asked}
spec:
  rules: [{host: shop.example.com}]
"""
SHOP = "local/ingress/asked/shop"


@pytest.fixture(scope="module")
def filled(control_plane: ControlPlane) -> Iterator[ControlPlane]:
    """Return a control plane with an Ingress in a namespace; nothing there ends a namespace that is deleted."""
    control_plane.kubectl("create", "namespace", "asked")
    control_plane.kubectl("apply", "-f", "-", stdin=INGRESS)
    yield control_plane
    control_plane.kubectl("delete", "ingress", "shop", "-n", "asked")
    control_plane.kubectl("delete", "namespace", "asked", "--wait=false")


@pytest.fixture
def plane(filled: ControlPlane) -> ControlPlane:
    """Return that control plane, with the namespace without the label."""
    filled.kubectl("label", "namespace", "asked", "asked-")
    return filled


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "application.yaml"
    path.write_text(CONFIGURATION, encoding="utf-8")
    return path


def resources(portal: Portal) -> dict[str, str]:
    return {each["name"]: each["status"] for each in portal.json("/api/v1/sync/status")["resourceStatus"]}


def test_namespaces_come_and_go_with_their_labels_at_the_next_listing(
    plane: ControlPlane, file: Path, tmp_path: Path
) -> None:
    with Portal(tmp_path / "log", "serve", "--config", str(file), "--kubeconfig", str(plane.admin)) as portal:
        stream = Stream(portal)
        assert portal.get("/readyz")[0] == 200
        eventually(lambda: resources(portal) == {"Namespace": "completed"})
        assert portal.applications() == {}

        plane.kubectl("label", "namespace", "asked", "asked=yes")
        assert stream.wait("APPLICATION_ADDED", SHOP)["url"] == "http://shop.example.com"
        assert SHOP in portal.applications()
        assert resources(portal)["Ingress in asked"] == "completed"

        plane.kubectl("label", "namespace", "asked", "asked-")
        stream.wait("APPLICATION_REMOVED", SHOP)
        eventually(lambda: resources(portal) == {"Namespace": "completed"})
        assert portal.applications() == {}


def test_listing_once_lists_the_namespaces_first(plane: ControlPlane, file: Path) -> None:
    arguments = ("list", "-o", "json", "--config", str(file), "--kubeconfig", str(plane.admin))
    without = portal_command(*arguments)

    plane.kubectl("label", "namespace", "asked", "asked=yes")
    with_label = portal_command(*arguments)

    assert (without.code, json.loads(without.out)["applications"]) == (0, [])
    assert [each["id"] for each in json.loads(with_label.out)["applications"]] == [SHOP]
