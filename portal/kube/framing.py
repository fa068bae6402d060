"""HTTP's chunks and a watch's lines, cut out of bytes as they come: pure, and linear in what it is given.

The chunks are read here and not by the standard library for two reasons: a read that timed out can be continued, and
a watch that ended without its last chunk can be told from one that ended in order.
"""

from __future__ import annotations

import zlib
from typing import Final

from portal.kube.errors import LineTooLong, Malformed

LONGEST_HEAD: Final = 4096  # bytes of a chunk's size and extensions, or of a trailer
LONGEST_LINE: Final = 32 * 2**20  # etcd holds 1.5 MB; managedFields and escapes make more of it
GZIP: Final = 31  # zlib's name for a gzip member


class Chunks:
    """Takes a chunked body apart; `finished` once the last chunk has come."""

    def __init__(self) -> None:
        self.finished = False
        self._left = 0  # bytes that are still to come of a chunk and the line break after it
        self._head = b""

    def feed(self, data: bytes) -> bytes:
        """Return the payload in the next bytes of the body.

        Raises Malformed where a chunk has no size.
        """
        parts: list[bytes] = []
        position, end = 0, len(data)
        while position < end and not self.finished:
            if self._left > 0:
                taken = min(self._left, end - position)
                payload = min(self._left - 2, taken)
                if payload > 0:
                    parts.append(data[position : position + payload])
                self._left -= taken
                position += taken
            else:
                position = self._read_whole(data, position, parts)
                if position < end:
                    position = self._read_head(data, position)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _read_whole(self, data: bytes, position: int, parts: list[bytes]) -> int:
        """Take the chunks that are here from end to end, as nearly all are, and return where they end."""
        while not self._head and (line_end := data.find(b"\n", position)) >= 0:
            try:
                size = int(data[position:line_end], 16)
            except ValueError:
                break
            payload_end = line_end + 1 + size
            if size <= 0 or payload_end + 2 > len(data):
                break
            parts.append(data[line_end + 1 : payload_end])
            position = payload_end + 2
        return position

    def _read_head(self, data: bytes, position: int) -> int:
        line_end = data.find(b"\n", position)
        if line_end < 0:
            self._head += data[position:]
            self._check_head()
            return len(data)
        head, self._head = self._head + data[position:line_end], b""
        try:
            size = int(head.partition(b";")[0], 16)
        except ValueError as error:
            raise Malformed(f"a chunk of the answer has no size: {head[:40]!r}") from error
        if size < 0:
            raise Malformed(f"a chunk of the answer has no size: {head[:40]!r}")
        self.finished = size == 0
        self._left = size + 2
        return line_end + 1

    def _check_head(self) -> None:
        if len(self._head) > LONGEST_HEAD:
            raise Malformed("a chunk of the answer has no size")


class Whole:
    """Takes a body that is not chunked; `finished` once as much has come as was promised, never without a promise."""

    def __init__(self, length: int | None) -> None:
        self._left = length
        self.finished = length == 0

    def feed(self, data: bytes) -> bytes:
        """Return the payload in the next bytes of the body."""
        if self._left is None:
            return data
        payload = data[: self._left]
        self._left -= len(payload)
        self.finished = self._left == 0
        return payload


class Unzip:
    """Decompresses gzip of any number of members: what a server sends that was asked not to."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(GZIP)

    def feed(self, data: bytes) -> bytes:
        """Return what the next compressed bytes hold.

        Raises Malformed.
        """
        parts: list[bytes] = []
        try:
            while data:
                parts.append(self._member.decompress(data))
                data = self._member.unused_data
                if self._member.eof:
                    self._member = zlib.decompressobj(GZIP)
        except zlib.error as error:
            raise Malformed(f"the answer is not gzip: {error}") from error
        return b"".join(parts)


class Lines:
    """Gathers bytes into whole lines."""

    def __init__(self, longest: int = LONGEST_LINE) -> None:
        self._longest = longest
        self._parts: list[bytes] = []
        self._length = 0

    @property
    def tail(self) -> bool:
        """Tell whether a line has begun and not ended."""
        return self._length > 0

    def feed(self, data: bytes) -> bytes:
        """Return the lines that are whole now, with their breaks.

        Raises LineTooLong.
        """
        cut = data.rfind(b"\n") + 1
        if not cut:
            self._keep(data)
            return b""
        whole = b"".join((*self._parts, memoryview(data)[:cut])) if self._parts else data[:cut]
        self._parts, self._length = [], 0
        self._keep(data[cut:])
        return whole

    def _keep(self, data: bytes) -> None:
        if data:
            self._parts.append(data)
            self._length += len(data)
        if self._length > self._longest:
            raise LineTooLong(f"an event is longer than {self._longest} bytes")
