from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import gevent
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
    return passes(lambda: startup.await_list(name))


def may_watch(startup: Startup, name: str) -> bool:
    """Tell whether a resource may watch without waiting."""
    return passes(lambda: startup.await_watch(name))


def list_of(startup: Startup, name: str) -> str:
    """List as a reflector does."""
    with startup.admission(name).listing():
        return name


def passes(wait: Callable[[], None]) -> bool:
    passed = threading.Event()
    threading.Thread(target=lambda: (wait(), passed.set()), daemon=True).start()
    return passed.wait(0.35)


def watch_together(startup: Startup, names: Sequence[str], then: Callable[[], None]) -> list[str]:
    """Return which of these may watch, after they all have begun to wait for it and something happened."""
    passed: list[str] = []
    threads = [
        threading.Thread(target=lambda name=name: (startup.await_watch(name), passed.append(name)), daemon=True)
        for name in names
    ]
    for thread in threads:
        thread.start()
    threads[0].join(0.1)
    then()
    for thread in threads:
        thread.join(0.4)
    return sorted(passed)


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        ("concurrent", (Stage(NAMES, 2, together=True),)),
        ("sequential", (Stage(NAMES, 1, together=True),)),
        ("incremental", (Stage(NAMES, 2, together=False),)),
        ("priority", (Stage(("b",), 2, together=True), Stage(("a", "c"), 2, together=True))),
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


@pytest.mark.parametrize("strategy", ["concurrent", "sequential", "priority"])
def test_watches_wait_for_every_list_that_answers_or_fails(strategy: str) -> None:
    startup = Startup(stages(strategy, 4, NAMES))
    startup.answered("a")
    startup.answered("b")
    early = may_watch(startup, "a")

    startup.answered("c")

    assert (early, may_watch(startup, "a")) == (False, True)


@pytest.mark.parametrize("strategy", ["concurrent", "sequential", "priority"])
def test_a_list_that_hangs_holds_up_nobody_for_longer_than_the_patience(strategy: str) -> None:
    clock = Clock()
    startup = Startup(stages(strategy, 1, NAMES, groups=[["a"]]), clock)
    waiting = may(startup, "b")

    clock.now = 5.1
    after = may(startup, "b")
    startup.answered("b")
    startup.answered("c")

    assert (waiting, after, may_watch(startup, "b")) == (False, True, True)
    assert not startup.listed


def test_those_who_wait_for_a_list_that_hangs_go_on_together_when_its_time_is_over() -> None:
    clock = Clock()
    names = [f"resource-{number}" for number in range(8)]
    startup = Startup(stages("concurrent", 8, names), clock)
    listed = [list_of(startup, name) for name in names[1:]]

    watching = watch_together(startup, listed, lambda: setattr(clock, "now", 5.1))

    assert watching == listed


def test_who_is_ended_while_it_waits_takes_no_turn() -> None:
    startup = Startup(stages("sequential", 1, NAMES))
    startup.await_list("a")
    waiting = gevent.spawn(list_of, startup, "b")
    waiting.join(0.01)

    waiting.kill()
    startup.answered("a")

    assert may(startup, "c")


def test_what_is_followed_already_takes_no_turn() -> None:
    startup = Startup(stages("sequential", 1, NAMES))

    startup.answered("a")
    startup.answered("b")

    assert may(startup, "c")


def test_a_thousand_resources_take_their_turns_in_no_time() -> None:
    names = [f"resource-{number}" for number in range(1000)]
    startup = Startup(stages("concurrent", 4, names))

    listed = [list_of(startup, name) for name in names]

    assert listed == names
    assert startup.listed


def test_of_a_thousand_who_wait_one_looks_at_the_clock() -> None:
    looks: list[float] = []
    names = [f"kind-{number}" for number in range(1000)]
    startup = Startup(stages("sequential", 1, names), lambda: looks.append(0.0) or 0.0)
    startup.await_list(names[0])
    threads = [threading.Thread(target=startup.await_list, args=(name,), daemon=True) for name in names[1:]]
    looks.clear()

    for thread in threads:
        thread.start()
    threads[0].join(0.6)

    assert 1 <= len(looks) <= 20  # and not a thousand in each quarter of a second


def test_under_incremental_a_watch_starts_at_once() -> None:
    startup = Startup(stages("incremental", 4, NAMES))

    startup.await_watch("a")

    assert not startup.listed


def test_a_resource_that_came_later_is_admitted_at_once() -> None:
    startup = Startup(stages("sequential", 1, ()))

    with startup.admission("namespace-of-today").listing():
        startup.await_watch("namespace-of-today")

    assert startup.listed
