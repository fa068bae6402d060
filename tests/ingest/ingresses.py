"""Ingresses as they are decoded from the wire."""

from __future__ import annotations

import msgspec

from portal.sources.ingress import INGRESS
from portal.sources.source import Described


def ingress(name: str, host: str = "", version: int = 1) -> Described:
    """Return an Ingress with one host."""
    metadata = {"name": name, "namespace": "default", "uid": f"uid-{name}", "resourceVersion": str(version)}
    document = {"metadata": metadata, "spec": {"rules": [{"host": host or f"{name}.example.test"}]}}
    decoded: Described = msgspec.json.decode(msgspec.json.encode(document), type=INGRESS.projection)
    return decoded
