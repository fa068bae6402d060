"""The documents of a Kubernetes API, typed: pages of a list and lines of a watch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Generic, Literal, TypeVar, cast

import msgspec
from msgspec import Raw, Struct

from portal.kube.decode import BROKEN, Fault, checked_projection, json_from_bytes, object_by_field
from portal.kube.errors import KubeError, Malformed, error_from_status
from portal.kube.listwatch import Page, WatchEvent
from portal.kube.resources import Projection, Resource

P = TypeVar("P", bound=Projection)
T = TypeVar("T")

Notice = Callable[[Fault], None]
Events = tuple[Sequence[WatchEvent[P]], KubeError | None]
"""Events, and what went wrong right after them."""


class ListMetadata(Struct, frozen=True, gc=False, rename="camel"):
    """The metadata of a list."""

    resource_version: str = ""
    continue_token: str | None = msgspec.field(default="", name="continue")


class ListBody(Struct, Generic[T], frozen=True):
    """A page of a list."""

    kind: str = ""
    metadata: ListMetadata = ListMetadata()
    items: tuple[T, ...] | None = ()


class RawEvent(Struct, frozen=True):
    """An event whose object is not read yet."""

    type: str = ""
    object: Raw = Raw(b"null")


class KnownEvent(WatchEvent[P], Generic[P], frozen=True, gc=False):
    """An event of a type that has an object of ours; the decoder refuses any other, such as ERROR."""

    type: Literal["ADDED", "MODIFIED", "DELETED", "BOOKMARK"]
    object: P


_RAW_LIST: Final = msgspec.json.Decoder(ListBody[Raw])
_RAW_EVENT: Final = msgspec.json.Decoder(RawEvent)


class ObjectDecoder(Generic[P]):
    """Decodes the objects of one resource into one projection.

    Objects that name another kind or version are refused. Items of built-in lists name none, which is right; those of
    custom resources do, and the objects of a watch always do.
    """

    def __init__(self, resource: Resource, projection: type[P]) -> None:
        self._type = checked_projection(resource, projection)
        self._list = msgspec.json.Decoder(ListBody[self._type])  # type: ignore[name-defined]
        self._item = msgspec.json.Decoder(self._type)
        self._lines = msgspec.json.Decoder(KnownEvent[self._type]).decode_lines  # type: ignore[name-defined]

    def page(self, body: bytes) -> Page[P]:
        """Return one page of a list.

        Raises Malformed when it is none: a Status or a Table with code 200, or the page of a proxy.
        """
        faults: list[Fault] = []
        try:
            listed: ListBody[P] = self._list.decode(body)
        except msgspec.ValidationError:
            listed = self._one_by_one(body, faults.append)
        except BROKEN as error:
            raise Malformed(f"the answer to a list is not JSON: {error}") from error
        if not listed.kind.endswith("List"):
            raise Malformed(f"the answer to a list is of kind {listed.kind or '(none)'}")
        metadata = listed.metadata
        return Page(listed.items or (), metadata.resource_version, metadata.continue_token or "", tuple(faults))

    def events(self, lines: bytes, notice: Notice) -> Events[P]:
        """Return the events in whole lines of a watch; those whose object is not ours have no name.

        An ERROR event or a line that is no JSON ends them; what it means is returned too.
        """
        try:
            return self._lines(lines), None
        except BROKEN:  # one of the lines is wrong, and the others are not
            return self._line_by_line(lines, notice)

    def _one_by_one(self, body: bytes, notice: Notice) -> ListBody[P]:
        try:
            raw = _RAW_LIST.decode(body)
        except BROKEN as error:
            raise Malformed(f"the answer to a list is none: {error}") from error
        items = [self._object(item, notice) for item in raw.items or ()]
        return ListBody(raw.kind, raw.metadata, tuple(item for item in items if item is not None))

    def _line_by_line(self, lines: bytes, notice: Notice) -> Events[P]:
        events: list[WatchEvent[P]] = []
        for line in lines.splitlines():
            if not line.strip():
                continue
            try:
                event = self._event(line, notice)
            except KubeError as error:
                return events, error
            events.append(event)
        return events, None

    def _event(self, line: bytes, notice: Notice) -> WatchEvent[P]:
        """Return one event; one whose object is not ours has no name, so that its version is known all the same."""
        try:
            raw = _RAW_EVENT.decode(line)
        except BROKEN as error:
            raise Malformed(f"a line of the watch is no event: {error}") from error
        if raw.type == "ERROR":
            raise error_from_status(json_from_bytes(raw.object))
        return WatchEvent(raw.type, self._object(raw.object, notice) or self._nameless(raw.object))

    def _nameless(self, raw: Raw) -> P:
        decoded = json_from_bytes(raw)
        metadata = decoded.get("metadata") if isinstance(decoded, dict) else None
        version = metadata.get("resourceVersion") if isinstance(metadata, dict) else None
        known = {"resourceVersion": version if isinstance(version, str) else ""}
        return cast("P", msgspec.convert({"metadata": known}, self._type))

    def _object(self, raw: Raw, notice: Notice) -> P | None:
        try:
            return cast("P", self._item.decode(raw))
        except msgspec.ValidationError:
            found, faults = object_by_field(json_from_bytes(raw), self._type)
        except BROKEN as error:
            raise Malformed(f"an object is not JSON: {error}") from error
        for fault in faults:
            notice(fault)
        return found
