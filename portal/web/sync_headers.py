"""The `X-Sync-*` headers: how far the synchronisation is, on every response under /api but the stream."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from flask import Flask, Response, request

from portal.model import SyncStatus
from portal.web.house import House

STREAM: Final = "text/event-stream"


def headers_from_sync(sync: SyncStatus) -> dict[str, str]:
    """Return the headers that say how far a synchronisation is; values are one line of ASCII."""
    headers = {
        "X-Sync-Status": sync.status,
        "X-Sync-Step": sync.step,
        "X-Sync-Progress": f"{sync.synced_resources}/{sync.total_resources}",
    }
    if sync.current_resource is not None:
        headers["X-Sync-Current-Resource"] = _line(sync.current_resource)
    if sync.status == "completed":
        headers |= _completed(sync)
    if sync.status == "failed" and sync.error is not None:
        headers["X-Sync-Error"] = _line(sync.error)
    return headers


def moment_text(moment: datetime) -> str:
    """Return a moment as ISO 8601 in UTC."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def install(app: Flask, house: House) -> None:
    """Put the headers on every response under /api but the stream's."""
    headers = _remembered(house)

    def add(answer: Response) -> Response:
        if f"{request.path}/".startswith("/api/") and answer.mimetype != STREAM:
            answer.headers.extend(headers())
        return answer

    app.after_request(add)


def _remembered(house: House) -> Callable[[], dict[str, str]]:
    """Return a function that makes the headers anew only when a state has changed."""
    kept: dict[int, dict[str, str]] = {}

    def headers() -> dict[str, str]:
        version = house.sync_version()
        if version not in kept:
            made = headers_from_sync(house.sync())
            kept.clear()
            kept[version] = made
        return kept[version]

    return headers


def _completed(sync: SyncStatus) -> dict[str, str]:
    headers = {}
    if sync.end_time is not None:
        headers["X-Sync-End-Time"] = moment_text(sync.end_time)
    if sync.duration_ms is not None:
        headers["X-Sync-Duration"] = f"{sync.duration_ms}ms"
    return headers


def _line(text: str) -> str:
    return " ".join(text.split()).encode("ascii", "replace").decode()[:500]
