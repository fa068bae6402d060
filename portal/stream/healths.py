"""The health of every application, shared: written by the replica that asks, read by those that do not.

Events tell what changes; this tells what is so, to a replica that has just started or missed something. One hash of
Redis or Valkey, `{NAME}:health`, with an entry's id as field and its health as JSON.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from portal.model import Health

logger = logging.getLogger(__name__)

TIMEOUT: Final = 1.0
WRITE_SECONDS: Final = 1.0
READ_SECONDS: Final = 10.0
LOST_AFTER: Final = 10  # attempts, about a second each
ALL_SECONDS: Final = 300.0  # a broker that lost its data, or a dead writer's leftovers, are put right within this


class SharedHealths:
    """Writes what `everything` returns while `writes` says so; otherwise reads, and tells `hear` what was read.

    `lost` is told True when the broker has been away for so long that nobody hears of others, False when it is back.
    """

    def __init__(
        self,
        url: str,
        everything: Callable[[], Mapping[str, Health]],
        hear: Callable[[Mapping[str, Health]], object],
        writes: Callable[[], bool],
        lost: Callable[[bool], object] = lambda _lost: None,
        name: str = "portal",
    ) -> None:
        self._key = f"{{{name}}}:health"
        self._everything = everything
        self._hear = hear
        self._writes = writes
        self._lost = lost
        self._written: Mapping[str, Health] | None = None
        self._failures = 0
        self._client: Any = redis.Redis.from_url(
            url,
            protocol=2,
            socket_timeout=TIMEOUT,
            socket_connect_timeout=TIMEOUT,
            retry=Retry(NoBackoff(), 0),  # the loop tries again, and says so
        )

    def run(self, stop: threading.Event) -> None:
        """Write or read now and then until `stop` is set."""
        passed, wrote = ALL_SECONDS, False
        while not stop.is_set():
            writes = self._writes()
            if writes != wrote or self._failures or passed >= (ALL_SECONDS if writes else READ_SECONDS):
                self._written, passed = None, 0.0
            self._turn(writes=writes, all_of_it=passed == 0)
            wrote = writes
            stop.wait(WRITE_SECONDS)
            passed += WRITE_SECONDS
        self._client.close()

    def _turn(self, *, writes: bool, all_of_it: bool) -> None:
        try:
            if writes:
                self.write()
            elif all_of_it:
                self.read()
            if self._failures >= LOST_AFTER:
                self._lost(False)  # noqa: FBT003 - that it is no longer so
            self._failures = 0
        except (redis.RedisError, OSError) as error:
            self._failed(error)

    def _failed(self, error: Exception) -> None:
        self._client.close()  # the next attempt connects anew: the broker may be another server by then
        self._written = None
        self._failures += 1
        if self._failures == 1:
            logger.warning("Cannot share the health of applications error=%s", error)
        if self._failures == LOST_AFTER:
            self._lost(True)  # noqa: FBT003 - that it is so

    def write(self) -> None:
        """Write what is new since the last time, the first time everything. Raises RedisError."""
        now, before = self._everything(), self._written
        if now is before:
            return
        changed = {key: health for key, health in now.items() if before is None or before.get(key) != health}
        gone = () if before is None else before.keys() - now.keys()
        if before is None or changed or gone:
            pipeline = self._client.pipeline(transaction=True)
            if before is None:
                pipeline.delete(self._key)
            if gone:
                pipeline.hdel(self._key, *gone)
            if changed:
                pipeline.hset(self._key, mapping={key: msgspec.json.encode(each) for key, each in changed.items()})
            pipeline.execute()
        self._written = now

    def read(self) -> None:
        """Read everything and tell it. Raises RedisError."""
        found: dict[str, Health] = {}
        for key, body in self._client.hgetall(self._key).items():
            try:
                found[key.decode()] = msgspec.json.decode(body, type=Health)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                logger.warning("The shared health of an application cannot be read id=%r error=%s", key, error)
        self._hear(found)
