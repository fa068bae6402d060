"""flask-sse's API on portal's hub: `from portal.web.sse import sse` in place of `from flask_sse import sse`.

In portal the application is bound to portal's hub and broker. In an application of somebody else's the first use starts
a hub of its own and, where `SSE_REDIS_URL` or `REDIS_URL` is configured, a broker: one connection to read and one to
write for the whole process, however many browsers there are.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import flask_sse
from flask import Flask, current_app, json, request
from msgspec import Struct
from werkzeug.wrappers import Response

from portal.model import utc_now
from portal.stream.events import Event
from portal.stream.frames import plain_frame
from portal.stream.hub import Hub
from portal.stream.options import BrokerOptions, Subscription
from portal.stream.redis import Broker
from portal.stream.views import View
from portal.web.events import last_event_id, stream_response

_EXTENSION = "portal.sse"
_DEFAULT_CHANNEL = "sse"
_FILL_SECONDS = 2.0
_CHANNEL_PREFIX = "sse:"  # so that no channel has the name of portal's own


class Exchange(Struct, frozen=True):
    """Where an application's events come from and go to."""

    hub: Hub
    publish: Callable[[Event], object]


class Message(flask_sse.Message):  # type: ignore[misc] # flask-sse is untyped
    """Data that is published as a server-sent event; strict about what goes onto the wire."""

    def to_dict(self) -> dict[str, Any]:
        """Return the data and whatever else was given; `retry=0` and `id=""` were given too."""
        fields = {"type": self.type, "id": self.id, "retry": self.retry}
        return {"data": self.data, **{name: value for name, value in fields.items() if value is not None}}

    def to_event(self, channel: str = "") -> Event:
        """Return the message as an event; raise ValueError where its type, id or retry would break the stream."""
        is_text = isinstance(self.data, str)
        return Event(
            type=_line(self.type, "type"),
            timestamp=utc_now(),
            data=(self.data if is_text else json.dumps(self.data)).encode(),
            id=_line(self.id, "id"),
            retry=_milliseconds(self.retry),
            channel=channel,
            is_json=not is_text,
        )

    def __str__(self) -> str:
        return plain_frame(None, self.to_event()).decode()

    def __eq__(self, other: object) -> bool:
        return bool(super().__eq__(other))

    __hash__ = None  # type: ignore[assignment] # as in flask-sse: messages can be changed


class ServerSentEventsBlueprint(flask_sse.ServerSentEventsBlueprint):  # type: ignore[misc] # flask-sse is untyped
    """A blueprint that publishes, subscribes to and streams server-sent events."""

    def publish(
        self,
        data: object,
        type: str | None = None,  # noqa: A002 - flask-sse's name
        id: str | None = None,  # noqa: A002 - flask-sse's name
        retry: int | None = None,
        channel: str = _DEFAULT_CHANNEL,
    ) -> None:
        """Publish data to all who listen to the channel, in every process that shares the broker; never wait for it."""
        message = Message(data, type=type, id=id, retry=retry)
        exchange_of(_app()).publish(message.to_event(_CHANNEL_PREFIX + channel))

    def messages(self, channel: str = _DEFAULT_CHANNEL) -> Iterator[Message]:
        """Yield the messages of a channel from now on."""
        for event in exchange_of(_app()).hub.events(_CHANNEL_PREFIX + channel):
            yield message_from_event(event)

    def stream(self) -> Response:
        """Stream the channel named by `?channel=`, from after `Last-Event-ID` where that is given."""
        channel = _CHANNEL_PREFIX + (request.args.get("channel") or _DEFAULT_CHANNEL)
        subscription = Subscription(View(form="plain"), last_event_id(request), request.remote_addr or "", channel)
        return stream_response(exchange_of(_app()).hub, subscription)


def bind(app: Flask, hub: Hub, publish: Callable[[Event], object]) -> None:
    """Let the application's messages travel through a hub, and through a broker where `publish` is one's."""
    app.extensions[_EXTENSION] = Exchange(hub, publish)


def exchange_of(app: Flask) -> Exchange:
    """Return the application's exchange, started where it was not bound to one."""
    found = app.extensions.get(_EXTENSION)
    if found is None:
        found = app.extensions[_EXTENSION] = _start_exchange(app)
    return found


def message_from_event(event: Event) -> Message:
    """Return the message as it was published."""
    data = event.data.decode()
    return Message(json.loads(data) if event.is_json else data, event.type or None, event.id or None, event.retry)


def _start_exchange(app: Flask) -> Exchange:
    hub = Hub(log_broadcast=lambda _types: None)
    url = app.config.get("SSE_REDIS_URL") or app.config.get("REDIS_URL")
    if not url:
        return Exchange(hub, hub.append)
    broker = Broker(BrokerOptions(url=url, name="sse"), hub)
    never = threading.Event()
    for loop in (broker.read, broker.write):
        # An application of somebody else's has no runtime of ours that could start it.
        threading.Thread(target=loop, args=(never,), name=f"sse-{loop.__name__}", daemon=True).start()  # noqa: TID251
    broker.wait_filled(_FILL_SECONDS)
    return Exchange(hub, broker.publish)


def _app() -> Flask:
    return current_app._get_current_object()  # type: ignore[attr-defined,no-any-return] # noqa: SLF001 - Flask's own way


def _line(value: object, name: str) -> str:
    text = "" if value is None else str(value)
    if text.splitlines() not in ([], [text]) and any(end in text for end in "\r\n"):
        raise ValueError(f"the {name} of a message is one line")
    return text


def _milliseconds(retry: object) -> int | None:
    if retry is None:
        return None
    if isinstance(retry, bool) or not str(retry).isascii() or not str(retry).isdigit():
        raise ValueError("retry is a number of milliseconds")
    return int(str(retry))


sse = ServerSentEventsBlueprint("sse", __name__)
sse.add_url_rule(rule="", endpoint="stream", view_func=sse.stream)
