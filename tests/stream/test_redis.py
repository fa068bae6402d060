"""Replicas on one real Valkey: the same order, ids and bytes, and the truth in the end, whoever dies."""

from __future__ import annotations

from collections.abc import Callable

import gevent
import msgspec
import pytest
import redis
from msgspec.structs import replace
from redis.client import Pipeline

from portal.model import Application, Change, utc_now
from portal.stream.announcer import event_from_change
from portal.stream.events import Event
from portal.stream.options import Subscription
from portal.stream.views import View
from tests.stream.entries import added, application, down, health, removed, updated
from tests.stream.replicas import Replica, Service, Valkey, config

Make = Callable[..., Replica]


def at(version: int, name: str = "jellyfin", **more: object) -> Application:
    return application(name, resource_version=str(version), **more)


def test_all_replicas_show_the_same_ids_and_bytes_in_the_same_order(shared_valkey: Valkey, make: Make) -> None:
    one, two, three = make(shared_valkey), make(shared_valkey), make(shared_valkey)

    for n in range(60):
        (one, two, three)[n % 3].broker.publish(config(n))
    for replica in (one, two, three):
        replica.wait(lambda replica=replica: len(replica.shown) == 60)

    assert one.bytes == two.bytes == three.bytes


def test_what_every_replica_says_is_published_once(shared_valkey: Valkey, make: Make) -> None:
    replicas = [make(shared_valkey) for _ in range(3)]
    changes = [Change(None if n == 0 else at(n), at(n + 1, info=str(n + 1))) for n in range(20)]

    for change in changes:
        for replica in replicas:
            replica.announcer.announce([change])
    replicas[2].wait(lambda: len(replicas[2].shown) >= 20)
    replicas[0].broker.publish(config(1))
    replicas[2].wait(lambda: b"NUMBER" in b"".join(replicas[2].bytes))

    assert len(replicas[2].shown) == 21


def test_a_late_replica_does_not_bring_back_what_is_gone(shared_valkey: Valkey, make: Make) -> None:
    one, late = make(shared_valkey), make(shared_valkey)

    one.announcer.announce([added(at(5)), removed(at(5))])
    one.wait(lambda: len(one.shown) == 2)
    late.announcer.announce([added(at(5)), removed(at(5))])
    late.broker.publish(config(1))
    late.wait(lambda: b"NUMBER" in b"".join(late.bytes))

    assert len(late.shown) == 3


def test_who_was_shown_the_state_of_a_replica_that_is_behind_is_told_what_it_lacked(
    shared_valkey: Valkey, make: Make
) -> None:
    one, behind = make(shared_valkey), make(shared_valkey)
    one.announcer.announce([added(at(1))])
    behind.wait(lambda: len(behind.shown) == 1)

    of_a_page_without_it = behind.broker.position
    behind.announcer.announce([added(at(1))])

    assert behind.open(last=of_a_page_without_it).types == ["APPLICATION_ADDED", "HEARTBEAT"]
    assert behind.broker.position == behind.hub.head


def test_an_older_version_does_not_replace_a_newer_one(shared_valkey: Valkey, make: Make) -> None:
    one, late = make(shared_valkey), make(shared_valkey)

    one.announcer.announce([added(at(10, info="new"))])
    one.wait(lambda: len(one.shown) == 1)
    late.announcer.announce([added(at(9, info="old")), updated(at(9, info="old"), at(10, info="new"))])
    late.broker.publish(config(1))
    late.wait(lambda: b"NUMBER" in b"".join(late.bytes))

    assert len(late.shown) == 2


def test_an_entry_that_a_replica_holds_against_the_stream_is_said_again(shared_valkey: Valkey, make: Make) -> None:
    one, two = make(shared_valkey), make(shared_valkey)
    one.announcer.announce([added(at(10, info="restored from a backup later"))])
    one.wait(lambda: len(one.shown) == 1)

    two.announcer.announce([added(at(3, info="the truth now"))])
    one.announcer.announce([updated(at(10), at(3, info="the truth now"))])

    one.wait(lambda: b"the truth now" in one.bytes[-1])
    two.wait(lambda: one.bytes == two.bytes)


def test_what_went_while_all_were_away_is_removed_when_a_replica_knows_everything(
    shared_valkey: Valkey, make: Make
) -> None:
    before = make(shared_valkey)
    before.announcer.announce([added(at(1)), added(at(1, "other"))])
    before.wait(lambda: len(before.shown) == 2)
    reader = before.open()
    before.close()

    fresh = make(shared_valkey)
    fresh.announcer.announce([added(at(1))])
    resumed = fresh.open(last=reader.frames[-1].id)
    fresh.is_settled = True

    resumed.until_types("APPLICATION_REMOVED")
    assert resumed.events[-1].value == {
        "id": "local/ingress/media/other",
        "namespace": "media",
        "resourceName": "other",
    }


def test_health_is_told_once_by_who_checks_it(shared_valkey: Valkey, make: Make) -> None:
    checking, other = make(shared_valkey), make(shared_valkey)
    checking.announcer.announce([added(at(1))])
    other.announcer.announce([added(at(1))])

    checking.announcer.announce([health(at(1), down(at(1)))])

    other.wait(lambda: b"STATUS_CHANGED" in b"".join(other.bytes))
    assert len(other.shown) == 2


def test_a_reader_resumes_on_another_replica_with_nothing_missing_and_nothing_twice(
    shared_valkey: Valkey, make: Make
) -> None:
    one, two = make(shared_valkey), make(shared_valkey)
    reader = one.open()
    for n in range(30):
        one.broker.publish(config(n))
    reader.until(lambda reader: len(reader.events) >= 10)
    reader.close()

    resumed = two.connect(last=reader.events[9].id).until(lambda reader: b'"n":29' in reader.raw)

    numbers = [frame.value["n"] for frame in [*reader.events[:10], *resumed.events]]
    assert numbers == list(range(30))


def test_a_replica_that_starts_later_resumes_readers_of_the_past(shared_valkey: Valkey, make: Make) -> None:
    one = make(shared_valkey)
    for n in range(30):
        one.broker.publish(config(n))
    one.wait(lambda: len(one.shown) == 30)

    fresh = make(shared_valkey)
    resumed = fresh.open(last=one.shown[9])

    assert [frame.value["n"] for frame in resumed.events] == list(range(10, 30))


def test_a_reader_of_a_quiet_channel_goes_on_at_another_replica(shared_valkey: Valkey, make: Make) -> None:
    one = make(shared_valkey)
    one.broker.publish(replace(config(1), channel="sse:quiet"))
    one.broker.publish(config(2))
    one.wait(lambda: len(one.shown) == 1 and "sse:quiet" in one.hub.desk.channels)

    fresh = make(shared_valkey)
    position = str(fresh.hub.desk.channel("sse:quiet").position)
    resumed = one.hub.frames(Subscription(View(form="plain"), position, channel="sse:quiet"))

    assert b"RESET" not in next(resumed)


def test_what_a_replica_says_of_itself_stays_with_it(shared_valkey: Valkey, make: Make) -> None:
    one, two = make(shared_valkey), make(shared_valkey)
    one.broker.publish(config(1))
    for each in (one, two):  # also the one that wrote: what it says of itself does not take the way through the broker
        each.wait(lambda each=each: len(each.shown) == 1)

    one.broker.publish(Event(type="SYNC_STATUS", timestamp=utc_now(), data=b"{}", key="sync"))
    one.broker.publish(config(2))
    one.wait(lambda: len(one.shown) == 3)
    two.wait(lambda: len(two.shown) == 2)

    assert [b"SYNC_STATUS" in frame for frame in one.bytes] == [False, True, False]
    assert one.open(last=one.shown[0]).types == ["SYNC_STATUS", "NUMBER", "HEARTBEAT"]


def test_connected_readers_stay_when_the_broker_restarts_and_nothing_is_lost(valkey: Valkey, make: Make) -> None:
    one, two = make(valkey), make(valkey)
    reader = two.open()
    one.broker.publish(config(1))
    reader.until(lambda reader: b'"n":1' in reader.raw)

    valkey.kill()
    valkey.start()
    one.broker.publish(config(2))

    reader.until(lambda reader: b'"n":2' in reader.raw)
    assert reader.types == ["HEARTBEAT", "NUMBER", "NUMBER"]


def test_without_the_broker_a_replicas_own_events_still_reach_its_readers_and_one_reset_follows(
    valkey: Valkey, make: Make
) -> None:
    one = make(valkey)
    reader = one.open()
    one.broker.publish(config(1))
    reader.until_types("NUMBER")

    valkey.kill()
    one.broker.publish(config(2))
    reader.until(lambda reader: b'"n":2' in reader.raw)
    while_away = one.open()
    valkey.start()
    one.broker.publish(config(3))

    reader.until(lambda reader: b'"n":3' in reader.raw and "RESET" in reader.types)
    while_away.until(lambda reader: b'"n":3' in reader.raw and "RESET" in reader.types)
    assert reader.types.count("RESET") == 1
    assert [frame.value for frame in reader.frames if frame.type == "RESET"] == [{"reason": "restart"}]


def test_a_removal_is_told_though_the_broker_forgot_what_entries_there_are(shared_valkey: Valkey, make: Make) -> None:
    one, two = make(shared_valkey), make(shared_valkey)
    reader = two.open()
    for each in (one, two):
        each.announcer.announce([added(at(1))])
    reader.until_types("APPLICATION_ADDED")

    shared_valkey.client().delete(one.broker._keys[1])  # as a broker does that evicts what is too much
    for each in (one, two):
        each.announcer.announce([removed(at(1))])

    reader.until_types("APPLICATION_REMOVED")


def test_what_several_replicas_miss_at_the_same_time_is_said_again_once(shared_valkey: Valkey, make: Make) -> None:
    replicas = [make(shared_valkey) for _ in range(3)]
    one = replicas[0]
    one.announcer.announce([added(at(1)), added(at(1, "other"))])
    one.wait(lambda: len(one.shown) == 2)
    stays, goes = (event_from_change(change, utc_now()) for change in (added(at(1)), removed(at(1, "other"))))

    for replica in replicas:
        for event in (stays, goes):
            replica.broker._enqueue(event, force=True)
    for replica in replicas:
        replica.broker.publish(config(1))
    one.wait(lambda: b"".join(one.bytes).count(b"NUMBER") == 3)

    assert b"".join(one.bytes).count(b"APPLICATION_ADDED") == 3
    assert b"".join(one.bytes).count(b"APPLICATION_REMOVED") == 1


def test_what_another_replica_brought_into_a_new_history_is_told_to_readers_who_were_reset_before(
    valkey: Valkey, make: Make
) -> None:
    first, second = make(valkey), make(valkey, block=2.0)
    reader = first.open()
    for each in (first, second):
        each.announcer.announce([added(at(1))])
    reader.until_types("APPLICATION_ADDED")

    valkey.client().flushall()
    reader.until_types("RESET")
    second.announcer.announce([added(at(1, "other"))])  # in the old history still
    first.wait(lambda: first.broker._epoch == second.broker._epoch)
    first.announcer.announce([added(at(1, "other"))])

    reader.until_types("RESET", "APPLICATION_ADDED")


def test_what_was_too_much_to_keep_for_the_broker_is_not_dropped_silently(valkey: Valkey, make: Make) -> None:
    one, two = make(valkey, queue=10), make(valkey)
    reader = two.open()

    valkey.kill()
    one.wait(lambda: not one.broker._is_up)
    for n in range(30):
        one.broker.publish(config(n))
    valkey.start()
    reader.until(lambda reader: "RESET" in reader.types)
    one.broker.publish(config(30))

    reader.until(lambda reader: b'"n":30' in reader.raw)
    assert reader.types.count("RESET") == 1


def test_a_broker_that_lost_its_history_sends_readers_to_a_snapshot(valkey: Valkey, make: Make) -> None:
    one, two = make(valkey), make(valkey)
    readers = [one.open(), two.open()]
    one.announcer.announce([added(at(1))])
    for reader in readers:
        reader.until_types("APPLICATION_ADDED")
    position = readers[0].frames[-1].id

    valkey.client().flushall()
    one.announcer.announce([updated(at(1), at(2))])
    for reader in readers:
        reader.until(lambda reader: "RESET" in reader.types)
    one.announcer.announce([removed(at(2))])

    for reader in readers:
        reader.until(lambda reader: "APPLICATION_REMOVED" in reader.types)
    assert [frame.value for frame in readers[1].frames if frame.type == "RESET"] == [{"reason": "epoch"}]
    assert two.open(last=position).frames[0].value == {"reason": "epoch"}


def test_what_is_written_again_because_the_answer_was_lost_is_published_once(
    shared_valkey: Valkey, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = make(shared_valkey, hold=5.0)
    reader = one.open()
    execute = Pipeline.execute

    def lose_the_answer(pipeline: Pipeline) -> None:
        execute(pipeline)
        monkeypatch.undo()
        raise redis.ConnectionError("cut off")

    monkeypatch.setattr(Pipeline, "execute", lose_the_answer)
    one.announcer.announce([added(at(1)), updated(at(1), at(2, info="new")), removed(at(2, info="new"))])
    reader.until_types("APPLICATION_ADDED", "APPLICATION_UPDATED", "APPLICATION_REMOVED")
    one.broker.publish(config(1))
    reader.until(lambda reader: b'"n":1' in reader.raw)

    assert len(reader.events) == 4


def test_what_cannot_be_encoded_is_refused_and_stops_nothing(shared_valkey: Valkey, make: Make) -> None:
    one = make(shared_valkey)

    with pytest.raises(OverflowError):
        one.broker.publish(replace(config(1), retry=10**30))
    with pytest.raises(ValueError, match="surrogates"):
        one.broker.publish(replace(config(1), id="\ud800"))
    one.broker.publish(config(2))

    one.wait(lambda: len(one.shown) == 1)


def test_a_broker_that_hangs_is_noticed_and_waited_for(valkey: Valkey, make: Make) -> None:
    one = make(valkey, timeout=0.3)
    reader = one.open()

    valkey.pause()
    one.broker.publish(config(1))
    reader.until(lambda reader: b'"n":1' in reader.raw)
    valkey.resume()
    one.broker.publish(config(2))

    reader.until(lambda reader: b'"n":2' in reader.raw)


def test_a_broker_that_takes_no_writes_for_a_while_is_joined_again(valkey: Valkey, make: Make) -> None:
    one, two = make(valkey, timeout=0.3), make(valkey)
    readers = [one.open(), two.open()]

    valkey.client().execute_command("CLIENT", "PAUSE", "1000", "WRITE")  # whoever reads only notices nothing
    one.broker.publish(config(1))
    for reader in readers:
        reader.until(lambda reader: b'"n":1' in reader.raw)
    readers[0].until(lambda reader: "RESET" in reader.types)
    one.broker.publish(config(2))

    for reader in readers:
        reader.until(lambda reader: b'"n":2' in reader.raw)
    one.wait(lambda: one.bytes[-1] == two.bytes[-1])


def test_a_broker_that_may_only_be_read_is_not_joined(valkey: Valkey, make: Make) -> None:
    one = make(valkey)
    reader = one.open()
    one.broker.publish(config(1))
    reader.until_types("NUMBER")

    valkey.client().config_set("min-replicas-to-write", 1)  # each is refused, as after a failover
    one.broker.publish(config(2))
    reader.until(lambda reader: b'"n":2' in reader.raw)
    gevent.sleep(0.5)
    assert "RESET" not in reader.types
    valkey.client().config_set("min-replicas-to-write", 0)
    one.broker.publish(config(3))

    reader.until(lambda reader: b'"n":3' in reader.raw and "RESET" in reader.types)
    assert reader.types.count("RESET") == 1


def test_what_a_replica_missed_is_heard_before_its_readers_look_it_up(
    valkey: Valkey, standby: Valkey, service: Service, make: Make
) -> None:
    one, away = make(valkey), make(service)
    one.announcer.announce([added(at(1))])
    reader = away.open()
    away.wait(lambda: len(away.heard) == 1)

    service.cut(standby)
    one.announcer.announce([health(at(1), down(at(1)))])
    away.broker.publish(config(1))
    reader.until_types("NUMBER")
    one.wait(lambda: len(one.shown) == 2)
    service.master = valkey
    reader.until(lambda reader: "RESET" in reader.types)

    assert [event.type for event in away.heard] == ["APPLICATION_ADDED", "STATUS_CHANGED"]


def test_a_master_that_was_demoted_is_left_for_the_new_one(
    valkey: Valkey, standby: Valkey, service: Service, make: Make
) -> None:
    one, two = make(service), make(service)
    readers = [one.open(), two.open()]
    one.broker.publish(config(1))
    for reader in readers:
        reader.until_types("NUMBER")
    standby.follow(valkey)

    service.fail_over(standby)  # who stays connected to the old one may only read
    one.broker.publish(config(2))

    one.wait(lambda: service.master.client().xlen(one.broker._keys[0]) == 2)
    for reader in readers:
        reader.until(lambda reader: b'"n":2' in reader.raw)
    one.wait(lambda: b'"n":2' in one.bytes[-1] and one.bytes[-1] == two.bytes[-1])


def test_an_end_that_was_lost_in_a_failover_is_noticed_behind_what_others_wrote_since(
    valkey: Valkey, standby: Valkey, service: Service, make: Make
) -> None:
    one = make(service, hold=10.0)  # what counts is what it does when it is back
    reader = one.open()
    one.broker.publish(config(1))
    reader.until_types("NUMBER")
    standby.follow(valkey)
    standby.client().replicaof("NO", "ONE")
    one.broker.publish(config(2))
    reader.until_types("NUMBER", "NUMBER")

    two = make(standby)
    two.broker.publish(config(3))
    two.wait(lambda: len(two.shown) == 2)
    service.fail_over(standby)
    one.broker.publish(config(4))

    reader.until(lambda reader: b'"n":4' in reader.raw)
    two.wait(lambda: one.shown == two.shown)
    assert reader.types == ["HEARTBEAT", "NUMBER", "NUMBER", "RESET", "NUMBER"]
    assert one.bytes == two.bytes


def test_a_portal_without_its_broker_at_start_serves_alone_until_it_comes(
    valkey: Valkey, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "portal.stream")
    valkey.kill()
    replica = Replica(valkey.url, "late")
    reader = replica.open()

    replica.broker.publish(config(1))
    reader.until(lambda reader: b'"n":1' in reader.raw)
    valkey.start()
    replica.broker.publish(config(2))

    reader.until(lambda reader: b'"n":2' in reader.raw)
    replica.wait(lambda: any(line.startswith("Broker is reached") for line in caplog.messages))
    assert [line.split("=")[0] for line in caplog.messages if line.startswith("Broker ") and "alone" not in line] == [
        "Broker cannot be reached error",
        "Broker is reached epoch",
    ]
    replica.close()


def test_a_replica_that_the_stream_was_trimmed_ahead_of_tells_its_readers(shared_valkey: Valkey, make: Make) -> None:
    one = make(shared_valkey, keep=100)
    reader = one.open()
    one.broker.publish(config(1))
    reader.until_types("NUMBER")
    burst = "for n = 1, 1000 do redis.call('XADD', KEYS[1], 'MAXLEN', '~', 100, '*', 'h', ARGV[1], 'e', ARGV[2]) end"

    shared_valkey.client().eval(burst, 1, one.broker._keys[0], one.broker._epoch, msgspec.msgpack.encode(config(2)))
    reader.until(lambda reader: len(reader.events) > 1)
    one.broker.publish(config(3))

    reader.until(lambda reader: b'"n":3' in reader.raw)
    assert reader.types == ["HEARTBEAT", "NUMBER", "RESET", "NUMBER"]
    assert reader.events[1].value == {"reason": "gap"}


@pytest.mark.parametrize("history", [{}, {"h": b"\xff"}, None], ids=["none", "no text", "ours"])
def test_a_foreign_entry_in_the_stream_is_skipped(
    shared_valkey: Valkey, make: Make, history: dict[str, bytes] | None
) -> None:
    one = make(shared_valkey)
    fields = {"h": one.broker._epoch} if history is None else history

    shared_valkey.client().xadd(one.broker._keys[0], {**fields, "e": b"nonsense"})
    one.broker.publish(config(1))

    one.wait(lambda: len(one.shown) == 1)
