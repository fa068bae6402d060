"""`portal wait` asks until a portal is synced or time is up."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from portal.cli.wait import Answer, ask, wait_until_synced
from tests.cli.running import portal

STATUS = (
    b'{"status":"in_progress","step":"sync","totalResources":2,"syncedResources":1,"resourceStatus":'
    b'[{"name":"Ingress","status":"in_progress"},{"name":"Bookmark","status":"completed"}]}'
)


YES = Answer(is_synced=True, text="yes")


def no(text: str = "no") -> Answer:
    return Answer(is_synced=False, text=text)


class Clock:
    """A clock that moves when somebody sleeps."""

    def __init__(self) -> None:
        self.time = 100.0

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


class Portal(BaseHTTPRequestHandler):
    """Answers as a portal does that is or is not ready, as the server's `ready` says, and has `listed` so much."""

    def do_GET(self) -> None:
        is_status = self.path == "/api/v1/sync/status"
        self.send_response(200 if self.server.ready or is_status else 503)  # type: ignore[attr-defined]
        self.end_headers()
        self.wfile.write(STATUS * is_status)

    def do_HEAD(self) -> None:
        self.send_response(200)
        self.send_header("X-Sync-Progress", self.server.listed)  # type: ignore[attr-defined]
        self.end_headers()

    def log_message(self, *values: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    with HTTPServer(("127.0.0.1", 0), Portal) as server:
        server.ready, server.listed = False, "2/2"  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def url(server: HTTPServer) -> str:
    return f"http://127.0.0.1:{server.server_port}"


def test_a_portal_that_becomes_synced_ends_the_wait() -> None:
    clock = Clock()
    answers = iter([no(), no(), YES])

    answer = wait_until_synced(lambda _: next(answers), 60, clock.now, clock.sleep)

    assert (answer.is_synced, clock.time) == (True, 101.0)


def test_time_that_is_up_ends_the_wait_with_the_last_answer() -> None:
    clock = Clock()

    answer = wait_until_synced(lambda _: no(f"at {clock.time}"), 3, clock.now, clock.sleep)

    assert answer == no("at 102.5")


def test_no_time_at_all_still_asks_once() -> None:
    clock = Clock()

    assert wait_until_synced(lambda _: YES, 0, clock.now, clock.sleep).is_synced


def test_no_question_takes_longer_than_the_time_that_is_left() -> None:
    clock = Clock()
    given: list[float] = []

    def slow(seconds: float) -> Answer:
        given.append(seconds)
        clock.sleep(seconds)
        return no()

    wait_until_synced(slow, 9, clock.now, clock.sleep)

    assert given == [5.0, 3.5]


def test_a_synced_portal_is_exit_0(server: HTTPServer) -> None:
    server.ready = True  # type: ignore[attr-defined]

    outcome = portal("wait", "--url", url(server) + "/", "--timeout", "10s")

    assert (outcome.code, outcome.err) == (0, "")


def test_a_portal_that_is_ready_without_watches_is_not_synced_before_it_has_listed(server: HTTPServer) -> None:
    server.ready, server.listed = True, "1/2"  # type: ignore[attr-defined]

    outcome = portal("wait", "--url", url(server), "--timeout", "0")

    assert outcome.code == 1
    assert "1 of 2 resources listed (Ingress in_progress)" in outcome.err


def test_a_portal_that_is_not_synced_in_time_is_exit_1_and_says_what_is_missing(server: HTTPServer) -> None:
    outcome = portal("wait", "--url", url(server), "--timeout", "0")

    assert outcome.code == 1
    assert (
        outcome.err == f"Error: {url(server)} is not synced after 0s: 1 of 2 resources listed (Ingress in_progress)\n"
    )


def test_nobody_there_is_said_in_one_line(server: HTTPServer) -> None:
    server.server_close()

    outcome = portal("wait", "--url", url(server), "--timeout", "1ms")

    assert (outcome.code, outcome.err) == (1, f"Error: {url(server)} is not synced after 1ms: Connection refused\n")


def test_somebody_who_is_no_portal_is_not_synced() -> None:
    assert not ask("http://127.0.0.1:1/\x00", 1).is_synced
