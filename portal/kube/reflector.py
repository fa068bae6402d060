"""Keeps somebody informed of one resource: lists, watches, resumes and lists again, and never gives up.

The reflector does what the machine commands and tells it what came of it; whatever has to be decided is decided there.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import Final, Generic, TypeVar

from msgspec import Struct

from portal.kube import signals
from portal.kube.admission import Admission, AtOnce
from portal.kube.decode import Fault
from portal.kube.errors import KubeError
from portal.kube.ledger import Ledger
from portal.kube.listwatch import ListWatch, WatchEvent, WatchStream
from portal.kube.machine import READ, step
from portal.kube.metrics import KubeMetrics
from portal.kube.outage import Outage, Pause
from portal.kube.resources import Projection
from portal.kube.sift import number_from_version
from portal.kube.state import Phase, State, WatchOptions
from portal.model import ResourceStatus, SourceState, utc_now
from portal.pace import Pace

P = TypeVar("P", bound=Projection)

log = logging.getLogger(__name__)

OPTIONS: Final = WatchOptions()
ENDED: Final = signals.Ended()
SAYINGS: Final[Mapping[SourceState, tuple[int, str]]] = {
    "stale": (logging.WARNING, "Lost contact, showing what was known"),
    "failed": (logging.WARNING, "Listing failed, trying again"),
    "absent": (logging.INFO, "Not served by this cluster, waiting for it"),
    "forbidden": (logging.WARNING, "Not allowed to read"),
}
LISTED: Final = "Listed resource=%s objects=%d"
WAITED: Final = signals.Waited()


class Replaced(Struct, Generic[P], frozen=True):
    """The whole truth: these objects and no others."""

    objects: tuple[P, ...]
    resource_version: str
    reason: signals.Reason


class Changes(Struct, Generic[P], frozen=True):
    """What happened since, in order: ADDED, MODIFIED and DELETED only, each newer than all before."""

    events: Sequence[WatchEvent[P]]
    resource_version: str


class Reflector(Generic[P]):
    """Hands on what is in one resource and what happens to it.

    `deliver` is called with the whole truth after each list and with changes in between, never by two greenlets at
    once; while it does not return, nothing is read. `report` is called at each change of state. `notice` hears of
    fields that could not be read. `held`: entries of before the restart are shown, and lost by the same rules.
    """

    def __init__(
        self,
        title: str,
        door: ListWatch[P],
        deliver: Callable[[Replaced[P] | Changes[P]], None],
        report: Callable[[ResourceStatus], None],
        *,
        outage: Outage,
        namespace: str = "",
        held: bool = False,
        options: WatchOptions = OPTIONS,
        admission: Admission | None = None,
        metrics: KubeMetrics | None = None,
        notice: Callable[[Fault], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = utc_now,
        pause: Pause = threading.Event.wait,
        give_way: Callable[[float], object] = time.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.title = title
        self.namespace = namespace
        self.name = f"{title} in {namespace}" if namespace else title
        self._door = door
        self._deliver = deliver
        self._report = report
        self._outage = outage
        self._admission: Admission | None = admission or AtOnce()
        self._notice = notice
        self._clock = clock
        self._now = now
        self._pause = pause
        self._pace = Pace(clock=clock, give_way=give_way)
        self._chance = chance
        self._state = State(options=options, held=held)
        self._since = now()
        self._is_said = True
        self._stream: WatchStream[P] | None = None
        self._batches: Iterator[Sequence[WatchEvent[P]]] = iter(())
        self._listed: list[P] = []
        self._list_began = 0.0
        self._following = False
        self._ledger = Ledger()
        self._gate = ExitStack()
        self._admitted = False
        self._began = clock()
        self._metrics = (metrics or KubeMetrics()).of(title, namespace)
        self._metrics.follow(
            self._staleness,
            lambda: float(max(number_from_version(self._state.cursor), 0)),
            lambda: float(self._state.epoch),
        )
        self._metrics.become("pending")

    def status(self) -> ResourceStatus:
        """Return how far this reflector is, as of now."""
        state = self._state
        contact = None if state.contact_at is None else self._now() - timedelta(seconds=self._staleness())
        known = len(self._ledger) if state.held and state.cursor else None
        return ResourceStatus(
            name=self.name,
            status=state.status,
            count=state.count if state.status == "in_progress" else known,
            error=state.error,
            since=self._since,
            last_contact=contact,
            resource_version=state.cursor or None,
        )

    def forget(self) -> None:
        """Take this reflector out of the metrics, when what it reflects is no longer wanted."""
        self._metrics.forget()

    def run(self, stop: threading.Event) -> None:
        """Reflect until `stop` is set; a greenlet that is ended leaves no connection behind either."""
        place = f"in namespace {self.namespace}" if self.namespace else "in all namespaces"
        log.info("Starting watch for %s %s", self.title, place)
        given: signals.Input = signals.Started()
        try:
            while not stop.is_set():
                given = self._turn(given, stop)
            self._turn(signals.Stopped(), stop)
        finally:
            self._hang_up()
            self._gate.close()

    def _turn(self, given: signals.Input, stop: threading.Event) -> signals.Input:
        """Let the machine decide, hand on what it says, and do what it commands."""
        before, for_all = self._state, self._heard(given)
        state, outputs, command = step(before, given, self._clock(), self._chance())
        for output in outputs:
            self._put_out(output)
        self._state = state
        if state.status != before.status or state.error != before.error or state.count != before.count:
            self._tell(before, state, for_all=for_all)
        if state.phase is Phase.STREAMING and not self._following and state.status == "completed":
            self._say_following()
        if command is READ:
            return self._read()
        return self._do(command, stop)

    def _read(self) -> signals.Input:
        self._pace.breathe()
        try:
            batch = next(self._batches, None)
        except KubeError as error:
            return signals.Failed(error)
        return ENDED if batch is None else signals.Received(batch)

    def _do(self, command: signals.Command, stop: threading.Event) -> signals.Input:
        if self._admission is not None:
            self._ask_admission(self._admission, command)
        match command:
            case signals.List():
                return self._list(command)
            case signals.Watch():
                return self._watch(command)
            case signals.Wait():
                self._pause(stop, command.seconds)
            case signals.AwaitReturn():
                self._outage.wait(stop)
        return WAITED

    def _list(self, command: signals.List) -> signals.Input:
        if not command.continue_token:
            self._listed = []
            self._list_began = self._clock()
            self._metrics.lists.inc()
        self._pace.breathe()
        try:
            page = self._door.list(limit=command.limit, continue_token=command.continue_token)
        except KubeError as error:
            return signals.Failed(error)
        self._listed.extend(page.objects)
        for fault in page.faults:
            self._metrics.decode_errors.inc()
            if self._notice:
                self._notice(fault)
        return signals.Listed(page.resource_version, page.continue_token, len(page.objects))

    def _watch(self, command: signals.Watch) -> signals.Input:
        self._metrics.watches.inc()
        try:
            stream = self._door.watch(
                resource_version=command.resource_version, timeout_seconds=command.timeout_seconds
            )
        except KubeError as error:
            return signals.Failed(error)
        self._stream, self._batches = stream, iter(stream)
        return signals.Opened()

    def _put_out(self, output: signals.Output) -> None:
        match output:
            case signals.Deliver(events, version):
                self._ledger.apply(events, self._metrics.events)
                self._deliver(Changes(events, version))
            case signals.Replace(reason, version):
                self._replace(reason, version)
            case signals.Clear(reason):
                self._ledger.clear()
                self._deliver(Replaced((), self._state.cursor, reason))
            case signals.Close(error):
                self._hang_up()
                if error:
                    self._say_closed(error)
            case signals.Count(what, number, label):
                self._metrics.count(what, number, label)

    def _replace(self, reason: signals.Reason, version: str) -> None:
        objects, self._listed = tuple(self._listed), []
        drift = self._ledger.replace(objects, self._state.cursor, version, compared=reason == "safety")
        if drift:
            self._metrics.drift.inc(drift)
            log.warning("A list showed what the watch had not told resource=%s objects=%d", self.name, drift)
        if reason == "initial":
            log.info(LISTED, self.name, len(objects))
        self._metrics.list_items.set(len(objects))
        self._metrics.list_seconds.observe(self._clock() - self._list_began)
        self._deliver(Replaced(objects, version, reason))

    def _ask_admission(self, admission: Admission, command: signals.Command) -> None:
        """Wait for our turn to list for the first time, and end it with that list, however it ended."""
        if isinstance(command, signals.List):
            if not self._admitted:
                self._admitted = True
                self._gate.enter_context(admission.listing())
            return
        self._gate.close()
        if isinstance(command, signals.Watch):
            self._admission = None
            admission.watching()

    def _heard(self, given: signals.Input) -> bool:
        """Let the outage hear how a request went; tell whether it says this very failure for all."""
        match given:
            case signals.Failed(error):
                return self._outage.heard(error)
            case signals.Listed() | signals.Opened():
                self._outage.heard()
        return False

    def _tell(self, before: State, state: State, *, for_all: bool) -> None:
        """Report a new state, and say it once, unless that was done `for_all`."""
        if state.status != before.status:
            self._since = self._now()
            self._metrics.become(state.status)
            self._is_said = state.status not in SAYINGS
        if not self._is_said and not for_all:
            self._is_said = True
            level, saying = SAYINGS[state.status]
            log.log(level, "%s resource=%s why=%s", saying, self.name, state.error)
        self._report(self.status())

    def _say_following(self) -> None:
        self._following = True
        log.info("Successfully started watch for %s", self.name)

    def _say_closed(self, why: str) -> None:
        if self._following:
            self._following = False
            log.info("Watch closed for %s with error error=%s", self.name, why)

    def _hang_up(self) -> None:
        stream, self._stream, self._batches = self._stream, None, iter(())
        if stream is not None:
            stream.close()

    def _staleness(self) -> float:
        contact = self._state.contact_at
        return max(self._clock() - (self._began if contact is None else contact), 0.0)
