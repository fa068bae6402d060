"""Admission, age and shutdown: who is sent away is told when to come back."""

from __future__ import annotations

import time
from collections.abc import Callable

import gevent

from portal.stream.options import HubOptions
from tests.stream.site import Site

Door = Callable[..., Site]


def test_beyond_the_limit_the_answer_is_200_with_a_long_retry_and_no_event(door: Door) -> None:
    site = door(HubOptions(max_clients=2))
    site.open()
    site.open()

    reader = site.connect().until_end()

    (frame,) = reader.frames
    assert b" 200 " in reader.head
    assert reader.headers["content-type"] == "text/event-stream"
    assert (frame.id, frame.event, frame.data) == ("", "", "")
    assert 15_000 <= int(frame.retry) <= 60_000


def test_the_limit_per_address_is_off_by_default_and_counts_addresses(door: Door) -> None:
    unlimited = door()
    limited = door(HubOptions(max_per_address=1))
    unlimited.open()
    limited.open()

    assert unlimited.open().types == ["HEARTBEAT"]
    assert limited.connect().until_end().types == [""]


def test_who_leaves_makes_room(door: Door) -> None:
    site = door(HubOptions(max_clients=1, heartbeat=0.1))
    site.open().close()

    site.wait(lambda: site.hub.admits("127.0.0.1"))

    assert site.open().types == ["HEARTBEAT"]


def test_a_stream_that_has_lived_long_enough_ends_at_a_border_with_a_retry(door: Door) -> None:
    site = door(HubOptions(max_age=0.1))
    reader = site.open()

    reader.until_end()

    assert reader.body.endswith(b"\n\n")
    assert [frame.type for frame in reader.frames] == ["HEARTBEAT", ""]
    assert 2000 <= int(reader.frames[-1].retry) <= 5000


def test_ages_differ_so_that_readers_do_not_all_come_back_at_once(site: Site) -> None:
    for _ in range(10):
        site.open()

    expiries = {client.expires for client in site.hub._clients.all()}

    assert len(expiries) == 10
    assert max(expiries) - min(expiries) > 10


def test_closing_ends_every_stream_with_its_own_retry_and_what_was_published_before(door: Door) -> None:
    site = door()
    readers = [site.open() for _ in range(20)]
    site.hub.publish("CONFIG_CHANGED", {})

    closing = gevent.spawn(site.hub.close, 0.5)
    for reader in readers:
        reader.until_end()
    closing.get(timeout=5)

    assert {tuple(reader.types) for reader in readers} == {("HEARTBEAT", "CONFIG_CHANGED", "")}
    assert len({reader.frames[-1].retry for reader in readers}) > 1


def test_closing_is_spread_over_the_time_it_is_given(site: Site) -> None:
    for _ in range(100):
        site.open()

    start = time.monotonic()
    site.hub.close(0.5)

    assert 0.3 < time.monotonic() - start < 5


def test_while_closing_new_readers_are_told_to_come_back(door: Door) -> None:
    site = door()
    site.hub.close(0)

    reader = site.connect().until_end()

    assert b" 200 " in reader.head
    assert [(frame.type, int(frame.retry) >= 15_000) for frame in reader.frames] == [("", True)]
