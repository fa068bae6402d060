"""The last catalog on disk, so that the page is full at once after a restart.

What is restored is not yet true: each scope is confirmed or mended by its first list, and is called restored until
then.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from portal.catalog.state import Catalog
from portal.model import Application, Bookmark, Entry, utc_now

log = logging.getLogger(__name__)

FORMAT: Final = 1
FILE: Final = "catalog.json"
SAVE_SECONDS: Final = 30.0
CONFIRM_SECONDS: Final = 600.0  # how often an unchanged catalog is written too, so that its moment is a recent one
LOOK_SECONDS: Final = 1.0


class SavedScope(Struct, frozen=True):
    """The entries of one scope, and the moment at which they were known to be true."""

    saved_at: datetime
    applications: tuple[Application, ...]
    bookmarks: tuple[Bookmark, ...]


class Saved(Struct, frozen=True):
    """A whole catalog."""

    format: int
    scopes: dict[str, SavedScope]


def here(work: Callable[[], None]) -> None:
    """Do the work, and let everybody wait for it."""
    work()


class Shelf:
    """Writes the catalog to a folder now and then and at the end, and reads it back once at the start.

    `elsewhere` does work that waits for a disk.
    """

    def __init__(
        self,
        folder: Path,
        catalog: Catalog,
        now: Callable[[], datetime] = utc_now,
        *,
        clock: Callable[[], float] = time.monotonic,
        elsewhere: Callable[[Callable[[], None]], object] = here,
    ) -> None:
        self._file = folder / FILE
        self._catalog = catalog
        self._now = now
        self._clock = clock
        self._elsewhere = elsewhere
        self._unconfirmed: dict[str, datetime] = {}
        self._written = 0
        self._written_at = clock()
        self._is_first = True

    def restore(self, is_covered: Callable[[str], bool]) -> dict[str, datetime]:
        """Put what was saved of the covered scopes into the catalog; return when each restored scope was saved.

        Scopes that are no longer enabled are dropped. A damaged or foreign file is set aside with one warning. Whoever
        confirms or removes a scope takes it out of what is returned: until then it is saved with its old moment.
        """
        saved = self._read()
        if saved is None:
            return {}
        restored = {scope: each for scope, each in saved.scopes.items() if is_covered(scope)}
        for scope, each in restored.items():
            self._catalog.replace(scope, (*each.applications, *each.bookmarks))
        count = sum(len(each.applications) + len(each.bookmarks) for each in restored.values())
        log.info(
            "Restored entries from before the restart entries=%d dropped_scopes=%d",
            count,
            len(saved.scopes) - len(restored),
        )
        self._unconfirmed = {scope: each.saved_at for scope, each in restored.items()}
        return self._unconfirmed

    def save(self, *, unchanged_too: bool = False) -> None:
        """Write the catalog, if it changed since it was last written; a full disk is a warning, not an end."""
        version = self._catalog.version
        if version == self._written and not unchanged_too:
            return
        now = self._now()
        scopes = {
            scope: saved_scope(self._unconfirmed.get(scope, now), self._catalog.entries(scope))
            for scope in self._catalog.scopes()
        }
        body = msgspec.json.encode(Saved(FORMAT, scopes))
        self._written_at = self._clock()
        try:
            self._elsewhere(partial(replace_file, self._file, body))
            self._written = version
        except OSError as error:
            log.warning("Could not save the catalog file=%s error=%s", self._file, error)

    def run(self, is_settled: Callable[[], bool], stop: threading.Event) -> None:
        """Save once everything was listed, and now and then from there on, until `stop` is set."""
        while not stop.wait(LOOK_SECONDS):
            self.look(is_settled=is_settled())

    def look(self, *, is_settled: bool) -> None:
        """Save what is due."""
        age = self._clock() - self._written_at
        if (is_settled and self._is_first) or age >= SAVE_SECONDS:
            self._is_first = self._is_first and not is_settled
            self.save(unchanged_too=age >= CONFIRM_SECONDS)

    def _read(self) -> Saved | None:
        try:
            saved = msgspec.json.decode(self._file.read_bytes(), type=Saved)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, RecursionError) as error:  # also for bytes that are no text, or no end of brackets
            self._set_aside(str(error))
            return None
        if saved.format != FORMAT:
            self._set_aside(f"format {saved.format} is not {FORMAT}")
            return None
        return saved

    def _set_aside(self, reason: str) -> None:
        aside = self._file.with_suffix(".damaged")
        log.warning("Set the saved catalog aside and start empty file=%s aside=%s reason=%s", self._file, aside, reason)
        try:
            self._file.replace(aside)
        except OSError as error:
            log.warning("Could not set the saved catalog aside file=%s error=%s", self._file, error)


def saved_scope(moment: datetime, entries: Iterable[Entry]) -> SavedScope:
    """Return the entries of a scope as they are saved."""
    everything = tuple(entries)
    return SavedScope(
        moment,
        tuple(each for each in everything if isinstance(each, Application)),
        tuple(each for each in everything if isinstance(each, Bookmark)),
    )


def replace_file(path: Path, body: bytes) -> None:
    """Replace a file so that whoever reads it, even after a power cut, finds the old or the new one. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
