"""Loads the configuration: finds the file, reads it, lays the environment over it, and checks that it makes sense."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from msgspec import Struct

from portal.settings.document import Member, Members, Scalar, document_from_text
from portal.settings.environment import gather_variables, variable
from portal.settings.errors import Place, Problem, SettingsError, suggestion
from portal.settings.reading import EXPECTED_KEYS, Found, build, fields_of, gather
from portal.settings.tree import Settings

ROOTS: Final = ("startpunkt", "portal")
CANDIDATES: Final = (Path("config/application.yaml"), Path("/config/application.yaml"))
LARGEST_FILE: Final = 1024 * 1024
"""Bytes; a ConfigMap cannot be larger."""

FALLBACKS: Final = (
    ("realtime.heartbeatInterval", "websocket.heartbeatInterval"),
    ("realtime.eventDebounceMs", "websocket.eventDebounceMs"),
)


class Loaded(Struct, frozen=True):
    """A configuration, what is to be said about it, and the file that it comes from."""

    settings: Settings
    warnings: tuple[Problem, ...] = ()
    path: Path | None = None


def find(environ: Mapping[str, str], candidates: tuple[Path, ...] = CANDIDATES) -> Path | None:
    """Return the configuration file: the one that `PORTAL_CONFIG` names, else the first of `candidates` that exists."""
    named = environ.get("PORTAL_CONFIG")
    if named:
        return Path(named)
    return next((path for path in candidates if path.exists()), None)


def load(path: Path | None, environ: Mapping[str, str]) -> Loaded:
    """Return the configuration of a file, or of no file, under the environment.

    Raises SettingsError with every mistake that can be found in one go.
    """
    found = Found()
    if path is not None:
        try:
            _gather_file(path, found)
        except SettingsError as error:
            found.problems += error.problems
    gather_variables(Settings, environ, found)
    _find_expressions(found)
    for key, older in FALLBACKS:
        if older in found.given:
            found.given.setdefault(key, found.given[older])
    settings = build(Settings, found.given, found.problems)
    _find_contradictions(settings, found)
    if found.problems:
        raise SettingsError(found.problems)
    return Loaded(settings, _one_per_key(found.warnings), path)


def _one_per_key(warnings: Iterable[Problem]) -> tuple[Problem, ...]:
    first: dict[str, Problem] = {}
    for warning in sorted(warnings):
        first.setdefault(warning.key, warning)
    return tuple(first.values())


class FileChanges:
    """Says, each time it is asked, whether a file holds something else than the last time.

    Compares content, not times: Kubernetes swaps a mounted ConfigMap by a symbolic link, and editors write files anew.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._seen = _digest(path)

    def __call__(self) -> bool:
        """Return whether the file has changed since the last call; one that cannot be read has not changed."""
        digest = _digest(self._path)
        if not digest or digest == self._seen:
            return False
        self._seen = digest
        return True


def _digest(path: Path | None) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest() if path else ""
    except OSError:
        return ""


def _gather_file(path: Path, found: Found) -> None:
    source = str(path)
    document = document_from_text(_text(path), source, found.problems)
    if document is None:
        raise SettingsError([Problem(Place(source, 1, 1), "", f'is empty; its keys stand under "{ROOTS[0]}:"')])
    if not isinstance(document, Members):
        raise SettingsError([Problem(document.place, "", f'must be a group of keys under "{ROOTS[0]}:"')])
    roots = []
    for member in document.members:
        if member.key in ROOTS:
            roots.append(member)
        elif _is_framework(member.key):
            found.warnings.append(Problem(member.place, member.key, "has no effect: portal does not run on Quarkus"))
        else:
            found.problems.append(Problem(member.place, member.key, f"unknown key{_root_hint(member.key)}"))
    _gather_roots(roots, found, source)


def _gather_roots(roots: list[Member], found: Found, source: str) -> None:
    if len(roots) > 1:
        text = f'stands beside "{roots[0].key}": use one of the two'
        found.problems.append(Problem(roots[1].place, roots[1].key, text))
    elif not roots and not found.problems:
        found.problems.append(Problem(Place(source, 1, 1), ROOTS[0], "is missing; every key stands under it"))
    for root in roots:
        if isinstance(root.value, Members):
            gather(Settings, root.value, found, Settings)
        elif root.value is not None:
            found.problems.append(Problem(root.value.place, root.key, EXPECTED_KEYS))


def _is_framework(key: str) -> bool:
    return key == "quarkus" or key.startswith(("quarkus.", "%"))


def _root_hint(key: str) -> str:
    """Suggest a root or, as the root itself is often forgotten, a key that stands right under it."""
    hint = suggestion(key, (*ROOTS, *(field.key for field in fields_of(Settings))))
    return hint if any(f'"{root}"' in hint for root in ROOTS) else hint.replace('"', f'"{ROOTS[0]}.', 1)


def _text(path: Path) -> str:
    def problem(text: str) -> SettingsError:
        return SettingsError([Problem(Place(str(path)), "", text)])

    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise problem(f"cannot be read: {error.strerror or error}") from error
    if len(content) > LARGEST_FILE:
        raise problem(f"is larger than {LARGEST_FILE} bytes")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise problem(f"is not UTF-8 text: {error.reason} at byte {error.start}") from error


def _find_expressions(found: Found) -> None:
    for key, value in found.given.items():
        if isinstance(value, Scalar) and "${" in value.text and value.place.line:  # a file's, and no variable
            text = f"is taken as written: ${{…}} is not filled in; set PORTAL_{variable(key)} instead"
            found.warnings.append(Problem(value.place, key, text))


def _find_contradictions(settings: Settings, found: Found) -> None:
    backoff, availability, selector = settings.watch.backoff, settings.availability, settings.namespace_selector
    unfit = {problem.key for problem in found.problems}  # of these nothing but the defaults is known
    if backoff.initial > backoff.max and unfit.isdisjoint(("watch.backoff.initial", "watch.backoff.max")):
        found.problems.append(_at(found, "watch.backoff.max", "is less than watch.backoff.initial"))
    delays = ("availability.initialDelayMs", "availability.maxDelayMs")
    if availability.initial_delay_ms > availability.max_delay_ms and unfit.isdisjoint(delays):
        text = "is less than availability.initialDelayMs: every wait is as short as this"
        found.warnings.append(_at(found, "availability.maxDelayMs", text))
    if selector.any and selector.match_names and not selector.label_selector:
        text = "has no effect while namespaceSelector.any is true"
        found.warnings.append(_at(found, "namespaceSelector.matchNames", text))
    if not selector.any and not selector.match_names and not selector.label_selector:
        found.warnings.append(_at(found, "namespaceSelector.any", "is false without matchNames: no namespace is read"))


def _at(found: Found, key: str, text: str) -> Problem:
    """Return a problem at the key, or, where only its default counts, at the key beside it that was given."""
    section = key.rpartition(".")[0]
    given = found.given.get(key) or next(value for name, value in found.given.items() if name.startswith(f"{section}."))
    return Problem(given.place, key, text)
