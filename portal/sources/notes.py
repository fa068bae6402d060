"""What is said while an object is mapped: the steps that led to an entry, and the mistakes that cost a field."""

from __future__ import annotations

from typing import Final, Protocol

from msgspec import Struct


class Notes(Protocol):
    """Hears how an object is mapped; texts are printf-style, so that the silent form never formats them.

    `keeps_steps` says whether a step goes anywhere: who has many asks first.
    """

    keeps_steps: bool

    def step(self, text: str, *args: object) -> None:
        """Hear why something is so, or how it was derived."""

    def fault(self, place: str, text: str, *args: object) -> None:
        """Hear of a user's mistake that cost one field; `place` as in `annotation startpunkt.ullberg.us/location`."""


class Silence:
    """Hears nothing."""

    keeps_steps = False

    def step(self, text: str, *args: object) -> None:
        """Drop the step."""

    def fault(self, place: str, text: str, *args: object) -> None:
        """Drop the fault."""


SILENT: Final = Silence()


class Note(Struct, frozen=True, gc=False):
    """One line of a trace; a step has no place."""

    text: str
    place: str = ""

    def __str__(self) -> str:
        return f"{self.place}: {self.text}" if self.place else self.text


class Trace:
    """Keep every note, in the order in which they came."""

    keeps_steps = True

    def __init__(self) -> None:
        self.notes: list[Note] = []

    def step(self, text: str, *args: object) -> None:
        """Keep a step."""
        self.notes.append(Note(text % args))

    def fault(self, place: str, text: str, *args: object) -> None:
        """Keep a fault."""
        self.notes.append(Note(text % args, place))

    @property
    def steps(self) -> tuple[str, ...]:
        """Return the steps alone."""
        return tuple(note.text for note in self.notes if not note.place)

    @property
    def faults(self) -> tuple[Note, ...]:
        """Return the faults alone."""
        return tuple(note for note in self.notes if note.place)
