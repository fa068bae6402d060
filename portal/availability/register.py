"""Who asks for what: applications, the watches their targets share, and the news about them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Final

from msgspec import Struct, structs

from portal.availability.health import Endpoints, health_from, is_news
from portal.availability.history import Day
from portal.availability.plan import Watch
from portal.availability.results import Result
from portal.availability.targets import Target
from portal.model import Application, Health

CHANGED: Final = 'Availability changed id=%s state=%s reason="%s"'
NOT_CHECKED: Final = Health(state="unknown", reason="not checked")

logger = logging.getLogger(__name__)


class Rest(Struct, frozen=True):
    """The last day of an address that an entry does not ask for now."""

    url: str
    day: Day


class Known:
    """An application, the watch on its target or why that is not asked for now, and what was last said about it."""

    __slots__ = ("application", "rest", "told", "waits", "watch")

    def __init__(self, application: Application) -> None:
        self.application = application
        self.watch: Watch | None = None
        self.waits: Result | None = None
        self.rest: Rest | None = None  # while it waits
        self.told = application.health  # a saved snapshot's, after a restart


class Register:
    """Holds applications, watches and endpoints.

    `watch_for` makes a watch for a new target, with what is remembered of its address, and `leave` lets one go;
    `day_before` returns what is remembered of an address from before the restart.
    """

    def __init__(
        self,
        watch_for: Callable[[Target, Day | None], Watch],
        leave: Callable[[Watch], None],
        day_before: Callable[[str], Day | None],
        now: Callable[[], float],
    ) -> None:
        self._watch_for = watch_for
        self._leave = leave
        self._day_before = day_before
        self._now = now
        self._known: dict[str, Known] = {}
        self._inside: dict[str, Endpoints] = {}
        self._news: dict[str, Health] = {}
        self.watches: dict[Target, Watch] = {}
        self.is_silent = False  # while another replica asks, only what it says counts

    def applications(self) -> tuple[Application, ...]:
        """Return the applications as they were last seen."""
        return tuple(each.application for each in self._known.values())

    def application(self, entry_id: str) -> Application | None:
        """Return an application as it was last seen."""
        known = self._known.get(entry_id)
        return None if known is None else known.application

    def learn(self, application: Application, target: Target | None, waits: str | None = None) -> None:
        """Take note of an application that is new or may have changed; `waits` says what its check waits for."""
        known = self._known.get(application.id)
        if known is None:
            known = self._known[application.id] = Known(application)
        elif application.health is None and known.told is not None:
            known.told = None  # the catalog lost it with another address
        known.application = application
        known.waits = Result(outcome="unknown", reason=waits) if waits else None
        asked = None if waits else target
        if waits or asked != (None if known.watch is None else known.watch.target):
            day = None if target is None else self._day_of(known, target.url)
            self._release(known)
            known.watch = None if asked is None else self._taken(application.id, asked, day)
            known.rest = self._rest(target.url, day) if waits and target and day else None
        self._judge(known)

    def renamed(self, application: Application) -> bool:
        """Take note of an application that changed only in what is not asked, and tell whether it is one."""
        known = self._known.get(application.id)
        if known is None or known.application.url != application.url:
            return False
        if application.health is None and known.told is not None:
            return False  # the catalog has lost what was told
        known.application = application
        return True

    def forget(self, entry_id: str) -> None:
        """Forget an application, and its target at once when nobody else asks for it."""
        known = self._known.pop(entry_id, None)
        if known is not None:
            self._release(known)
            self._news.pop(entry_id, None)

    def endpoints(self, entry_id: str, endpoints: Endpoints | None) -> Watch | None:
        """Take note of the endpoints behind an entry; return the watch that is to hurry for it."""
        if self._inside.get(entry_id) == endpoints:
            return None
        if endpoints is None:
            del self._inside[entry_id]
        else:
            self._inside[entry_id] = endpoints
        known = self._known.get(entry_id)
        if known is None:
            return None
        self._judge(known)
        return known.watch

    def judge(self, watch: Watch) -> None:
        """Find what is news for everybody who asks for this watch."""
        for entry_id in watch.ids:
            self._judge(self._known[entry_id])

    def hear(self, entry_id: str, health: Health) -> Watch | None:
        """Take what another replica found for what was told; return the watch on the entry's target."""
        known = self._known.get(entry_id)
        if known is None:
            return None
        known.told = health
        return known.watch

    def judge_all(self) -> None:
        """Find what is news for everybody."""
        for known in self._known.values():
            self._judge(known)

    def take_news(self) -> Mapping[str, Health]:
        """Return what is to be reported, and count it as told."""
        news, self._news = self._news, {}
        return news

    def has_news(self) -> bool:
        """Tell whether there is anything to report."""
        return bool(self._news)

    def day(self, entry_id: str) -> Day | None:
        """Return the last day of an entry's address; where that is not asked for now, it has paused until now."""
        known = self._known.get(entry_id)
        if known is None or known.rest is None:
            return None if known is None or known.watch is None else known.watch.day
        known.rest.day.pause(int(self._now()))
        return known.rest.day

    def days(self) -> Iterator[tuple[str, Day]]:
        """Return the last day of each address; one that is asked for comes after one that is not."""
        yield from ((known.rest.url, known.rest.day) for known in self._known.values() if known.rest is not None)
        yield from ((watch.target.url, watch.day) for watch in self.watches.values())

    def health(self, entry_id: str) -> Health | None:
        """Return what is known of an entry at this moment, with its latest latency; None where nothing is."""
        known = self._known.get(entry_id)
        if known is None or known.told is None or self.is_silent or not self._has_anything(known):
            return None if known is None else known.told
        health = self._joined(known)
        return structs.replace(health, since=known.told.since) if known.told.state == health.state else health

    def _rest(self, url: str, day: Day) -> Rest:
        day.pause(int(self._now()))
        return Rest(url, day)

    def _day_of(self, known: Known, url: str) -> Day | None:
        """Return what is remembered of an address that an application asked, or was asked before the restart."""
        watch = known.watch
        if watch is not None and watch.target.url == url:
            return watch.day if len(watch.ids) == 1 else Day(watch.day.saved())
        if known.rest is not None and known.rest.url == url:
            return known.rest.day
        return self._day_before(url)

    def _taken(self, entry_id: str, target: Target, day: Day | None) -> Watch:
        watch = self.watches.get(target)
        if watch is None:
            watch = self.watches[target] = self._watch_for(target, day)
        watch.ids[entry_id] = None
        return watch

    def _release(self, known: Known) -> None:
        watch, known.watch = known.watch, None
        if watch is not None:
            del watch.ids[known.application.id]
            if not watch.ids:
                del self.watches[watch.target]
                self._leave(watch)

    def _has_anything(self, known: Known) -> bool:
        if known.watch is None:
            return known.waits is not None or known.application.id in self._inside
        return known.watch.believed is not None  # before the first answer, pods alone would say too much

    def _joined(self, known: Known) -> Health:
        believed = known.waits if known.watch is None else known.watch.believed
        return health_from(believed, self._inside.get(known.application.id))

    def _judge(self, known: Known) -> None:
        """Put an application's health among the news when it is; nothing is news before anything is known."""
        if self.is_silent:
            return
        if self._has_anything(known):
            health = self._joined(known)
        elif known.watch is None and known.told is not None:
            health = NOT_CHECKED
        else:
            return
        if not is_news(known.told, health):
            return
        if health.state != (known.told.state if known.told else "up"):  # that a new entry is up is no change
            logger.info(CHANGED, known.application.id, health.state, health.reason or "-")
        told = structs.replace(health, since=self._since(known, health))
        known.told = self._news[known.application.id] = told

    def _since(self, known: Known, health: Health) -> datetime | None:
        """Return when this state began: with the first of the failures, or at this moment."""
        if known.told is not None and known.told.state == health.state:
            return known.told.since
        failing = health.state == "down" and known.watch is not None and known.watch.failures
        moment = known.watch.failing_since if failing and known.watch else self._now()
        return datetime.fromtimestamp(int(moment), UTC)
