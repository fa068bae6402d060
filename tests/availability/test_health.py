from __future__ import annotations

from datetime import UTC, datetime

import pytest
from msgspec import structs

from portal.availability.health import Endpoints, health_from, is_news
from portal.availability.results import Result
from portal.model import Health
from tests.availability.cases import cases

RESULTS = {
    "up 200": Result(outcome="up", http_status=200, latency=0.0123, certificate_days=40),
    "up 401": Result(outcome="up", http_status=401, reason="answers 401"),
    "up 429": Result(outcome="up", http_status=429, reason="answers 429"),
    "login 302": Result(outcome="up", http_status=302, reason="asks to log in", login=True),
    "down 503": Result(outcome="down", http_status=503, latency=0.02, reason="answers 503"),
    "unknown": Result(outcome="unknown", reason="not asked: x is a link-local address"),
    None: None,
}
SINCE = datetime(2026, 11, 21, 10, 42, 7, tzinfo=UTC)
UP = Health(state="up", http_status=200, latency_ms=12)


@pytest.mark.parametrize(("outside", "inside", "state", "reason"), cases("health_cases"))
def test_the_two_views_are_joined(
    outside: str | None, inside: list[int] | None, state: str, reason: str | None
) -> None:
    endpoints = inside and Endpoints(inside[0], inside[1], SINCE)

    health = health_from(RESULTS[outside], endpoints or None)

    assert (health.state, health.reason) == (state, reason)


def test_health_carries_what_the_card_shows() -> None:
    health = health_from(RESULTS["up 200"], Endpoints(2, 2), SINCE)

    assert health == Health(
        state="up", http_status=200, latency_ms=12, since=SINCE, ready=2, total=2, certificate_days=40
    )


@pytest.mark.parametrize(
    "after",
    [
        structs.replace(UP, latency_ms=900),
        structs.replace(UP, http_status=204),
        structs.replace(UP, reason="asks to log in", http_status=302),
        structs.replace(UP, since=SINCE),
        structs.replace(UP, certificate_days=80),
    ],
)
def test_being_up_in_another_way_is_no_news(after: Health) -> None:
    assert not is_news(UP, after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, UP),
        (UP, Health(state="down", reason="answers 503")),
        (Health(state="down", reason="answers 503"), Health(state="down", reason="answers 502")),
        (Health(state="degraded", ready=1, total=3), Health(state="degraded", ready=2, total=3)),
        (Health(state="up", certificate_days=15), Health(state="up", certificate_days=14)),
        (UP, Health(state="up", reason="waits for Secret media/token: not read yet")),
        (Health(state="up", reason="waits for Secret media/token: not read yet"), UP),
    ],
)
def test_another_state_another_reason_and_other_endpoints_are_news(before: Health | None, after: Health) -> None:
    assert is_news(before, after)
