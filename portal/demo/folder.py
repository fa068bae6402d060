"""Kubernetes manifests in a folder or a file, followed live: edit, add or delete a file and the objects change."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import Any, Final

import yaml
from msgspec import Struct
from yaml.constructor import SafeConstructor

from portal.demo.lint import is_ordinary, lint
from portal.demo.manifests import Key, Kind, Manifests, key_of, kind_of

log = logging.getLogger(__name__)

SUFFIXES: Final = frozenset({".yaml", ".yml", ".json"})
LOOK_SECONDS: Final = 0.4

Name = tuple[Kind, Key]
Stamp = tuple[int, int]  # modification time in nanoseconds and size


class FolderError(Exception):
    """Raised when there is nothing where the manifests should be."""


class Folder:
    """Keeps a set of manifests equal to the files of a folder and the folders below it, or to one file.

    A file that cannot be read keeps its last good objects. Mistakes, also what is nearly right in a manifest, are said
    with their places when a file was changed, and not again.
    """

    def __init__(self, root: Path, manifests: Manifests) -> None:
        if not root.exists():
            raise FolderError(f"{root} does not exist")
        self._root = root
        self._manifests = manifests
        self._stamps: dict[Path, Stamp] = {}
        self._objects: dict[Path, dict[Name, dict[str, Any]]] = {}

    def run(self, stop: threading.Event) -> None:
        """Follow the files until `stop` is set."""
        while not stop.wait(LOOK_SECONDS):
            self.look()

    def look(self) -> None:
        """Read the files that changed since the last look, and bring the manifests to what the files say."""
        stamps = dict(self._stamped())
        if stamps == self._stamps:
            return
        for path in self._stamps.keys() - stamps.keys():
            self._objects.pop(path, None)
        for path in sorted(stamps):
            if stamps[path] != self._stamps.get(path):
                self._read(path)
        self._stamps = stamps
        self._apply()

    def _stamped(self) -> Iterator[tuple[Path, Stamp]]:
        for path in self._files():
            try:
                seen = path.stat()
            except FileNotFoundError:
                continue  # gone between being named and being looked at
            yield path, (seen.st_mtime_ns, seen.st_size)

    def _files(self) -> Iterable[Path]:
        if self._root.is_dir():
            return (path for path in self._root.rglob("*") if path.suffix in SUFFIXES)
        return (self._root,)  # a file that was named is read, whatever its name ends with

    def _read(self, path: Path) -> None:
        try:
            written = tuple(written_from_yaml(path.read_text(encoding="utf-8")))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            outcome = "keeping what it said before" if path in self._objects else "nothing in it is shown"
            log.warning("%s: %s; %s", place_of(error, path), reason_of(error), outcome)
            return
        self._objects[path] = {(kind_of(each.manifest), key_of(each.manifest)): each.manifest for each in written}
        for each in written:
            name = "/".join(key_of(each.manifest))
            for mistake in lint(each.manifest):
                log.warning("%s:%d: %s %s: %s", path, each.line, each.manifest["kind"], name, mistake)

    def _apply(self) -> None:
        wanted: dict[Name, dict[str, Any]] = {}
        for path in sorted(self._objects):
            for name in self._objects[path].keys() & wanted.keys():
                log.warning("%s: %s %s is in an earlier file too; this one counts", path, name[0][1], "/".join(name[1]))
            wanted |= self._objects[path]
        for kind, key in tuple(self._manifests.everything()):
            if (kind, key) not in wanted:
                self._manifests.drop(kind, key)
        for manifest in wanted.values():
            self._manifests.put(manifest)


class ManifestError(yaml.MarkedYAMLError):
    """Raised when a document is not a Kubernetes manifest; knows where the document begins."""

    def __init__(self, problem: str, place: yaml.Mark) -> None:
        super().__init__(problem=problem, problem_mark=place)


class Written(Struct, frozen=True):
    """A manifest, and the line of its file where it begins."""

    manifest: dict[str, Any]
    line: int


def written_from_yaml(text: str) -> Iterator[Written]:
    """Yield the manifests in a text of YAML documents; a `List` counts as its items.

    Raises yaml.YAMLError, which is a ManifestError when a document has no kind, or needs a name and has none.
    """
    for node in yaml.compose_all(text, Loader=yaml.SafeLoader):
        document = SafeConstructor().construct_document(node)
        if document is not None:
            for each, place in _items(document, node):
                if isinstance(each, dict) and not _is_named(each) and is_ordinary(each):
                    continue  # a Job with `generateName`, a Kustomization: no name is needed to pass it over
                yield Written(checked(each, place), place.line + 1)


def _items(document: object, node: yaml.Node) -> Iterator[tuple[object, yaml.Mark]]:
    """Yield what a document holds, each with the place where it begins."""
    if isinstance(document, dict) and str(document.get("kind")).endswith("List"):
        items = document.get("items")
        if isinstance(items, list):
            nodes = next(value for key, value in node.value if key.value == "items")
            yield from ((item, each.start_mark) for item, each in zip(items, nodes.value, strict=True))
            return
    yield document, node.start_mark


def checked(document: object, place: yaml.Mark) -> dict[str, Any]:
    """Return a document that is a manifest, in JSON's types; `place` is where it begins.

    Raises ManifestError when it is none.
    """
    if not isinstance(document, dict) or not document.get("kind"):
        raise ManifestError("a document without `kind` is not a Kubernetes manifest", place)
    if not _is_named(document):
        raise ManifestError(f"{document['kind']} without `metadata.name`", place)
    try:
        plain: dict[str, Any] = json.loads(json.dumps(document, default=text_of_date))
    except (TypeError, ValueError) as error:
        raise ManifestError(str(error), place) from error
    return plain


def _is_named(document: dict[str, Any]) -> bool:
    metadata = document.get("metadata")
    return isinstance(metadata, dict) and bool(metadata.get("name"))


def text_of_date(value: object) -> str:
    """Return a date that YAML read, as the text that Kubernetes has. Raises TypeError for what is none."""
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is no type of Kubernetes")


def place_of(error: Exception, path: Path) -> str:
    """Return the file, and the line and column where the error knows them."""
    mark = getattr(error, "problem_mark", None)
    return f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)


def reason_of(error: Exception) -> str:
    """Return what is wrong, on one line."""
    return str(getattr(error, "problem", None) or error).replace("\n", " ")
