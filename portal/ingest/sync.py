"""How far the synchronisation is: per resource and as a whole, for the API, the page, health and events."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import Final

from msgspec import structs

from portal.model import ResourceStatus, SyncRun, SyncState, SyncStatus, SyncStep, utc_now

SETTLED_WITHOUT_LIST: Final = frozenset({"absent", "forbidden"})
FAILING: Final = frozenset({"failed", "stale"})
UNANSWERED: Final = frozenset({"pending", "in_progress"})
MERGE_SECONDS: Final = 0.1  # at most ten SYNC_STATUS events a second
MOST_A_SECOND: Final = 1000  # resources in them, some 80 KB: each event names all
HISTORY: Final = 10


class SyncTracker:
    """Follows every enabled resource and says how far the whole is.

    A resource is settled once it was listed, or is absent or refused; it stays settled when it becomes stale later. The
    step follows from what is known: `cleanup` until `cleaned`, `sync` until every first list has answered or failed,
    `informer` until every resource is settled and every watch has been tried, then `done`.
    """

    def __init__(self, announce: Callable[[SyncStatus], object], now: Callable[[], datetime] = utc_now) -> None:
        self._announce = announce
        self._now = now
        self._asked: dict[str, Callable[[], ResourceStatus]] = {}
        self._known: dict[str, ResourceStatus] = {}
        self._answered: set[str] = set()
        self._settled: set[str] = set()
        self._unwatched: set[str] = set()
        self._is_clean = False
        self._started: datetime | None = None
        self._ended: datetime | None = None
        self._history: deque[SyncRun] = deque(maxlen=HISTORY)
        self._restored: datetime | None = None
        self._version = 0
        self._ready = False
        self._news = threading.Event()

    @property
    def version(self) -> int:
        """Return a number that grows with each change of a state, and with nothing else."""
        return self._version

    @property
    def ready(self) -> bool:
        """Tell whether everything was settled once; nothing but the end of the process takes that away."""
        return self._ready

    @property
    def step(self) -> SyncStep:
        """Return which step is under way."""
        if not self._is_clean:
            return "cleanup"
        if len(self._answered) < len(self._asked):
            return "sync"
        return "done" if self._is_done() else "informer"

    def start(self) -> None:
        """Begin, for the first time or with another configuration: the clock of this synchronisation runs from here."""
        self._started, self._ended, self._is_clean = self._now(), None, False
        self._changed()

    def cleaned(self) -> None:
        """Take note that what was kept from before is checked, and that every enabled resource is followed."""
        self._is_clean = True
        self._changed()

    def follow(self, name: str, ask: Callable[[], ResourceStatus], *, watched: bool = False) -> None:
        """Count a resource, and its watch where it is `watched`; `ask` returns its status whenever somebody looks."""
        self._asked[name] = ask
        if watched:
            self._unwatched.add(name)
        self.report(ask())

    def forget(self, name: str) -> None:
        """Stop counting a resource, as when its namespace is no longer selected."""
        self._asked.pop(name, None)
        self._known.pop(name, None)
        for names in (self._answered, self._settled, self._unwatched):
            names.discard(name)
        self._changed()

    def report(self, status: ResourceStatus) -> None:
        """Take note of a resource's new state, or of its count while it is being listed, as long as it counts."""
        name, before = status.name, self._known.get(status.name)
        if name not in self._asked:
            return
        self._known[name] = status
        if status.status not in UNANSWERED:
            self._answered.add(name)
        if status.status == "completed" or status.status in SETTLED_WITHOUT_LIST:
            self._settled.add(name)
        if before is None or (before.status, before.error) != (status.status, status.error):
            self._changed()
        self._news.set()

    def watching(self, name: str) -> None:
        """Take note that the watch of a resource has begun, or was refused and will be tried again."""
        self._unwatched.discard(name)
        self._changed()

    def restored(self, moment: datetime | None) -> None:
        """Take note of when the oldest of what is shown from before the restart was saved; None: all is confirmed."""
        if moment != self._restored:
            self._restored = moment
            self._changed()

    def status(self) -> SyncStatus:
        """Return the whole, with the age of each resource as of now."""
        state = self._state()
        statuses = tuple(self._aged(ask()) for ask in self._asked.values())
        return SyncStatus(
            status=state,
            step=self.step,
            total_resources=len(self._asked),
            synced_resources=len(self._settled),
            current_resource=next((each.name for each in statuses if each.status == "in_progress"), None),
            start_time=self._started,
            end_time=self._ended,
            duration_ms=_milliseconds(self._started, self._ended),
            error=self._error() if state == "failed" else None,
            restored=self._restored,
            resource_status=statuses,
            history=tuple(self._history),
        )

    def run(self, stop: threading.Event) -> None:
        """Announce what changed, at most ten times a second and seldom where there is much, until `stop` is set."""
        while not stop.is_set():
            if self._news.wait(timeout=1):
                self._news.clear()
                self._announce(self.status())
                stop.wait(max(MERGE_SECONDS, len(self._asked) / MOST_A_SECOND))

    def _is_done(self) -> bool:
        """Tell whether all is settled and watched; what is absent or refused waits for nothing."""
        return len(self._settled) == len(self._asked) and all(
            self._known[name].status in SETTLED_WITHOUT_LIST for name in self._unwatched
        )

    def _state(self) -> SyncState:
        if self._started is None:
            return "not_started"
        if self.step == "done":
            return "completed"
        if self._known and not any(map(self._may_be_listed, self._known.values())):
            return "failed"
        return "in_progress"

    def _may_be_listed(self, each: ResourceStatus) -> bool:
        """Tell whether a resource was or may be listed; what is stale and was never settled shows what was restored."""
        if each.status == "stale":
            return each.name in self._settled
        return each.status != "failed" and each.status not in SETTLED_WITHOUT_LIST

    def _changed(self) -> None:
        state = self._state()
        if self._is_clean and len(self._settled) == len(self._asked):
            self._ready = True
        if state == "completed" and self._ended is None:
            self._ended = self._now()
            self._remember(state)
        elif state == "in_progress" and self._ended is not None:
            self._started, self._ended = self._now(), None
        elif state == "failed" and (not self._history or self._history[-1].status != "failed"):
            self._remember(state)
        self._version += 1
        self._news.set()

    def _remember(self, state: SyncState) -> None:
        start, end = self._started or self._now(), self._ended or self._now()
        self._history.append(
            SyncRun(
                status=state,
                start_time=start,
                end_time=end,
                duration_ms=_milliseconds(start, end) or 0,
                count=sum(ask().count or 0 for ask in self._asked.values()),
                failures=tuple(f"{each.name}: {each.error}" for each in self._known.values() if each.error),
            )
        )

    def _error(self) -> str | None:
        return next((each.error for each in self._known.values() if each.error and each.status in FAILING), None)

    def _aged(self, status: ResourceStatus) -> ResourceStatus:
        if status.status in {"completed", "in_progress", "pending"} or status.last_contact is None:
            return status
        age = int((self._now() - status.last_contact).total_seconds())
        return structs.replace(status, stale_seconds=max(age, 0))


def _milliseconds(start: datetime | None, end: datetime | None) -> int | None:
    if start is None or end is None:
        return None
    return round((end - start).total_seconds() * 1000)
