"""The control plane of the tests starts, serves, survives faults and leaves nothing behind."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from tests.cluster.assets import Assets, AssetsMissingError
from tests.cluster.control_plane import ControlPlane, KubectlError
from tests.cluster.processes import wait_until

pytestmark = pytest.mark.quick

COLLECTIONS = [
    "/apis/hajimari.io/v1alpha1/applications",
    "/apis/hajimari.io/v1alpha1/bookmarks",
    "/apis/gateway.networking.k8s.io/v1/gateways",
    "/apis/gateway.networking.k8s.io/v1beta1/gateways",
    "/apis/gateway.networking.k8s.io/v1/httproutes",
    "/apis/gateway.networking.k8s.io/v1beta1/httproutes",
    "/apis/networking.istio.io/v1/virtualservices",
    "/apis/networking.istio.io/v1beta1/virtualservices",
    "/apis/route.openshift.io/v1/routes",
    "/apis/networking.k8s.io/v1/ingresses",
]

ORPHANING = """
import os
from tests.cluster.control_plane import ControlPlane
plane = ControlPlane()
plane.start_etcd()
print(plane.processes["etcd"].pid, plane.folder, flush=True)
os._exit(1)
"""


def has_ended(pid: int) -> bool:
    """Tell whether a process has ended; one that nobody has waited for yet counts."""
    with suppress(FileNotFoundError):
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    return True


def is_refused(plane: ControlPlane, *arguments: str, user: str) -> bool:
    """Tell whether kubectl is refused by RBAC."""
    try:
        plane.kubectl(*arguments, user=user)
    except KubectlError as error:
        return "forbidden" in str(error)
    return False


@pytest.mark.parametrize("path", COLLECTIONS)
def test_every_kind_that_portal_reads_is_served(control_plane: ControlPlane, path: str) -> None:
    answer = json.loads(control_plane.kubectl("get", "--raw", path))

    assert answer["kind"].endswith("List")
    assert int(answer["metadata"]["resourceVersion"]) > 0


def test_a_user_is_refused_until_a_role_is_bound(control_plane: ControlPlane) -> None:
    refused_before = is_refused(control_plane, "get", "configmaps", user="restricted")
    control_plane.kubectl("create", "role", "reader", "--verb=get,list", "--resource=configmaps")
    control_plane.kubectl("create", "rolebinding", "reader", "--role=reader", "--user=restricted")

    assert refused_before
    assert wait_until(lambda: not is_refused(control_plane, "get", "configmaps", user="restricted"), 10)


def test_objects_outlive_every_stop_kill_and_freeze_and_nothing_outlives_the_end(assets: Assets) -> None:
    with ControlPlane(assets) as plane:
        plane.kubectl("create", "configmap", "kept")
        plane.compact()
        plane.pause("api")
        answered_while_frozen = plane.is_ready()
        plane.resume("api")
        plane.stop_api()
        plane.kill("etcd")
        plane.start_etcd()
        plane.start_api()
        kept = plane.kubectl("get", "configmap", "kept", "-o", "name")
        pids = [process.pid for process in plane.processes.values()]

    assert not answered_while_frozen
    assert kept == "configmap/kept\n"
    assert len(pids) == 2
    assert all(pid is not None and has_ended(pid) for pid in pids)
    assert not plane.folder.exists()


@pytest.mark.usefixtures("assets")
def test_processes_end_with_a_test_run_that_dies_without_cleaning_up() -> None:
    root = Path(__file__).parents[2]
    run = subprocess.run([sys.executable, "-c", ORPHANING], cwd=root, capture_output=True, text=True, check=False)
    pid, folder = run.stdout.split()
    ended = wait_until(lambda: has_ended(int(pid)), 10)
    subprocess.run(["rm", "-rf", folder], check=True)

    assert ended


def test_a_missing_program_is_named_with_the_command_that_gets_it(tmp_path: Path) -> None:
    with pytest.raises(AssetsMissingError, match=r"no etcd, kube-apiserver, kubectl .*: tests/cluster/install"):
        Assets.find({"KUBEBUILDER_ASSETS": str(tmp_path)})


def test_a_program_named_on_its_own_wins() -> None:
    named = {"TEST_ASSET_ETCD": "/bin/sh", "TEST_ASSET_KUBE_APISERVER": "/bin/ls", "TEST_ASSET_KUBECTL": "/bin/cat"}

    assert Assets.find({"KUBEBUILDER_ASSETS": "/bin", **named}) == Assets(
        Path("/bin/sh"), Path("/bin/ls"), Path("/bin/cat")
    )
