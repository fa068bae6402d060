"""Frames: what may be inside, and where they end."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.model import Position
from portal.stream.events import BadEventError, Event
from portal.stream.frames import border_from, heartbeat_frame, json_frame, plain_frame, reset_frame

AT = Position("p0", 7)
NOW = datetime(2026, 1, 2, 3, 4, 5, 600_000, UTC)


def plain(data: str, **more: object) -> bytes:
    return plain_frame(AT, Event(type="", timestamp=NOW, data=data.encode(), **more))  # type: ignore[arg-type]


def test_the_envelope_is_byte_for_byte_this() -> None:
    frame = json_frame(AT, "CONFIG_CHANGED", NOW, b'{"configVersion":"1"}', "envelope")

    assert frame == (
        b"id: p0.7\n"
        b'data: {"type":"CONFIG_CHANGED","timestamp":"2026-01-02T03:04:05.600000Z","data":{"configVersion":"1"}}\n\n'
    )


def test_the_named_form_is_byte_for_byte_this() -> None:
    frame = json_frame(AT, "CONFIG_CHANGED", NOW, b"{}", "named")

    assert frame == (
        b"id: p0.7\nevent: CONFIG_CHANGED\n"
        b'data: {"type":"CONFIG_CHANGED","timestamp":"2026-01-02T03:04:05.600000Z","data":{}}\n\n'
    )


def test_a_heartbeat_tells_the_time_in_milliseconds() -> None:
    assert b'"data":{"timestamp":1767323045600}}' in heartbeat_frame(AT, NOW, "envelope")


def test_a_plain_heartbeat_moves_the_position_and_says_nothing() -> None:
    assert heartbeat_frame(AT, NOW, "plain") == b":\nid: p0.7\n\n"


def test_a_reset_says_why() -> None:
    assert b'"type":"RESET"' in reset_frame(AT, NOW, "envelope", "gap")
    assert reset_frame(AT, NOW, "plain", "gap") == b'id: p0.7\nevent: RESET\ndata: {"reason":"gap"}\n\n'


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        ("one", ["data: one"]),
        ("", ["data: "]),
        (" two", ["data:  two"]),
        ("a\nb", ["data: a", "data: b"]),
        ("a\r\nb\rc", ["data: a", "data: b", "data: c"]),
        ("end\n", ["data: end", "data: "]),
        ("a\u2028b\u0085c\x0bd\x0ce", ["data: a\u2028b\u0085c\x0bd\x0ce"]),
    ],
)
def test_text_is_split_at_line_ends_alone_and_arrives_unchanged(data: str, lines: list[str]) -> None:
    assert plain(data).decode().split("\n") == ["id: p0.7", *lines, "", ""]


@given(st.text())
def test_no_text_can_make_a_border_inside_a_frame(data: str) -> None:
    frame = plain(data.encode(errors="replace").decode())

    assert frame.find(b"\n\n") == len(frame) - 2


def test_a_publishers_own_id_and_retry_are_kept() -> None:
    assert plain("x", id="mine", retry=4000) == b"id: mine\nretry: 4000\ndata: x\n\n"


@pytest.mark.parametrize("retry", [0, 1, 999])
def test_a_retry_that_would_storm_is_raised_to_a_second(retry: int) -> None:
    assert b"retry: 1000\n" in plain("x", retry=retry)


@pytest.mark.parametrize("field", ["type", "id"])
@pytest.mark.parametrize("text", ["a\nb", "a\rb", "a\0b"])
def test_names_that_would_inject_fields_are_refused(field: str, text: str) -> None:
    with pytest.raises(BadEventError):
        Event(**{"type": "x", "timestamp": NOW, "data": b"", field: text})  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["error", "open"])
def test_names_of_the_connections_own_events_are_refused(name: str) -> None:
    with pytest.raises(BadEventError):
        Event(type=name, timestamp=NOW, data=b"")


TWO = b"data: a\n\ndata: b\n\n"


@pytest.mark.parametrize(("offset", "border"), [(0, 0), (1, 9), (7, 9), (8, 9), (9, 9), (10, 18), (17, 18), (18, 18)])
def test_the_border_after_an_offset_is_where_its_frame_ends(offset: int, border: int) -> None:
    assert border_from(TWO, offset) == border


def test_without_a_border_the_block_goes_on() -> None:
    assert border_from(b":ok\nretry: 2000\n", 4) == 16
