"""The scenario server: answers honestly unless a fault was queued, and remembers every request."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import time
from contextlib import suppress
from typing import Any

from tests.kube.scenario.script import Fault, perform
from tests.kube.scenario.watching import Exchange
from tests.kube.scenario.wire import TEXT, Connection, Disconnected, Request
from tests.kube.scenario.world import Collection, Object, Refusal, Selection, World

LARGE = 131072  # the real server compresses lists above this


class Server:
    """Listens on a port of the loopback interface; one thread for each connection.

    `second` is how long a second of the API takes here, so that a test can turn the clock; `marks` the API's seconds
    between progress marks.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.second = 1.0
        self.marks = 60.0
        self.token = ""
        self.faults: list[Fault] = []
        self.requests: list[dict[str, Any]] = []
        self.port = 0
        self._lock = threading.Lock()
        self._listener: socket.socket | None = None
        self._clients: set[socket.socket] = set()

    def up(self) -> None:
        """Listen, on the port of the last time."""
        if self._listener is None:
            self._listener = socket.create_server(("127.0.0.1", self.port), backlog=256)
            self.port = self._listener.getsockname()[1]
            threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def down(self, *, drop: bool = True) -> None:
        """Refuse connections; `drop` also ends those that are open."""
        listener, self._listener = self._listener, None
        if listener is not None:
            # Closing alone would leave the port open until the thread in accept() comes back.
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        if drop:
            self.drop()

    @property
    def connections(self) -> int:
        """Return how many connections are open."""
        with self._lock:
            return len(self._clients)

    def drop(self) -> None:
        """End all connections."""
        with self._lock:
            clients = list(self._clients)
        for client in clients:
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)

    def honest_list(self, request: Request, collection: Collection, selection: Selection) -> Object:
        """Return the page of a list that the request asks for; raises Refusal."""
        token = request.query.get("continue", "")
        if token and request.query.get("resourceVersion"):
            raise Refusal(400, "BadRequest", "specifying resource version is not allowed when using continue")
        return self.world.page(collection, selection, int(request.query.get("limit") or 0), token)

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=self._converse, args=(client,), daemon=True).start()

    def _converse(self, client: socket.socket) -> None:
        with self._lock:
            self._clients.add(client)
        connection = Connection(client)
        with suppress(OSError, Disconnected):
            while (request := connection.read_request()) is not None and self._answer(connection, request):
                pass
        with self._lock:
            self._clients.discard(client)
        connection.close()

    def _answer(self, connection: Connection, request: Request) -> bool:
        """Answer one request; False when the connection must be closed after it."""
        place = _place(request.path)
        verb = "other" if place is None else "watch" if request.is_watch else "list"
        name = f"{place[2]}.{place[0]}".rstrip(".") if place else request.path
        fault, noted = self._note(request, verb, name)
        collection = self.world.find(*place[:3]) if place else None
        exchange = Exchange(self, connection, request, collection or _NOWHERE, _selection(request, place))
        if fault is not None:
            perform(fault.do, exchange)
            return exchange.reusable
        if self.token and request.headers.get("authorization") != f"Bearer {self.token}":
            noted["refused"] = True
            return _refuse(connection, Refusal(401, "Unauthorized", "Unauthorized"))
        return self._honest(exchange, collection, place)

    def _note(self, request: Request, verb: str, name: str) -> tuple[Fault | None, dict[str, Any]]:
        with self._lock:
            fault = next((fault for fault in self.faults if fault.fits(verb, name)), None)
            noted = {
                "time": time.monotonic(),
                "verb": verb,
                "name": name,
                "path": request.path,
                "query": request.query,
                "headers": request.headers,
                "fault": fault is not None,
                "refused": False,
            }
            self.requests.append(noted)
            return fault, noted

    def _honest(self, exchange: Exchange, collection: Collection | None, place: tuple[str, ...] | None) -> bool:
        if place is None:
            return _discovery(exchange.connection, exchange.request.path, self.world)
        if collection is None:
            exchange.connection.answer(404, b"404 page not found\n", TEXT)
            return True
        if exchange.request.is_watch:
            exchange.serve()
            exchange.connection.finish()
            return True
        try:
            document = self.honest_list(exchange.request, collection, exchange.selection)
        except Refusal as refusal:
            return _refuse(exchange.connection, refusal)
        body = json.dumps(document).encode()
        if len(body) > LARGE and "gzip" in exchange.request.headers.get("accept-encoding", ""):
            exchange.connection.answer(200, gzip.compress(body, 1), {"Content-Encoding": "gzip"})
        else:
            exchange.connection.answer(200, body)
        return True


_NOWHERE = Collection("", "", "", "")


def _refuse(connection: Connection, refusal: Refusal) -> bool:
    connection.answer_json(refusal.status["code"], refusal.status)
    return True


def _place(path: str) -> tuple[str, str, str, str] | None:
    """Return group, version, plural and namespace that a path names, or None where it names no collection."""
    match path.strip("/").split("/"):
        case ["api", version, "namespaces", namespace, plural]:
            return "", version, plural, namespace
        case ["apis", group, version, "namespaces", namespace, plural]:
            return group, version, plural, namespace
        case ["api", version, plural]:
            return "", version, plural, ""
        case ["apis", group, version, plural]:
            return group, version, plural, ""
    return None


def _selection(request: Request, place: tuple[str, str, str, str] | None) -> Selection:
    labels = (pair.split("=", 1) for pair in request.query.get("labelSelector", "").split(",") if pair)
    name = request.query.get("fieldSelector", "").removeprefix("metadata.name=")
    return Selection(place[3] if place else "", tuple((key, value.lstrip("=")) for key, value in labels), name)


def _discovery(connection: Connection, path: str, world: World) -> bool:
    served = [c for c in world.collections.values() if c.served]
    groups = sorted({c.group for c in served if c.group})
    parts = path.strip("/").split("/")
    if path in ("/readyz", "/livez", "/healthz"):
        connection.answer(200, b"ok", TEXT)
    elif path == "/version":
        connection.answer_json(200, {"major": "1", "minor": "34", "gitVersion": "v1.34.0"})
    elif path == "/api":
        connection.answer_json(200, {"kind": "APIVersions", "versions": ["v1"]})
    elif path == "/apis":
        connection.answer_json(
            200, {"kind": "APIGroupList", "apiVersion": "v1", "groups": [_group(g, served) for g in groups]}
        )
    elif parts[0] == "apis" and len(parts) == 2 and parts[1] in groups:
        connection.answer_json(200, {**_group(parts[1], served), "kind": "APIGroup", "apiVersion": "v1"})
    elif resources := [_resource(c) for c in served if c.api_version == "/".join(parts[1:])]:
        version = "/".join(parts[1:])
        connection.answer_json(200, {"kind": "APIResourceList", "groupVersion": version, "resources": resources})
    else:
        connection.answer(404, b"404 page not found\n", TEXT)
    return True


def _group(group: str, served: list[Collection]) -> Object:
    versions = [
        {"groupVersion": f"{group}/{v}", "version": v} for v in sorted({c.version for c in served if c.group == group})
    ]
    return {"name": group, "versions": versions, "preferredVersion": versions[0]}


def _resource(collection: Collection) -> Object:
    verbs = ["get", "list", "watch"]
    return {"name": collection.plural, "singularName": "", "namespaced": True, "kind": collection.kind, "verbs": verbs}
