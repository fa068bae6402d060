"""Runs of subjects: a feed and a reader on cores of their own, the reader measured from outside.

CPU time is measured in turns of some tenths of a second, floor and subject side by side: what the machine gives a
second may be half of what it gives the next.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
import venv
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import IO, NamedTuple, Self

ROOT = Path(__file__).parents[3]
OUT = ROOT / "build" / "bench"
PEERS_FILE = Path(__file__).with_name("peers.py")
REQUIREMENTS = ("urllib3>=2.2", "orjson", "kubernetes>=37", "kr8s", "lightkube", "kopf")
PATIENCE_SECONDS = 120.0
STILL_SECONDS, STILL_LOOKS = 0.005, 4
TURNS, FLOOR_EVENTS = 12, 49_152
PORTAL, ALONE, STRAIGHT, FLOOR = "portal", "portal reflector alone", "straight line of Python", "floor"


@dataclass(frozen=True)
class Subject:
    """Who is measured: by how many events, in how many runs. Slow ones get fewer of both."""

    name: str
    events: int
    runs: int


class Pair(NamedTuple):
    """CPU µs per event of the floor and of a subject, one after the other."""

    floor: float
    subject: float

    @property
    def ratio(self) -> float:
        """Return what the subject took beside the floor."""
        return self.subject / self.floor


class SubjectFailed(Exception):  # noqa: N818 - said in the table
    """A subject could not be measured; the message says why."""


class Talker:
    """A child process that says words on its standard output."""

    def __init__(self, command: list[str], core: int, log: IO[bytes]) -> None:
        pinned = ["taskset", "-c", str(core), *command]
        # Without a buffer, because a line that waits in one is not seen by select().
        self.process = subprocess.Popen(
            pinned, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, bufsize=0
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()

    def hear(self, seconds: float = PATIENCE_SECONDS) -> str:
        """Return the next line. Raises SubjectFailed."""
        assert self.process.stdout is not None
        ready, _, _ = select.select([self.process.stdout], [], [], seconds)
        line = self.process.stdout.readline().decode().strip() if ready else ""
        if not line:
            raise SubjectFailed("said nothing in time" if self.process.poll() is None else "ended with an error")
        return line

    def tell(self, word: str) -> None:
        """Write a line to the process."""
        assert self.process.stdin is not None
        self.process.stdin.write(word.encode() + b"\n")
        self.process.stdin.flush()

    def cpu_seconds(self) -> float:
        """Return the CPU time of all threads so far."""
        total = 0
        for task in Path(f"/proc/{self.process.pid}/task").glob("*/schedstat"):
            with suppress(FileNotFoundError, ProcessLookupError):  # a thread that has just ended
                total += int(task.read_text().split()[0])
        return total / 1e9

    def resident_mb(self) -> float:
        """Return the resident memory."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def wait_idle(self) -> None:
        """Return when the process has stopped computing."""
        before = -1.0
        deadline = time.monotonic() + 10
        while (now := self.cpu_seconds()) - before > 0.004 and time.monotonic() < deadline:
            before = now
            time.sleep(0.2)

    def wait_still(self) -> None:
        """Return when the process has not computed for a moment: what was sent is read."""
        before, still = -1.0, 0
        deadline = time.monotonic() + PATIENCE_SECONDS
        while still < STILL_LOOKS and time.monotonic() < deadline:
            time.sleep(STILL_SECONDS)
            now = self.cpu_seconds()
            still = still + 1 if now - before < STILL_SECONDS / 10 else 0
            before = now


def command_of(name: str, url: str, peers_python: Path, *words: str) -> list[str]:
    """Return how a subject is started."""
    if name == PORTAL:
        return [sys.executable, "-m", "tests.bench.watch.engine", url, *words]
    if name == ALONE:
        return [sys.executable, "-m", "tests.bench.watch.engine", url, "alone"]
    if name == STRAIGHT:
        return [sys.executable, "-m", "tests.bench.watch.straight", url]
    return [str(peers_python), str(PEERS_FILE), name, url]


class Reading:
    """A feed and its reader, ready for the burst."""

    def __init__(self, name: str, case: str, objects: int, events: int, peers_python: Path, *words: str) -> None:
        feed = [sys.executable, "-m", "tests.bench.watch.feed", str(objects), str(events), case]
        cores = sorted(os.sched_getaffinity(0))
        self._events = events
        with ExitStack() as exits:
            log = exits.enter_context((OUT / "watch.log").open("ab"))
            self._feed = exits.enter_context(Talker(feed, cores[-1], log))
            url = f"http://127.0.0.1:{self._feed.hear()}"
            self.reader = exits.enter_context(Talker(command_of(name, url, peers_python, *words), cores[0], log))
            self._expect("ready")
            self.reader.wait_idle()
            self._exits = exits.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._exits.close()

    def go(self, events: int) -> None:
        """Send so many events, or what is left, and return when the reader rests."""
        self._events -= events
        self._feed.tell(str(events))
        if self._events <= 0:
            self._expect("done")
        else:
            self.reader.wait_still()

    def _expect(self, word: str) -> None:
        heard = self.reader.hear()
        if heard != word:
            raise SubjectFailed(f"said {heard!r} and not {word!r}")


def side_by_side(subject: Subject, case: str, objects: int, peers_python: Path) -> list[Pair]:
    """Return the CPU µs per event of floor and subject, turn by turn. Raises SubjectFailed.

    What the subject does while the floor has its turn is counted with the turn before.
    """
    own, floors = subject.events // TURNS, FLOOR_EVENTS // TURNS
    with (
        Reading(FLOOR, case, objects, FLOOR_EVENTS, peers_python) as floor,
        Reading(subject.name, case, objects, subject.events, peers_python) as reading,
    ):
        taken: list[tuple[float, float]] = [(floor.reader.cpu_seconds(), reading.reader.cpu_seconds())]
        for _ in range(TURNS):
            reading.go(own)
            floor.go(floors)
            taken.append((floor.reader.cpu_seconds(), reading.reader.cpu_seconds()))
    return [
        Pair((after[0] - before[0]) / floors * 1e6, (after[1] - before[1]) / own * 1e6)
        for before, after in pairwise(taken)
    ]


def resident_mb(name: str, objects: int, peers_python: Path) -> float:
    """Return the resident memory of a reader that has listed so many objects. Raises SubjectFailed."""
    with Reading(name, "half", objects, 2, peers_python) as reading:
        return reading.reader.resident_mb()


def held(objects: int, events: int, peers_python: Path) -> tuple[float, float]:
    """Return p99 and maximum, in ms, of what portal's other greenlets wait in a burst. Raises SubjectFailed."""
    with Reading(PORTAL, "half", objects, events, peers_python, "hold") as reading:
        reading.go(events)
        p99, most = reading.reader.hear().split()[1:3]
        return float(p99), float(most)


def peers_environment() -> Path:
    """Return the Python of an environment that holds the peers, made where it is not there."""
    folder = OUT / "watch-venv"
    python = folder / "bin" / "python"
    if not (folder / "complete").exists():
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *REQUIREMENTS], check=True)
        (folder / "complete").touch()
    return python
