"""Starts, guards and ends the greenlets of the process.

Each has a name. One that should run for ever and does not is said and ends the process, so that Kubernetes starts a new
one: a portal that looks alive while a part of it is dead would show what is no longer true.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Final

import gevent
from gevent import Greenlet, GreenletExit

log = logging.getLogger(__name__)

LEAVE_SECONDS: Final = 1.0  # how long a greenlet may take to end by itself before it is ended

Run = Callable[[threading.Event], None]


class Member:
    """One running greenlet."""

    def __init__(
        self, name: str, run: Run, ended: Callable[[Member, BaseException | None], None], stop: threading.Event
    ) -> None:
        self.name = name
        self.stop = stop
        self._run = run
        self._ended = ended
        self.greenlet: Greenlet = gevent.spawn(self._guarded)
        self.greenlet.name = name

    def _guarded(self) -> None:
        try:
            self._run(self.stop)
        except GreenletExit:
            return
        except Exception as error:  # noqa: BLE001 - the guard of the house: what rises to here is said, whatever it is
            self._ended(self, error)
        else:
            self._ended(self, None)


class Crew:
    """All greenlets of the process; `failed` is set when one ended that should not have."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        self.failed = threading.Event()
        self._members: list[Member] = []

    def start(self, name: str, run: Run, *, at_once: bool = False) -> Callable[[], None]:
        """Start a greenlet that runs until it is told to stop; return the function that ends it early.

        `at_once`: it may be ended wherever it is then, and need not be told before.
        """
        member = Member(name, run, self._eternal_ended, threading.Event())
        self._members.append(member)
        return lambda: self._dismiss(member, 0 if at_once else LEAVE_SECONDS)

    def errand(self, name: str, run: Callable[[], None]) -> None:
        """Start a greenlet that ends by itself; when it raises, that is said and nothing else happens."""
        Member(name, lambda _: run(), self._errand_ended, threading.Event())

    def together(self, name: str, works: Iterable[Callable[[], object]]) -> None:
        """Do works that wait, side by side, and return when all are done; an error in one is raised then."""
        greenlets = [gevent.spawn(work) for work in works]
        for greenlet in greenlets:
            greenlet.name = name
        gevent.joinall(greenlets)
        for greenlet in greenlets:
            greenlet.get()

    def names(self) -> tuple[str, ...]:
        """Return the names of those who run."""
        return tuple(member.name for member in self._members)

    def disband(self, seconds: float) -> None:
        """End everybody within this time: ask, wait a moment, and end those who are still there."""
        self.stop.set()
        members, self._members = self._members, []
        _end(members, seconds)

    def _dismiss(self, member: Member, patience: float) -> None:
        if member in self._members:
            self._members.remove(member)
        _end([member], patience)

    def _eternal_ended(self, member: Member, error: BaseException | None) -> None:
        if self.stop.is_set() or member not in self._members:
            return
        log.error("A part that should run for ever ended; portal stops part=%s", member.name, exc_info=error)
        self.failed.set()
        self.stop.set()

    def _errand_ended(self, member: Member, error: BaseException | None) -> None:
        if error is not None:
            log.error("A task failed task=%s", member.name, exc_info=error)


def _end(members: Sequence[Member], seconds: float) -> None:
    for member in members:
        member.stop.set()
    greenlets = [member.greenlet for member in members]
    gevent.joinall(greenlets, timeout=min(LEAVE_SECONDS, seconds))
    gevent.killall(greenlets, timeout=max(seconds - LEAVE_SECONDS, LEAVE_SECONDS))
