"""The broker: one Redis or Valkey Stream under the logs of all replicas, so that they share order, ids and bytes.

Every replica that watches publishes through a script that lets each word through once; every replica reads the stream
with one connection and appends what it reads to its log. While the broker is away subscribers stay, and get this
replica's own events under ids of its own; when it is back they get one `RESET`. Nothing here waits for the broker but
the two loops.
"""

from __future__ import annotations

import logging
import random
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import redis

from portal.model import Position, ResetReason
from portal.stream.broker_scripts import PUBLISH, RENAME
from portal.stream.broker_wire import (
    Entry,
    Found,
    connection,
    digests,
    epoch_of,
    event_of,
    id_of,
    join,
    just_before,
    numbers,
    position_of,
    positioned,
    read_back,
    word,
)
from portal.stream.events import CONFIG_CHANGED, SYNC_STATUS, Event
from portal.stream.log import local_epoch, order_of
from portal.stream.metrics import StreamMetrics
from portal.stream.options import BrokerOptions
from portal.stream.outbox import Outbox
from portal.stream.reconciler import Reconciler
from portal.stream.shared_log import SharedLog

logger = logging.getLogger(__name__)

_LOCAL: Final = (SYNC_STATUS, CONFIG_CHANGED)
"""What a replica says about itself alone."""
ALONE: Final = "Broker is away, events reach the subscribers of this replica alone events=%d"
_READ_AT_ONCE: Final = 500
_FIRST_PAUSE: Final = 0.05
_LONGEST_PAUSE: Final = 2.0


class Broker:
    """Publishes this replica's events to the stream, and the stream's to this replica's hub.

    `is_settled` says whether this replica knows all entries, so that what it does not know is gone; `on_event` is told
    of every event that is read, before subscribers are: so a replica learns the health that another one found.
    """

    def __init__(
        self,
        options: BrokerOptions,
        hub: SharedLog,
        *,
        metrics: StreamMetrics | None = None,
        is_settled: Callable[[], bool] = lambda: False,
        on_event: Callable[[Event], object] = lambda _event: None,
        clock: Callable[[], float] = time.monotonic,
        dice: random.Random | None = None,
    ) -> None:
        self._options = options
        self._hub = hub
        self._metrics = metrics or StreamMetrics()
        self._is_settled = is_settled
        self._on_event = on_event
        self._clock = clock
        self._dice = dice or random.Random()  # noqa: S311 - jitter, not a secret
        self._keys = [f"{{{options.name}}}:{part}" for part in ("events", "entries", "epoch")]
        self._outbox = Outbox(self._keys, options.keep, options.queue)
        self._work = threading.Event()
        self._filled = threading.Event()
        self._at_once = min(_READ_AT_ONCE, options.keep)
        self._reconciler = Reconciler(clock)
        self._epoch = ""
        self._last = (0, 0)
        self._is_up = False
        self._is_alone = False
        self._is_stale = False
        self._is_behind = False
        self._is_told_down = False
        self._down_since = clock()
        self._metrics.broker_up.set(0)
        hub.look_back(self.earlier)

    @property
    def position(self) -> Position:
        """Return where a reader goes on who was shown what this replica knows: it may not know yet what others told."""
        reached = None if self._is_alone else self._reconciler.reached()
        return reached if reached is not None and self._hub.holds(reached) else self._hub.head

    def publish(self, event: Event) -> None:
        """Say an event to all replicas, this one too; where the broker is away, to this one's subscribers.

        Raises ValueError or OverflowError where it cannot be encoded.
        """
        if event.type in _LOCAL:
            self._hub.append(event)
            return
        self._enqueue(event, force=False)
        self._reconciler.say(event)
        if self._is_alone:
            self._hub.append(event)

    def wait_filled(self, seconds: float) -> bool:
        """Wait until the log holds the stream's past; return False where that took too long."""
        return self._filled.wait(seconds)

    def earlier(self, until: Position) -> list[tuple[Position, Event]]:
        """Return the stream's latest events up to and with a position, none where the broker does not answer."""
        client = self._client(self._options.timeout)
        return read_back(client, self._keys[0], until, self._options.fill)

    def read(self, stop: threading.Event) -> None:
        """Carry the stream into the hub until `stop` is set; join it again when either loop lost it."""
        client = self._client(self._options.block + self._options.timeout)
        pause = _FIRST_PAUSE
        while not stop.is_set():
            try:
                self._join(client)
                pause = _FIRST_PAUSE
                while self._is_up and not self._is_stale and not stop.is_set():
                    self._carry(client)
            except (redis.RedisError, OSError) as error:
                client.close()  # the next attempt connects anew: a master that was demoted refuses, and stays there
                self._on_down(error)
                stop.wait(pause * self._dice.uniform(0.5, 1.0))
                pause = min(pause * 2, _LONGEST_PAUSE)
        client.close()

    def write(self, stop: threading.Event) -> None:
        """Carry this replica's events to the stream until `stop` is set; then what is left, if the broker is there."""
        client = self._client(self._options.timeout)
        publish = client.register_script(PUBLISH)
        reconcile_at = self._clock() + self._options.reconcile
        while not stop.is_set():
            self._work.wait(self._options.hold / 4)
            self._work.clear()
            self._drain(client, publish)
            self._be_alone_if_needed()
            if self._clock() >= reconcile_at:
                reconcile_at = self._clock() + self._options.reconcile
                self._reconcile()
        self._drain(client, publish)
        client.close()

    def _client(self, timeout: float) -> Any:  # noqa: ANN401 - redis-py's answers have no types worth naming
        return connection(self._options.url, connect_seconds=self._options.timeout, answer_seconds=timeout)

    def _enqueue(self, event: Event, *, force: bool) -> None:
        self._outbox.put(event, force=force)
        if not self._is_up:
            self._outbox.shorten()
        self._work.set()

    def _join(self, client: Any) -> None:  # noqa: ANN401 - redis-py
        fresh = f"b{secrets.token_hex(6)}"
        found = join(client, self._keys, fresh, self._last)
        if self._outbox.has_dropped or self._has_lost_its_end(found):
            client.eval(RENAME, len(self._keys), *self._keys, found.epoch, fresh)
            self._outbox.has_dropped = False
            found = join(client, self._keys, fresh, self._last)
        reason = self._reason(found)
        if reason is not None:
            self._adopt(client, found.epoch, reason)
        self._on_up()

    def _has_lost_its_end(self, found: Found) -> bool:
        """Tell whether what was read last is gone and was not trimmed: a failover to who did not have it."""
        return found.epoch == self._epoch and not found.has_last and self._last >= max(found.oldest, (0, 1))

    def _reason(self, found: Found) -> ResetReason | None:
        if found.epoch != self._epoch:
            return "epoch" if self._epoch else "restart"
        if self._is_alone:
            return "restart"
        return "gap" if self._is_gap(found.oldest, found.length) else None

    def _is_gap(self, oldest: tuple[int, int], length: int) -> bool:
        """Tell whether what follows the last that was read may be trimmed; an empty stream was joined at (0, 0)."""
        return self._last < oldest and (self._last != (0, 0) or length >= self._options.keep)

    def _adopt(self, client: Any, epoch: str, reason: ResetReason) -> None:  # noqa: ANN401 - redis-py
        entries = client.xrevrange(self._keys[0], count=self._options.fill)[::-1]
        known = client.hgetall(self._keys[1])
        past = positioned(entries, epoch)
        if reason == "epoch":
            known.update(self._seed(client))
        if self._epoch:
            self._hear_missed(past)
        self._epoch = epoch
        self._is_alone = False
        self._last = numbers(entries[-1][0].decode()) if entries else (0, 0)
        self._reconciler.hear_all(digests(known))
        self._hub.restart(just_before(past[0][0]) if past else Position(epoch, 0, 0), past, reason)

    def _hear_missed(self, past: Sequence[tuple[Position, Event]]) -> None:
        """Let this replica know what its readers are about to look up: they get no event of it."""
        for position, event in past:
            if order_of(position) > self._last:
                self._on_event(event)

    def _seed(self, client: Any) -> dict[bytes, bytes]:  # noqa: ANN401 - redis-py
        """Tell a new history what is so already, without an event: readers of the old one are sent to a snapshot."""
        known = {event.key.encode(): word(event).encode() for event in self._reconciler.standing()}
        if known:
            client.hset(self._keys[1], mapping=known)
        return known

    def _carry(self, client: Any) -> None:  # noqa: ANN401 - redis-py
        after = {self._keys[0]: id_of(self._last)}
        answer = client.xread(after, count=self._at_once, block=int(self._options.block * 1000))
        entries = answer[0][1] if answer else ()
        self._is_behind = len(entries) == self._at_once
        if self._is_behind and self._is_overtaken(client):
            self._is_stale = True  # joining again finds the gap, and says it
            return
        for entry in entries:
            if epoch_of(entry) != self._epoch and self._is_renamed(client):
                self._is_stale = True
                return
            self._hear(entry)
        if not answer:
            self._is_stale = self._is_renamed(client)

    def _is_renamed(self, client: Any) -> bool:  # noqa: ANN401 - redis-py
        return (client.get(self._keys[2]) or b"").decode() != self._epoch

    def _is_overtaken(self, client: Any) -> bool:  # noqa: ANN401 - redis-py
        """Tell whether the stream may have been trimmed beyond what was read; only who is far behind need ask."""
        oldest, length = client.xrange(self._keys[0], count=1), client.xlen(self._keys[0])
        return not oldest or self._is_gap(numbers(oldest[0][0].decode()), length)

    def _hear(self, entry: Entry) -> None:
        event, before, position = event_of(entry), Position(self._epoch, *self._last), position_of(entry, self._epoch)
        self._last = numbers(entry[0].decode())
        if event is not None:
            self._reconciler.hear(event, before)
            self._on_event(event)
            self._hub.append(event, position)

    def _drain(self, client: Any, publish: Any) -> None:  # noqa: ANN401 - redis-py
        try:
            while self._outbox and self._is_up:
                self._outbox.write(client, publish, self._epoch)
        except (redis.RedisError, OSError) as error:
            client.close()
            self._on_write_error(error)

    def _reconcile(self) -> None:
        if self._is_up and not self._outbox and not self._is_behind:  # what differs may just not be read yet
            for event in self._reconciler.to_repeat(is_settled=self._is_settled()):
                self._enqueue(event, force=True)

    def _be_alone_if_needed(self) -> None:
        is_late = not self._is_up and self._clock() - self._down_since >= self._options.hold
        if self._is_alone or not is_late or not self._outbox:
            return
        self._is_alone = True
        logger.warning(ALONE, len(self._outbox))
        self._hub.restart(Position(local_epoch(), 0))
        for event in self._outbox.events:
            self._hub.append(event)

    def _on_write_error(self, error: Exception) -> None:
        if "EPOCH" in str(error):
            self._is_stale = True
        self._on_down(error)

    def _on_up(self) -> None:
        if not self._is_up:
            logger.info("Broker is reached epoch=%s", self._epoch)
        self._is_up = True
        self._is_told_down = False
        self._is_stale = False
        self._metrics.broker_up.set(1)
        self._filled.set()
        self._work.set()

    def _on_down(self, error: Exception) -> None:
        if not self._is_told_down:
            self._is_told_down = True
            logger.warning("Broker cannot be reached error=%s", error)
        if self._is_up:
            self._down_since = self._clock()
        self._is_up = False
        self._metrics.broker_up.set(0)
