"""What can be wrong with a configuration, and where."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

from msgspec import Struct

NEAR_ENOUGH: Final = 0.6
"""Similarity from which a word counts as misspelt rather than as another word; difflib's own default."""


class Place(Struct, frozen=True, order=True):
    """Where something was written: in a file at a line and column, counted from 1, or in an environment variable."""

    source: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.source}:{self.line}:{self.column}" if self.line else self.source


class Problem(Struct, frozen=True, order=True):
    """One mistake, or one warning: where, in which key, and what is wrong with it; as text, always one line."""

    place: Place
    key: str
    text: str

    def __str__(self) -> str:
        line = f"{self.place}: {self.key}: {self.text}" if self.key else f"{self.place}: {self.text}"
        return "".join(each if each.isprintable() else repr(each)[1:-1] for each in line)


class SettingsError(Exception):
    """A configuration that cannot be used; `problems` holds every mistake in it, in the order of the file."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(str(problem) for problem in self.problems))


def suggestion(word: str, words: Iterable[str]) -> str:
    """Return ` (did you mean "x"?)` for the nearest of `words`, or nothing where none is near."""
    by_plain = {_plain(each): each for each in words}
    nearest = get_close_matches(_plain(word), by_plain, n=1, cutoff=NEAR_ENOUGH)
    return f' (did you mean "{by_plain[nearest[0]]}"?)' if nearest else ""


def _plain(word: str) -> str:
    return "".join(filter(str.isalnum, word)).lower()
