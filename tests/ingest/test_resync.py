from __future__ import annotations

import threading

from portal.catalog.state import Catalog
from portal.ingest.resync import Resync
from portal.model import Change
from tests.catalog.entries import application


class World:
    """A catalog with two hundred entries, and what a resync of them announces."""

    def __init__(self) -> None:
        self.catalog = Catalog(lambda _: None)
        self.catalog.replace("local/ingress", [application(f"app-{number}") for number in range(120)])
        self.announced: list[Change] = []
        self.pauses: list[float] = []
        self.resync = Resync(
            300, lambda: self.catalog.entries("local/ingress"), self.announced.extend, self.pauses.append
        )


def test_every_entry_is_announced_once_as_it_is() -> None:
    world = World()

    world.resync.deliver()

    assert [change.after for change in world.announced] == list(world.catalog.entries("local/ingress"))
    assert all(change.before == change.after for change in world.announced)
    assert len(world.pauses) == 3


def test_what_goes_meanwhile_is_not_brought_back() -> None:
    world = World()
    last = world.catalog.entries("local/ingress")[-1]
    world.resync._give_way = lambda _: world.catalog.change("local/ingress", (), (last.id,))

    world.resync.deliver()

    assert last.id not in {change.entry.id for change in world.announced}
    assert len(world.announced) == 119


def test_nothing_is_announced_before_the_period_is_over() -> None:
    world, stop = World(), threading.Event()
    stop.set()

    world.resync.run(stop)

    assert world.announced == []
