"""A portal on a loopback port, with a real catalog and stream, that tests change while a browser looks.

`python -m tests.browser.site` serves it with some content on port 8099 and changes a card now and then, to look at.
"""

from __future__ import annotations

import itertools
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import gevent
import yaml
from msgspec import structs

from portal.catalog.state import Catalog
from portal.model import Application, Bookmark, Entry, Health, Link, Position, SyncStatus
from portal.stream.announcer import Announcer
from portal.stream.hub import Hub
from portal.stream.options import HubOptions
from portal.web.app import create_app
from portal.web.events import events_blueprint
from portal.web.server import Server
from tests.web.houses import NOON, HouseState, application, bookmark

ENTRIES = Path(__file__).with_name("entries.yaml")
PATIENCE = 10.0
SOON = HubOptions(retry=(1000, 1000), busy_retry=(1000, 1000))


class LiveSite:
    """The whole of the web over a catalog that a test writes."""

    def __init__(self, *entries: Entry, options: HubOptions | None = None, port: int = 0) -> None:
        self.hub = Hub(options or SOON)
        self.announcer = Announcer(self.hub.extend)
        self.catalog = Catalog(lambda changes: self._announced and self.announcer.announce(changes))
        self._announced = True
        self.state = _LiveState(self.catalog, histories={}, live_hub=self.hub)
        self.put(*entries)
        self.stop = threading.Event()
        self.app = create_app(self.state.house(), blueprints=[events_blueprint(self.hub)])
        self._server = Server(self.app, "127.0.0.1", port)
        self.url = f"http://127.0.0.1:{self._server.address[1]}"
        tasks = (self.hub.run, self.announcer.run, self._server.serve)
        self._greenlets = [gevent.spawn(task, self.stop) for task in tasks]

    def put(self, *entries: Entry) -> None:
        """Add or change entries."""
        self.catalog.change("test", entries)

    def drop(self, *ids: str) -> None:
        """Remove entries."""
        self.catalog.change("test", (), ids)

    def judge(self, entry_id: str, health: Health) -> None:
        """Give an application new health."""
        self.catalog.judge({entry_id: health})

    def sync(self, status: SyncStatus) -> None:
        """Change the sync status and tell it."""
        self.state.change_sync(status)
        self.hub.publish("SYNC_STATUS", status)

    def configure(self, **changes: object) -> None:
        """Change the page's options and tell it."""
        self.state.change_page(**changes)
        self.hub.publish("CONFIG_CHANGED", {"configVersion": self.state.page.config_version})

    def quietly(self, change: Callable[[], object]) -> None:
        """Change the catalog without a word on the stream."""
        self._announced = False
        change()
        self._announced = True

    def lose_history(self) -> None:
        """Let every reader start anew, as after the loss of a broker's history."""
        self.hub.restart(Position("another", 1), reason="epoch")

    @property
    def streams(self) -> int:
        """Return how many streams are open."""
        return len(self.hub._clients)

    def wait(self, condition: Any, seconds: float = PATIENCE) -> None:
        """Wait until a condition holds."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "did not come to be"
            gevent.sleep(0.01)

    def close(self) -> None:
        """Stop everything."""
        self.stop.set()
        self.hub.close(0)
        self._server.close()
        gevent.joinall(self._greenlets, timeout=PATIENCE)


class _LiveState(HouseState):
    live_hub: Hub | None = None

    def house(self) -> Any:
        hub = self.live_hub
        assert hub is not None
        return replace(super().house(), head=lambda: hub.head)


def entries_from_file() -> Sequence[Entry]:
    """Return the content for pictures."""
    content = yaml.safe_load(ENTRIES.read_text(encoding="utf-8"))
    return [*map(_application, content["applications"]), *map(_bookmark, content["bookmarks"])]


def _application(row: list[Any]) -> Application:
    name, group, icon, info, more = row
    links = tuple(Link(f"https://{host}", host) for host in more.get("links", ()))
    made = application(name, group, icon=icon, info=info, links=links, location=more.get("location", 1000))
    made = structs.replace(made, icon_color=more.get("color"))
    if not more.keys() & {"latency", "state"}:
        return made
    state = more.get("state", "up")
    health = Health(
        state=state,
        latency_ms=more.get("latency"),
        reason=more.get("reason"),
        http_status=more.get("status"),
        ready=more.get("ready"),
        total=more.get("total"),
        since=NOON,
    )
    return structs.replace(made, health=health, available=state != "down")


def _bookmark(row: list[Any]) -> Bookmark:
    name, group, icon, info = row
    return bookmark(name, group, icon=icon, info=info or None)


def main() -> None:
    """Serve the content and change it now and then."""
    site = LiveSite(*entries_from_file(), port=int(sys.argv[1]) if len(sys.argv) > 1 else 8099)
    sys.stdout.write(f"Serving on {site.url}\n")
    sys.stdout.flush()
    lidarr = application("Lidarr", "Media", icon="mdi:album", info="Music to come")
    for turn in itertools.cycle((True, False)):
        gevent.sleep(5)
        if turn:
            site.put(lidarr)
        else:
            site.drop(lidarr.id)
        latency = 20 + int(time.time()) % 50
        site.judge("local/ingress/test/jellyfin", Health(state="up", latency_ms=latency, since=NOON))


if __name__ == "__main__":
    main()
