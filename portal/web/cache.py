"""Answers as bytes: built and compressed once per version, found again by what they show.

A build may give way to others. Whoever wants the same answer meanwhile waits for it, and nobody else does. An answer's
tag is known before the answer is: it is made of the process, the variant and the version. So a client that
has the present version costs a comparison, and everybody else a copy of bytes.
"""

from __future__ import annotations

import hashlib
import threading
import zlib
from collections.abc import Callable, Hashable, Iterable
from typing import Final

from cachetools import TTLCache
from flask import Request, Response
from msgspec import Struct

from portal.pace import Pace

ROOM: Final = 64 << 20  # bytes: visitors choose what they ask for, and each tag has a page of its own
LEVEL: Final = 6
GZIP: Final = 31  # zlib's name for a gzip member
OVERHEAD: Final = 1024  # bytes of an answer besides its body
AT_ONCE: Final = 64 << 10  # bytes, of which compressing takes about a millisecond

Version = tuple[Hashable, ...]


class Variant(Struct, frozen=True):
    """What an answer shows: its kind (`applications`, `bookmarks`, `page`, `config`) and which of that kind."""

    kind: str
    which: tuple[str, ...]
    content_type: str = "application/json"


class Built(Struct, frozen=True):
    """A whole answer."""

    body: bytes
    status: int = 200
    content_type: str = ""


class _Kept(Struct, frozen=True):
    built: Built
    compressed: bytes | None


class AnswerCache:
    """Keeps answers for `ttl` seconds; `boot` makes the tags of each process its own."""

    def __init__(self, boot: str, ttl: float, room: int = ROOM) -> None:
        self._boot = boot
        self._kept: TTLCache[tuple[Variant, Version], _Kept] = TTLCache(room, ttl, getsizeof=_size)
        self._lock = threading.Lock()
        self._builds: dict[tuple[Variant, Version], threading.Lock] = {}

    def answer(self, request: Request, variant: Variant, version: Version, build: Callable[[], Built]) -> Response:
        """Return 304 where the client has this version, else the answer, built at most once."""
        tag = self._tag(variant, version)
        zipped = request.accept_encodings.quality("gzip") > 0
        known = {given.strip().removeprefix("W/") for given in request.headers.get("If-None-Match", "").split(",")}
        for own in (f'"{tag}-gz"', f'"{tag}"'):
            if own in known and (zipped or not own.endswith('-gz"')):
                return _headed(Response(status=304), own)
        return self._whole(variant, (variant, version), build, tag, zipped=zipped)

    def invalidate(self, kinds: Iterable[str]) -> int:
        """Forget the answers of these kinds and return how many there were; stale ones are never served anyway."""
        wanted = frozenset(kinds)
        with self._lock:
            gone = [key for key in self._kept if key[0].kind in wanted]
            for key in gone:
                self._kept.pop(key, None)
        return len(gone)

    def _whole(
        self,
        variant: Variant,
        key: tuple[Variant, Version],
        build: Callable[[], Built],
        tag: str,
        *,
        zipped: bool,
    ) -> Response:
        kept = self._found(key, build)
        built, content_type = kept.built, kept.built.content_type or variant.content_type
        if zipped and kept.compressed is not None:
            answer = Response(kept.compressed, status=built.status, content_type=content_type)
            answer.headers["Content-Encoding"] = "gzip"
            return _headed(answer, f'"{tag}-gz"')
        return _headed(Response(built.body, status=built.status, content_type=content_type), f'"{tag}"')

    def _found(self, key: tuple[Variant, Version], build: Callable[[], Built]) -> _Kept:
        with self._lock:
            kept = self._kept.get(key)
        if kept is not None:
            return kept
        with self._builds.setdefault(key, threading.Lock()):
            with self._lock:
                kept = self._kept.get(key)
            return self._keep(key, build) if kept is None else kept

    def _keep(self, key: tuple[Variant, Version], build: Callable[[], Built]) -> _Kept:
        try:
            built = build()
            kept = _Kept(built, _compressed(built.body))
            with self._lock:
                if _size(kept) <= self._kept.maxsize:
                    self._kept[key] = kept
            return kept
        finally:
            self._builds.pop(key, None)

    def _tag(self, variant: Variant, version: Version) -> str:
        named = repr((variant.kind, variant.which, version)).encode()
        return f"{self._boot}-{hashlib.blake2b(named, digest_size=8).hexdigest()}"


def _compressed(body: bytes) -> bytes | None:
    deflate, pace = zlib.compressobj(LEVEL, wbits=GZIP), Pace()
    parts = []
    for start in range(0, len(body), AT_ONCE):
        parts.append(deflate.compress(body[start : start + AT_ONCE]))
        pace.breathe()
    compressed = b"".join((*parts, deflate.flush()))
    return compressed if len(compressed) < len(body) else None


def _size(kept: _Kept) -> int:
    return OVERHEAD + len(kept.built.body) + len(kept.compressed or b"")


def _headed(answer: Response, tag: str) -> Response:
    if answer.status_code < 400:  # noqa: PLR2004 - an error has no version
        answer.headers["ETag"] = tag
    answer.headers["Cache-Control"] = "no-cache"
    answer.vary.add("Accept-Encoding")
    return answer
