"""The view from inside: how many of the endpoints behind each entry are ready, from the cluster's EndpointSlices.

Of a slice only its Service and two numbers are kept. Where there are no slices, or we may not read them, nothing is
said and the view from outside stands alone.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Final

from msgspec import Struct, field

from portal.availability.health import Endpoints
from portal.kube.reflector import Changes, Replaced
from portal.kube.resources import Metadata, Projection, Resource
from portal.model import utc_now
from portal.sources.services import Service

SERVICE_LABEL: Final = "kubernetes.io/service-name"
RESOURCES: Final = tuple(
    Resource("discovery.k8s.io", version, "endpointslices", "EndpointSlice") for version in ("v1", "v1beta1")
)

Key = tuple[str, str]  # namespace and name


class SliceLabels(Struct, frozen=True, gc=False):
    """The label that says whose endpoints a slice holds."""

    service: str = field(default="", name=SERVICE_LABEL)


class SliceMetadata(Metadata, frozen=True, gc=False, rename="camel"):
    """The metadata of an EndpointSlice."""

    labels: SliceLabels | None = None


class Conditions(Struct, frozen=True, gc=False):
    """How one endpoint is; what is not said of `ready` means yes."""

    ready: bool | None = None
    terminating: bool | None = None


class Endpoint(Struct, frozen=True, gc=False):
    """One endpoint, nearly always a pod."""

    conditions: Conditions | None = None


class EndpointSlice(Projection, frozen=True, gc=False, rename="camel"):
    """Some of the endpoints of a Service, all of one address family."""

    metadata: SliceMetadata = SliceMetadata()
    address_type: str = ""
    endpoints: tuple[Endpoint, ...] | None = None


class Count(Struct, frozen=True, gc=False):
    """How many endpoints of one address family a slice holds, and how many of them are ready."""

    service: Service
    family: str
    ready: int
    total: int


Tell = Callable[[str, Endpoints | None], object]


def this_second() -> datetime:
    """Return the present moment, to the second."""
    return utc_now().replace(microsecond=0)


class Readiness:
    """Counts the ready endpoints behind each entry, and tells when the numbers change."""

    def __init__(self, tell: Tell, now: Callable[[], datetime] = this_second) -> None:
        self._tell = tell
        self._now = now
        self._slices: dict[Key, Count] = {}
        self._of: dict[Service, dict[Key, Count]] = {}
        self._services: dict[str, tuple[Service, ...]] = {}
        self._entries: dict[Service, dict[str, None]] = {}
        self._told: dict[str, Endpoints] = {}
        self._lock = threading.Lock()  # slices and entries come from different reflectors

    def follow(self, entry_id: str, services: tuple[Service, ...]) -> None:
        """Take these for the Services behind an entry; none means that it is gone, or that nobody knows."""
        with self._lock:
            if self._services.get(entry_id, ()) != services:
                self._link(entry_id, services)
                self._recount((entry_id,))

    def deliver(self, namespace: str, delivery: Replaced[Any] | Changes[Any]) -> None:
        """Take note of what a reflector of slices, in one namespace or in all (empty), has delivered."""
        with self._lock:
            if isinstance(delivery, Replaced):
                kept = {key_of(each) for each in delivery.objects}
                gone = [key for key in self._slices if key not in kept and namespace in ("", key[0])]
                news = [(key, None) for key in gone] + [(key_of(each), count_of(each)) for each in delivery.objects]
            else:
                news = [
                    (key_of(each.object), None if each.type == "DELETED" else count_of(each.object))
                    for each in delivery.events
                ]
            services = [service for key, count in news for service in self._put(key, count)]
            self._recount(dict.fromkeys(entry for each in services for entry in self._entries.get(each, ())))

    def _link(self, entry_id: str, services: tuple[Service, ...]) -> None:
        for service in self._services.pop(entry_id, ()):
            users = self._entries[service]
            del users[entry_id]
            if not users:
                del self._entries[service]
        if services:
            self._services[entry_id] = services
        for service in services:
            self._entries.setdefault(service, {})[entry_id] = None

    def _put(self, key: Key, count: Count | None) -> list[Service]:
        """Keep the numbers of a slice, none when it is gone; return whose they were and are, when they are new."""
        before = self._slices.pop(key, None)
        if before is not None:
            del self._of[before.service][key]
        if count is not None:
            self._slices[key] = self._of.setdefault(count.service, {})[key] = count
        if before is not None and not self._of[before.service]:
            del self._of[before.service]
        return [] if before == count else [each.service for each in (before, count) if each is not None]

    def _recount(self, entries: Iterable[str]) -> None:
        for entry_id in entries:
            before = self._told.get(entry_id)
            counted = self._counted(self._services.get(entry_id, ()))
            if counted is None:
                if self._told.pop(entry_id, None):
                    self._tell(entry_id, None)
            elif before is None or counted != (before.ready, before.total):
                # Since when the numbers of the first moment are so, nobody knows.
                told = self._told[entry_id] = Endpoints(*counted, None if before is None else self._now())
                self._tell(entry_id, told)

    def _counted(self, services: tuple[Service, ...]) -> tuple[int, int] | None:
        counted = [ready_of_total(held.values()) for each in services if (held := self._of.get(each))]
        return (sum(ready for ready, _ in counted), sum(total for _, total in counted)) if counted else None


def key_of(each: EndpointSlice) -> Key:
    """Return the namespace and name of a slice."""
    return each.metadata.namespace, each.metadata.name


def count_of(each: EndpointSlice) -> Count | None:
    """Return the numbers of a slice, or None where it belongs to no Service; who is leaving is not counted."""
    name = each.metadata.labels.service if each.metadata.labels else ""
    if not name:
        return None
    conditions = [endpoint.conditions or Conditions() for endpoint in each.endpoints or ()]
    staying = [condition for condition in conditions if not condition.terminating]
    ready = sum(condition.ready is not False for condition in staying)
    return Count(Service(each.metadata.namespace, name), each.address_type, ready, len(staying))


def ready_of_total(counts: Iterable[Count]) -> tuple[int, int]:
    """Return how many endpoints of a Service are ready, of how many; two address families are the same pods."""
    families: dict[str, tuple[int, int]] = {}
    for count in counts:
        ready, total = families.get(count.family, (0, 0))
        families[count.family] = (ready + count.ready, total + count.total)
    return max(families.values(), key=lambda numbers: (numbers[1], -numbers[0]))
