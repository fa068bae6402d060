"""What objects say of how their entries are checked, handed on to who checks: owners' wishes and Services.

A Secret is read only where the configuration allows it, and only one that says itself, by a label, that it is meant
for checks: otherwise whoever may annotate an object could have any Secret of the namespace sent wherever he likes.
Until such a Secret gives a header nothing is asked: the answer would be one to another question than the owner's.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from msgspec.structs import replace

from portal.availability.targets import CheckSpec
from portal.ingest.endpoints import Readiness
from portal.ingest.references import References
from portal.sources.notes import Notes
from portal.sources.references import Reference
from portal.sources.source import Described, Source

SECRET_LABEL: Final = "startpunkt.ullberg.us/check-headers"  # noqa: S105 - its name
HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
HEADER_VALUE: Final = re.compile(r"[\x20-\x7e\t]*")

Headers = tuple[tuple[str, str], ...]
Override = Callable[[str, CheckSpec | None], object]


class Checks:
    """Hands on what objects say about checks; `secrets` says whether headers may come from Secrets."""

    def __init__(self, override: Override, readiness: Readiness, references: References, *, secrets: bool) -> None:
        self._override = override
        self._readiness = readiness
        self._references = references
        self.secrets = secrets

    def found(self, entry_id: str, source: Source, each: Described, notes: Notes) -> None:
        """Take note of an object whose entry is shown."""
        self._readiness.follow(entry_id, source.services(each))
        spec = source.check(each, notes)
        reference = self._reference(each, spec, notes)
        self._references.depend(_owner(entry_id), reference, partial(self._again, entry_id, spec, reference))
        self._again(entry_id, spec, reference)

    def gone(self, entry_id: str) -> None:
        """Take note that an entry is about to go."""
        self._readiness.follow(entry_id, ())
        self._references.depend(_owner(entry_id), (), lambda: None)
        self._override(entry_id, None)

    def _reference(self, each: Described, spec: CheckSpec, notes: Notes) -> tuple[Reference, ...]:
        if spec.headers_from is None or spec.off:
            return ()
        if not self.secrets:
            notes.fault("checkHeadersFrom", "availability.secretHeaders does not allow it; asked without headers")
            return ()
        return (Reference("", ("v1",), "Secret", each.metadata.namespace, spec.headers_from),)

    def _again(self, entry_id: str, spec: CheckSpec, references: tuple[Reference, ...]) -> None:
        """Say how to check, with the headers as they are now, or what for it has to wait."""
        for reference in references:
            spec = self._with_headers(spec, reference)
        self._override(entry_id, spec)

    def _with_headers(self, spec: CheckSpec, reference: Reference) -> CheckSpec:
        if not self._references.is_known(reference):
            return replace(spec, waits=f"waits for {reference}: not read yet")
        secret = self._references.lookup(reference)
        headers = headers_from_secret(secret)
        return replace(spec, headers=headers, waits=None if headers else f"waits for {reference}: {lack(secret)}")


def headers_from_secret(secret: Mapping[str, Any] | None) -> Headers:
    """Return the headers that a Secret holds, name by key; none unless its label says that it is meant for this."""
    if secret is None or not is_meant(secret):
        return ()
    decoded = {name: _decoded(text) for name, text in (secret.get("data") or {}).items()}
    return tuple((name, value) for name, value in decoded.items() if value and HEADER_NAME.fullmatch(name))


def is_meant(secret: Mapping[str, Any]) -> bool:
    """Tell whether a Secret says of itself that it is meant for checks."""
    labels = secret["metadata"].get("labels") or {}
    return bool(labels.get(SECRET_LABEL) == "true")


def lack(secret: Mapping[str, Any] | None) -> str:
    """Return why a Secret gives no headers."""
    if secret is None:
        return "not there, or must not be read"
    return "no header in it" if is_meant(secret) else f'no label {SECRET_LABEL}: "true" on it'


def _decoded(text: object) -> str:
    """Return the value of a header; empty for what cannot be one."""
    try:
        value = base64.b64decode(str(text), validate=True).decode("ascii").strip()
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return value if HEADER_VALUE.fullmatch(value) else ""


def _owner(entry_id: str) -> tuple[str, tuple[str, str]]:
    return ("check", (entry_id, ""))
