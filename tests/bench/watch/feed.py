"""An API server that knows one list and one burst of events, made beforehand, and sends them as fast as they are read.

`python -m tests.bench.watch.feed OBJECTS EVENTS CASE` prints its port. A number on standard input lets every watch send
so many events more, in whole writes; the last of all is about an object named `the-end`. Then it stays open.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs, urlsplit

END = "the-end"
FIRST_VERSION = 1_000_000
BATCH = 64  # events in one write to the socket; each is a chunk of its own, as from the real server

MANAGED = [
    {
        "manager": manager,
        "operation": "Update",
        "apiVersion": "networking.k8s.io/v1",
        "time": "2026-03-01T10:00:00Z",
        "fieldsType": "FieldsV1",
        "fieldsV1": {
            "f:metadata": {
                "f:annotations": {".": {}, **{f"f:nginx.ingress.kubernetes.io/option-{i}": {} for i in range(6)}}
            },
            "f:spec": {"f:ingressClassName": {}, "f:rules": {}, "f:tls": {}},
        },
    }
    for manager in ("kubectl-client-side-apply", "nginx-ingress-controller")
]


def ingress(number: int, version: int, address: str, title: str) -> dict[str, Any]:
    """Return an Ingress of about 3 KB, as controllers and kubectl leave them."""
    name, host = f"app-{number:05}", f"app-{number:05}.apps.example.test"
    backend = {"service": {"name": name, "port": {"number": 80}}}
    spec = {
        "ingressClassName": "nginx",
        "rules": [
            {
                "host": host,
                "http": {
                    "paths": [
                        {
                            "path": "/",
                            "pathType": "Prefix",
                            "backend": backend,
                        }
                    ]
                },
            }
        ],
        "tls": [{"hosts": [host], "secretName": f"{name}-tls"}],
    }
    annotations = {
        "startpunkt.ullberg.us/enable": "true",
        "startpunkt.ullberg.us/appName": title,
        "startpunkt.ullberg.us/group": f"group-{number % 20}",
        "startpunkt.ullberg.us/icon": "mdi:application",
        **{f"nginx.ingress.kubernetes.io/option-{i}": f"value-{i}" for i in range(6)},
    }
    annotations["kubectl.kubernetes.io/last-applied-configuration"] = json.dumps(
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "Ingress",
            "metadata": {"annotations": dict(annotations), "name": name, "namespace": f"team-{number % 50}"},
            "spec": spec,
        }
    )
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {
            "name": name,
            "namespace": f"team-{number % 50}",
            "uid": f"8f0b3b1e-0000-4000-8000-{number:012}",
            "resourceVersion": str(version),
            "generation": 1,
            "creationTimestamp": "2026-03-01T10:00:00Z",
            "labels": {"app.kubernetes.io/name": name, "app.kubernetes.io/instance": name},
            "annotations": annotations,
            "managedFields": MANAGED,
        },
        "spec": spec,
        "status": {"loadBalancer": {"ingress": [{"ip": address}]}},
    }


def chunks(objects: int, events: int, *, every: bool) -> list[bytes]:
    """Return the burst in writes of `BATCH` chunks: every event changes an entry, or (as in life) half of them do."""
    targets = objects - 1 + objects % 2  # odd, so that every object sees both kinds of change
    titles = {target: f"App {target}" for target in range(targets)}
    lines = []
    for number in range(events - 1):
        target = number % targets
        if every or number % 2:
            titles[target] = f"App {target} round {number}"
        changed = ingress(target, FIRST_VERSION + 1 + number, f"10.0.{number % 250}.{number % 241}", titles[target])
        lines.append(_line("MODIFIED", changed))
    end = ingress(99_999, FIRST_VERSION + events, "10.0.0.1", END)
    end["metadata"]["name"] = END
    lines.append(_line("ADDED", end))
    framed = [b"%x\r\n%b\r\n" % (len(line), line) for line in lines]
    return [b"".join(framed[start : start + BATCH]) for start in range(0, len(framed), BATCH)]


def _line(kind: str, item: dict[str, Any]) -> bytes:
    return json.dumps({"type": kind, "object": item}, separators=(",", ":")).encode() + b"\n"


class Feed:
    """Serves Ingresses to any client of the Kubernetes API."""

    def __init__(self, objects: int, events: int, *, every: bool) -> None:
        items = [
            ingress(number, FIRST_VERSION - objects + number, "10.0.0.1", f"App {number}") for number in range(objects)
        ]
        self._items = [json.dumps(_without_kind(item), separators=(",", ":")).encode() for item in items]
        self._burst = chunks(objects, events, every=every)
        self._let_go = 0
        self._more = threading.Condition()

    def let_go(self, events: int) -> None:
        """Let every watch send so many events more."""
        with self._more:
            self._let_go += -(-events // BATCH)
            self._more.notify_all()

    def serve(self, client: socket.socket) -> None:
        """Answer every request of one connection."""
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        buffer = b""
        with client, suppress(OSError):
            while data := client.recv(65536):
                buffer += data
                while b"\r\n\r\n" in buffer:
                    head, buffer = buffer.split(b"\r\n\r\n", 1)
                    self._answer(client, head.split(b" ", 2)[1].decode())

    def _answer(self, client: socket.socket, target: str) -> None:
        url = urlsplit(target)
        query = parse_qs(url.query)
        if url.path.endswith("/ingresses") and query.get("watch", ["0"])[0].lower() in ("1", "true"):
            client.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
            for number, write in enumerate(self._burst):
                with self._more:
                    self._more.wait_for(lambda sent=number: self._let_go > sent)
                client.sendall(write)
        elif url.path.endswith("/ingresses"):
            _send(client, self._page(int(query.get("limit", ["0"])[0]), int(query.get("continue", ["0"])[0] or 0)))
        else:
            path = url.path.rstrip("/")
            _send(client, json.dumps(DISCOVERY.get(path, NOT_FOUND)).encode(), 200 if path in DISCOVERY else 404)

    def _page(self, limit: int, start: int) -> bytes:
        end = start + limit if limit else len(self._items)
        metadata: dict[str, Any] = {"resourceVersion": str(FIRST_VERSION)}
        if end < len(self._items):
            metadata["continue"] = str(end)
        head = {"kind": "IngressList", "apiVersion": "networking.k8s.io/v1", "metadata": metadata}
        return json.dumps(head).encode()[:-1] + b',"items":[' + b",".join(self._items[start:end]) + b"]}"


def _without_kind(item: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in item.items() if name not in ("kind", "apiVersion")}


def _send(client: socket.socket, body: bytes, code: int = 200) -> None:
    head = f"HTTP/1.1 {code} OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    client.sendall(head.encode() + body)


NOT_FOUND = {
    "kind": "Status",
    "status": "Failure",
    "reason": "NotFound",
    "code": 404,
    "metadata": {},
    "message": "not found",
}
INGRESSES = {
    "name": "ingresses",
    "singularName": "ingress",
    "namespaced": True,
    "kind": "Ingress",
    "shortNames": ["ing"],
    "verbs": ["get", "list", "patch", "update", "watch"],
}
# kopf waits for this kind to be there before it does anything.
NAMESPACES = {
    "name": "namespaces",
    "singularName": "namespace",
    "namespaced": False,
    "kind": "Namespace",
    "verbs": ["list", "watch"],
}
VERSIONS = [{"groupVersion": "networking.k8s.io/v1", "version": "v1"}]
GROUP = {"name": "networking.k8s.io", "versions": VERSIONS, "preferredVersion": VERSIONS[0]}
DISCOVERY: dict[str, Any] = {
    "/version": {"major": "1", "minor": "34", "gitVersion": "v1.34.0"},
    "/api": {"kind": "APIVersions", "versions": ["v1"]},
    "/api/v1": {"kind": "APIResourceList", "groupVersion": "v1", "resources": [NAMESPACES]},
    "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": [GROUP]},
    "/apis/networking.k8s.io": {"kind": "APIGroup", "apiVersion": "v1", **GROUP},
    "/apis/networking.k8s.io/v1": {
        "kind": "APIResourceList",
        "groupVersion": "networking.k8s.io/v1",
        "resources": [INGRESSES],
    },
}


def main(objects: int, events: int, case: str) -> None:
    """Serve until standard input ends."""
    feed = Feed(objects, events, every=case == "every")
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    sys.stdout.write(f"{listener.getsockname()[1]}\n")
    sys.stdout.flush()

    def accept() -> None:
        while True:
            threading.Thread(target=feed.serve, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    for line in sys.stdin:
        feed.let_go(int(line))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
