"""The hub: every event once through one loop to the sockets of all subscribers.

There is no greenlet, timer or queue per subscriber. One flusher hands each batch to every socket with a single
non-blocking `send`; a socket that does not take it all is blocked, and one epoll says when it can go on, or that it is
gone. Everything here runs in one thread, and what has no call to `gevent.sleep` in it is never interrupted: that is why
there are no locks.
"""

from __future__ import annotations

import contextlib
import logging
import random
import select
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from threading import Event as StopEvent

import gevent
import gevent.event
import gevent.monkey
import msgspec

from portal.model import Position, ResetReason
from portal.stream.channel import Channel
from portal.stream.clients import Backlog, Client, Group, prepare
from portal.stream.desk import Desk
from portal.stream.events import UPDATES, Event, utc_now
from portal.stream.metrics import StreamMetrics
from portal.stream.options import HubOptions, Subscription
from portal.stream.pull import pull, pull_events

logger = logging.getLogger(__name__)

_YIELD = 1e-6  # seconds; sleep(0) would not let other requests' sockets be looked at
_LOOK_AT_CLOCK = 31  # sends between two looks at the clock, less one: some 100 µs
_TICK = 1.0
_POLL = 0.002
_WAKES = 64  # sockets per turn of the loop
_ROUNDS = 4  # batches per wake, before others have their turn
_PACE = 200.0  # streams closed per second at shutdown, or more where the time is short
_LAST_FLUSH = 1.0


class Hub:
    """The fan-out of one process: publish on one side, subscribers' sockets on the other."""

    def __init__(
        self,
        options: HubOptions | None = None,
        *,
        metrics: StreamMetrics | None = None,
        log_broadcast: Callable[[str], None] | None = None,
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
        self._epoll: select.epoll = gevent.monkey.get_original("select", "epoll")()
        self._clients: dict[int, Client] = {}
        self._closing = False
        self.is_running = False

    @property
    def head(self) -> Position:
        """Return the position of the newest event."""
        return self.desk.updates.log.head

    def publish(self, event_type: str, data: object, *, key: str = "") -> Position:
        """Broadcast an event of any type; `data` is JSON as bytes, or anything that can be encoded to it."""
        encoded = data if isinstance(data, bytes) else msgspec.json.encode(data)
        return self.append(Event(type=event_type, timestamp=self._now(), data=encoded, key=key))

    def append(self, event: Event, position: Position | None = None) -> Position:
        """Broadcast an event on its channel, at the next position or at the one a broker gave it. Never waits."""
        result = self.desk.append(event, position)
        if event.channel == UPDATES:
            self._log_broadcast(event.type)
        if self.is_running:
            self._wake.set()
        else:
            self._flush_to_pullers()
        return result

    def restart(
        self, head: Position, past: Sequence[tuple[Position, Event]] = (), reason: ResetReason | None = None
    ) -> None:
        """Go on in another history, after `head` and the `past` that comes with it; for a `reason`, send `RESET`."""
        for name, channel in self.desk.channels.items():
            channel.restart(head, [pair for pair in past if pair[1].channel == name], reason)
        self._wake.set()

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
        sock = prepare(fd, self.options.stall)
        self._wait_for(subscription)
        if self._closing:
            with contextlib.suppress(OSError):
                sock.send(head + self.desk.busy())
            sock.close()
            return
        group, backlog = self.desk.enter(subscription)
        client = Client(sock, group, subscription.address, self.desk.expiry())
        self._clients[client.fd] = client
        self._epoll.register(client.fd, select.EPOLLRDHUP)
        backlog.data = head + backlog.data
        backlog.kept = len(backlog.data)
        self.desk.refill(group, backlog)
        self._pump(client, backlog)

    def run(self, stop: StopEvent) -> None:
        """Hand out what is published, send heartbeats and look after slow readers until `stop` is set."""
        watcher = gevent.get_hub().loop.io(self._epoll.fileno(), 1)
        watcher.start(self._on_sockets)
        self.is_running = True
        try:
            self._run(stop)
        finally:
            self.is_running = False
            watcher.stop()
            watcher.close()

    def close(self, within_seconds: float) -> None:
        """End all streams in good order, spread over the given time; new ones are told to come back later."""
        self._closing = True
        self._wait_until_flushed()
        clients = list(self._clients.values())
        seconds = min(within_seconds, (len(clients) + self.desk.admission.clients) / _PACE)
        start = self._clock()
        self._expire_pullers(start, seconds)
        for index, client in enumerate(clients):
            early = start + seconds * index / len(clients) - self._clock()
            if early > 0:
                gevent.sleep(early)
            self._dismiss(client)
        self._wake.set()

    def _run(self, stop: StopEvent) -> None:
        heartbeat = self._clock() + self.options.heartbeat_due
        tick = self._clock() + _TICK
        while not stop.is_set():
            self._wake.wait(max(0.0, min(heartbeat, tick) - self._clock()))
            self._wake.clear()
            self._flush()
            if self._clock() >= heartbeat:
                heartbeat = self._clock() + self.options.heartbeat_due
                self._send_heartbeats()
            if self._clock() >= tick:
                tick = self._clock() + _TICK
                self._look_after()

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
        sweeps = [(list(group.live.values()), channel.bytes_of(group.view, records)) for group in groups]
        self._wake_pullers(channel)
        for clients, data in sweeps:
            if data:
                self._sweep(clients, data, cursor)
                self.metrics.delivered.inc(len(clients) * len(records))
        if channel.flushed < channel.log.end:
            gevent.sleep(_YIELD)

    def _send_reset_due(self, channel: Channel) -> None:
        reason, channel.reset_due = channel.reset_due, None
        if reason is None:
            return
        self._wake_pullers(channel)
        for group in tuple(channel.groups.values()):
            self._sweep(list(group.live.values()), self.desk.reset(channel, group.view, reason), channel.flushed)

    @staticmethod
    def _wake_pullers(channel: Channel) -> None:
        for puller in [puller for group in channel.groups.values() for puller in group.pullers]:
            puller.wake.set()

    def _sweep(self, clients: list[Client], data: bytes, cursor: int) -> None:
        size = len(data)
        slice_seconds = self.options.slice
        perf_counter = time.perf_counter
        until = perf_counter() + slice_seconds
        for index, client in enumerate(clients):
            try:
                sent = client.send(data)
            except BlockingIOError:
                sent = 0
            except OSError:
                sent = -1
            if sent != size:
                self._on_short(client, data, sent, cursor)
            if not index & _LOOK_AT_CLOCK and perf_counter() > until:
                gevent.sleep(_YIELD)
                until = perf_counter() + slice_seconds

    def _on_short(self, client: Client, data: bytes, sent: int, cursor: int) -> None:
        if sent < 0:
            self._drop(client)
        elif self._clients.get(client.fd) is client:
            self._block(client, Backlog(data, cursor, self._clock(), offset=sent))

    def _pump(self, client: Client, backlog: Backlog) -> None:
        channel = self.desk.channels[client.group.channel]
        try:
            for _ in range(_ROUNDS):
                if not client.write(backlog, self._clock()):
                    break
                if backlog.cursor >= channel.flushed and not backlog.exact:
                    self._unblock(client)
                    return
                self.desk.refill(client.group, backlog)
        except OSError:
            self._drop(client)
        else:
            self._block(client, backlog)

    def _block(self, client: Client, backlog: Backlog) -> None:
        client.group.live.pop(client.fd, None)
        client.group.blocked[client.fd] = (client, backlog)
        self._epoll.modify(client.fd, select.EPOLLRDHUP | select.EPOLLOUT)

    def _unblock(self, client: Client) -> None:
        if client.group.blocked.pop(client.fd, None):
            self._epoll.modify(client.fd, select.EPOLLRDHUP)
        client.group.live[client.fd] = client

    def _on_sockets(self) -> None:
        for fd, flags in self._epoll.poll(0, _WAKES):
            client = self._clients.get(fd)
            if client is None:
                continue
            if flags & ~select.EPOLLOUT:
                self._drop(client)
            elif fd in client.group.blocked:
                self._pump(*client.group.blocked[fd])

    def _drop(self, client: Client, *, abort: bool = False) -> None:
        if self._clients.get(client.fd) is not client:
            return
        del self._clients[client.fd]
        with contextlib.suppress(OSError):
            self._epoll.unregister(client.fd)
        client.group.live.pop(client.fd, None)
        client.group.blocked.pop(client.fd, None)
        client.send = len  # a sweep under way still has it on its list
        self.desk.leave(client.group, client.address)
        client.abort() if abort else client.close()

    def _dismiss(self, client: Client) -> None:
        if client.fd in client.group.live:
            with contextlib.suppress(OSError):
                client.send(self.desk.farewell())
        self._drop(client)

    def _send_heartbeats(self) -> None:
        for channel in tuple(self.desk.channels.values()):
            for group in tuple(channel.groups.values()):
                self._sweep(list(group.live.values()), self.desk.heartbeat(channel, group.view), channel.flushed)

    def _look_after(self) -> None:
        now = self._clock()
        for channel in tuple(self.desk.channels.values()):
            channel.log.trim()
            for group in tuple(channel.groups.values()):
                self._look_after_blocked(group, now)
        for client in [client for client in self._clients.values() if client.expires <= now]:
            if client.fd in client.group.live:
                self._dismiss(client)

    def _look_after_blocked(self, group: Group, now: float) -> None:
        for client, backlog in tuple(group.blocked.values()):
            if now - backlog.moved > self.options.stall:
                self.metrics.stalled.inc()
                self._drop(client, abort=True)
            else:
                self.desk.skip_if_slow(group, backlog)

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

    def _wait_until_flushed(self) -> None:
        until = self._clock() + _LAST_FLUSH
        while self._clock() < until and self._unflushed(self.desk.channels.values()):
            gevent.sleep(_POLL)

    @staticmethod
    def _unflushed(channels: Iterable[Channel]) -> bool:
        return any(channel.flushed < channel.log.end for channel in channels)


class Stream:
    """The body of a streaming response: handed over with its socket where the server can, iterated where not."""

    def __init__(self, hub: Hub, subscription: Subscription) -> None:
        self._hub = hub
        self._subscription = subscription
        self._frames: Iterator[bytes] | None = None

    @property
    def can_attach(self) -> bool:
        """Return whether the hub runs, and so looks after sockets."""
        return self._hub.is_running

    def attach(self, fd: int, head: bytes) -> None:
        """Hand the connection over to the hub, with the response's head still to be sent."""
        self._hub.attach(fd, self._subscription, head)

    def __iter__(self) -> Iterator[bytes]:
        self._frames = self._hub.frames(self._subscription)
        return self._frames

    def close(self) -> None:
        """Leave the stream; called by the server when the reader is gone."""
        close = getattr(self._frames, "close", None)
        if close is not None:
            close()


def _log_broadcast(event_type: str) -> None:
    logger.info("Broadcasted event: %s", event_type)
