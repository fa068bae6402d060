"""Whatever the strategy, nothing that is written while portal starts is missed: a real API server, random writes.

`make startup-runs` repeats this with 25 random histories for each strategy.
"""

from __future__ import annotations

import json
import os
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

import pytest
from msgspec import structs

from portal.availability.results import Result
from portal.kube.client import Api, connect
from portal.kube.errors import KubeError
from portal.kube.limits import TokenBucket
from portal.kube.outage import Outage
from portal.runtime.clusters import RealCluster
from portal.runtime.crew import Crew
from portal.runtime.house import Portal
from portal.settings.tree import Settings
from tests.cluster.control_plane import ControlPlane
from tests.flow.portal import eventually

RUNS = int(os.environ.get("PORTAL_STARTUP_RUNS", "3"))
STRATEGIES = ("concurrent", "sequential", "incremental", "priority")
NAMES = [f"app-{number}" for number in range(60)]
INGRESSES = "/apis/networking.k8s.io/v1/namespaces/{}/ingresses"


class Writer:
    """Writes Ingresses at random and remembers what is true."""

    def __init__(self, api: Api, namespace: str, dice: random.Random) -> None:
        self._api = api
        self._path = INGRESSES.format(namespace)
        self._dice = dice
        self.writes = 0
        self.truth: dict[str, str] = {}

    def begin(self) -> None:
        """Take over what earlier runs left, and have something to list."""
        items = json.loads(self._api.get(self._path, exempt=True))["items"]
        self.truth = {each["metadata"]["name"]: each["spec"]["rules"][0]["host"] for each in items}
        for _ in range(40):
            self.write()

    def run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            self.write()
            time.sleep(self._dice.expovariate(400))

    def write(self) -> None:
        """Create, change or delete one object."""
        name = self._dice.choice(NAMES)
        self.writes += 1
        host = f"{name}-{self._dice.getrandbits(32)}.example.test"
        if name not in self.truth:
            self._send("POST", "", manifest(name, host))
            self.truth[name] = host
        elif self._dice.random() < 0.3:
            self._send("DELETE", f"/{name}", None)
            del self.truth[name]
        else:
            self._send("PUT", f"/{name}", manifest(name, host))
            self.truth[name] = host

    def _send(self, method: str, name: str, body: dict[str, Any] | None) -> None:
        encoded = json.dumps(body).encode() if body else None
        self._api.send(method, self._path + name, None, encoded, exempt=True)


def manifest(name: str, host: str) -> dict[str, Any]:
    rule = {"host": host, "http": {"paths": [path_to("web")]}}
    kind = {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress"}
    return {**kind, "metadata": {"name": name}, "spec": {"rules": [rule]}}


def path_to(service: str) -> dict[str, Any]:
    backend = {"service": {"name": service, "port": {"number": 80}}}
    return {"path": "/", "pathType": "Prefix", "backend": backend}


def settings(strategy: str) -> Settings:
    default = Settings()
    startup = structs.replace(default.watch.startup, strategy=strategy, concurrency=2)
    return structs.replace(
        default,
        ingress=structs.replace(default.ingress, only_annotated=False),
        watch=structs.replace(default.watch, startup=startup),
        availability=structs.replace(default.availability, enabled=False),
    )


def portal_on(plane: ControlPlane, strategy: str) -> Portal:
    """Return a portal that is not started, in this process and without a web server."""
    api = connect(str(plane.admin), None, bucket=TokenBucket(100, 100), tick=0.05)
    return Portal(settings(strategy), RealCluster(api), Outage(api.probe), Crew(), lambda _: Result(outcome="unknown"))


def writing_to(plane: ControlPlane) -> Api:
    return connect(str(plane.admin), None, bucket=TokenBucket(10_000, 10_000))


@pytest.fixture(params=STRATEGIES)
def strategy(request: pytest.FixtureRequest, control_plane: ControlPlane) -> Iterator[str]:
    name: str = request.param
    api = writing_to(control_plane)
    with suppress(KubeError):  # an earlier run's
        api.send("POST", "/api/v1/namespaces", None, json.dumps({"metadata": {"name": name}}).encode())
    yield name
    api.send("DELETE", INGRESSES.format(name))


@pytest.mark.parametrize("run", range(RUNS))
def test_no_write_during_the_start_is_missed(control_plane: ControlPlane, strategy: str, run: int) -> None:
    dice, stop = random.Random(f"{strategy} {run}"), threading.Event()
    writer, portal = Writer(writing_to(control_plane), strategy, dice), portal_on(control_plane, strategy)
    writer.begin()
    writing = threading.Thread(target=writer.run, args=(stop,))
    writing.start()
    time.sleep(dice.uniform(0, 0.1))

    with started(portal):
        try:
            eventually(lambda: portal.tracker.status().step == "done", 20)
            time.sleep(dice.uniform(0, 0.2))
            eventually(lambda: writer.writes > 45, 20)  # a slow machine needs longer for that
        finally:
            stop.set()
            writing.join()
        eventually(lambda: shown(portal, strategy) == writer.truth, 5)

    assert portal.registry.get_sample_value("portal_reflector_drift_total", DRIFT) in (None, 0)


@contextmanager
def started(portal: Portal) -> Iterator[None]:
    portal.start()
    try:
        yield
    finally:
        portal.stop(1)


DRIFT = {"resource": "Ingress", "namespace": ""}


def shown(portal: Portal, namespace: str) -> dict[str, str]:
    """Return the hosts in the catalog by name."""
    applications = portal.catalog.snapshot().applications
    found = [each for each in applications if each.source == "ingress" and each.namespace == namespace]
    return {each.resource_name: str(urlsplit(each.url or "").hostname) for each in found}
