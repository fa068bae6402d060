"""Ten thousand Ingresses and a thousand Applications on a real API server, written fast."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from portal.kube.client import Api, connect
from portal.kube.limits import TokenBucket
from tests.cluster.control_plane import ControlPlane
from tests.flow.portal import ROOT

INGRESSES = 10_000
APPLICATIONS = 1_000
WRITERS = 16
PATHS = {
    "Ingress": "/apis/networking.k8s.io/v1/namespaces/default/ingresses",
    "Application": "/apis/startpunkt.ullberg.us/v1alpha4/namespaces/default/applications",
}


@contextmanager
def filled_cluster() -> Iterator[ControlPlane]:
    """Return a control plane that holds it all."""
    with ControlPlane() as plane:
        plane.apply_crds(*(ROOT / "config" / "crds").glob("*.yaml"))
        documents = [*(ingress(number) for number in range(INGRESSES)), *(application(n) for n in range(APPLICATIONS))]
        write(admin(plane), documents)
        yield plane


def admin(plane: ControlPlane) -> Api:
    return connect(str(plane.admin), None, bucket=TokenBucket(100_000, 100_000))


def write(api: Api, documents: list[dict[str, Any]]) -> None:
    """Create the objects by parallel requests."""
    left = iter(documents)

    def work() -> None:
        for document in left:
            api.send("POST", PATHS[document["kind"]], None, json.dumps(document).encode())

    threads = [threading.Thread(target=work) for _ in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def ingress(number: int) -> dict[str, Any]:
    """Return an Ingress as a chart writes it: some annotations, a certificate, two paths."""
    name, host = f"app-{number}", f"app-{number}.apps.example.test"
    annotations = {
        "cert-manager.io/cluster-issuer": "letsencrypt-production",
        "meta.helm.sh/release-name": name,
        "meta.helm.sh/release-namespace": "default",
        "nginx.ingress.kubernetes.io/proxy-body-size": "64m",
        "nginx.ingress.kubernetes.io/proxy-read-timeout": "3600",
        "startpunkt.ullberg.us/group": f"Group {number % 40}",
        "startpunkt.ullberg.us/icon": "mdi:application",
    }
    labels = {"app.kubernetes.io/name": name, "app.kubernetes.io/managed-by": "Helm", "helm.sh/chart": "app-1.2.3"}
    paths = [{"path": path, "pathType": "Prefix", "backend": backend(name)} for path in ("/", "/api")]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": name, "annotations": annotations, "labels": labels},
        "spec": {
            "ingressClassName": "nginx",
            "tls": [{"hosts": [host], "secretName": f"{name}-tls"}],
            "rules": [{"host": host, "http": {"paths": paths}}],
        },
    }


def backend(name: str) -> dict[str, Any]:
    return {"service": {"name": name, "port": {"number": 80}}}


def application(number: int) -> dict[str, Any]:
    spec = {"name": f"Own {number}", "group": f"Group {number % 40}", "url": f"https://own-{number}.example.test"}
    kind = {"apiVersion": "startpunkt.ullberg.us/v1alpha4", "kind": "Application"}
    return {**kind, "metadata": {"name": f"own-{number}"}, "spec": spec}
