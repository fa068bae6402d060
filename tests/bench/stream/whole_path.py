"""From a write on a real kube-apiserver to the bytes at the last of 1,000 subscribers of `portal serve`."""

from __future__ import annotations

import http.client
import json
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.bench.stream.loads import Load
from tests.bench.stream.subjects import BUILD, START_SECONDS, MissingError, Running, free_port, spawn
from tests.cluster.assets import AssetsMissingError
from tests.cluster.control_plane import ControlPlane

CLIENTS = 1000
WRITES = 300
WARM_UP = 20
PAUSE = 0.1  # longer than changes of one entry are gathered
INGRESSES = "/apis/networking.k8s.io/v1/namespaces/default/ingresses"
CONFIGURATION = """
startpunkt:
  ingress: {onlyAnnotated: false}
  availability: {enabled: false}
"""
Figures = dict[str, float]


class Writer:
    """One kept connection to the API server."""

    def __init__(self, plane: ControlPlane) -> None:
        self._headers = {**plane.authorization(), "Accept": "application/json"}
        context = ssl.create_default_context(cafile=str(plane.certificate))
        self._connection = http.client.HTTPSConnection("127.0.0.1", plane.port, context=context)

    def write(self, method: str, path: str, body: dict[str, Any], kind: str = "application/json") -> float:
        """Write, and return the moment at which the request was about to be sent."""
        encoded, headers = json.dumps(body), {**self._headers, "Content-Type": kind}
        at = time.monotonic()
        self._connection.request(method, path, encoded, headers)
        answer = self._connection.getresponse()
        if answer.status not in (200, 201):
            raise MissingError(f"the API server answers {answer.status}: {answer.read()[:200]!r}")
        answer.read()
        return at

    def create(self, name: str) -> None:
        backend = {"service": {"name": name, "port": {"number": 80}}}
        spec = {"rules": [{"host": f"{name}.example.org"}], "defaultBackend": backend}
        document = {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": name}, "spec": spec}
        self.write("POST", INGRESSES, document)

    def touch(self, name: str, number: int) -> float:
        # The load counts an event where it sees a `~`.
        annotations = {"startpunkt.ullberg.us/info": f"~ {number}"}
        patch = {"metadata": {"annotations": annotations}}
        return self.write("PATCH", f"{INGRESSES}/{name}", patch, "application/merge-patch+json")


def measured_path() -> Figures:
    """Return the percentiles in milliseconds, and how long the API server's own answers took."""
    processes: list[subprocess.Popen[bytes]] = []
    with tempfile.TemporaryDirectory(dir=BUILD) as folder:
        try:
            with ControlPlane() as plane:
                try:
                    return _measured(plane, Path(folder), processes)
                finally:
                    for process in processes:
                        process.kill()
                        process.communicate()
        except AssetsMissingError as missing:
            raise MissingError(str(missing)) from missing


def _measured(plane: ControlPlane, folder: Path, processes: list[subprocess.Popen[bytes]]) -> Figures:
    _wait_for_namespace(plane)
    writer = Writer(plane)
    writer.create("measured")
    port = _serve(plane, folder, processes)
    load = Load(Running([], port, "/api/updates/stream", port, "line"))
    try:
        load.tell(f"connect {CLIENTS}")
        waits, answers = zip(*(_once(writer, load, number) for number in range(WARM_UP + WRITES)), strict=True)
    finally:
        load.close()
    return {
        "write_to_last_p50_ms": _percentile(waits[WARM_UP:], 50),
        "write_to_last_p99_ms": _percentile(waits[WARM_UP:], 99),
        "api_answer_p50_ms": _percentile(answers[WARM_UP:], 50),
        "api_answer_p99_ms": _percentile(answers[WARM_UP:], 99),
    }


def _once(writer: Writer, load: Load, number: int) -> tuple[float, float]:
    time.sleep(PAUSE)
    load.begin("last")
    at = writer.touch("measured", number)
    answered = time.monotonic()
    (arrived,) = load.end()
    return (arrived - at) * 1000, (answered - at) * 1000


def _serve(plane: ControlPlane, folder: Path, processes: list[subprocess.Popen[bytes]]) -> int:
    config, port = folder / "application.yaml", free_port()
    config.write_text(CONFIGURATION)
    arguments = ["--config", str(config), "--kubeconfig", str(plane.admin), "--host", "127.0.0.1", "--port", str(port)]
    spawn(processes, [sys.executable, "-m", "portal", "serve", *arguments], port)
    deadline = time.monotonic() + START_SECONDS
    while not _is_ready(port):
        if time.monotonic() > deadline:
            raise MissingError("portal did not become ready")
        time.sleep(0.1)
    return port


def _wait_for_namespace(plane: ControlPlane) -> None:
    """The API server makes its namespaces a moment after it is ready."""
    deadline = time.monotonic() + START_SECONDS
    while "default" not in plane.kubectl("get", "namespaces", "-o", "name"):
        if time.monotonic() > deadline:
            raise MissingError("the API server has no namespace")


def _is_ready(port: int) -> bool:
    with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as answer:
        return bool(answer.status == 200)
    return False


def _percentile(values: tuple[float, ...], percent: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]
