"""Run the scenario server: `python -m tests.kube.scenario`; prints its ports and ends when its controller hangs up."""

from __future__ import annotations

import json
import socket
import sys

from tests.kube.scenario import control
from tests.kube.scenario.server import Server
from tests.kube.scenario.world import Collection, World

COLLECTIONS = [
    Collection("", "v1", "services", "Service"),
    Collection("networking.k8s.io", "v1", "ingresses", "Ingress"),
    Collection("startpunkt.ullberg.us", "v1alpha4", "applications", "Application"),
    Collection("startpunkt.ullberg.us", "v1alpha4", "bookmarks", "Bookmark"),
    Collection("hajimari.io", "v1alpha1", "applications", "Application"),
    Collection("hajimari.io", "v1alpha1", "bookmarks", "Bookmark"),
    Collection("route.openshift.io", "v1", "routes", "Route"),
    Collection("networking.istio.io", "v1", "virtualservices", "VirtualService"),
    Collection("gateway.networking.k8s.io", "v1", "httproutes", "HTTPRoute"),
    Collection("gateway.networking.k8s.io", "v1", "gateways", "Gateway"),
]


def main() -> None:
    """Listen for clients and for one controller, and say where."""
    more = [Collection("test.example", "v1", f"things{number}", "Thing") for number in range(20)]
    server = Server(World(COLLECTIONS + more))
    server.up()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        sys.stdout.write(json.dumps({"port": server.port, "control": listener.getsockname()[1]}) + "\n")
        sys.stdout.flush()
        control.listen(server, listener)


if __name__ == "__main__":
    main()
