"""A scenario server and the whole engine before it, the clock of both turned, and the words of the cases."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import yaml

from portal.catalog.state import Catalog
from portal.ingest.intake import Feed, Intake
from portal.ingest.references import References
from portal.kube.client import Api
from portal.kube.credentials import credentials
from portal.kube.doors import HttpListWatch
from portal.kube.limits import TokenBucket
from portal.kube.outage import Outage
from portal.kube.reflector import Changes, Reflector, Replaced
from portal.model import utc_now
from portal.runtime.crew import Crew
from portal.sources.ingress import INGRESS
from portal.sources.notes import SILENT, Notes
from portal.sources.source import MappingOptions
from portal.sources.startpunkt import APPLICATION
from tests.cluster.processes import wait_until
from tests.kube.faults.folding import Folded, Published
from tests.kube.faults.requests import Request, is_watch
from tests.kube.faults.words import perform
from tests.kube.scenario.client import INGRESSES, Scenario, ingress
from tests.kube.scenario.proxy import ProxyProcess

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from urllib3 import BaseHTTPResponse

    from portal.model import Change, ResourceStatus
    from portal.sources.references import Reference

Case = dict[str, Any]

HERE = Path(__file__).parent
APPLICATIONS = "applications.startpunkt.ullberg.us"
SETTLE_SECONDS = 15.0
SECOND = 0.05  # how long one second of the API takes
LEAST_SECOND = 0.02  # a busy machine answers no faster, however far the clock is turned


def cases(file: str) -> list[Case]:
    """Return the cases of a table beside this file."""
    read: list[Case] = yaml.safe_load((HERE / file).read_text(encoding="utf-8"))
    return read


class TurnedApi(Api):
    """The engine's way to the API server, its patience turned like the clock."""

    second = SECOND

    def _request(
        self, method: str, path: str, query: Mapping[str, str], body: bytes | None, seconds: float
    ) -> BaseHTTPResponse:
        return super()._request(method, path, query, body, seconds * self.second)


class Unnoticed:
    """Takes note of nothing."""

    def changed(self, title: str, changes: Sequence[Change]) -> None:
        """Take note of changes."""

    def notes(self, title: str, key: tuple[str, str]) -> Notes:
        """Return where mistakes go."""
        del title, key
        return SILENT


class Rig:
    """One case: the server, what is between, the engine, and what a consumer makes of its deliveries."""

    def __init__(self, case: Case, folder: Path) -> None:
        self._exits = ExitStack()
        self.case = case
        self.second = float(case.get("second", SECOND))
        custom = case.get("resource") == "custom"
        self.name = APPLICATIONS if custom else INGRESSES
        self.source = APPLICATION if custom else INGRESS
        self.folded: Folded = Folded()
        self.published = Published()
        self.catalog = Catalog(self.published)
        self.crew = Crew()
        self.reports: list[ResourceStatus] = []
        self.hold: Callable[[], None] = lambda: None
        self.today = utc_now
        self.token_file = folder / "token"
        self.scenario = self._exits.enter_context(Scenario())
        self.scenario.tell("set", second=self.second, marks=case.get("marks", 60.0), token=case.get("token", ""))
        self.proxy = self._exits.enter_context(ProxyProcess(self.scenario.port)) if case.get("through") else None
        self.token_file.write_text(case.get("token", "none"))
        self._kubeconfig = self._write_kubeconfig(folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._exits.close()

    # The clock, turned

    def now(self) -> float:
        """Return seconds of the API."""
        return time.monotonic() / self.second

    def pause(self, seconds: float) -> None:
        """Let seconds of the API pass."""
        time.sleep(max(0.0, seconds) * self.second)

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait for a condition to hold; fail when it does not in good time."""
        assert wait_until(condition, SETTLE_SECONDS, interval=0.01), self.described()

    # The run

    def run(self) -> None:
        """Do what the case says, and wait for the engine to know the truth."""
        self.begin()
        self.wait_begun()
        perform(self, self.case.get("act", []))
        self.put("last")
        self.settle()

    def begin(self) -> None:
        """Put the world as it is at first, queue the faults, and start the engine."""
        self._given(self.case.get("given", ["a", "b"]))
        perform(self, self.case.get("before", []))
        for fault in self.case.get("faults", []):
            options = {word: value for word, value in fault.items() if word not in ("at", "do")}
            self.scenario.fault(fault["at"], *fault["do"], **options)
        self.start()

    def idle_connections(self) -> int:
        """Return how many connections may stay in the pool between requests: those of lists."""
        return 1

    def wait_begun(self) -> None:
        """Wait for the first list to be delivered and for the watch after it to be asked for."""
        self.until(lambda: bool(self.folded.reasons))
        self.until(lambda: self.folded.reasons[0] != "initial" or self.count(is_watch) > 0)

    def settle(self) -> None:
        """Wait until what was delivered and published is what the server holds."""
        wait_until(
            lambda: self.folded.objects == self.truth() and self.published.entries == self.shown(), SETTLE_SECONDS, 0.02
        )

    def _knows_the_truth(self) -> bool:
        return self.folded.objects == self.truth() and self.published.entries == self.shown()

    def truth(self) -> dict[tuple[str, str], tuple[str, str]]:
        """Return uid and version of every object that the server holds."""
        metadata = [item["metadata"] for item in self.scenario.tell("truth", name=self.name)]
        return {(each["namespace"], each["name"]): (each["uid"], each["resourceVersion"]) for each in metadata}

    def shown(self) -> dict[str, str]:
        """Return id and address of every entry that the server's objects mean."""
        items = self.scenario.tell("truth", name=self.name)
        return {f"local/{self.source.name}/default/{item['metadata']['name']}": _address(item) for item in items}

    def requests(self) -> list[Request]:
        """Return the requests for the resource."""
        return [request for request in self.scenario.tell("requests") if request["name"] == self.name]

    def count(self, which: Callable[[Request], bool]) -> int:
        """Return how many requests there were of a sort."""
        return sum(map(which, self.requests()))

    def described(self) -> str:
        """Return the story so far, for the message of a failure."""
        requests = self.requests()
        lines = [
            f"{(each['time'] - requests[0]['time']) / self.second:8.2f} {each['verb']} {each['query']} {each['fault']}"
            for each in requests[:60]
        ]
        known = [f"held {self.folded.objects}", f"true {self.truth()}", f"status {self.status()}"]
        return "\n".join(["", "time, verb, query, whether it was treated badly", *lines, *known])

    # The engine

    def start(self) -> None:
        """Start the engine."""
        who = credentials(str(self._kubeconfig), None, {})
        bucket = TokenBucket(clock=self.now, pause=self.pause)
        api = TurnedApi(who, bucket=bucket, tick=self.second)
        api.second = max(self.second, LEAST_SECOND)
        outage = Outage(api.probe, clock=self.now, pause=self._pause_unless)
        feed = Feed(self.source, MappingOptions(only_annotated=False))
        intake = Intake(feed, self.catalog, References(_follow_nothing), Unnoticed())

        def deliver(delivery: Replaced[Any] | Changes[Any]) -> None:
            self.hold()
            self.folded(delivery)
            intake(delivery)

        self.reflector = Reflector(
            self.source.title,
            HttpListWatch(api, self.source.resources[0], self.source.projection),
            deliver,
            self.reports.append,
            outage=outage,
            clock=self.now,
            now=self.today,
            pause=self._pause_unless,
        )
        self._exits.callback(self.end)
        self.crew.start("reflector", self.reflector.run)

    def end(self) -> None:
        """End the engine as portal does."""
        self.crew.disband(2)

    def _pause_unless(self, stop: threading.Event, seconds: float) -> None:
        stop.wait(max(0.0, seconds) * self.second)

    def status(self) -> Any:
        """Return what the engine says of itself."""
        return self.reflector.status()

    def put(self, what: str | dict[str, Any]) -> None:
        """Create or change an object; a mapping holds more than its name."""
        told: dict[str, Any] = {"name": what} if isinstance(what, str) else dict(what)
        host = told.pop("host", f"{told['name']}.example.test")
        if "annotations" in told:
            told["annotations"] = {key: _repeated(value) for key, value in told["annotations"].items()}
        item = ingress(host=host, **told)
        if self.source is APPLICATION:
            item["spec"] = {"name": told["name"], "url": f"http://{host}"}
        self.scenario.put(item, self.name)

    def _given(self, given: list[str] | dict[str, int]) -> None:
        names = given if isinstance(given, list) else [f"given-{number:04}" for number in range(given["count"])]
        for name in names:
            self.put(name)

    def _write_kubeconfig(self, folder: Path) -> Path:
        url = f"http://127.0.0.1:{self.proxy.port}" if self.proxy else ""
        return self.scenario.kubeconfig(folder, self.token_file if self.case.get("token") else None, url)


def _follow_nothing(reference: Reference, deliver: object) -> Callable[[], None]:
    del reference, deliver
    return lambda: None


def _address(item: dict[str, Any]) -> str:
    spec = item["spec"]
    return spec["url"] if "url" in spec else f"http://{spec['rules'][0]['host']}"


def _repeated(value: Any) -> str:
    return "x" * value["repeat"] if isinstance(value, dict) else str(value)
