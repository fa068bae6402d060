"""What is about the engine as a whole: many resources, slow consumers, bursts, stopping, forks, and a day."""

from __future__ import annotations

import os
import random
import threading
import time
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from portal.kube.credentials import credentials
from portal.kube.doors import HttpListWatch
from portal.kube.limits import TokenBucket
from portal.kube.outage import Outage
from portal.kube.reflector import Reflector
from portal.kube.resources import Resource
from portal.model import utc_now
from portal.runtime.crew import Crew
from portal.sources.source import Described
from tests.cluster.processes import wait_until
from tests.kube.faults.folding import Folded
from tests.kube.faults.requests import MOST_IN_WINDOW, is_list, is_watch, most_in_window
from tests.kube.faults.rig import Case, Rig, TurnedApi
from tests.kube.scenario.client import INGRESSES, Scenario, ingress

SECOND = 0.05
QPS, BURST = 5, 10

STOPPED: dict[str, Case] = {
    "a list that is not answered": {"faults": [{"at": "list", "times": -1, "do": ["hang"]}]},
    "a list between its pages": {
        "given": {"count": 1200},
        "faults": [{"at": "list", "after": 1, "times": -1, "do": ["hang"]}],
    },
    "a watch that is not answered": {"faults": [{"at": "watch", "times": -1, "do": ["hang"]}]},
    "a watch that is silent": {},
    "a wait after failures": {"faults": [{"at": "any", "times": -1, "do": [{"status": {"code": 500, "body": "no"}}]}]},
    "a wait for the server's return": {"before": [{"tell": {"command": "down"}}]},
    "a wait for a kind that is absent": {"before": [{"tell": {"command": "remove", "name": INGRESSES}}]},
}

DAY: list[dict[str, Any]] = [
    {"at": "watch", "do": [{"serve": {"events": 1}}, "reset"]},
    {"at": "watch", "do": [{"serve": {"seconds": 90}}, "close"]},
    {"at": "watch", "do": ["open", "hang"]},
    {"at": "watch", "do": ["open", {"text": "garbage\n"}]},
    {"at": "any", "times": 3, "do": [{"status": {"code": 503, "body": "away", "type": "text/plain"}}]},
    {"at": "watch", "do": [{"status": {"code": 410, "body": {"kind": "Status", "code": 410, "reason": "Expired"}}}]},
    {"at": "list", "do": [{"list": {"cut": 0.5}}, "close"]},
]


class Twenty:
    """Twenty reflectors on one API server, sharing a token bucket and an outage."""

    def __init__(self, scenario: Scenario, folder: Path) -> None:
        self.crew = Crew()
        self.folded = [Folded() for _ in range(20)]
        who = credentials(str(scenario.kubeconfig(folder)), None, {})
        api = TurnedApi(who, bucket=TokenBucket(QPS, BURST, clock=self.now, pause=self.pause), tick=SECOND)
        outage = Outage(api.probe, clock=self.now, pause=lambda stop, seconds: stop.wait(seconds * SECOND))
        for number, folded in enumerate(self.folded):
            resource = Resource("test.example", "v1", f"things{number}", "Thing")
            reflector = Reflector(
                str(resource),
                HttpListWatch(api, resource, Described),
                folded,
                lambda _: None,
                outage=outage,
                clock=self.now,
                pause=lambda stop, seconds: stop.wait(max(0.0, seconds) * SECOND),
            )
            self.crew.start(str(resource), reflector.run)

    def now(self) -> float:
        return time.monotonic() / SECOND

    def pause(self, seconds: float) -> None:
        time.sleep(seconds * SECOND)

    def all_hold(self, *names: str) -> bool:
        return all({key[1] for key in folded.objects} == set(names) for folded in self.folded)


def most_at_once(moments: list[float], seconds: float) -> int:
    """Return the most moments within so many seconds of the API."""
    return max(sum(moment - seconds * SECOND <= each <= moment for each in moments) for moment in moments)


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def put_everywhere(scenario: Scenario, name: str) -> None:
    for number in range(20):
        scenario.put({"metadata": {"name": name, "namespace": "default"}}, f"things{number}.test.example")


def test_twenty_resources_outlive_an_outage_of_a_minute_without_a_stampede(tmp_path: Path) -> None:
    with Scenario() as scenario, ExitStack() as exits:
        scenario.tell("set", second=SECOND)
        put_everywhere(scenario, "a")
        twenty = Twenty(scenario, tmp_path)
        exits.callback(twenty.crew.disband, 2)
        began = wait_until(lambda: twenty.all_hold("a"), 15)
        scenario.tell("down")
        twenty.pause(60)
        put_everywhere(scenario, "b")
        back = time.monotonic()
        scenario.tell("up")
        returned = wait_until(lambda: twenty.all_hold("a", "b"), 15)
        took = (time.monotonic() - back) / SECOND
        requests = scenario.tell("requests")

    lists = [each["time"] for each in requests if is_list(each)]
    after = [each for each in requests if each["time"] > back and is_watch(each)]
    assert began
    assert returned
    assert took < 15
    assert len(lists) == 20
    assert most_at_once(lists, 1.0) <= BURST + QPS + 1
    assert len(after) == 20
    assert most_in_window(requests, SECOND) <= MOST_IN_WINDOW


@pytest.mark.parametrize("case", STOPPED.values(), ids=STOPPED)
def test_stopping_leaves_no_connection_and_no_delivery_behind(case: Case, tmp_path: Path) -> None:
    with Rig(case, tmp_path) as rig:
        rig.begin()
        rig.pause(10)
        start = time.monotonic()
        rig.end()
        took = time.monotonic() - start
        told = len(rig.folded.told)
        hung_up = wait_until(lambda: rig.scenario.tell("connections") <= rig.idle_connections(), 5)

        assert took < 3
        assert hung_up
        assert not rig.crew.failed.is_set()
        assert len(rig.folded.told) == told


def test_a_slow_consumer_loses_nothing(tmp_path: Path) -> None:
    with Rig({}, tmp_path) as rig:
        rig.hold = lambda: time.sleep(0.05)
        rig.begin()
        rig.wait_begun()
        rig.scenario.tell("burst", name=INGRESSES, items=[ingress(f"o{number}") for number in range(50)], rounds=40)
        rig.settle()

        assert rig.folded.objects == rig.truth()
        assert rig.published.entries == rig.shown()
        assert rig.folded.version_went_back == 0


def test_a_burst_of_fifty_thousand_events_arrives_while_others_run(tmp_path: Path) -> None:
    beats: list[float] = []

    def beat(stop: threading.Event) -> None:
        while not stop.is_set():
            time.sleep(0.002)
            beats.append(time.monotonic())

    with Rig({"second": 1.0}, tmp_path) as rig:
        rig.begin()
        rig.wait_begun()
        rig.crew.start("heartbeat", beat)
        rig.scenario.tell("burst", name=INGRESSES, items=[ingress(f"o{number}") for number in range(500)], rounds=100)
        rig.settle()
        rig.end()

        assert rig.folded.objects == rig.truth()
        assert rig.published.entries == rig.shown()
        assert len(beats) > 100


@pytest.mark.parametrize("hours", [1, -1])
def test_a_clock_on_the_wall_that_jumps_changes_nothing(hours: int, tmp_path: Path) -> None:
    with Rig({}, tmp_path) as rig:
        rig.begin()
        rig.wait_begun()
        rig.today = lambda: utc_now() + timedelta(hours=hours)
        rig.put("c")
        rig.settle()

        assert rig.folded.objects == rig.truth()
        assert rig.count(is_list) == 1


def test_a_process_that_forks_and_its_child_both_follow(tmp_path: Path) -> None:
    with Rig({}, tmp_path) as rig:
        rig.begin()
        rig.wait_begun()
        child = os.fork()
        if not child:  # the child's whole life
            os._exit(follow_in_child(rig.scenario.kubeconfig(tmp_path)))
        _, status = os.waitpid(child, 0)
        rig.put("c")
        rig.settle()

        assert os.waitstatus_to_exitcode(status) == 0
        assert rig.folded.objects == rig.truth()
        assert rig.count(is_list) == 2


def follow_in_child(kubeconfig: Path) -> int:
    """Follow in a fresh engine until the objects are there; return an exit code."""
    folded, stop = Folded(), threading.Event()
    api = TurnedApi(credentials(str(kubeconfig), None, {}), tick=SECOND)
    door = HttpListWatch(api, Resource("networking.k8s.io", "v1", "ingresses", "Ingress"), Described)
    reflector = Reflector("Ingress", door, folded, lambda _: None, outage=Outage(api.probe))
    crew = Crew()
    crew.start("child", reflector.run)
    followed = wait_until(lambda: {key[1] for key in folded.objects} == {"a", "b"}, 5)
    crew.disband(1)
    stop.set()
    return 0 if followed else 1


def break_things(rig: Rig, dice: random.Random, seconds: float) -> None:
    """Write objects and queue faults at random for so many seconds of the API."""
    end = rig.now() + seconds
    while rig.now() < end:
        fault = dice.choice(DAY)
        rig.scenario.fault(fault["at"], *fault["do"], times=fault.get("times", 1))
        rig.put({"name": f"o{dice.randrange(20)}", "host": f"h{dice.randrange(10**6)}.example.test"})
        rig.pause(dice.uniform(0, 1200))


@pytest.mark.timeout(120)
def test_a_day_of_faults_leaves_the_truth_and_nothing_else(tmp_path: Path) -> None:
    with Rig({"second": 0.0002}, tmp_path) as rig:
        rig.begin()
        rig.wait_begun()
        descriptors = open_descriptors()
        break_things(rig, random.Random(20261121), 86400)
        rig.scenario.tell("honest")
        rig.put("last")
        rig.settle()

        assert rig.folded.objects == rig.truth(), rig.described()
        assert rig.published.entries == rig.shown()
        assert rig.published.contradictions == []
        assert rig.scenario.tell("connections") <= 3
        assert open_descriptors() <= descriptors + 3
