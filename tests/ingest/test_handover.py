from __future__ import annotations

from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from portal.ingest.handover import Handover, HandoverMetrics
from portal.kube.listwatch import WatchEvent
from portal.kube.reflector import Changes, Replaced
from portal.kube.resources import Metadata, Projection
from portal.pace import Pace

SOURCE = {"source": "Ingress"}


class Rig:
    """A handover with everything that it hands on, and the depth that is measured meanwhile."""

    def __init__(self, capacity: int) -> None:
        self.registry = CollectorRegistry()
        self.taken: list[list[str]] = []
        self.waiting: list[float | None] = []
        self.turns: list[float] = []
        metrics = HandoverMetrics(self.registry)
        self.hand_over = Handover("Ingress", self.take, capacity, metrics, pace=Pace(give_way=self.turns.append))

    def take(self, delivery: Replaced[Any] | Changes[Any]) -> None:
        self.waiting.append(self.value("waiting_objects"))
        if isinstance(delivery, Changes):
            self.taken.append([f"{each.type} {each.object.metadata.resource_version}" for each in delivery.events])

    def value(self, name: str) -> float | None:
        return self.registry.get_sample_value(f"portal_ingest_{name}", SOURCE)


def event(name: str, version: int, kind: str = "MODIFIED") -> WatchEvent[Any]:
    return WatchEvent(kind, Projection(metadata=Metadata(name=name, resource_version=str(version))))


def test_no_more_than_the_capacity_is_handed_on_together() -> None:
    rig = Rig(2)

    rig.hand_over(Changes([event(f"app-{number}", number) for number in range(5)], "5"))

    assert [len(each) for each in rig.taken] == [2, 2, 1]
    assert (rig.waiting, len(rig.turns)) == ([5, 3, 1], 2)


def test_an_object_that_flaps_counts_once() -> None:
    rig = Rig(10)

    rig.hand_over(Changes([event("a", 1), event("b", 2), event("a", 3), event("a", 4, "DELETED")], "4"))

    assert rig.taken == [["DELETED 4", "MODIFIED 2"]]
    assert rig.value("merged_events_total") == 2


def test_nothing_waits_any_more_when_the_call_returns() -> None:
    rig = Rig(10)

    rig.hand_over(Replaced((event("a", 1).object,), "1", "initial"))

    assert (rig.waiting, rig.value("waiting_objects"), rig.value("wait_seconds_count")) == ([1], 0, 1)


def test_what_fails_is_not_counted_as_waiting_for_ever() -> None:
    rig = Rig(10)
    rig.hand_over._take = fail

    with pytest.raises(RuntimeError):
        rig.hand_over(Replaced((event("a", 1).object,), "1", "initial"))

    assert rig.value("waiting_objects") == 0


def fail(_: object) -> None:
    raise RuntimeError
