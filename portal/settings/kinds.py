"""The kinds of value that a key takes: each reads a written value, or says in one sentence why it does not fit."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final, Protocol, TypeVar
from urllib.parse import urlsplit

from msgspec import Struct

from portal.settings.document import Items, Scalar, Value
from portal.settings.errors import Place, suggestion

T = TypeVar("T")

SWITCH_WORDS: Final = {
    "true": True, "yes": True, "on": True, "y": True, "1": True,
    "false": False, "no": False, "off": False, "n": False, "0": False,
}  # fmt: skip

SECONDS_BY_UNIT: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}

SCHEMES: Final = ("http", "https")

LONGEST_QUOTE: Final = 60
"""Characters of a wrong value that a message repeats."""

_AMOUNT: Final = r"[0-9]{1,12}(?:\.[0-9]{1,9})?"
_PART: Final = re.compile(rf"({_AMOUNT})\s*(ms|[dhms])\s*", re.ASCII)
_DURATION: Final = re.compile(rf"{_AMOUNT}|(?:{_PART.pattern})+", re.ASCII)
_ISO: Final = re.compile(rf"p(?:({_AMOUNT}d))?(?:t({_AMOUNT}[hms].*))?", re.ASCII)
_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,15}(?:\.[0-9]{1,15})?", re.ASCII)


class UnfitError(Exception):
    """A value that its key cannot take; the message completes the sentence "KEY: …".

    `every` holds this one and, of a list with several such values, the others too.
    """

    def __init__(self, text: str, place: Place, others: Iterable[UnfitError] = ()) -> None:
        super().__init__(text)
        self.place = place
        self.every: tuple[UnfitError, ...] = (self, *others)


class Kind(Protocol):
    """What a key takes."""

    def read(self, value: Value) -> object:
        """Return the value in our own terms. Raises UnfitError."""


class Switch(Struct, frozen=True):
    """Yes or no."""

    def read(self, value: Value) -> bool:
        """Return whether it is on. Raises UnfitError."""
        scalar = _scalar(value, "true or false")
        switch = SWITCH_WORDS.get(scalar.text.strip().lower())
        if switch is None:
            raise UnfitError(f"{_quoted(scalar.text)} is neither true nor false", scalar.place)
        return switch


class Text(Struct, frozen=True):
    """Any text, or one that `pattern` matches as a whole; `what` names it in a message."""

    pattern: str = "(?s).*"
    what: str = "a text"

    def read(self, value: Value) -> str:
        """Return the text as written. Raises UnfitError."""
        scalar = _scalar(value, self.what)
        if re.fullmatch(self.pattern, scalar.text) is None:
            raise UnfitError(f"{_quoted(scalar.text)} is not {self.what}", scalar.place)
        return scalar.text


class Url(Struct, frozen=True):
    """An address with one of `schemes`, or empty; it may hold a password, so that no message shows it."""

    schemes: tuple[str, ...]

    def read(self, value: Value) -> str:
        """Return the address as written. Raises UnfitError."""
        scalar = _scalar(value, "a URL")
        if scalar.text and not self._fits(scalar.text):
            wanted = " or ".join(f"{scheme}://" for scheme in self.schemes)
            raise UnfitError(f"is not a URL that starts with {wanted} and names a host", scalar.place)
        return scalar.text

    def _fits(self, text: str) -> bool:
        try:
            parts = urlsplit(text)
            return parts.scheme in self.schemes and bool(parts.hostname) and parts.port != 0
        except ValueError:
            return False


class Choice(Struct, frozen=True):
    """One of a few words."""

    words: tuple[str, ...]

    def read(self, value: Value) -> str:
        """Return the word. Raises UnfitError."""
        scalar = _scalar(value, "one word")
        if scalar.text not in self.words:
            wanted = ", ".join(self.words)
            hint = suggestion(scalar.text, self.words)
            raise UnfitError(f"{_quoted(scalar.text)} is not one of {wanted}{hint}", scalar.place)
        return scalar.text


class Scheme(Struct, frozen=True):
    """http or https; like the annotation `protocol` in any case, and with or without `://`."""

    def read(self, value: Value) -> str:
        """Return the word in lower case. Raises UnfitError."""
        scalar = _scalar(value, "one word")
        word = scalar.text.strip().lower().removesuffix("://")
        return word if word in SCHEMES else Choice(SCHEMES).read(scalar)


class Number(Struct, frozen=True):
    """A number within limits; `whole` for one without a fraction."""

    at_least: float
    at_most: float
    whole: bool = False

    def read(self, value: Value) -> float:
        """Return the number, an int where it is whole. Raises UnfitError."""
        what = "a whole number" if self.whole else "a number"
        scalar = _scalar(value, what)
        number = float(scalar.text) if _NUMBER.fullmatch(scalar.text.strip()) else None
        if number is None or (self.whole and not number.is_integer()):
            raise UnfitError(f"{_quoted(scalar.text)} is not {what}", scalar.place)
        if not self.at_least <= number <= self.at_most:
            limits = f"between {_tidy(self.at_least)} and {_tidy(self.at_most)}"
            raise UnfitError(f"{scalar.text} is not {limits}", scalar.place)
        return int(number) if self.whole else number


class Duration(Struct, frozen=True):
    """A time within limits, as in `500ms`, `1m30s`, `PT5M`; a plain number counts `unit`s, and so does the result.

    `at_least` and `at_most` are in seconds. `whole` for keys whose unit is never divided.
    """

    at_least: float
    at_most: float
    unit: str = "s"
    whole: bool = False

    def read(self, value: Value) -> float:
        """Return the time in `unit`s, an int where it is whole. Raises UnfitError."""
        scalar = _scalar(value, "a duration")
        seconds = _seconds(scalar.text, self.unit)
        if seconds is None:
            raise UnfitError(f"{_quoted(scalar.text)} is not a duration like 500ms, 60s, 5m or 2h", scalar.place)
        if not self.at_least <= seconds <= self.at_most:
            limits = f"between {spoken(self.at_least)} and {spoken(self.at_most)}"
            raise UnfitError(f"{scalar.text} is not {limits}", scalar.place)
        amount = seconds / SECONDS_BY_UNIT[self.unit]
        if self.whole and abs(amount - round(amount)) > 1e-9:  # noqa: PLR2004 - rounding of floats, not a limit
            raise UnfitError(f"{scalar.text} is not a whole number of {self.unit}", scalar.place)
        return round(amount) if self.whole else round(amount, 9)


class Many(Struct, frozen=True):
    """A list of one kind: a YAML list, or one text with commas, as in an environment variable."""

    kind: Kind

    def read(self, value: Value) -> tuple[object, ...]:
        """Return the values in their order. Raises UnfitError."""
        if isinstance(value, Scalar):
            words = (word.strip() for word in value.text.split(","))
            return read_each(self.kind.read, (Scalar(word, value.place) for word in words if word))
        if not isinstance(value, Items):
            raise UnfitError("must be a list", value.place)
        return read_each(self.kind.read, value.values)


def read_each(read: Callable[[Value], T], values: Iterable[Value]) -> tuple[T, ...]:
    """Return what `read` makes of each value. Raises UnfitError for all that do not fit together."""
    fit: list[T] = []
    unfit: list[UnfitError] = []
    for value in values:
        try:
            fit.append(read(value))
        except UnfitError as error:
            unfit += error.every
    if unfit:
        raise UnfitError(str(unfit[0]), unfit[0].place, unfit[1:])
    return tuple(fit)


def _seconds(text: str, unit: str) -> float | None:
    """Return a duration in seconds: a number of `unit`s, several with units in a row, or ISO 8601 as in Quarkus."""
    text = text.strip().lower()
    iso = _ISO.fullmatch(text)
    if iso:
        text = "".join(part or "" for part in iso.groups())
    if _DURATION.fullmatch(text) is None:
        return None
    parts = _PART.findall(text) or [(text, unit)]
    return sum(float(amount) * SECONDS_BY_UNIT[each] for amount, each in parts)


def spoken(seconds: float) -> str:
    """Return a duration as people write it, in the largest unit that divides it, as in `12m` or `800ms`."""
    for unit in ("h", "m", "s"):
        if seconds and seconds % SECONDS_BY_UNIT[unit] == 0:
            return f"{_tidy(seconds / SECONDS_BY_UNIT[unit])}{unit}"
    return f"{_tidy(round(seconds * 1000, 6))}ms" if seconds else "0s"


def _quoted(text: str) -> str:
    return f'"{text}"' if len(text) <= LONGEST_QUOTE else f'"{text[:LONGEST_QUOTE]}…"'


def _scalar(value: Value, what: str) -> Scalar:
    if isinstance(value, Scalar):
        return value
    raise UnfitError(f"must be {what}, not {'a list' if isinstance(value, Items) else 'a group of keys'}", value.place)


def _tidy(number: float) -> str:
    return str(int(number)) if float(number).is_integer() else str(number)
