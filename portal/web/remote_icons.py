"""Fetches icons for the page from where entries say, so that the visitor's browser contacts nobody but portal.

The connection is the one of availability checks: the guard looks at each address at the moment of connecting, and the
time is limited as a whole. Redirects are followed by hand, so that each is guarded again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final
from urllib.parse import urljoin, urlsplit

from cachetools import TTLCache
from requests import Response
from requests.exceptions import RequestException
from urllib3.exceptions import HTTPError

from portal.availability.connections import VisitAdapter, VisitRequest
from portal.availability.errors import AvailabilityError
from portal.availability.targets import Target
from portal.availability.transport import Opener, Visit

LARGEST: Final = 512 * 1024
TIMEOUT: Final = 5.0
REDIRECTS: Final = 3
KEPT_SECONDS: Final = 3600.0
KEPT_BYTES: Final = 16 * 1024 * 1024
MISSING_COUNTS_AS: Final = 16 * 1024  # so that names that lead nowhere cannot fill the memory either
AT_ONCE: Final = 4
TYPES: Final = frozenset(
    f"image/{kind}" for kind in ("png", "jpeg", "gif", "webp", "avif", "svg+xml", "x-icon", "vnd.microsoft.icon", "bmp")
)

Found = tuple[str, bytes] | None


class RemoteIcons:
    """Fetches icons, each at most once an hour, four at a time."""

    def __init__(self, opener: Opener, clock: Callable[[], float] = time.monotonic) -> None:
        self._opener = opener
        self._adapter = VisitAdapter()
        self._kept: TTLCache[str, Found] = TTLCache(KEPT_BYTES, KEPT_SECONDS, timer=clock, getsizeof=_size)
        self._lock = threading.Lock()
        self._turn = threading.BoundedSemaphore(AT_ONCE)

    def __call__(self, url: str) -> Found:
        """Return content type and bytes of an icon, None where there is none to be had."""
        with self._lock:
            if url in self._kept:
                return self._kept[url]
        if not self._turn.acquire(timeout=TIMEOUT):
            return None
        try:
            found = self._fetch(url)
        finally:
            self._turn.release()
        with self._lock:
            self._kept[url] = found
        return found

    def _fetch(self, url: str) -> Found:
        parts = urlsplit(url)
        target = Target(url=url, scheme=parts.scheme, host=parts.hostname or "", port=0, timeout=TIMEOUT)
        visit = self._opener.visit(target)  # its time counts for all redirects together
        for _ in range(REDIRECTS + 1):
            if urlsplit(url).scheme not in ("http", "https"):
                return None
            try:
                with self._asked(url, visit) as answer:
                    if not answer.is_redirect:
                        return _icon(answer)
                    url = urljoin(url, answer.headers["Location"])
            except (AvailabilityError, RequestException, HTTPError, OSError, ValueError):
                return None
        return None

    def _asked(self, url: str, visit: Visit) -> Response:
        request = VisitRequest()
        request.prepare(method="GET", url=url, headers={"Accept": "image/*", "User-Agent": self._opener.user_agent})
        request.visit = visit
        return self._adapter.send(request, stream=True, timeout=TIMEOUT)


def _icon(answer: Response) -> Found:
    content_type = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if not answer.ok or content_type not in TYPES:
        return None
    body = answer.raw.read(LARGEST + 1, decode_content=True)
    return (content_type, body) if body and len(body) <= LARGEST else None


def _size(found: Found) -> int:
    return MISSING_COUNTS_AS if found is None else len(found[1])
