"""What is kept of checks over a restart, as bytes: the last day of each URL, and what owners want; no secrets."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, msgpack
from msgspec.structs import replace

from portal.availability.errors import HistoryUnreadableError
from portal.availability.history import SavedDay
from portal.availability.targets import CheckSpec


class SavedChecks(Struct, frozen=True, array_like=True):
    """The last day by URL, and what owners want by entry."""

    days: dict[str, SavedDay]
    specs: dict[str, CheckSpec]


def bytes_from_checks(days: dict[str, SavedDay], specs: Mapping[str, CheckSpec]) -> bytes:
    """Return both as bytes."""
    return msgpack.encode(SavedChecks(days, {entry_id: without_headers(spec) for entry_id, spec in specs.items()}))


def checks_from_bytes(saved: bytes) -> SavedChecks:
    """Return what was saved; raises HistoryUnreadableError."""
    try:
        return msgpack.decode(saved, type=SavedChecks)
    except ValueError as error:  # also for bytes that are no text
        raise HistoryUnreadableError(str(error)) from error


def without_headers(spec: CheckSpec) -> CheckSpec:
    """Return what may be written down; what needs a Secret is not asked until that is read again."""
    return spec if spec.headers_from is None else replace(spec, headers=(), waits=None, off=True)
