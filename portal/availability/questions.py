"""What passes between portal and the process that asks: numbered questions one way, numbered answers the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Generic, TypeVar

import msgspec
from msgspec import Struct

from portal.availability.results import Result
from portal.availability.targets import Target

M = TypeVar("M")

LENGTH_BYTES: Final = 4


class Question(Struct, frozen=True, array_like=True):
    """A target that is to be asked."""

    number: int
    target: Target


class Answer(Struct, frozen=True, array_like=True):
    """What the question with this number found."""

    number: int
    result: Result


def framed(message: Question | Answer) -> bytes:
    """Return a message as bytes that say where they end."""
    body = msgspec.msgpack.encode(message)
    return len(body).to_bytes(LENGTH_BYTES) + body


class Frames(Generic[M]):
    """Puts messages of one type together again from the pieces in which they arrive."""

    def __init__(self, message: type[M]) -> None:
        self._decode = msgspec.msgpack.Decoder(message).decode
        self._buffer = bytearray()

    def feed(self, piece: bytes) -> Iterator[M]:
        """Yield the messages that are whole with this piece."""
        buffer = self._buffer
        buffer += piece
        while len(buffer) >= LENGTH_BYTES:
            end = LENGTH_BYTES + int.from_bytes(buffer[:LENGTH_BYTES])
            if len(buffer) < end:
                return
            body = bytes(buffer[LENGTH_BYTES:end])
            del buffer[:end]
            yield self._decode(body)
