from __future__ import annotations

import threading

import pytest

from portal.ingest.startup import Stage, Startup, stages

NAMES = ("a", "b", "c")


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def may(startup: Startup, name: str) -> bool:
    """Tell whether a resource is let through to its first list without waiting."""
    passed = threading.Event()
    threading.Thread(target=lambda: (startup.await_list(name), passed.set()), daemon=True).start()
    return passed.wait(0.05)


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        ("concurrent", (Stage(NAMES, 2, 5.0),)),
        ("sequential", (Stage(NAMES, 1, None),)),
        ("incremental", (Stage(NAMES, 2, 0),)),
        ("priority", (Stage(("b",), 2, None), Stage(("a", "c"), 2, None))),
    ],
)
def test_each_strategy_is_a_row_of_stages(strategy: str, expected: tuple[Stage, ...]) -> None:
    assert stages(strategy, 2, NAMES, groups=[["b"]]) == expected


def test_no_more_lists_run_side_by_side_than_allowed() -> None:
    startup = Startup(stages("concurrent", 2, NAMES))

    assert [may(startup, name) for name in NAMES] == [True, True, False]


def test_the_next_list_runs_when_one_has_answered() -> None:
    startup = Startup(stages("sequential", 4, NAMES))

    startup.answered("a")

    assert [may(startup, name) for name in ("b", "c")] == [True, False]


def test_a_list_that_fails_ends_its_turn() -> None:
    startup = Startup(stages("sequential", 1, NAMES))

    with pytest.raises(RuntimeError), startup.admission("a").listing():
        raise RuntimeError

    assert may(startup, "b")


def test_a_group_lists_only_after_the_group_before_it() -> None:
    startup = Startup(stages("priority", 4, NAMES, groups=[["b"]]))

    assert not may(startup, "a")
    startup.answered("b")
    assert may(startup, "a")


def test_watches_wait_for_every_list_but_not_longer_than_the_patience() -> None:
    clock = Clock()
    startup = Startup(stages("concurrent", 4, NAMES), clock)
    startup.answered("a")
    clock.now = 6.0

    startup.await_watch("a")

    assert not startup.listed


def test_under_incremental_a_watch_starts_at_once() -> None:
    startup = Startup(stages("incremental", 4, NAMES))

    startup.await_watch("a")

    assert not startup.listed


def test_a_resource_that_came_later_is_admitted_at_once() -> None:
    startup = Startup(stages("sequential", 1, ()))

    with startup.admission("namespace-of-today").listing():
        startup.await_watch("namespace-of-today")

    assert startup.listed
