"""Log lines on standard error: a moment in UTC, a level, who speaks, and an event with its data."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from itertools import repeat
from typing import Final, TextIO

LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR")
PER_SECOND: Final = 20
"""Lines of one kind a second, as the contract says of the lines per change."""


def set_up(environ: Mapping[str, str], stream: TextIO | None = None) -> None:
    """Send every log line to standard error, ours from `PORTAL_LOG_LEVEL` on, libraries' from WARNING on."""
    wanted = environ.get("PORTAL_LOG_LEVEL", "INFO").upper()
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(LineFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("portal").setLevel(wanted if wanted in LEVELS else "INFO")
    # It complains of odd headers in the answers of applications, with every check anew.
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    if wanted not in LEVELS:
        words = ", ".join(LEVELS)
        logging.getLogger(__name__).warning("Unknown log level level=%s known=%s used=INFO", wanted, words)


class LineFormatter(logging.Formatter):
    """Writes `2026-11-21T07:45:00.123Z INFO  kube.reflector: message key=value`, each record in one line.

    A traceback follows in lines of its own.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as text."""
        moment = datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
        name = record.name.removeprefix("portal.")
        message = record.getMessage().replace("\n", "\\n").replace("\r", "\\r")
        line = f"{moment}Z {record.levelname:<5} {name}: {message}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class LimitedLine:
    """A log line that is written at most so many times in any second; then `and N more in the last second`.

    Once so many were written, nothing is until a second after the last of them. The sum is written by the first call
    after that second or by `settle`, whichever comes first, and never lost where `settle_all` runs. Between calls
    nothing is awaited, so greenlets may share it.
    """

    def __init__(
        self,
        write: Callable[..., None],
        *,
        per_second: int = PER_SECOND,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.write = write
        self._per_second = per_second
        self._now = now
        self._written: deque[float] = deque()  # moments of the lines of the last second, at most `per_second`
        self._more = 0
        self._ends = 0.0  # of the silence, while there are `_more`

    def __call__(self, template: str, *values: object) -> None:
        """Write the line, as `logging` would, or count it."""
        if self._more and self._now() < self._ends:  # as nearly always where there are many
            self._more += 1
        elif self.room(1):
            self.write(template, *values)

    def room(self, lines: int) -> int:
        """Count so many lines that somebody has to say, and return how many of them may be written."""
        self.settle()
        if self._more:
            self._more += lines
            return 0
        now, written = self._now(), self._written
        while written and now - written[0] >= 1:
            written.popleft()
        room = min(self._per_second - len(written), lines)
        written.extend(repeat(now, room))
        if lines > room:
            self._more, self._ends = lines - room, written[-1] + 1
        return room

    def settle(self, *, at_once: bool = False) -> None:
        """Write the sum of a second that is over, or of this one too."""
        if self._more and (at_once or self._now() >= self._ends):
            more, self._more = self._more, 0
            self.write("and %d more in the last second", more)


def settle_all(lines: Iterable[LimitedLine], stop: threading.Event, interval: float = 1.0) -> None:
    """Write the sums of `lines` each second until `stop` is set, and once more then."""
    kept = tuple(lines)
    while not stop.wait(interval):
        for line in kept:
            line.settle()
    for line in kept:
        line.settle(at_once=True)
