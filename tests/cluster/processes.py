"""Child processes that can be frozen, killed and started again, and that never outlive the tests."""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path


class NotReadyError(Exception):
    """A process ended, or was not ready in time; the message holds the end of its log."""


def wait_until(condition: Callable[[], bool], seconds: float, interval: float = 0.05) -> bool:
    """Poll `condition` until it holds (True) or `seconds` have passed (False)."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(interval)
    return True


class Process:
    """One program with fixed arguments, in a process group of its own, writing to a log that outlives restarts."""

    def __init__(self, name: str, command: list[str], log: Path, environment: Mapping[str, str] | None = None) -> None:
        self.name = name
        self.log = log
        # The kernel ends the program when this process dies in a way that runs no atexit (SIGKILL, os._exit).
        guard = ["setpriv", "--pdeathsig", "KILL", "--"] if shutil.which("setpriv") else []
        self._command = [*guard, *command]
        self._environment = None if environment is None else dict(environment)
        self._popen: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Return the process id, or None when the program does not run."""
        return self._popen.pid if self._popen is not None and self._popen.poll() is None else None

    def start(self) -> None:
        """Start the program; do nothing where it runs already."""
        if self.pid is not None:
            return
        with self.log.open("ab") as log:
            self._popen = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment,
                start_new_session=True,
            )
        atexit.register(self.kill)

    def wait_ready(self, ready: Callable[[], bool], seconds: float) -> None:
        """Return once `ready()` holds; raise NotReadyError when the program ends first or time is up."""
        if wait_until(lambda: self.pid is None or ready(), seconds) and self.pid is not None:
            return
        tail = self.log.read_text(errors="replace")[-2000:]
        raise NotReadyError(f"{self.name} {'is not ready' if self.pid else 'ended'}; the end of its log:\n{tail}")

    def pause(self) -> None:
        """Freeze the program (SIGSTOP): the kernel still accepts and acknowledges for it."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a frozen program run on (SIGCONT)."""
        self._signal(signal.SIGCONT)

    def stop(self, grace: float = 5.0) -> None:
        """End the program: ask, wait `grace` seconds, then kill."""
        self._signal(signal.SIGCONT)
        self._signal(signal.SIGTERM)
        if self._popen is not None:
            with suppress(subprocess.TimeoutExpired):
                self._popen.wait(grace)
        self.kill()

    def kill(self) -> None:
        """End the program at once (SIGKILL), with everything in its process group."""
        self._signal(signal.SIGKILL)
        if self._popen is not None:
            self._popen.wait()
        atexit.unregister(self.kill)

    def _signal(self, number: signal.Signals) -> None:
        if self.pid is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, number)
