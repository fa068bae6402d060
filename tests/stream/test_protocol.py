"""The protocol checklist, on raw bytes, through both doors."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest

from portal.stream.options import HubOptions
from tests.stream.site import Site

Door = Callable[..., Site]
QUICK = HubOptions(heartbeat=0.2)


def test_the_answer_is_an_event_stream_that_nobody_may_store_or_hold_back(door: Door) -> None:
    reader = door().open()

    assert reader.head.split(b" ", 1)[1] == reader.head[9:]
    assert reader.head.startswith((b"HTTP/1.1 200 ", b"HTTP/1.0 200 "))
    assert reader.headers["content-type"] == "text/event-stream"
    assert reader.headers["cache-control"] == "no-cache, no-transform"
    assert reader.headers["x-accel-buffering"] == "no"
    assert not {"content-length", "content-encoding"} & set(reader.headers)


def test_headers_a_comment_and_a_heartbeat_come_at_once_though_nothing_was_published(door: Door) -> None:
    site = door()
    start = time.monotonic()

    reader = site.open()

    assert time.monotonic() - start < 1
    assert reader.body.startswith(b":ok\nretry: ")
    assert reader.types == ["HEARTBEAT"]


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_a_handed_over_stream_is_delimited_by_its_end_and_not_in_chunks(site: Site, version: str) -> None:
    reader = site.open(version=version)

    assert "transfer-encoding" not in reader.headers
    assert reader.headers["connection"] == "close"
    assert reader.body.startswith(b":ok\n")


def test_head_gives_the_headers_and_no_stream(door: Door) -> None:
    reader = door().connect(method="HEAD").until_end()

    assert reader.headers["content-type"] == "text/event-stream"
    assert reader.body == b""


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_other_methods_are_refused(site: Site, method: str) -> None:
    reader = site.connect(method=method).until_end()

    assert b" 405 " in reader.head


def test_an_unknown_type_is_named_before_the_stream_starts(site: Site) -> None:
    reader = site.connect("?types=STATUS_CHANGED,NONSENSE").until_end()

    assert b" 400 " in reader.head
    assert reader.headers["content-type"] == "application/problem+json"
    assert b"unknown event type NONSENSE" in reader.body


def test_every_frame_carries_an_id_and_one_line_of_data(door: Door) -> None:
    site = door(QUICK)
    reader = site.open()

    head = site.hub.publish("CONFIG_CHANGED", {"configVersion": 1})
    reader.until_event(head).until_types("HEARTBEAT")

    assert all(re.fullmatch(r"[0-9A-Za-z.-]{1,64}", frame.id) for frame in reader.frames)
    assert all("\n" not in frame.data for frame in reader.frames)


def test_the_envelope_has_type_timestamp_and_data(door: Door) -> None:
    site = door()
    reader = site.open()

    site.hub.publish("CONFIG_CHANGED", {"configVersion": "1"})

    frame = reader.until_types("CONFIG_CHANGED").frames[-1]
    assert re.fullmatch(
        r'\{"type":"CONFIG_CHANGED","timestamp":"\d{4}-\d\d-\d\dT[\d:.]+Z","data":\{"configVersion":"1"\}\}', frame.data
    )
    assert frame.event == ""


def test_named_frames_say_their_type_as_event_too(door: Door) -> None:
    site = door()
    reader = site.open("?named=true")

    site.hub.publish("CONFIG_CHANGED", {})

    frames = reader.until_types("CONFIG_CHANGED").frames
    assert [frame.event for frame in frames] == ["HEARTBEAT", "CONFIG_CHANGED"]


def test_separators_that_are_no_line_ends_stay_inside_one_line(door: Door) -> None:
    site = door()
    reader = site.open()

    site.hub.publish("CONFIG_CHANGED", {"text": "a\u2028b\u0085c\x0bd\x0ce\nf\r"})

    assert reader.until_types("CONFIG_CHANGED").frames[-1].value == {"text": "a\u2028b\u0085c\x0bd\x0ce\nf\r"}


def test_retry_is_sent_once_with_digits_that_differ_between_clients(door: Door) -> None:
    site = door()

    retries = {site.open().frames[0].retry for _ in range(8)}

    assert all(2000 <= int(retry) <= 5000 for retry in retries)
    assert len(retries) > 1


def test_heartbeats_come_at_least_every_interval_with_the_current_head(door: Door) -> None:
    site = door(HubOptions(heartbeat=0.3))
    reader = site.open("?types=SYNC_STATUS")
    start = time.monotonic()

    head = site.hub.publish("CONFIG_CHANGED", {})
    reader.until(lambda reader: len(reader.frames) == 4)

    assert time.monotonic() - start < 3 * 0.3 + 0.3
    assert reader.types == ["HEARTBEAT"] * 4
    assert reader.frames[-1].id == str(head)
    assert isinstance(reader.frames[-1].value["timestamp"], int)


def test_types_hide_what_was_not_asked_for_but_not_heartbeats_and_resets(door: Door) -> None:
    site = door()
    reader = site.open("?types=sync_status", last="nonsense")

    site.hub.publish("CONFIG_CHANGED", {})
    site.hub.publish("SYNC_STATUS", {})

    assert reader.until_types("SYNC_STATUS").types == ["RESET", "HEARTBEAT", "SYNC_STATUS"]


def test_a_gone_reader_is_noticed_without_a_publish_and_leaves_no_descriptor(site: Site) -> None:
    readers = [site.open() for _ in range(20)]
    site.wait(lambda: site.hub.desk.admission.clients == 20)

    for reader in readers:
        reader.close()

    site.wait(lambda: site.hub.desk.admission.clients == 0, 1.0)
    assert len(site.hub._clients) == 0
    assert not site.hub.desk.updates.groups


def test_where_realtime_is_off_the_answer_is_204() -> None:
    from flask import Flask  # noqa: PLC0415 - one test without a hub

    from portal.stream.hub import Hub  # noqa: PLC0415
    from portal.web.events import events_blueprint  # noqa: PLC0415

    app = Flask(__name__)
    app.register_blueprint(events_blueprint(Hub(), enabled=False))

    assert app.test_client().get("/api/updates/stream").status_code == 204
