"""Asks every target in its time, believes what is confirmed, and reports what changed.

The scheduler starts nothing itself: `start` gets a name and a function for each check and runs it beside the others;
`run` is the planner. Reports are made by the planner alone, merged, and only of what is news.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Final

from msgspec.structs import replace

from portal.availability.belief import Reading, believe, doubt, outcome
from portal.availability.health import Endpoints, result_from_health
from portal.availability.history import AvailabilityHistory, Day, SavedDay
from portal.availability.plan import Plan, ScheduleOptions, Watch
from portal.availability.register import Register
from portal.availability.results import Result
from portal.availability.saved import bytes_from_checks, checks_from_bytes
from portal.availability.targets import (
    NO_SPEC,
    CheckOptions,
    CheckSpec,
    Target,
    shown_url,
    target_from_application,
)
from portal.model import Application, Change, Health

LONGEST_WAIT: Final = 1.0  # seconds; how late `run` notices that it is to stop
DOUBTS_PER_INTERVAL: Final = 4
LONG_DOWN: Final = 'Failed many times in a row url=%s failures=%d reason="%s"'
DEFAULT_SCHEDULE: Final = ScheduleOptions()
DEFAULT_CHECKS: Final = CheckOptions()

Report = Callable[[Mapping[str, Health]], object]
Start = Callable[[str, Callable[[], None]], None]

logger = logging.getLogger(__name__)


class Scheduler:
    """Knows the health of every application that it follows."""

    def __init__(
        self,
        probe: Callable[[Target], Result],
        report: Report,
        start: Start,
        *,
        schedule: ScheduleOptions = DEFAULT_SCHEDULE,
        checks: CheckOptions = DEFAULT_CHECKS,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._probe = probe
        self._report = report
        self._start = start
        self._schedule = schedule
        self._checks = checks
        self._clock = clock
        self._now = now
        self._chance = chance
        self._plan = Plan(schedule)
        self._register = Register(self._watch_for, self._leave, self._day_before, now)
        self._leaving: dict[Target, Watch] = {}  # forgotten while being asked
        self._days: dict[str, SavedDay] = {}
        self._specs: dict[str, CheckSpec] = {}
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._doubted = clock()
        self._reported = float("-inf")

    @property
    def in_flight(self) -> int:
        """Return how many targets are being asked."""
        return self._plan.in_flight

    @property
    def lag(self) -> float:
        """Return by how many seconds the last check began late."""
        return self._plan.lag

    def follow(self, changes: Iterable[Change]) -> None:
        """Take note of changes of the catalog; cheap, and nothing for what does not concern checks."""
        with self._lock:
            for change in changes:
                after = change.after
                if change.before is not None and after is None:
                    self._register.forget(change.before.id)
                if isinstance(after, Application) and not change.only_health and not self._register.renamed(after):
                    self._learn(after)
        self._wake.set()

    def update(self, applications: Iterable[Application]) -> None:
        """Take these for all the applications there are."""
        wanted = {each.id: each for each in applications}
        with self._lock:
            for known in self._register.applications():
                if known.id not in wanted:
                    self._register.forget(known.id)
            for each in wanted.values():
                self._learn(each)
        self._wake.set()

    def configure(self, checks: CheckOptions, schedule: ScheduleOptions | None = None) -> None:
        """Check by other settings from now on."""
        with self._lock:
            self._checks = checks
            self._schedule = self._plan.options = schedule or self._schedule
            for each in self._register.applications():
                self._learn(each)
        self._wake.set()

    def override(self, entry_id: str, spec: CheckSpec | None) -> None:
        """Check an entry as its owner wants from now on; None forgets what he wanted, because the entry is going."""
        if self._specs.get(entry_id, NO_SPEC) == (spec or NO_SPEC):
            return
        with self._lock:
            before = self._specs.pop(entry_id, NO_SPEC)
            if spec is not None and spec != NO_SPEC:
                self._specs[entry_id] = spec
            application = self._register.application(entry_id)
            if application is not None and spec not in (None, before):
                self._learn(application)
                self._wake.set()

    def endpoints(self, entry_id: str, endpoints: Endpoints | None) -> None:
        """Take note of how many endpoints behind an entry are ready, and ask it at once when that changed."""
        with self._lock:
            watch = self._register.endpoints(entry_id, endpoints)
            if watch is not None:
                self._plan.hurry(watch, self._clock())
        self._wake.set()

    def pause(self) -> None:
        """Leave it to another replica to ask; what it says is heard, until `run` begins again."""
        with self._lock:
            self._register.is_silent = True
            self._register.take_news()

    def hear(self, verdicts: Mapping[str, Health]) -> None:
        """Take note of what the replica that asks has found."""
        moment = int(self._now())
        with self._lock:
            for entry_id, health in verdicts.items() if self._register.is_silent else ():
                watch = self._register.hear(entry_id, health)
                if watch is not None:
                    result = result_from_health(health)
                    watch.day.add(moment, result, result.outcome, watch.target.interval * self._schedule.stale_after)

    def run(self, stop: threading.Event) -> None:
        """Plan until `stop` is set; one at a time, and again after a pause."""
        self._resume()
        while not stop.is_set():
            self._wake.wait(self.turn())
            self._wake.clear()

    def turn(self) -> float:
        """Start the checks that are due, report what is news, and return the seconds until there is more to do."""
        with self._lock:
            now = self._clock()
            self._doubt(now)
            due = self._plan.due(now)
        for watch in due:
            self._start(f"check {watch.target.host}", partial(self._check, watch))
        with self._lock:
            next_at = self._plan.next_at()
        wait = LONGEST_WAIT if next_at is None else min(LONGEST_WAIT, next_at - now)
        return max(0.0, min(wait, self._tell(now)))

    def health(self, entry_id: str) -> Health | None:
        """Return what is known of an entry at this moment, with its latest latency; None where nothing is."""
        with self._lock:
            return self._register.health(entry_id)

    def history(self, entry_id: str) -> AvailabilityHistory | None:
        """Return what is remembered of an entry, or None where it is not checked."""
        with self._lock:
            day = self._register.day(entry_id)
            health = self._register.health(entry_id) or Health(state="unknown")
            return None if day is None else day.history(entry_id, health)

    def readings(self) -> tuple[Reading, ...]:
        """Return what is known of each target that has been asked."""
        with self._lock:
            watches = tuple(self._register.watches.values())
            return tuple(Reading(each.target, each.last, outcome(each)) for each in watches if each.last is not None)

    def dump(self) -> bytes:
        """Return the last day of every target and what owners want, to be kept over a restart; no secrets."""
        with self._lock:
            days = ((url, day.saved()) for url, day in self._register.days())
            return bytes_from_checks(days, self._specs)

    def restore(self, saved: bytes) -> Sequence[str]:
        """Remember what was dumped for all that is followed from now on, and return what of it is damaged.

        Raises HistoryUnreadableError.
        """
        checks = checks_from_bytes(saved)
        self._days, self._specs = checks.days, checks.specs
        return checks.damaged

    def _resume(self) -> None:
        """Begin anew with every target in its turn: that nobody planned for a while says nothing about them."""
        with self._lock:
            now = self._clock()
            self._plan.restart(now)
            was_silent, self._register.is_silent = self._register.is_silent, False
            for watch in self._register.watches.values():
                watch.added, watch.answered = now, None
                if was_silent:
                    watch.believed, watch.failures = None, 0
                if watch.place == "timed":
                    self._plan.add(watch, now)
            if was_silent:
                self._register.judge_all()

    def _learn(self, application: Application) -> None:
        spec = self._specs.get(application.id, NO_SPEC)
        target = target_from_application(application, self._checks, spec)
        self._register.learn(application, target, None if target is None else spec.waits)

    def _day_before(self, url: str) -> Day | None:
        return Day(self._days[url]) if url in self._days else None

    def _watch_for(self, target: Target, day: Day | None) -> Watch:
        watch = self._leaving.pop(target, None)
        if watch is not None:  # still being asked, and never twice at a time
            watch.gone, watch.hurried = False, True
            return watch
        now = self._clock()
        self._days.pop(target.url, None)
        watch = Watch(target, added=now, phase=self._chance(), day=day or Day())
        self._plan.add(watch, now)
        return watch

    def _leave(self, watch: Watch) -> None:
        if watch.place == "asked":
            self._leaving[watch.target] = watch
        self._plan.forget(watch)

    def _check(self, watch: Watch) -> None:
        """Ask one target; runs beside others, and whatever happens ends with a result."""
        target = watch.target if watch.method == watch.target.method else replace(watch.target, method=watch.method)
        try:
            result = self._probe(target)
        except Exception:
            logger.exception("Check failed by itself url=%s", shown_url(target.url))
            result = Result(outcome="unknown", reason="the check itself failed")
        with self._lock:
            self._done(watch, result)
        self._wake.set()

    def _done(self, watch: Watch, result: Result) -> None:
        now, moment = self._clock(), self._now()
        if watch.gone:
            del self._leaving[watch.target]
        else:
            before = watch.believed
            believe(watch, result, now, moment)
            if result.outcome == "down" and watch.failures == max(1, self._schedule.warn_after):
                logger.warning(
                    LONG_DOWN, shown_url(watch.target.url), watch.failures, result.reason or result.http_status
                )
            watch.day.add(int(moment), result, outcome(watch), watch.target.interval * self._schedule.stale_after)
            if watch.believed is not before:
                self._register.judge(watch)
        self._plan.done(watch, now)

    def _doubt(self, now: float) -> None:
        """Let what was not confirmed for too long become unknown."""
        if now - self._doubted < self._checks.interval / DOUBTS_PER_INTERVAL:
            return
        self._doubted, moment = now, self._now()
        for watch in self._register.watches.values():
            if doubt(watch, now, moment, watch.target.interval * self._schedule.stale_after):
                self._register.judge(watch)

    def _tell(self, now: float) -> float:
        """Report the news, unless news was reported a moment ago; return the seconds until they may be."""
        with self._lock:
            if not self._register.has_news():
                return LONGEST_WAIT
            early = self._reported + self._schedule.merge - now
            if early > 0:
                return early
            self._reported, news = now, self._register.take_news()
        self._report(news)
        return LONGEST_WAIT
