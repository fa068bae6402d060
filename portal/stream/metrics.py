"""What the stream counts, under `portal_sse_*`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector


class Tally(Collector):
    """A counter by one label, for what is counted so often that a lock each time would show."""

    def __init__(self, name: str, text: str, label: str) -> None:
        self.counts: defaultdict[str, int] = defaultdict(int)
        self._name = name
        self._text = text
        self._label = label

    def collect(self) -> Iterator[CounterMetricFamily]:
        """Yield what has been counted."""
        family = CounterMetricFamily(self._name, self._text, labels=[self._label])
        for value, count in self.counts.items():
            family.add_metric([value], count)
        yield family


class Count(Collector):
    """A counter without labels, likewise."""

    def __init__(self, name: str, text: str) -> None:
        self.number = 0
        self._name = name
        self._text = text

    def collect(self) -> Iterator[CounterMetricFamily]:
        """Yield what has been counted."""
        yield CounterMetricFamily(self._name, self._text, value=self.number)


class StreamMetrics:
    """The stream's counters and gauges on one registry."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        where = registry or CollectorRegistry()
        self.clients = Gauge("portal_sse_clients", "Open event streams", registry=where)
        self.refused = Counter("portal_sse_refused", "Streams sent away because of a limit", registry=where)
        self.events = Tally("portal_sse_events", "Events published", "type")
        where.register(self.events)
        self.coalesced = Counter("portal_sse_coalesced", "Changes merged into a later one", registry=where)
        self.resets = Counter("portal_sse_resets", "Readers sent back to a snapshot", ["reason"], registry=where)
        self.delivered = Count("portal_sse_delivered", "Events handed to subscribers' sockets")
        where.register(self.delivered)
        self.stalled = Counter("portal_sse_stalled", "Streams closed because nothing was read", registry=where)
        self.hub_stall = Gauge(
            "portal_sse_hub_stall_seconds", "Longest time a sweep held others up, last second", registry=where
        )
        self.broker_up = Gauge("portal_sse_broker_up", "Whether the broker is reached; 1 without one", registry=where)
        self.broker_up.set(1)
