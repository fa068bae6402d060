"""Values that stand in another object: which object is meant, and how a value is found in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from msgspec import Struct

from portal.kube.resources import Resource
from portal.sources.notes import Notes
from portal.sources.urls import is_ipv6

_STEP: Final = re.compile(r"""\.?([^.\[\]"']+)|\["([^"]*)"\]|\['([^']*)'\]|\[(\d{1,6})\]""", re.ASCII)
# These become segments of a path on the API server, where `..` or `/` would lead to another object than the one named.
_SEGMENT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:_-]*")


class Reference(Struct, frozen=True):
    """Another object that an entry depends on, in the newest served of these versions."""

    group: str
    versions: tuple[str, ...]
    kind: str
    namespace: str
    name: str

    @property
    def resources(self) -> tuple[Resource, ...]:
        """Return the resources that may hold the object, preferred first; their plurals are guessed from the kind."""
        plural = plural_from_kind(self.kind)
        return tuple(Resource(self.group, version, plural, self.kind) for version in self.versions)

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


Lookup = Callable[[Reference], Mapping[str, Any] | None]
"""Returns the object that a reference means, as decoded JSON, or None where it is absent or not known."""


def nothing_known(reference: Reference) -> None:
    """Know of no other object."""


class UrlFrom(Struct, frozen=True, gc=False, rename="camel", omit_defaults=True):
    """Where an Application's address stands: in a property of another object."""

    api_version: str | None = None
    api_group: str | None = None
    kind: str | None = None
    name: str | None = None
    namespace: str | None = None
    property: str | None = None
    url_template: str | None = None


def reference_from_url_from(url_from: UrlFrom, namespace: str) -> Reference | None:
    """Return the object that `urlFrom` means; None where a required part is missing or no name, and for Secrets.

    A Secret is never read: its value would stand on a page that everybody may open.
    """
    group, _, version = (url_from.api_version or "").rpartition("/")
    group = url_from.api_group or group
    namespace = url_from.namespace or namespace
    kind, name = url_from.kind or "", url_from.name or ""
    segments = (group or "core", version, kind, name, namespace or "default")
    if is_secret(url_from) or not all(map(_SEGMENT.fullmatch, segments)):
        return None
    return Reference(group, (version,), kind, namespace, name)


def is_secret(url_from: UrlFrom) -> bool:
    """Return whether `urlFrom` means a Secret, however its kind is spelt."""
    return (url_from.kind or "").lower() in ("secret", "secrets")


def value_from_reference(url_from: UrlFrom, namespace: str, lookup: Lookup, notes: Notes) -> str | None:
    """Return the text that `urlFrom` gives, its template filled in; None, with a note, where it gives nothing."""
    place = "spec.urlFrom"
    reference = reference_from_url_from(url_from, namespace)
    if reference is None:
        why = "Secrets are never read" if is_secret(url_from) else "it needs an apiVersion, a kind and a name"
        notes.fault(place, why)
        return None
    found = lookup(reference)
    if found is None:
        notes.fault(place, "%s is not there, or must not be read", reference)
        return None
    path = path_from_property(url_from.property or "")
    if path is None:
        notes.fault(f"{place}.property", '%r is not a path such as data.url, ip[0] or data["a.b"]', url_from.property)
        return None
    value = text_from_value(value_at(found, path))
    if value is None:
        notes.fault(f"{place}.property", "%s holds no single value at %s", reference, url_from.property)
        return None
    notes.step("urlFrom: %s of %s is %r", url_from.property, reference, value)
    return _filled(url_from.url_template, value) if url_from.url_template else value


def _filled(template: str, value: str) -> str:
    """Return the template with the value in it, in brackets where it is the host and an address of IPv6."""
    if is_ipv6(value):
        template = template.replace("://{0}", f"://[{value}]")
    return template.replace("{0}", value)


def path_from_property(text: str) -> tuple[str | int, ...] | None:
    """Return the steps of a path such as `status.ingress[0].ip` or `data["a.b"]`, or None for anything else."""
    text = text.strip().removeprefix("$").removeprefix(".")
    steps: list[str | int] = []
    position = 0
    while position < len(text):
        match = _STEP.match(text, position)
        if match is None or (position == 0 and text[0] == "."):
            return None
        *names, index = match.groups()
        steps += [name for name in names if name is not None] if index is None else [int(index)]
        position = match.end()
    return tuple(steps) or None


def value_at(value: object, path: tuple[str | int, ...]) -> object:
    """Return what stands at the path, or None where a step leads nowhere."""
    for step in path:
        if isinstance(step, int):
            value = value[step] if isinstance(value, list | tuple) and step < len(value) else None
        else:
            value = value.get(step) if isinstance(value, Mapping) else None
    return value


def text_from_value(value: object) -> str | None:
    """Return a single value as text; None for null, lists and maps."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int | float) else None


def plural_from_kind(kind: str) -> str:
    """Return the plural of a kind as the API writes it: `Ingress` is `ingresses`, `NetworkPolicy` `networkpolicies`."""
    singular = kind.lower()
    if singular == "endpoints":
        return singular
    if singular.endswith(("s", "x", "ch", "sh")):
        return f"{singular}es"
    if singular.endswith("y") and singular[-2:-1] not in ("a", "e", "i", "o", "u"):
        return f"{singular[:-1]}ies"
    return f"{singular}s"
