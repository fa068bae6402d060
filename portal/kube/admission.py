"""When a reflector may begin: start-up strategies stand behind this."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Protocol


class Admission(Protocol):
    """Says when the first list and the first watch may begin."""

    def listing(self) -> AbstractContextManager[None]:
        """Return what is entered around the first list and its delivery."""

    def watching(self) -> None:
        """Wait until watches may begin."""


class AtOnce:
    """Admits everything at once."""

    def listing(self) -> AbstractContextManager[None]:
        """Return what is entered around the first list."""
        return nullcontext()

    def watching(self) -> None:
        """Wait for nothing."""
