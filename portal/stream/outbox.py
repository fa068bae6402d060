"""What this replica has to say and the broker has not taken yet, in the order in which it is to be said."""

from __future__ import annotations

import itertools
import secrets
from collections import deque
from collections.abc import Sequence
from typing import Any, Final  # redis-py's answers have no types worth naming

import msgspec
import redis
from msgspec import Struct

from portal.stream.events import Event

_WRITE_AT_ONCE: Final = 200


class Unsaid(Struct, frozen=True):
    """An event that is to be written, the how-manieth of this replica's it is, and whether it is said in any case."""

    number: int
    event: Event
    payload: bytes
    force: bool


class Outbox:
    """Keeps events until they are written; while that is not possible, the `most` latest of them.

    `has_dropped` is set when one that nobody says again had to go: an event about no entry.
    """

    def __init__(self, keys: Sequence[str], keep: int, most: int) -> None:
        self.has_dropped = False
        self._keys = keys
        self._keep = keep
        self._most = most
        self._unsaid: deque[Unsaid] = deque()
        self._numbers = itertools.count()
        self._writer = secrets.token_hex(8)

    def __len__(self) -> int:
        return len(self._unsaid)

    @property
    def events(self) -> list[Event]:
        """Return what is kept, oldest first."""
        return [unsaid.event for unsaid in self._unsaid]

    def put(self, event: Event, *, force: bool) -> None:
        """Add an event; raises ValueError or OverflowError where it cannot be encoded."""
        payload = msgspec.msgpack.encode(event)
        self._unsaid.append(Unsaid(next(self._numbers), event, payload, force))

    def shorten(self) -> None:
        """Forget the oldest of what is too much."""
        while len(self._unsaid) > self._most:
            dropped = self._unsaid.popleft()
            self.has_dropped |= not dropped.event.key  # of entries the reconciler repeats what is still true

    def write(self, client: Any, publish: Any, epoch: str) -> None:  # noqa: ANN401 - redis-py
        """Write the next events to a history, by the script `publish`; where that fails they stay, and it raises."""
        batch = [self._unsaid.popleft() for _ in range(min(len(self._unsaid), _WRITE_AT_ONCE))]
        try:
            pipeline = client.pipeline(transaction=False)
            for unsaid in batch:
                publish(keys=self._keys, args=self._arguments(unsaid, epoch), client=pipeline)
            pipeline.execute()
        except (redis.RedisError, OSError):
            self._unsaid.extendleft(reversed(batch))
            raise

    def _arguments(self, unsaid: Unsaid, epoch: str) -> list[object]:
        event = unsaid.event
        gone = event.after is None and bool(event.key)
        entry = event.key if event.digest or gone else ""
        word = [entry, event.version, event.digest, int(gone), int(unsaid.force), unsaid.payload]
        return [epoch, self._keep, *word, self._writer, unsaid.number]
