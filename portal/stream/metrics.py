"""What the stream counts, under `portal_sse_*`."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge


class StreamMetrics:
    """The stream's counters and gauges on one registry."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        where = registry or CollectorRegistry()
        self.clients = Gauge("portal_sse_clients", "Open event streams", registry=where)
        self.refused = Counter("portal_sse_refused", "Streams sent away because of a limit", registry=where)
        self.events = Counter("portal_sse_events", "Events published", ["type"], registry=where)
        self.coalesced = Counter("portal_sse_coalesced", "Changes merged into a later one", registry=where)
        self.resets = Counter("portal_sse_resets", "Readers sent back to a snapshot", ["reason"], registry=where)
        self.delivered = Counter("portal_sse_delivered", "Events handed to subscribers' sockets", registry=where)
        self.stalled = Counter("portal_sse_stalled", "Streams closed because nothing was read", registry=where)
        self.hub_stall = Gauge(
            "portal_sse_hub_stall_seconds", "Longest time a sweep held others up, last second", registry=where
        )
        self.broker_up = Gauge("portal_sse_broker_up", "Whether the broker is reached; 1 without one", registry=where)
        self.broker_up.set(1)
        self._events: dict[str, Counter] = {}

    def published(self, event_type: str) -> None:
        """Count an event."""
        counter = self._events.get(event_type)
        if counter is None:  # `labels` takes a lock, and there are many events of few types
            counter = self._events[event_type] = self.events.labels(event_type)
        counter.inc()
