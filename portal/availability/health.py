"""What is said about an application: the view from outside joined with the view from inside, and one line why."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from msgspec import Struct

from portal.availability.results import Outcome, Result
from portal.model import Health, HealthState

WALLS: Final = frozenset((401, 403))
CERTIFICATE_ENDS_SOON: Final = 14  # days; from here on every day less is news


class Endpoints(Struct, frozen=True, gc=False):
    """How many of the endpoints behind an application are ready, and since when (UTC) that has been so."""

    ready: int
    total: int
    since: datetime | None = None


OUTCOMES: Final[dict[HealthState, Outcome]] = {"up": "up", "degraded": "up", "down": "down", "unknown": "unknown"}
NOTHING: Final = Result(outcome="unknown")

# From outside (down the side) and from inside: all ready, some, none, or nothing known.
JOINED: Final[dict[str, dict[str, HealthState]]] = {
    "up": {"all": "up", "some": "degraded", "none": "degraded", "unknown": "up"},
    "wall": {"all": "up", "some": "degraded", "none": "down", "unknown": "up"},  # a wall answers for nobody behind it
    "down": {"all": "down", "some": "down", "none": "down", "unknown": "down"},
    "unknown": {"all": "up", "some": "degraded", "none": "down", "unknown": "unknown"},
}


def health_from(result: Result | None, endpoints: Endpoints | None, since: datetime | None = None) -> Health:
    """Return the health of an application from its believed result and its endpoints; either may be missing."""
    outside, inside = _outside(result), _inside(endpoints)
    state = JOINED[outside][inside]
    seen = result or NOTHING
    return Health(
        state=state,
        http_status=seen.http_status,
        latency_ms=round(seen.latency * 1000) if seen.outcome == "up" and seen.latency is not None else None,
        reason=_reason(seen, endpoints, state),
        since=since,
        ready=None if endpoints is None else endpoints.ready,
        total=None if endpoints is None else endpoints.total,
        certificate_days=seen.certificate_days,
    )


def result_from_health(health: Health) -> Result:
    """Return the result that another replica's verdict stands for, as far as it tells."""
    return Result(
        outcome=OUTCOMES[health.state],
        http_status=health.http_status,
        latency=None if health.latency_ms is None else health.latency_ms / 1000,
        reason=health.reason,
        certificate_days=health.certificate_days,
    )


def is_news(before: Health | None, after: Health) -> bool:
    """Tell whether people should hear of `after`: not of each latency, nor of each kind of being up.

    That what is up by its endpoints is asked no more, or again, is news.
    """
    if before is None or before.state != after.state or (before.ready, before.total) != (after.ready, after.total):
        return True
    if (before.http_status is None) != (after.http_status is None):
        return True
    if after.state != "up" and (before.http_status, before.reason) != (after.http_status, after.reason):
        return True
    return before.certificate_days != after.certificate_days and _ends_soon(before) | _ends_soon(after)


def _ends_soon(health: Health) -> bool:
    return health.certificate_days is not None and health.certificate_days <= CERTIFICATE_ENDS_SOON


def _outside(result: Result | None) -> str:
    if result is None:
        return "unknown"
    if result.outcome == "up" and (result.login or result.http_status in WALLS):
        return "wall"
    return result.outcome


def _inside(endpoints: Endpoints | None) -> str:
    if endpoints is None:
        return "unknown"
    if endpoints.ready <= 0:
        return "none"
    return "all" if endpoints.ready >= endpoints.total else "some"


def _reason(seen: Result, endpoints: Endpoints | None, state: HealthState) -> str | None:
    """Return one line: what the URL answers, then how many endpoints are ready where that explains something."""
    explains = state in ("degraded", "down")
    outside = seen.reason or (f"answers {seen.http_status}" if seen.http_status and explains else None)
    inside = _readiness(endpoints) if endpoints is not None and explains else None
    return "; ".join(part for part in (outside, inside) if part) or None


def _readiness(endpoints: Endpoints) -> str:
    counted = f"{endpoints.ready} of {endpoints.total} ready" if endpoints.total else "no endpoints"
    return counted if endpoints.since is None else f"{counted} since {endpoints.since:%H:%M}"
