"""The route of the stream: what a query subscribes to."""

from __future__ import annotations

import pytest
from flask import Flask

from portal.stream.hub import Hub
from portal.stream.options import Subscription
from portal.stream.views import View
from portal.web.events import BadQueryError, events_blueprint, subscription_from_request, types_from_text

ALWAYS = {"HEARTBEAT", "RESET"}


def asked(query: str, **headers: str) -> Subscription:
    app = Flask("asked")
    with app.test_request_context(f"/api/updates/stream{query}", headers=headers) as context:
        return subscription_from_request(context.request)


@pytest.mark.parametrize(
    ("query", "view"),
    [
        ("", View()),
        ("?tags=", View()),
        ("?tags=,%20,", View()),
        ("?tags=A,%20b,,a", View(tags=frozenset("ab"))),
        ("?tags=a&tags=B", View(tags=frozenset("ab"))),
        ("?types=", View()),
        ("?types=sync_status", View(types=frozenset({"SYNC_STATUS", *ALWAYS}))),
        ("?types=sync_status&types=CONFIG_CHANGED", View(types=frozenset({"SYNC_STATUS", "CONFIG_CHANGED", *ALWAYS}))),
        ("?named=true", View(form="named")),
        ("?named=1", View(form="named")),
        ("?named=false", View()),
    ],
)
def test_a_query_is_read_as(query: str, view: View) -> None:
    assert asked(query).view == view


def test_the_header_wins_over_the_query() -> None:
    assert asked("?last_event_id=a.1").last_event_id == "a.1"
    assert asked("?last_event_id=a.1", **{"Last-Event-ID": "a.2"}).last_event_id == "a.2"


def test_unknown_types_are_named() -> None:
    with pytest.raises(BadQueryError, match="unknown event type A, B; there are APPLICATION_ADDED"):
        types_from_text("B,STATUS_CHANGED,A")


def test_a_named_that_is_neither_true_nor_false_is_refused() -> None:
    with pytest.raises(BadQueryError, match='named is true or false, not "maybe"'):
        asked("?named=maybe")


@pytest.mark.parametrize(("enabled", "status"), [(True, 200), (False, 204)])
def test_a_stream_that_is_switched_off_answers_204_for_good(enabled: bool, status: int) -> None:
    app = Flask("tested")
    app.register_blueprint(events_blueprint(Hub(), enabled=enabled))

    assert app.test_client().head("/api/updates/stream").status_code == status
