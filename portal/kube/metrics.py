"""What can be counted about the reflectors, for Prometheus."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.metrics import MetricWrapperBase

from portal.model import SourceState

M = TypeVar("M", bound=MetricWrapperBase)

LABELS: Final = ("resource", "namespace")
STATES: Final[tuple[SourceState, ...]] = get_args(SourceState)


class KubeMetrics:
    """The metrics of all reflectors of a process, on one registry."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        registry = registry or CollectorRegistry()

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"portal_reflector_{name}", text, (*LABELS, *labels), registry=registry)

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(f"portal_reflector_{name}", text, (*LABELS, *labels), registry=registry)

        self.lists = counter("lists_total", "Lists begun")
        self.list_seconds = Histogram(
            "portal_reflector_list_duration_seconds",
            "Seconds from the first page to the last",
            LABELS,
            registry=registry,
        )
        self.list_items = gauge("list_items", "Objects on the last list")
        self.watches = counter("watches_total", "Watches begun")
        self.short_watches = counter("short_watches_total", "Watches that ended at once and without a word")
        self.watch_events = counter("watch_events_total", "Events handed on", "type")
        self.marks = counter("bookmarks_total", "Progress marks received")
        self.relists = counter("relists_total", "Complete lists, by why they were needed", "reason")
        self.errors = counter("errors_total", "Failures, by HTTP status or by kind where there was none", "code")
        self.drift = counter("drift_total", "Objects that a list showed differently than the watch had told")
        self.duplicates = counter(
            "duplicates_dropped_total", "Events dropped because they were not newer than those before"
        )
        self.decode_errors = counter("decode_errors_total", "Fields, objects and lines that could not be read")
        self.unknown = counter("unknown_events_total", "Events of a type that is not known", "type")
        self.epoch = gauge("epoch", "How often the API server was found to have gone back in time")
        self.last_resource_version = gauge(
            "last_resource_version", "The resourceVersion up to which everything is known"
        )
        self.staleness = gauge("staleness_seconds", "Seconds since something was last heard of the API server")
        self.synced = gauge("synced", "1 while what is held follows the API server")
        self.state = gauge("state", "1 for the state that the reflector is in", "state")

    def of(self, resource: str, namespace: str) -> ReflectorMetrics:
        """Return the metrics of one reflector."""
        return ReflectorMetrics(self, resource, namespace)


class ReflectorMetrics:
    """The metrics of one reflector; what is counted per batch is looked up once."""

    def __init__(self, of: KubeMetrics, resource: str, namespace: str) -> None:
        self._of = of
        self._labels = (resource, namespace)
        self._series: dict[tuple[MetricWrapperBase, tuple[str, ...]], None] = {}
        self.lists = self._one(of.lists)
        self.list_seconds = self._one(of.list_seconds)
        self.list_items = self._one(of.list_items)
        self.watches = self._one(of.watches)
        self.drift = self._one(of.drift)
        self.decode_errors = self._one(of.decode_errors)
        self.events = {kind: self._one(of.watch_events, kind) for kind in ("ADDED", "MODIFIED", "DELETED")}
        self._plain = {
            "duplicates": of.duplicates,
            "damaged": of.decode_errors,
            "marks": of.marks,
            "short": of.short_watches,
        }
        self._labelled = {"errors": of.errors, "relists": of.relists, "unknown": of.unknown}

    def count(self, what: str, number: int, label: str) -> None:
        """Count something that the machine reported."""
        if what in self._plain:
            self._one(self._plain[what]).inc(number)
        elif what in self._labelled:
            self._one(self._labelled[what], label).inc(number)

    def follow(self, staleness: Callable[[], float], version: Callable[[], float], epoch: Callable[[], float]) -> None:
        """Ask for the staleness, the version and the epoch whenever somebody looks."""
        self._one(self._of.epoch).set_function(epoch)
        self._one(self._of.staleness).set_function(staleness)
        self._one(self._of.last_resource_version).set_function(version)

    def become(self, state: SourceState) -> None:
        """Take note of the reflector's state."""
        for each in STATES:
            self._one(self._of.state, each).set(each == state)
        self._one(self._of.synced).set(state == "completed")

    def forget(self) -> None:
        """Take every series of this reflector away: namespaces come and go, and each would leave some fifty behind."""
        for metric, labels in self._series:
            metric.remove(*labels)
        self._series.clear()

    def _one(self, metric: M, *more: str) -> M:
        labels = (*self._labels, *more)
        self._series[metric, labels] = None
        return metric.labels(*labels)
