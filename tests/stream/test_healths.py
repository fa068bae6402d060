"""The health of applications, shared through a real Valkey."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import gevent
import pytest

from portal.model import Health
from portal.stream.healths import LOST_AFTER, SharedHealths
from tests.flow.portal import eventually
from tests.stream.replicas import Valkey

UP, DOWN = Health(state="up", http_status=200), Health(state="down", reason="answers 503")


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[Valkey]:
    valkey = Valkey(tmp_path)
    yield valkey
    valkey.kill()


class Side:
    """One replica's side of the sharing."""

    def __init__(self, url: str, *, writes: bool) -> None:
        self.known: Mapping[str, Health] = {}
        self.heard: list[Mapping[str, Health]] = []
        self.lost: list[bool] = []
        self.writes = writes
        self.shared = SharedHealths(url, lambda: self.known, self.heard.append, lambda: self.writes, self.lost.append)


def test_what_one_writes_another_reads(valkey: Valkey) -> None:
    writer, reader = Side(valkey.url, writes=True), Side(valkey.url, writes=False)
    writer.known = {"a": UP, "b": DOWN}

    writer.shared.write()
    reader.shared.read()

    assert reader.heard == [{"a": UP, "b": DOWN}]


def test_changes_and_departures_are_written_alone(valkey: Valkey) -> None:
    writer, reader = Side(valkey.url, writes=True), Side(valkey.url, writes=False)
    writer.known = {"a": UP, "b": DOWN, "c": UP}
    writer.shared.write()

    writer.known = {"a": DOWN, "b": DOWN}
    writer.shared.write()
    writer.shared.write()
    reader.shared.read()

    assert reader.heard == [{"a": DOWN, "b": DOWN}]


def test_a_new_writer_takes_the_leftovers_of_the_old_one_away(valkey: Valkey) -> None:
    first, second, reader = Side(valkey.url, writes=True), Side(valkey.url, writes=True), Side(valkey.url, writes=False)
    first.known, second.known = {"a": UP, "gone": UP}, {"a": UP}

    first.shared.write()
    second.shared.write()
    reader.shared.read()

    assert reader.heard == [{"a": UP}]


def test_what_cannot_be_read_is_passed_over(valkey: Valkey, caplog: pytest.LogCaptureFixture) -> None:
    valkey.client().hset("{portal}:health", mapping={"a": b'{"state":"up","httpStatus":200}', "b": b"["})
    reader = Side(valkey.url, writes=False)

    reader.shared.read()

    assert reader.heard == [{"a": UP}]
    assert "cannot be read id=b'b'" in caplog.text


def test_a_broker_that_is_away_for_long_is_told_once_and_so_is_its_return(
    valkey: Valkey, caplog: pytest.LogCaptureFixture
) -> None:
    reader = Side(valkey.url, writes=False)
    valkey.kill()
    turn = reader.shared._turn

    tuple(turn(writes=False, all_of_it=True) for _ in range(LOST_AFTER + 5))
    valkey.start()
    tuple(turn(writes=False, all_of_it=True) for _ in range(2))

    assert reader.lost == [True, False]
    assert caplog.text.count("Cannot share the health") == 1


def test_it_reads_at_once_writes_when_it_is_its_turn_and_stops(valkey: Valkey) -> None:
    side, stop = Side(valkey.url, writes=False), threading.Event()
    running = gevent.spawn(side.shared.run, stop)
    eventually(lambda: side.heard == [{}])

    side.known, side.writes = {"a": UP}, True
    eventually(lambda: valkey.client().hkeys("{portal}:health") == [b"a"])
    stop.set()
    running.join(3)

    assert running.successful()
