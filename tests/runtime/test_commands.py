"""Listing once tells an empty cluster from one that tells nothing."""

from __future__ import annotations

import pytest
from msgspec import structs

from portal.model import ResourceStatus, SourceState, SyncStatus
from portal.runtime.commands import why_nothing_was_listed


def status(*states: SourceState) -> SyncStatus:
    resources = tuple(
        ResourceStatus(name=each, status=each, error=None if each == "completed" else f"it is {each}")
        for each in states
    )
    return SyncStatus(
        status="completed", step="done", total_resources=len(states), synced_resources=0, resource_status=resources
    )


@pytest.mark.parametrize(
    ("states", "why"),
    [
        (("completed", "forbidden", "failed"), None),
        (("absent", "absent"), None),
        (("absent", "forbidden", "failed"), "it is forbidden"),
        (("failed", "absent"), "it is failed"),
    ],
)
def test_where_not_one_kind_was_listed_the_first_reason_is_told(
    states: tuple[SourceState, ...], why: str | None
) -> None:
    assert why_nothing_was_listed(status(*states)) == why


def test_namespaces_that_could_be_listed_are_nothing_to_show() -> None:
    namespaces = ResourceStatus(name="Namespace", status="completed")
    refused = ResourceStatus(name="Ingress in media", status="forbidden", error="it is forbidden")
    whole = structs.replace(status(), resource_status=(namespaces, refused))

    assert why_nothing_was_listed(whole) == "it is forbidden"
    assert why_nothing_was_listed(structs.replace(whole, resource_status=(namespaces,))) is None
