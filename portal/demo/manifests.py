"""Kubernetes objects without a cluster: listed and watched through the same door as real ones."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, Generic, TypeVar

import msgspec
from msgspec import Struct

from portal.kube.decode import Fault, decode_object
from portal.kube.errors import Expired
from portal.kube.listwatch import Page, WatchEvent
from portal.kube.resources import Projection, Resource

P = TypeVar("P", bound=Projection)

Kind = tuple[str, str]  # group and kind: manifests of every version of a group are one resource
Key = tuple[str, str]  # namespace and name

WINDOW: Final = 4096  # changes that a watch can still resume from


class Record(Struct, frozen=True):
    """One change of one object: the object as it is after it, or was before it went."""

    revision: int
    type: str
    kind: Kind
    key: Key
    body: bytes


class Manifests:
    """All objects by kind, and the log of what happened to them."""

    def __init__(self) -> None:
        self._objects: dict[Kind, dict[Key, dict[str, Any]]] = {}
        self._log: deque[Record] = deque(maxlen=WINDOW)
        self._revision = 1
        self._changed = threading.Condition()

    @property
    def revision(self) -> int:
        """Return the resourceVersion of the whole."""
        return self._revision

    def put(self, manifest: dict[str, Any]) -> None:
        """Apply one manifest: what is equal already changes nothing."""
        kind, key = kind_of(manifest), key_of(manifest)
        held = self._objects.setdefault(kind, {})
        before = held.get(key)
        if before is not None and without_marks(before) == without_marks(manifest):
            return
        uid = before["metadata"]["uid"] if before else f"{key[0]}-{key[1]}-{self._revision}"
        self._write("MODIFIED" if before else "ADDED", kind, key, manifest, uid)

    def drop(self, kind: Kind, key: Key) -> None:
        """Delete one object, if it is there."""
        before = self._objects.get(kind, {}).pop(key, None)
        if before is not None:
            self._write("DELETED", kind, key, before, before["metadata"]["uid"])

    def everything(self) -> Iterator[tuple[Kind, Key]]:
        """Name every object."""
        return ((kind, key) for kind, held in tuple(self._objects.items()) for key in tuple(held))

    def of(self, kind: Kind) -> dict[Key, dict[str, Any]]:
        """Return the objects of a kind."""
        return dict(self._objects.get(kind, {}))

    def since(self, revision: int) -> list[Record]:
        """Return what happened after a revision.

        Raises Expired when the log no longer reaches back that far.
        """
        if self._log and revision < self._log[0].revision - 1:
            raise Expired(f"resourceVersion {revision} is older than the log")
        return [record for record in self._log if record.revision > revision]

    def wait(self, revision: int, seconds: float) -> None:
        """Return when something happened after a revision, or when the time is over."""
        with self._changed:
            self._changed.wait_for(lambda: self._revision > revision, timeout=seconds)

    def _write(self, verb: str, kind: Kind, key: Key, manifest: dict[str, Any], uid: str) -> None:
        with self._changed:
            self._revision += 1
            marks = {"namespace": key[0], "uid": uid, "resourceVersion": str(self._revision)}
            written = {**manifest, "metadata": {**manifest["metadata"], **marks}}
            if verb != "DELETED":
                self._objects.setdefault(kind, {})[key] = written
            self._log.append(Record(self._revision, verb, kind, key, msgspec.json.encode(written)))
            self._changed.notify_all()


class ManifestListWatch(Generic[P]):
    """Lists and watches one resource of a set of manifests."""

    def __init__(
        self,
        manifests: Manifests,
        resource: Resource,
        projection: type[P],
        namespace: str = "",
        name: str = "",
        notice: Callable[[Fault], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._manifests = manifests
        self._kind = (resource.group, resource.kind)
        self._projection = projection
        self._namespace = namespace
        self._name = name
        self._notice = notice
        self._clock = clock

    def list(self, *, limit: int, continue_token: str) -> Page[P]:
        """Return all objects on one page; `limit` and `continue_token` have nothing to do here."""
        del limit, continue_token
        held = self._manifests.of(self._kind)
        objects, faults = self._decoded(msgspec.json.encode(each) for key, each in held.items() if self._covers(key))
        return Page(objects, str(self._manifests.revision), "", faults)

    def watch(self, *, resource_version: str, timeout_seconds: float) -> ManifestWatch[P]:
        """Return the changes after a resourceVersion, as they happen."""
        return ManifestWatch(self, int(resource_version), self._clock() + timeout_seconds, self._clock)

    def batch(self, revision: int) -> tuple[int, Sequence[WatchEvent[P]]]:
        """Return what happened to this resource after a revision, and the revision reached."""
        reached = self._manifests.revision
        records = [
            each for each in self._manifests.since(revision) if each.kind == self._kind and self._covers(each.key)
        ]
        return reached, [self._event(each.type, each.body) for each in records]

    def mark(self, revision: int) -> WatchEvent[P]:
        """Return the progress mark of a revision."""
        return self._event("BOOKMARK", msgspec.json.encode({"metadata": {"resourceVersion": str(revision)}}))

    def wait(self, revision: int, seconds: float) -> None:
        """Wait for something to happen after a revision."""
        self._manifests.wait(revision, seconds)

    def _covers(self, key: Key) -> bool:
        namespace, name = key
        return self._namespace in {"", namespace} and self._name in {"", name}

    def _event(self, verb: str, body: bytes) -> WatchEvent[P]:
        found, faults = decode_object(body, self._projection)
        for fault in faults:
            self._notice(fault)
        return WatchEvent(verb, found)

    def _decoded(self, bodies: Iterable[bytes]) -> tuple[tuple[P, ...], tuple[Fault, ...]]:
        decoded = [decode_object(body, self._projection) for body in bodies]
        return tuple(each for each, _ in decoded), tuple(fault for _, faults in decoded for fault in faults)


class ManifestWatch(Generic[P]):
    """The changes of one resource after a revision, in batches, until the time is over or it is closed."""

    def __init__(self, door: ManifestListWatch[P], revision: int, deadline: float, clock: Callable[[], float]) -> None:
        self._door = door
        self._revision = revision
        self._deadline = deadline
        self._clock = clock
        self._closed = False

    def __iter__(self) -> Iterator[Sequence[WatchEvent[P]]]:
        while not self._closed and (left := self._deadline - self._clock()) > 0:
            self._door.wait(self._revision, min(left, 30))
            before, (self._revision, events) = self._revision, self._door.batch(self._revision)
            yield events or [self._door.mark(max(before, self._revision))]

    def close(self) -> None:
        """End the watch after what is being read now."""
        self._closed = True


def kind_of(manifest: dict[str, Any]) -> Kind:
    """Return the group and kind that a manifest states."""
    group, slash, _ = str(manifest.get("apiVersion", "")).partition("/")
    return (group if slash else "", str(manifest.get("kind", "")))


def key_of(manifest: dict[str, Any]) -> Key:
    """Return the namespace and name of a manifest; the namespace is `default` unless stated."""
    metadata = manifest["metadata"]
    return str(metadata.get("namespace") or "default"), str(metadata["name"])


def without_marks(manifest: dict[str, Any]) -> dict[str, Any]:
    """Return a manifest without what the store writes into it."""
    metadata = {
        name: value
        for name, value in manifest["metadata"].items()
        if name not in {"uid", "resourceVersion", "namespace"}
    }
    return {**manifest, "metadata": metadata}
