"""The ways to misbehave: small steps that an answer is made of, in the order a test wrote them.

A fault is `{"on": "watch", "name": "ingresses.networking.k8s.io", "times": 1, "do": [step, …]}`; a step is a word
(`finish`) or a word with an argument (`{"wait": 0.5}`). `serve` is the honest answer, as a whole or bent a little.
"""

from __future__ import annotations

import base64
import gzip
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.kube.scenario.wire import Disconnected

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.kube.scenario.watching import Exchange

Step = str | dict[str, Any]


@dataclass
class Fault:
    """What to do instead of the honest answer, to which requests, and how many times (-1: always)."""

    on: str
    do: list[Step]
    name: str = ""
    times: int = 1
    after: int = 0

    def fits(self, verb: str, name: str) -> bool:
        """Tell whether this fault is for such a request, and count the request."""
        if self.on not in (verb, "any") or self.name not in ("", name) or self.times == 0:
            return False
        if self.after:
            self.after -= 1
            return False
        self.times -= 1 if self.times > 0 else 0
        return True


def perform(steps: list[Step], exchange: Exchange) -> None:
    """Do the steps one after another; the connection is closed afterwards unless a step kept it usable."""
    for step in steps:
        word, argument = (step, None) if isinstance(step, str) else next(iter(step.items()))
        STEPS[word](exchange, argument)


def _wait(exchange: Exchange, seconds: float) -> None:
    if exchange.connection.is_gone(seconds * exchange.server.second):
        raise Disconnected


def _status(exchange: Exchange, argument: dict[str, Any]) -> None:
    """Answer with a code, headers, and a body that is text or JSON."""
    body = argument.get("body", "")
    encoded = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    headers = {"Content-Type": argument.get("type", "application/json"), **argument.get("headers", {})}
    exchange.connection.answer(argument["code"], encoded, {name: str(value) for name, value in headers.items()})
    exchange.reusable = True


def _list(exchange: Exchange, argument: dict[str, Any]) -> None:
    """Answer with the honest list, changed: members of `metadata` and `document` are set, `cut` keeps a part of it."""
    document = exchange.server.honest_list(exchange.request, exchange.collection, exchange.selection)
    document["metadata"].update(argument.get("metadata", {}))
    document.update(argument.get("document", {}))
    body = json.dumps(document).encode()
    if "cut" in argument:
        # The promised length is that of the whole, so that the client can know that some is missing.
        exchange.connection.answer(200, b"", {"Content-Length": str(len(body))})
        exchange.connection.send(body[: int(len(body) * argument["cut"])])
        return
    exchange.connection.answer(200, body, {"Content-Type": argument.get("type", "application/json")})
    exchange.reusable = True


def _open(exchange: Exchange, headers: dict[str, str] | None) -> None:
    exchange.open(headers)


def _event(exchange: Exchange, argument: dict[str, Any]) -> None:
    exchange.connection.chunk(json.dumps(_filled(argument, exchange)).encode() + b"\n")


def _text(exchange: Exchange, argument: str) -> None:
    exchange.connection.chunk(argument.encode())


def _raw(exchange: Exchange, argument: str) -> None:
    exchange.connection.chunk(base64.b64decode(argument))


def _bytes(exchange: Exchange, argument: str) -> None:
    exchange.connection.send(base64.b64decode(argument))


def _garbage(exchange: Exchange, argument: dict[str, int]) -> None:
    """Send a line that begins like an event and goes on for `size` bytes, in chunks of 64 KB."""
    exchange.connection.chunk(b'{"type":"ADDED","object":{"metadata":{"annotations":{"a":"')
    for _ in range(argument["size"] // 65536):
        exchange.connection.chunk(b"x" * 65536)
    if argument.get("end", 0):
        exchange.connection.chunk(b'"}}}}\n')


def _replay(exchange: Exchange, count: int) -> None:
    """Send the last `count` writes again, whatever the client has seen: duplicates and events from the past."""
    with exchange.server.world.changed:
        old = exchange.collection.history[-count:]
    for happening in old:
        event = happening.event(exchange.selection)
        exchange.connection.chunk(json.dumps(event).encode() + b"\n")


def _gzipped(exchange: Exchange, _: object) -> None:
    """Send what there is to tell in gzip, although the client asked for identity."""
    exchange.open({"Content-Encoding": "gzip"})
    compressed = gzip.compress(b"".join(exchange.pending()))
    exchange.connection.chunk(compressed)


def _serve(exchange: Exchange, argument: dict[str, Any] | None) -> None:
    exchange.serve(**(argument or {}))


def _hang(exchange: Exchange, _: object) -> None:
    """Keep the connection open and silent until the client goes."""
    while not exchange.connection.is_gone(1.0):
        pass
    raise Disconnected


def _finish(exchange: Exchange, _: object) -> None:
    exchange.connection.finish()
    exchange.reusable = True


def _reset(exchange: Exchange, _: object) -> None:
    exchange.connection.reset()
    raise Disconnected


def _close(exchange: Exchange, _: object) -> None:
    exchange.connection.close()
    raise Disconnected


def _filled(event: dict[str, Any], exchange: Exchange) -> dict[str, Any]:
    """Replace the word VERSION by a resourceVersion newer than any, as a new event would carry."""
    text = json.dumps(event)
    if "VERSION" not in text:
        return event
    exchange.server.world.skip(1)
    filled: dict[str, Any] = json.loads(text.replace("VERSION", str(exchange.server.world.version)))
    return filled


STEPS: dict[str, Callable[[Exchange, Any], None]] = {
    "wait": _wait,
    "status": _status,
    "list": _list,
    "open": _open,
    "event": _event,
    "text": _text,
    "raw": _raw,
    "bytes": _bytes,
    "garbage": _garbage,
    "replay": _replay,
    "gzip": _gzipped,
    "serve": _serve,
    "hang": _hang,
    "finish": _finish,
    "reset": _reset,
    "close": _close,
}
