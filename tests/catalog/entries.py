"""Entries for tests, complete but for what a test is about."""

from __future__ import annotations

from typing import Any

from portal.model import Application, Bookmark


def application(resource_name: str, **values: Any) -> Application:
    """Return an application; `values` override its members."""
    source, namespace = values.pop("source", "ingress"), values.pop("namespace", "default")
    return Application(
        **{
            "id": f"local/{source}/{namespace}/{resource_name}",
            "cluster": "local",
            "source": source,
            "namespace": namespace,
            "resource_name": resource_name,
            "resource_version": "1",
            "name": resource_name,
            "group": namespace,
            "target_blank": False,
            "location": 1000,
            "has_owner_references": False,
            "enabled": True,
            "available": True,
            **values,
        }
    )


def bookmark(resource_name: str, **values: Any) -> Bookmark:
    """Return a bookmark; `values` override its members."""
    source, namespace = values.pop("source", "bookmark"), values.pop("namespace", "default")
    return Bookmark(
        **{
            "id": f"local/{source}/{namespace}/{resource_name}",
            "cluster": "local",
            "source": source,
            "namespace": namespace,
            "resource_name": resource_name,
            "resource_version": "1",
            "name": resource_name,
            "group": namespace,
            "target_blank": False,
            "location": 1000,
            "has_owner_references": False,
            **values,
        }
    )
