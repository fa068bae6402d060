"""How events, positions and entries' last words stand in a Redis or Valkey Stream, and the connection to it."""

from __future__ import annotations

import logging
from typing import Any  # redis-py's answers have no types worth naming

import msgspec
import redis
from msgspec import Struct
from redis.backoff import NoBackoff
from redis.retry import Retry

from portal.model import Position
from portal.stream.broker_scripts import JOIN
from portal.stream.events import Event

logger = logging.getLogger(__name__)

Entry = tuple[bytes, dict[bytes, bytes]]
"""An entry of the stream as redis-py gives it: its id and its fields."""


def connection(url: str, *, connect_seconds: float, answer_seconds: float) -> Any:  # noqa: ANN401 - redis-py
    """Return a client that tries each command once: who calls it tries again, and says so."""
    return redis.Redis.from_url(
        url,
        protocol=2,
        socket_timeout=answer_seconds,
        socket_connect_timeout=connect_seconds,
        health_check_interval=10,
        retry=Retry(NoBackoff(), 0),
    )


class Found(Struct, frozen=True):
    """How a replica finds the stream: the name of its history, its oldest id, its length.

    `has_last`: what this replica read last is in it.
    """

    epoch: str
    oldest: tuple[int, int]
    length: int
    has_last: bool


def join(client: Any, keys: list[str], fresh: str, last: tuple[int, int]) -> Found:  # noqa: ANN401 - redis-py
    """Return how the stream is found, its history named `fresh` where it had no name."""
    epoch, oldest, length, held = client.eval(JOIN, len(keys), *keys, fresh, id_of(last))
    return Found(epoch.decode(), numbers(oldest.decode()), length, bool(held))


def read_back(
    client: Any,  # noqa: ANN401 - redis-py
    stream: str,
    until: Position,
    count: int,
) -> list[tuple[Position, Event]]:
    """Return a stream's latest events up to and with a position, none where there is no answer; close the client."""
    try:
        entries = client.xrevrange(stream, max=f"{until.offset}-{until.part}", count=count)[::-1]
    except (redis.RedisError, OSError) as error:
        logger.debug("Broker cannot be asked for the past error=%s", error)
        return []
    finally:
        client.close()
    return positioned([entry for entry in entries if epoch_of(entry) == until.epoch], until.epoch)


def event_of(entry: Entry) -> Event | None:
    """Return the event in an entry, None where there is none of portal's."""
    try:
        return msgspec.msgpack.decode(entry[1][b"e"], type=Event)
    except (KeyError, ValueError) as error:
        logger.warning("Broker's stream holds what is no event of portal's, skipped error=%s", error)
        return None


def epoch_of(entry: Entry) -> str:
    """Return the history that an entry belongs to."""
    return _text(entry[1].get(b"h", b""))


def position_of(entry: Entry, epoch: str) -> Position:
    """Return an entry's place in a history."""
    return Position(epoch, *numbers(entry[0].decode()))


def positioned(entries: list[Entry], epoch: str) -> list[tuple[Position, Event]]:
    """Return the events in entries with their places in a history."""
    read = [(position_of(entry, epoch), event_of(entry)) for entry in entries]
    return [(position, event) for position, event in read if event is not None]


def numbers(entry_id: str) -> tuple[int, int]:
    """Return an entry's id, `ms-seq`, as numbers."""
    milliseconds, _, number = entry_id.partition("-")
    return int(milliseconds), int(number)


def id_of(place: tuple[int, int]) -> str:
    """Return an entry's id, `ms-seq`, from its numbers."""
    return f"{place[0]}-{place[1]}"


def word(event: Event) -> str:
    """Return what is remembered of the last event about an entry."""
    return f"{event.version} {event.digest}"


def digests(words: dict[bytes, bytes]) -> dict[str, str]:
    """Return the digests of what was last said of each entry, by id."""
    return {_text(key): _text(value).partition(" ")[2] for key, value in words.items()}


def just_before(position: Position) -> Position:
    """Return a position that no reader can have, just before this one: what came before it may be trimmed."""
    return Position(position.epoch, position.offset - 1, 10**17)


def _text(data: bytes) -> str:
    """Return what may have been written by somebody else than portal."""
    return data.decode(errors="replace")
