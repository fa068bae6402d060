"""What is remembered of an entry stays while its check waits for a Secret, and is unknown for that time."""

from __future__ import annotations

from portal.availability.history import AvailabilityHistory
from portal.availability.targets import CheckSpec
from portal.model import Change
from tests.availability.entries import application
from tests.availability.simulation import DOWN, EPOCH, UP, World

ENTRY = "local/ingress/default/a"
GIVEN = CheckSpec(headers_from="a", headers=(("X-Key", "1"),))
ROTATED = CheckSpec(headers_from="a", headers=(("X-Key", "2"),))
WAITING = CheckSpec(headers_from="a", waits="waits for Secret default/a: not there, or must not be read")
HALF_HOUR = 1800


def asked_for(seconds: float, *names: str) -> World:
    """Return a world in which entries have been asked, with their header, for so long."""
    world = World(lambda _host, _now: UP)
    for name in names or ("a",):
        world.scheduler.override(f"local/ingress/default/{name}", GIVEN)
        world.add(name, "http://a.example/")
    world.run(seconds)
    return world


def history(world: World, entry_id: str = ENTRY) -> AvailabilityHistory:
    found = world.scheduler.history(entry_id)
    assert found is not None
    return found


def seconds(of: AvailabilityHistory) -> list[tuple[str, int]]:
    """Return what was believed since which second."""
    return [(each.state, round(each.time.timestamp() - EPOCH)) for each in of.changes]


def test_what_was_known_stays_while_a_secret_is_missing() -> None:
    world = asked_for(2 * HALF_HOUR)
    before = history(world)

    world.scheduler.override(ENTRY, WAITING)
    world.run(6 * HALF_HOUR)

    waiting = history(world)
    assert waiting.health.reason == WAITING.waits
    assert waiting.checks == before.checks
    assert waiting.uptime == before.uptime == 1.0
    assert seconds(waiting)[1:] == [("unknown", 2 * HALF_HOUR)]
    assert [each.uptime for each in waiting.buckets[-6:]] == [1.0, None, None, None, None, None]


def test_the_time_of_the_waiting_counts_for_nobody_and_the_day_goes_on() -> None:
    world = asked_for(HALF_HOUR)
    before = history(world)
    world.scheduler.override(ENTRY, WAITING)
    world.run(3 * HALF_HOUR)

    world.scheduler.override(ENTRY, GIVEN)
    world.run(5 * HALF_HOUR)

    after = history(world)
    assert after.checks[: len(before.checks)] == before.checks
    assert len(after.checks) > 2 * len(before.checks)
    assert [state for state, _ in seconds(after)] == ["up", "unknown", "up"]
    assert seconds(after)[1:] == [("unknown", HALF_HOUR), ("up", 3 * HALF_HOUR)]
    assert [each.uptime for each in after.buckets[-5:]] == [1.0, None, None, 1.0, 1.0]


def test_a_short_wait_is_no_time_that_it_was_up() -> None:
    world = asked_for(600)
    world.scheduler.override(ENTRY, WAITING)
    world.run(640)

    world.scheduler.override(ENTRY, GIVEN)
    world.run(900)

    assert seconds(history(world))[1:] == [("unknown", 600), ("up", 640)]


def test_a_header_that_changes_costs_no_history() -> None:
    world = asked_for(HALF_HOUR)
    before = history(world)

    world.scheduler.override(ENTRY, ROTATED)
    world.run(HALF_HOUR + 60)

    after = history(world)
    assert after.checks[: len(before.checks)] == before.checks
    assert [state for state, _ in seconds(after)] == ["up"]


def test_of_entries_that_share_an_address_each_keeps_its_own_history() -> None:
    world = asked_for(HALF_HOUR, "a", "b")
    before = history(world)

    world.scheduler.override(ENTRY, WAITING)
    world.run(2 * HALF_HOUR)

    assert history(world).checks == before.checks
    assert seconds(history(world))[-1] == ("unknown", HALF_HOUR)
    assert [state for state, _ in seconds(history(world, "local/ingress/default/b"))] == ["up"]


def test_entries_that_share_an_address_go_on_together() -> None:
    world = asked_for(HALF_HOUR, "a", "b")
    before = history(world)
    for spec in (WAITING, GIVEN):
        world.scheduler.override("local/ingress/default/b", spec)
        world.scheduler.override(ENTRY, spec)
        world.run(world.now + HALF_HOUR)

    after = history(world)
    assert after.checks[: len(before.checks)] == before.checks
    assert after.checks == history(world, "local/ingress/default/b").checks


def test_it_stays_over_a_restart_while_the_secret_is_missing_and_after() -> None:
    before = asked_for(HALF_HOUR)
    before.scheduler.override(ENTRY, WAITING)
    first, second = World(lambda _host, _now: UP), World(lambda _host, _now: DOWN)

    first.scheduler.restore(before.scheduler.dump())
    first.add("a")
    first.run(100)
    second.scheduler.restore(first.scheduler.dump())
    second.add("a")
    second.run(100)
    waiting = history(second)
    second.scheduler.override(ENTRY, GIVEN)
    second.run(200)

    assert (first.asked.total(), waiting.checks) == (0, history(before).checks)
    assert waiting.health.reason == "waits for Secret a: not read yet"
    assert history(second).checks[: len(waiting.checks)] == waiting.checks
    assert history(second).checks[-1].state == "down"


def test_the_history_of_another_address_is_not_its_own() -> None:
    world = asked_for(HALF_HOUR)
    world.scheduler.override(ENTRY, WAITING)
    entry = application("a", "http://a.example/")

    world.scheduler.follow([Change(entry, application("a", "http://other.example/"))])
    world.scheduler.override(ENTRY, GIVEN)
    world.run(HALF_HOUR + 10)

    assert len(history(world).checks) == 1


def test_of_an_entry_that_goes_while_it_waits_nothing_is_remembered() -> None:
    world = asked_for(HALF_HOUR)
    world.scheduler.override(ENTRY, WAITING)
    entry = application("a", "http://a.example/")

    world.scheduler.follow([Change(entry, None)])
    gone = world.scheduler.history(ENTRY)
    world.scheduler.follow([Change(None, entry)])
    world.scheduler.override(ENTRY, GIVEN)
    world.run(HALF_HOUR + 10)

    assert gone is None
    assert len(history(world).checks) == 1


def test_an_entry_that_never_was_asked_has_no_history() -> None:
    world = World(lambda _host, _now: UP)
    world.scheduler.override(ENTRY, WAITING)

    world.add("a")

    assert world.scheduler.history(ENTRY) is None
