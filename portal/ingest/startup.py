"""In which order resources are listed and watched when portal starts.

Whatever the order, a watch begins at the resourceVersion of its own list, so nothing between the two is missed; and
whoever fails or takes too long loses its turn, so that nobody keeps the others waiting for ever.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, Literal

from msgspec import Struct, structs

from portal.kube.listwatch import ListWatch, Page, WatchStream

Strategy = Literal["concurrent", "sequential", "incremental", "priority"]

PATIENCE_SECONDS: Final = 5.0  # a first list that takes longer holds up neither other lists nor their watches
LOOK_SECONDS: Final = 0.25  # how often one of those who wait looks whether somebody's time is over
RELIEF_SECONDS: Final = 2.0  # how soon another does, when that one's turn has come


class Stage(Struct, frozen=True):
    """Resources of which `concurrency` may list at a time; `together`, they watch only when all have been listed."""

    names: tuple[str, ...]
    concurrency: int
    together: bool


def stages(
    strategy: Strategy, concurrency: int, names: Sequence[str], groups: Sequence[Sequence[str]] = ()
) -> tuple[Stage, ...]:
    """Return the stages of a strategy; what no group names comes last, together."""
    everything = tuple(names)
    match strategy:
        case "concurrent":
            return (Stage(everything, concurrency, together=True),)
        case "sequential":
            return (Stage(everything, 1, together=True),)
        case "incremental":
            return (Stage(everything, concurrency, together=False),)
        case "priority":
            chosen = [tuple(name for name in names if name in group) for group in groups]
            rest = tuple(name for name in names if not any(name in group for group in groups))
            return tuple(Stage(group, concurrency, together=True) for group in (*chosen, rest) if group)


class Startup:
    """Admits first lists and watches as the stages say: one stage after the other."""

    def __init__(self, plan: Sequence[Stage], clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._stages = deque(stage for stage in plan if stage.names)
        self._lists = {name: threading.Event() for stage in plan for name in stage.names}
        self._watches: dict[str, threading.Event] = {}
        for stage in plan:
            self._watches |= dict.fromkeys(stage.names, threading.Event())
        self._answered: set[str] = set()
        self._waiting: deque[str] = deque()
        self._running: dict[str, float] = {}
        self._looking = threading.Lock()
        self._begin()
        self._advance()

    def admission(self, name: str) -> StartupAdmission:
        """Return the admission of one resource; a resource of no stage is admitted at once."""
        return StartupAdmission(self, name)

    @property
    def listed(self) -> bool:
        """Tell whether every first list has answered or failed."""
        return self._answered.issuperset(self._lists)

    def await_list(self, name: str) -> None:
        """Wait until the first list of a resource may run."""
        self._await(self._lists.get(name))

    def answered(self, name: str) -> None:
        """Take note that the first list of a resource has answered or failed, or is not needed."""
        self._answered.add(name)
        self._running.pop(name, None)
        self._advance()

    def await_watch(self, name: str) -> None:
        """Wait until the watch of a resource may start."""
        self._await(self._watches.get(name))

    def _await(self, turn: threading.Event | None) -> None:
        """Wait for a turn; one of all who wait looks after the time of those whose turn it is."""
        # Asked before it is waited for: gevent holds who waits for an event that is set until those it has to wake have
        # run, and for ever where their time had run out by then.
        while turn is not None and not turn.is_set():
            if not self._looking.acquire(blocking=False):
                turn.wait(RELIEF_SECONDS)
                continue
            try:
                if not turn.wait(LOOK_SECONDS):
                    self._advance()
            finally:
                self._looking.release()

    def _advance(self) -> None:
        """Give the turns that have become free; after a stage's last turn come its watches and the next stage."""
        while self._stages:
            stage = self._stages[0]
            self._take_turns(stage)
            if self._waiting or self._running:
                return
            self._stages.popleft()
            self._watches[stage.names[0]].set()
            self._begin()

    def _begin(self) -> None:
        if self._stages:
            stage = self._stages[0]
            self._waiting.extend(stage.names)
            if not stage.together:
                self._watches[stage.names[0]].set()

    def _take_turns(self, stage: Stage) -> None:
        now = self._clock()
        self._running = {name: began for name, began in self._running.items() if now - began < PATIENCE_SECONDS}
        while self._waiting and len(self._running) < stage.concurrency:
            name = self._waiting.popleft()
            self._lists[name].set()
            if name not in self._answered:
                self._running[name] = now


class StartupAdmission:
    """Lets one resource list and watch when its turn has come."""

    def __init__(self, startup: Startup, name: str) -> None:
        self._startup = startup
        self._name = name

    @contextmanager
    def listing(self) -> Iterator[None]:
        """Wait for the turn of the first list, and end the turn with it, however it ends; so does who waits no more."""
        try:
            self._startup.await_list(self._name)
            yield
        finally:
            self._startup.answered(self._name)

    def watching(self) -> None:
        """Wait until watches may start."""
        self._startup.await_watch(self._name)


class ObservedDoor:
    """A door that says when its first watch was answered, and gives each page to `paged` as soon as it is there.

    `paged` returns what is held of the page until the list is whole, and is told whether it was the last.
    """

    def __init__(
        self, door: ListWatch[Any], answered: Callable[[], None], paged: Callable[[Sequence[Any], bool], Sequence[Any]]
    ) -> None:
        self._door = door
        self._answered: Callable[[], None] | None = answered
        self._paged = paged

    def list(self, *, limit: int, continue_token: str) -> Page[Any]:
        """Return one page. Raises KubeError."""
        page = self._door.list(limit=limit, continue_token=continue_token)
        return structs.replace(page, objects=tuple(self._paged(page.objects, not page.continue_token)))

    def watch(self, *, resource_version: str, timeout_seconds: float) -> WatchStream[Any]:
        """Return what happens after a resourceVersion. Raises KubeError."""
        try:
            return self._door.watch(resource_version=resource_version, timeout_seconds=timeout_seconds)
        finally:
            answered, self._answered = self._answered, None
            if answered is not None:
                answered()
