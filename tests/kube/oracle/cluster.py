"""The real cluster as a gambler sees it: random objects of all kinds, written and read past the engine."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import urllib3

from portal.sources import SOURCES

if TYPE_CHECKING:
    from random import Random

    from portal.sources.source import Source
    from tests.cluster.control_plane import ControlPlane

NAMES = 12  # few enough that names are used again
GATEWAY = "/apis/gateway.networking.k8s.io/v1/namespaces/default/gateways"

BACKEND = {"service": {"name": "web", "port": {"number": 80}}}
BODIES: dict[str, Any] = {
    "Ingress": lambda word: {
        "rules": [
            {
                "host": f"{word}.example.test",
                "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": BACKEND}]},
            }
        ]
    },
    "Route": lambda word: {"host": f"{word}.example.test", "to": {"kind": "Service", "name": "web"}},
    "VirtualService": lambda word: {"hosts": [f"{word}.example.test"], "http": []},
    "HTTPRoute": lambda word: {"hostnames": [f"{word}.example.test"], "parentRefs": [{"name": "gate"}], "rules": []},
    "Application": lambda word: {"name": word, "group": "oracle", "url": f"https://{word}.example.test"},
    "Bookmark": lambda word: {"name": word, "group": "oracle", "url": f"https://{word}.example.test"},
    "Gateway": lambda word: {
        "gatewayClassName": "none",
        "listeners": [
            {"name": word, "port": 443, "protocol": "HTTPS"},
            {"name": "web", "port": 80, "protocol": "HTTP"},
        ],
    },
}


class ClusterDown(Exception):  # noqa: N818 - expected while the world is being broken
    """The API server did not answer, or answered with an error of its own."""


class GambledCluster:
    """Writes random objects straight to the API server, and lists what is true there."""

    def __init__(self, plane: ControlPlane, dice: Random) -> None:
        self._plane = plane
        self._dice = dice
        self._pool = urllib3.PoolManager(ca_certs=str(plane.certificate), retries=False, timeout=3.0, maxsize=4)
        self.writes = 0

    def write(self) -> None:
        """Create, change or delete one object; what the API server does not take is not repeated."""
        with suppress(ClusterDown):
            self._write(self._dice.choice(SOURCES))

    def fill(self) -> None:
        """Create some objects of every kind, and the Gateway that HTTPRoutes refer to."""
        self._ask("POST", GATEWAY, _object("gateway.networking.k8s.io/v1", "Gateway", "gate", "https"))
        for source in SOURCES:
            for number in range(0, NAMES, 2):
                self._put(source, f"o{number}")

    def change_gateway(self) -> None:
        """Change the Gateway, on which entries of HTTPRoutes depend."""
        with suppress(ClusterDown):
            body = {"spec": BODIES["Gateway"](self._dice.choice(("https", "secure")))}
            self._ask("PATCH", f"{GATEWAY}/gate", body, "application/merge-patch+json")

    def listed(self, source: Source) -> tuple[list[dict[str, Any]], str]:
        """Return all objects of a kind, consistently read, and the list's resourceVersion. Raises ClusterDown."""
        body = self._ask("GET", source.resources[0].path())
        return body["items"] or [], body["metadata"]["resourceVersion"]

    def gateways(self) -> list[dict[str, Any]]:
        """Return all Gateways. Raises ClusterDown."""
        items: list[dict[str, Any]] = self._ask("GET", GATEWAY)["items"]
        return items

    def patch_definition(self, plural: str) -> None:
        """Edit a definition, which ends its watches (C42)."""
        with suppress(ClusterDown):
            path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{plural}"
            column = {"name": f"C{self._dice.randrange(10**6)}", "type": "string", "jsonPath": ".metadata.name"}
            patch = [{"op": "add", "path": "/spec/versions/0/additionalPrinterColumns", "value": [column]}]
            self._ask("PATCH", path, patch, "application/json-patch+json")

    def _write(self, source: Source) -> None:
        name = f"o{self._dice.randrange(NAMES)}"
        action = self._dice.random()
        path = f"{source.resources[0].path('default')}/{name}"
        if action < 0.25:
            self._ask("DELETE", path, missing_is_fine=True)
        elif action < 0.45:
            note = {"metadata": {"annotations": {"unread": str(self._dice.random())}}}
            self._ask("PATCH", path, note, "application/merge-patch+json", missing_is_fine=True)
        else:
            self._put(source, name)

    def _put(self, source: Source, name: str) -> None:
        resource = source.resources[0]
        item = _object(f"{resource.group}/{resource.version}", resource.kind, name, f"w{self._dice.randrange(10**6)}")
        done = self._ask(
            "PATCH",
            f"{resource.path('default')}/{name}",
            {"spec": item["spec"]},
            "application/merge-patch+json",
            missing_is_fine=True,
        )
        if done.get("code") == 404:
            self._ask("POST", resource.path("default"), item)

    def _ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        content_type: str = "application/json",
        *,
        missing_is_fine: bool = False,
    ) -> Any:
        headers = {**self._plane.authorization(), "Content-Type": content_type}
        encoded = None if body is None else json.dumps(body).encode()
        try:
            answer = self._pool.request(method, self._plane.url + path, body=encoded, headers=headers)
            decoded = json.loads(answer.data)
        except (urllib3.exceptions.HTTPError, ValueError) as error:
            raise ClusterDown(str(error)) from error
        if answer.status >= 400 and not (missing_is_fine and answer.status == 404):
            raise ClusterDown(f"{method} {path}: {answer.status} {decoded.get('message')}")
        self.writes += method != "GET" and answer.status < 400
        return decoded


def _object(api_version: str, kind: str, name: str, word: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "default"}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": BODIES[kind](word)}
