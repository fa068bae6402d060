"""A real kube-apiserver, `portal serve`, kubectl and curl's view of the stream: what the whole is for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster.assets import Assets
from tests.cluster.control_plane import ControlPlane
from tests.flow.portal import ROOT, Portal, Stream, eventually

CASES: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "manifests.yaml").read_text(encoding="utf-8"))
CONFIGURATION = """
startpunkt:
  ingress: {onlyAnnotated: false}
  openshift: {onlyAnnotated: false}
  istio: {virtualservice: {onlyAnnotated: false}}
  gatewayapi: {httproute: {onlyAnnotated: false}}
  availability: {enabled: false}
"""


@pytest.fixture(scope="module")
def cluster(assets: Assets) -> Iterator[ControlPlane]:
    """Return a control plane of this module's own, because a test stops it."""
    with ControlPlane(assets) as plane:
        plane.apply_crds()
        plane.apply_crds(*(ROOT / "config" / "crds").glob("*.yaml"))
        yield plane


@pytest.fixture(scope="module")
def portal(cluster: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    folder = tmp_path_factory.mktemp("portal")
    (folder / "application.yaml").write_text(CONFIGURATION, encoding="utf-8")
    arguments = ("serve", "--config", str(folder / "application.yaml"), "--kubeconfig", str(cluster.admin))
    with Portal(folder / "log", *arguments) as running:
        eventually(lambda: running.get("/readyz")[0] == 200, 30)
        yield running


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["manifest"]["kind"])
def test_what_kubectl_does_is_on_the_stream_and_in_the_api(
    cluster: ControlPlane, portal: Portal, case: dict[str, Any]
) -> None:
    stream = Stream(portal)
    entry_id = case["id"]

    cluster.kubectl("apply", "-f", "-", stdin=yaml.safe_dump(case["manifest"]))
    added = stream.wait("APPLICATION_ADDED", entry_id)
    assert portal.applications()[entry_id]["url"] == added["url"]

    cluster.kubectl("annotate", case["resource"], "startpunkt.ullberg.us/rootPath=/Deep", "startpunkt.ullberg.us/tags=")
    updated = stream.wait("APPLICATION_UPDATED", entry_id)
    assert updated["url"] == added["url"].rstrip("/") + "/Deep"
    assert portal.applications()[entry_id]["url"] == updated["url"]

    cluster.kubectl("delete", case["resource"])
    removed = stream.wait("APPLICATION_REMOVED", entry_id)
    assert removed == {"id": entry_id, "namespace": "default", "resourceName": entry_id.rpartition("/")[2]}
    assert entry_id not in portal.applications()


def test_the_log_says_what_people_search_for(portal: Portal) -> None:
    log = portal.log()

    assert "Following the cluster server=https://" in log
    assert "Starting Kubernetes resource watchers" in log
    assert "Starting watch for Startpunkt Application in all namespaces" in log
    assert "Successfully started watch for Startpunkt Application" in log
    assert log.index("Starting watch for Ingress") < log.index("Started 8 Kubernetes resource watchers")
    assert "Listed resource=Startpunkt Application objects=" in log
    assert "Startpunkt Application ADDED: default/my-app" in log
    assert "Invalidated application caches due to resource changes" in log
    assert "Broadcasted event: APPLICATION_ADDED" in log


def test_an_outage_is_said_survived_and_over_within_five_seconds_of_the_return(
    cluster: ControlPlane, portal: Portal
) -> None:
    case = CASES[0]
    stream = Stream(portal)
    cluster.kubectl("apply", "-f", "-", stdin=yaml.safe_dump(case["manifest"]))
    stream.wait("APPLICATION_ADDED", case["id"])

    cluster.stop_api()
    status = eventually(lambda: stale(portal), 20)
    page = portal.get("/", **{"Accept-Language": "en-US"})[2]
    assert case["id"] in portal.applications()
    assert "My App" in page
    assert "Startpunkt Application" in page
    assert status["lastContact"]
    eventually(lambda: stale(portal)["staleSeconds"] >= 10, 30)

    cluster.start_api()
    cluster.kubectl("delete", case["resource"])
    stream.wait("APPLICATION_REMOVED", case["id"], seconds=5)
    eventually(lambda: portal.resource_status("Startpunkt Application")["status"] == "completed", 5)
    log = portal.log()
    assert log.count("The API server cannot be reached why=") == log.count("The API server answers again") == 1


def stale(portal: Portal) -> dict[str, Any]:
    status = portal.resource_status("Startpunkt Application")
    assert status["status"] == "stale", status
    return status
