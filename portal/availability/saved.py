"""What is kept of checks over a restart, as bytes: the last day of each URL, and what owners want; no secrets.

Each is a record of its own, found by its mark and vouched for by two sums: damage costs what it hits and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from struct import Struct as Packing
from typing import Final, Literal
from zlib import crc32

from msgspec import Struct, msgpack
from msgspec.structs import replace

from portal.availability.errors import HistoryUnreadableError
from portal.availability.history import SavedDay
from portal.availability.targets import CheckSpec, shown_url

FORMAT: Final = b"portal checks 2\n"
MARK: Final = b"\xc1rec"  # the first byte is none of text's, and none of msgpack's own
SIZES: Final = Packing("<cII")  # kind | bytes of the name | bytes of the body
SUMS: Final = Packing("<II")  # of kind, sizes and name | of the body
NAMELESS: Final = "?"

Kind = Literal[b"d", b"s"]
DAY: Final = b"d"
SPEC: Final = b"s"
DAYS: Final = msgpack.Decoder(SavedDay)
SPECS: Final = msgpack.Decoder(CheckSpec)


class SavedChecks(Struct, frozen=True):
    """The last day by URL, what owners want by entry, and the names of what was too damaged to be read."""

    days: dict[str, SavedDay]
    specs: dict[str, CheckSpec]
    damaged: tuple[str, ...] = ()


class Record(Struct, frozen=True):
    """A part of what was saved; `body` is None where it is not what was written, and `kind` empty without a name."""

    kind: bytes
    name: str
    body: bytes | None


NOTHING: Final = Record(b"", NAMELESS, None)


def bytes_from_checks(days: Iterable[tuple[str, SavedDay]], specs: Mapping[str, CheckSpec]) -> bytes:
    """Return both as bytes."""
    encode = msgpack.Encoder().encode
    parts = [FORMAT]
    parts.extend(_written(DAY, url, encode(day)) for url, day in days)
    parts.extend(_written(SPEC, entry_id, encode(without_headers(spec))) for entry_id, spec in specs.items())
    return b"".join(parts)


def checks_from_bytes(saved: bytes) -> SavedChecks:
    """Return what was saved, as far as it is as it was; raises HistoryUnreadableError where nothing is ours."""
    checks = SavedChecks({}, {})
    damaged = []
    for record in _records(saved):
        try:
            _take(record, checks)
        except ValueError:
            damaged.append(shown_url(record.name) if record.kind == DAY else record.name)
    if damaged == [NAMELESS] and not (checks.days or checks.specs):
        raise HistoryUnreadableError("nothing in it is of this format")
    return replace(checks, damaged=tuple(damaged))


def without_headers(spec: CheckSpec) -> CheckSpec:
    """Return what may be written down; what needs a Secret is not asked until that is read again."""
    secret = spec.headers_from
    return spec if secret is None else replace(spec, headers=(), waits=f"waits for Secret {secret}: not read yet")


def _take(record: Record, checks: SavedChecks) -> None:
    """Put a record where it belongs; raises ValueError for one that is not as it was, or makes no sense."""
    if record.body is None:
        raise ValueError(record.name)
    if record.kind == DAY:
        day = DAYS.decode(record.body)
        if not day.is_sound():
            raise ValueError(record.name)
        checks.days[record.name] = day
    else:
        checks.specs[record.name] = SPECS.decode(record.body)


def _written(kind: Kind, name: str, body: bytes) -> bytes:
    text = name.encode()
    sizes = SIZES.pack(kind, len(text), len(body))
    return b"".join((MARK, SUMS.pack(crc32(text, crc32(sizes)), crc32(body)), sizes, text, body))


def _records(saved: bytes) -> Iterator[Record]:
    """Return the records, and one without a name for each stretch in which there is none."""
    at = len(FORMAT) if saved.startswith(FORMAT) else 0
    if not saved:
        yield NOTHING
    while at < len(saved):
        found = _record(saved, at)
        if found is None:
            yield NOTHING
            at = saved.find(MARK, at + 1)
            while at >= 0 and (found := _record(saved, at)) is None:
                at = saved.find(MARK, at + 1)
            if found is None:
                return
        record, at = found
        yield record


def _record(saved: bytes, at: int) -> tuple[Record, int] | None:
    """Return the record that begins here and where it ends, or None where none does."""
    begin = at + len(MARK) + SUMS.size + SIZES.size
    if saved[at : at + len(MARK)] != MARK or begin > len(saved):
        return None
    of_head, of_body = SUMS.unpack_from(saved, at + len(MARK))
    kind, named, sized = SIZES.unpack_from(saved, begin - SIZES.size)
    name, body = saved[begin : begin + named], saved[begin + named : begin + named + sized]
    if crc32(name, crc32(saved[begin - SIZES.size : begin])) != of_head:
        return None
    return Record(kind, name.decode(), body if crc32(body) == of_body else None), begin + named + sized
