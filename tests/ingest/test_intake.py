"""What a watch tells together reaches the catalog together, and what cannot matter goes no further."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import structs

from portal.catalog.state import Catalog
from portal.ingest.intake import Feed, Intake
from portal.ingest.journal import Journal
from portal.ingest.references import References
from portal.kube.listwatch import WatchEvent
from portal.kube.reflector import Changes, Replaced
from portal.logs import LimitedLine
from portal.model import Change
from portal.sources.ingress import INGRESS
from portal.sources.source import Described, MappingOptions
from tests.ingest.ingresses import ingress


class World:
    """An intake for Ingresses, and in what order it was heard of."""

    def __init__(self, *, checked: bool = True) -> None:
        self.batches: list[list[str]] = []
        self.heard: list[str] = []
        self.asked: list[str] = []
        self.catalog = Catalog(self._published)
        feed = Feed(INGRESS, MappingOptions(only_annotated=False), checked=checked)
        journal = Journal(LimitedLine(lambda text, *values: self.heard.append(text % values)))
        self.intake = Intake(feed, self.catalog, References(lambda *_: lambda: None), journal, self)

    def found(self, entry_id: str, *_: object) -> None:
        self.asked.append(entry_id)

    def gone(self, entry_id: str) -> None:
        self.asked.append(f"gone {entry_id}")

    def tell(self, *events: tuple[str, Described]) -> World:
        self.intake(Changes([WatchEvent(kind, each) for kind, each in events], "9"))
        return self

    def _published(self, changes: Sequence[Change]) -> None:
        self.heard.append("published")
        self.batches.append([f"{verb(each)} {each.entry.resource_name}" for each in changes])


def verb(change: Change) -> str:
    return "-" if change.after is None else "+" if change.before is None else "="


def of_another_life(each: Described) -> Described:
    return structs.replace(each, metadata=structs.replace(each.metadata, uid="another"))


def test_what_was_told_together_is_one_version_and_said_before_it_is_published() -> None:
    world = World()
    before = world.catalog.version

    world.tell(("ADDED", ingress("a")), ("ADDED", ingress("b")))

    assert world.batches == [["+ a", "+ b"]]
    assert world.catalog.version == before + 1
    assert world.heard == ["Ingress ADDED: default/a", "Ingress ADDED: default/b", "published"]


def test_removals_come_before_what_is_put() -> None:
    world = World().tell(("ADDED", ingress("a")))

    world.tell(("ADDED", ingress("b")), ("DELETED", ingress("a")))

    assert world.batches[-1] == ["- a", "+ b"]


def test_of_several_events_of_one_object_the_last_decides() -> None:
    world = World().tell(("ADDED", ingress("a")), ("ADDED", ingress("b")))

    world.tell(
        ("MODIFIED", ingress("a", "moved.example.test", 2)), ("DELETED", ingress("a")), ("DELETED", ingress("b"))
    )
    world.tell(("ADDED", ingress("c")), ("DELETED", ingress("c")), ("ADDED", ingress("c", "again.example.test", 2)))

    assert [each.url for each in world.catalog.entries("local/ingress")] == ["http://again.example.test"]


def test_an_object_of_the_same_name_that_was_born_again_is_another() -> None:
    world = World().tell(("ADDED", ingress("a")))

    world.tell(("MODIFIED", of_another_life(ingress("a", version=2))))

    assert world.batches[-1] == ["- a", "+ a"]


def test_a_write_that_touches_nothing_that_is_read_ends_here() -> None:
    world = World().tell(("ADDED", ingress("a")))
    asked = len(world.asked)

    world.tell(("MODIFIED", ingress("a", version=2)))

    assert len(world.batches) == 1
    assert len(world.asked) == asked


def test_a_list_that_says_the_same_changes_nothing() -> None:
    world = World()
    world.intake(Replaced((ingress("a"), ingress("b")), "5", "initial"))

    world.intake(Replaced((ingress("a", version=2), ingress("b")), "6", "safety"))

    assert world.batches == [["+ a", "+ b"]]


def test_objects_are_asked_about_checks_only_where_somebody_wants_to_know() -> None:
    curious, idle = World(), World(checked=False)

    curious.tell(("ADDED", ingress("a")), ("DELETED", ingress("b")))
    idle.tell(("ADDED", ingress("a")), ("DELETED", ingress("b")))

    assert curious.asked == ["local/ingress/default/a", "gone local/ingress/default/b"]
    assert idle.asked == []


def test_what_entries_have_in_common_is_held_once() -> None:
    world = World().tell(("ADDED", ingress("a")), ("ADDED", ingress("b")))

    first, second = world.catalog.entries("local/ingress")

    assert first.namespace is second.namespace
    assert first.group is second.group
