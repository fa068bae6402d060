"""What is remembered of checks, on disk: written now and then and at the end, read once at the start."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from portal.availability.errors import HistoryUnreadableError

log = logging.getLogger(__name__)

FILE: Final = "availability.msgpack"
SAVE_SECONDS: Final = 300.0
DAMAGED: Final = "Left out what is damaged in the saved history file=%s damaged=%d entries=%s"
NAMED: Final = 10  # at most, in one line


def here(work: Callable[[], None]) -> None:
    """Do work at once, and wait for it."""
    work()


class Memory:
    """Keeps what `dump` returns in a folder and gives it to `restore`; `elsewhere` does what waits for the disk.

    `restore` returns the names of what of it is damaged.
    """

    def __init__(
        self,
        folder: Path,
        dump: Callable[[], bytes],
        restore: Callable[[bytes], Sequence[str]],
        elsewhere: Callable[[Callable[[], None]], None] = here,
    ) -> None:
        self._file = folder / FILE
        self._dump = dump
        self._restore = restore
        self._elsewhere = elsewhere

    def restore(self) -> None:
        """Give back what was saved; one warning says what of it is damaged, or that the whole file is set aside."""
        try:
            damaged = self._restore(self._file.read_bytes())
        except FileNotFoundError:
            return
        except OSError as error:
            log.warning("Could not read the saved history file=%s error=%s", self._file, error)
        except HistoryUnreadableError as error:
            self._set_aside(error)
        else:
            if damaged:
                log.warning(DAMAGED, self._file, len(damaged), ",".join(damaged[:NAMED]))

    def save(self) -> None:
        """Write what is known now; a full disk is a warning, not an end."""
        body = self._dump()
        try:
            self._elsewhere(lambda: self._write(body))
        except OSError as error:
            log.warning("Could not save the history file=%s error=%s", self._file, error)

    def run(self, stop: threading.Event) -> None:
        """Save now and then until `stop` is set."""
        while not stop.wait(SAVE_SECONDS):
            self.save()

    def _set_aside(self, why: HistoryUnreadableError) -> None:
        aside = self._file.with_suffix(".damaged")
        log.warning("Set the saved history aside and start empty file=%s aside=%s why=%s", self._file, aside, why)
        try:
            self._file.replace(aside)
        except OSError as error:
            log.warning("Could not set the saved history aside file=%s error=%s", self._file, error)

    def _write(self, body: bytes) -> None:
        part = self._file.with_suffix(".part")
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        part.replace(self._file)
