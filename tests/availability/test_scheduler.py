from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from itertools import pairwise

import gevent
import pytest
from msgspec import structs

from portal.availability.errors import HistoryUnreadableError
from portal.availability.health import Endpoints
from portal.availability.plan import ScheduleOptions
from portal.availability.results import Result
from portal.availability.scheduler import Scheduler
from portal.availability.targets import CheckOptions, CheckSpec
from portal.model import Bookmark, Change, Health
from tests.availability.entries import application
from tests.availability.simulation import DOWN, EPOCH, SILENT, UP, World


def from_then(moment: float, first: Result, then: Result) -> Callable[[str, float], Result]:
    return lambda _host, now: first if now < moment else then


def states(world: World) -> list[tuple[float, str]]:
    return [(round(at, 1), health.state) for at, news in world.reports for health in news.values()]


def test_a_new_entry_is_checked_within_a_second() -> None:
    world = World(lambda _host, _now: UP)
    world.run(30)

    world.add("a")
    world.run(31)

    assert world.state("a") == "up"


def test_thousands_of_new_entries_take_their_turns() -> None:
    world = World(lambda _host, _now: UP)

    for number in range(1000):
        world.add(f"a{number}")
    world.run(1)

    assert 190 <= len(world.times) <= 210


def test_checks_are_an_interval_apart_and_spread_over_it() -> None:
    world = World(lambda _host, _now: UP)
    for number in range(60):
        world.add(f"a{number}")
    world.run(300)

    steady = [at for at, host in world.times if host == "a7.example"][1:]
    per_second = [sum(1 for at, _ in world.times if second <= at < second + 10) for second in range(120, 180, 10)]
    assert all(59.9 < later - earlier < 60.1 for earlier, later in pairwise(steady))
    assert max(per_second) < 25


def test_entries_that_share_a_url_share_its_checks() -> None:
    world = World(lambda _host, _now: UP)
    for number in range(10):
        world.add(f"a{number}", "http://shared.example/")

    world.run(50)

    assert world.asked["shared.example"] <= 2
    assert {world.state(f"a{number}") for number in range(10)} == {"up"}


def test_a_late_sharer_is_told_what_is_known_at_once() -> None:
    world = World(lambda _host, _now: UP)
    world.add("first", "http://shared.example/")
    world.run(5)

    world.add("second", "http://shared.example/")
    world.scheduler.turn()

    assert list(world.reports[-1][1]) == ["local/ingress/default/second"]


def test_one_failure_is_asked_again_at_once_before_it_is_believed() -> None:
    world = World(lambda _host, now: DOWN if 1 < now < 61.5 and not world.asked["a.example"] % 2 else UP)
    world.add("a")

    world.run(200)

    assert {state for _, state in states(world)} == {"up"}


def test_a_failure_that_is_confirmed_is_believed_from_its_first_sign() -> None:
    world = World(from_then(100, UP, SILENT), lambda _host, now: 5.0 if now >= 100 else 0.02)
    world.add("a")
    world.run(400)

    at, news = world.reports[-1]
    health = news["local/ingress/default/a"]
    assert (health.state, health.reason) == ("down", "no answer within 5 s")
    assert health.since is not None
    assert health.since.timestamp() == pytest.approx(EPOCH + at - 5, abs=1.1)


def test_a_recovery_is_believed_at_once() -> None:
    world = World(from_then(100, DOWN, UP))
    world.add("a")
    world.run(103)
    asked = world.asked["a.example"]

    world.run(200)

    assert world.state("a") == "up"
    assert world.asked["a.example"] > asked


def test_failing_urls_are_asked_sooner_and_never_later_than_the_interval() -> None:
    world = World(lambda _host, _now: DOWN, chance=lambda: 0.0)
    world.add("a")
    world.run(400)

    gaps = [later - earlier for (earlier, _), (later, _) in pairwise(world.times)]
    assert [round(gap) for gap in gaps[:5]] == [0, 5, 10, 20, 40]
    assert max(gaps) <= 60.1


def test_the_longest_wait_after_failures_can_be_shorter_than_the_interval() -> None:
    world = World(lambda _host, _now: DOWN, schedule=ScheduleOptions(retry_longest=12))
    world.add("a")
    world.run(100)

    gaps = [later - earlier for (earlier, _), (later, _) in pairwise(world.times)]
    assert [round(gap) for gap in gaps[:5]] == [0, 5, 10, 12, 12]


def test_only_real_changes_are_reported() -> None:
    latencies = iter(range(1, 10_000))
    world = World(lambda _host, _now: structs.replace(UP, latency=next(latencies) / 1000))
    world.add("a")

    world.run(3600)

    assert states(world) == [(0.0, "up")]


def test_each_change_of_state_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="portal")
    world = World(lambda _host, now: DOWN if 100 < now < 500 else UP)
    world.add("a")

    world.run(3600)

    assert caplog.messages == [
        'Availability changed id=local/ingress/default/a state=down reason="answers 503"',
        'Failed many times in a row url=http://a.example/ failures=6 reason="answers 503"',
        'Availability changed id=local/ingress/default/a state=up reason="-"',
    ]


def test_changes_of_one_moment_are_merged() -> None:
    world = World(from_then(600, UP, DOWN), chance=lambda: 0.5)
    for number in range(40):
        world.add(f"a{number}")
    world.run(599)
    before = len(world.reports)

    world.run(700)

    assert len(world.reports) - before <= 3
    assert sum(len(news) for _, news in world.reports[before:]) == 40


def test_a_removed_entry_is_forgotten_at_once() -> None:
    world = World(lambda _host, _now: UP)
    world.add("a")
    world.run(10)
    asked = world.asked["a.example"]

    world.scheduler.follow([Change(application("a", "http://a.example/"), None)])
    world.run(200)

    assert world.asked["a.example"] == asked
    assert world.state("a") is None
    assert world.scheduler.readings() == ()
    assert world.scheduler.history("local/ingress/default/a") is None


def test_a_result_that_comes_after_the_removal_is_not_reported() -> None:
    world = World(lambda _host, _now: UP, lambda _host, _now: 3.0)
    world.add("a")
    world.run(1)

    world.scheduler.follow([Change(application("a", "http://a.example/"), None)])
    world.run(100)

    assert world.reports == []
    assert world.scheduler.in_flight == 0


def test_a_url_that_comes_back_while_it_is_asked_is_not_asked_twice_at_a_time() -> None:
    world = World(lambda _host, _now: UP, lambda _host, _now: 3.0)
    entry = application("a", "http://a.example/")
    world.scheduler.follow([Change(None, entry)])
    world.run(1)

    world.scheduler.follow([Change(entry, None)])
    world.scheduler.follow([Change(None, entry)])
    world.run(10)

    assert world.most_per_host == 1
    assert world.state("a") == "up"


def test_another_url_is_another_question() -> None:
    world = World(lambda host, _now: UP if host == "old.example" else DOWN)
    old, new = application("a", "http://old.example/"), application("a", "http://new.example/")
    world.scheduler.follow([Change(None, old)])
    world.run(5)

    world.scheduler.follow([Change(old, new)])
    world.run(10)

    assert [state for _, state in states(world)] == ["up", "down"]


def test_an_edit_that_leaves_the_address_alone_asks_nothing_new() -> None:
    world = World(lambda _host, _now: UP)
    entry = application("a", "http://a.example/", health=None)
    world.scheduler.follow([Change(None, entry)])
    world.run(1)

    world.scheduler.follow([Change(entry, structs.replace(entry, icon="star", health=Health(state="up")))])
    world.run(2)

    assert world.asked["a.example"] == 1
    assert len(world.reports) == 1


def test_health_that_the_catalog_lost_is_told_again() -> None:
    world = World(lambda _host, _now: UP)
    world.scheduler.follow([Change(None, application("a", "http://a.example/"))])
    world.run(1)

    world.scheduler.follow([Change(None, application("a", "http://a.example/"))])
    world.run(2)

    assert [state for _, state in states(world)] == ["up", "up"]


def test_bookmarks_are_not_checked() -> None:
    world = World(lambda _host, _now: UP)
    shown = application("a", "http://a.example/")
    fields = {name: getattr(shown, name) for name in Bookmark.__struct_fields__}

    world.scheduler.follow([Change(None, Bookmark(**fields))])
    world.run(60)

    assert not world.asked


def test_update_takes_the_list_for_the_whole_truth() -> None:
    world = World(lambda _host, _now: UP)
    world.add("gone")
    world.run(1)

    world.scheduler.update([application("new", "http://new.example/")])
    world.run(2)

    assert (world.state("gone"), world.state("new")) == (None, "up")


def test_other_settings_hold_from_now_on() -> None:
    world = World(lambda _host, _now: UP)
    world.add("a")
    world.run(60)
    before = world.asked["a.example"]

    world.scheduler.configure(CheckOptions(interval=10))
    world.run(120)

    assert world.asked["a.example"] - before >= 6


def test_never_more_than_the_limit_is_in_flight() -> None:
    world = World(lambda _host, _now: UP, lambda _host, _now: 5.0, schedule=ScheduleOptions(concurrency=10))
    for number in range(100):
        world.add(f"a{number}")

    world.run(300)

    assert world.most_in_flight == 10


def test_few_checks_of_one_host_are_in_flight() -> None:
    world = World(lambda _host, _now: UP, lambda _host, _now: 1.0, schedule=ScheduleOptions(per_host=3))
    for number in range(30):
        world.add(f"a{number}", f"http://h{number % 2}.example/{number}")

    world.run(300)

    assert world.most_per_host == 3
    assert world.most_in_flight == 6


def test_every_url_of_a_slow_host_gets_its_turn_even_when_some_are_removed() -> None:
    world = World(lambda _host, _now: UP, lambda _host, _now: 2.0, schedule=ScheduleOptions(per_host=1))
    entries = [application(f"a{number}", f"http://one.example/{number}") for number in range(10)]
    for entry in entries:
        world.scheduler.follow([Change(None, entry)])
    world.run(3)

    for entry in entries[1:5]:
        world.scheduler.follow([Change(entry, None)])
    world.run(40)

    assert [world.state(f"a{number}") for number in (0, 5, 6, 7, 8, 9)] == ["up"] * 6


def test_hanging_hosts_delay_no_healthy_one() -> None:
    hangs = {f"h{number}.example" for number in range(200)}
    world = World(lambda host, _now: SILENT if host in hangs else UP, lambda host, _now: 5.0 if host in hangs else 0.02)
    for number in range(200):
        world.add(f"h{number}")
        world.add(f"a{number}")

    world.run(600)

    asked = [[at for at, host in world.times if host == f"a{number}.example"] for number in range(200)]
    gaps = [later - earlier for times in asked for earlier, later in pairwise(times)]
    assert max(gaps) < 60.1


def test_silence_turns_up_into_unknown() -> None:
    world = World(lambda _host, _now: UP, lambda _host, now: 0.02 if now < 100 else 100_000)
    world.add("a")
    world.run(99)

    world.run(500)

    health = world.scheduler.health("local/ingress/default/a")
    assert health is not None
    assert health.state == "unknown"
    assert str(health.reason).startswith("not checked since ")


def test_a_check_that_breaks_is_logged_and_made_again(caplog: pytest.LogCaptureFixture) -> None:
    def broken(_host: str, now: float) -> Result:
        if now < 30:
            raise RuntimeError("a mistake of ours")
        return UP

    world = World(broken)
    world.add("a", "http://ann:secret@a.example/")
    world.run(120)

    assert "Check failed by itself url=http://a.example/" in caplog.text
    assert [state for _, state in states(world)] == ["unknown", "up"]


def test_what_says_nothing_leaves_what_is_known_alone_until_it_is_old() -> None:
    busy = Result(outcome="unknown", reason="not asked: name lookups take too long")
    world = World(from_then(100, UP, busy))
    world.add("a")

    world.run(150)
    soon = world.state("a")
    world.run(600)

    assert (soon, world.state("a")) == ("up", "unknown")
    assert world.reports[-1][1]["local/ingress/default/a"].reason == busy.reason


def test_endpoints_join_the_outside_view_and_hurry_the_next_check() -> None:
    world = World(lambda _host, _now: UP)
    world.add("a")
    world.run(10)
    asked = world.asked["a.example"]

    world.scheduler.endpoints("local/ingress/default/a", Endpoints(1, 3))
    world.run(10.5)

    health = world.scheduler.health("local/ingress/default/a")
    assert health is not None
    assert (health.state, health.ready, health.total) == ("degraded", 1, 3)
    assert world.asked["a.example"] == asked + 1


def test_endpoints_that_come_before_their_entry_are_remembered() -> None:
    world = World(lambda _host, _now: UP)
    world.scheduler.endpoints("local/ingress/default/a", Endpoints(0, 2))

    world.add("a", "/relative")
    world.run(1)

    assert world.state("a") == "down"
    assert not world.asked


def test_endpoints_that_go_leave_the_outside_view() -> None:
    world = World(lambda _host, _now: UP)
    world.add("a")
    world.scheduler.endpoints("local/ingress/default/a", Endpoints(0, 2))
    world.run(10)

    world.scheduler.endpoints("local/ingress/default/a", None)
    world.run(11)

    assert [state for _, state in states(world)][-2:] == ["degraded", "up"]


def test_an_entry_that_is_switched_off_is_no_longer_said_to_be_up() -> None:
    reports: list[Mapping[str, Health]] = []
    scheduler = Scheduler(lambda _target: UP, reports.append, lambda _name, _check: None)
    entry = application("a", "http://a.example/", health=Health(state="up"))
    scheduler.follow([Change(None, entry)])

    scheduler.override(entry.id, CheckSpec(off=True))
    scheduler.turn()

    assert [(health.state, health.reason) for health in reports[0].values()] == [("unknown", "not checked")]
    assert scheduler.history(entry.id) is None


def test_a_check_that_waits_is_not_made_and_says_for_what() -> None:
    world = World(lambda _host, _now: UP)
    entry_id, wanted = "local/ingress/default/a", CheckSpec(headers=(("X-Key", "1"),))
    world.scheduler.override(entry_id, CheckSpec(waits="waits for Secret default/a: not read yet"))
    world.add("a")
    world.run(100)
    before, asked = world.scheduler.health(entry_id), world.asked.total()

    world.scheduler.override(entry_id, wanted)
    world.run(101)
    found = world.state("a")
    world.scheduler.override(entry_id, CheckSpec(waits="waits for Secret default/a: not there"))
    world.run(102)

    after = world.scheduler.health(entry_id)
    assert asked == 0
    assert before is not None
    assert (before.state, before.reason) == ("unknown", "waits for Secret default/a: not read yet")
    assert found == "up"
    assert after is not None
    assert (after.state, after.http_status, after.reason) == ("unknown", None, "waits for Secret default/a: not there")
    assert [state for _, state in states(world)] == ["unknown", "up", "unknown"]


def test_ready_endpoints_answer_for_a_check_that_waits_and_what_was_seen_from_outside_is_withdrawn() -> None:
    world = World(lambda _host, _now: UP)
    entry_id = "local/ingress/default/a"
    world.scheduler.endpoints(entry_id, Endpoints(2, 2))
    world.add("a")
    world.run(1)

    world.scheduler.override(entry_id, CheckSpec(waits="waits for Secret default/a: not there"))
    world.run(2)

    _, news = world.reports[-1]
    assert (news[entry_id].state, news[entry_id].http_status, news[entry_id].reason) == (
        "up",
        None,
        "waits for Secret default/a: not there",
    )


@pytest.mark.parametrize(
    ("checks", "url"),
    [(CheckOptions(off=frozenset(["ingress"])), "http://a.example/"), (CheckOptions(), "/relative")],
    ids=["source is off", "no absolute address"],
)
def test_what_would_not_be_asked_anyhow_waits_for_nothing(checks: CheckOptions, url: str) -> None:
    world = World(lambda _host, _now: UP, checks=checks)
    world.scheduler.override("local/ingress/default/a", CheckSpec(waits="waits for a Secret"))

    world.add("a", url)
    world.run(1)

    assert world.scheduler.health("local/ingress/default/a") is None


def test_what_the_owner_wants_is_known_before_the_entry_is() -> None:
    asked: list[str] = []
    scheduler = Scheduler(lambda target: asked.append(target.url) or UP, lambda _: None, lambda _name, check: check())

    scheduler.override("local/ingress/default/a", CheckSpec(url="tcp://a.default:80"))
    scheduler.follow([Change(None, application("a", "http://a.example/"))])
    scheduler.turn()

    assert asked == ["tcp://a.default:80"]


def test_an_entry_that_is_about_to_go_is_not_asked_in_another_way_first() -> None:
    asked: list[str] = []
    scheduler = Scheduler(lambda target: asked.append(target.url) or UP, lambda _: None, lambda _name, check: check())
    entry = application("a", "http://a.example/")
    scheduler.override(entry.id, CheckSpec(off=True))
    scheduler.follow([Change(None, entry)])

    scheduler.override(entry.id, None)
    scheduler.turn()
    scheduler.follow([Change(entry, None)])
    scheduler.follow([Change(None, entry)])
    scheduler.turn()

    assert asked == ["http://a.example/"]


def test_health_of_before_a_restart_stands_until_something_else_is_known() -> None:
    before = Health(state="up", http_status=200, since=datetime(2026, 11, 1, tzinfo=UTC))
    world = World(lambda _host, _now: UP)
    world.scheduler.follow([Change(None, application("a", "http://a.example/", health=before))])

    at_once = world.scheduler.health("local/ingress/default/a")
    world.run(100)
    later = world.scheduler.health("local/ingress/default/a")

    assert world.reports == []
    assert at_once == before
    assert later is not None
    assert later.since == before.since


def test_health_of_before_a_restart_grows_old_like_any_other() -> None:
    world = World(lambda _host, _now: UP, lambda _host, _now: 100_000)
    world.scheduler.follow([Change(None, application("a", "http://a.example/", health=Health(state="up")))])

    world.run(300)

    assert [state for _, state in states(world)] == ["unknown"]


def test_the_last_day_survives_a_restart() -> None:
    world = World(from_then(1000, UP, DOWN))
    world.add("a")
    world.run(2000)
    before = world.scheduler.history("local/ingress/default/a")
    assert before is not None

    after = World(lambda _host, _now: DOWN)
    after.scheduler.restore(world.scheduler.dump())
    after.add("a")
    restored = after.scheduler.history("local/ingress/default/a")

    assert restored is not None
    assert (restored.checks, restored.changes, restored.buckets) == (before.checks, before.changes, before.buckets)


def test_a_history_that_is_not_ours_is_refused() -> None:
    with pytest.raises(HistoryUnreadableError):
        World(lambda _host, _now: UP).scheduler.restore(b"\x93nothing")


def test_the_planner_runs_until_it_is_told_to_stop() -> None:
    reported, stop = threading.Event(), threading.Event()
    scheduler = Scheduler(lambda _target: UP, lambda _news: reported.set(), lambda _name, check: gevent.spawn(check))
    planner = gevent.spawn(scheduler.run, stop)

    scheduler.follow([Change(None, application("a", "http://a.example/"))])

    assert reported.wait(5)
    stop.set()
    planner.join(5)
    assert planner.ready()


def test_a_pause_says_nothing_about_the_targets() -> None:
    stop = threading.Event()
    now, asked, reports = [0.0], [], list[Mapping[str, Health]]()

    def start(_name: str, check: Callable[[], None]) -> None:
        asked.append(now[0])
        check()
        stop.set()

    scheduler = Scheduler(lambda _target: UP, reports.append, start, clock=lambda: now[0])
    scheduler.follow([Change(None, application("a", "http://a.example/"))])
    scheduler.run(stop)
    scheduler.turn()

    now[0] = 10_000.0
    stop.clear()
    scheduler.run(stop)
    scheduler.turn()

    assert asked == [0.0, 10_000.0]
    assert [health.state for news in reports for health in news.values()] == ["up"]


def test_a_replica_that_does_not_ask_says_what_it_hears_and_remembers_it() -> None:
    world = World(lambda _host, _now: UP)
    world.scheduler.pause()
    world.add("a")
    heard = Health(state="down", http_status=503, reason="answers 503", since=datetime(2026, 11, 1, tzinfo=UTC))

    world.scheduler.hear({"local/ingress/default/a": heard, "local/ingress/default/gone": heard})
    world.scheduler.endpoints("local/ingress/default/a", Endpoints(1, 1))

    history = world.scheduler.history("local/ingress/default/a")
    assert world.scheduler.health("local/ingress/default/a") == heard
    assert history is not None
    assert [(check.state, check.http_status, check.reason) for check in history.checks] == [
        ("down", 503, "answers 503")
    ]
    assert world.reports == []


def test_a_replica_that_takes_over_goes_on_from_what_it_heard() -> None:
    world = World(lambda _host, _now: UP)
    world.scheduler.pause()
    world.add("a")
    world.add("b")
    up = Health(state="up", http_status=200, since=datetime(2026, 11, 1, tzinfo=UTC))
    world.scheduler.hear({"local/ingress/default/a": up, "local/ingress/default/b": structs.replace(up, state="down")})

    world.scheduler._resume()
    world.run(100)

    known = world.scheduler.health("local/ingress/default/a")
    assert [list(report) for _, report in world.reports] == [["local/ingress/default/b"]]
    assert known is not None
    assert known.since == up.since


def test_what_others_say_does_not_count_for_the_replica_that_asks() -> None:
    world = World(lambda _host, _now: UP)
    world.add("a")
    world.run(10)

    world.scheduler.hear({"local/ingress/default/a": Health(state="down")})

    known = world.scheduler.health("local/ingress/default/a")
    assert known is not None
    assert known.state == "up"
