from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from portal.catalog.arrange import grouped, tagged
from portal.catalog.state import Catalog
from portal.model import Application, Change, Entry, Health
from tests.catalog.entries import application, bookmark


class Told:
    """What a catalog published, in order."""

    def __init__(self) -> None:
        self.changes: list[Change] = []

    def __call__(self, changes: Sequence[Change]) -> None:
        self.changes.extend(changes)

    def folded(self) -> dict[str, Entry]:
        state: dict[str, Entry] = {}
        for change in self.changes:
            if change.after is None:
                del state[change.entry.id]
            else:
                state[change.entry.id] = change.after
        return state


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def catalog(told: Told) -> Catalog:
    return Catalog(told)


def test_a_scope_is_replaced_at_once_and_the_difference_is_told(catalog: Catalog, told: Told) -> None:
    catalog.replace("ingress", [application("a"), application("b")])

    changes = catalog.replace("ingress", [application("b"), application("c")])

    assert [(c.entry.resource_name, c.before is None, c.after is None) for c in changes] == [
        ("a", False, True),
        ("c", True, False),
    ]
    assert [each.resource_name for each in catalog.snapshot().applications] == ["b", "c"]


def test_the_one_who_changes_something_is_told_before_everybody_else_and_of_nothing_where_nothing_changed() -> None:
    heard: list[str] = []
    catalog = Catalog(lambda changes: heard.append(f"everybody {len(changes)}"))

    catalog.change("ingress", [application("a")], tell=lambda changes: heard.append(f"the one {len(changes)}"))
    catalog.change("ingress", [application("a")], tell=lambda changes: heard.append(f"the one {len(changes)}"))

    assert heard == ["the one 1", "everybody 1"]


def test_what_was_born_again_goes_and_comes(catalog: Catalog, told: Told) -> None:
    catalog.replace("ingress", [application("a")])
    told.changes.clear()

    catalog.replace("ingress", [application("a")], reborn=["local/ingress/default/a"])

    assert [(each.before is None, each.after is None) for each in told.changes] == [(False, True), (True, False)]


def test_replacing_one_scope_leaves_the_others_alone(catalog: Catalog) -> None:
    catalog.replace("ingress", [application("a")])
    catalog.replace("route", [application("b", source="route")])

    catalog.replace("ingress", [])

    assert [each.resource_name for each in catalog.snapshot().applications] == ["b"]


def test_an_equal_entry_changes_nothing_and_keeps_the_version(catalog: Catalog, told: Told) -> None:
    catalog.change("ingress", [application("a")])
    version = catalog.version

    changes = catalog.change("ingress", [structs.replace(application("a"), resource_version="99")])

    assert not changes
    assert catalog.version == version


def test_a_snapshot_is_built_once_per_version(catalog: Catalog) -> None:
    catalog.change("ingress", [application("a")])

    assert catalog.snapshot() is catalog.snapshot()


def test_health_is_kept_when_an_entry_changes_but_its_address_does_not(catalog: Catalog) -> None:
    catalog.change("ingress", [application("a", url="https://a.example")])
    catalog.judge({"local/ingress/default/a": Health(state="down", reason="answers 503")})

    catalog.change("ingress", [application("a", url="https://a.example", info="new words")])

    [entry] = catalog.snapshot().applications
    assert entry.health == Health(state="down", reason="answers 503")
    assert not entry.available


def test_health_is_forgotten_when_the_address_changes(catalog: Catalog) -> None:
    catalog.change("ingress", [application("a", url="https://a.example")])
    catalog.judge({"local/ingress/default/a": Health(state="down")})

    catalog.change("ingress", [application("a", url="https://b.example")])

    [entry] = catalog.snapshot().applications
    assert entry.health is None
    assert entry.available


def test_health_of_an_entry_that_is_gone_is_ignored(catalog: Catalog) -> None:
    assert not catalog.judge({"local/ingress/default/gone": Health(state="up")})


def test_the_page_is_ordered_by_group_location_and_name_ignoring_case(catalog: Catalog) -> None:
    catalog.replace(
        "ingress",
        [
            application("1", group="media", name="beta"),
            application("2", group="Media", name="Alpha"),
            application("3", group="admin", name="z"),
            application("4", group="media", name="last", location=2000),
            application("5", group="MEDIA", name="first", location=-1),
        ],
    )

    names = [each.name for each in catalog.snapshot().applications]

    assert names == ["z", "first", "Alpha", "beta", "last"]


def test_groups_that_differ_only_in_case_are_one() -> None:
    groups = grouped([application("1", group="Media"), application("2", group="media")])

    assert [(group.name, len(group.entries)) for group in groups] == [("Media", 2)]


@pytest.mark.parametrize(
    ("tags", "names"),
    [
        ("", ["plain"]),
        ("admin", ["plain", "admin"]),
        ("ADMIN, dev", ["plain", "admin", "both"]),
        ("unknown", ["plain"]),
        (",", ["plain", "admin", "both"]),
    ],
)
def test_tags_filter_as_in_startpunkt(tags: str, names: list[str]) -> None:
    applications = [
        application("plain"),
        application("admin", tags="admin"),
        application("both", tags="Dev, home"),
    ]

    assert [each.resource_name for each in tagged(applications, tags)] == names


def test_bookmarks_and_applications_are_kept_apart(catalog: Catalog) -> None:
    catalog.replace("bookmark", [bookmark("b")])
    catalog.replace("ingress", [application("a")])

    snapshot = catalog.snapshot()

    assert [each.resource_name for each in snapshot.bookmarks] == ["b"]
    assert [each.resource_name for each in snapshot.applications] == ["a"]


NAMES = st.sampled_from("abcd")
STEPS = st.one_of(
    st.tuples(st.just("replace"), st.dictionaries(NAMES, st.integers(0, 3))),
    st.tuples(st.just("put"), st.dictionaries(NAMES, st.integers(0, 3))),
    st.tuples(st.just("drop"), st.sets(NAMES)),
    st.tuples(st.just("judge"), st.dictionaries(NAMES, st.sampled_from(["up", "down"]))),
)


def perform(catalog: Catalog, scope: str, verb: str, what: dict[str, object]) -> None:
    match verb:
        case "replace":
            catalog.replace(scope, [application(n, location=v, source=scope) for n, v in what.items()])
        case "put":
            catalog.change(scope, [application(n, location=v, source=scope) for n, v in what.items()])
        case "drop":
            catalog.change(scope, [], [f"local/{scope}/default/{name}" for name in what])
        case "judge":
            catalog.judge({f"local/{scope}/default/{n}": Health(state=v) for n, v in what.items()})


@given(st.lists(st.tuples(st.sampled_from(["x", "y"]), STEPS)))
def test_whatever_happens_the_folded_changes_equal_the_snapshot(steps: list) -> None:
    told = Told()
    catalog = Catalog(told)

    for scope, (verb, what) in steps:
        perform(catalog, scope, verb, what)

    snapshot = catalog.snapshot()
    assert {each.id: each for each in snapshot.applications} == told.folded()
    assert all(isinstance(each, Application) for each in snapshot.applications)
