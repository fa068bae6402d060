"""Life without watches: sources are listed when somebody asks and what is known is older than the cache allows.

One listing of a source is in flight at a time, however many ask. Whoever asks waits for it, but not for ever: when the
API fails or hangs, the last good entries are served, and their age is said. A refusal (403) or a disappearance (404)
takes the entries away only when it is repeated, long enough apart.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal

from portal.ingest.sync import UNANSWERED
from portal.kube.decode import Fault
from portal.kube.errors import AWAY, Expired, Forbidden, KubeError, NotFound
from portal.kube.listwatch import ListWatch, Page
from portal.kube.outage import Outage
from portal.kube.reflector import LISTED, SAYINGS, Replaced
from portal.model import ResourceStatus, SourceState, utc_now

log = logging.getLogger(__name__)

PAGE: Final = 500
PATIENCE_SECONDS: Final = 3.0  # how long an answer waits for a listing that hangs
FAILING_SECONDS: Final = 0.3  # how long it waits where the last listing failed: what is known can be served at once
RETRY_SECONDS: Final = 5.0  # how soon a listing that failed is tried again, if the cache would wait longer
LEAST_SECONDS: Final = 2.0  # and how soon if it would not
GRACE_SECONDS: Final = 60.0  # how far apart two refusals must be to be believed
LOOK_SECONDS: Final = 1.0

Gone = Literal["absent", "forbidden"]
GONE: Final[Mapping[type[KubeError], Gone]] = {NotFound: "absent", Forbidden: "forbidden"}


class Listing:
    """One source, listed when it is asked for and due; `held` tells whether there are entries of it from before."""

    def __init__(
        self,
        name: str,
        door: ListWatch[Any],
        deliver: Callable[[Replaced[Any]], None],
        report: Callable[[ResourceStatus], None],
        ttl: float,
        *,
        outage: Outage,
        held: bool = False,
        notice: Callable[[Fault], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self.name = name
        self._door = door
        self._deliver = deliver
        self._report = report
        self._ttl = ttl
        self._outage = outage
        self._held = held
        self._notice = notice
        self._clock = clock
        self._now = now
        self._status = ResourceStatus(name=name, status="pending", since=now())
        self._is_said = True
        self._due_at = clock()
        self._gone_since: dict[Gone, float] = {}
        self._asked = threading.Event()
        self._moved = threading.Condition()
        self._is_listing = False
        self._turn = 0
        self._peace = 0.0  # how long the API server wants to be left alone
        self.is_failing = False  # whether the last listing got no answer that says something of this source

    def status(self) -> ResourceStatus:
        """Return how the last listing went."""
        return self._status

    def ask(self) -> int | None:
        """Ask for a listing; return the turn to wait for, or None when what is known is fresh enough."""
        if not self._is_listing:
            if self._clock() < self._due_at:
                return None
            self._asked.set()
        return self._turn + 1

    def wait(self, turn: int, deadline: float) -> None:
        """Wait until a turn has ended; at the deadline, say that what is known grows old."""
        with self._moved:
            is_over = self._moved.wait_for(lambda: self._turn >= turn, timeout=max(deadline - self._clock(), 0))
        if is_over or self._status.status in UNANSWERED:
            return
        self.is_failing = True
        if self._status.status == "completed":
            self._become("stale", "the API server has not answered for a while")

    def run(self, stop: threading.Event) -> None:
        """List whenever somebody has asked, until `stop` is set."""
        while not stop.is_set():
            if self._asked.wait(timeout=LOOK_SECONDS) and not stop.is_set():
                self.list_once()
        self._end_turn()

    def leave(self) -> None:
        """Let whoever runs this look at once whether to stop."""
        self._asked.set()

    def list_once(self) -> None:
        """List, deliver, and let those who wait go on."""
        self._is_listing = True
        self._asked.clear()
        try:
            self._list()
        except KubeError as error:
            self._failed(error)
        finally:
            self._is_listing = False
            self._due_at = self._clock() + self._pause()
            self._end_turn()

    def _pause(self) -> float:
        """Return how long what came of the last listing is good for."""
        if not self.is_failing:
            return self._ttl
        return max(min(self._ttl, RETRY_SECONDS), LEAST_SECONDS, self._peace)

    def _end_turn(self) -> None:
        """Let those who wait go on."""
        with self._moved:
            self._turn += 1
            self._moved.notify_all()

    def _list(self) -> None:
        first = self._status.status == "pending"
        if first:
            self._become("in_progress", None, 0)
        try:
            objects, version = self._pages(PAGE)
        except Expired:
            objects, version = self._pages(0)
        self._outage.heard()
        self._deliver(Replaced(tuple(objects), version, "initial" if first else "relist"))
        self._held = True
        self.is_failing = False
        self._gone_since.clear()
        self._become("completed", None, len(objects), version)

    def _pages(self, limit: int) -> tuple[list[Any], str]:
        objects: list[Any] = []
        page: Page[Any] | None = None
        while page is None or page.continue_token:
            before, page = page, self._door.list(limit=limit, continue_token=page.continue_token if page else "")
            if before and page.resource_version != before.resource_version:
                raise Expired("the pages of the list have different resourceVersions")
            objects.extend(page.objects)
            for fault in page.faults:
                self._notice(fault)
            if self._status.status == "in_progress":
                self._become("in_progress", None, len(objects))
        return objects, page.resource_version

    def _failed(self, error: KubeError) -> None:
        for_all = self._outage.heard(error)
        self._peace = error.retry_after
        reason = next((reason for kind, reason in GONE.items() if isinstance(error, kind)), None)
        self.is_failing = reason is None
        if reason is None:
            if self._has_nothing and isinstance(error, AWAY):
                return
            self._become("stale" if self._held else "failed", str(error), self._status.count, for_all=for_all)
            return
        now = self._clock()
        first = self._gone_since.setdefault(reason, now)
        is_over = now - first >= GRACE_SECONDS if self._held else self._status.status != reason
        if is_over:
            self._held = False
            self._deliver(Replaced((), "", reason))
        self._become(reason, str(error), self._status.count if self._held else None)

    @property
    def _has_nothing(self) -> bool:
        """Tell whether the source is absent or refused, and nothing of it is shown that could grow old."""
        return self._status.status in GONE.values() and not self._held

    def _become(
        self,
        state: SourceState,
        error: str | None,
        count: int | None = None,
        version: str = "",
        *,
        for_all: bool = False,
    ) -> None:
        moment, before = self._now(), self._status
        self._status = ResourceStatus(
            name=self.name,
            status=state,
            count=before.count if count is None and state == "stale" else count,
            error=error,
            since=before.since if state == before.status else moment,
            last_contact=moment if state == "completed" else before.last_contact,
            resource_version=version or before.resource_version,
        )
        self._say(before.status, for_all=for_all)
        self._report(self._status)

    def _say(self, before: SourceState, *, for_all: bool) -> None:
        """Say a new state once, in the words of a reflector, unless that was done `for_all`."""
        now = self._status
        if now.status != before:
            self._is_said = now.status not in SAYINGS
            if now.status == "completed":
                log.info(LISTED, self.name, now.count)
        if not self._is_said and not for_all:
            self._is_said = True
            level, saying = SAYINGS[now.status]
            log.log(level, "%s resource=%s why=%s", saying, self.name, now.error)


class OnDemand:
    """Brings every source up to date before an answer is built; what `before` lists decides which sources there are."""

    def __init__(self, listings: Sequence[Listing] = (), clock: Callable[[], float] = time.monotonic) -> None:
        self.before: Listing | None = None
        self.listings = tuple(listings)
        self._clock = clock

    def ask(self) -> None:
        """Ask every source that is due, and wait for none."""
        for listing in (*self._first(), *self.listings):
            listing.ask()

    def refresh(self, patience: float = PATIENCE_SECONDS) -> None:
        """Ask every source that is due, and wait for the listings, but not longer than the patience."""
        began = self._clock()
        self.ask()  # all at the same time: waiting for the first takes nothing from the others
        self._await(self._first(), began, patience)
        self._await(self.listings, began, patience)

    def keep(self, is_wanted: Callable[[], bool], stop: threading.Event) -> None:
        """Ask on behalf of those who listen to the stream and send no requests, until `stop` is set."""
        while not stop.wait(LOOK_SECONDS):
            if is_wanted():
                self.ask()

    def _first(self) -> tuple[Listing, ...]:
        return () if self.before is None else (self.before,)

    def _await(self, listings: Sequence[Listing], began: float, patience: float) -> None:
        turns = [(each, each.ask()) for each in listings]
        for listing, turn in turns:
            if turn is not None:
                listing.wait(turn, began + (min(patience, FAILING_SECONDS) if listing.is_failing else patience))
