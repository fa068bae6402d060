"""Puts together what knows whether applications are up: the schedule, the view from inside, and what is remembered."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry

from portal.availability.guard import Guard
from portal.availability.memory import Memory
from portal.availability.metrics import AvailabilityMetrics
from portal.availability.plan import ScheduleOptions
from portal.availability.results import Result
from portal.availability.scheduler import Scheduler
from portal.availability.targets import CheckOptions, Target
from portal.catalog.state import Catalog
from portal.ingest.checks import Checks
from portal.ingest.endpoints import Readiness
from portal.ingest.references import References
from portal.runtime.clusters import Cluster
from portal.runtime.crew import Crew
from portal.runtime.replicas import Replicas
from portal.settings.tree import SOURCE_NAMES, Settings

SHORTEST_RETRY: Final = 1.0  # seconds; whatever is configured, what is down is not asked without a pause


class Checking:
    """Everything about availability in one process."""

    def __init__(
        self,
        settings: Settings,
        crew: Crew,
        catalog: Catalog,
        probe: Callable[[Target], Result],
        registry: CollectorRegistry,
        elsewhere: Callable[[Callable[[], None]], None],
    ) -> None:
        self._crew = crew
        said = settings.availability
        self._secrets = said.enabled and said.secret_headers
        self.scheduler = Scheduler(
            probe,
            catalog.judge,
            crew.errand,
            schedule=schedule_from_settings(settings),
            checks=checks_from_settings(settings),
        )
        AvailabilityMetrics(self.scheduler, registry)
        self.replicas = Replicas(crew, catalog, self.scheduler)
        self.readiness = Readiness(self.scheduler.endpoints)
        folder, dump, restore = settings.state.path, self.scheduler.dump, self.scheduler.restore
        self._memory = Memory(Path(folder), dump, restore, elsewhere) if folder else None

    def aside(self, references: References) -> Checks:
        """Return what hands on what objects say of their checks."""
        return Checks(self.scheduler.override, self.readiness, references, secrets=self._secrets)

    def remember(self) -> None:
        """Take up what was known before the restart; before anything is followed."""
        if self._memory:
            self._memory.restore()

    def start(self, cluster: Cluster, broker_url: str) -> None:
        """Start to ask, or to hear what another replica finds."""
        self.replicas.start(cluster, broker_url)
        if self._memory:
            self._crew.start("saved history", self._memory.run)

    def configure(self, settings: Settings) -> None:
        """Ask by other settings from now on."""
        self.scheduler.configure(checks_from_settings(settings), schedule_from_settings(settings))

    def save(self) -> None:
        """Write down what is known."""
        if self._memory:
            self._memory.save()


def checks_from_settings(settings: Settings) -> CheckOptions:
    """Return how everything is asked; where availability is off, that nothing is."""
    said = settings.availability
    return CheckOptions(
        timeout=said.timeout,
        interval=said.interval,
        ignore_certificates=said.ignore_certificates,
        ca_file=said.ca_file or None,
        guard=Guard(
            loopback="loopback" not in said.forbidden_addresses, private="private" not in said.forbidden_addresses
        ),
        off=frozenset(said.disabled_sources if said.enabled else SOURCE_NAMES),
    )


def schedule_from_settings(settings: Settings) -> ScheduleOptions:
    """Return how much is asked at a time, and how soon again."""
    said = settings.availability
    return ScheduleOptions(
        concurrency=said.concurrency,
        retry_first=max(said.initial_delay_ms / 1000, SHORTEST_RETRY),
        retry_factor=said.backoff_multiplier,
        retry_longest=max(said.max_delay_ms / 1000, SHORTEST_RETRY),
        warn_after=said.max_retries,
    )
