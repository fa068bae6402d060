"""Measure a start beside a bare download of the same pages, print a table and write build/bench/start.json."""

from gevent import monkey

monkey.patch_all()  # as the product does, before anything imports ssl or socket

import json  # noqa: E402 - after the patch
import subprocess  # noqa: E402 - after the patch
import sys  # noqa: E402 - after the patch
import tempfile  # noqa: E402 - after the patch
import time  # noqa: E402 - after the patch
from datetime import datetime  # noqa: E402 - after the patch
from pathlib import Path  # noqa: E402 - after the patch

from tests.bench.start.cluster import APPLICATIONS, INGRESSES, filled_cluster  # noqa: E402 - after the patch
from tests.bench.start.figures import Rows, row  # noqa: E402 - after the patch
from tests.bench.start.handover import handover  # noqa: E402 - after the patch
from tests.cluster.assets import AssetsMissingError  # noqa: E402 - after the patch
from tests.cluster.control_plane import ControlPlane  # noqa: E402 - after the patch
from tests.flow.portal import ROOT, Portal, Stream, eventually  # noqa: E402 - after the patch

REPETITIONS = 5
ALLOWED = 1.5
CASE = f"{INGRESSES}-ingresses-{APPLICATIONS}-applications"
CONFIGURATION = {"startpunkt": {"ingress": {"onlyAnnotated": False}, "availability": {"enabled": False}}}


def main() -> None:
    """Run every case, print a table and write build/bench/start.json."""
    rows = [*handover(), *start()]
    for each in rows:
        ratio = f"{each['ratio_to_floor']:.2f} x" if "ratio_to_floor" in each else ""
        what = f"{each['case']:<36} {each['subject']:<12} {each['metric']:<22}"
        print(f"{what} {each['value']:>10} {each['unit']:<4} {ratio}")
    path = Path("build/bench/start.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(rows, indent=1))


def start() -> Rows:
    """Let portal start beside the bare download, in turns, and return the best of each."""
    try:
        with filled_cluster() as plane, tempfile.TemporaryDirectory() as folder:
            downloads, starts, firsts = [], [], []
            for repetition in range(REPETITIONS):
                downloads.append(downloaded(plane))
                starts.append(started(plane, Path(folder) / f"quiet-{repetition}"))
                firsts.append(first_entry(plane, Path(folder) / f"heard-{repetition}"))
    except AssetsMissingError as missing:
        print(f"not measured: {missing}")
        return []
    floor, first = min(downloads), min(firsts)
    synced, process = (min(each) for each in zip(*starts, strict=True))
    if synced > ALLOWED * floor:
        print(f"missed: synced takes more than {ALLOWED} times a bare download")
    return [
        row(CASE, "floor", "download_s", round(floor, 3), "s"),
        row(CASE, "portal", "first_entry_s", round(first, 3), "s", first / floor),
        row(CASE, "portal", "synced_s", round(synced, 3), "s", synced / floor),
        row(CASE, "portal", "synced_from_exec_s", round(process, 3), "s", process / floor),
    ]


def downloaded(plane: ControlPlane) -> float:
    """Return how many seconds a bare download takes."""
    command = [sys.executable, "-m", "tests.bench.start.download", str(plane.admin)]
    return float(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=300).stdout)


def serving(plane: ControlPlane, folder: Path) -> Portal:
    """Return a portal on this cluster."""
    folder.mkdir()
    (folder / "application.yaml").write_text(json.dumps(CONFIGURATION))
    config, kubeconfig = str(folder / "application.yaml"), str(plane.admin)
    return Portal(folder / "log", "serve", "--config", config, "--kubeconfig", kubeconfig)


def started(plane: ControlPlane, folder: Path) -> tuple[float, float]:
    """Return the seconds from portal's first request, and from the start of its process, until all is synced."""
    began = time.time()
    with serving(plane, folder) as portal:
        status = eventually(lambda: synced(portal), 120)
    start, end = (datetime.fromisoformat(status[name]).timestamp() for name in ("startTime", "endTime"))
    return end - start, end - began


def first_entry(plane: ControlPlane, folder: Path) -> float:
    """Return the seconds from portal's first request to the first entry that a subscriber hears of."""
    with serving(plane, folder) as portal:
        stream = Stream(portal, "?types=APPLICATION_ADDED")
        first = eventually(lambda: str(stream.of_type("APPLICATION_ADDED")[0]["timestamp"]), 120)
        status = eventually(lambda: synced(portal), 120)
    return (datetime.fromisoformat(first) - datetime.fromisoformat(status["startTime"])).total_seconds()


def synced(portal: Portal) -> dict[str, str]:
    """Return the status of a synchronisation that is over; asked seldom, for the asking costs too."""
    time.sleep(1)
    status: dict[str, str] = portal.json("/api/v1/sync/status")
    assert status["status"] == "completed"
    return status


if __name__ == "__main__":
    main()
