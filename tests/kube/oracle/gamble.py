"""The run: writes and faults at random, then quiet, then the question whether everybody believes what is true."""

from __future__ import annotations

import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import structs

from portal.model import Origin
from portal.sources import SOURCES
from portal.sources.notes import SILENT
from portal.sources.source import MappingOptions
from tests.cluster.control_plane import SCHEMAS, ControlPlane
from tests.cluster.processes import NotReadyError, wait_until
from tests.kube.oracle.cluster import ClusterDown, GambledCluster
from tests.kube.oracle.engine import Engine
from tests.kube.scenario.proxy import ProxyProcess

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping

    from portal.model import Entry
    from portal.sources.references import Lookup
    from portal.sources.source import Source

ROOT = Path(__file__).parents[3]
OPTIONS = MappingOptions(only_annotated=False)
CONVERGENCE_SECONDS = 120.0
CUSTOM = ("applications.startpunkt.ullberg.us", "routes.route.openshift.io", "httproutes.gateway.networking.k8s.io")


@dataclass
class Verdict:
    """What came of a run: what was done, how long it took to agree, and where there was no agreement."""

    seed: int
    writes: int = 0
    faults: list[str] = field(default_factory=list)
    objects: int = 0
    told: int = 0
    relists: dict[str, int] = field(default_factory=dict)
    agreed_after: float = 0.0
    differences: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        counts = {fault: self.faults.count(fault) for fault in sorted(set(self.faults))}
        ending = "\n".join(self.differences) or f"everybody agreed {self.agreed_after:.1f} s after the last fault"
        counted = f"seed={self.seed} writes={self.writes} objects={self.objects} told={self.told}"
        return f"{counted} lists={self.relists} faults={counts}\n{ending}"


class Gamble:
    """One run on one control plane."""

    def __init__(self, plane: ControlPlane, dice: Random) -> None:
        self.plane = plane
        self.dice = dice
        self.cluster = GambledCluster(plane, dice)
        self.proxy = ProxyProcess(plane.port)
        self.engine = Engine(plane.kubeconfig("admin", f"https://127.0.0.1:{self.proxy.port}"))

    def close(self) -> None:
        """End the engine and the proxy."""
        self.engine.stop()
        self.proxy.kill()

    def write(self, stop: threading.Event) -> None:
        """Write at random until told to stop."""
        while not stop.wait(self.dice.uniform(0.0, 0.08)):
            self.cluster.write()

    def heal(self) -> None:
        """Make everything run again."""
        self.plane.resume("etcd")
        self.plane.start_etcd()
        self.plane.resume("api")
        with suppress(NotReadyError):
            self.plane.start_api()
            return
        self.plane.stop_api()
        self.plane.start_api()

    def apply_definitions(self) -> None:
        """Put all definitions in place."""
        self.plane.apply_crds(ROOT / "config" / "crds", SCHEMAS)


def run(plane: ControlPlane, seconds: float, seed: int, say: Callable[[str], None]) -> Verdict:
    """Gamble for so many seconds and return what came of it."""
    dice = Random(seed)
    verdict = Verdict(seed)
    gamble = Gamble(plane, dice)
    with ExitStack() as exits:
        exits.callback(gamble.close)
        gamble.apply_definitions()
        gamble.cluster.fill()
        gamble.engine.start()
        stop_writing = gamble.engine.crew.start("writer", gamble.write)
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            name = dice.choice(sorted(WAYS))
            verdict.faults.append(name)
            say(f"{left:5.0f} s left: {name}")
            WAYS[name](gamble)
            gamble.heal()
            time.sleep(dice.uniform(0.5, 2.0))
        stop_writing()
        start = time.monotonic()
        wait_until(lambda: not differences(gamble), CONVERGENCE_SECONDS, interval=0.5)
        verdict.agreed_after = time.monotonic() - start
        verdict.differences = differences(gamble)
        verdict.objects = sum(len(each.objects) for each in gamble.engine.following.folded.values())
        verdict.writes = gamble.cluster.writes
        verdict.told = sum(len(each.told) for each in gamble.engine.following.folded.values())
        verdict.relists = _reasons(gamble)
    return verdict


def differences(gamble: Gamble) -> list[str]:
    """Return where what is true, what was delivered, what is shown and what subscribers were told are not the same."""
    found: list[str] = []
    wanted: dict[str, Any] = {}
    try:
        lookup = _lookup(gamble)
        for source in SOURCES:
            items, _ = gamble.cluster.listed(source)
            true = {_key(item): (item["metadata"]["uid"], item["metadata"]["resourceVersion"]) for item in items}
            held = gamble.engine.following.folded[source.name].objects
            found += _compared(f"objects of {source.name}", true, held)
            wanted |= {entry.id: entry for item in items if (entry := _entry(source, item, lookup))}
    except ClusterDown as error:
        return [f"the truth cannot be read: {error}"]
    entries = gamble.engine.entries()
    found += _compared("entries", _shown(wanted), _shown(entries))
    found += _compared(
        "folded changes", {key: each.url for key, each in entries.items()}, gamble.engine.published.entries
    )
    found += _compared("folded events", gamble.engine.entries_as_json(), gamble.engine.subscriber.entries)
    found += [f"a change that contradicts the one before: {each}" for each in gamble.engine.published.contradictions]
    return found


def _compared(what: str, true: Mapping[Any, Any], believed: Mapping[Any, Any]) -> list[str]:
    keys = [key for key in true.keys() | believed.keys() if true.get(key) != believed.get(key)]
    return [f"{what}: {key} is {true.get(key)}, believed {believed.get(key)}" for key in keys]


def _entry(source: Source, item: dict[str, Any], lookup: Lookup) -> Entry | None:
    projection = msgspec.json.decode(msgspec.json.encode(item), type=source.projection)
    origin = Origin("local", source.name, *_key(item))
    return source.entry(projection, origin, OPTIONS, SILENT, lookup)


def _lookup(gamble: Gamble) -> Lookup:
    gateways = {item["metadata"]["name"]: item for item in gamble.cluster.gateways()}
    return lambda reference: gateways.get(reference.name)


def _shown(entries: Mapping[str, Entry]) -> dict[str, Entry]:
    # The version is that of the last write that changed something shown, which a list cannot know.
    return {key: structs.replace(entry, resource_version="") for key, entry in entries.items()}


def _key(item: dict[str, Any]) -> tuple[str, str]:
    return item["metadata"]["namespace"], item["metadata"]["name"]


def _reasons(gamble: Gamble) -> dict[str, int]:
    reasons = [reason for folded in gamble.engine.following.folded.values() for reason in folded.reasons]
    return {reason: reasons.count(reason) for reason in sorted(set(reasons))}


# The ways to break the world. Each leaves processes as it likes; `heal` makes them run again.


def _freeze_etcd(gamble: Gamble) -> None:
    gamble.plane.pause("etcd")
    time.sleep(gamble.dice.uniform(0.5, 6))


def _freeze_api(gamble: Gamble) -> None:
    gamble.plane.pause("api")
    time.sleep(gamble.dice.uniform(0.5, 6))


def _freeze_proxy(gamble: Gamble) -> None:
    gamble.proxy.pause()
    time.sleep(gamble.dice.uniform(0.5, 6))
    gamble.proxy.resume()


def _kill_etcd(gamble: Gamble) -> None:
    gamble.plane.kill("etcd")
    time.sleep(gamble.dice.uniform(0.0, 2))


def _kill_api(gamble: Gamble) -> None:
    gamble.plane.kill("api")
    time.sleep(gamble.dice.uniform(0.0, 2))


def _end_api(gamble: Gamble) -> None:
    gamble.plane.stop_api(1)


def _forget_and_restart(gamble: Gamble) -> None:
    """Compact while nobody watches and start an API server that has no memory either: watches are too old."""
    gamble.proxy.set(down=True)
    time.sleep(1)
    gamble.plane.compact()
    gamble.plane.kill("api")
    gamble.plane.start_api()
    gamble.proxy.set()


def _compact(gamble: Gamble) -> None:
    gamble.plane.compact()


def _kill_proxy(gamble: Gamble) -> None:
    gamble.proxy.kill()
    time.sleep(gamble.dice.uniform(0.0, 2))
    gamble.proxy.start()


def _toxic(**toxics: Any) -> Callable[[Gamble], None]:
    def spoil(gamble: Gamble) -> None:
        gamble.proxy.set(**toxics)
        time.sleep(gamble.dice.uniform(0.5, 4))
        gamble.proxy.set()

    return spoil


def _edit(gamble: Gamble) -> None:
    gamble.cluster.patch_definition(gamble.dice.choice(CUSTOM))


def _replace_definition(gamble: Gamble) -> None:
    """Delete a definition, with which its objects go, and put it back."""
    name = gamble.dice.choice(CUSTOM)
    with suppress(Exception):
        gamble.plane.kubectl("delete", "crd", name, "--timeout=10s", seconds=15)
    time.sleep(gamble.dice.uniform(0, 3))
    gamble.apply_definitions()


def _gateway(gamble: Gamble) -> None:
    gamble.cluster.change_gateway()


WAYS: dict[str, Callable[[Gamble], None]] = {
    "etcd frozen": _freeze_etcd,
    "API server frozen": _freeze_api,
    "proxy frozen": _freeze_proxy,
    "etcd killed": _kill_etcd,
    "API server killed": _kill_api,
    "API server ended": _end_api,
    "compacted and restarted": _forget_and_restart,
    "compacted": _compact,
    "proxy killed": _kill_proxy,
    "connections reset": _toxic(reset=True),
    "connections refused": _toxic(down=True),
    "connections stalled": _toxic(stall=True),
    "answers cut": _toxic(limit=20_000),
    "slow line": _toxic(latency=0.05, jitter=0.05),
    "small slices": _toxic(slice_bytes=7, slice_pause=0.001),
    "definition edited": _edit,
    "definition replaced": _replace_definition,
    "gateway changed": _gateway,
}
