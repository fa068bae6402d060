"""A YAML file as values that remember where they were written.

Anchors, aliases and merge keys are followed; a key without a value counts as not written. PyYAML stays behind this
door.
"""

from __future__ import annotations

from typing import Final

import yaml
from msgspec import Struct

from portal.settings.errors import Place, Problem, SettingsError

MERGE: Final = "tag:yaml.org,2002:merge"
NULL: Final = "tag:yaml.org,2002:null"
ROOT: Final = "/"  # where the document itself stands, before any key


class Scalar(Struct, frozen=True):
    """One word or text, as written."""

    text: str
    place: Place


class Items(Struct, frozen=True):
    """A list."""

    values: tuple[Value, ...]
    place: Place


class Members(Struct, frozen=True):
    """A mapping; keys are unique."""

    members: tuple[Member, ...]
    place: Place


class Member(Struct, frozen=True):
    """One key of a mapping, with its value, or with None where nothing was written behind it."""

    key: str
    place: Place
    value: Value | None


Value = Scalar | Items | Members


def document_from_text(text: str, source: str, problems: list[Problem]) -> Value | None:
    """Return what `text` holds, or None where it holds nothing; each key written twice is added to `problems`.

    Raises SettingsError for YAML that cannot be read.
    """
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        return None if node is None else _Reader(source, problems).value(node, ROOT)
    except yaml.MarkedYAMLError as error:
        raise SettingsError([_syntax_problem(error, source)]) from error
    except yaml.reader.ReaderError as error:
        raise SettingsError([_character_problem(error, text, source)]) from error
    except RecursionError as error:
        raise SettingsError([Problem(Place(source, 1, 1), "", "is nested too deeply")]) from error


class _Reader:
    """Turns composed nodes into values, each node once: an alias costs nothing, however often it is used."""

    def __init__(self, source: str, problems: list[Problem]) -> None:
        self._source = source
        self._problems = problems
        self._known: dict[yaml.Node, Value | None] = {}

    def value(self, node: yaml.Node, path: str) -> Value | None:
        """Return what a node holds; `path` is the dotted key that it stands behind."""
        if node not in self._known:
            self._known[node] = None  # an alias inside its own anchor finds nothing instead of itself
            self._known[node] = self._read(node, path)
        return self._known[node]

    def _read(self, node: yaml.Node, path: str) -> Value | None:
        match node:
            case yaml.MappingNode():
                return Members(self._members(node, path), self._place(node))
            case yaml.SequenceNode():
                values = (self.value(each, path) for each in node.value)
                return Items(tuple(each for each in values if each is not None), self._place(node))
            case _:
                return None if node.tag == NULL else Scalar(str(node.value), self._place(node))

    def _members(self, node: yaml.MappingNode, path: str) -> tuple[Member, ...]:
        own: dict[str, Member] = {}
        merged: dict[str, Member] = {}
        for key_node, value_node in node.value:
            if key_node.tag == MERGE:
                merged = self._merged(value_node, path) | merged
                continue
            key, place = str(key_node.value), self._place(key_node)
            if key in own:
                text = f"is written twice, first in line {own[key].place.line}"
                self._problems.append(Problem(place, _under(path, key) or key, text))
            else:
                own[key] = Member(key, place, self.value(value_node, _under(path, key)))
        return tuple((merged | own).values())

    def _merged(self, node: yaml.Node, path: str) -> dict[str, Member]:
        nodes = node.value if isinstance(node, yaml.SequenceNode) else [node]
        members: dict[str, Member] = {}
        for each in nodes:
            value = self.value(each, path)
            if isinstance(value, Members):
                members = {member.key: member for member in value.members} | members
        return members

    def _place(self, node: yaml.Node) -> Place:
        return Place(self._source, node.start_mark.line + 1, node.start_mark.column + 1)


def _under(path: str, key: str) -> str:
    """Return the dotted key of `key` behind `path`; the root, under which every key stands, is no part of it."""
    return "" if path == ROOT else f"{path}.{key}".removeprefix(".")


def _character_problem(error: yaml.reader.ReaderError, text: str, source: str) -> Problem:
    before = text[: error.position]
    place = Place(source, before.count("\n") + 1, error.position - before.rfind("\n"))
    return Problem(place, "", f"cannot be read as YAML: {text[error.position]!r} is not allowed")


def _syntax_problem(error: yaml.MarkedYAMLError, source: str) -> Problem:
    mark = error.problem_mark or error.context_mark
    place = Place(source, mark.line + 1, mark.column + 1) if mark else Place(source, 1, 1)
    text = error.problem or "it is not well formed"
    if text.startswith("but "):
        text = f"{error.context}, {text}"
    if "'\\t'" in text:
        text = "found a tab; indent with spaces"
    return Problem(place, "", f"cannot be read as YAML: {_one_line(text)}")


def _one_line(text: object) -> str:
    return " ".join(str(text).split())
