"""Whatever a server does, in whatever order: what the machine hands on stays true, and it never asks too often."""

from __future__ import annotations

import math
from itertools import cycle, pairwise

from hypothesis import given
from hypothesis import strategies as st

from portal.kube import errors
from portal.kube.signals import List, Rest, Stopped
from tests.kube.simulation import HONEST, Answer, Simulation

ERRORS = (
    errors.Expired("too old", code=410),
    errors.TooLargeResourceVersion("too large", code=504, retry_after=1.0),
    errors.InternalError("no leader", code=500),
    errors.TooManyRequests("slow down", code=429, retry_after=3.0),
    errors.Unavailable("starting", code=503, retry_after=5.0),
    errors.Unauthorized("who are you", code=401),
    errors.Forbidden("no", code=403),
    errors.NotFound("404 page not found", code=404),
    errors.InvalidRequest("what", code=400),
    errors.Unexpected("teapot", code=418),
    errors.Unreachable("refused"),
    errors.ConnectionLost("reset"),
    errors.Truncated("cut"),
    errors.Malformed("garbage"),
    errors.LineTooLong("long"),
)
ODDITIES = ("", "", "end", "replay", "unknown", "nameless", "silence", "no version", "zero", "other version")

chances = st.floats(0, 1, exclude_max=True)
answers = st.builds(
    Answer,
    error=st.one_of(st.none(), st.none(), st.sampled_from(ERRORS)),
    oddity=st.sampled_from(ODDITIES),
    seconds=st.sampled_from((0.0, 0.01, 0.9, 1.1, 30.0)),
    chance=chances,
)
names = st.sampled_from("abcde")
writes = st.tuples(st.sampled_from(("put", "put", "delete", "elsewhere", "compact")), names)
scripts = st.lists(st.tuples(st.lists(writes, max_size=3), answers), max_size=60)

GRACE_SECONDS = 60.0
# Silence of 90 s, a backoff of 60 s, a poll of 60 s, and three requests' worth of waiting in between.
CONVERGENCE_SECONDS = 400.0
# A server that went back in time and says nothing is found out by the safety relist at the latest.
RELIST_SECONDS = 15 * 60 + 250.0


def play(simulation: Simulation, script: list[tuple[list[tuple[str, str]], Answer]]) -> None:
    """Let the server do what the script says, and look at every step whether what is known was true."""
    for happenings, answer in script:
        for what, name in happenings:
            getattr(simulation.server, what)(name)
        simulation.go(answer)
        assert simulation.is_past(), (simulation.told, simulation.state)


def longest_between_lists(simulation: Simulation, failures: list[tuple[errors.KubeError, float]], long: float) -> float:
    """Let every watch fail, in turn in these ways, and return how long it took at most from one list to the next."""
    listed_at = [simulation.now]
    end = simulation.now + long
    for error, chance in cycle(failures):
        listing = isinstance(simulation.command, List)
        simulation.go(HONEST if listing else Answer(error, chance=chance))
        listed_at += [simulation.now] if listing else []
        if simulation.now > end:
            break
    return max(b - a for a, b in pairwise([*listed_at, simulation.now]))


@given(scripts)
def test_what_is_known_is_always_a_state_that_the_server_once_had(script: list) -> None:
    simulation = Simulation()

    play(simulation, script)

    assert simulation.is_past()


@given(scripts, st.booleans())
def test_when_faults_cease_the_truth_arrives(script: list, held: bool) -> None:
    simulation = Simulation(held=held)
    play(simulation, script)

    simulation.settle(CONVERGENCE_SECONDS)

    assert simulation.told == simulation.server.objects
    assert simulation.state.status == "completed"


@given(scripts)
def test_what_was_restored_is_cleared_by_nothing_that_lasted_less_than_a_minute(script: list) -> None:
    simulation = Simulation(held=True)
    began = simulation.now

    play(simulation, script)

    assert min(simulation.cleared, default=math.inf) - began >= GRACE_SECONDS
    assert simulation.deliveries or simulation.told == {"restored": 1}


@given(scripts, names, st.lists(writes, max_size=6))
def test_a_restored_backup_is_noticed(script: list, name: str, later: list[tuple[str, str]]) -> None:
    simulation = Simulation()
    play(simulation, script)
    simulation.server.restore(name)
    simulation.suspect = True

    for what, other in later:
        getattr(simulation.server, what)(other)
    simulation.settle(RELIST_SECONDS)

    assert simulation.told == simulation.server.objects


@given(scripts)
def test_there_are_never_more_than_six_requests_in_ten_seconds(script: list) -> None:
    simulation = Simulation()

    play(simulation, script)
    simulation.settle(60.0)

    assert simulation.most_requests() <= 6


@given(st.sampled_from(ERRORS), st.sampled_from(ODDITIES), chances, st.sampled_from((0.0, 0.01, 1.1)))
def test_no_error_that_persists_makes_a_hot_loop(
    error: errors.KubeError, odd: str, chance: float, lived: float
) -> None:
    simulation = Simulation()
    answer = Answer(chance=chance, seconds=lived, oddity=odd)
    failing = Answer(error=error, chance=chance, seconds=0.0)

    for number in range(300):
        simulation.go(failing if number % 3 else answer)

    assert simulation.most_requests() <= 6


@given(st.lists(st.tuples(st.sampled_from(ERRORS), chances), min_size=1, max_size=30))
def test_what_can_be_listed_is_shown_however_its_watch_fails(failures: list) -> None:
    simulation = Simulation()

    longest = longest_between_lists(simulation, failures, 3 * RELIST_SECONDS)

    assert simulation.cleared == []
    assert longest < RELIST_SECONDS
    assert simulation.most_requests() <= 6


@given(scripts)
def test_versions_of_an_object_never_go_back_within_an_epoch(script: list) -> None:
    simulation = Simulation()
    play(simulation, script)
    simulation.settle(CONVERGENCE_SECONDS)

    handed = [each for delivery in simulation.deliveries for each in getattr(delivery, "events", ())]
    versions = [int(each.object.metadata.resource_version) for each in handed]

    assert versions == sorted(set(versions))


@given(scripts)
def test_a_stopped_machine_does_nothing_more(script: list) -> None:
    simulation = Simulation()
    play(simulation, script)
    before = len(simulation.deliveries)

    simulation._step(Stopped(), 0.5)

    assert simulation.command == Rest()
    assert len(simulation.deliveries) == before


def test_an_honest_server_is_listed_once_and_watched() -> None:
    simulation = Simulation()
    simulation.server.put("a")

    simulation.go(HONEST)
    simulation.go(HONEST)
    simulation.server.put("b")
    simulation.go(HONEST)

    assert simulation.told == {"a": 101, "b": 102}
    assert simulation.statuses == ["pending", "in_progress", "completed"]
