"""Readers who were away for longer than a replica's log reaches: the broker still knows, or they are told."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from portal.model import utc_now
from portal.stream.events import Event
from portal.stream.log import LogOptions
from tests.stream.entries import added, application
from tests.stream.replicas import Replica, Valkey, config

Make = Callable[..., Replica]


def forget(replica: Replica, keep: int = 0) -> None:
    """Let the log of a replica forget all but the newest of what it has handed out, as it does after minutes."""
    log = replica.hub.desk.updates.log
    replica.wait(lambda: log.floor == log.end)
    log._options = LogOptions(frames=keep)
    log.trim()
    log._options = LogOptions()


@pytest.mark.parametrize("keep", [0, 1, 5])
def test_a_reader_that_was_away_for_longer_than_the_log_reaches_gets_what_it_missed_from_the_broker(
    shared_valkey: Valkey, make: Make, keep: int
) -> None:
    one = make(shared_valkey)
    for n in range(700):
        one.broker.publish(config(n))
    one.wait(lambda: len(one.shown) == 700)
    position = one.shown[9]
    forget(one, keep)

    resumed = one.connect(last=position)
    resumed.until(lambda reader: b"HEARTBEAT" in reader.raw)
    one.broker.publish(config(700))
    resumed.until(lambda reader: b'"n":700}' in reader.raw)

    assert [frame.value["n"] for frame in resumed.events] == list(range(10, 701))


def test_what_the_broker_has_forgotten_too_is_a_gap(shared_valkey: Valkey, make: Make) -> None:
    one = make(shared_valkey, fill=20)
    for n in range(60):
        one.broker.publish(config(n))
    one.wait(lambda: len(one.shown) == 60)
    old, young = one.shown[30], one.shown[50]
    forget(one)

    assert [frame.value for frame in one.open(last=old).frames if frame.type == "RESET"] == [{"reason": "gap"}]
    assert [frame.value["n"] for frame in one.open(last=young).events] == list(range(51, 60))


def test_what_is_older_than_the_log_is_read_once_for_all_who_ask(valkey: Valkey, make: Make) -> None:
    one = make(valkey)
    for n in range(60):
        one.broker.publish(config(n))
    one.wait(lambda: len(one.shown) == 60)
    shown = one.shown
    forget(one)
    asked = valkey.client().info("commandstats")["cmdstat_xrevrange"]["calls"]

    readers = [one.connect(last=position) for position in shown[:40]]
    for reader in readers:
        reader.until(lambda reader: b"HEARTBEAT" in reader.raw)

    assert [len(reader.events) for reader in readers] == list(range(59, 19, -1))
    assert valkey.client().info("commandstats")["cmdstat_xrevrange"]["calls"] == asked + 1


def test_a_reader_of_the_past_gets_its_filter_and_the_last_word_of_the_replica_about_itself(
    shared_valkey: Valkey, make: Make
) -> None:
    one = make(shared_valkey)
    one.announcer.announce([added(application(tags="a")), added(application("other", tags="b"))])
    one.wait(lambda: len(one.shown) == 2)
    one.broker.publish(Event(type="SYNC_STATUS", timestamp=utc_now(), data=b"{}", key="sync"))
    one.announcer.announce([added(application("third", tags="a"))])
    one.wait(lambda: len(one.shown) == 4)
    first = one.shown[0]
    forget(one)

    assert one.open("?tags=a", last=first).types == ["SYNC_STATUS", "APPLICATION_ADDED", "HEARTBEAT"]


def test_while_the_broker_is_away_what_is_older_than_the_log_is_a_gap(valkey: Valkey, make: Make) -> None:
    one = make(valkey)
    for n in range(5):
        one.broker.publish(config(n))
    one.wait(lambda: len(one.shown) == 5)
    position = one.shown[1]
    forget(one)
    valkey.kill()

    assert [frame.value for frame in one.open(last=position).frames if frame.type == "RESET"] == [{"reason": "gap"}]
