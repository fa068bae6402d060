"""The CRDs, on a real API server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.cluster.control_plane import KubectlError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cluster.control_plane import ControlPlane

CRDS = Path(__file__).parents[2] / "config" / "crds"
VERSIONS = ["v1alpha1", "v1alpha2", "v1alpha3", "v1alpha4"]
FULL = {
    "name": "Synology",
    "group": "Infrastructure",
    "icon": "nas",
    "iconColor": "tomato",
    "url": "http://nas:5000/",
    "info": "Storage",
    "targetBlank": True,
    "location": -10,
    "enabled": False,
}
ADDED: dict[str, dict[str, Any]] = {
    "v1alpha1": {},
    "v1alpha2": {"rootPath": "/admin"},
    "v1alpha3": {"rootPath": "/admin", "tags": "admin,home"},
    "v1alpha4": {
        "rootPath": "/admin",
        "tags": "admin,home",
        "urlFrom": {
            "apiGroup": "apps",
            "apiVersion": "v1",
            "kind": "Service",
            "name": "web",
            "namespace": "default",
            "property": "spec.clusterIP",
            "urlTemplate": "https://{0}/",
        },
        "check": {
            "enabled": True,
            "url": "https://nas:5001/",
            "path": "/healthz",
            "status": "2xx",
            "interval": "5m",
            "insecure": True,
            "headersFrom": "token",
        },
    },
}
BOOKMARK = {key: FULL[key] for key in ("name", "group", "icon", "url", "info", "targetBlank", "location")}


@pytest.fixture(scope="module")
def cluster(control_plane: ControlPlane) -> Iterator[ControlPlane]:
    control_plane.apply_crds(CRDS)
    control_plane.kubectl("create", "namespace", "crds")
    yield control_plane
    kinds = "applications.startpunkt.ullberg.us,bookmarks.startpunkt.ullberg.us"
    control_plane.kubectl("delete", kinds, "--all", "--namespace=crds")


def apply(cluster: ControlPlane, kind: str, version: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    """Apply an object in a version and return its spec as it is stored."""
    document = {
        "apiVersion": f"startpunkt.ullberg.us/{version}",
        "kind": kind,
        "metadata": {"name": name, "namespace": "crds"},
        "spec": spec,
    }
    cluster.kubectl("apply", "--filename=-", stdin=json.dumps(document))
    plural = f"{kind.lower()}s.v1alpha4.startpunkt.ullberg.us"
    stored: dict[str, Any] = json.loads(cluster.kubectl("get", plural, name, "--namespace=crds", "--output=json"))
    return dict(stored["spec"])


@pytest.mark.parametrize("version", VERSIONS)
def test_an_application_of_every_version_is_stored_whole(cluster: ControlPlane, version: str) -> None:
    spec = FULL | ADDED[version]

    assert apply(cluster, "Application", version, f"app-{version}", spec) == spec


@pytest.mark.parametrize("version", VERSIONS)
def test_a_bookmark_of_every_version_is_stored_whole(cluster: ControlPlane, version: str) -> None:
    assert apply(cluster, "Bookmark", version, f"mark-{version}", BOOKMARK) == BOOKMARK


def test_the_newest_application_needs_a_name_alone(cluster: ControlPlane) -> None:
    assert apply(cluster, "Application", "v1alpha4", "least", {"name": "Least"}) == {"name": "Least"}


def test_a_field_of_the_wrong_type_is_refused(cluster: ControlPlane) -> None:
    with pytest.raises(KubectlError, match=r"spec\.location"):
        apply(cluster, "Application", "v1alpha4", "wrong", {"name": "Wrong", "location": "first"})


def test_kubectl_shows_what_the_page_shows(cluster: ControlPlane) -> None:
    apply(cluster, "Application", "v1alpha4", "shown", FULL)

    heading, row = cluster.kubectl(
        "get", "applications.startpunkt.ullberg.us", "shown", "--namespace=crds"
    ).splitlines()

    assert heading.split() == ["NAME", "TITLE", "GROUP", "URL", "ENABLED", "AGE"]
    assert row.split()[:5] == ["shown", "Synology", "Infrastructure", "http://nas:5000/", "false"]


@pytest.mark.parametrize("name", ["applications", "bookmarks"])
def test_all_versions_are_served_and_the_newest_is_stored(name: str) -> None:
    versions = yaml.safe_load((CRDS / f"{name}.yaml").read_text())["spec"]["versions"]

    assert [(each["name"], each["served"], each["storage"], each.get("deprecated", False)) for each in versions] == [
        ("v1alpha4", True, True, False),
        ("v1alpha3", True, False, True),
        ("v1alpha2", True, False, True),
        ("v1alpha1", True, False, True),
    ]
