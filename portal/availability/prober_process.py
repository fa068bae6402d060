"""Asks through a process of its own, started with the first question or before, and anew wherever it ended.

A question costs portal no more than to hand it over; whoever asks waits for the answer beside everything else.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import subprocess
import sys
import threading
import time
from typing import Final

from portal.availability.questions import Answer, Frames, Question, framed
from portal.availability.results import Result
from portal.availability.targets import Target

LOOK_SECONDS: Final = 1.0  # how late `run` notices that it is to stop
PATIENCE_SECONDS: Final = 10.0  # beyond a check's own time; then the process is taken for hung
FIRST_PAUSE_SECONDS: Final = 1.0  # between a process that ended and the next; twice as long each time
LONGEST_PAUSE_SECONDS: Final = 30.0
READ_BYTES: Final = 64 * 1024
LOST: Final = Result(outcome="unknown", reason="the process that asks ended twice")
COMMAND: Final = (sys.executable, "-P", "-m", "portal.availability.prober")

logger = logging.getLogger(__name__)


class _Asked:
    """A question that somebody waits for; `sent` counts how many processes it went to."""

    __slots__ = ("answered", "message", "result", "sent")

    def __init__(self, message: bytes) -> None:
        self.message = message
        self.answered = threading.Event()
        self.result = LOST
        self.sent = 0

    def tell(self, result: Result) -> None:
        self.result = result
        self.answered.set()


class ProberProcess:
    """A probe that asks in another process; `run` looks after that process.

    `at_once`: it is started before there is a question. What it had not answered when it ended is asked once more by
    the next one. It is taken for hung and ended when an answer is `patience` seconds later than its check may take, and
    when it does not take a question for so long.
    """

    def __init__(
        self,
        user_agent: str,
        *,
        at_once: bool = False,
        patience: float = PATIENCE_SECONDS,
        first_pause: float = FIRST_PAUSE_SECONDS,
    ) -> None:
        self._command = (*COMMAND, user_agent)
        self._patience = patience
        self._first_pause = self._pause = first_pause
        self._wanted = threading.Event()
        if at_once:
            self._wanted.set()
        self._asked: dict[int, _Asked] = {}
        self._count = 0
        self._lock = threading.Lock()
        self._connection: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._began = 0.0

    def __call__(self, target: Target) -> Result:
        """Return what asking a target found."""
        with self._lock:
            self._count += 1
            number = self._count
            asked = self._asked[number] = _Asked(framed(Question(number, target)))
            if self._connection is not None:
                self._send(self._connection, asked)
        self._wanted.set()
        longest = target.timeout + self._patience
        while not asked.answered.wait(longest):
            self._end_hung(longest)
        return asked.result

    @property
    def pid(self) -> int | None:
        """Return the number of the process, None where there is none."""
        return self._process.pid if self._process else None

    def run(self, stop: threading.Event) -> None:
        """Keep a process to ask, from the first question until `stop` is set."""
        while not stop.is_set():
            if not self._wanted.wait(LOOK_SECONDS):
                continue
            try:
                self._serve(stop)
            except OSError as error:
                logger.warning("The process that asks cannot be started error=%s", error)
            if not stop.is_set():
                self._give_up()
                stop.wait(self._pause)
                self._pause = min(self._pause * 2, LONGEST_PAUSE_SECONDS)

    def _serve(self, stop: threading.Event) -> None:
        """Start the process, and hand out its answers until it ends or `stop` is set."""
        ours, theirs = socket.socketpair()
        with ours, ours.dup() as sending:
            sending.settimeout(self._patience)  # not that of reading: one that starts takes no question for seconds
            with theirs:
                self._began = time.monotonic()
                process = self._process = subprocess.Popen(  # noqa: S603 - ours
                    self._command,
                    stdin=theirs.fileno(),
                    env=environment(),
                    start_new_session=True,  # a key that ends portal is not for one that has only begun to start
                )
            try:
                self._read(ours, sending, stop)
            finally:
                self._process = self._connection = None
                process.kill()
                code = process.wait()
        if not stop.is_set():
            logger.warning("The process that asks ended, starting another code=%d", code)

    def _read(self, connection: socket.socket, sending: socket.socket, stop: threading.Event) -> None:
        connection.settimeout(LOOK_SECONDS)
        with self._lock:
            self._connection = sending
            for asked in self._asked.values():
                self._send(sending, asked)
        answers = Frames(Answer)
        while not stop.is_set():
            try:
                piece = connection.recv(READ_BYTES)
            except TimeoutError:
                continue
            except ConnectionError:
                return
            if not piece:
                return
            self._pause = self._first_pause
            for answer in answers.feed(piece):
                self._asked.pop(answer.number).tell(answer.result)

    @staticmethod
    def _send(connection: socket.socket, asked: _Asked) -> None:
        asked.sent += 1
        try:
            connection.sendall(asked.message)
        except OSError:  # half a message may be out; whoever reads notices the end, and starts anew
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _give_up(self) -> None:
        """Tell those whose question went to two processes that ended; without a question no other is wanted."""
        with self._lock:
            for number, asked in tuple(self._asked.items()):
                if asked.sent > 1:
                    del self._asked[number]
                    asked.tell(LOST)
            if not self._asked:
                self._wanted.clear()

    def _end_hung(self, longest: float) -> None:
        """End the process, unless another one was ended meanwhile and this one has had less time."""
        if self._process is not None and time.monotonic() - self._began >= longest:
            logger.warning("The process that asks does not answer and is ended")
            self._process.kill()


def environment() -> dict[str, str]:
    """Return the environment of the process that asks: it imports from where we do, not from where we were started."""
    memory = {"MALLOC_ARENA_MAX": "1"}  # one for each thread would cost megabytes
    return {**os.environ, **memory, "PYTHONPATH": os.pathsep.join(sys.path)}
