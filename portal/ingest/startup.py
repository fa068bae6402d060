"""In which order resources are listed and watched when portal starts.

Whatever the order, a watch begins at the resourceVersion of its own list, so nothing between the two is missed.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, Literal

from msgspec import Struct

Strategy = Literal["concurrent", "sequential", "incremental", "priority"]

PATIENCE_SECONDS: Final = 5.0  # under `concurrent`, a list that takes longer does not hold up the watches of the others


class Stage(Struct, frozen=True):
    """Resources whose lists may run side by side, and when their watches may start.

    `patience` in seconds: 0 watches at once, None waits for every list of the stage to have answered or failed.
    """

    names: tuple[str, ...]
    concurrency: int
    patience: float | None


def stages(
    strategy: Strategy, concurrency: int, names: Sequence[str], groups: Sequence[Sequence[str]] = ()
) -> tuple[Stage, ...]:
    """Return the stages of a strategy; what no group names comes last, together."""
    everything = tuple(names)
    match strategy:
        case "concurrent":
            return (Stage(everything, concurrency, PATIENCE_SECONDS),)
        case "sequential":
            return (Stage(everything, 1, None),)
        case "incremental":
            return (Stage(everything, concurrency, 0),)
        case "priority":
            chosen = [tuple(name for name in names if name in group) for group in groups]
            rest = tuple(name for name in names if not any(name in group for group in groups))
            return tuple(Stage(group, concurrency, None) for group in (*chosen, rest) if group)


class Startup:
    """Admits first lists and watches as the stages say."""

    def __init__(self, plan: Sequence[Stage], clock: Callable[[], float] = time.monotonic) -> None:
        self._plan = plan
        self._clock = clock
        self._answered: set[str] = set()
        self._moved = threading.Condition()
        self._begun = clock()

    def admission(self, name: str) -> StartupAdmission:
        """Return the admission of one resource; a resource of no stage is admitted at once."""
        return StartupAdmission(self, name)

    @property
    def listed(self) -> bool:
        """Tell whether every first list has answered or failed."""
        return all(name in self._answered for stage in self._plan for name in stage.names)

    def await_list(self, name: str) -> None:
        """Wait until the first list of a resource may run."""
        with self._moved:
            self._moved.wait_for(lambda: self._may_list(name))

    def answered(self, name: str) -> None:
        """Take note that the first list of a resource has answered or failed."""
        with self._moved:
            self._answered.add(name)
            self._moved.notify_all()

    def await_watch(self, name: str) -> None:
        """Wait until the watch of a resource may start."""
        stage = next((each for each in self._plan if name in each.names), None)
        if stage is None:
            return
        left = None if stage.patience is None else max(self._begun + stage.patience - self._clock(), 0)
        with self._moved:
            self._moved.wait_for(lambda: self._answered.issuperset(stage.names), timeout=left)

    def _may_list(self, name: str) -> bool:
        for stage in self._plan:
            waiting = [each for each in stage.names if each not in self._answered]
            if name in stage.names:
                return name in waiting[: stage.concurrency] or name in self._answered
            if waiting:
                return False
        return True


class StartupAdmission:
    """Lets one resource list and watch when its turn has come."""

    def __init__(self, startup: Startup, name: str) -> None:
        self._startup = startup
        self._name = name

    @contextmanager
    def listing(self) -> Iterator[None]:
        """Wait for the turn of the first list, and end the turn with it, however it ends."""
        self._startup.await_list(self._name)
        try:
            yield
        finally:
            self._startup.answered(self._name)

    def watching(self) -> None:
        """Wait until watches may start."""
        self._startup.await_watch(self._name)
