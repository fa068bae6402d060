"""One run of one subject: a feed and a reader on cores of their own, the reader measured from outside."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
import venv
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self

ROOT = Path(__file__).parents[3]
OUT = ROOT / "build" / "bench"
PEERS_FILE = Path(__file__).with_name("peers.py")
REQUIREMENTS = ("urllib3>=2.2", "orjson", "kubernetes>=37", "kr8s", "lightkube", "kopf")
PATIENCE_SECONDS = 120.0
PORTAL, ALONE, STRAIGHT, FLOOR = "portal", "portal reflector alone", "straight line of Python", "floor"


@dataclass(frozen=True)
class Subject:
    """Who is measured: by how many events, in how many turns. Slow ones get fewer of both."""

    name: str
    events: int
    turns: int


@dataclass(frozen=True)
class Turn:
    """What one run of one subject showed."""

    cpu_us_per_event: float
    mb_idle: float
    extra: str = ""


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
            with suppress(FileNotFoundError):  # a thread that has just ended
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


def command_of(name: str, url: str, peers_python: Path, *words: str) -> list[str]:
    """Return how a subject is started."""
    if name == PORTAL:
        return [sys.executable, "-m", "tests.bench.watch.engine", url, *words]
    if name == ALONE:
        return [sys.executable, "-m", "tests.bench.watch.engine", url, "alone"]
    if name == STRAIGHT:
        return [sys.executable, "-m", "tests.bench.watch.straight", url]
    return [str(peers_python), str(PEERS_FILE), name, url]


def turn(subject: Subject, case: str, objects: int, peers_python: Path, *words: str) -> Turn:
    """Run a subject once. Raises SubjectFailed."""
    feed = [sys.executable, "-m", "tests.bench.watch.feed", str(objects), str(subject.events), case]
    cores = sorted(os.sched_getaffinity(0))
    with ExitStack() as exits:
        log = exits.enter_context((OUT / "watch.log").open("ab"))
        server = exits.enter_context(Talker(feed, cores[-1], log))
        url = f"http://127.0.0.1:{server.hear()}"
        client = exits.enter_context(Talker(command_of(subject.name, url, peers_python, *words), cores[0], log))
        _expect(client, "ready")
        client.wait_idle()
        idle = client.resident_mb()
        before = client.cpu_seconds()
        server.tell("go")
        _expect(client, "done")
        cpu = client.cpu_seconds() - before
        extra = client.hear() if words else ""
        return Turn(cpu / subject.events * 1e6, idle, extra)


def _expect(client: Talker, word: str) -> None:
    heard = client.hear()
    if heard != word:
        raise SubjectFailed(f"said {heard!r} and not {word!r}")


def peers_environment() -> Path:
    """Return the Python of an environment that holds the peers, made where it is not there."""
    folder = OUT / "watch-venv"
    python = folder / "bin" / "python"
    if not (folder / "complete").exists():
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *REQUIREMENTS], check=True)
        (folder / "complete").touch()
    return python
