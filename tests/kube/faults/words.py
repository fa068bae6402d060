"""The words that cases are written in: each does one thing to the world of a case."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.kube.faults.requests import is_list, is_watch
from tests.kube.scenario.client import ingress

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.kube.faults.rig import Rig
    from tests.kube.scenario.client import Scenario
    from tests.kube.scenario.proxy import ProxyProcess


def perform(rig: Rig, steps: list[dict[str, Any]]) -> None:
    for step in steps:
        ((word, argument),) = step.items()
        WORDS[word](rig, argument)


def _put(rig: Rig, what: str | dict[str, Any]) -> None:
    rig.put(what)


def _wait(rig: Rig, seconds: float) -> None:
    rig.pause(seconds)


def _delete(rig: Rig, name: str) -> None:
    rig.scenario.delete(name, name=rig.name)


def _churn(rig: Rig, count: int) -> None:
    for number in range(count):
        rig.put({"name": f"c{number % 10}", "host": f"round-{number}.example.test"})


def _tell(rig: Rig, command: dict[str, Any]) -> None:
    arguments = dict(command)
    rig.scenario.tell(arguments.pop("command"), **arguments)


def _until(rig: Rig, what: dict[str, Any]) -> None:
    ((word, value),) = what.items()
    rig.until(lambda: CONDITIONS[word](rig) >= value)


def _repeat(rig: Rig, what: dict[str, Any]) -> None:
    for _ in range(what["times"]):
        perform(rig, what["do"])


def _freeze(rig: Rig, what: str) -> None:
    _frozen(rig, what).pause()


def _thaw(rig: Rig, what: str) -> None:
    _frozen(rig, what).resume()


def _frozen(rig: Rig, what: str) -> Scenario | ProxyProcess:
    if what == "server":
        return rig.scenario
    assert rig.proxy is not None
    return rig.proxy


def _damage(rig: Rig, toxics: dict[str, Any]) -> None:
    assert rig.proxy is not None
    rig.proxy.set(**toxics)


def _token(rig: Rig, where: dict[str, str]) -> None:
    if "server" in where:
        rig.scenario.tell("set", token=where["server"])
    if "file" in where:
        rig.token_file.write_text(where["file"])


def _restore(rig: Rig, names: list[str]) -> None:
    """Put a backup in place that is older than everything the engine has seen."""
    held = {item["metadata"]["name"]: item for item in rig.scenario.tell("truth", name=rig.name)}
    fresh = ingress("z", uid="00000000-0000-0000-0000-00000000000z", resourceVersion="50")
    items = [held.get(name, fresh) for name in names]
    rig.scenario.tell("restore", name=rig.name, items=items, version=60)


WORDS: dict[str, Callable[[Rig, Any], None]] = {
    "put": _put,
    "delete": _delete,
    "churn": _churn,
    "tell": _tell,
    "until": _until,
    "wait": _wait,
    "repeat": _repeat,
    "freeze": _freeze,
    "thaw": _thaw,
    "proxy": _damage,
    "token": _token,
    "restore": _restore,
}

CONDITIONS: dict[str, Callable[[Rig], int]] = {
    "watches": lambda rig: rig.count(is_watch),
    "lists": lambda rig: rig.count(is_list),
    "refusals": lambda rig: rig.count(lambda request: request["refused"]),
    "empty": lambda rig: not rig.folded.objects,
}
