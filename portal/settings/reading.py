"""From written keys to a section's value: which keys there are, which of them a file gives, and what they come to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final, TypeVar, get_type_hints

from msgspec import Struct
from msgspec.structs import fields as struct_fields

from portal.settings.document import Items, Members, Value
from portal.settings.errors import Problem, suggestion
from portal.settings.kinds import Kind, UnfitError, read_each


class Ignored(Struct, frozen=True):
    """What a key takes that is accepted from Startpunkt's files without effect; `why` completes "has no effect: "."""

    why: str


class Section(Struct, frozen=True, kw_only=True, rename="camel"):
    """A group of keys; every key has a default."""


class Field(Struct, frozen=True):
    """One key of a section: as written, as a field of the struct, and what it takes."""

    key: str
    name: str
    takes: Kind | Ignored | type[Section]


class Found:
    """What files and variables give: values by dotted key, and what is to be said about them."""

    def __init__(self) -> None:
        self.given: dict[str, Value] = {}
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []


S = TypeVar("S", bound=Section)
EXPECTED_KEYS: Final = "must be a group of keys"


@cache
def fields_of(section: type[Section]) -> tuple[Field, ...]:
    """Return the keys of a section in their order."""
    hints = get_type_hints(section, include_extras=True)
    return tuple(Field(each.encode_name, each.name, _takes(hints[each.name])) for each in struct_fields(section))


def keys_of(section: type[Section], prefix: str = "") -> Iterator[tuple[str, Kind | Ignored]]:
    """Yield every dotted key at and below a section, with what it takes."""
    for field in fields_of(section):
        if isinstance(field.takes, type):
            yield from keys_of(field.takes, f"{prefix}{field.key}.")
        else:
            yield f"{prefix}{field.key}", field.takes


def gather(section: type[Section], written: Members, found: Found, root: type[Section], prefix: str = "") -> None:
    """Add what `written` gives for the section to `found`; below `root`, a key that stands elsewhere is looked for."""
    fields = {field.key: field for field in fields_of(section)}
    for member in written.members:
        key = f"{prefix}{member.key}"
        field = fields.get(member.key)
        if field is None:
            hint = suggestion(member.key, fields) or _elsewhere(member.key, root)
            found.problems.append(Problem(member.place, key, f"unknown key{hint}"))
        elif isinstance(field.takes, Ignored):
            found.warnings.append(Problem(member.place, key, f"has no effect: {field.takes.why}"))
        elif member.value is None:
            continue
        elif not isinstance(field.takes, type):
            found.given[key] = member.value
        elif isinstance(member.value, Members):
            gather(field.takes, member.value, found, root, f"{key}.")
        else:
            found.problems.append(Problem(member.value.place, key, EXPECTED_KEYS))


def build(section: type[S], given: Mapping[str, Value], problems: list[Problem], prefix: str = "") -> S:
    """Return the section's value from what is given and the defaults; each mistake is added to `problems`."""
    values: dict[str, Any] = {}
    for field in fields_of(section):
        key = f"{prefix}{field.key}"
        if isinstance(field.takes, type):
            values[field.name] = build(field.takes, given, problems, f"{key}.")
        elif not isinstance(field.takes, Ignored) and key in given:
            try:
                values[field.name] = field.takes.read(given[key])
            except UnfitError as error:
                problems += [Problem(each.place, key, str(each)) for each in error.every]
    return section(**values)


class Rows(Struct, frozen=True):
    """A list of sections of one kind, each of which must give the keys in `required`."""

    section: type[Section]
    required: tuple[str, ...]

    def read(self, value: Value) -> tuple[Section, ...]:
        """Return the sections in their order. Raises UnfitError."""
        if not isinstance(value, Items):
            raise UnfitError("must be a list", value.place)
        return read_each(self._row, value.values)

    def _row(self, value: Value) -> Section:
        wanted = " and ".join(self.required)
        if not isinstance(value, Members):
            raise UnfitError(f"must be a list of groups of keys, each with {wanted}", value.place)
        found = Found()
        gather(self.section, value, found, self.section)
        row = build(self.section, found.given, found.problems)
        missing = [Problem(value.place, key, "is missing") for key in self.required if key not in found.given]
        found.problems = found.problems or missing  # one that is missing may be the one that is misspelt
        unfit = [UnfitError(f"{each.key}: {each.text}", each.place) for each in found.problems]
        if unfit:
            raise UnfitError(str(unfit[0]), unfit[0].place, unfit[1:])
        return row


def _takes(hint: Any) -> Kind | Ignored | type[Section]:  # noqa: ANN401 - type hints have no common type
    takes: Kind | Ignored | type[Section] = hint if isinstance(hint, type) else hint.__metadata__[0]
    return takes


def _elsewhere(word: str, root: type[Section]) -> str:
    """Suggest the one key below `root` that ends in `word`."""
    matches = [key for key, _ in keys_of(root) if key.rpartition(".")[2].lower() == word.lower()]
    return f' (did you mean "{matches[0]}"?)' if len(matches) == 1 else ""
