"""What objects say of checks reaches who checks, on its way through the intake."""

from __future__ import annotations

import base64
from typing import Any

import msgspec
import pytest

from portal.availability.health import Endpoints
from portal.availability.targets import CheckSpec
from portal.catalog.state import Catalog
from portal.ingest.checks import Checks, headers_from_secret
from portal.ingest.endpoints import Readiness
from portal.ingest.intake import Feed, Intake
from portal.ingest.journal import Journal
from portal.ingest.references import References, WholeObject
from portal.kube.listwatch import WatchEvent
from portal.kube.reflector import Changes, Replaced
from portal.logs import LimitedLine
from portal.sources.ingress import INGRESS
from portal.sources.source import MappingOptions
from portal.sources.startpunkt import BOOKMARK

OURS = "startpunkt.ullberg.us/"
SHOP = "local/ingress/default/shop"
SECRET = {
    "metadata": {"name": "token", "namespace": "default", "labels": {f"{OURS}check-headers": "true"}},
    "data": {"Authorization": base64.b64encode(b"Bearer abc\n").decode()},
}
HEADERS = (("Authorization", "Bearer abc"),)


class House:
    """An intake of Ingresses, and what it lets who checks know."""

    def __init__(self, *, secrets: bool = True, source: Any = INGRESS) -> None:
        self.told: list[tuple[str, CheckSpec | None]] = []
        self.counted: list[tuple[str, Endpoints | None]] = []
        self.secret: Any = None
        self.source = source
        self.readiness = Readiness(lambda entry_id, endpoints: self.counted.append((entry_id, endpoints)))
        references = References(self.follow, clock=iter(range(0, 1000, 10)).__next__)
        override = lambda entry_id, spec: self.told.append((entry_id, spec))  # noqa: E731
        checks = Checks(override, self.readiness, references, secrets=secrets)
        self.catalog = Catalog(lambda _: None)
        feed = Feed(source, MappingOptions(only_annotated=False))
        self.intake = Intake(feed, self.catalog, references, Journal(LimitedLine(print)), checks)

    def follow(self, _: Any, deliver: Any) -> Any:
        self.secret = deliver
        return lambda: None

    def tell_secret(self, *documents: Any) -> None:
        objects = tuple(msgspec.convert(each, WholeObject) for each in documents)
        self.secret(Replaced(objects, "1", "initial"))

    def object(self, annotations: dict[str, str], uid: str = "1", service: str = "shop") -> Any:
        backend = {"service": {"name": service}}
        document = {
            "metadata": {"name": "shop", "namespace": "default", "uid": uid, "annotations": annotations},
            "spec": {"rules": [{"host": "shop.example", "http": {"paths": [{"path": "/", "backend": backend}]}}]},
        }
        return msgspec.convert(document, self.source.projection)

    def put(self, annotations: dict[str, str], **more: str) -> None:
        self.intake(Changes([WatchEvent("MODIFIED", self.object(annotations, **more))], "2"))

    def list(self, *objects: Any) -> None:
        self.intake(Replaced(objects, "3", "relist"))


def test_what_an_annotation_wants_is_told_even_when_nothing_on_the_page_changes() -> None:
    house = House()
    house.put({})

    house.put({f"{OURS}check": "off"})

    assert house.told == [(SHOP, CheckSpec()), (SHOP, CheckSpec(off=True))]


def test_an_object_that_reads_as_before_is_not_told_again() -> None:
    house = House()
    house.put({f"{OURS}check": "off"})

    house.put({f"{OURS}check": "off", "unread": "x"})
    house.list(house.object({f"{OURS}check": "off"}))

    assert len(house.told) == 1


def test_the_services_behind_an_entry_are_followed_and_let_go() -> None:
    house = House()
    house.put({})

    assert house.readiness._services == {SHOP: INGRESS.services(house.object({}))}
    house.put({}, service="other")
    assert house.readiness._services == {SHOP: INGRESS.services(house.object({}, service="other"))}
    house.intake.clear()
    assert house.readiness._services == {}


@pytest.mark.parametrize(
    "leave",
    [
        lambda house: house.list(),
        lambda house: house.intake.clear(),
        lambda house: house.put({f"{OURS}enable": "false"}),
        lambda house: house.intake(Changes([WatchEvent("DELETED", house.object({}))], "3")),
    ],
    ids=["listed no more", "source left", "hidden", "deleted"],
)
def test_of_an_entry_that_goes_nothing_is_remembered(leave: Any) -> None:
    house = House()
    house.put({f"{OURS}checkHeadersFrom": "token"})

    leave(house)

    assert house.told[-1] == (SHOP, None)
    assert house.catalog.get(SHOP) is None
    assert house.intake._references._of == {}


def test_an_object_that_was_born_again_keeps_what_its_owner_wants() -> None:
    house = House()
    house.list(house.object({f"{OURS}check": "off"}))

    house.list(house.object({f"{OURS}check": "off"}, uid="2"))

    assert house.told[-1] == (SHOP, CheckSpec(off=True))


def test_bookmarks_are_nobodys_concern() -> None:
    house = House(source=BOOKMARK)

    house.put({f"{OURS}check": "off"})

    assert house.told == []


def test_headers_come_from_a_secret_as_soon_as_it_is_known_and_not_before() -> None:
    house = House()

    house.put({f"{OURS}checkHeadersFrom": "token"})
    house.tell_secret(SECRET)

    assert house.told == [
        (SHOP, CheckSpec(headers_from="token", waits="waits for Secret default/token: not read yet")),
        (SHOP, CheckSpec(headers_from="token", headers=HEADERS)),
    ]


@pytest.mark.parametrize(
    ("secrets", "why"),
    [
        ((), "not there, or must not be read"),
        ((SECRET | {"metadata": {"name": "token"}},), f'no label {OURS}check-headers: "true" on it'),
        ((SECRET | {"data": {"X Bad": "YQ=="}},), "no header in it"),
    ],
    ids=["not there", "no label", "no headers"],
)
def test_a_secret_that_gives_no_headers_is_waited_for_and_named(secrets: Any, why: str) -> None:
    house = House()
    house.put({f"{OURS}checkHeadersFrom": "token"})

    house.tell_secret(*secrets)

    assert house.told[-1] == (SHOP, CheckSpec(headers_from="token", waits=f"waits for Secret default/token: {why}"))


def test_a_secret_that_goes_is_waited_for_again() -> None:
    house = House()
    house.put({f"{OURS}checkHeadersFrom": "token"})
    house.tell_secret(SECRET)

    house.secret(Changes([WatchEvent("DELETED", msgspec.convert(SECRET, WholeObject))], "2"))

    waits = "waits for Secret default/token: not there, or must not be read"
    assert house.told[-1] == (SHOP, CheckSpec(headers_from="token", waits=waits))


def test_what_is_not_checked_at_all_waits_for_no_secret() -> None:
    house = House()

    house.put({f"{OURS}check": "off", f"{OURS}checkHeadersFrom": "token"})

    assert house.secret is None
    assert house.told == [(SHOP, CheckSpec(off=True, headers_from="token"))]


def test_no_secret_is_read_unless_that_is_allowed(caplog: pytest.LogCaptureFixture) -> None:
    house = House(secrets=False)

    house.put({f"{OURS}checkHeadersFrom": "token"})

    assert house.secret is None
    assert house.told == [(SHOP, CheckSpec(headers_from="token"))]
    assert "availability.secretHeaders does not allow it" in caplog.text


@pytest.mark.parametrize(
    ("change", "headers"),
    [
        ({}, HEADERS),
        ({"metadata": {"labels": {}}}, ()),
        ({"metadata": {"labels": {f"{OURS}check-headers": "false"}}}, ()),
        ({"data": {"X Bad": "YQ==", "Also": "!!", "Line": base64.b64encode(b"a\r\nHost: b").decode()}}, ()),
        ({"data": {"X-Umlaut": base64.b64encode("ä".encode()).decode()}}, ()),
        ({"data": None}, ()),
    ],
    ids=["all is well", "no label", "another label", "no headers", "not ascii", "empty"],
)
def test_only_a_secret_that_says_so_gives_headers_and_only_headers(change: Any, headers: Any) -> None:
    assert headers_from_secret(SECRET | change) == headers
