"""The hub: every event once through one loop to the sockets of all subscribers.

There is no greenlet, timer or queue per subscriber. One flusher hands each batch to every socket with a single
non-blocking `send`; a socket that does not take it all is blocked, and one epoll says when it can go on, or that it is
gone. Everything here runs in one thread, and what has no call to `gevent.sleep` in it is never interrupted: that is why
there are no locks.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from functools import partial
from threading import Event as StopEvent

import gevent
import gevent.event
import gevent.monkey
import msgspec

from portal.model import Position, ResetReason, position_from_text, utc_now
from portal.stream.body import Stream
from portal.stream.channel import Channel
from portal.stream.desk import Desk
from portal.stream.events import UPDATES, Event, Sayable
from portal.stream.metrics import StreamMetrics
from portal.stream.options import HubOptions, Subscription
from portal.stream.past import ReadPast
from portal.stream.pull import pull, pull_events
from portal.stream.sockets import Sockets
from portal.stream.sweep import Sweeper

logger = logging.getLogger(__name__)

_TICK = 1.0
_YIELD = 1e-6  # seconds; sleep(0) would not let other requests' sockets be looked at
_POLL = 0.002
_PACE = 200.0  # streams closed per second at shutdown, or more where the time is short
_LAST_FLUSH = 1.0


class Hub:
    """The fan-out of one process: publish on one side, subscribers' sockets on the other."""

    def __init__(
        self,
        options: HubOptions | None = None,
        *,
        metrics: StreamMetrics | None = None,
        log_broadcast: Callable[[Sequence[str]], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = utc_now,
        dice: random.Random | None = None,
    ) -> None:
        self.options = options or HubOptions()
        self.metrics = metrics or StreamMetrics()
        self.desk = Desk(self.options, self.metrics, clock=clock, now=now, dice=dice)
        self._log_broadcast = log_broadcast or _log_broadcast
        self._clock = clock
        self._now = now
        self._wake = gevent.event.Event()
        self._clients = Sockets(self.desk, gevent.monkey.get_original("select", "epoll")())
        self._sweeper = Sweeper(self.options.slice, self._clients.on_short, partial(gevent.sleep, _YIELD))
        self._closing = False
        self._read_past: ReadPast = lambda _until: ()
        self.is_running = False

    @property
    def head(self) -> Position:
        """Return the position of the newest event."""
        return self.desk.updates.log.head

    def holds(self, position: Position) -> bool:
        """Return whether a reader can go on from a position, without a `RESET`."""
        return isinstance(self.desk.updates.log.after(position), int)

    def publish(self, event_type: str, data: object, *, key: str = "") -> Position:
        """Broadcast an event of any type; `data` is JSON as bytes, or anything that can be encoded to it."""
        encoded = data if isinstance(data, bytes) else msgspec.json.encode(data)
        return self.append(Event(type=event_type, timestamp=self._now(), data=encoded, key=key))

    def append(self, event: Event, position: Position | None = None) -> Position:
        """Broadcast an event on its channel, at the next position or at the one a broker gave it. Never waits."""
        result = self.desk.append(event, position)
        if event.channel == UPDATES:
            self._log_broadcast((event.type,))
        self._hand_out_soon()
        return result

    def extend(self, said: Sequence[Sayable]) -> None:
        """Broadcast events of portal's own, in this order, each at the next position. Never waits."""
        self.desk.extend(said)
        self._log_broadcast([each.type for each in said])
        self._hand_out_soon()

    def restart(
        self, head: Position, past: Sequence[tuple[Position, Event]] = (), reason: ResetReason | None = None
    ) -> None:
        """Go on in another history, after `head` and the `past` that comes with it; for a `reason`, send `RESET`."""
        for name, channel in self.desk.channels.items():
            channel.restart(head, [pair for pair in past if pair[1].channel == name], reason)
        if past:
            self.desk.advance(past[-1][0])
        self._wake.set()

    def look_back(self, read: ReadPast) -> None:
        """Ask `read` for what readers missed before this process's log begins."""
        self._read_past = read

    @property
    def clients(self) -> int:
        """Return how many streams are open."""
        return self.desk.admission.clients

    def admits(self, address: str) -> bool:
        """Return whether one more stream from `address` may open now."""
        return not self._closing and self.desk.admission.admits(address)

    def busy(self) -> bytes:
        """Return the whole body for a subscriber that is not admitted: a long `retry`, and no event."""
        return self.desk.busy()

    def stream(self, subscription: Subscription) -> Stream:
        """Return the body of a response that streams to one subscriber."""
        return Stream(self, subscription)

    def frames(self, subscription: Subscription) -> Iterator[bytes]:
        """Yield whole frames for one subscriber, for servers that keep their sockets to themselves."""
        self._wait_for(subscription)
        yield from pull(self.desk, subscription)

    def events(self, channel: str) -> Iterator[Event]:
        """Yield a channel's events from now on."""
        return pull_events(self.desk, channel)

    def attach(self, fd: int, subscription: Subscription, head: bytes) -> None:
        """Take over a connection: send the response's head, stream until one side goes; may wait for a position."""
        self._wait_for(subscription)
        if self._closing:
            self._clients.refuse(fd, head + self.desk.busy())
        else:
            self._clients.add(fd, subscription, head)

    def run(self, stop: StopEvent) -> None:
        """Hand out what is published, send heartbeats and look after slow readers until `stop` is set."""
        loop, period = gevent.get_hub().loop, self.options.look
        watcher, timer = loop.io(self._clients.fileno(), 1), loop.timer(period, period)
        watcher.start(self._clients.on_ready)
        timer.start(self._wake.set)  # one for all waits: one for each would take as long as the frame of an event
        self.is_running = True
        try:
            self._run(stop)
        finally:
            self.is_running = False
            for each in (watcher, timer):
                each.stop()
                each.close()

    def close(self, within_seconds: float) -> None:
        """End all streams in good order, spread over the given time; new ones are told to come back later."""
        self._closing = True
        self._wait_until_flushed()
        clients = self._clients.all()
        seconds = min(within_seconds, (len(clients) + self.desk.admission.clients) / _PACE)
        start = self._clock()
        self._expire_pullers(start, seconds)
        for index, client in enumerate(clients):
            early = start + seconds * index / len(clients) - self._clock()
            if early > 0:
                gevent.sleep(early)
            self._clients.dismiss(client)
        self._wake.set()

    def _run(self, stop: StopEvent) -> None:
        heartbeat = self._clock() + self.options.heartbeat_due
        tick = self._clock() + _TICK
        while not stop.is_set():
            self._wake.wait()
            self._wake.clear()
            self._flush()
            if self._clock() >= heartbeat:
                heartbeat = self._clock() + self.options.heartbeat_due
                self._send_heartbeats()
            if self._clock() >= tick:
                tick = self._clock() + _TICK
                self._look_after()

    def _hand_out_soon(self) -> None:
        if not self.is_running:
            self._flush_to_pullers()
        elif not self._wake.is_set():
            self._wake.set()

    def _flush_to_pullers(self) -> None:
        for channel in tuple(self.desk.channels.values()):
            channel.flushed = channel.log.floor = channel.log.end
            self._wake_pullers(channel)

    def _flush(self) -> None:
        for channel in tuple(self.desk.channels.values()):
            self._send_reset_due(channel)
            while channel.flushed < channel.log.end:
                self._hand_out(channel)

    def _hand_out(self, channel: Channel) -> None:
        if channel.flushed < channel.log.start:
            channel.flushed, channel.reset_due = channel.log.start, "slow"
            self._send_reset_due(channel)
        records = channel.advance()
        cursor = channel.flushed
        groups = tuple(channel.groups.values())
        sweeps = [(group.turn(), channel.bytes_of(group.view, records)) for group in groups]
        self._wake_pullers(channel)
        for turn, data in sweeps:
            if data:
                self._sweeper.sweep(turn, data, cursor)
                self.metrics.delivered.number += len(turn.clients) * len(records)
        if channel.flushed < channel.log.end:
            gevent.sleep(_YIELD)

    def _send_reset_due(self, channel: Channel) -> None:
        reason, channel.reset_due = channel.reset_due, None
        if reason is None:
            return
        self._wake_pullers(channel)
        for group in tuple(channel.groups.values()):
            self._sweeper.sweep(group.turn(), self.desk.reset(channel, group.view, reason), channel.flushed)

    @staticmethod
    def _wake_pullers(channel: Channel) -> None:
        for puller in [puller for group in channel.groups.values() for puller in group.pullers]:
            puller.wake.set()

    def _send_heartbeats(self) -> None:
        for channel in tuple(self.desk.channels.values()):
            for group in tuple(channel.groups.values()):
                self._sweeper.sweep(group.turn(), self.desk.heartbeat(channel, group.view), channel.flushed)

    def _look_after(self) -> None:
        for channel in tuple(self.desk.channels.values()):
            channel.log.trim()
            channel.past.forget()
        self._clients.look_after()
        self.metrics.hub_stall.set(self._sweeper.take_longest_hold())

    def _expire_pullers(self, start: float, seconds: float) -> None:
        groups = [group for channel in self.desk.channels.values() for group in channel.groups.values()]
        pullers = [puller for group in groups for puller in group.pullers]
        for index, puller in enumerate(pullers):
            puller.expires = start + seconds * index / len(pullers)
            puller.wake.set()

    def _wait_for(self, subscription: Subscription) -> None:
        channel = self.desk.channel(subscription.channel)
        until = self._clock() + self.options.wait_for_position
        while channel.is_waiting_for(subscription.last_event_id) and self._clock() < until:
            gevent.sleep(_POLL)
        position = position_from_text(subscription.last_event_id)
        if position is not None:
            channel.past.fetch(position, self._read_past, self.options.wait_for_position)

    def _wait_until_flushed(self) -> None:
        until = self._clock() + _LAST_FLUSH
        while self._clock() < until and self._unflushed(self.desk.channels.values()):
            gevent.sleep(_POLL)

    @staticmethod
    def _unflushed(channels: Iterable[Channel]) -> bool:
        return any(channel.flushed < channel.log.end for channel in channels)


def _log_broadcast(event_types: Sequence[str]) -> None:
    for each in event_types:
        logger.info("Broadcasted event: %s", each)
