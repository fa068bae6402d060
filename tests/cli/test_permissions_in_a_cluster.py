"""A real API server grants what `portal rbac` asks for, and refuses what lies beside it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from portal.cli.permissions import Names, document
from portal.settings.loading import load
from portal.settings.tree import Settings
from portal.sources import SOURCES
from tests.cluster.control_plane import ControlPlane, KubectlError

EVERYWHERE = Names("rights-everywhere", "everywhere", "default")
SELECTED = Names("rights-selected", "selected", "default")


@pytest.fixture(scope="module")
def plane(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """Return the control plane with the rights of two service accounts applied."""
    file = tmp_path_factory.mktemp("rights") / "application.yaml"
    file.write_text(
        "startpunkt: {broker: {url: redis://valkey}, namespaceSelector: {any: false, matchNames: [kube-public]}}",
        encoding="utf-8",
    )
    settings = load(Path(file), {}).settings
    manifests = document(Settings(), SOURCES, EVERYWHERE) + "---\n" + document(settings, SOURCES, SELECTED)
    control_plane.kubectl("apply", "-f", "-", stdin=manifests)
    yield control_plane
    control_plane.kubectl("delete", "-f", "-", stdin=manifests)


def may(plane: ControlPlane, account: str, verb: str, resource: str, namespace: str) -> bool:
    scope = ["--namespace", namespace] if namespace else ["--all-namespaces"]
    user = f"system:serviceaccount:default:{account}"
    try:
        return plane.kubectl("auth", "can-i", verb, resource, *scope, "--as", user).strip() == "yes"
    except KubectlError:
        return False


@pytest.mark.parametrize(
    ("account", "verb", "resource", "namespace"),
    [
        ("everywhere", "list", "ingresses.networking.k8s.io", ""),
        ("everywhere", "watch", "bookmarks.hajimari.io", ""),
        ("everywhere", "watch", "httproutes.gateway.networking.k8s.io", ""),
        ("selected", "list", "ingresses.networking.k8s.io", "kube-public"),
        ("selected", "update", "leases.coordination.k8s.io", "default"),
    ],
)
def test_what_is_needed_is_granted(plane: ControlPlane, account: str, verb: str, resource: str, namespace: str) -> None:
    assert may(plane, account, verb, resource, namespace)


@pytest.mark.parametrize(
    ("account", "verb", "resource", "namespace"),
    [
        ("everywhere", "get", "secrets", ""),
        ("everywhere", "delete", "bookmarks.hajimari.io", ""),
        ("everywhere", "get", "leases.coordination.k8s.io", "default"),
        ("selected", "list", "ingresses.networking.k8s.io", "default"),
        ("selected", "list", "ingresses.networking.k8s.io", ""),
    ],
)
def test_what_is_not_needed_is_refused(
    plane: ControlPlane, account: str, verb: str, resource: str, namespace: str
) -> None:
    assert not may(plane, account, verb, resource, namespace)
