"""The process that asks: what it finds is what would be found here, and it is replaced when it dies or hangs."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import gevent
import pytest
from msgspec import structs

from portal.availability.prober import CROWDED
from portal.availability.prober_process import LOST, ProberProcess
from portal.availability.results import Result
from portal.availability.targets import Target, target_from_url
from tests.availability.servers import Authority, answering, serving
from tests.flow.portal import eventually

OK = answering("HTTP/1.1 200 OK\nContent-Length: 0")
ROOT = Path(__file__).parents[2]


@contextmanager
def running(**options: float) -> Iterator[ProberProcess]:
    prober, stop = ProberProcess("portal/test", first_pause=0.05, **options), threading.Event()
    looking_after = gevent.spawn(prober.run, stop)
    try:
        yield prober
    finally:
        stop.set()
        looking_after.get(timeout=5)


@pytest.fixture
def prober() -> Iterator[ProberProcess]:
    with running() as prober:
        yield prober


def target(url: str, **settings: object) -> Target:
    found = target_from_url(url)
    assert found is not None
    return structs.replace(found, **{"timeout": 5.0, **settings})


def pid_of(prober: ProberProcess) -> int:
    return eventually(lambda: prober.pid or 0)


def is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_it_answers_as_a_probe_does(prober: ProberProcess) -> None:
    asked: list[str] = []

    def noting(connection: socket.socket, request: str) -> None:
        asked.append(request)
        connection.sendall(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")

    with serving(noting) as port:
        result = prober(target(f"http://127.0.0.1:{port}/app", headers=(("X-Key", "secret"),)))

    assert (result.outcome, result.http_status, result.reason) == ("down", 503, "answers 503")
    assert None not in (result.latency, result.phases.connect, result.phases.first_byte)
    assert [request.split()[0] for request in asked] == ["HEAD", "GET"]
    assert "User-Agent: portal/test" in asked[0]
    assert "X-Key: secret" in asked[0]


def test_whom_it_trusts_and_what_it_may_ask_come_with_the_question(prober: ProberProcess, tmp_path: Path) -> None:
    authority = Authority(tmp_path, "authority")
    with serving(OK, authority.server("own")) as port:
        trusted = prober(target(f"https://127.0.0.1:{port}/", ca_file=str(authority.file)))
        strange = prober(target(f"https://127.0.0.1:{port}/"))

    assert (trusted.outcome, strange.outcome) == ("up", "down")
    assert prober(target("http://169.254.169.254/")).reason == "not asked: 169.254.169.254 is a link-local address"


def test_a_fast_answer_does_not_wait_for_slow_ones(prober: ProberProcess) -> None:
    with serving(lambda _connection, _request: gevent.sleep(30)) as slow, serving(OK) as fast:
        hanging = [gevent.spawn(prober, target(f"http://127.0.0.1:{slow}/", timeout=3)) for _ in range(60)]
        gevent.sleep(0.5)
        began = time.monotonic()
        assert prober(target(f"http://127.0.0.1:{fast}/")).outcome == "up"

        assert time.monotonic() - began < 2
        assert {each.get(timeout=10).reason for each in hanging} == {"no answer within 3 s"}


def test_what_a_process_left_unanswered_is_asked_by_the_next_one(
    prober: ProberProcess, caplog: pytest.LogCaptureFixture
) -> None:
    arrived, go = threading.Event(), threading.Event()

    def late(connection: socket.socket, request: str) -> None:
        arrived.set()
        go.wait(10)
        OK(connection, request)

    with serving(late) as port:
        asking = gevent.spawn(prober, target(f"http://127.0.0.1:{port}/"))
        assert arrived.wait(10)
        first = pid_of(prober)
        os.kill(first, signal.SIGKILL)
        go.set()

        assert asking.get(timeout=10).outcome == "up"
    assert pid_of(prober) != first
    assert caplog.messages == ["The process that asks ended, starting another code=-9"]


def test_a_question_that_two_processes_died_of_says_nothing_about_its_target(prober: ProberProcess) -> None:
    def deadly(_connection: socket.socket, _request: str) -> None:
        os.kill(pid_of(prober), signal.SIGKILL)

    with serving(deadly) as port, serving(OK) as other:
        assert prober(target(f"http://127.0.0.1:{port}/")) == LOST
        assert prober(target(f"http://127.0.0.1:{other}/")).outcome == "up"


def test_a_process_that_hangs_is_replaced() -> None:
    with running(patience=0.5) as prober, serving(OK) as port:
        asked = target(f"http://127.0.0.1:{port}/", timeout=0.5)
        assert prober(asked).outcome == "up"
        hung = pid_of(prober)
        os.kill(hung, signal.SIGSTOP)

        assert prober(asked).outcome == "up"
        assert not is_there(hung)


def test_who_waited_for_a_hung_process_gives_the_next_one_its_time(caplog: pytest.LogCaptureFixture) -> None:
    with running(patience=2) as prober, serving(OK) as port:
        asked = target(f"http://127.0.0.1:{port}/", timeout=1)
        prober(asked)
        os.kill(pid_of(prober), signal.SIGSTOP)
        asking = [gevent.spawn_later(0.15 * number, prober, asked) for number in range(10)]

        assert {each.get(timeout=20).outcome for each in asking} == {"up"}
    assert caplog.messages.count("The process that asks does not answer and is ended") == 1


LATE_START = "import sys, time; time.sleep(2); from portal.availability import prober; prober.main(sys.argv[1])"


def test_a_process_that_starts_slowly_may_be_asked_a_thousand_questions(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("portal.availability.prober_process.COMMAND", (sys.executable, "-c", LATE_START))
    with running() as prober:
        asking = [gevent.spawn(prober, target("http://127.0.0.1:1/", timeout=20)) for _ in range(1000)]

        assert {each.get(timeout=40).reason for each in asking} == {"refuses connections"}
    assert caplog.messages == []


def test_a_signal_to_each_process_is_for_portal(prober: ProberProcess) -> None:
    with serving(OK) as port:
        prober(target(f"http://127.0.0.1:{port}/"))
        pid = pid_of(prober)
        for number in (signal.SIGINT, signal.SIGTERM):
            os.kill(pid, number)

        assert prober(target(f"http://127.0.0.1:{port}/")).outcome == "up"
    assert pid_of(prober) == pid


def test_a_key_that_ends_portal_while_the_process_starts_is_not_said_to_be_a_fault() -> None:
    script = (
        "from gevent import monkey; monkey.patch_all()\n"
        "import signal, threading\n"
        "from portal.availability.prober_process import ProberProcess\n"
        "prober, stop = ProberProcess('portal', at_once=True), threading.Event()\n"
        "signal.signal(signal.SIGINT, lambda *_: stop.set())\n"
        "asking = threading.Thread(target=prober.run, args=(stop,))\n"
        "asking.start()\n"
        "while not prober.pid: threading.Event().wait(0.001)\n"
        "print(prober.pid, flush=True)\n"
        "asking.join()\n"
    )
    command = [sys.executable, "-c", script]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT, start_new_session=True
    ) as portal:
        assert portal.stdout is not None
        portal.stdout.readline()
        time.sleep(0.05)
        os.killpg(portal.pid, signal.SIGINT)

        assert portal.communicate(timeout=10)[1] == b""


def test_it_ends_with_its_keeper() -> None:
    with running() as prober, serving(OK) as port:
        prober(target(f"http://127.0.0.1:{port}/"))
        pid = pid_of(prober)

    assert not is_there(pid)


def test_it_ends_when_portal_is_killed() -> None:
    script = (
        "from gevent import monkey; monkey.patch_all()\n"
        "import threading\n"
        "from portal.availability.prober_process import ProberProcess\n"
        "prober = ProberProcess('portal', at_once=True)\n"
        "threading.Thread(target=prober.run, args=(threading.Event(),)).start()\n"
        "while not prober.pid: threading.Event().wait(0.01)\n"
        "print(prober.pid, flush=True)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, cwd=ROOT) as portal:
        assert portal.stdout is not None
        pid = int(portal.stdout.readline())
        assert is_there(pid)
        portal.kill()

    eventually(lambda: not is_there(pid))


def test_what_lies_where_portal_is_started_is_not_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "requests.py").write_text("raise SystemExit('not what portal imports')", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(ROOT), *sys.path])

    with running() as prober, serving(OK) as port:
        assert prober(target(f"http://127.0.0.1:{port}/")).outcome == "up"


def test_a_process_that_cannot_be_started_keeps_nobody_from_stopping(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("portal.availability.prober_process.COMMAND", ("/nowhere/python",))
    with running() as prober:
        asking: gevent.Greenlet[..., Result] = gevent.spawn(prober, target("http://127.0.0.1:1/"))
        eventually(lambda: "cannot be started" in caplog.text)

    asking.kill()


SILENT_NAMES = """
import socket, sys, time
from portal.availability import prober

find = socket.getaddrinfo
socket.getaddrinfo = lambda host, *rest, **how: time.sleep(30) if host == "silent.example" else find(host, *rest, **how)
prober.main(sys.argv[1])
"""


def test_a_name_server_that_is_silent_ends_no_process(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("portal.availability.prober_process.COMMAND", (sys.executable, "-c", SILENT_NAMES))
    with running() as prober, serving(OK) as port:
        hanging = [gevent.spawn(prober, target("http://silent.example/", timeout=1)) for _ in range(10)]
        assert prober(target(f"http://127.0.0.1:{port}/")).outcome == "up"

        assert {each.get(timeout=10).reason for each in hanging} == {"no answer within 1 s"}
    assert caplog.messages == []


FEW_THREADS = """
import sys, threading
from portal.availability import prober

start = threading.Thread.start

def start_few(thread):
    if threading.active_count() > 20:
        raise RuntimeError("can't start new thread")
    start(thread)

threading.Thread.start = start_few
prober.main(sys.argv[1])
"""


def test_what_finds_no_thread_is_not_asked_and_ends_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("portal.availability.prober_process.COMMAND", (sys.executable, "-c", FEW_THREADS))
    with running() as prober, serving(lambda _connection, _request: gevent.sleep(30)) as port:
        asking = [gevent.spawn(prober, target(f"http://127.0.0.1:{port}/", timeout=3)) for _ in range(60)]

        assert {each.get(timeout=10).reason for each in asking} >= {CROWDED.reason, "no answer within 3 s"}
    assert caplog.messages == []


FEW_FILES = """
import resource, sys
from portal.availability import prober

resource.setrlimit(resource.RLIMIT_NOFILE, (24, {most}))
prober.main(sys.argv[1])
"""


@pytest.mark.parametrize(
    ("most", "found"), [(1024, {("up", None)}), (24, {("up", None), ("unknown", "not asked: Too many open files")})]
)
def test_what_finds_no_file_is_not_asked(
    monkeypatch: pytest.MonkeyPatch, most: int, found: set[tuple[str, str | None]]
) -> None:
    def late(connection: socket.socket, request: str) -> None:
        gevent.sleep(1)
        OK(connection, request)

    script = FEW_FILES.format(most=most)
    monkeypatch.setattr("portal.availability.prober_process.COMMAND", (sys.executable, "-c", script))
    with running() as prober, serving(late) as port:
        asking = [gevent.spawn(prober, target(f"http://127.0.0.1:{port}/")) for _ in range(60)]

        assert {(each.get(timeout=10).outcome, each.get().reason) for each in asking} == found
