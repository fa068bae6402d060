"""What entries depend on is followed as long as they do, and waited for no longer than it makes sense."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec

from portal.catalog.state import Catalog
from portal.ingest.intake import Feed, Intake
from portal.ingest.journal import Journal
from portal.ingest.references import References, WholeObject
from portal.kube.reflector import Replaced
from portal.logs import LimitedLine
from portal.sources.references import Reference
from portal.sources.source import Described, MappingOptions
from portal.sources.startpunkt import APPLICATION

FEED = Feed(APPLICATION, MappingOptions(only_annotated=False))
OTHER = Feed(APPLICATION, MappingOptions(only_annotated=False, default_protocol="https"))


class World:
    """References that are told by the test, and a clock that goes only while somebody waits."""

    def __init__(self) -> None:
        self.followed: dict[str, Callable[[Any], None]] = {}
        self.catalog = Catalog(lambda _: None)
        self.now = 0.0
        self.references = References(self._follow, lambda: self.now, self._pause)

    def intake(self, feed: Feed = FEED, after: Intake | None = None) -> Intake:
        journal = Journal(LimitedLine(lambda *_: None))
        return Intake(feed, self.catalog, self.references, journal, after=after)

    def tell(self, name: str, url: str, followed: Callable[[Any], None] | None = None) -> None:
        content = {"metadata": {"name": name}, "data": {"url": url}}
        deliver = followed or self.followed[name]
        deliver(Replaced((msgspec.convert(content, WholeObject),), "1", "initial"))

    def urls(self) -> list[str]:
        return [each.url for each in self.catalog.snapshot().applications]

    def _follow(self, reference: Reference, deliver: Any) -> Callable[[], object]:
        self.followed[reference.name] = deliver
        return lambda: self.followed.pop(reference.name)

    def _pause(self, known: threading.Event, seconds: float) -> None:
        del known
        self.now += seconds


def application(name: str, refers_to: str) -> Described:
    url_from = {"apiVersion": "v1", "kind": "ConfigMap", "name": refers_to, "property": "data.url"}
    metadata = {"name": name, "namespace": "default", "uid": name, "resourceVersion": "1"}
    document = {"metadata": metadata, "spec": {"name": name, "urlFrom": url_from if refers_to else None}}
    decoded: Described = msgspec.json.decode(msgspec.json.encode(document), type=APPLICATION.projection)
    return decoded


def listed(*objects: Described) -> Replaced[Any]:
    return Replaced(objects, "1", "relist")


def test_what_is_out_of_reach_is_waited_for_once_and_not_for_each() -> None:
    world = World()

    world.intake()(listed(*(application(f"a{number}", f"c{number}") for number in range(500))))

    assert world.now == 2


def test_as_long_as_something_becomes_known_the_rest_is_waited_for() -> None:
    world = World()
    intake = world.intake()
    intake(listed(application("a", "c"), application("b", "d")))
    world.now = 100
    world.tell("c", "http://c.example.test")

    world.references.settle(APPLICATION.references(application("b", "d")))

    assert world.now == 102


def test_who_went_while_it_was_followed_anew_does_not_come_back_with_what_it_referred_to() -> None:
    world = World()
    before = world.intake()
    before(listed(application("a", "c"), application("b", "d")))
    tell_late = partial(world.tell, "c", "http://c.example.test", world.followed["c"])

    world.intake(OTHER, after=before)(listed(application("b", "")))
    tell_late()

    assert world.followed == {}
    assert [each.name for each in world.catalog.snapshot().applications] == ["b"]


def test_who_stays_while_it_is_followed_anew_is_mapped_in_the_new_way() -> None:
    world = World()
    before = world.intake()
    before(listed(application("a", "c")))
    world.tell("c", "c.example.test")

    world.intake(OTHER, after=world.intake(OTHER, after=before))(listed(application("a", "c")))
    world.tell("c", "d.example.test")

    assert world.urls() == ["https://d.example.test"]
