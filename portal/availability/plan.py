"""When each target is asked: pure bookkeeping, without waiting and without asking.

The rules: a target is never asked twice at a time; at most `concurrency` at once, at most `per_host` of one host, and
at most half of them for targets that failed last time, so that a hundred hanging hosts delay no healthy one.
"""

from __future__ import annotations

from collections import deque
from heapq import heappop, heappush
from typing import Final, Literal

from msgspec import Struct

from portal.availability.history import Day
from portal.availability.results import Method, Result
from portal.availability.targets import Target

TOO_CLOSE: Final = 0.01  # share of an interval; a turn of the phase nearer than this is the one just taken


class ScheduleOptions(Struct, frozen=True, kw_only=True):
    """How much is asked at once, and how soon again; in seconds.

    After the second failure in a row a target is asked again after `retry_first`, then `retry_factor` times as long up
    to `retry_longest`, and never later than its interval. `stale_after` counts intervals without an answer until
    nothing is known any more, `warn_after` failures in a row until that is a warning.
    """

    concurrency: int = 50
    per_host: int = 4
    retry_first: float = 5.0
    retry_factor: float = 2.0
    retry_longest: float = 300.0
    warn_after: int = 6
    stale_after: float = 3.0
    merge: float = 0.1
    new_per_second: float = 200.0


class Watch:
    """One target and all that is known about it."""

    __slots__ = (
        "added",
        "answered",
        "asked_as_suspect",
        "believed",
        "day",
        "due",
        "failing_since",
        "failures",
        "gone",
        "hurried",
        "ids",
        "last",
        "method",
        "phase",
        "place",
        "target",
        "ticket",
    )

    def __init__(self, target: Target, *, added: float, phase: float, day: Day) -> None:
        self.target = target
        self.ids: dict[str, None] = {}  # who asks, in order
        self.added = added
        self.phase = phase
        self.day = day
        self.method: Method = target.method
        self.due = added
        self.ticket = 0
        self.place: Literal["timed", "waiting", "asked"] = "timed"
        self.asked_as_suspect = False
        self.hurried = False
        self.gone = False
        self.failures = 0
        self.failing_since = 0.0  # epoch seconds of the first failure in a row
        self.believed: Result | None = None
        self.last: Result | None = None
        self.answered: float | None = None  # when an answer or its certain absence was last seen

    @property
    def is_suspect(self) -> bool:
        """Tell whether asking will likely take long."""
        return self.failures > 0


class Plan:
    """Which targets are due, waiting for their turn, and being asked."""

    def __init__(self, options: ScheduleOptions) -> None:
        self.options = options
        self.in_flight = 0
        self.lag = 0.0
        self._suspects_in_flight = 0
        self._tickets = 0
        self._timed: list[tuple[float, int, Watch]] = []
        self._waiting: tuple[deque[Watch], deque[Watch]] = (deque(), deque())
        self._hosts: dict[str, int] = {}
        self._blocked: dict[str, deque[Watch]] = {}
        self._next_new = 0.0

    def add(self, watch: Watch, now: float) -> None:
        """Ask a new target at once, or where thousands are new, in their turn."""
        at = max(now, self._next_new)
        self._next_new = at + 1 / self.options.new_per_second
        self._at(watch, at)

    def restart(self, now: float) -> None:
        """Give the first turn to the next target that is added."""
        self._next_new = now

    def forget(self, watch: Watch) -> None:
        """Never ask this target again; a check that is under way counts until it is done."""
        watch.gone = True
        watch.ticket = 0  # whatever list it is on skips it; none holds it for longer than an interval

    def hurry(self, watch: Watch, now: float) -> None:
        """Ask a target at once because something about it has changed; but no oftener than once a second."""
        at = now if watch.answered is None else max(now, watch.answered + 1)
        if watch.place == "timed" and at < watch.due:
            self._at(watch, at)
        elif watch.place == "asked":
            watch.hurried = True

    def due(self, now: float) -> list[Watch]:
        """Return the targets to be asked now; each counts as in flight until `done`."""
        while self._timed and self._timed[0][0] <= now:
            _, ticket, watch = heappop(self._timed)
            if watch.ticket == ticket:
                watch.place = "waiting"
                self._waiting[watch.is_suspect].append(watch)
        started: list[Watch] = []
        while self.in_flight < self.options.concurrency and (chosen := self._next()) is not None:
            self._start(chosen, now)
            started.append(chosen)
        return started

    def next_at(self) -> float | None:
        """Return when the next target is due, or None without any."""
        while self._timed and self._timed[0][2].ticket != self._timed[0][1]:
            heappop(self._timed)
        return self._timed[0][0] if self._timed else None

    def done(self, watch: Watch, now: float) -> None:
        """Take a target off the list of those being asked, and plan its next time from its failures so far."""
        host = watch.target.host
        self.in_flight -= 1
        self._suspects_in_flight -= watch.asked_as_suspect
        self._hosts[host] -= 1
        if not self._hosts[host]:
            del self._hosts[host]
        self._unblock(host)
        if not watch.gone:
            self._at(watch, self._again(watch, now))

    def _again(self, watch: Watch, now: float) -> float:
        interval, options = watch.target.interval, self.options
        if watch.hurried:
            watch.hurried = False
            return now
        if watch.failures and watch.last is not None and watch.last.outcome == "down":
            exponent = min(watch.failures - 2, 32)
            delay = min(options.retry_first * options.retry_factor**exponent, options.retry_longest) * (exponent >= 0)
            if delay < interval:
                return now + delay
        ahead = (watch.phase * interval - watch.due) % interval
        at = watch.due + (ahead if ahead > interval * TOO_CLOSE else ahead + interval)
        return at if at > now else at + interval * ((now - at) // interval + 1)

    def _at(self, watch: Watch, at: float) -> None:
        self._tickets += 1
        watch.ticket, watch.due, watch.place = self._tickets, at, "timed"
        heappush(self._timed, (at, self._tickets, watch))

    def _next(self) -> Watch | None:
        """Take the next waiting target that may be asked; who waits for his host is set aside."""
        steady, suspects = self._waiting
        allowed = self._suspects_in_flight < max(1, self.options.concurrency // 2)
        while steady or (suspects and allowed):
            lane = suspects if not steady or (allowed and suspects and suspects[0].due < steady[0].due) else steady
            watch = lane.popleft()
            host = watch.target.host
            if watch.gone:
                self._unblock(host)  # the turn it was given goes to the next in its line
            elif self._hosts.get(host, 0) < self.options.per_host:
                return watch
            else:
                self._blocked.setdefault(host, deque()).append(watch)
        return None

    def _start(self, watch: Watch, now: float) -> None:
        host = watch.target.host
        watch.place = "asked"
        self.lag = now - watch.due
        self.in_flight += 1
        watch.asked_as_suspect = watch.is_suspect
        self._suspects_in_flight += watch.is_suspect
        self._hosts[host] = self._hosts.get(host, 0) + 1

    def _unblock(self, host: str) -> None:
        blocked = self._blocked.get(host)
        if not blocked:
            return
        watch = blocked.popleft()
        self._waiting[watch.is_suspect].appendleft(watch)
        if not blocked:
            del self._blocked[host]
