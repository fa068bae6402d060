"""Configuration from environment variables: the MicroProfile spelling of a key, behind `PORTAL_` or `STARTPUNKT_`.

`web.githubLink.enabled` is `PORTAL_WEB_GITHUBLINK_ENABLED`. A name that spells no key is not ours and is left alone:
Kubernetes itself sets `PORTAL_PORT` in the pods beside a Service called portal.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from portal.settings.document import Items, Scalar, Value
from portal.settings.errors import Place, Problem
from portal.settings.kinds import Kind, Many
from portal.settings.reading import Found, Ignored, Rows, Section, keys_of

PREFIXES: Final = ("STARTPUNKT_", "PORTAL_")
"""The later one wins."""

LONGEST_LIST: Final = 1000


def variable(key: str) -> str:
    """Return the name of a key's variable without its prefix, as in `WEB_GITHUBLINK_ENABLED`."""
    return re.sub(r"[^A-Za-z0-9]", "_", key).upper()


def gather_variables(root: type[Section], environ: Mapping[str, str], found: Found) -> None:
    """Lay what the environment gives over what `found` holds; an empty variable counts as not set."""
    for prefix in PREFIXES:
        for key, takes in keys_of(root):
            if isinstance(takes, Rows):
                continue
            value = _value(prefix + variable(key), key, takes, environ, found)
            if value is not None and isinstance(takes, Ignored):
                found.warnings.append(Problem(value.place, key, f"has no effect: {takes.why}"))
            elif value is not None:
                found.given[key] = value


def _value(name: str, key: str, takes: Kind | Ignored, environ: Mapping[str, str], found: Found) -> Value | None:
    file_name = f"{name}_FILE"
    if environ.get(name) and environ.get(file_name):
        found.problems.append(Problem(Place(name), key, f"is set, and so is {file_name}: leave one"))
    if environ.get(name):
        return Scalar(environ[name], Place(name))
    if environ.get(file_name):
        return _from_file(file_name, key, environ[file_name], found)
    return _from_indexed(name, environ) if isinstance(takes, Many) else None


def _from_file(name: str, key: str, path: str, found: Found) -> Value | None:
    try:
        return Scalar(Path(path).read_text(encoding="utf-8").rstrip("\r\n"), Place(name))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is not text"
        found.problems.append(Problem(Place(name), key, f'cannot read "{path}": {reason}'))
        return None


def _from_indexed(name: str, environ: Mapping[str, str]) -> Value | None:
    """Read a list spelt one variable per item, `NAME_0_`, `NAME_1_` and so on."""
    items: list[Value] = []
    while len(items) < LONGEST_LIST and (text := environ.get(f"{name}_{len(items)}_")):
        items.append(Scalar(text, Place(f"{name}_{len(items)}_")))
    return Items(tuple(items), Place(name)) if items else None
