"""One holder among replicas: on a real API server, with clocks that the tests turn."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from portal.kube.client import Api, connect
from portal.kube.errors import Forbidden, Unreachable
from portal.kube.lease import Lease, LeaseOptions
from tests.cluster.control_plane import ControlPlane

NUMBERS = itertools.count()


class Clock:
    """A clock that all replicas look at."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Replica:
    """One replica, and each turn that it was told."""

    def __init__(self, api: Any, name: str, identity: str, clock: Clock) -> None:
        self.turns: list[bool] = []
        options = LeaseOptions(namespace="default", name=name, identity=identity)
        self.lease = Lease(api, options, self.turns.append, clock=clock)


class Broken:
    """An API server that only fails."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def send(self, *_: object, **__: object) -> bytes:
        raise self.error


class Answering:
    """A proxy that answers everything itself."""

    def __init__(self, body: bytes) -> None:
        self.body = body

    def send(self, *_: object, **__: object) -> bytes:
        return self.body


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def api(control_plane: ControlPlane) -> Api:
    return connect(str(control_plane.admin))


@pytest.fixture
def replica(api: Api, clock: Clock) -> Callable[[str], Replica]:
    name = f"checks-{next(NUMBERS)}"
    return lambda identity: Replica(api, name, identity, clock)


def test_the_first_replica_holds_it_and_the_second_does_not(replica: Callable[[str], Replica]) -> None:
    first, second = replica("first"), replica("second")

    first.lease.attempt()
    second.lease.attempt()
    first.lease.attempt()

    assert (first.turns, second.turns) == ([True], [])


def test_it_is_renewed_for_as_long_as_the_holder_lives(replica: Callable[[str], Replica], clock: Clock) -> None:
    first, second = replica("first"), replica("second")

    for clock.now in range(0, 60, 5):
        first.lease.attempt()
        second.lease.attempt()

    assert (first.turns, second.turns) == ([True], [])


def test_a_holder_that_died_is_replaced_within_fifteen_seconds(replica: Callable[[str], Replica], clock: Clock) -> None:
    first, second = replica("first"), replica("second")
    first.lease.attempt()

    taken = next(
        clock.now for clock.now in (each * 2.5 for each in range(10)) if second.lease.attempt() or second.turns
    )

    assert 10 <= taken <= 15
    assert second.turns == [True]


def test_a_holder_that_slept_sees_that_another_took_over(replica: Callable[[str], Replica], clock: Clock) -> None:
    first, second = replica("first"), replica("second")
    first.lease.attempt()
    second.lease.attempt()
    clock.now = 11
    second.lease.attempt()

    first.lease.attempt()

    assert (first.turns, second.turns) == ([True, False], [True])


def test_a_holder_that_stops_is_replaced_at_once(replica: Callable[[str], Replica]) -> None:
    first, second = replica("first"), replica("second")
    first.lease.attempt()
    second.lease.attempt()

    first.lease.release()
    second.lease.attempt()

    assert (first.turns, second.turns) == ([True, False], [True])


def test_releasing_what_another_holds_changes_nothing(replica: Callable[[str], Replica]) -> None:
    first, second = replica("first"), replica("second")
    first.lease.attempt()

    second.lease.release()
    second.lease.attempt()

    assert second.turns == []


def test_of_two_that_ask_at_the_same_moment_one_holds_it(api: Api, replica: Callable[[str], Replica]) -> None:
    first, second = replica("first"), replica("second")
    first.lease.attempt()
    first.lease.release()
    read = second.lease._read()
    second.lease._read = lambda: read  # what it read before the first took it again
    first.lease.attempt()

    second.lease.attempt()

    assert (first.turns, second.turns) == ([True, False, True], [])


def test_a_holder_that_cannot_reach_the_api_server_goes_on(
    replica: Callable[[str], Replica], clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    first = replica("first")
    first.lease.attempt()
    first.lease._api = Broken(Unreachable("no connection"))

    for clock.now in range(0, 60, 5):
        first.lease.attempt()

    assert first.turns == [True]
    assert caplog.text.count("Cannot ask for the Lease") == 1


@pytest.mark.parametrize("body", [b"<html>log in first</html>", b"[]"])
def test_an_answer_that_is_no_lease_changes_nothing(
    clock: Clock, caplog: pytest.LogCaptureFixture, body: bytes
) -> None:
    replica = Replica(Answering(body), "checks", "first", clock)

    replica.lease.attempt()

    assert replica.turns == []
    assert "Cannot ask for the Lease" in caplog.text


def test_without_the_right_to_use_leases_every_replica_does_the_work(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    replica = Replica(Broken(Forbidden("leases is forbidden", code=403)), "checks", "first", clock)

    replica.lease.attempt()
    replica.lease.attempt()

    assert replica.turns == [True]
    assert caplog.text.count("No right to use Leases") == 1
