"""Namespaces selected by name are followed at once; what is shown of others stays until their labels are known."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from msgspec import structs

from portal.ingest.endpoints import Readiness
from portal.kube.errors import Forbidden
from portal.kube.listwatch import Page
from portal.kube.resources import Metadata
from portal.runtime import selection
from portal.runtime.feeds import is_covered
from portal.runtime.namespaces import Namespace
from portal.runtime.selection import Selection
from portal.settings.tree import NamespaceSelector, Settings
from tests.catalog.entries import application
from tests.runtime.stage import NOON, Stage

NAMED, LABELLED = "local/ingress/named", "local/ingress/labelled"
WAYS = pytest.mark.parametrize(("way", "watched"), [("watch", True), ("list", False)])
REFUSED = Forbidden("namespaces are not for you")
CHOSEN = NamespaceSelector(any=False, match_names=("named",), label_selector="start=yes")
ONE_HAS_THE_LABEL = Page((Namespace(metadata=Metadata(name="labelled")),), "7", "")


def selected(*, watched: bool, **answers: Any) -> Stage:
    """Return a stage on which two namespaces were restored, one of which is selected by name, and one by labels."""
    stage = Stage(lists=2 if watched else 1, **answers)
    for scope in (NAMED, LABELLED):
        stage.catalog.replace(scope, [application(scope)])
        stage.following.ages.restored[scope] = NOON
    select(stage, watched=watched)
    return stage


def select(stage: Stage, *, watched: bool, chosen: NamespaceSelector = CHOSEN) -> None:
    default = Settings()
    watch = structs.replace(default.watch, enabled=watched)
    settings = structs.replace(default, namespace_selector=chosen, watch=watch)
    Selection(stage.following, Readiness(lambda *_: None), stage.roll).follow(settings)


def shown(stage: Stage) -> set[str]:
    return {each.resource_name for each in stage.catalog.snapshot().applications}


@WAYS
def test_a_namespace_selected_by_name_waits_for_no_answer_about_labels(way: str, watched: bool) -> None:
    stage = selected(watched=watched)

    assert f"{way} Ingress in named" in stage.roll.runs
    assert f"{way} Ingress in labelled" not in stage.roll.runs
    assert shown(stage) == {NAMED, LABELLED}


@WAYS
def test_a_first_refusal_after_a_restart_takes_nothing_away(way: str, watched: bool) -> None:
    stage = selected(watched=watched, Namespace=REFUSED)

    stage.run(f"{way} Namespace")

    assert stage.tracker.status().resource_status[-1].status == "forbidden"
    assert f"{way} Ingress in named" in stage.roll.runs
    assert shown(stage) == {NAMED, LABELLED}


@WAYS
def test_a_namespace_with_the_label_joins_those_selected_by_name(way: str, watched: bool) -> None:
    stage = selected(watched=watched, Namespace=ONE_HAS_THE_LABEL)

    stage.run(f"{way} Namespace")

    assert {f"{way} Ingress in named", f"{way} Ingress in labelled"} <= stage.roll.runs.keys()
    assert shown(stage) == {NAMED, LABELLED}


@WAYS
def test_where_no_namespace_has_the_label_only_those_selected_by_name_are_left(way: str, watched: bool) -> None:
    stage = selected(watched=watched, Namespace=Page((), "7", ""))

    stage.run(f"{way} Namespace")

    assert f"{way} Ingress in named" in stage.roll.runs
    assert shown(stage) == {NAMED}


@WAYS
def test_who_is_followed_in_all_namespaces_is_not_followed_twice(way: str, watched: bool) -> None:
    stage = Stage(lists=2 if watched else 1, Namespace=ONE_HAS_THE_LABEL)
    select(stage, watched=watched, chosen=NamespaceSelector())

    select(stage, watched=watched)
    before = set(stage.roll.runs)
    stage.run(f"{way} Namespace")

    assert f"{way} Ingress" in before
    assert not [name for name in before if name.endswith("named")]
    assert {f"{way} Ingress in named", f"{way} Ingress in labelled"} <= stage.roll.runs.keys()
    assert f"{way} Ingress" not in stage.roll.runs


@pytest.mark.parametrize(
    ("chosen", "covered"), [(NamespaceSelector(), ["local/ingress"]), (CHOSEN, [NAMED, LABELLED])], ids=["all", "some"]
)
def test_what_was_saved_is_shown_where_it_may_be_followed_again(chosen: NamespaceSelector, covered: list[str]) -> None:
    settings = structs.replace(Settings(), namespace_selector=chosen)

    assert [each for each in ("local/ingress", NAMED, LABELLED) if is_covered(settings, each)] == covered


@pytest.mark.parametrize(("namespaces", "said"), [(Page((), "7", ""), [8]), (ONE_HAS_THE_LABEL, [8, 16])])
def test_how_many_watchers_there_are_is_said_when_it_is_another_number(
    namespaces: Page[Namespace], said: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger=selection.__name__)

    selected(watched=True, Namespace=namespaces).run("watch Namespace")

    assert [each.getMessage() for each in caplog.records if each.name == selection.__name__] == [
        f"Started {number} Kubernetes resource watchers" for number in said
    ]


@WAYS
def test_namespaces_that_are_followed_anew_are_as_old_as_they_were_until_they_are_listed(
    way: str, watched: bool
) -> None:
    stage = selected(watched=watched, Namespace=ONE_HAS_THE_LABEL)
    stage.run(f"{way} Namespace")
    stage.answers = {}

    select(stage, watched=watched)
    stage.run(f"{way} Namespace")

    (status,) = (each for each in stage.tracker.status().resource_status if each.name == "Namespace")
    assert (status.status, status.stale_seconds is not None) == ("stale", True)
