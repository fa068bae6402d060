"""The exporter: what is known of each target as Prometheus series, read when somebody scrapes.

Nothing is counted while checking; a target that is gone has no series at the next scrape.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Protocol

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from portal.availability.belief import Reading
from portal.availability.results import Phases
from portal.availability.targets import shown_url

PHASES: Final = ("resolve", "connect", "tls", "first_byte")


class Readable(Protocol):
    """What the exporter reads from; the scheduler."""

    @property
    def in_flight(self) -> int:
        """Return how many targets are being asked."""

    @property
    def lag(self) -> float:
        """Return by how many seconds the last check began late."""

    def readings(self) -> Sequence[Reading]:
        """Return what is known of each target."""


class AvailabilityMetrics(Collector):
    """Registers itself and yields the series of every target by its URL."""

    def __init__(self, scheduler: Readable, registry: CollectorRegistry) -> None:
        self._scheduler = scheduler
        registry.register(self)

    def describe(self) -> Iterable[Metric]:
        """Return nothing: names are only known together with their values."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """Yield the families of this scrape."""
        yield GaugeMetricFamily("portal_probes_in_flight", "Targets being asked", value=self._scheduler.in_flight)
        yield GaugeMetricFamily("portal_probe_lag_seconds", "How late the last check began", value=self._scheduler.lag)
        yield from _families({shown_url(each.target.url): each for each in self._scheduler.readings()})


def _families(readings: dict[str, Reading]) -> Iterable[Metric]:
    up = _gauge("portal_probe_up", "Whether the target is believed to be up, failures confirmed")
    success = _gauge("portal_probe_success", "Whether the last check succeeded")
    duration = _gauge("portal_probe_duration_seconds", "Seconds the last check took")
    phase = _gauge("portal_probe_phase_seconds", "Seconds of the last connection by phase", "phase")
    status = _gauge("portal_probe_http_status_code", "Status of the last answer, 0 without one")
    days = _gauge("portal_probe_certificate_days", "Days until the certificate ends")
    for url, each in readings.items():
        up.add_metric((url,), each.outcome == "up")
        success.add_metric((url,), each.last.outcome == "up")
        duration.add_metric((url,), each.last.latency or 0)
        status.add_metric((url,), each.last.http_status or 0)
        for name, seconds in _spent(each.last.phases):
            phase.add_metric((url, name), seconds)
        if each.last.certificate_days is not None:
            days.add_metric((url,), each.last.certificate_days)
    return up, success, duration, phase, status, days


def _gauge(name: str, documentation: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, documentation, labels=("url", *labels))


def _spent(phases: Phases) -> Iterable[tuple[str, float]]:
    for name in PHASES:
        seconds = getattr(phases, name)
        if seconds is not None:
            yield name, seconds
