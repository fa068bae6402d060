"""The wire format: an event as the bytes of one server-sent frame.

Three forms: `envelope` (id and one line of JSON), `named` (with the type as event name too) and `plain` (flask-sse's:
the text itself, under the publisher's event name). A frame always ends in a blank line; no blank line occurs inside.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final, Literal

import msgspec

from portal.model import Position, ResetReason
from portal.stream.events import HEARTBEAT, RESET, Event

Form = Literal["envelope", "named", "plain"]

BORDER: Final = b"\n\n"
SHORTEST_RETRY: Final = 1000
"""Milliseconds; a browser told 0 reconnects hundreds of times a second."""

_LINE_ENDS = re.compile(rb"\r\n|\r|\n")


def json_frame(position: Position, event_type: str, timestamp: datetime, data: bytes, form: Form) -> bytes:
    """Return the frame of an event whose data is one line of JSON."""
    name = f"event: {event_type}\n" if form == "named" else ""
    moment = msgspec.json.encode(timestamp)
    head = f'id: {position}\n{name}data: {{"type":"{event_type}","timestamp":'.encode()
    return b"".join((head, moment, b',"data":', data, b"}\n\n"))


def plain_frame(position: Position | None, event: Event) -> bytes:
    """Return the frame of a text under the publisher's own name, id and retry."""
    lines = [b"data: " + line for line in _LINE_ENDS.split(event.data)]
    if event.retry is not None:
        lines.insert(0, b"retry: %d" % max(event.retry, SHORTEST_RETRY))
    if event.type:
        lines.insert(0, b"event: " + event.type.encode())
    name = event.id or ("" if position is None else str(position))
    if name:
        lines.insert(0, b"id: " + name.encode())
    return b"\n".join(lines) + BORDER


def event_frame(position: Position, event: Event, form: Form, event_type: str, data: bytes) -> bytes:
    """Return the event's frame in one form, shown as `event_type` with `data`."""
    if form == "plain":
        return plain_frame(position, event)
    return json_frame(position, event_type, event.timestamp, data, form)


def heartbeat_frame(position: Position, timestamp: datetime, form: Form) -> bytes:
    """Return a sign of life that brings the reader's position up to date; silent in the plain form."""
    if form == "plain":
        return f":\nid: {position}\n\n".encode()
    data = b'{"timestamp":%d}' % int(timestamp.timestamp() * 1000)
    return json_frame(position, HEARTBEAT, timestamp, data, form)


def reset_frame(position: Position, timestamp: datetime, form: Form, reason: ResetReason) -> bytes:
    """Return the frame that sends the reader back to a snapshot; in the plain form under the event name `RESET`."""
    data = f'{{"reason":"{reason}"}}'.encode()
    if form == "plain":
        return plain_frame(position, Event(type=RESET, timestamp=timestamp, data=data))
    return json_frame(position, RESET, timestamp, data, form)


def opening(retry: int) -> bytes:
    """Return the lines before a connection's first frame: a comment, so that bytes leave at once, and `retry` in ms."""
    return b":ok\nretry: %d\n" % retry


def farewell(retry: int) -> bytes:
    """Return the last block of a connection: when to come back, in milliseconds, and no event."""
    return b"retry: %d\n\n" % retry


def border_from(data: bytes, offset: int) -> int:
    """Return where the frame that `offset` lies in ends, or the end of `data` where no border follows."""
    found = data.find(BORDER, max(offset - len(BORDER), 0)) if offset else -len(BORDER)
    return len(data) if found == -1 else max(found + len(BORDER), offset)
