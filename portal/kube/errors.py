# ruff: noqa: N818 - what an API says is named as it names it
"""What a Kubernetes API can say besides what was asked for, in our words.

An answer may be a Status, plain text or a proxy's HTML, and a Status may lack any of its fields. Nothing here trusts
more of it than it finds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

LONGEST_MESSAGE: Final = 300
LONGEST_WAIT: Final = 300.0  # a server that wants to be left alone for longer is asked again all the same


class KubeError(Exception):
    """Raised for everything that goes wrong between us and a Kubernetes API.

    `code` is the HTTP status (0 where there was none); `retry_after` the seconds to wait that the server named, 0
    where it named none.
    """

    def __init__(self, message: str, *, code: int = 0, retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.code = code
        self.retry_after = retry_after


class Expired(KubeError):
    """Raised when a resourceVersion or a continue token is older than what the server remembers (410)."""


class TooLargeResourceVersion(KubeError):
    """Raised when a server has not yet seen the resourceVersion that we have (504 with that cause)."""


class InvalidRequest(KubeError):
    """Raised when the server does not understand or does not accept what we asked (400, 405, 406, 422)."""


class Unauthorized(KubeError):
    """Raised when the server does not know who we are (401), or our credentials cannot be read."""


class Forbidden(KubeError):
    """Raised when we are known but may not do this (403)."""


class NotFound(KubeError):
    """Raised when the resource or object is not there (404)."""


class Conflict(KubeError):
    """Raised when an object was changed by somebody else meanwhile, or exists already (409)."""


class TooManyRequests(KubeError):
    """Raised when the server wants us to slow down (429)."""


class Unavailable(KubeError):
    """Raised when the server, or what stands before it, cannot answer now (502, 503, 504)."""


class InternalError(KubeError):
    """Raised when the server failed (500), or said so in a way that cannot be read."""


class Unexpected(KubeError):
    """Raised for an answer that no other class is for."""


class Unreachable(KubeError):
    """Raised when no connection comes about: refused, timed out, not resolved, not trusted, or never answered."""


class ConnectionLost(KubeError):
    """Raised when a connection broke while something was asked or answered."""


class Truncated(ConnectionLost):
    """Raised when an answer ended before its end: no last chunk, or a line without its newline."""


class Malformed(KubeError):
    """Raised when an answer is not what was asked for: not JSON, not a list, not an event."""


class LineTooLong(Malformed):
    """Raised when one event is larger than any object can be."""


class NoCredentials(KubeError):
    """Raised when nothing says which cluster to speak to, or what says so cannot be used."""


class BadContext(NoCredentials):
    """Raised when a kubeconfig has no context of the given name."""


AWAY: Final = (ConnectionLost, TooManyRequests, Unauthorized, Unavailable, Unreachable)
"""What a server says as a whole, or does not say at all: nothing is learnt of what was asked for."""

BY_CODE: Final[Mapping[int, type[KubeError]]] = {
    400: InvalidRequest,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    405: InvalidRequest,
    406: InvalidRequest,
    409: Conflict,
    410: Expired,
    422: InvalidRequest,
    429: TooManyRequests,
    500: InternalError,
    502: Unavailable,
    503: Unavailable,
    504: Unavailable,
}
BY_REASON: Final[Mapping[str, type[KubeError]]] = {"Expired": Expired, "Gone": Expired}
TOO_LARGE: Final = "ResourceVersionTooLarge"
TOO_LARGE_MESSAGE: Final = "Too large resource version"  # servers before 1.18.6 named no cause


def error_from_answer(code: int, body: bytes, headers: Mapping[str, str]) -> KubeError:
    """Return the error that an HTTP answer other than success means."""
    status = _object_from_json(body)
    message = status.get("message")
    text = message if isinstance(message, str) and message else _text_from_body(body)
    error = _error(code, status, _shortened(text) or f"HTTP {code}")
    error.retry_after = max(error.retry_after, _seconds(headers.get("Retry-After")))
    return error


def error_from_status(status: object) -> KubeError:
    """Return the error that the object of an in-stream ERROR event means, whatever that object is."""
    fields = status if isinstance(status, dict) else {}
    code, message = fields.get("code"), fields.get("message")
    text = message if isinstance(message, str) and message else "the server ended the watch and did not say why"
    return _error(code if isinstance(code, int) else 500, fields, _shortened(text))


def _error(code: int, status: dict[str, Any], text: str) -> KubeError:
    details = status.get("details")
    details = details if isinstance(details, dict) else {}
    reason = status.get("reason")
    kind = BY_REASON.get(reason if isinstance(reason, str) else "") or BY_CODE.get(code)
    if kind is Unavailable and _is_too_large(details, text):
        kind = TooLargeResourceVersion
    if kind is None:
        kind = InternalError if code >= 500 else Unexpected  # noqa: PLR2004 - HTTP: 5xx is the server's fault
    return kind(text, code=code, retry_after=_seconds(details.get("retryAfterSeconds")))


def _is_too_large(details: dict[str, Any], text: str) -> bool:
    causes = details.get("causes")
    reasons = [each.get("reason") for each in causes if isinstance(each, dict)] if isinstance(causes, list) else []
    return TOO_LARGE in reasons or TOO_LARGE_MESSAGE in text


def _object_from_json(body: bytes) -> dict[str, Any]:
    try:
        decoded = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return decoded if isinstance(decoded, dict) else {}


def _text_from_body(body: bytes) -> str:
    return re.sub(r"<[^>]*>", " ", body[:4096].decode("utf-8", "replace"))


def _shortened(text: str) -> str:
    return " ".join(text.split())[:LONGEST_MESSAGE]


def _seconds(value: object) -> float:
    """Return a number of seconds to wait; dates and everything else that Retry-After may hold count as none."""
    try:
        seconds = float(value) if isinstance(value, int | float | str) else 0.0
    except (ValueError, OverflowError):
        return 0.0
    return min(seconds, LONGEST_WAIT) if seconds > 0 else 0.0
