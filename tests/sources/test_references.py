"""Which other objects an entry depends on."""

from __future__ import annotations

from typing import Any

import pytest

from portal.kube.resources import Resource
from portal.sources.references import Reference, path_from_property, plural_from_kind
from tests.sources.table import BY_NAME, projection_of


def refs(source: str, spec: dict[str, Any]) -> tuple[Reference, ...]:
    return BY_NAME[source].references(projection_of(BY_NAME[source], {"metadata": {"namespace": "shop"}, "spec": spec}))


@pytest.mark.parametrize(
    ("url_from", "reference"),
    [
        ({"apiVersion": "v1", "kind": "Service", "name": "a"}, Reference("", ("v1",), "Service", "shop", "a")),
        ({"apiVersion": "apps/v1", "kind": "B", "name": "b"}, Reference("apps", ("v1",), "B", "shop", "b")),
        (
            {"apiGroup": "apps", "apiVersion": "v1", "kind": "C", "name": "c", "namespace": "other"},
            Reference("apps", ("v1",), "C", "other", "c"),
        ),
    ],
)
def test_an_application_depends_on_what_its_url_from_names(url_from: dict[str, str], reference: Reference) -> None:
    assert refs("application", {"urlFrom": url_from | {"property": "x"}}) == (reference,)


@pytest.mark.parametrize(
    "url_from",
    [
        {"apiVersion": "v1", "kind": "Secret", "name": "a", "property": "data.x"},
        {"apiVersion": "v1", "kind": "secret", "name": "a", "property": "data.x"},
        {"apiVersion": "v1", "kind": "ConfigMap", "name": "../secrets/a", "property": "data.x"},
        {"apiVersion": "v1", "kind": "ConfigMap", "name": "a", "namespace": "..", "property": "data.x"},
        {"kind": "ConfigMap", "name": "a", "property": "data.x"},
        {},
    ],
)
def test_an_application_never_depends_on_a_secret_or_on_half_a_name(url_from: dict[str, str]) -> None:
    assert refs("application", {"urlFrom": url_from}) == ()


def test_a_route_depends_on_each_of_its_gateways_once() -> None:
    parents = [
        {"name": "public", "sectionName": "a"},
        {"name": "public", "sectionName": "b"},
        {"name": "inner", "namespace": "infra"},
        {"kind": "Service", "group": "", "name": "x"},
    ]

    found = refs("httproute", {"parentRefs": parents})

    assert [str(reference) for reference in found] == ["Gateway shop/public", "Gateway infra/inner"]


@pytest.mark.parametrize("source", ["bookmark", "ingress", "route", "virtualservice", "hajimari-application"])
def test_other_sources_depend_on_nothing(source: str) -> None:
    assert refs(source, {}) == ()


def test_a_reference_names_the_resources_that_may_hold_it() -> None:
    reference = Reference("gateway.networking.k8s.io", ("v1", "v1beta1"), "Gateway", "infra", "public")

    assert reference.resources == (
        Resource("gateway.networking.k8s.io", "v1", "gateways", "Gateway"),
        Resource("gateway.networking.k8s.io", "v1beta1", "gateways", "Gateway"),
    )


@pytest.mark.parametrize(
    ("kind", "plural"),
    [
        ("Service", "services"),
        ("Ingress", "ingresses"),
        ("NetworkPolicy", "networkpolicies"),
        ("Gateway", "gateways"),
        ("Endpoints", "endpoints"),
        ("StorageClass", "storageclasses"),
    ],
)
def test_plurals_are_the_apis(kind: str, plural: str) -> None:
    assert plural_from_kind(kind) == plural


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("data.url", ("data", "url")),
        (".data.url", ("data", "url")),
        ("$.data.url", ("data", "url")),
        ("a[0][1].b", ("a", 0, 1, "b")),
        ('data["a.b"].c', ("data", "a.b", "c")),
        ("data['a.b']", ("data", "a.b")),
        ("", None),
        ("a..b", None),
        ("..a", None),
        ("a.", None),
        ("a[-1]", None),
        ("a[x]", None),
    ],
)
def test_a_property_is_a_path_of_names_and_indices(text: str, path: tuple[str | int, ...] | None) -> None:
    assert path_from_property(text) == path
