"""How many instructions a subject takes per event: what stays the same however busy the machine is.

Valgrind counts them. Two bursts of different length are held against each other, so that starting and listing do not
count; what the kernel does is not seen. Sets and dicts are laid out alike each time. Lines in the log are left out:
they are limited by the second, in which Valgrind gets through a fiftieth of the events.
"""

from __future__ import annotations

import re
import subprocess
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

from tests.bench.watch.measuring import OUT, SubjectFailed, Talker, command_of

if TYPE_CHECKING:
    from pathlib import Path

FEW, MANY = 9_216, 12_288  # events; the log of changes is full before
OBJECTS: Final = 500
ENDS_WITHIN: Final = 60.0  # seconds
_COUNTED: Final = re.compile(r"I\s+refs:\s+([\d,]+)")


def instructions_per_event(subject: str, case: str, peers_python: Path) -> float:
    """Return what one more event costs. Raises SubjectFailed."""
    few, many = (_instructions(subject, case, events, peers_python) for events in (FEW, MANY))
    return (many - few) / (MANY - FEW)


def _instructions(subject: str, case: str, events: int, peers_python: Path) -> int:
    counted = OUT / "instructions.txt"
    counter = ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]
    feed = [sys.executable, "-m", "tests.bench.watch.feed", str(OBJECTS), str(events), case]
    with ExitStack() as exits:
        log = exits.enter_context((OUT / "watch.log").open("ab"))
        server = exits.enter_context(Talker(feed, 1, log))
        reader = command_of(subject, f"http://127.0.0.1:{server.hear()}", peers_python)
        command = ["env", "PYTHONHASHSEED=0", "PORTAL_LOG_LEVEL=WARNING", *counter, f"--log-file={counted}", *reader]
        client = exits.enter_context(Talker(command, 0, log))
        client.hear()
        server.tell(str(events))
        client.hear()
        _end(client)
    found = _COUNTED.search(counted.read_text())
    if found is None:
        raise SubjectFailed("was not counted")
    return int(found[1].replace(",", ""))


def _end(client: Talker) -> None:
    """Let a subject end by itself, which is when it is known how much it did."""
    assert client.process.stdin is not None
    client.process.stdin.close()
    try:
        client.process.wait(ENDS_WITHIN)
    except subprocess.TimeoutExpired as error:
        raise SubjectFailed("did not end") from error
