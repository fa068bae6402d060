"""A world in virtual time: a scheduler whose checks take only the clock's time, and applications that fail by plan."""

from __future__ import annotations

import random
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from heapq import heappop, heappush

from msgspec import Struct

from portal.availability.plan import ScheduleOptions
from portal.availability.results import Result
from portal.availability.scheduler import Scheduler
from portal.availability.targets import CheckOptions, Target
from portal.model import Change, Health
from tests.availability.entries import application

UP = Result(outcome="up", http_status=200, latency=0.02)
DOWN = Result(outcome="down", http_status=503, latency=0.02, reason="answers 503")
SILENT = Result(outcome="down", latency=5.0, reason="no answer within 5 s")
EPOCH = 1_800_000_000.0


class World:
    """Runs a scheduler; `latency` says how long asking a host takes, `answer` what it then says."""

    def __init__(
        self,
        answer: Callable[[str, float], Result],
        latency: Callable[[str, float], float] = lambda _host, _now: 0.02,
        *,
        schedule: ScheduleOptions | None = None,
        checks: CheckOptions | None = None,
        chance: Callable[[], float] | None = None,
    ) -> None:
        self.now = 0.0
        self.asked: Counter[str] = Counter()
        self.times: list[tuple[float, str]] = []
        self.most_in_flight = 0
        self.most_per_host = 0
        self.reports: list[tuple[float, Mapping[str, Health]]] = []
        self._answer = answer
        self._latency = latency
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._hosts: Counter[str] = Counter()
        self._count = 0
        self.scheduler = Scheduler(
            self._probe,
            lambda news: self.reports.append((self.now, news)),
            self._start,
            schedule=schedule or ScheduleOptions(),
            checks=checks or CheckOptions(),
            clock=lambda: self.now,
            now=lambda: EPOCH + self.now,
            chance=chance or random.Random(1).random,
        )

    def add(self, name: str, url: str | None = None) -> None:
        self.scheduler.follow([Change(None, application(name, url or f"http://{name}.example/"))])

    def at(self, moment: float, action: Callable[[], None]) -> None:
        """Do something at a moment."""
        self._count += 1
        heappush(self._events, (moment, self._count, action))

    def run(self, until: float) -> None:
        """Let time pass."""
        while self.now < until:
            wait = self.scheduler.turn()
            at = min(until, self.now + max(wait, 1e-4))
            if self._events and self._events[0][0] <= at:
                at, _, action = heappop(self._events)
                self.now = max(self.now, at)
                action()
            else:
                self.now = at

    def state(self, name: str) -> str | None:
        health = self.scheduler.health(f"local/ingress/default/{name}")
        return None if health is None else health.state

    def _start(self, name: str, check: Callable[[], None]) -> None:
        host = name.removeprefix("check ")
        self._hosts[host] += 1
        self.times.append((self.now, host))
        self.most_per_host = max(self.most_per_host, self._hosts[host])
        self.most_in_flight = max(self.most_in_flight, self.scheduler.in_flight)
        self.at(self.now + self._latency(host, self.now), check)

    def _probe(self, target: Target) -> Result:
        self._hosts[target.host] -= 1
        self.asked[target.host] += 1
        return self._answer(target.host, self.now)


class Outages:
    """When each host fails: pairs of a beginning and an end, and whether it hangs meanwhile."""

    def __init__(self, hosts: Sequence[str], day: float, per_host: float, *, seed: int, shortest: float) -> None:
        dice = random.Random(seed)
        self.hanging = {host: dice.random() < 0.3 for host in hosts}
        self._edges: dict[str, list[float]] = {host: [] for host in hosts}
        for _ in range(int(len(hosts) * per_host)):
            self._add(dice.choice(hosts), dice.uniform(600, day - 20 * shortest), dice.uniform(shortest, 10 * shortest))

    def _add(self, host: str, begin: float, length: float) -> None:
        edges = self._edges[host]
        if not edges or begin > edges[-1] + 600:
            edges += [begin, begin + length]

    def is_failing(self, host: str, now: float) -> bool:
        return bisect_right(self._edges[host], now) % 2 == 1

    def answer(self, host: str, now: float) -> Result:
        if not self.is_failing(host, now):
            return UP
        return SILENT if self.hanging[host] else DOWN

    def latency(self, host: str, now: float) -> float:
        return 5.0 if self.is_failing(host, now) and self.hanging[host] else 0.02

    def edges(self) -> list[tuple[str, float, float]]:
        """Return each outage: host, beginning, end."""
        return [
            (host, begin, end)
            for host, edges in self._edges.items()
            for begin, end in zip(edges[0::2], edges[1::2], strict=True)
        ]


def percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


class Day(Struct, frozen=True):
    """What a simulated day came to; times in seconds."""

    detections: tuple[float, ...]
    recoveries: tuple[float, ...]
    missed: int
    requests: int
    most_in_flight: int
    most_per_host: int

    def detection(self, share: float) -> float:
        return percentile(self.detections, share)

    def recovery(self, share: float) -> float:
        return percentile(self.recoveries, share)


def simulated_day(urls: int, checks: CheckOptions, dice: random.Random, length: float = 86_400) -> Day:
    """Let a day pass for this many URLs, of which half fail once, a third of those by hanging."""
    hosts = [f"a{number}.example" for number in range(urls)]
    outages = Outages(hosts, length, 0.5, seed=dice.randrange(1000), shortest=checks.interval * 1.5)
    world = World(outages.answer, outages.latency, checks=checks, chance=dice.random)
    for host in hosts:
        world.add(host.removesuffix(".example"))
    world.run(length)
    told: dict[str, list[tuple[float, str]]] = {}
    for at, news in world.reports:
        for entry_id, health in news.items():
            told.setdefault(f"{entry_id.rpartition('/')[2]}.example", []).append((at, health.state))
    seen = [(_delay(told[host], "down", begin), _delay(told[host], "up", end)) for host, begin, end in outages.edges()]
    return Day(
        detections=tuple(down for down, _ in seen if down is not None),
        recoveries=tuple(up for _, up in seen if up is not None),
        missed=sum((down is None) + (up is None) for down, up in seen),
        requests=sum(world.asked.values()),
        most_in_flight=world.most_in_flight,
        most_per_host=world.most_per_host,
    )


def _delay(told: Sequence[tuple[float, str]], state: str, since: float) -> float | None:
    return next((at - since for at, said in told if at >= since and said == state), None)
