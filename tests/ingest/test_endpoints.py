"""How many endpoints behind an entry are ready, counted from slices as the API server sends them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from portal.availability.health import Endpoints
from portal.ingest.endpoints import EndpointSlice, Readiness
from portal.kube.listwatch import WatchEvent
from portal.kube.reflector import Changes, Replaced
from portal.sources.services import Service

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
WEB, API = Service("media", "web"), Service("backend", "api")


class Ward:
    """A Readiness, and what it told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Endpoints | None]] = []
        self.readiness = Readiness(lambda entry_id, endpoints: self.told.append((entry_id, endpoints)), lambda: NOON)

    def list(self, *slices: EndpointSlice, namespace: str = "") -> None:
        self.readiness.deliver(namespace, Replaced(slices, "1", "initial"))

    def watch(self, *events: tuple[str, EndpointSlice]) -> None:
        self.readiness.deliver("", Changes([WatchEvent(*event) for event in events], "2"))

    @property
    def numbers(self) -> list[tuple[int, int] | None]:
        return [endpoints and (endpoints.ready, endpoints.total) for _, endpoints in self.told]


@pytest.fixture
def ward() -> Ward:
    return Ward()


def slice_of(service: Service, signs: str, name: str = "", family: str = "IPv4", **more: Any) -> EndpointSlice:
    """Return a slice with one endpoint per sign: `+` is ready, `-` is not."""
    document = {
        "metadata": {
            "namespace": service.namespace,
            "name": name or f"{service.name}-abcde",
            "labels": {"kubernetes.io/service-name": service.name, "app": "x"},
        },
        "addressType": family,
        "endpoints": [{"addresses": ["10.0.0.1"], "conditions": {"ready": sign == "+"}} for sign in signs],
    }
    return decoded(document | more)


def decoded(document: dict[str, Any]) -> EndpointSlice:
    return msgspec.json.decode(msgspec.json.encode(document), type=EndpointSlice)


@pytest.mark.parametrize(
    ("endpoints", "numbers"),
    [
        ([{"conditions": {"ready": True}}, {"conditions": {"ready": False}}], (1, 2)),
        ([{"conditions": {}}, {}, {"conditions": {"ready": None}}], (3, 3)),
        ([{"conditions": {"ready": False, "serving": True, "terminating": True}}, {}], (1, 1)),
        ([], (0, 0)),
        (None, (0, 0)),
    ],
    ids=["not ready", "unsaid means ready", "who is leaving", "none", "null"],
)
def test_endpoints_are_counted_by_their_conditions(ward: Ward, endpoints: Any, numbers: tuple[int, int]) -> None:
    ward.readiness.follow("a", (WEB,))

    ward.list(slice_of(WEB, "", endpoints=endpoints))

    assert ward.numbers == [numbers]


def test_slices_that_come_before_the_entry_count_too(ward: Ward) -> None:
    ward.list(slice_of(WEB, "++"))

    ward.readiness.follow("a", (WEB,))

    assert ward.told == [("a", Endpoints(2, 2))]


def test_a_change_of_the_numbers_is_told_with_its_moment(ward: Ward) -> None:
    ward.list(slice_of(WEB, "++"))
    ward.readiness.follow("a", (WEB,))

    ward.watch(("MODIFIED", slice_of(WEB, "+-")))
    ward.watch(("MODIFIED", slice_of(WEB, "-+")))

    assert ward.told == [("a", Endpoints(2, 2)), ("a", Endpoints(1, 2, NOON))]


def test_the_slices_of_one_service_are_added_up(ward: Ward) -> None:
    ward.list(slice_of(WEB, "++", name="web-1"), slice_of(WEB, "+-", name="web-2"))
    ward.readiness.follow("a", (WEB,))

    assert ward.numbers == [(3, 4)]


def test_two_address_families_are_the_same_pods(ward: Ward) -> None:
    ward.list(slice_of(WEB, "+-", name="four"), slice_of(WEB, "+-", name="six", family="IPv6"))
    ward.readiness.follow("a", (WEB,))

    assert ward.numbers == [(1, 2)]


def test_the_services_behind_one_entry_are_added_up_across_namespaces(ward: Ward) -> None:
    ward.list(slice_of(WEB, "+"), slice_of(API, "-"))
    ward.readiness.follow("a", (WEB, API))

    assert ward.numbers == [(1, 2)]


def test_a_service_without_slices_says_nothing(ward: Ward) -> None:
    ward.list(slice_of(WEB, "+"))
    ward.readiness.follow("a", (WEB, API))
    ward.readiness.follow("b", (API,))

    assert ward.told == [("a", Endpoints(1, 1))]


def test_a_slice_that_belongs_to_no_service_is_passed_over(ward: Ward) -> None:
    ward.readiness.follow("a", (WEB,))

    ward.list(decoded({"metadata": {"namespace": "media", "name": "x"}, "endpoints": [{}]}))
    ward.watch(("MODIFIED", decoded({"metadata": {"namespace": "media", "name": "x", "labels": None}})))

    assert ward.told == []


def test_a_slice_that_changes_hands_is_taken_from_one_and_given_to_the_other(ward: Ward) -> None:
    ward.list(slice_of(WEB, "+", name="x"))
    ward.readiness.follow("a", (WEB,))
    other = Service("media", "other")
    ward.readiness.follow("b", (other,))

    ward.watch(("MODIFIED", slice_of(other, "+", name="x")))

    assert ward.told == [("a", Endpoints(1, 1)), ("a", None), ("b", Endpoints(1, 1))]


def test_deleted_slices_end_the_view_from_inside(ward: Ward) -> None:
    ward.list(slice_of(WEB, "+"))
    ward.readiness.follow("a", (WEB,))

    ward.watch(("DELETED", slice_of(WEB, "+")))

    assert ward.told[-1] == ("a", None)


def test_a_list_that_lacks_a_slice_takes_it_away_in_its_own_namespace_only(ward: Ward) -> None:
    ward.list(slice_of(WEB, "+"), slice_of(API, "+"))
    ward.readiness.follow("a", (WEB,))
    ward.readiness.follow("b", (API,))

    ward.list(namespace="media")

    assert ward.told[-1] == ("a", None)
    assert len(ward.told) == 3


def test_many_events_of_one_batch_are_told_once(ward: Ward) -> None:
    ward.list(slice_of(WEB, "++"))
    ward.readiness.follow("a", (WEB,))

    ward.watch(("MODIFIED", slice_of(WEB, "+-")), ("MODIFIED", slice_of(WEB, "--")))

    assert ward.numbers == [(2, 2), (0, 2)]


def test_another_service_behind_an_entry_is_another_count(ward: Ward) -> None:
    ward.list(slice_of(WEB, "+"), slice_of(API, "-"))
    ward.readiness.follow("a", (WEB,))

    ward.readiness.follow("a", (API,))
    ward.readiness.follow("a", ())
    ward.watch(("MODIFIED", slice_of(API, "+")))

    assert ward.numbers == [(1, 1), (0, 1), None]
