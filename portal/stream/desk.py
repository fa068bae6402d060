"""The desk: where subscribers are let in, told where they start, and counted, whichever way their bytes travel."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from datetime import datetime

from portal.model import Position, ResetReason, utc_now
from portal.stream.admission import Admission
from portal.stream.channel import Channel
from portal.stream.clients import Backlog, Group
from portal.stream.events import UPDATES, Event, Sayable
from portal.stream.frames import farewell, heartbeat_frame, opening, reset_frame
from portal.stream.log import EventLog
from portal.stream.metrics import StreamMetrics
from portal.stream.options import HubOptions, Subscription
from portal.stream.views import View

_AGE_SPREAD = 0.2


class Desk:
    """Channels, admission and the frames that are not events."""

    def __init__(
        self,
        options: HubOptions,
        metrics: StreamMetrics,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = utc_now,
        dice: random.Random | None = None,
    ) -> None:
        self.options = options
        self.metrics = metrics
        self.clock = clock
        self.now = now
        self.channels: dict[str, Channel] = {}
        self.updates = self.channel(UPDATES)
        self.admission = Admission(options.max_clients, options.max_per_address)
        self._dice = dice or random.Random()  # noqa: S311 - jitter, not a secret

    def channel(self, name: str) -> Channel:
        """Return a channel by name, a new one where there is none."""
        found = self.channels.get(name)
        if found is None:
            log = EventLog(self.options.log, clock=self.clock)
            if name != UPDATES and self.updates.log.shared:
                log.restart(self.updates.log.head)
            found = self.channels[name] = Channel(name, log, self.options.batch)
        return found

    def append(self, event: Event, position: Position | None) -> Position:
        """Put an event into its channel's log."""
        record = self.channel(event.channel).log.append(event, position)
        if position is not None:
            self.advance(position)
        self.metrics.events.counts[event.type] += 1
        return record.position

    def advance(self, position: Position) -> None:
        """Take note that the stream which all channels share has come to a position."""
        for channel in self.channels.values():
            channel.log.head = position

    def extend(self, said: Sequence[Sayable]) -> None:
        """Put events of portal's own into their log."""
        self.updates.log.extend(said)
        for each in said:
            self.metrics.events.counts[each.type] += 1

    def enter(self, subscription: Subscription) -> tuple[Group, Backlog]:
        """Let a subscriber in; return its group and what it gets first: the opening, and a `RESET` where one is due."""
        channel = self.channel(subscription.channel)
        group = channel.group(subscription.view)
        self.admission.enter(subscription.address)
        self.metrics.clients.inc()
        start = channel.cursor(subscription.last_event_id)
        backlog = Backlog(opening(self._dice.randint(*self.options.retry)), channel.flushed, self.clock(), exact=True)
        earlier = channel.earlier(subscription.last_event_id) if start == "gap" else None
        if earlier is not None:
            backlog.earlier, backlog.cursor = earlier.records, earlier.cursor
        elif isinstance(start, int):
            backlog.cursor = start
        else:
            backlog.data += self.reset(channel, subscription.view, start)
        return group, backlog

    def leave(self, group: Group, address: str) -> None:
        """Count a subscriber that left; call after it left its group."""
        self.admission.leave(address)
        self.metrics.clients.dec()
        channel = self.channels[group.channel]
        channel.leave(group)
        if not channel.groups and channel.name != UPDATES and channel.log.start == channel.log.end:
            del self.channels[channel.name]

    def refill(self, group: Group, backlog: Backlog) -> None:
        """Put what a reader gets next into `backlog`, behind what it has not got.

        Who is too far behind gets `RESET`; who resumes gets what it missed, whole, and then a `HEARTBEAT`.
        """
        channel = self.channels[group.channel]
        rest = backlog.data[backlog.offset :]
        lost = channel.lost(backlog.cursor)
        if lost is not None:
            backlog.skip(self.reset(channel, group.view, lost), channel.flushed)
            return
        data = self._next(channel, group.view, backlog)
        if backlog.exact and not backlog.earlier and backlog.cursor >= channel.flushed:
            data += self.heartbeat(channel, group.view)
            backlog.exact = False
        backlog.data, backlog.offset = rest + data, 0
        backlog.kept = min(backlog.kept, len(rest))

    @staticmethod
    def _next(channel: Channel, view: View, backlog: Backlog) -> bytes:
        if backlog.earlier:
            data, count = channel.first_of(view, backlog.earlier)
            backlog.earlier = backlog.earlier[count:]
        else:
            data, backlog.cursor = channel.batch(view, backlog.cursor, exact=backlog.exact)
        return data

    def skip_if_slow(self, group: Group, backlog: Backlog) -> None:
        """Skip a reader ahead that is further behind than the policy allows."""
        channel = self.channels[group.channel]
        reason = channel.lost(backlog.cursor)
        if reason is None and not backlog.exact and self.options.is_slow(channel.lag(backlog.cursor, self.clock())):
            reason = "slow"
        if reason is not None:
            backlog.skip(self.reset(channel, group.view, reason), channel.flushed)

    def heartbeat(self, channel: Channel, view: View) -> bytes:
        """Return a heartbeat with the position of what has been handed out."""
        return heartbeat_frame(channel.position, self.now(), view.form)

    def reset(self, channel: Channel, view: View, reason: ResetReason) -> bytes:
        """Return a `RESET`, and count it."""
        self.metrics.resets.labels(reason).inc()
        return reset_frame(channel.position, self.now(), view.form, reason)

    def farewell(self) -> bytes:
        """Return the last bytes of a stream that ends in good order."""
        return farewell(self._dice.randint(*self.options.retry))

    def busy(self) -> bytes:
        """Return the whole answer to a subscriber that is sent away for now."""
        self.metrics.refused.inc()
        return farewell(self._dice.randint(*self.options.busy_retry))

    def expiry(self) -> float:
        """Return when a stream that opens now has lived long enough."""
        spread = self._dice.uniform(1 - _AGE_SPREAD, 1 + _AGE_SPREAD)
        return self.clock() + self.options.max_age * spread
