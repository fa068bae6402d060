"""An application on loopback whose answers a test decides, and the objects that make an entry of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import yaml

from tests.cluster.control_plane import ControlPlane
from tests.flow.portal import Portal

SHOP = "local/ingress/default/shop"
OURS = "startpunkt.ullberg.us/"


class Shop(BaseHTTPRequestHandler):
    """An application that counts who asks it for what."""

    asked: ClassVar[list[tuple[str, str]]] = []
    status: ClassVar[int] = 200

    def do_HEAD(self) -> None:
        Shop.asked.append((self.path, self.headers.get("X-Check", "")))
        self.send_response(Shop.status if self.path != "/away" else 302)
        self.send_header("Location", "http://169.254.169.254/latest/meta-data/")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_HEAD  # noqa: N815 - http.server's name

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serving() -> Iterator[str]:
    """Serve the application; its address is returned."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Shop)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def ingress(url: str, **annotations: str) -> str:
    words = {f"{OURS}{word}": value for word, value in annotations.items()}
    return yaml.safe_dump(
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "Ingress",
            "metadata": {
                "name": "shop",
                "namespace": "default",
                "annotations": {f"{OURS}enable": "true", f"{OURS}url": url, **words},
            },
            "spec": {"defaultBackend": {"service": {"name": "shop", "port": {"number": 80}}}},
        }
    )


def slice_with(signs: str) -> str:
    """Return an EndpointSlice with one endpoint per sign: `+` is ready, `-` is not."""
    endpoints = [
        {"addresses": [f"10.0.0.{number}"], "conditions": {"ready": sign == "+"}} for number, sign in enumerate(signs)
    ]
    return yaml.safe_dump(
        {
            "apiVersion": "discovery.k8s.io/v1beta1",
            "kind": "EndpointSlice",
            "metadata": {
                "name": "shop-abcde",
                "namespace": "default",
                "labels": {"kubernetes.io/service-name": "shop"},
            },
            "addressType": "IPv4",
            "endpoints": endpoints,
        }
    )


def health(portal: Portal) -> dict[str, Any]:
    found: dict[str, Any] = portal.applications()[SHOP].get("health", {})
    return found


def apply(cluster: ControlPlane, *manifests: str) -> None:
    cluster.kubectl("apply", "-f", "-", stdin="\n---\n".join(manifests))
