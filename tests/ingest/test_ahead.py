"""A list that is not whole yet: its pages are shown, and whatever becomes of the list, the truth in the end."""

from __future__ import annotations

from typing import Any

from portal.catalog.state import Catalog
from portal.ingest.ahead import Ahead, Draft
from portal.ingest.intake import Feed, Intake
from portal.ingest.journal import Journal
from portal.ingest.references import References
from portal.kube.reflector import Replaced
from portal.logs import LimitedLine
from portal.model import Change
from portal.pace import Pace
from portal.sources.ingress import INGRESS
from portal.sources.source import Described, MappingOptions
from tests.ingest.ingresses import ingress


class World:
    """An intake for Ingresses, and what was published and said of it."""

    def __init__(self) -> None:
        self.published: list[Change] = []
        self.said: list[str] = []
        self.catalog = Catalog(self.published.extend)
        journal = Journal(LimitedLine(lambda text, *values: self.said.append(text % values)))
        self.intake = Intake(
            Feed(INGRESS, MappingOptions(only_annotated=False)),
            self.catalog,
            References(lambda *_: lambda: None),
            journal,
        )

    def shown(self) -> list[str]:
        return sorted(each.resource_name for each in self.catalog.snapshot().applications)

    def page(self, *objects: Described) -> tuple[Draft, ...]:
        drafts = self.intake.drafts(objects)
        self.intake.ahead(drafts)
        return drafts

    def deliver(self, *objects: Described | Draft, reason: Any = "initial") -> None:
        self.intake(Replaced(objects, "9", reason))


def test_what_is_on_a_page_is_shown_before_the_list_is_whole() -> None:
    world = World()

    world.page(ingress("a"), ingress("b"))

    assert world.shown() == ["a", "b"]
    assert world.said == []


def test_a_list_that_is_whole_announces_nothing_twice() -> None:
    world = World()
    first = world.page(ingress("a"), ingress("b"))

    world.deliver(*first, ingress("c"))

    assert world.shown() == ["a", "b", "c"]
    assert [change.entry.resource_name for change in world.published] == ["a", "b", "c"]


def test_what_is_gone_when_the_list_has_to_begin_anew_goes() -> None:
    world = World()
    world.page(ingress("a"), ingress("b"))

    world.deliver(ingress("b", version=2))

    assert world.shown() == ["b"]


def test_a_list_that_ends_in_a_refusal_leaves_nothing() -> None:
    world = World()
    world.page(ingress("a"))

    world.deliver(reason="forbidden")

    assert world.shown() == []


def test_a_later_list_is_taken_as_a_whole() -> None:
    world = World()
    world.deliver(ingress("a"))

    world.page(ingress("a", host="new.example.test"), ingress("b"))

    assert world.shown() == ["a"]


def test_an_object_is_let_go_as_soon_as_it_is_mapped_or_reads_as_before() -> None:
    world = World()
    first = world.page(ingress("a"))
    world.deliver(*first)

    again = world.page(ingress("a", version=2), ingress("b"))
    world.deliver(*again, reason="safety")

    assert [draft.object for draft in (*first, *again)] == [None, None, None]
    assert [draft.metadata.resource_version for draft in again] == ["2", "1"]
    assert world.shown() == ["a", "b"]
    assert [change.entry.resource_name for change in world.published] == ["a", "b"]


def test_a_source_that_is_no_longer_followed_shows_nothing_more() -> None:
    taken: list[int] = []
    pace = Pace(give_way=lambda _: ahead.close() if len(taken) >= 50 else None)
    ahead = Ahead(taken.extend, pace)

    ahead.run(range(200))

    assert taken == list(range(50))


def test_clearing_takes_what_was_shown_early() -> None:
    world = World()
    world.page(ingress("a"))

    world.intake.clear()

    assert world.shown() == []
