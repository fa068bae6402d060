"""Life without watches: sources are listed when somebody asks and what is known is older than the cache allows.

One listing of a source is in flight at a time, however many ask. Whoever asks waits for it, but not for ever: when the
API fails or hangs, the last good entries are served, and their age is said.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

from portal.ingest.sync import utc_now
from portal.kube.errors import Forbidden, KubeError, NotFound
from portal.kube.listwatch import ListWatch
from portal.kube.reflector import Replaced
from portal.model import ResourceStatus, SourceState

PAGE: Final = 500
PATIENCE_SECONDS: Final = 3.0  # how long an answer waits for a listing that hangs


class Listing:
    """One source, listed when it is asked for and due."""

    def __init__(
        self,
        name: str,
        door: ListWatch[Any],
        deliver: Callable[[Replaced[Any]], None],
        report: Callable[[ResourceStatus], None],
        ttl: float,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self.name = name
        self._door = door
        self._deliver = deliver
        self._report = report
        self._ttl = ttl
        self._clock = clock
        self._now = now
        self._status = ResourceStatus(name=name, status="pending", since=now())
        self._due_at = 0.0
        self._asked = threading.Event()
        self._moved = threading.Condition()
        self._turn = 0

    def status(self) -> ResourceStatus:
        """Return how the last listing went."""
        return self._status

    def ask(self) -> int | None:
        """Ask for a listing; return the turn to wait for, or None when what is known is fresh enough."""
        if self._clock() < self._due_at:
            return None
        self._asked.set()
        return self._turn + 1

    def wait(self, turn: int, deadline: float) -> None:
        """Wait until a turn has ended, or until the deadline."""
        with self._moved:
            self._moved.wait_for(lambda: self._turn >= turn, timeout=max(deadline - self._clock(), 0))

    def run(self, stop: threading.Event) -> None:
        """List whenever somebody has asked, until `stop` is set."""
        while not stop.is_set():
            if self._asked.wait(timeout=1):
                self.list_once()

    def list_once(self) -> None:
        """List, deliver, and let those who wait go on."""
        self._asked.clear()
        try:
            self._list()
        except KubeError as error:
            self._failed(error)
        finally:
            self._due_at = self._clock() + self._ttl
            with self._moved:
                self._turn += 1
                self._moved.notify_all()

    def _list(self) -> None:
        objects: list[Any] = []
        token, version = "", ""
        while True:
            page = self._door.list(limit=PAGE, continue_token=token)
            objects.extend(page.objects)
            token, version = page.continue_token, page.resource_version
            if not token:
                break
        first = self._status.status == "pending"
        self._deliver(Replaced(tuple(objects), version, "initial" if first else "relist"))
        self._become("completed", None, (len(objects), version))

    def _failed(self, error: KubeError) -> None:
        listed = self._status.last_contact is not None
        state: SourceState = "stale" if listed else "failed"
        if isinstance(error, NotFound):
            state = "absent"
        elif isinstance(error, Forbidden):
            state = "forbidden"
        self._become(state, str(error))

    def _become(self, state: SourceState, error: str | None, listed: tuple[int, str] | None = None) -> None:
        moment, before = self._now(), self._status
        since = before.since if state == before.status else moment
        contact = moment if state == "completed" else before.last_contact
        count, version = listed or (before.count, before.resource_version)
        self._status = ResourceStatus(
            name=self.name,
            status=state,
            count=count,
            error=error,
            since=since,
            last_contact=contact,
            resource_version=version,
        )
        self._report(self._status)


class OnDemand:
    """Brings every source up to date before an answer is built."""

    def __init__(self, listings: Sequence[Listing], clock: Callable[[], float] = time.monotonic) -> None:
        self._listings = tuple(listings)
        self._clock = clock

    def refresh(self, patience: float = PATIENCE_SECONDS) -> None:
        """Ask every source that is due, and wait for the listings, but not longer than the patience."""
        deadline = self._clock() + patience
        turns = [(each, each.ask()) for each in self._listings]
        for listing, turn in turns:
            if turn is not None:
                listing.wait(turn, deadline)
