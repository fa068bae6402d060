# ruff: noqa: ANN401 - decoded JSON is of any type
"""One object from wire bytes straight into the fields that a source reads; what it does not read is never built.

The typed decoder does nearly everything. Where it refuses an object, the object is read once more field by field: a
field of the wrong type costs that field and nothing else, and is reported as a Fault.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final, Literal, TypeVar, cast

import msgspec
from msgspec import Raw, Struct

from portal.kube.errors import Malformed
from portal.kube.resources import Projection, Resource
from portal.kube.wording import wording

P = TypeVar("P", bound=Projection)

MOST_FAULTS: Final = 64  # an object with more wrong fields is left out: it is not what it says it is
BROKEN: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_PATH: Final = re.compile(r" - at `(?:key in )?\$(.*)`$", re.DOTALL)
_INDEX: Final = re.compile(r"\[(\d+|\.\.\.)\]")
_OF_ANOTHER_KIND: Final = frozenset({"", ".kind", ".apiVersion"})


class Fault(Struct, frozen=True):
    """A field that could not be read, and the object that it belongs to.

    `path` is as in `spec.rules[0].host`; it is empty, `kind` or `apiVersion` when the object is not ours at all.
    `message` follows it, as in `is text, and a list is wanted`.
    """

    namespace: str
    name: str
    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}: {self.path}: {self.message}"


def decode_object(body: bytes, projection: type[P]) -> tuple[P, tuple[Fault, ...]]:
    """Return one object's projection and the fields that could not be read.

    Raises Malformed when the bytes are no JSON object, or one of another kind.
    """
    try:
        return msgspec.json.decode(body, type=projection), ()
    except msgspec.ValidationError:
        found, faults = object_by_field(json_from_bytes(body), projection)
    except BROKEN as error:
        raise Malformed(f"the object is not JSON: {error}") from error
    if found is None:
        raise Malformed(f"{faults[-1].path or 'the object'}: {faults[-1].message}")
    return found, faults


def json_from_bytes(body: bytes | Raw) -> Any:
    """Return decoded JSON.

    Raises Malformed.
    """
    try:
        return msgspec.json.decode(body)
    except BROKEN as error:
        raise Malformed(f"not JSON: {error}") from error


@lru_cache(maxsize=256)
def checked_projection(resource: Resource, projection: type[P]) -> type[P]:
    """Return a projection that also checks kind and version; as constants they cost nothing to keep."""
    version = f"{resource.group}/{resource.version}" if resource.group else resource.version
    marks: list[tuple[str, Any, Any]] = [
        ("kind", Literal[resource.kind], resource.kind),
        ("api_version", Literal[version], version),
    ]
    made = msgspec.defstruct(projection.__name__, marks, bases=(projection,), frozen=True, gc=False, rename="camel")
    return cast("type[P]", made)


def object_by_field(raw: Any, projection: type[P]) -> tuple[P | None, tuple[Fault, ...]]:
    """Return the object without the fields that are not of their type, and these; None when it is not ours at all.

    `raw` is decoded JSON and is changed.
    """
    _drop_nulls(raw)
    faults: list[Fault] = []
    for _ in range(MOST_FAULTS):
        try:
            return msgspec.convert(raw, projection), tuple(faults)
        except msgspec.ValidationError as error:
            message, _, _ = str(error).partition(" - at ")
            match = _PATH.search(str(error))
            path = match[1] if match else ""
            faults.append(_fault(raw, path.removeprefix("."), message))
            if path in _OF_ANOTHER_KIND or not _drop(raw, path):
                break
    return None, tuple(faults)


def _fault(raw: Any, path: str, message: str) -> Fault:
    metadata = raw.get("metadata") if isinstance(raw, dict) else None
    names = metadata if isinstance(metadata, dict) else {}
    return Fault(str(names.get("namespace", "")), str(names.get("name", "")), path, wording(message))


def _drop_nulls(raw: Any) -> None:
    """Take every null out: it is how Go writes "nothing here", and nobody's mistake."""
    nodes = [raw]
    while nodes:
        node = nodes.pop()
        if isinstance(node, dict):
            for key in [key for key, value in node.items() if value is None]:
                del node[key]
            nodes.extend(node.values())
        elif isinstance(node, list):
            node[:] = [each for each in node if each is not None]
            nodes.extend(node)


def _drop(node: Any, path: str) -> bool:
    """Take what stands at the path out of the object; False when nothing stands there."""
    while (step := _step(node, path)) is not None:
        key, rest = step
        if key is ...:
            return _drop_other_than_text(node)
        if not rest:
            del node[key]
            return True
        node, path = node[key], rest
    return False


def _step(node: Any, path: str) -> tuple[Any, str] | None:
    """Return the key that a path begins with, and what follows it.

    Keys may hold dots themselves; the longest that fits is meant.
    """
    match = _INDEX.match(path)
    if match:
        return (... if match[1] == "..." else int(match[1])), path[match.end() :]
    if not isinstance(node, dict) or not path.startswith("."):
        return None
    fitting = [key for key in node if path.startswith(key, 1) and path[1 + len(key) : 2 + len(key)] in {"", ".", "["}]
    key = max(fitting, key=len, default=None)
    return None if key is None else (key, path[1 + len(key) :])


def _drop_other_than_text(node: Any) -> bool:
    """Take all values that are no text out of a map, for an error that does not name the key."""
    if not isinstance(node, dict):
        return False
    wrong = [key for key, value in node.items() if not isinstance(value, str)]
    for key in wrong:
        del node[key]
    return bool(wrong)
