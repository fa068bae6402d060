"""What all sources have in common: their registry, and the digest of what they read."""

from __future__ import annotations

from typing import Any

import pytest

from portal.sources import SOURCES
from tests.sources.table import BY_NAME, projection_of

INGRESS: dict[str, Any] = {
    "metadata": {
        "uid": "a",
        "resourceVersion": "1",
        "annotations": {
            "startpunkt.ullberg.us/location": "-1",
            "kubectl.kubernetes.io/last-applied-configuration": "a",
        },
        "managedFields": [{"manager": "kubectl", "time": "2026-01-01T00:00:00Z"}],
    },
    "spec": {"rules": [{"host": "a.example.com"}]},
    "status": {"loadBalancer": {}},
}


def digest(source: str, document: dict[str, Any], **metadata: Any) -> int:
    changed = document | {"metadata": document.get("metadata", {}) | metadata}
    return projection_of(BY_NAME[source], changed).digest()


def test_the_sources_stand_in_the_order_in_which_startpunkt_collects_them() -> None:
    assert [(source.name, source.title) for source in SOURCES] == [
        ("application", "Startpunkt Application"),
        ("hajimari-application", "Hajimari Application"),
        ("route", "OpenShift Route"),
        ("ingress", "Ingress"),
        ("virtualservice", "Istio VirtualService"),
        ("httproute", "Gateway API HTTPRoute"),
        ("bookmark", "Startpunkt Bookmark"),
        ("hajimari-bookmark", "Hajimari Bookmark"),
    ]


@pytest.mark.parametrize(
    ("source", "versions"),
    [
        ("application", ["v1alpha4", "v1alpha3", "v1alpha2", "v1alpha1"]),
        ("bookmark", ["v1alpha4", "v1alpha3", "v1alpha2", "v1alpha1"]),
        ("ingress", ["v1", "v1beta1"]),
        ("httproute", ["v1", "v1beta1"]),
        ("virtualservice", ["v1", "v1beta1", "v1alpha3"]),
        ("route", ["v1"]),
        ("hajimari-application", ["v1alpha1"]),
    ],
)
def test_a_source_prefers_the_newest_version(source: str, versions: list[str]) -> None:
    assert [resource.version for resource in BY_NAME[source].resources] == versions


@pytest.mark.parametrize(
    "change",
    [
        {"metadata": INGRESS["metadata"] | {"resourceVersion": "2", "uid": "b", "generation": 4}},
        {"metadata": INGRESS["metadata"] | {"managedFields": [{"manager": "traefik"}]}},
        {
            "metadata": INGRESS["metadata"]
            | {"annotations": {"startpunkt.ullberg.us/location": "-1", "kubectl.kubernetes.io/restartedAt": "now"}}
        },
        {"status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}},
        {"spec": INGRESS["spec"] | {"unread": {"name": "x"}}},
    ],
    ids=["version", "managers", "foreign annotation", "status", "unread field"],
)
def test_a_write_that_touches_nothing_that_is_read_keeps_the_digest(change: dict[str, Any]) -> None:
    assert digest("ingress", INGRESS | change) == digest("ingress", INGRESS)


@pytest.mark.parametrize(
    "change",
    [
        {"metadata": INGRESS["metadata"] | {"annotations": {"startpunkt.ullberg.us/location": "-2"}}},
        {"metadata": INGRESS["metadata"] | {"ownerReferences": [{"kind": "X"}]}},
        {"metadata": INGRESS["metadata"] | {"managedFields": [{"manager": "argocd-controller"}]}},
        {"spec": {"rules": [{"host": "b.example.com"}]}},
        {"spec": {"rules": [{"host": "a.example.com"}], "tls": [{}]}},
    ],
    ids=["annotation", "owner", "argocd", "host", "tls"],
)
def test_a_write_that_touches_what_is_read_changes_the_digest(change: dict[str, Any]) -> None:
    assert digest("ingress", INGRESS | change) != digest("ingress", INGRESS)


def test_the_status_counts_where_the_address_comes_from_it() -> None:
    ingress = {"spec": {"rules": [{}]}}

    assert digest("ingress", ingress | {"status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}}) != digest(
        "ingress", ingress
    )


def test_numbers_that_python_hashes_alike_have_different_digests() -> None:
    assert digest("application", {"spec": {"location": -1}}) != digest("application", {"spec": {"location": -2}})


@pytest.mark.parametrize("source", list(BY_NAME))
def test_a_progress_mark_decodes(source: str) -> None:
    mark = projection_of(BY_NAME[source], {"metadata": {"name": "", "namespace": "", "resourceVersion": "12"}})

    assert mark.metadata.resource_version == "12"
