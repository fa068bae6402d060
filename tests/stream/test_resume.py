"""Resuming: exactly what was missed, or one RESET that says why."""

from __future__ import annotations

import re
from collections.abc import Callable

import gevent
import pytest

from portal.stream.announcer import Announcer
from portal.stream.channel import Lag
from portal.stream.log import LogOptions
from portal.stream.options import HubOptions
from tests.stream.entries import added, application, updated
from tests.stream.site import Reader, Site

Door = Callable[..., Site]


def publish(site: Site, count: int, start: int = 0) -> list[str]:
    return [str(site.hub.publish("CONFIG_CHANGED", {"n": n})) for n in range(start, start + count)]


def ids(reader: Reader) -> list[str]:
    return [frame.id for frame in reader.events]


def test_a_known_position_gets_exactly_the_later_events_then_live_ones(door: Door) -> None:
    site = door()
    missed = publish(site, 20)
    reader = site.open(last=missed[4])

    live = publish(site, 5, 20)

    reader.until_event(live[-1])
    assert ids(reader) == missed[5:] + live
    assert [frame.value["n"] for frame in reader.events] == list(range(5, 25))


def test_a_long_replay_is_whole_and_in_order(door: Door) -> None:
    site = door()
    missed = publish(site, 3000)

    reader = site.open(last=missed[0]).until_event(missed[-1])

    assert ids(reader) == missed[1:]


def test_the_head_gets_nothing_again(door: Door) -> None:
    site = door()
    head = publish(site, 5)[-1]

    reader = site.open(last=head)

    assert reader.types == ["HEARTBEAT"]


def test_the_query_names_the_position_on_a_first_connect_and_the_header_wins(door: Door) -> None:
    site = door()
    published = publish(site, 5)

    by_query = site.open(f"?last_event_id={published[2]}")
    by_both = site.open(f"?last_event_id={published[2]}", last=published[3])

    assert ids(by_query) == published[3:]
    assert ids(by_both) == published[4:]


@pytest.mark.parametrize(
    ("position", "reason"),
    [
        ("nonsense", "gap"),
        ("x" * 500, "gap"),
        ("{epoch}.9999", "gap"),
        ("{epoch}.3-1", "gap"),
        ("{epoch}.99999999999999999999", "gap"),
        ("p000000000000.3", "restart"),
        ("b000000000000.3-0", "restart"),
    ],
)
def test_what_cannot_be_resumed_gets_one_reset_at_the_head_and_goes_on_live(
    door: Door, position: str, reason: str
) -> None:
    site = door()
    head = publish(site, 5)[-1]
    reader = site.open(last=position.format(epoch=site.hub.head.epoch))

    live = publish(site, 1, 5)

    reader.until_event(live[-1])
    assert reader.types == ["RESET", "HEARTBEAT", "CONFIG_CHANGED"]
    assert reader.frames[0].id == head
    assert reader.frames[0].value == {"reason": reason}


def test_a_position_older_than_the_log_is_a_gap(door: Door) -> None:
    site = door(HubOptions(log=LogOptions(frames=10)))
    published = publish(site, 30)
    site.wait(lambda: site.hub.desk.updates.flushed == site.hub.desk.updates.log.end)
    publish(site, 1, 30)

    inside = site.open(last=published[25])
    outside = site.open(last=published[3])

    assert ids(inside)[0] == published[26]
    assert outside.frames[0].value == {"reason": "gap"}


def test_a_position_that_is_published_but_not_handed_out_yet_is_waited_for(door: Door) -> None:
    site = door()

    position = site.hub.publish("CONFIG_CHANGED", {"n": 0})
    reader = site.open(last=position)
    later = site.hub.publish("CONFIG_CHANGED", {"n": 1})

    reader.until_event(later)
    assert reader.types == ["HEARTBEAT", "CONFIG_CHANGED"]


def test_a_drop_in_the_first_second_can_resume_from_the_first_frame(door: Door) -> None:
    site = door()
    first = site.open()
    first.close()
    published = publish(site, 3)

    reader = site.open(last=first.frames[0].id)

    assert ids(reader) == published


def test_a_filtered_resume_is_as_exact_as_an_unfiltered_one(door: Door) -> None:
    site = door()
    announcer = Announcer(site.hub.extend, 0.0)
    watching = site.open("?tags=a&types=APPLICATION_ADDED,APPLICATION_UPDATED,APPLICATION_REMOVED")
    start = watching.frames[0].id
    tagged = {tags: application(tags=tags) for tags in ("a", "b", "a,b")}

    announcer.announce([added(tagged["a"]), updated(tagged["a"], tagged["b"]), updated(tagged["b"], tagged["a,b"])])
    announcer.announce([updated(tagged["a,b"], tagged["b"]), updated(tagged["b"], application(tags="b", info="x"))])
    site.wait(lambda: site.hub.desk.updates.flushed == site.hub.desk.updates.log.end)
    resumed = site.open("?tags=a&types=APPLICATION_ADDED,APPLICATION_UPDATED,APPLICATION_REMOVED", last=start)

    watching.until(lambda reader: len(reader.events) == 4)
    assert [(event.id, event.data) for event in resumed.events] == [(event.id, event.data) for event in watching.events]
    assert [frame.type for frame in resumed.events] == [
        "APPLICATION_ADDED",
        "APPLICATION_REMOVED",
        "APPLICATION_ADDED",
        "APPLICATION_REMOVED",
    ]


def test_publishing_while_readers_attach_loses_and_repeats_nothing(door: Door) -> None:
    patient = Lag(frames=1024, bytes=1 << 20, seconds=300.0)  # a busy machine is slow with a thousand TLS handshakes
    site = door(HubOptions(slice=0.0, lag=patient))
    published = publish(site, 50)
    readers: list[Reader] = []
    publisher = gevent.spawn(lambda: [(publish(site, 1, 50 + n), gevent.sleep(0.001)) for n in range(250)])
    attaching = [
        gevent.spawn_later(0.0003 * n, lambda n=n: readers.append(site.connect(last=published[n % 50])))
        for n in range(1000)
    ]

    gevent.joinall([publisher, *attaching])
    last = site.hub.publish("CONFIG_CHANGED", {"n": 300})
    for reader in readers:
        reader.until_event(last)
    numbers = [[int(n) for n in re.findall(rb'"n":(\d+)', reader.body)] for reader in readers]

    assert len(numbers) == 1000
    assert all(seen == list(range(seen[0], 301)) and seen[0] <= 50 for seen in numbers)
