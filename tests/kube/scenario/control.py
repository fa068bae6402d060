"""The test's side channel to the scenario server: one JSON command in a line, one JSON answer in a line."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any

from tests.kube.scenario.script import Fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.kube.scenario.server import Server


def listen(server: Server, listener: socket.socket) -> None:
    """Serve one controller until it hangs up."""
    client, _ = listener.accept()
    with client, client.makefile("rwb") as stream:
        for line in stream:
            stream.write(json.dumps(_obey(server, json.loads(line))).encode() + b"\n")
            stream.flush()


def _obey(server: Server, command: dict[str, Any]) -> dict[str, Any]:
    word = command.pop("command")
    try:
        return {"result": COMMANDS[word](server, **command)}
    except Exception as error:  # noqa: BLE001 - the controller raises it
        return {"error": f"{word}: {type(error).__name__}: {error}"}


def _burst(server: Server, name: str, items: list[dict[str, Any]], rounds: int) -> None:
    """Write every object `rounds` times, each time with another annotation."""
    for number in range(rounds):
        for item in items:
            metadata = {**item["metadata"], "annotations": {"round": str(number)}}
            server.world.put(name, {**item, "metadata": metadata})


def _set(server: Server, **values: Any) -> None:
    for name, value in values.items():
        getattr(server, name)
        setattr(server, name, value)


COMMANDS: dict[str, Callable[..., Any]] = {
    "set": _set,
    "put": lambda server, name, item: server.world.put(name, item),
    "delete": lambda server, name, namespace, item: server.world.delete(name, namespace, item),
    "burst": _burst,
    "compact": lambda server, name: server.world.compact(name),
    "skip": lambda server, versions: server.world.skip(versions),
    "restore": lambda server, name, items, version: server.world.restore(name, items, version),
    "remove": lambda server, name: server.world.remove(name),
    "serve": lambda server, name: server.world.serve(name),
    "edit": lambda server, name: server.world.edit(name),
    "truth": lambda server, name: server.world.truth(name),
    "version": lambda server: server.world.version,
    "fault": lambda server, **fault: server.faults.append(Fault(**fault)),
    "honest": lambda server: server.faults.clear(),
    "requests": lambda server: server.requests,
    "connections": lambda server: server.connections,
    "drop": lambda server: server.drop(),
    "down": lambda server, **how: server.down(**how),
    "up": lambda server: server.up(),
}
