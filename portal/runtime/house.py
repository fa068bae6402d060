"""The whole path, put together: what is delivered goes to the catalog, what changes there to caches, pages and checks.

Order matters in one place: a change leaves the caches before it is announced, so that who is told can never read what
was before.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import gevent
from msgspec import structs
from prometheus_client import CollectorRegistry

from portal.availability.results import Result
from portal.availability.targets import Target
from portal.catalog.state import Catalog
from portal.ingest.handover import HandoverMetrics
from portal.ingest.journal import Journal
from portal.ingest.saved import Shelf
from portal.ingest.sync import SyncTracker
from portal.kube.metrics import KubeMetrics
from portal.kube.outage import Outage
from portal.logs import LimitedLine, settle_all
from portal.model import Bookmark, Change, SyncStatus
from portal.resources import version
from portal.runtime.checking import Checking
from portal.runtime.clusters import Cluster
from portal.runtime.crew import Crew
from portal.runtime.feeds import is_covered, resync_from_settings, watch_from_settings
from portal.runtime.following import Following
from portal.runtime.memory import return_large_blocks, settle
from portal.runtime.reflectors import Watching
from portal.runtime.reloading import AT_START
from portal.runtime.selection import Selection
from portal.settings.tree import Settings
from portal.stream.announcer import Announcer, digest_of, undigested
from portal.stream.events import Event, Sayable
from portal.stream.hub import Hub
from portal.stream.metrics import StreamMetrics
from portal.stream.options import BrokerOptions, HubOptions
from portal.stream.redis import Broker
from portal.web.app import create_app
from portal.web.cache import AnswerCache
from portal.web.events import events_blueprint
from portal.web.house import Check, House, PageOptions, ThemeColours
from portal.web.sse import bind

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

log = logging.getLogger(__name__)

VERSION: Final = version()
BROKER_SECONDS: Final = 2.0  # how long the start waits for the past of the shared stream
SERVED_FROM_CATALOG: Final = ("page", "snapshot")


class Portal:
    """Everything that runs in one process, for one cluster."""

    def __init__(
        self, settings: Settings, cluster: Cluster, outage: Outage, crew: Crew, probe: Callable[[Target], Result]
    ) -> None:
        self.settings = settings
        self.cluster = cluster
        self.crew = crew
        self.registry = CollectorRegistry()
        self.stopping = threading.Event()
        self.config_error: str | None = None
        self.config_version = 1
        self._lines = {
            "object": LimitedLine(logging.getLogger("portal.ingest").info),
            "cache": LimitedLine(logging.getLogger("portal.web").info),
            "event": LimitedLine(logging.getLogger("portal.stream").info),
        }
        self.hub = self._hub()
        self.broker = self._broker()
        self.announcer = Announcer(
            self._publish_all,
            settings.realtime.event_debounce_ms / 1000,
            on_merged=self.hub.metrics.coalesced.inc,
            digest_of=digest_of if self.broker else undigested,
        )
        self.catalog = Catalog(self._changed)
        self.tracker = SyncTracker(self._tell_sync)
        self._is_settled = False
        self.boot = secrets.token_hex(4)
        self.cache = AnswerCache(self.boot, settings.cache.ttl)
        self.checking = Checking(settings, crew, self.catalog, probe, self.registry, in_a_thread)
        self.following = self._following(cluster, outage)
        self.selection = Selection(self.following, self.checking.readiness, crew)
        self.shelf = self._shelf()
        self._settle_announcer: Callable[[], None] = lambda: None

    def start(self) -> None:
        """Start everything but the web server."""
        return_large_blocks()
        settle()
        self.crew.start("event hub", self.hub.run)
        if self.broker:
            self.crew.start("broker reader", self.broker.read)
            self.crew.start("broker writer", self.broker.write)
            self.broker.wait_filled(BROKER_SECONDS)
        self._settle_announcer = self.crew.start("announcer", self.announcer.run)
        self.crew.start("sync status", self.tracker.run)
        self.crew.start("log sums", partial(settle_all, self._lines.values()))
        self.checking.start(self.cluster, self.settings.broker.url)
        self.follow()
        if self.shelf:
            self.crew.start("saved catalog", partial(self.shelf.run, lambda: self.tracker.ready))

    def follow(self) -> None:
        """Follow what the configuration says, from what was saved on."""
        self.tracker.start()
        self.checking.remember()
        if self.shelf:
            self.following.ages.restore(self.shelf.restore(partial(is_covered, self.settings)))
        if self.settings.watch.enabled:
            log.info("Starting Kubernetes resource watchers")
        else:
            listening = partial(self.following.on_demand.keep, lambda: self.hub.desk.admission.clients > 0)
            self.crew.start("listings for listeners", listening)
        self.selection.follow(self.settings)
        self.tracker.cleaned()

    def take(self, settings: Settings) -> None:
        """Go on under other settings, as far as a running process can."""
        self.settings = structs.replace(settings, **{name: getattr(self.settings, name) for name in AT_START})
        self.configured(None)
        self.checking.configure(self.settings)
        self.selection.follow(self.settings)

    def configured(self, error: str | None) -> None:
        """Tell everybody that the configuration is another, or that its file holds a mistake."""
        self.config_error = error
        self.config_version += 1
        self.hub.publish("CONFIG_CHANGED", {"configVersion": self.config_version})

    def stop(self, seconds: float) -> None:
        """End everything in good order within this time: what is merged is told, then streams and watches end."""
        self.stopping.set()
        log.info("Stopping Kubernetes resource watchers")
        self._settle_announcer()
        self.hub.close(seconds * 0.4)
        self.crew.disband(seconds * 0.4)
        log.info("Kubernetes resource watchers stopped")
        if self.shelf:
            self.shelf.save(unchanged_too=True)
        self.checking.save()

    def app(self) -> WSGIApplication:
        """Return the web application."""
        house = House(
            snapshot=self.catalog.snapshot,
            head=lambda: self.broker.position if self.broker else self.hub.head,
            sync=self.tracker.status,
            sync_version=lambda: self.tracker.version,
            refresh=self.following.refresh,
            page=self.page,
            history=self.checking.scheduler.history,
            live=self._alive,
            ready=self._ready,
            started=self._alive,
            registry=self.registry,
            cache_ttl=self.settings.cache.ttl,
            boot=self.boot,
        )
        events = events_blueprint(self.hub, enabled=self.settings.realtime.enabled)
        app = create_app(house, blueprints=[events], cache=self.cache)
        bind(app, self.hub, self._publish)
        return app

    def page(self) -> PageOptions:
        """Return what the configuration says about the page."""
        web, realtime = self.settings.web, self.settings.realtime
        light, dark = web.theme.light, web.theme.dark
        return PageOptions(
            title=web.title,
            version=VERSION,
            github_link=web.github_link.enabled,
            refresh_interval=web.refresh_interval,
            search_engine=web.search_engine,
            default_language=self.settings.default_language,
            light=ThemeColours(*(getattr(light, name) for name in ThemeColours.__struct_fields__)),
            dark=ThemeColours(*(getattr(dark, name) for name in ThemeColours.__struct_fields__)),
            realtime_enabled=realtime.enabled,
            heartbeat_interval=realtime.heartbeat_interval,
            config_version=self.config_version,
            config_error=self.config_error,
        )

    def _changed(self, changes: Sequence[Change]) -> None:
        kinds = set(map(kind_of, changes))
        self.cache.invalidate((*(f"{kind}s" for kind in kinds), *SERVED_FROM_CATALOG))
        for kind in sorted(kinds):
            self._lines["cache"]("Invalidated %s caches due to resource changes", kind)
        asks = self.checking.replicas.asks
        self.announcer.announce(changes if asks else [each for each in changes if not each.only_health])
        self.checking.scheduler.follow(changes)
        self.checking.replicas.complete(changes)

    def _tell_sync(self, status: SyncStatus) -> None:
        """Tell everybody how far the synchronisation is; once it is complete, what is here is here to stay."""
        self.hub.publish("SYNC_STATUS", status, key="sync")
        if status.status == "completed" and not self._is_settled:
            self._is_settled = True
            settle()

    def _alive(self) -> tuple[Check, ...]:
        """Tell whether nothing that runs for ever has ended; a start that waits for its API server is alive too."""
        return (Check("greenlets", up=not self.crew.failed.is_set()),)

    def _ready(self) -> tuple[Check, ...]:
        is_listed = self.tracker.ready or not self.settings.watch.enabled
        return (Check("sources listed", up=is_listed), Check("not stopping", up=not self.stopping.is_set()))

    def _shelf(self) -> Shelf | None:
        if not self.settings.state.path:
            return None
        return Shelf(Path(self.settings.state.path), self.catalog, elsewhere=in_a_thread)

    def _hub(self) -> Hub:
        realtime = self.settings.realtime
        options = HubOptions(
            heartbeat=realtime.heartbeat_interval,
            max_clients=realtime.max_clients,
            max_per_address=realtime.max_per_address,
        )
        return Hub(options, metrics=StreamMetrics(self.registry), log_broadcast=self._say_broadcast)

    def _broker(self) -> Broker | None:
        """Return what shares events with other replicas, where there is a broker."""
        url = self.settings.broker.url
        if not url:
            return None
        hear = lambda event: self.checking.replicas.hear(event)  # noqa: E731, PLW0108 - as below
        settled = lambda: self.tracker.ready and not self.following.ages.restored  # noqa: E731 - asked later, when they exist
        return Broker(BrokerOptions(url=url), self.hub, metrics=self.hub.metrics, is_settled=settled, on_event=hear)

    def _publish(self, event: Event) -> None:
        """Say an event to every replica, or to this one where it stands alone."""
        if self.broker:
            self.broker.publish(event)
        else:
            self.hub.append(event)

    def _publish_all(self, said: Sequence[Sayable]) -> None:
        """Say events about entries likewise."""
        if self.broker:
            for each in said:
                self.broker.publish(each.written())
        else:
            self.hub.extend(said)

    def _say_broadcast(self, event_types: Sequence[str]) -> None:
        """Say what was broadcast; how far the synchronisation is says itself elsewhere, in words."""
        line, types = self._lines["event"], [each for each in event_types if each != "SYNC_STATUS"]
        for each in types[: line.room(len(types))]:
            line.write("Broadcasted event: %s", each)

    def _following(self, cluster: Cluster, outage: Outage) -> Following:
        watching = Watching(
            watch_from_settings(self.settings),
            outage,
            KubeMetrics(self.registry),
            HandoverMetrics(self.registry),
            self.settings.watch.queue.capacity,
            resync_from_settings(self.settings),
            self.announcer.announce,
        )
        journal = Journal(self._lines["object"], self.registry)
        return Following(cluster, self.crew, self.catalog, self.tracker, journal, watching, aside=self.checking.aside)


def in_a_thread(work: Callable[[], None]) -> None:
    """Do work that waits for a disk, while other greenlets go on."""
    gevent.get_hub().threadpool.apply(work)


def kind_of(change: Change) -> str:
    """Return what kind of entry a change is of."""
    return "bookmark" if isinstance(change.after or change.before, Bookmark) else "application"
