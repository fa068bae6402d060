"""A burst through the intake into the catalog: by a direct call, and through the queue that there is not."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from statistics import quantiles
from typing import Any

import gevent
import msgspec

from portal.catalog.state import Catalog
from portal.ingest.handover import Handover
from portal.ingest.intake import Feed, Intake, key_of
from portal.ingest.journal import Journal
from portal.ingest.references import References
from portal.kube.listwatch import WatchEvent
from portal.kube.reflector import Changes
from portal.logs import LimitedLine
from portal.sources.ingress import INGRESS
from portal.sources.source import MappingOptions
from portal.stream.announcer import Announcer
from portal.stream.events import Sayable
from tests.bench.start.figures import Rows, row

TOGETHER = 20  # Ingresses of 3 KB that one read of 64 KB brings
CAPACITY = 1000
REPETITIONS = 5
CASES = {"burst-10000-objects": (10_000, 1), "flapping-10-objects": (10, 1000)}

Batch = Sequence[WatchEvent[Any]]


class KeyedQueue:
    """Events by object, the last of each counts; who puts waits while it is full, another greenlet takes."""

    def __init__(self, take: Callable[[Changes[Any]], None], capacity: int) -> None:
        self._take = take
        self._capacity = capacity
        self._events: OrderedDict[tuple[str, str], WatchEvent[Any]] = OrderedDict()
        self._moved = threading.Condition()
        self.merged = 0

    def put(self, changes: Changes[Any]) -> None:
        with self._moved:
            self._moved.wait_for(lambda: len(self._events) < self._capacity)
            for event in changes.events:
                self.merged += self._events.pop(key_of(event.object), None) is not None
                self._events[key_of(event.object)] = event
            self._moved.notify_all()

    def run(self, stop: threading.Event) -> None:
        while not stop.is_set() or self._events:
            with self._moved:
                self._moved.wait_for(lambda: bool(self._events), timeout=0.01)
                events, self._events = list(self._events.values()), OrderedDict()
                self._moved.notify_all()
            if events:
                self._take(Changes(events, "1"))
            gevent.sleep(1e-6)


class Rig:
    """An intake with all that follows it up to the event log, and when each version of an object was applied."""

    def __init__(self) -> None:
        self.events = 0
        self.applied: dict[str, float] = {}
        announcer = Announcer(self._publish, 0.05)
        catalog = Catalog(announcer.announce)
        journal = Journal(LimitedLine(lambda *_: None))
        feed = Feed(INGRESS, MappingOptions(only_annotated=False))
        self.intake = Intake(feed, catalog, References(lambda *_: lambda: None), journal)

    def take(self, changes: Changes[Any]) -> None:
        self.intake(changes)
        now = time.perf_counter()
        for event in changes.events:
            self.applied[event.object.metadata.resource_version] = now

    def _publish(self, said: Sequence[Sayable]) -> None:
        self.events += len(said)


def batches(objects: int, writes: int) -> list[Batch]:
    """Return every write of a burst as it would be read, decoded."""
    bodies = (
        body(f"app-{number}", write, write * objects + number) for write in range(writes) for number in range(objects)
    )
    events = [WatchEvent("MODIFIED", msgspec.json.decode(each, type=INGRESS.projection)) for each in bodies]
    return [events[start : start + TOGETHER] for start in range(0, len(events), TOGETHER)]


def body(name: str, write: int, version: int) -> bytes:
    metadata = {"name": name, "namespace": "bench", "uid": name, "resourceVersion": str(version)}
    return msgspec.json.encode({"metadata": metadata, "spec": {"rules": [{"host": f"{name}-{write}.example.test"}]}})


def direct(burst: list[Batch], read: dict[str, float]) -> Rig:
    """Apply a burst by calls."""
    rig = Rig()
    handover = Handover("Ingress", rig.take, CAPACITY)
    for batch in reading(burst, read):
        handover(Changes(batch, "1"))
    return rig


def queued(burst: list[Batch], read: dict[str, float]) -> Rig:
    """Apply a burst through a queue."""
    rig, stop = Rig(), threading.Event()
    queue = KeyedQueue(rig.take, CAPACITY)
    consumer = gevent.spawn(queue.run, stop)
    for batch in reading(burst, read):
        queue.put(Changes(batch, "1"))
    stop.set()
    consumer.join()
    return rig


def reading(burst: list[Batch], read: dict[str, float]) -> Iterator[Batch]:
    """Yield batches as a socket that always has more does, with a turn for others where the reflector gives one."""
    turn_ends = time.perf_counter()
    for batch in burst:
        if time.perf_counter() > turn_ends:
            gevent.sleep(1e-6)
            turn_ends = time.perf_counter() + 0.003
        now = time.perf_counter()
        for event in batch:
            read[event.object.metadata.resource_version] = now
        yield batch


def handover() -> Rows:
    """Measure both ways on each case, the best of several."""
    rows: Rows = []
    for case, (objects, writes) in CASES.items():
        burst = batches(objects, writes)
        best = {
            name: min((measured(way, burst) for _ in range(REPETITIONS)), key=lambda each: each[0])
            for name, way in {"floor": direct, "keyed-queue": queued}.items()
        }
        for name, (cpu, p50, p99, events) in best.items():
            ratio = None if name == "floor" else cpu / best["floor"][0]
            rows += [
                row(case, SUBJECTS[name], "cpu_us_per_object", round(cpu, 2), "us", ratio),
                row(case, SUBJECTS[name], "to_catalog_p50_ms", round(p50, 3), "ms"),
                row(case, SUBJECTS[name], "to_catalog_p99_ms", round(p99, 3), "ms"),
                row(case, SUBJECTS[name], "events", events, ""),
            ]
    return rows


SUBJECTS = {"floor": "portal", "keyed-queue": "keyed-queue"}


def measured(
    way: Callable[[list[Batch], dict[str, float]], Rig], burst: list[Batch]
) -> tuple[float, float, float, int]:
    """Return CPU microseconds per object, median and 99th percentile of the way to the catalog in ms, and events."""
    read: dict[str, float] = {}
    count = sum(len(batch) for batch in burst)
    began = time.process_time()
    rig = way(burst, read)
    cpu = (time.process_time() - began) / count * 1e6
    waits = quantiles((1000 * (at - read[version]) for version, at in rig.applied.items()), n=100)
    return cpu, waits[49], waits[98], rig.events
