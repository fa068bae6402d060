"""Whom checks trust, and until when a server's certificate is valid."""

from __future__ import annotations

import ssl
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from requests.utils import DEFAULT_CA_BUNDLE_PATH

UTC_TIME: Final = 0x17
GENERALIZED_TIME: Final = 0x18
EXPLICIT_VERSION: Final = 0xA0


class TrustStore:
    """TLS contexts by CA file; building one takes milliseconds, so each is built once per version of its file."""

    def __init__(self) -> None:
        self._contexts: dict[str | None, tuple[int, ssl.SSLContext]] = {}
        self._lock = threading.Lock()  # checks begin together, and each would build one of its own

    def context(self, *, ca_file: str | None, ignore: bool) -> ssl.SSLContext:
        """Return a context that trusts the system, requests' bundle and `ca_file`, or with `ignore` anybody.

        Raises OSError (also as ssl.SSLError) where the file cannot be read.
        """
        key = "" if ignore else ca_file
        changed = Path(key).stat().st_mtime_ns if key else 0
        with self._lock:
            kept = self._contexts.get(key)
            if kept is None or kept[0] != changed:
                kept = self._contexts[key] = changed, _anybody() if ignore else _verifying(ca_file)
        return kept[1]


def _verifying(ca_file: str | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.load_verify_locations(DEFAULT_CA_BUNDLE_PATH)
    if ca_file:
        context.load_verify_locations(ca_file)
    return context


def _anybody() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def expiry_from_der(der: bytes) -> datetime | None:
    """Return the end of validity of an X.509 certificate, or None where these bytes are none.

    The standard library only tells it of certificates that it verified; with ignored certificates it matters most.
    """
    try:
        return _expiry(der)
    except (IndexError, ValueError):
        return None


def _expiry(der: bytes) -> datetime:
    certificate = _content(der, 0)[1]
    at, _ = _content(der, certificate)[1:]
    if der[at] == EXPLICIT_VERSION:
        at = _content(der, at)[2]
    for _field in ("serialNumber", "signature", "issuer"):
        at = _content(der, at)[2]
    validity = _content(der, at)[1]
    not_after = _content(der, validity)[2]
    tag, start, end = _content(der, not_after)
    return _moment(tag, der[start:end].decode("ascii"))


def _content(der: bytes, at: int) -> tuple[int, int, int]:
    """Return tag, start and end of the content of the element at `at`."""
    length, start = der[at + 1], at + 2
    if length & 0x80:
        size = length & 0x7F
        length, start = int.from_bytes(der[start : start + size]), start + size
    return der[at], start, start + length


def _moment(tag: int, text: str) -> datetime:
    if tag == UTC_TIME:  # two digits of the year; RFC 5280: 50 and more are of the last century
        text = ("19" if text[:2] >= "50" else "20") + text
    elif tag != GENERALIZED_TIME:
        raise ValueError("not a time")
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)
