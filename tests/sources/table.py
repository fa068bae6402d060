"""The cases of a source: an object in, an entry or a reason out. One YAML file per source in `cases/`.

`object` may leave out its metadata (`default/app`); `options` are those of the source, `onlyAnnotated: false` unless
given; `others` are objects that can be looked up, by kind, namespace and name. Expected are: `entry`, of which only the
members that are named are compared (null: not there), or `hidden`; `faults`, the places of all faults; `says`, texts
that stand in steps or faults.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import yaml

from portal.model import Origin
from portal.sources import SOURCES
from portal.sources.notes import Trace
from portal.sources.source import MappingOptions, Source

if TYPE_CHECKING:
    from portal.sources.references import Lookup, Reference
    from portal.sources.source import Described

CASES = Path(__file__).with_name("cases")
BY_NAME = {source.name: source for source in SOURCES}


class Case(msgspec.Struct, forbid_unknown_fields=True):
    """One case, as it stands in a table."""

    case: str
    object: dict[str, Any] = {}
    options: dict[str, Any] = {}
    others: dict[str, Any] = {}
    entry: dict[str, Any] | None = None
    hidden: bool = False
    faults: list[str] = []
    says: list[str] = []

    def __str__(self) -> str:
        return self.case

    @property
    def expected(self) -> dict[str, Any]:
        """Return what the case expects."""
        return {"hidden": self.hidden, "entry": self.entry or {}, "faults": self.faults, "says": self.says}


class Options(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """The options of a source, as a case writes them."""

    only_annotated: bool = False
    default_protocol: str = "http"
    ingress_class_names: tuple[str, ...] = ()
    include_unclassified: bool = True


def cases(source: str) -> list[Case]:
    """Return the cases of a source."""
    rows = [row for path in sorted((CASES / source).glob("*.yaml")) for row in yaml.safe_load(path.read_text())]
    return msgspec.convert(rows, list[Case])


def projection_of(source: Source, document: dict[str, Any]) -> Described:
    """Return the part of an object that the source reads, decoded as from the wire."""
    metadata = {"name": "app", "namespace": "default", "resourceVersion": "7"} | document.get("metadata", {})
    return msgspec.json.decode(msgspec.json.encode(document | {"metadata": metadata}), type=source.projection)


def outcome(name: str, case: Case) -> dict[str, Any]:
    """Return what the source makes of the case, in the shape of what the case expects."""
    source = BY_NAME[name]
    trace = Trace()
    projection = projection_of(source, case.object)
    metadata = projection.metadata
    options = MappingOptions(**msgspec.structs.asdict(msgspec.convert(case.options, Options)))
    origin = Origin("local", name, metadata.namespace, metadata.name)
    entry = source.entry(projection, origin, options, trace, lookup_in(case.others))
    built = msgspec.json.decode(msgspec.json.encode(entry)) or {}
    said = [str(note) for note in trace.notes]
    return {
        "hidden": entry is None,
        "entry": {key: built.get(key) for key in case.entry or {}},
        "faults": [note.place for note in trace.faults],
        "says": [text for text in case.says if any(text in line for line in said)] or said * bool(case.says),
    }


def lookup_in(others: dict[str, Any]) -> Lookup:
    """Return a lookup that knows these objects, by the text of their reference."""

    def lookup(reference: Reference) -> Any:
        return others.get(str(reference))

    return lookup
