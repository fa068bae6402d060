"""What the decoder complains of, in the words of somebody who writes YAML."""

from __future__ import annotations

import re
from typing import Final

_TYPES: Final = re.compile(r"Expected `([^`]+)`, got `(\w+)`")
_MISSING: Final = re.compile(r"Object missing required field `([^`]+)`")
_VALUE: Final = re.compile(r"Invalid enum value (.+)", re.DOTALL)

_WANTED: Final = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "a map",
}
_GOT: Final = _WANTED | {"int": "a number", "float": "a number with a fraction", "null": "null"}
_SCALARS: Final = frozenset({"bool", "int", "float"})  # what YAML makes of words without quotes


def wording(complaint: str) -> str:
    """Return what is wrong with a value, to follow its place; a complaint that is not known stays as it is."""
    if match := _TYPES.fullmatch(complaint):
        return _mistyped(match[1].split(" | "), match[2]) or complaint
    if match := _MISSING.fullmatch(complaint):
        return f"lacks {match[1]}, which is required"
    if match := _VALUE.fullmatch(complaint):
        return f"is {match[1]}, which is none of the values that it may have"
    return complaint


def _mistyped(wanted: list[str], got: str) -> str | None:
    types = [each for each in wanted if each != "null"]
    if got not in _GOT or not all(each in _WANTED for each in types):
        return None
    names = " or ".join(_WANTED[each] for each in types)
    return f"is {_GOT[got]}, and {names} is wanted{_hint(frozenset(types), got)}"


def _hint(wanted: frozenset[str], got: str) -> str:
    """Return what to do with the quotes, where they are likely to be the mistake."""
    if "str" in wanted and got in _SCALARS:
        return ", in quotes"
    return ", without quotes" if got == "str" and wanted & _SCALARS else ""
