"""A list that is not whole yet: its pages are shown, and whatever becomes of the list, the truth in the end."""

from __future__ import annotations

from typing import Any

from portal.catalog.state import Catalog
from portal.ingest.ahead import Ahead
from portal.ingest.intake import Feed, Intake
from portal.ingest.journal import Journal
from portal.ingest.references import References
from portal.kube.reflector import Replaced
from portal.logs import LimitedLine
from portal.model import Change
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

    def deliver(self, *objects: Described, reason: Any = "initial") -> None:
        self.intake(Replaced(objects, "9", reason))


def test_what_is_on_a_page_is_shown_before_the_list_is_whole() -> None:
    world = World()

    world.intake.ahead((ingress("a"), ingress("b")))

    assert world.shown() == ["a", "b"]
    assert world.said == []


def test_a_list_that_is_whole_announces_nothing_twice() -> None:
    world = World()
    first, last = (ingress("a"), ingress("b")), ingress("c")
    world.intake.ahead(first)

    world.deliver(*first, last)

    assert world.shown() == ["a", "b", "c"]
    assert [change.entry.resource_name for change in world.published] == ["a", "b", "c"]


def test_what_is_gone_when_the_list_has_to_begin_anew_goes() -> None:
    world = World()
    world.intake.ahead((ingress("a"), ingress("b")))

    world.deliver(ingress("b", version=2))

    assert world.shown() == ["b"]


def test_a_list_that_ends_in_a_refusal_leaves_nothing() -> None:
    world = World()
    world.intake.ahead((ingress("a"),))

    world.deliver(reason="forbidden")

    assert world.shown() == []


def test_a_later_list_is_taken_as_a_whole() -> None:
    world = World()
    world.deliver(ingress("a"))

    world.intake.ahead((ingress("a", host="new.example.test"), ingress("b")))

    assert world.shown() == ["a"]


def test_a_source_that_is_no_longer_followed_shows_nothing_more() -> None:
    taken: list[int] = []
    ahead = Ahead(taken.extend, give_way=lambda _: ahead.close() if len(taken) >= 50 else None)

    ahead.run(range(200))

    assert taken == list(range(50))


def test_clearing_takes_what_was_shown_early() -> None:
    world = World()
    world.intake.ahead((ingress("a"),))

    world.intake.clear()

    assert world.shown() == []
