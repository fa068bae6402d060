"""What the owner of an object wants of its check: in its annotations or, for our own Applications, in its spec."""

from __future__ import annotations

from collections.abc import Mapping
from operator import attrgetter
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import asdict, fields

from portal.availability.annotations import PREFIX, READERS, spec_from_annotations
from portal.availability.targets import CheckSpec
from portal.sources.annotations import Annotations
from portal.sources.notes import Notes

_NAMES: Final = {each.encode_name: each.name for each in fields(Annotations) if each.encode_name in READERS}
_VALUES: Final = attrgetter(*_NAMES.values())
_NOTHING: Final = (None,) * len(_NAMES)
_UNSAID: Final = CheckSpec()


class CheckWords(Struct, frozen=True, gc=False, rename="camel", omit_defaults=True):
    """The `check` of an Application's spec: what the annotations say, each under its own name."""

    enabled: bool | None = None
    url: str | None = None
    path: str | None = None
    status: str | None = None
    interval: str | None = None
    insecure: bool | None = None
    headers_from: str | None = None


_WORDS: Final = {
    "enabled": "check",
    "url": "check",
    "path": "checkPath",
    "status": "checkStatus",
    "interval": "checkInterval",
    "insecure": "checkInsecure",
    "headers_from": "checkHeadersFrom",
}


def check_from_annotations(found: Any, notes: Notes) -> CheckSpec:  # noqa: ANN401 - any source's projection
    """Return what an object's annotations want of its check; values that cannot be read are faults."""
    values = _VALUES(found.metadata.annotations)
    if values == _NOTHING:
        return _UNSAID
    return _read(dict(zip(_NAMES, values, strict=True)), {}, notes)


def check_from_spec(found: Any, notes: Notes) -> CheckSpec:  # noqa: ANN401 - any source's projection
    """Return what an Application's spec or, where that is silent, its annotations want of its check."""
    said = found.spec.check
    if said is None:
        return check_from_annotations(found, notes)
    values = dict(zip(_NAMES, _VALUES(found.metadata.annotations), strict=True))
    places = {}
    for name, value in asdict(said).items():
        if value is not None and not (name == "url" and said.enabled is False):
            key = PREFIX + _WORDS[name]
            values[key], places[key] = _text(value), f"spec.check.{_SPELT[name]}"
    return _read(values, places, notes)


_SPELT: Final = {each.name: each.encode_name for each in fields(CheckWords)}


def _text(value: str | bool) -> str:
    return value if isinstance(value, str) else ("false", "true")[value]


def _read(values: Mapping[str, str | None], places: Mapping[str, str], notes: Notes) -> CheckSpec:
    written = {key: value for key, value in values.items() if value is not None}
    spec, mistakes = spec_from_annotations(written)
    for mistake in mistakes:
        notes.fault(places.get(mistake.name, f"annotation {mistake.name}"), "%s; ignored", mistake.text)
    notes.step("check: %s", _summary(spec))
    return spec


def _summary(spec: CheckSpec) -> str:
    """Return what is asked for, in the words of the annotations."""
    if spec.off:
        return "not asked from outside"
    said = {
        "at": spec.url,
        "path": spec.path,
        "status": ",".join(f"{low}-{high}" if low != high else str(low) for low, high in spec.statuses),
        "interval": f"{spec.interval:g} s" if spec.interval else "",
        "certificates": "any" if spec.ignore_certificates else "",
        "headers from Secret": spec.headers_from,
    }
    return ", ".join(f"{name} {value}" for name, value in said.items() if value) or "as everything else"
