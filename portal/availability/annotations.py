"""What the owner of an object may write about its check, in the object's annotations.

Nothing here stops a check from being made: a value that cannot be read costs that one setting, and is named.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from msgspec import Struct

from portal.availability.targets import CheckSpec, target_from_url

PREFIX: Final = "startpunkt.ullberg.us/"
HAJIMARI_SWITCH: Final = "hajimari.io/statusCheckEnabled"
LEAST_INTERVAL: Final = 5.0  # seconds; nobody's annotation makes portal a nuisance to its neighbours
MOST_INTERVAL: Final = 86_400.0  # as in the configuration; with one that is infinite nothing can be planned any more

ON: Final = frozenset(("on", "true", "yes"))
OFF: Final = frozenset(("off", "false", "no"))
DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)?")
UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, None: 1.0}
STATUSES: Final = re.compile(r"([1-5]\d\d)(?:-([1-5]\d\d))?|([1-5])xx")
SECRET_NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")


class Mistake(Struct, frozen=True):
    """A value that could not be read, and the annotation that holds it."""

    name: str
    text: str

    def __str__(self) -> str:
        return f"{self.name}: {self.text}"


def spec_from_annotations(annotations: Mapping[str, str]) -> tuple[CheckSpec, tuple[Mistake, ...]]:
    """Return what the annotations say about the check, and which values could not be read."""
    fields: dict[str, Any] = {}
    mistakes: list[Mistake] = []
    for name, read in READERS.items():
        text = annotations.get(name)
        if text is None:
            continue
        try:
            fields |= read(text.strip())
        except ValueError as error:
            mistakes.append(Mistake(name, str(error)))
    return CheckSpec(**fields), tuple(mistakes)


def _check(text: str) -> Mapping[str, object]:
    if text.lower() in ON | OFF:
        return {"off": text.lower() in OFF}
    if text.startswith("/"):
        return {"path": text}
    if target_from_url(text) is None:
        raise ValueError(f'"{text}" is neither on, off, a path nor an http, https or tcp address')
    return {"url": text}


def _switch(text: str) -> Mapping[str, object]:
    return {"off": True} if not _is_on(text) else {}


def _path(text: str) -> Mapping[str, object]:
    if not text.startswith("/"):
        raise ValueError(f'"{text}" does not begin with a slash')
    return {"path": text}


def _insecure(text: str) -> Mapping[str, object]:
    return {"ignore_certificates": _is_on(text)}


def _is_on(text: str) -> bool:
    if text.lower() not in ON | OFF:
        raise ValueError(f'"{text}" is neither true nor false')
    return text.lower() in ON


def _interval(text: str) -> Mapping[str, object]:
    match = DURATION.fullmatch(text)
    if match is None:
        raise ValueError(f'"{text}" is not a duration such as 30s or 5m')
    return {"interval": min(max(LEAST_INTERVAL, float(match[1]) * UNITS[match[2]]), MOST_INTERVAL)}


def _statuses(text: str) -> Mapping[str, object]:
    return {"statuses": tuple(_range(each.strip()) for each in text.split(","))}


def _range(text: str) -> tuple[int, int]:
    match = STATUSES.fullmatch(text.lower())
    if match is None:
        raise ValueError(f'"{text}" is not a status such as 200, 200-299 or 2xx')
    low, high, hundreds = match.groups()
    if hundreds:
        return int(hundreds) * 100, int(hundreds) * 100 + 99
    return int(low), int(high or low)


def _secret(text: str) -> Mapping[str, object]:
    if SECRET_NAME.fullmatch(text) is None:
        raise ValueError(f'"{text}" is not the name of a Secret')
    return {"headers_from": text}


# A later line wins over an earlier one: the general switch of another tool comes first.
READERS: Final[Mapping[str, Callable[[str], Mapping[str, object]]]] = {
    HAJIMARI_SWITCH: _switch,
    PREFIX + "check": _check,
    PREFIX + "checkPath": _path,
    PREFIX + "checkStatus": _statuses,
    PREFIX + "checkInterval": _interval,
    PREFIX + "checkInsecure": _insecure,
    PREFIX + "checkHeadersFrom": _secret,
}
