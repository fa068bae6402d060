"""SIGTERM under load: exit 0 in time, readiness off first, streams closed one after the other, and nothing missing."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

import pytest

from tests.flow.crowd import Crowd
from tests.flow.portal import Portal, Stream, eventually
from tests.kube.scenario.client import Scenario, ingress

SUBSCRIBERS = 500
CONFIGURATION = {"startpunkt": {"ingress": {"onlyAnnotated": False}, "availability": {"enabled": False}}}


@pytest.fixture
def scenario() -> Iterator[Scenario]:
    with Scenario() as server:
        server.put(ingress("first"))
        yield server


def serving(scenario: Scenario, folder: Path) -> Portal:
    folder.mkdir()
    (folder / "application.yaml").write_text(json.dumps(CONFIGURATION), encoding="utf-8")
    config, kubeconfig = str(folder / "application.yaml"), str(scenario.kubeconfig(folder))
    return Portal(folder / "log", "serve", "--config", config, "--kubeconfig", kubeconfig)


class Burst:
    """Writes as fast as the API server takes it, from the beginning of the block to its end."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._stop = threading.Event()
        self._writer = threading.Thread(target=self._write)
        self.names: list[str] = []

    def __enter__(self) -> Self:
        self._writer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._writer.join()

    def _write(self) -> None:
        while not self._stop.is_set():
            name = f"burst-{len(self.names)}"
            self._scenario.put(ingress(name))
            self.names.append(name)
            time.sleep(0.001)


class Watchman:
    """Asks for the readiness of a portal until it no longer answers."""

    def __init__(self, ask: Callable[[], int]) -> None:
        self._ask = ask
        self.answers: list[int] = []
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def done(self) -> list[int]:
        self._thread.join()
        return list(dict.fromkeys(self.answers))

    def _watch(self) -> None:
        try:
            while True:
                self.answers.append(self._ask())
                time.sleep(0.05)
        except OSError:
            return


def test_a_portal_that_is_stopped_under_load_lets_everybody_go_in_good_order(
    scenario: Scenario, tmp_path: Path
) -> None:
    with serving(scenario, tmp_path / "first") as portal:
        eventually(lambda: portal.get("/readyz")[0] == 200, 10)
        with Crowd(portal, SUBSCRIBERS) as crowd, Burst(scenario) as burst:
            eventually(lambda: len(burst.names) > 300, 20)
            readiness = Watchman(lambda: portal.get("/readyz")[0])
            began = time.monotonic()
            portal.stop()
            took = time.monotonic() - began
            eventually(lambda: all(each.ended for each in crowd.members), 2)
        log = portal.log()

    assert (portal.exit_code, took < 10) == (0, True)
    assert readiness.done()[-1] == 503
    assert log.index("Stopping Kubernetes resource watchers") < log.index("Kubernetes resource watchers stopped")
    assert "Traceback" not in log
    ends = [each.ended or 0 for each in crowd.members]
    assert max(ends) - min(ends) > 1
    assert len({each.retry() for each in crowd.members}) > SUBSCRIBERS / 5

    # Each received everything that was published until its stream was closed, or was told that it had been too slow.
    assert {jump for each in crowd.members for jump in each.jumps()} <= {"RESET"}
    assert min(len(each.events()) for each in crowd.members) > 100

    with serving(scenario, tmp_path / "second") as portal:
        eventually(lambda: portal.get("/readyz")[0] == 200, 10)
        position = crowd.members[0].events()[-1][0]
        stream = Stream(portal, f"?types=SYNC_STATUS&last_event_id={position}")
        eventually(lambda: stream.of_type("RESET")[0]["data"] == {"reason": "restart"}, 5)
        shown = {each["resourceName"] for each in portal.json("/api/snapshot")["applications"]}

    assert shown == {"first", *burst.names}
