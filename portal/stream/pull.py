"""The stream as an iterator of bytes, for servers that keep their sockets to themselves (TLS, gunicorn, a test client).

The same views, positions, resets and limits as on a socket of our own; the reader's pace is the server's.
"""

from __future__ import annotations

from collections.abc import Iterator

from portal.stream.clients import Backlog, Group, Puller
from portal.stream.desk import Desk
from portal.stream.events import Event
from portal.stream.options import Subscription
from portal.stream.views import View


def pull(desk: Desk, subscription: Subscription) -> Iterator[bytes]:
    """Yield whole frames for one subscriber until its stream has lived long enough."""
    group, backlog = desk.enter(subscription)
    puller = Puller(subscription.address, desk.expiry())
    group.pullers.add(puller)
    try:
        yield from _frames(desk, group, backlog, puller)
        yield desk.farewell()
    finally:
        group.pullers.discard(puller)
        desk.leave(group, subscription.address)


def pull_events(desk: Desk, name: str) -> Iterator[Event]:
    """Yield the events of a channel from now on, as values; who cannot keep up misses what the log forgot."""
    channel = desk.channel(name)
    group, puller = channel.group(View(form="plain")), Puller("", 0.0)
    group.pullers.add(puller)
    cursor = channel.flushed
    try:
        while True:
            puller.wake.clear()
            records = channel.log.slice(max(cursor, channel.log.start), channel.flushed)
            cursor = channel.flushed
            yield from (record.event for record in records)
            if cursor == channel.flushed:
                puller.wake.wait()
    finally:
        group.pullers.discard(puller)
        channel.leave(group)


def _frames(desk: Desk, group: Group, backlog: Backlog, puller: Puller) -> Iterator[bytes]:
    channel = desk.channels[group.channel]
    due = desk.clock() + desk.options.heartbeat_due
    while desk.clock() < puller.expires or backlog.cursor < channel.flushed:
        puller.wake.clear()
        desk.skip_if_slow(group, backlog)
        if backlog.exact or backlog.cursor < channel.flushed:
            desk.refill(group, backlog)
        if desk.clock() >= due:
            due = desk.clock() + desk.options.heartbeat_due
            backlog.data += desk.heartbeat(channel, group.view) if backlog.cursor >= channel.flushed else b""
        if backlog.data:
            data, backlog.data = backlog.data, b""
            yield data
        else:
            puller.wake.wait(max(0.0, min(due, puller.expires) - desk.clock()))
