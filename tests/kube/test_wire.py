"""Lists and lines of a watch, as real and less real servers write them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from portal.kube import errors
from portal.kube.decode import Fault
from portal.kube.errors import KubeError, Malformed
from portal.kube.resources import Resource
from portal.kube.wire import ObjectDecoder
from portal.sources.ingress import Ingress

DECODER = ObjectDecoder(Resource("networking.k8s.io", "v1", "ingresses", "Ingress"), Ingress)
MARK = {"kind": "Ingress", "apiVersion": "networking.k8s.io/v1", "metadata": {"resourceVersion": "213"}, "spec": {}}


def ingress(name: object, version: str = "7", **more: Any) -> dict[str, Any]:
    """Return an Ingress as it is in a watch."""
    metadata = {"name": name, "namespace": "default", "resourceVersion": version}
    return {"kind": "Ingress", "apiVersion": "networking.k8s.io/v1", "metadata": metadata, **more}


def listed(*items: object, **more: Any) -> bytes:
    """Return a list."""
    return msgspec.json.encode({"kind": "IngressList", "metadata": {"resourceVersion": "9"}, "items": items, **more})


def lines(*events: object) -> bytes:
    """Return the lines of a watch."""
    return b"".join(msgspec.json.encode(event) + b"\n" for event in events)


def read(*events: object) -> tuple[list[tuple[str, str, str]], KubeError | None, list[Fault]]:
    """Return type, name and version of each event, the error after them, and the faults."""
    faults: list[Fault] = []
    found, error = DECODER.events(lines(*events), faults.append)
    return [(e.type, e.object.metadata.name, e.object.metadata.resource_version) for e in found], error, faults


def test_items_of_a_built_in_list_name_no_kind() -> None:
    page = DECODER.page(listed({"metadata": {"name": "a"}}, {"metadata": {"name": "b"}}))

    assert [each.metadata.name for each in page.objects] == ["a", "b"]
    assert (page.resource_version, page.continue_token, page.faults) == ("9", "", ())


def test_a_page_names_the_next() -> None:
    page = DECODER.page(listed(metadata={"resourceVersion": "9", "continue": "abc"}))

    assert page.continue_token == "abc"


@pytest.mark.parametrize("items", [None, []])
def test_a_list_may_be_empty_in_two_ways(items: object) -> None:
    body = msgspec.json.encode(
        {"kind": "IngressList", "metadata": {"resourceVersion": "9", "continue": None}, "items": items}
    )

    assert DECODER.page(body).objects == ()


def test_one_bad_object_of_a_list_costs_one_field() -> None:
    page = DECODER.page(listed(ingress("a"), ingress("b", spec={"rules": 7}), ingress("c")))

    assert [each.metadata.name for each in page.objects] == ["a", "b", "c"]
    assert [(fault.name, fault.path) for fault in page.faults] == [("b", "spec.rules")]


def test_an_object_of_another_kind_is_left_out_of_a_list() -> None:
    page = DECODER.page(listed(ingress("a"), {"kind": "Secret", "apiVersion": "v1", "metadata": {"name": "s"}}))

    assert [each.metadata.name for each in page.objects] == ["a"]
    assert [(fault.name, fault.path) for fault in page.faults] == [("s", "kind")]


@pytest.mark.parametrize(
    "body",
    [
        b"<html>Please log in</html>",
        b"",
        b"[]",
        b'{"kind":"Status","metadata":{},"status":"Success"}',
        b'{"kind":"Table","metadata":{"resourceVersion":"7"},"rows":[]}',
        b'{"kind":"IngressList","metadata":{"resourceVersion":7},"items":[]}',
        b'{"kind":"IngressList","items":[',
    ],
)
def test_what_is_no_list_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        DECODER.page(body)


def test_events_and_marks_are_read_in_order() -> None:
    found, error, faults = read({"type": "ADDED", "object": ingress("a")}, {"type": "BOOKMARK", "object": MARK})

    assert found == [("ADDED", "a", "7"), ("BOOKMARK", "", "213")]
    assert error is None
    assert faults == []


def test_blank_lines_and_carriage_returns_are_nothing() -> None:
    text = b"\r\n\n" + lines({"type": "ADDED", "object": ingress("a")}).replace(b"\n", b"\r\n") + b"\n"

    found, _ = DECODER.events(text, lambda _: None)

    assert [event.object.metadata.name for event in found] == ["a"]


def test_the_letters_error_in_an_object_are_no_error() -> None:
    found, error, _ = read({"type": "ADDED", "object": ingress("a", spec={"ingressClassName": "ERROR"})})

    assert found == [("ADDED", "a", "7")]
    assert error is None


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (
            {"kind": "Status", "status": "Failure", "reason": "Expired", "code": 410, "message": "too old"},
            errors.Expired,
        ),
        ({"status": "Failure", "code": 500, "message": "etcdserver: no leader"}, errors.InternalError),
        ({"code": 504, "details": {"causes": [{"reason": "ResourceVersionTooLarge"}]}}, errors.TooLargeResourceVersion),
        ({"code": 403, "reason": "Forbidden"}, errors.Forbidden),
        (None, errors.InternalError),
        ([1, 2], errors.InternalError),
        ({"code": "many", "message": 7, "details": [], "reason": {}}, errors.InternalError),
    ],
)
def test_an_error_event_says_what_it_means_after_the_events_before_it(status: object, kind: type[KubeError]) -> None:
    found, error, _ = read(
        {"type": "ADDED", "object": ingress("a")}, {"type": "ERROR", "object": status}, {"type": "ADDED"}
    )

    assert found == [("ADDED", "a", "7")]
    assert type(error) is kind


def test_an_error_event_without_an_object_is_an_internal_error() -> None:
    _, error, _ = read({"type": "ERROR"})

    assert type(error) is errors.InternalError


@pytest.mark.parametrize(
    "garbage", [b"garbage\n", b"[1]\n", b'{"type":"ADDED","object":{"metadata":{"name":"\xff"}}}\n']
)
def test_garbage_ends_the_events_before_it(garbage: bytes) -> None:
    found, error = DECODER.events(lines({"type": "ADDED", "object": ingress("a")}) + garbage, lambda _: None)

    assert [event.object.metadata.name for event in found] == ["a"]
    assert isinstance(error, Malformed)


@pytest.mark.parametrize(
    "strange",
    [
        {"kind": "Secret", "apiVersion": "v1", "metadata": {"name": "s", "resourceVersion": "8"}},
        {"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": {"resourceVersion": "8"}, "rows": []},
    ],
)
def test_an_object_of_another_kind_leaves_its_version_and_no_name(strange: object) -> None:
    found, error, faults = read({"type": "ADDED", "object": strange}, {"type": "ADDED", "object": ingress("a", "9")})

    assert found == [("ADDED", "", "8"), ("ADDED", "a", "9")]
    assert error is None
    assert [fault.path for fault in faults] == ["kind"]


@pytest.mark.parametrize("strange", [None, 7, [1], {"kind": "Secret", "metadata": {"resourceVersion": 8}}])
def test_what_is_no_object_leaves_nothing(strange: object) -> None:
    found, error, _ = read({"type": "ADDED", "object": strange})

    assert found == [("ADDED", "", "")]
    assert error is None


def test_a_mistyped_field_in_a_watch_costs_that_field() -> None:
    found, _, faults = read({"type": "MODIFIED", "object": ingress("a", spec={"rules": 7})})

    assert found == [("MODIFIED", "a", "7")]
    assert [fault.path for fault in faults] == ["spec.rules"]
