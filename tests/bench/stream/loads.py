"""The load generator: a C program of ours, told what to do line by line."""

from __future__ import annotations

import subprocess

from tests.bench.stream.subjects import LOAD_CORE, Running, build, pin


class FailedError(Exception):
    """The load says that the subject did not do what it should."""


class Load:
    """The load generator, told what to do line by line."""

    def __init__(self, subject: Running) -> None:
        words = [build("load"), str(subject.port), subject.path, str(subject.publish_port), subject.publish]
        self._process = subprocess.Popen(
            [*words, "warm"] if subject.warm else words,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
            preexec_fn=pin(LOAD_CORE),  # noqa: PLW1509 - no threads here
        )

    def tell(self, command: str) -> list[float]:
        self.begin(command)
        return self.end()

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()

    def begin(self, command: str) -> None:
        """Tell it what to do without waiting for the answer, which `end` returns."""
        assert self._process.stdin is not None
        self._process.stdin.write(command + "\n")

    def end(self) -> list[float]:
        assert self._process.stdout is not None
        answer = self._process.stdout.readline().split()
        if not answer or answer[0] != "ok":
            raise FailedError(" ".join(answer[1:]) or "the load ended")
        return [float(word) for word in answer[1:]]
