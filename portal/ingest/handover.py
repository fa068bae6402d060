"""Between a watch and the catalog: a direct call, a bounded number of objects at a time, each of them once.

There is no queue. While a call has not returned nothing is read from the socket, so a burst waits in the buffers of the
connection and then at the API server, and what is read is applied when the reader goes on: a position that is reported
counts as applied. Why: docs/decisions/0005-no-queue-between-watch-and-catalog.md.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from portal.kube.reflector import Changes, Replaced
from portal.pace import Pace

BUCKETS: Final = (0.0001, 0.001, 0.01, 0.1, 1, 10)

Deliver = Callable[[Replaced[Any] | Changes[Any]], None]


class HandoverMetrics:
    """What can be counted between watches and the catalog, by source."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        registry = registry or CollectorRegistry()
        self.waiting = Gauge(
            "portal_ingest_waiting_objects",
            "Objects that were read and are not in the catalog yet",
            ["source"],
            registry=registry,
        )
        self.merged = Counter(
            "portal_ingest_merged_events",
            "Events that a later one of the same object made needless before they were applied",
            ["source"],
            registry=registry,
        )
        self.seconds = Histogram(
            "portal_ingest_wait_seconds",
            "Seconds from what was read together to its last object in the catalog",
            ["source"],
            buckets=BUCKETS,
            registry=registry,
        )


class Handover:
    """Hands what a reflector delivers on to `take`, changes at most `capacity` at a time."""

    def __init__(
        self,
        title: str,
        take: Deliver,
        capacity: int,
        metrics: HandoverMetrics | None = None,
        *,
        clock: Callable[[], float] = time.perf_counter,
        pace: Pace | None = None,
    ) -> None:
        metrics = metrics or HandoverMetrics()
        self._title = title
        self._metrics = metrics
        self._take = take
        self._capacity = capacity
        self._waiting = 0
        metrics.waiting.labels(title).set_function(lambda: float(self._waiting))
        self._merged = metrics.merged.labels(title)
        self._seconds = metrics.seconds.labels(title)
        self._clock = clock
        self._pace = pace or Pace()

    def __call__(self, delivery: Replaced[Any] | Changes[Any]) -> None:
        """Return when all that was delivered is in the catalog."""
        began = self._clock()
        try:
            if isinstance(delivery, Replaced):
                self._waiting = len(delivery.objects)
                self._take(delivery)
            else:
                self._take_in_parts(delivery)
        finally:
            self._waiting = 0
            self._seconds.observe(self._clock() - began)

    def forget(self) -> None:
        """Take its series out of the metrics, when what it hands on is no longer wanted."""
        for metric in (self._metrics.waiting, self._metrics.merged, self._metrics.seconds):
            metric.remove(self._title)

    def _take_in_parts(self, delivery: Changes[Any]) -> None:
        events = list(
            {(data.namespace, data.name): each for each in delivery.events for data in [each.object.metadata]}.values()
        )
        count = len(events)
        if count < len(delivery.events):
            self._merged.inc(len(delivery.events) - count)
        for start in range(0, count, self._capacity):
            if start:
                self._pace.give_way()
            self._waiting = count - start
            self._take(Changes(events[start : start + self._capacity], delivery.resource_version))
