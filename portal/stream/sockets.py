"""The sockets of subscribers: written to without waiting, and watched by one epoll.

A socket that does not take all it is given is blocked, and goes on from its backlog when epoll says so; one that is
gone is dropped. Nothing here switches to another greenlet.
"""

from __future__ import annotations

import contextlib
import select

from portal.stream.clients import Backlog, Client, prepare
from portal.stream.desk import Desk
from portal.stream.options import Subscription

_WAKES = 64  # sockets per turn of the loop
_ROUNDS = 4  # batches per wake, before others have their turn


class Sockets:
    """All sockets of one hub, by descriptor."""

    def __init__(self, desk: Desk, epoll: select.epoll) -> None:
        self._desk = desk
        self._epoll = epoll
        self._clients: dict[int, Client] = {}

    def __len__(self) -> int:
        return len(self._clients)

    def fileno(self) -> int:
        """Return the descriptor that is readable when a socket here has something to say."""
        return self._epoll.fileno()

    def all(self) -> list[Client]:
        """Return the clients that are connected now."""
        return list(self._clients.values())

    def add(self, fd: int, subscription: Subscription, head: bytes) -> None:
        """Take a connection in: send `head` and what its subscriber missed, then keep it."""
        sock = prepare(fd, self._desk.options.stall)
        group, backlog = self._desk.enter(subscription)
        client = Client(sock, group, subscription.address, self._desk.expiry())
        self._clients[client.fd] = client
        self._epoll.register(client.fd, select.EPOLLRDHUP)
        backlog.data = head + backlog.data
        backlog.kept = len(backlog.data)
        self._desk.refill(group, backlog)
        self._pump(client, backlog)

    def refuse(self, fd: int, data: bytes) -> None:
        """Send a connection away with `data`."""
        sock = prepare(fd, self._desk.options.stall)
        with contextlib.suppress(OSError):
            sock.send(data)
        sock.close()

    def on_ready(self) -> None:
        """Go on with the sockets that can be written to, and drop those that are gone."""
        for fd, flags in self._epoll.poll(0, _WAKES):
            client = self._clients.get(fd)
            if client is None:
                continue
            if flags & ~select.EPOLLOUT:
                self._drop(client)
            elif fd in client.group.blocked:
                self._pump(*client.group.blocked[fd])

    def on_short(self, client: Client, data: bytes, sent: int, cursor: int) -> None:
        """Take note that a sweep's `send` took only `sent` of `data`, -1 where the socket is gone."""
        if sent < 0:
            self._drop(client)
        elif self._clients.get(client.fd) is client:
            self._block(client, Backlog(data, cursor, self._desk.clock(), offset=sent))

    def dismiss(self, client: Client) -> None:
        """End a stream in good order: where all was sent, with a last word about when to come back."""
        if client.fd in client.group.live:
            with contextlib.suppress(OSError):
                client.send(self._desk.farewell())
        self._drop(client)

    def look_after(self) -> None:
        """Abort who is stalled, skip who is too far behind, and dismiss who has been here long enough."""
        now = self._desk.clock()
        for client in self.all():
            behind = client.group.blocked.get(client.fd)
            if behind is None:
                if client.expires <= now:
                    self.dismiss(client)
            elif now - behind[1].moved > self._desk.options.stall:
                self._desk.metrics.stalled.inc()
                self._drop(client, abort=True)
            else:
                self._desk.skip_if_slow(client.group, behind[1])

    def _pump(self, client: Client, backlog: Backlog) -> None:
        channel = self._desk.channels[client.group.channel]
        try:
            for _ in range(_ROUNDS):
                if not client.write(backlog, self._desk.clock()):
                    break
                if backlog.cursor >= channel.flushed and not backlog.exact:
                    self._unblock(client)
                    return
                self._desk.refill(client.group, backlog)
        except OSError:
            self._drop(client)
        else:
            self._block(client, backlog)

    def _block(self, client: Client, backlog: Backlog) -> None:
        client.group.leave(client)
        client.group.blocked[client.fd] = (client, backlog)
        self._epoll.modify(client.fd, select.EPOLLRDHUP | select.EPOLLOUT)

    def _unblock(self, client: Client) -> None:
        if client.group.blocked.pop(client.fd, None):
            self._epoll.modify(client.fd, select.EPOLLRDHUP)
        client.group.join(client)

    def _drop(self, client: Client, *, abort: bool = False) -> None:
        if self._clients.get(client.fd) is not client:
            return
        del self._clients[client.fd]
        with contextlib.suppress(OSError):
            self._epoll.unregister(client.fd)
        client.group.leave(client)
        client.group.blocked.pop(client.fd, None)
        self._desk.leave(client.group, client.address)
        client.abort() if abort else client.close()
