"""A house for the tests of the web: a real catalog, and plain values that may change while it is asked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from flask.testing import FlaskClient
from msgspec import Struct, structs
from prometheus_client import CollectorRegistry

from portal.availability.history import AvailabilityHistory
from portal.catalog.state import Catalog
from portal.model import Application, Bookmark, Change, Entry, Position, ResourceStatus, SyncStatus
from portal.web.app import create_app
from portal.web.cache import AnswerCache
from portal.web.house import Check, FetchIcon, House, PageOptions

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
SYNCED = SyncStatus(
    status="completed",
    step="done",
    total_resources=2,
    synced_resources=2,
    start_time=NOON,
    end_time=NOON,
    duration_ms=5234,
    resource_status=(
        ResourceStatus(name="Ingress", status="completed", count=3, since=NOON, last_contact=NOON),
        ResourceStatus(name="Route", status="absent", since=NOON),
    ),
)


class HouseState(Struct):
    """What the house answers now."""

    catalog: Catalog
    page: PageOptions = PageOptions(version="1.2.3")
    sync: SyncStatus = SYNCED
    sync_version: int = 1
    head: Position = Position("e", 1)
    ready: tuple[Check, ...] = (Check("sources", up=True, data={"synced": "2/2"}),)
    histories: dict[str, AvailabilityHistory] = {}
    refreshed: int = 0
    fetch: FetchIcon | None = None

    def put(self, *entries: Entry) -> Sequence[Change]:
        """Put entries into the catalog."""
        return self.catalog.change("test", entries)

    def house(self) -> House:
        """Return the house that asks this state."""
        return House(
            snapshot=self.catalog.snapshot,
            head=lambda: self.head,
            sync=lambda: self.sync,
            sync_version=lambda: self.sync_version,
            refresh=self._refresh,
            page=lambda: self.page,
            history=self.histories.get,
            live=lambda: (Check("process", up=True),),
            ready=lambda: self.ready,
            started=lambda: (Check("started", up=True),),
            registry=CollectorRegistry(),
            cache_ttl=60,
            boot="boot",
            fetch_icon=self.fetch,
        )

    def change_page(self, **changes: object) -> None:
        """Change the page's options, as a reload of the configuration does."""
        self.page = structs.replace(self.page, config_version=self.page.config_version + 1, **changes)

    def change_sync(self, sync: SyncStatus) -> None:
        """Change the sync status."""
        self.sync, self.sync_version = sync, self.sync_version + 1

    def client(self, cache: AnswerCache | None = None) -> FlaskClient:
        """Return a client of the web application over this state."""
        return create_app(self.house(), cache=cache).test_client()

    def _refresh(self) -> None:
        self.refreshed += 1


def state(*entries: Entry) -> HouseState:
    """Return a state with these entries."""
    made = HouseState(Catalog(lambda _changes: None), histories={})
    made.put(*entries)
    return made


def application(name: str, group: str = "Media", **values: object) -> Application:
    """Return an application, of which only what matters needs to be said."""
    resource = name.lower().replace(" ", "-")
    given: dict[str, object] = {
        "id": f"local/ingress/test/{resource}",
        "cluster": "local",
        "source": "ingress",
        "namespace": "test",
        "resource_name": resource,
        "resource_version": "1",
        "name": name,
        "group": group,
        "target_blank": False,
        "location": 1000,
        "has_owner_references": False,
        "url": f"https://{resource}.example.com",
        "enabled": True,
        "available": True,
    }
    return Application(**{**given, **values})  # type: ignore[arg-type]


def bookmark(name: str, group: str = "Links", **values: object) -> Bookmark:
    """Return a bookmark."""
    resource = name.lower().replace(" ", "-")
    given: dict[str, object] = {
        "id": f"local/bookmark/test/{resource}",
        "cluster": "local",
        "source": "bookmark",
        "namespace": "test",
        "resource_name": resource,
        "resource_version": "1",
        "name": name,
        "group": group,
        "target_blank": False,
        "location": 1000,
        "has_owner_references": False,
        "url": f"https://{resource}.example.org",
    }
    return Bookmark(**{**given, **values})  # type: ignore[arg-type]
