"""The truth of the scenario server: objects, the history of their changes, and one resourceVersion for all."""

from __future__ import annotations

import base64
import binascii
import bisect
import json
import threading
import uuid
from dataclasses import dataclass, field
from typing import Any

Object = dict[str, Any]
Key = tuple[str, str]


class Refusal(Exception):  # noqa: N818 - an answer of the API, not a programming error
    """The answer to a request is a Status; raised with its code, reason and message."""

    def __init__(self, code: int, reason: str, message: str, **metadata: str) -> None:
        super().__init__(message)
        self.status: Object = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": metadata,
            "status": "Failure",
            "message": message,
            "reason": reason,
            "code": code,
        }


@dataclass(frozen=True)
class Selection:
    """Which objects of a collection a request asks for: one namespace or all, by labels, by name."""

    namespace: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    name: str = ""

    def holds(self, item: Object | None) -> bool:
        """Tell whether the object exists and is asked for."""
        if item is None:
            return False
        metadata = item["metadata"]
        return (
            self.namespace in ("", metadata.get("namespace", ""))
            and self.name in ("", metadata["name"])
            and all(metadata.get("labels", {}).get(key) == value for key, value in self.labels)
        )


@dataclass(frozen=True)
class Happening:
    """One write: the object before and after it (None: not there), at a resourceVersion."""

    version: int
    before: Object | None
    after: Object | None

    def event(self, selection: Selection) -> Object | None:
        """Return the watch event that this write is to a watcher of `selection`, or None where it is none.

        Leaving the selection is a deletion: of the old object, at the new resourceVersion.
        """
        if selection.holds(self.after):
            return {"type": "MODIFIED" if selection.holds(self.before) else "ADDED", "object": self.after}
        if self.before is not None and selection.holds(self.before):
            metadata = {**self.before["metadata"], "resourceVersion": str(self.version)}
            return {"type": "DELETED", "object": {**self.before, "metadata": metadata}}
        return None


@dataclass
class Collection:
    """The objects of one resource. Watchers end when `generation` moves, as they do when a CRD is edited."""

    group: str
    version: str
    plural: str
    kind: str
    objects: dict[Key, Object] = field(default_factory=dict)
    history: list[Happening] = field(default_factory=list)
    compacted: int = 0
    generation: int = 0
    served: bool = True
    pages: dict[int, dict[Key, Object]] = field(default_factory=dict)

    @property
    def api_version(self) -> str:
        """Return `group/version`, or the version alone for the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def is_custom(self) -> bool:
        """Tell whether the resource is a custom one; lists differ in small things (C4, C6)."""
        return "." in self.group and not self.group.endswith("k8s.io")


class World:
    """All collections behind one lock; `changed` wakes watchers."""

    def __init__(self, collections: list[Collection]) -> None:
        self.changed = threading.Condition()
        self.version = 100
        self.collections = {f"{c.plural}.{c.group}" if c.group else c.plural: c for c in collections}

    def find(self, group: str, version: str, plural: str) -> Collection | None:
        """Return the served collection at this place of the API, or None."""
        collection = self.collections.get(f"{plural}.{group}" if group else plural)
        return collection if collection and collection.served and collection.version == version else None

    def put(self, name: str, item: Object) -> str:
        """Create or update an object and return its resourceVersion; an identical one changes nothing (C32)."""
        with self.changed:
            collection = self.collections[name]
            metadata = item["metadata"]
            key = (metadata.get("namespace", ""), metadata["name"])
            before = collection.objects.get(key)
            kept = (
                before["metadata"]
                if before
                else {"uid": str(uuid.uuid4()), "creationTimestamp": "2026-01-01T00:00:00Z"}
            )
            after = {"apiVersion": collection.api_version, "kind": collection.kind, **item}
            after["metadata"] = {"uid": kept["uid"], "creationTimestamp": kept["creationTimestamp"], **metadata}
            after["metadata"]["resourceVersion"] = kept.get("resourceVersion", "")
            if after == before:
                return str(kept["resourceVersion"])
            after["metadata"]["resourceVersion"] = str(self.version + 1)
            return self._record(collection, key, before, after)

    def delete(self, name: str, namespace: str, item: str) -> str:
        """Delete an object and return the resourceVersion of its deletion."""
        with self.changed:
            collection = self.collections[name]
            key = (namespace, item)
            return self._record(collection, key, collection.objects[key], None)

    def compact(self, name: str) -> None:
        """Forget the history of a collection: older watches and continue tokens have expired."""
        with self.changed:
            collection = self.collections[name]
            collection.history.clear()
            collection.pages.clear()
            collection.compacted = self.version

    def skip(self, versions: int) -> None:
        """Let time pass elsewhere in etcd: the resourceVersion moves without a change here."""
        with self.changed:
            self.version += versions
            self.changed.notify_all()

    def restore(self, name: str, items: list[Object], version: int) -> None:
        """Put an old backup in place: these objects, at this older resourceVersion, and no history."""
        with self.changed:
            collection = self.collections[name]
            collection.objects = {(i["metadata"].get("namespace", ""), i["metadata"]["name"]): i for i in items}
            collection.history.clear()
            collection.pages.clear()
            collection.compacted = 0
            self.version = version

    def remove(self, name: str) -> None:
        """Delete the definition of a custom resource: its objects first (C43), then nothing is served."""
        for namespace, item in list(self.collections[name].objects):
            self.delete(name, namespace, item)
        with self.changed:
            self.collections[name].served = False
            self._end_watches(name)

    def serve(self, name: str) -> None:
        """Serve a resource that was not there."""
        with self.changed:
            self.collections[name].served = True

    def edit(self, name: str) -> None:
        """Edit the definition of a custom resource, which ends its watches without an error (C42)."""
        with self.changed:
            self._end_watches(name)

    def truth(self, name: str) -> list[Object]:
        """Return the objects as they are now."""
        with self.changed:
            return list(self.collections[name].objects.values())

    def page(self, collection: Collection, selection: Selection, limit: int, token: str) -> Object:
        """Return one page of a list; every page is of the same moment. Raises Refusal for a token that is no good."""
        with self.changed:
            version, start = _read_token(token) if token else (self.version, 0)
            objects = collection.pages.get(version) if token else dict(collection.objects)
            if objects is None:
                message = "The provided continue parameter is too old to display a consistent list result."
                raise Refusal(410, "Expired", message, **{"continue": _token(-1, start)})
            selected = [item for _, item in sorted(objects.items()) if selection.holds(item)]
            end = start + limit if limit else len(selected)
            metadata = {"resourceVersion": str(version)}
            if end < len(selected):
                collection.pages[version] = objects
                metadata["continue"] = _token(version, end)
            elif collection.is_custom:
                metadata["continue"] = ""
        items = selected[start:end]
        if not collection.is_custom:
            items = [{k: v for k, v in item.items() if k not in ("kind", "apiVersion")} for item in items]
        kind = f"{collection.kind}List"
        return {"kind": kind, "apiVersion": collection.api_version, "metadata": metadata, "items": items}

    def since(self, collection: Collection, version: int) -> list[Happening]:
        """Return what was written after `version`, in order. Hold `changed`."""
        start = bisect.bisect_right(collection.history, version, key=lambda happening: happening.version)
        return collection.history[start:]

    def _record(self, collection: Collection, key: Key, before: Object | None, after: Object | None) -> str:
        self.version += 1
        if after is None:
            del collection.objects[key]
        else:
            collection.objects[key] = after
        collection.history.append(Happening(self.version, before, after))
        self.changed.notify_all()
        return str(self.version)

    def _end_watches(self, name: str) -> None:
        self.collections[name].generation += 1
        self.changed.notify_all()


def _token(version: int, start: int) -> str:
    return base64.urlsafe_b64encode(json.dumps({"rv": version, "start": start}).encode()).decode()


def _read_token(token: str) -> tuple[int, int]:
    try:
        decoded = json.loads(base64.urlsafe_b64decode(token))
        return int(decoded["rv"]), int(decoded["start"])
    except (binascii.Error, ValueError, KeyError, TypeError) as error:
        raise Refusal(400, "BadRequest", f"continue key is not valid: {error}") from error
