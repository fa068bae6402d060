from __future__ import annotations

import msgspec
import pytest

from portal.availability.annotations import spec_from_annotations
from portal.availability.targets import CheckOptions, CheckSpec, target_from_application, target_from_url
from tests.availability.cases import cases
from tests.availability.entries import application

OPTIONS = CheckOptions(timeout=3, interval=30, ca_file="/ca.pem", off=frozenset({"route"}))


@pytest.mark.parametrize(("url", "asked"), cases("target_cases"))
def test_a_url_is_asked_as_it_was_written_and_nothing_else_is_asked(url: str, asked: str | None) -> None:
    target = target_from_url(url)

    assert (target and target.url) == asked


@pytest.mark.parametrize(
    ("url", "path", "asked"),
    [
        ("https://a.example/app?x=1", "/healthz", "https://a.example/healthz"),
        ("https://a.example/app", "/healthz?full=1", "https://a.example/healthz?full=1"),
        ("https://a.example/app", "healthz", "https://a.example/healthz"),
    ],
)
def test_a_path_replaces_the_links_own(url: str, path: str, asked: str) -> None:
    target = target_from_application(application("a", url), OPTIONS, CheckSpec(path=path))

    assert target
    assert target.url == asked


def test_a_target_is_checked_like_everything_unless_its_owner_says_otherwise() -> None:
    target = target_from_application(application("a", "http://a.example:8080/x"), OPTIONS)

    assert target
    assert (target.scheme, target.host, target.port) == ("http", "a.example", 8080)
    assert (target.timeout, target.interval, target.ca_file, target.ignore_certificates) == (3, 30, "/ca.pem", False)


def test_the_owner_of_an_entry_has_the_last_word() -> None:
    spec = CheckSpec(
        url="https://inside.example:8443/",
        statuses=((418, 418),),
        interval=10,
        timeout=1,
        ignore_certificates=True,
        headers=(("X-Key", "secret"),),
    )

    target = target_from_application(application("a", "https://a.example/"), OPTIONS, spec)

    assert target
    assert (target.url, target.port, target.statuses) == ("https://inside.example:8443/", 8443, ((418, 418),))
    assert (target.interval, target.timeout, target.ignore_certificates) == (10, 1, True)
    assert target.headers == (("X-Key", "secret"),)


@pytest.mark.parametrize(
    ("source", "spec"),
    [("route", None), ("ingress", CheckSpec(off=True)), ("ingress", CheckSpec(url="mailto:nobody"))],
    ids=["source is off", "entry is off", "nothing to ask"],
)
def test_what_is_switched_off_is_not_asked(source: str, spec: CheckSpec | None) -> None:
    target = target_from_application(application("a", "https://a.example/", source=source), OPTIONS, spec)

    assert target is None


def test_a_link_without_a_host_can_be_checked_at_an_address_of_its_own() -> None:
    target = target_from_application(application("a", "/a"), OPTIONS, CheckSpec(url="tcp://a.default:80"))

    assert target
    assert target.url == "tcp://a.default:80"


@pytest.mark.parametrize(("name", "text", "fields", "mistakes"), cases("annotation_cases"))
def test_annotations_say_how_to_check(name: str, text: str, fields: object, mistakes: list[str]) -> None:
    spec, found = spec_from_annotations({name: text})

    assert spec == msgspec.convert(fields, CheckSpec)
    assert [str(each) for each in found] == mistakes


def test_portals_own_annotation_wins_over_another_tools_switch() -> None:
    spec, _ = spec_from_annotations({"startpunkt.ullberg.us/check": "on", "hajimari.io/statusCheckEnabled": "false"})

    assert not spec.off


def test_one_bad_annotation_costs_one_setting() -> None:
    spec, mistakes = spec_from_annotations(
        {"startpunkt.ullberg.us/checkPath": "/ready", "startpunkt.ullberg.us/checkStatus": "fine"}
    )

    assert spec == CheckSpec(path="/ready")
    assert len(mistakes) == 1
