"""Slow, stalled and hostile readers: nobody else suffers, memory is bounded, and no gap goes unsaid."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from itertools import pairwise

import gevent

from portal.model import utc_now
from portal.stream.channel import Lag
from portal.stream.clients import SEND_BUFFER
from portal.stream.events import Event
from portal.stream.log import LogOptions
from portal.stream.options import HubOptions
from tests.stream.site import Reader, Site

BIG = "x" * 2000
Door = Callable[..., Site]


def flood(site: Site, count: int, key: str = "") -> str:
    """Publish more than any socket buffer takes; return the last position."""
    for n in range(count):
        site.hub.publish("CONFIG_CHANGED", {"n": n, "text": BIG}, key=key and f"{key}{n % 5}")
        gevent.sleep(0.0002)
    return str(site.hub.head)


def gaps_without_reset(reader: Reader) -> list[tuple[str, str]]:
    """Return the neighbours that do not follow each other though no RESET or merge lies between them."""
    frames = [frame for frame in reader.frames if frame.type != "HEARTBEAT"]
    return [
        (one.id, two.id)
        for one, two in pairwise(frames)
        if two.type != "RESET" and int(two.id.split(".")[1]) != int(one.id.split(".")[1]) + 1
    ]


def test_a_slow_reader_is_reset_and_not_dropped_silently(door: Door) -> None:
    site = door(HubOptions(lag=Lag(frames=100, bytes=1 << 20, seconds=10), log=LogOptions(frames=150)))
    slow = site.open(receive_buffer=4096)
    fast = site.open()
    gevent.spawn(fast.until_event, f"{site.hub.head.epoch}.1200")

    flood(site, 1200)
    time.sleep(1.2)
    last = site.hub.publish("CONFIG_CHANGED", {"n": "last"})
    slow.until_event(last)
    fast.until_event(last)

    assert gaps_without_reset(slow) == []
    assert "RESET" in slow.types
    assert {frame.value["reason"] for frame in slow.frames if frame.type == "RESET"} == {"slow"}
    assert fast.types.count("CONFIG_CHANGED") == 1201


def test_a_reader_that_is_a_little_behind_gets_all_of_it_in_order(door: Door) -> None:
    site = door()
    slow = site.open(receive_buffer=4096)

    last = flood(site, 400)
    slow.until_event(last)

    assert gaps_without_reset(slow) == []
    assert slow.types.count("CONFIG_CHANGED") == 400


def test_a_blocked_reader_gets_the_last_state_of_each_entry_once(site: Site) -> None:
    slow = site.open(receive_buffer=4096)

    last = flood(site, 400, key="entry")
    slow.until_event(last)

    seen = [frame.value["n"] for frame in slow.events]
    assert len(seen) < 400
    assert seen == sorted(seen)
    assert seen[-5:] == [395, 396, 397, 398, 399]


def test_a_stalled_reader_is_closed_and_its_kernel_memory_freed(open_site: Callable[..., Site]) -> None:
    site = open_site(HubOptions(stall=0.5))
    site.open(receive_buffer=4096)

    flood(site, 400)

    site.wait(lambda: site.hub.desk.admission.clients == 0, 5)


def test_what_the_kernel_holds_for_a_reader_is_small(site: Site) -> None:
    site.open()
    client = site.hub._clients.all()[0]

    size = client.socket.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)

    assert size <= 2 * SEND_BUFFER  # the kernel doubles what is asked for
    assert client.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 30_000
    assert client.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1


def test_readers_that_never_read_do_not_hold_up_the_others_or_fill_memory(site: Site) -> None:
    for _ in range(30):
        site.open(receive_buffer=4096)
    fast = site.open()
    reading = gevent.spawn(fast.until_event, f"{site.hub.head.epoch}.1000")

    flood(site, 1000)
    reading.get(timeout=10)

    backlogs = [backlog for group in site.hub.desk.updates.groups.values() for _, backlog in group.blocked.values()]
    assert fast.types.count("CONFIG_CHANGED") == 1000
    assert len(backlogs) == 30
    assert all(len(backlog.data) < 4 * SEND_BUFFER for backlog in backlogs)


def test_a_slow_frame_is_finished_before_a_reset(door: Door) -> None:
    site = door(HubOptions(lag=Lag(frames=5, bytes=1 << 20, seconds=10), log=LogOptions(frames=10)))
    slow = site.open(receive_buffer=2048)

    for n in range(60):
        site.hub.publish("CONFIG_CHANGED", {"n": n, "text": "y" * 30_000})
        gevent.sleep(0.001)
    last = site.hub.publish("CONFIG_CHANGED", {"n": 60})
    slow.until_event(last)

    assert gaps_without_reset(slow) == []
    assert "RESET" in slow.types


def test_a_reader_that_keeps_talking_is_not_listened_to(site: Site) -> None:
    reader = site.open()
    reader.socket.sendall(b"GET / HTTP/1.1\r\n\r\n" * 1000)

    head = site.hub.publish("CONFIG_CHANGED", {})

    assert reader.until_event(head).types == ["HEARTBEAT", "CONFIG_CHANGED"]


def test_a_request_with_a_body_is_served_all_the_same(site: Site) -> None:
    reader = site.connect(headers="Content-Length: 5\r\n")
    reader.socket.sendall(b"hello")

    reader.until(lambda reader: b"HEARTBEAT" in reader.raw)

    assert reader.raw.startswith(b"HTTP/1.1 200 ")


def test_a_reader_that_resets_its_connection_leaves_nothing(site: Site) -> None:
    reader = site.open()
    reader.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    reader.close()

    site.hub.publish("CONFIG_CHANGED", {})

    site.wait(lambda: site.hub.desk.admission.clients == 0, 2)


def test_other_requests_are_answered_while_a_sweep_is_under_way(site: Site) -> None:
    readers = [site.open() for _ in range(300)]

    last = flood(site, 50)
    answer = site.connect(path="/ping").until_end(5)

    assert answer.body == b"pong"
    assert all(reader.until_event(last) for reader in readers)


def test_a_burst_larger_than_the_log_is_delivered_while_the_readers_keep_up(site: Site) -> None:
    reader = site.open()

    for n in range(5000):
        site.hub.append(Event(type="CONFIG_CHANGED", timestamp=utc_now(), data=b'{"n":%d}' % n))
    reader.until_event(site.hub.head)

    assert gaps_without_reset(reader) == []
