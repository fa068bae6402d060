"""Applications to check."""

from __future__ import annotations

from portal.model import Application, Health


def application(name: str, url: str | None, *, source: str = "ingress", health: Health | None = None) -> Application:
    return Application(
        id=f"local/{source}/default/{name}",
        cluster="local",
        source=source,
        namespace="default",
        resource_name=name,
        resource_version="1",
        name=name,
        group="default",
        target_blank=True,
        location=1000,
        has_owner_references=False,
        enabled=True,
        available=True,
        url=url,
        health=health,
    )
