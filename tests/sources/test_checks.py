"""What the owner of an object wants of its check."""

from __future__ import annotations

from typing import Any

import pytest

from portal.availability.annotations import READERS
from portal.availability.targets import CheckSpec
from portal.sources.annotations import KEYS
from portal.sources.notes import Trace
from tests.sources.table import BY_NAME, projection_of

OURS = "startpunkt.ullberg.us/"


def check_of(source: str, annotations: dict[str, str], spec: dict[str, Any] | None = None) -> tuple[CheckSpec, Trace]:
    trace = Trace()
    found = projection_of(BY_NAME[source], {"metadata": {"annotations": annotations}, "spec": spec or {}})
    return BY_NAME[source].check(found, trace), trace


def digest_of(source: str, annotations: dict[str, str], spec: dict[str, Any]) -> int:
    return projection_of(BY_NAME[source], {"metadata": {"annotations": annotations}, "spec": spec}).digest()


def test_every_annotation_that_says_how_to_check_is_read_from_objects() -> None:
    assert set(READERS) <= set(KEYS)


@pytest.mark.parametrize("source", BY_NAME)
def test_annotations_say_how_any_object_is_checked(source: str) -> None:
    annotations = {f"{OURS}check": "tcp://db:5432", f"{OURS}checkInterval": "5m", f"{OURS}checkStatus": "200"}

    spec, trace = check_of(source, annotations)

    assert spec == CheckSpec(url="tcp://db:5432", interval=300, statuses=((200, 200),))
    assert trace.steps[-1] == "check: at tcp://db:5432, status 200, interval 300 s"


@pytest.mark.parametrize("source", BY_NAME)
def test_an_object_that_says_nothing_is_checked_as_everything_else(source: str) -> None:
    assert check_of(source, {})[0] == CheckSpec()


def test_hajimaris_switch_is_heard() -> None:
    spec, trace = check_of("ingress", {"hajimari.io/statusCheckEnabled": "false"})

    assert spec.off
    assert trace.steps == ("check: not asked from outside",)


def test_a_value_that_cannot_be_read_is_a_fault_and_the_others_count() -> None:
    spec, trace = check_of("ingress", {f"{OURS}checkPath": "/ready", f"{OURS}checkStatus": "fine"})

    assert spec == CheckSpec(path="/ready")
    assert [note.place for note in trace.faults] == [f"annotation {OURS}checkStatus"]


def test_the_spec_of_our_own_application_wins_over_its_annotations_field_by_field() -> None:
    words = {"enabled": True, "path": "/live", "status": "2xx", "interval": "30s", "insecure": True}

    spec, _ = check_of(
        "application",
        {f"{OURS}check": "off", f"{OURS}checkPath": "/x", f"{OURS}checkHeadersFrom": "t"},
        {"check": words},
    )

    assert spec == CheckSpec(
        path="/live", statuses=((200, 299),), interval=30, ignore_certificates=True, headers_from="t"
    )


@pytest.mark.parametrize(
    ("words", "spec"),
    [
        ({"enabled": False}, CheckSpec(off=True)),
        ({"url": "https://app.media:8443/health"}, CheckSpec(url="https://app.media:8443/health")),
        ({"enabled": False, "url": "https://app.media:8443/health"}, CheckSpec(off=True)),
        ({"enabled": True, "url": "https://app.media:8443/health"}, CheckSpec(url="https://app.media:8443/health")),
        ({"headersFrom": "token"}, CheckSpec(headers_from="token")),
    ],
)
def test_an_application_says_it_in_its_spec(words: dict[str, Any], spec: CheckSpec) -> None:
    assert check_of("application", {}, {"check": words})[0] == spec


def test_a_mistake_in_the_spec_is_found_at_its_place() -> None:
    _, trace = check_of("application", {}, {"check": {"interval": "often", "headersFrom": "../x"}})

    assert [note.place for note in trace.faults] == ["spec.check.interval", "spec.check.headersFrom"]


def test_a_change_of_what_is_wanted_changes_the_digest() -> None:
    before = digest_of("application", {}, {"name": "App"})

    assert digest_of("application", {f"{OURS}check": "off"}, {"name": "App"}) != before
    assert digest_of("application", {}, {"name": "App", "check": {"enabled": False}}) != before
