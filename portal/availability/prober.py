"""The process that asks: `python -m portal.availability.prober USER-AGENT`, with a socket for standard input.

No page and no event of portal's waits here while an answer is read, and no page that is made lengthens what an answer
is said to have taken. Every question has a thread of its own; when portal goes, the socket ends and so does this.
"""

from __future__ import annotations

import contextlib
import logging
import os
import resource
import signal
import socket
import sys
import threading
from typing import Final

from portal import logs
from portal.availability.probes import probe
from portal.availability.questions import Answer, Frames, Question, framed
from portal.availability.results import Result
from portal.availability.targets import Target, shown_url
from portal.availability.transport import Opener

STACK_BYTES: Final = 512 * 1024  # the usual eight megabytes each would count against limits of address space
READ_BYTES: Final = 64 * 1024
LOOKUPS: Final = 100  # at once; a name whose server is silent holds one for half a minute and more
CROWDED: Final = Result(outcome="unknown", reason="not asked: no thread is left for a check")

logger = logging.getLogger(__name__)


def answer(connection: socket.socket, user_agent: str) -> None:
    """Answer the questions that come over a connection, each as soon as it can be, until it ends."""
    opener, sending = Opener(user_agent=user_agent, lookups=LOOKUPS), threading.Lock()

    def ask(question: Question) -> None:
        tell(question, result_of(question.target, opener))

    def tell(question: Question, result: Result) -> None:
        message = framed(Answer(question.number, result))
        with sending, contextlib.suppress(OSError):  # portal has gone, and nobody waits any more
            connection.sendall(message)

    questions = Frames(Question)
    while piece := connection.recv(READ_BYTES):
        for question in questions.feed(piece):
            try:
                threading.Thread(target=ask, args=(question,), daemon=True).start()  # noqa: TID251 - nothing here is a greenlet
            except RuntimeError:
                tell(question, CROWDED)


def result_of(target: Target, opener: Opener) -> Result:
    """Return what asking a target found; a fault of ours says nothing about the target."""
    try:
        return probe(target, opener)
    except Exception:
        logger.exception("Check failed by itself url=%s", shown_url(target.url))
        return Result(outcome="unknown", reason="the check itself failed")


def main(user_agent: str) -> None:
    """Answer portal until it goes; a signal to each process, as of whoever stops a service, is portal's to take."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    logs.set_up(os.environ)
    threading.stack_size(STACK_BYTES)
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    with contextlib.suppress(OSError, ValueError):  # not every system lets everybody have the most
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # each check holds a file; the usual limit is 1024
    with socket.socket(fileno=sys.stdin.fileno()) as connection:
        connection.settimeout(None)  # portal made it one that does not block
        answer(connection, user_agent)


if __name__ == "__main__":
    main(sys.argv[1])
