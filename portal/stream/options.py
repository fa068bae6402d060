"""How the stream behaves: its limits and rhythms, and what a subscriber asks for."""

from __future__ import annotations

from msgspec import Struct

from portal.stream.channel import Batch, Lag
from portal.stream.events import UPDATES
from portal.stream.log import LogOptions
from portal.stream.views import View


class HubOptions(Struct, frozen=True, kw_only=True):
    """The hub's policies; durations in seconds, `retry` ranges in milliseconds. `max_per_address` 0 means no limit."""

    heartbeat: float = 15.0
    max_clients: int = 20_000
    max_per_address: int = 0
    log: LogOptions = LogOptions()
    batch: Batch = Batch()
    lag: Lag = Lag(frames=1024, bytes=1 << 20, seconds=10.0)
    stall: float = 30.0
    max_age: float = 900.0
    slice: float = 0.002
    retry: tuple[int, int] = (2000, 5000)
    busy_retry: tuple[int, int] = (15_000, 60_000)
    wait_for_position: float = 1.0

    @property
    def heartbeat_due(self) -> float:
        """Return the seconds from one heartbeat to the next: a little less than what is promised as the longest."""
        return self.heartbeat * 0.9

    @property
    def look(self) -> float:
        """Return the seconds between two looks at the clock, so few that no heartbeat comes later than promised."""
        return min(1.0, self.heartbeat - self.heartbeat_due)

    def is_slow(self, lag: Lag) -> bool:
        """Return whether a reader so far behind is to be skipped ahead."""
        return lag.frames > self.lag.frames or lag.bytes > self.lag.bytes or lag.seconds > self.lag.seconds


class Subscription(Struct, frozen=True):
    """What one subscriber asks for: a view of a channel, from the position after `last_event_id`."""

    view: View = View()
    last_event_id: str = ""
    address: str = ""
    channel: str = UPDATES


class BrokerOptions(Struct, frozen=True, kw_only=True):
    """Where the broker is and how it is used; durations in seconds, `keep`, `fill` and `queue` in events."""

    url: str
    name: str = "portal"
    keep: int = 10_000
    fill: int = 2000
    queue: int = 1000
    block: float = 1.0
    timeout: float = 1.0
    hold: float = 1.0
    reconcile: float = 2.0
