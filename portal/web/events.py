"""The route of the event stream: `GET /api/updates/stream`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from http import HTTPStatus
from typing import Final, Protocol

from flask import Blueprint, Request, Response, request

from portal.model import tags_from_text
from portal.stream.events import EVENT_TYPES, HEARTBEAT, RESET
from portal.stream.options import Subscription
from portal.stream.views import View
from portal.web.problem import problem
from portal.web.queries import listed

STREAM_PATH: Final = "/api/updates/stream"
STREAM_HEADERS: Final = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-cache, no-transform",
    "X-Accel-Buffering": "no",
}
_YES: Final = ("true", "1", "yes", "on", "")
_NO: Final = ("false", "0", "no", "off")
_ALWAYS: Final = frozenset((HEARTBEAT, RESET))


class Body(Protocol):
    """What streams: an iterable of whole frames, which a server may hand over instead."""

    def __iter__(self) -> Iterator[bytes]:
        """Yield frames."""


class Streams(Protocol):
    """What the routes need of the hub."""

    def admits(self, address: str) -> bool:
        """Return whether one more stream may open."""

    def busy(self) -> bytes:
        """Return the body for those who must come back later."""

    def stream(self, subscription: Subscription) -> Body:
        """Return the body for a subscriber."""


class BadQueryError(ValueError):
    """A query parameter means nothing; the message says which, and what it may be."""


def events_blueprint(hub: Streams, *, enabled: bool = True) -> Blueprint:
    """Return the blueprint of the event stream; not enabled, it answers 204, which ends a browser's asking."""
    blueprint = Blueprint("events", __name__)

    def updates() -> Response:
        if not enabled:
            return Response(status=204)
        try:
            subscription = subscription_from_request(request)
        except BadQueryError as error:
            return problem(HTTPStatus.BAD_REQUEST, str(error))
        return stream_response(hub, subscription)

    blueprint.add_url_rule(STREAM_PATH, "updates", updates, methods=["GET"], strict_slashes=False)
    return blueprint


def stream_response(hub: Streams, subscription: Subscription) -> Response:
    """Return the response that streams to a subscriber, or sends it away for a while; to HEAD, the headers alone."""
    if request.method != "HEAD" and not hub.admits(subscription.address):
        return Response(hub.busy(), headers={**STREAM_HEADERS, "Connection": "close"})
    return Response(hub.stream(subscription), headers=STREAM_HEADERS, direct_passthrough=True)


def subscription_from_request(asked: Request) -> Subscription:
    """Return what a request subscribes to; raise `BadQueryError` where a parameter means nothing."""
    named = asked.args.get("named", "false").strip().lower()
    if named not in (*_YES, *_NO):
        raise BadQueryError(f'named is true or false, not "{named}"')
    view = View(
        tags=tags_from_text(listed(asked, "tags")) or None,
        types=types_from_text(listed(asked, "types")),
        form="named" if named in _YES else "envelope",
    )
    return Subscription(view, last_event_id(asked), asked.remote_addr or "")


def last_event_id(asked: Request) -> str:
    """Return the position to go on from: the header's, which browsers send, before the query's."""
    return asked.headers.get("Last-Event-ID") or asked.args.get("last_event_id", "")


def types_from_text(text: str) -> frozenset[str] | None:
    """Return the event types in a comma-separated list, None for all; raise `BadQueryError` naming those unknown."""
    wanted = {part.strip().upper() for part in text.split(",")} - {""}
    unknown = sorted(wanted.difference(EVENT_TYPES))
    if unknown:
        raise BadQueryError(f"unknown event type {_listed(unknown)}; there are {_listed(EVENT_TYPES)}")
    return frozenset(wanted) | _ALWAYS if wanted else None


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
