from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from portal.availability.history import RESULTS, CheckResult, Day
from portal.availability.results import Result
from portal.model import Health

UP = Result(outcome="up", http_status=200, latency=0.012)
DOWN = Result(outcome="down", http_status=503, latency=0.5, reason="answers 503")
START = 1_800_000_000  # at the beginning of a half hour
DAY = 86_400


def day_of(results: list[tuple[int, Result]]) -> Day:
    day = Day()
    for at, result in results:
        day.add(START + at, result, result.outcome, 180)
    return day


def test_checks_are_kept_newest_last() -> None:
    day = day_of([(0, UP), (60, DOWN)])

    assert day.checks() == (
        CheckResult(time=moment(0), state="up", http_status=200, latency_ms=12),
        CheckResult(time=moment(60), state="down", http_status=503, latency_ms=500, reason="answers 503"),
    )


def test_the_shape_is_the_contracts() -> None:
    history = day_of([(0, UP), (60, DOWN)]).history("local/ingress/media/jellyfin", Health(state="down"))

    told = msgspec.to_builtins(history)

    assert (told["id"], told["health"]) == ("local/ingress/media/jellyfin", {"state": "down"})
    assert told["checks"][0] == {"time": "2027-01-15T08:00:00Z", "state": "up", "httpStatus": 200, "latencyMs": 12}
    assert told["checks"][1] == {
        "time": "2027-01-15T08:01:00Z",
        "state": "down",
        "httpStatus": 503,
        "latencyMs": 500,
        "reason": "answers 503",
    }


def test_a_day_takes_fixed_memory_and_keeps_the_last_of_it() -> None:
    day = day_of([(at, UP) for at in range(0, 3 * DAY, 60)])

    checks = day.checks()
    assert len(checks) == RESULTS
    assert checks[-1].time == moment(3 * DAY - 60)
    assert checks[0].time == moment(2 * DAY)
    assert len(day.saved().results) == RESULTS * 8


def test_while_nothing_changes_one_result_a_minute_is_enough() -> None:
    day = day_of([(at, UP) for at in range(0, 3600, 5)])

    assert 55 <= len(day.checks()) <= 66


def test_every_change_is_kept_however_soon_it_comes() -> None:
    day = day_of([(0, UP), (1, DOWN), (2, UP), (3, UP)])

    assert [check.state for check in day.checks()] == ["up", "down", "up"]


def test_changes_of_state_are_kept_apart_from_the_results() -> None:
    day = day_of([(0, UP), (60, UP), (120, DOWN), (180, DOWN), (240, UP)])

    assert [(change.time, change.state) for change in day.changes()] == [
        (moment(0), "up"),
        (moment(120), "down"),
        (moment(240), "up"),
    ]


def test_uptime_counts_the_time_and_not_the_checks() -> None:
    day = day_of([(0, UP), (60, UP), (120, DOWN), *((at, DOWN) for at in range(125, 180, 5)), (180, UP), (240, UP)])

    assert day.uptime() == 0.75


def test_silence_counts_for_nobody() -> None:
    day = day_of([(0, UP), (60, UP), (7200, UP), (7260, DOWN)])

    assert day.uptime() == 1.0


def test_nothing_known_is_no_uptime() -> None:
    assert Day().uptime() is None
    assert Day().buckets() == ()


def test_half_hours_show_when_it_was_down_and_how_slow() -> None:
    day = day_of([*((at, UP) for at in range(0, 1800, 60)), *((at, DOWN) for at in range(1800, 3600, 60)), (3600, UP)])

    bar = day.buckets()[-3:]

    assert [(bucket.time, bucket.uptime, bucket.latency_ms) for bucket in bar] == [
        (moment(0), 1.0, 12),
        (moment(1800), 0.0333, None),
        (moment(3600), 0.0, 12),
    ]


def test_the_bar_forgets_what_is_older_than_a_day() -> None:
    day = day_of([(0, DOWN), (60, DOWN), (DAY, UP), (DAY + 60, UP)])

    assert day.uptime() == 1.0
    assert len(day.buckets()) == 48


def test_reasons_beyond_the_room_for_them_are_left_out() -> None:
    day = day_of([(at * 60, msgspec.structs.replace(DOWN, reason=f"reason {at}")) for at in range(20)])

    reasons = [check.reason for check in day.checks()]

    assert reasons[:15] == [f"reason {at}" for at in range(15)]
    assert reasons[15:] == [None] * 5


def test_a_saved_day_goes_on_where_it_was() -> None:
    day = day_of([(at, UP) for at in range(0, 2 * DAY, 60)])

    restored = Day(day.saved())
    restored.add(START + 2 * DAY, DOWN, "down", 180)

    assert restored.checks()[:-1] == day.checks()[1:]
    assert restored.checks()[-1].state == "down"


def moment(after: int) -> datetime:
    return datetime.fromtimestamp(START + after, UTC)
