"""A model of an API server and the machine before it, with a clock that is only a number."""

from __future__ import annotations

from collections import deque
from typing import Any

from msgspec import Struct

from portal.kube import signals
from portal.kube.errors import Expired, KubeError
from portal.kube.listwatch import WatchEvent
from portal.kube.machine import step
from portal.kube.resources import Metadata, Projection
from portal.kube.state import State, WatchOptions

State_ = dict[str, int]

PAGE = 2
TICK = 5.0
WINDOW = 10.0


def event(kind: str, name: str, version: int | str) -> WatchEvent[Any]:
    """Return an event as a door yields it."""
    metadata = Metadata(name=name, namespace="default", uid=name, resource_version=str(version))
    return WatchEvent(kind, Projection(metadata=metadata))


class Server:
    """Objects by name with their versions, everything that ever happened to them, and what of that is forgotten."""

    def __init__(self) -> None:
        self.version = 100
        self.compacted = 0
        self.objects: State_ = {}
        self.log: list[tuple[int, str, str]] = []
        self.past: dict[int, State_] = {100: {}}

    def put(self, name: str) -> None:
        self._write("MODIFIED" if name in self.objects else "ADDED", name)

    def delete(self, name: str) -> None:
        if name in self.objects:
            self._write("DELETED", name)

    def elsewhere(self, name: str) -> None:
        """Let something happen that is no concern of this resource."""
        del name
        self.version += 3
        self.past[self.version] = dict(self.objects)

    def compact(self, name: str) -> None:
        del name
        self.compacted = self.version

    def restore(self, name: str) -> None:
        """Put an old backup in place."""
        self.version = 50
        self.compacted = 0
        self.objects = {name: 50}
        self.log = []
        self.past = {50: dict(self.objects)}

    def since(self, version: int) -> list[WatchEvent[Any]]:
        return [event(kind, name, number) for number, kind, name in self.log if number > version]

    def _write(self, kind: str, name: str) -> None:
        self.version += 1
        if kind == "DELETED":
            del self.objects[name]
        else:
            self.objects[name] = self.version
        self.log.append((self.version, kind, name))
        self.past[self.version] = dict(self.objects)


class Answer(Struct, frozen=True):
    """How the server behaves towards one command: honestly, or with an error or an oddity."""

    error: KubeError | None = None
    oddity: str = ""
    seconds: float = 0.1
    chance: float = 0.5


HONEST = Answer()


class Simulation:
    """Runs the machine against the model; `told` is what a consumer knows, when `held` from before the restart."""

    def __init__(self, options: WatchOptions | None = None, *, held: bool = False) -> None:
        self.server = Server()
        self.now = 1000.0
        self.state = State(options=options or WatchOptions(), held=held)
        self.told: State_ = {"restored": 1} if held else {}
        self.deliveries: list[Any] = []
        self.cleared: list[float] = []
        self.requests: list[float] = []
        self.statuses: list[str] = ["pending"]
        self.command: signals.Command = signals.Wait(0.0)
        self.suspect = False  # the server went back in time, and nobody can know yet
        self._snapshot: tuple[int, list[tuple[str, int]]] = (0, [])
        self._listed: State_ = {}
        self._mark_at = 0.0
        self._step(signals.Started(), 0.5)

    def go(self, answer: Answer) -> None:
        """Do what the machine commanded, as the answer says, and tell it."""
        given = self._perform(answer)
        self.now += answer.seconds
        self._step(given, answer.chance)

    def settle(self, seconds: float) -> None:
        """Behave honestly for so long."""
        end = self.now + seconds
        while self.now < end:
            self.go(HONEST)

    def most_requests(self) -> int:
        """Return the most requests in any ten seconds."""
        recent: deque[float] = deque()
        most = 0
        for moment in self.requests:
            recent.append(moment)
            while recent[0] <= moment - WINDOW:
                recent.popleft()
            most = max(most, len(recent))
        return most

    def is_past(self) -> bool:
        """Tell whether what is known is the server's state at the version that the machine names."""
        if not self.state.held or not self.state.cursor or self.suspect:
            return True
        return self.told == self.server.past.get(int(self.state.cursor))

    def _perform(self, answer: Answer) -> signals.Input:
        command = self.command
        match command:
            case signals.Wait(seconds):
                self.now += seconds
                return signals.Waited()
            case signals.AwaitReturn():
                self.now += 2.0
                return signals.Waited()
        if isinstance(command, signals.List | signals.Watch) and not getattr(command, "continue_token", ""):
            self.requests.append(self.now)
        if answer.error is not None:
            return signals.Failed(answer.error)
        match command:
            case signals.List(limit, token):
                return self._page(limit, token, answer)
            case signals.Watch(version, _):
                return self._open(int(version))
        return self._read(answer)

    def _page(self, limit: int, token: str, answer: Answer) -> signals.Input:
        if not token:
            self._listed = {}
            self._snapshot = self.server.version, list(self.server.objects.items())
        version, items = self._snapshot
        start = int(token or 0)
        page = items[start : start + PAGE] if limit else items[start:]
        self._listed |= dict(page)
        more = bool(limit) and start + PAGE < len(items)
        other = str(version + 7) if token else str(version)  # on a first page it would be a lie that nobody can see
        shown = {"no version": "", "zero": "0", "other version": other}.get(answer.oddity, str(version))
        return signals.Listed(shown, str(start + PAGE) if more else "", len(page))

    def _open(self, version: int) -> signals.Input:
        if version < self.server.compacted:
            return signals.Failed(Expired("too old", code=410))
        self._sent = version
        self._mark_at = self.now + 60
        return signals.Opened()

    def _read(self, answer: Answer) -> signals.Input:
        odd = answer.oddity
        if odd == "end":
            return signals.Ended()
        if odd == "replay":
            seen = [each for each in self.server.log if each[0] <= self._sent]
            return signals.Received([event(kind, name, number) for number, kind, name in seen[-4:]])
        if odd in ("unknown", "nameless"):
            self.server.elsewhere("")
            kind, name = ("RENAMED", "x") if odd == "unknown" else ("ADDED", "")
            return signals.Received([*self._fresh(), event(kind, name, self.server.version)])
        if odd == "silence" or self._sent > self.server.version:
            return self._silence()
        return self._honest()

    def _honest(self) -> signals.Input:
        fresh = self._fresh()
        if fresh:
            return signals.Received(fresh)
        if self.now >= self._mark_at:
            self._mark_at = self.now + 60
            self._sent = self.server.version
            return signals.Received([event("BOOKMARK", "", self._sent)])
        return self._silence()

    def _fresh(self) -> list[WatchEvent[Any]]:
        fresh = self.server.since(self._sent)
        self._sent = max(self._sent, self.server.version) if fresh else self._sent
        return fresh

    def _silence(self) -> signals.Input:
        self.now += TICK
        return signals.Received(())

    def _step(self, given: signals.Input, chance: float) -> None:
        self.state, outputs, self.command = step(self.state, given, self.now, chance)
        for output in outputs:
            self._take(output)
        if self.statuses[-1] != self.state.status:
            self.statuses.append(self.state.status)

    def _take(self, output: signals.Output) -> None:
        match output:
            case signals.Replace() | signals.Clear():
                self.suspect = False
                self.told = dict(self._listed) if isinstance(output, signals.Replace) else {}
                self.deliveries.append(output)
                self.cleared += [self.now] if isinstance(output, signals.Clear) else []
            case signals.Deliver(events, _):
                self.deliveries.append(output)
                for each in events:
                    self._fold(each)

    def _fold(self, each: WatchEvent[Any]) -> None:
        metadata = each.object.metadata
        if each.type == "DELETED":
            self.told.pop(metadata.name, None)
        else:
            self.told[metadata.name] = int(metadata.resource_version)
