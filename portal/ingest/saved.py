"""The last catalog on disk, so that the page is full at once after a restart.

What is restored is not yet true: each scope is confirmed or mended by its first list, and is called restored until
then.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from portal.catalog.state import Catalog
from portal.ingest.sync import utc_now
from portal.model import Application, Bookmark, Entry

log = logging.getLogger(__name__)

FORMAT: Final = 1
FILE: Final = "catalog.json"
SAVE_SECONDS: Final = 30.0


class SavedScope(Struct, frozen=True):
    """The entries of one scope."""

    applications: tuple[Application, ...]
    bookmarks: tuple[Bookmark, ...]


class Saved(Struct, frozen=True):
    """A whole catalog, and the moment it was saved at."""

    format: int
    saved_at: datetime
    scopes: dict[str, SavedScope]


class Shelf:
    """Writes the catalog to a folder now and then and at the end, and reads it back once at the start."""

    def __init__(self, folder: Path, catalog: Catalog, now: Callable[[], datetime] = utc_now) -> None:
        self._file = folder / FILE
        self._catalog = catalog
        self._now = now
        self._written = 0

    def restore(self, is_covered: Callable[[str], bool]) -> dict[str, datetime]:
        """Put what was saved of the covered scopes into the catalog; return when each restored scope was saved.

        Scopes that are no longer enabled are dropped. A damaged or foreign file is set aside with one warning.
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
        return dict.fromkeys(restored, saved.saved_at)

    def save(self) -> None:
        """Write the catalog, if it changed since it was last written; a full disk is a warning, not an end."""
        version = self._catalog.version
        if version == self._written:
            return
        scopes = {scope: _sorted_by_kind(self._catalog.entries(scope)) for scope in self._catalog.scopes()}
        body = msgspec.json.encode(Saved(FORMAT, self._now(), scopes))
        part = self._file.with_suffix(".part")
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with part.open("wb") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            part.replace(self._file)
            self._written = version
        except OSError as error:
            log.warning("Could not save the catalog file=%s error=%s", self._file, error)

    def run(self, stop: threading.Event) -> None:
        """Save now and then until `stop` is set."""
        while not stop.wait(SAVE_SECONDS):
            self.save()

    def _read(self) -> Saved | None:
        try:
            saved = msgspec.json.decode(self._file.read_bytes(), type=Saved)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError) as error:
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


def _sorted_by_kind(entries: Iterable[Entry]) -> SavedScope:
    everything = tuple(entries)
    return SavedScope(
        tuple(each for each in everything if isinstance(each, Application)),
        tuple(each for each in everything if isinstance(each, Bookmark)),
    )
