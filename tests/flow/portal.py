"""A portal in its own process, started as people start it, and a reader of its event stream."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from http.client import HTTPResponse
from pathlib import Path
from typing import Any, Self, TypeVar
from urllib.error import HTTPError
from urllib.request import Request, urlopen

ROOT = Path(__file__).parents[2]
PATIENCE = 20.0  # costs nothing but where something never comes
# The kernel ends the portal when the tests die in a way that runs nothing at the end.
GUARD = ["setpriv", "--pdeathsig", "KILL", "--"] if shutil.which("setpriv") else []


class Portal:
    """`portal ARGUMENTS --port 0`, ready to be asked; ended with SIGTERM at the end of its block."""

    def __init__(self, log: Path, *arguments: str, environ: dict[str, str] | None = None) -> None:
        self._log = log
        self._arguments = arguments
        self._environ = {"PATH": os.environ["PATH"], "HOME": str(log.parent), **(environ or {})}
        self.exit_code: int | None = None

    def __enter__(self) -> Self:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*GUARD, sys.executable, "-m", "portal", *self._arguments, "--host", "127.0.0.1", "--port", "0"],
                cwd=ROOT,
                env=self._environ,
                stdout=log,
                stderr=log,
            )
        self.url = eventually(lambda: re.findall(r"Serving on (http://\S+)", self.log())[-1], 30)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def run_once(self) -> tuple[int, str]:
        """Run to the end, without a port of our choice; return the exit code and what was said on standard error."""
        command = [sys.executable, "-m", "portal", *self._arguments]
        ended = subprocess.run(
            command, cwd=ROOT, env=self._environ, capture_output=True, text=True, check=False, timeout=30
        )
        return ended.returncode, ended.stderr

    def log(self) -> str:
        return self._log.read_text(encoding="utf-8")

    def stop(self, number: int = signal.SIGTERM) -> None:
        if self._process.poll() is None:
            self._process.send_signal(number)
        try:
            self.exit_code = self._process.wait(timeout=15)
        finally:
            self._process.kill()

    def get(self, path: str, **headers: str) -> tuple[int, dict[str, str], str]:
        try:
            with urlopen(Request(self.url + path, headers=headers), timeout=20) as answer:
                return answer.status, dict(answer.headers), answer.read().decode()
        except HTTPError as answer:
            return answer.code, dict(answer.headers), answer.read().decode()

    def json(self, path: str) -> Any:
        return json.loads(self.get(path)[2])

    def applications(self) -> dict[str, dict[str, Any]]:
        """Return what `/api/apps` shows, by id; nothing is its 404."""
        groups = self.json("/api/apps").get("groups", [])
        return {each["id"]: each for group in groups for each in group["applications"]}

    def resource_status(self, name: str) -> dict[str, Any]:
        return next(each for each in self.json("/api/v1/sync/status")["resourceStatus"] if each["name"] == name)


class Stream:
    """The events of one subscriber, read with nothing but a socket."""

    def __init__(self, portal: Portal, query: str = "") -> None:
        self.events: list[dict[str, Any]] = []
        self._answer: HTTPResponse = urlopen(f"{portal.url}/api/updates/stream{query}", timeout=300)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        eventually(lambda: self.of_type("HEARTBEAT")[0], 5)

    def _read(self) -> None:
        position = ""
        for raw in self._answer:
            line = raw.decode().rstrip("\n")
            if line.startswith("id: "):
                position = line.removeprefix("id: ")
            elif line.startswith("data: "):
                self.events.append({"position": position, **json.loads(line.removeprefix("data: "))})

    def of_type(self, *types: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["type"] in types]

    def wait(self, event_type: str, entry_id: str, seconds: float = PATIENCE) -> dict[str, Any]:
        """Return the data of the last such event of an entry, once there is one."""
        return eventually(
            lambda: [each["data"] for each in self.of_type(event_type) if each["data"]["id"] == entry_id][-1], seconds
        )


T = TypeVar("T")


def eventually(ask: Callable[[], T], seconds: float = PATIENCE) -> T:
    """Return what `ask` returns, once it returns something true and raises nothing."""
    deadline = time.monotonic() + seconds
    last: object = None
    while time.monotonic() < deadline:
        try:
            if answer := ask():
                return answer
            last = answer
        except (AssertionError, LookupError, OSError, ValueError) as error:
            last = error
        time.sleep(0.02)
    raise AssertionError(f"not within {seconds} s; last: {last!r}")
