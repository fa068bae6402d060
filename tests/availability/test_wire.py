"""The whole path of a check against real servers: TLS, redirects, login walls, silence, half answers and lies."""

from __future__ import annotations

import shutil
import socket
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec import structs

from portal.availability.guard import Guard
from portal.availability.probes import probe
from portal.availability.results import Result
from portal.availability.targets import target_from_url
from portal.availability.transport import AddressInfo, Opener
from tests.availability.servers import Authority, answering, serving

OK = answering("HTTP/1.1 200 OK\nContent-Length: 0")
NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is missing: apt-get install openssl")
    return Authority(tmp_path_factory.mktemp("pki"), "authority")


def ask(url: str, opener: Opener | None = None, **settings: object) -> Result:
    target = target_from_url(url)
    assert target is not None
    return probe(structs.replace(target, **{"timeout": 2.0, **settings}), opener or Opener(now=lambda: NOW))


def test_an_answer_is_timed_by_phase() -> None:
    with serving(OK) as port:
        result = ask(f"http://127.0.0.1:{port}/")

    phases = result.phases
    assert (result.outcome, result.http_status) == ("up", 200)
    assert None not in (phases.resolve, phases.connect, phases.first_byte)
    assert phases.tls is None


def test_the_request_is_small_and_names_the_host() -> None:
    asked: list[str] = []

    def noting(connection: socket.socket, request: str) -> None:
        asked.append(request)
        OK(connection, request)

    with serving(noting) as port:
        ask(f"http://127.0.0.1:{port}/app?x=1", Opener(user_agent="portal/0.1.0"))

    assert asked[0].splitlines()[0] == "HEAD /app?x=1 HTTP/1.1"
    assert f"Host: 127.0.0.1:{port}" in asked[0]
    assert "User-Agent: portal/0.1.0" in asked[0]


def test_tls_is_trusted_through_an_own_authority(authority: Authority) -> None:
    context = authority.server("own", ends="20261221080000Z")
    with serving(OK, context) as port:
        result = ask(f"https://127.0.0.1:{port}/", ca_file=str(authority.file))

    assert (result.outcome, result.certificate_days) == ("up", 30)
    assert result.phases.tls is not None


def test_tls_of_an_unknown_authority_is_down_and_says_why(authority: Authority) -> None:
    with serving(OK, authority.server("strange")) as port:
        result = ask(f"https://127.0.0.1:{port}/")

    assert result.outcome == "down"
    assert result.reason == "certificate: unable to get local issuer certificate"


def test_an_expired_certificate_is_down_and_says_why(authority: Authority) -> None:
    context = authority.server("expired", ends="20210101000000Z")
    with serving(OK, context) as port:
        result = ask(f"https://127.0.0.1:{port}/", ca_file=str(authority.file))

    assert (result.outcome, result.reason) == ("down", "certificate: certificate has expired")


def test_a_certificate_for_another_name_is_down_and_says_why(authority: Authority) -> None:
    with serving(OK, authority.server("other", subject="DNS:other.example")) as port:
        result = ask(f"https://127.0.0.1:{port}/", ca_file=str(authority.file))

    assert result.outcome == "down"
    assert "mismatch" in str(result.reason)


def test_certificates_can_be_ignored_and_still_tell_their_end(authority: Authority) -> None:
    context = authority.server("ignored", ends="20261119080000Z")
    with serving(OK, context) as port:
        result = ask(f"https://127.0.0.1:{port}/", ignore_certificates=True)

    assert (result.outcome, result.certificate_days) == ("up", -2)


def test_a_ca_file_that_is_not_there_costs_that_check_only() -> None:
    with serving(OK) as port:
        result = ask(f"https://127.0.0.1:{port}/", ca_file="/nowhere/ca.pem")

    assert result.outcome == "down"
    assert "TLS is not possible" in str(result.reason)


def test_a_changed_ca_file_is_read_again(authority: Authority, tmp_path: Path) -> None:
    bundle, opener = tmp_path / "ca.pem", Opener()
    bundle.write_bytes(Authority(tmp_path, "first").file.read_bytes())
    with serving(OK, authority.server("rotated")) as port:
        before = ask(f"https://127.0.0.1:{port}/", opener, ca_file=str(bundle))
        bundle.write_bytes(authority.file.read_bytes())
        after = ask(f"https://127.0.0.1:{port}/", opener, ca_file=str(bundle))

    assert (before.outcome, after.outcome) == ("down", "up")


def test_https_to_a_server_that_speaks_http_says_so() -> None:
    with serving(answering("HTTP/1.1 400 Bad Request\nContent-Length: 0"), listen=False) as port:
        result = ask(f"https://127.0.0.1:{port}/")

    assert result.outcome == "down"
    assert str(result.reason).startswith("no TLS")


def test_a_redirect_from_http_to_https_is_followed(authority: Authority) -> None:
    with serving(OK, authority.server("target")) as port:
        location = f"https://localhost:{port}/"
        with serving(answering(f"HTTP/1.1 301 Moved\nLocation: {location}\nContent-Length: 0")) as first:
            result = ask(f"http://127.0.0.1:{first}/", ca_file=str(authority.file))

    assert (result.outcome, result.http_status) == ("up", 200)


def test_a_login_wall_is_up() -> None:
    wall = answering("HTTP/1.1 302 Found\nLocation: https://auth.invalid/login?rd=x\nContent-Length: 0")
    with serving(wall) as port:
        result = ask(f"http://127.0.0.1:{port}/")

    assert (result.outcome, result.login, result.reason) == ("up", True, "asks to log in")


def test_a_head_that_lies_is_found_out() -> None:
    def lying(connection: socket.socket, request: str) -> None:
        status = "200 OK" if request.startswith("GET") else "404 Not Found"
        connection.sendall(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode())

    with serving(lying) as port:
        result = ask(f"http://127.0.0.1:{port}/")

    assert (result.outcome, result.http_status, result.method) == ("up", 200, "GET")


def test_a_server_that_hangs_up_on_head_is_asked_with_get() -> None:
    def deaf(connection: socket.socket, request: str) -> None:
        if request.startswith("GET"):
            OK(connection, request)

    with serving(deaf) as port:
        result = ask(f"http://127.0.0.1:{port}/")

    assert (result.outcome, result.method) == ("up", "GET")


def test_a_hanging_server_is_let_go_in_time() -> None:
    def silent(connection: socket.socket, _request: str) -> None:
        connection.recv(1)

    with serving(silent) as port:
        result = ask(f"http://127.0.0.1:{port}/", timeout=0.2)

    assert (result.outcome, result.reason) == ("down", "no answer within 0.2 s")
    assert result.latency is not None
    assert result.latency < 1.0


def test_a_dripping_answer_does_not_stretch_the_time() -> None:
    def dripping(connection: socket.socket, _request: str) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        for _ in range(100):
            connection.sendall(b"X-Drip: 1\r\n")
            time.sleep(0.05)

    with serving(dripping) as port:
        result = ask(f"http://127.0.0.1:{port}/", timeout=0.3)

    assert (result.outcome, result.reason) == ("down", "no answer within 0.3 s")
    assert result.latency is not None
    assert result.latency < 1.5


def test_a_dripping_handshake_does_not_stretch_the_time() -> None:
    def dripping(connection: socket.socket, _request: str) -> None:
        for byte in b"\x16\x03\x03\x40\x00" + bytes(95):
            connection.sendall(bytes([byte]))
            time.sleep(0.05)

    with serving(dripping, listen=False) as port:
        result = ask(f"https://127.0.0.1:{port}/", timeout=0.3)

    assert (result.outcome, result.reason) == ("down", "no answer within 0.3 s")


def test_a_connection_closed_in_the_status_line_says_so() -> None:
    with serving(lambda connection, _request: connection.sendall(b"HT")) as port:
        result = ask(f"http://127.0.0.1:{port}/")

    assert (result.outcome, result.reason) == ("down", "does not speak HTTP")


def test_a_server_that_closes_without_an_answer_says_so() -> None:
    with serving(lambda _connection, _request: None) as port:
        result = ask(f"http://127.0.0.1:{port}/")

    assert (result.outcome, result.reason) == ("down", "closes the connection without an answer")


def test_a_server_that_speaks_something_else_says_so() -> None:
    with serving(lambda connection, _request: connection.sendall(b"220 mail.example ESMTP\r\n")) as port:
        result = ask(f"http://127.0.0.1:{port}/")

    assert (result.outcome, result.reason) == ("down", "does not speak HTTP")


def test_a_large_download_is_not_taken() -> None:
    sent = []

    def flood(connection: socket.socket, request: str) -> None:
        if request.startswith("HEAD"):
            connection.sendall(b"HTTP/1.1 405 No\r\nContent-Length: 0\r\n\r\n")
            return
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        while True:
            sent.append(connection.send(bytes(65536)))

    with serving(flood) as port:
        result = ask(f"http://127.0.0.1:{port}/")

    assert result.outcome == "up"
    assert sum(sent) < 100_000_000


def test_a_closed_port_says_so() -> None:
    with serving(OK) as port:
        pass

    result = ask(f"http://127.0.0.1:{port}/")

    assert (result.outcome, result.reason) == ("down", "refuses connections")


def test_a_name_without_an_address_says_so() -> None:
    def nobody(_host: str, _port: int) -> list[AddressInfo]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    result = ask("http://nobody.example/", Opener(resolve=nobody))

    assert (result.outcome, result.reason) == ("down", "does not resolve: nobody.example")


def test_a_redirect_to_a_name_without_end_leaves_a_short_reason() -> None:
    name = ".".join(["a" * 60] * 900)
    with serving(answering(f"HTTP/1.1 302 Found\nLocation: http://{name}/")) as port:
        result = ask(f"http://127.0.0.1:{port}/")

    assert (result.outcome, result.reason) == ("down", "does not resolve: longer than any name")


def test_a_dead_first_address_leaves_time_for_the_second() -> None:
    with serving(OK) as port:
        opener = Opener(resolve=lambda _host, _port: [_address("127.0.0.1", 1), _address("127.0.0.1", port)])
        result = ask("http://two.example/", opener)

    assert result.outcome == "up"


def test_a_lookup_that_hangs_is_let_go_in_the_time_of_the_check() -> None:
    end = threading.Event()

    def silent(_host: str, _port: int) -> list[AddressInfo]:
        end.wait(5)
        return []

    began = time.monotonic()
    result = ask("http://silent.example/", Opener(resolve=silent), timeout=0.1)
    end.set()

    assert (result.outcome, result.reason) == ("down", "no answer within 0.1 s")
    assert time.monotonic() - began < 2


def test_a_lookup_that_was_let_go_still_counts_until_it_ends() -> None:
    end = threading.Event()

    def silent(_host: str, _port: int) -> list[AddressInfo]:
        end.wait(5)
        return []

    opener = Opener(resolve=silent, lookups=1)
    ask("http://silent.example/", opener, timeout=0.05)
    busy = ask("http://silent.example/", opener, timeout=0.05)
    end.set()

    assert busy.reason == "not asked: name lookups take too long"
    assert opener.lookups.acquire(timeout=1)


def test_lookups_that_take_too_long_say_nothing_about_the_target() -> None:
    opener = Opener()
    for _ in range(6):
        opener.lookups.acquire()

    named = ask("http://localhost:1/", opener, timeout=0.05)
    numbered = ask("http://127.0.0.1:1/", opener)

    assert (named.outcome, named.reason) == ("unknown", "not asked: name lookups take too long")
    assert (numbered.outcome, numbered.reason) == ("down", "refuses connections")


def test_tcp_is_up_when_a_connection_comes_about() -> None:
    with serving(OK) as port:
        result = ask(f"tcp://127.0.0.1:{port}")

    assert (result.outcome, result.http_status) == ("up", None)


def test_tcp_is_down_when_none_does() -> None:
    result = ask("tcp://127.0.0.1:1")

    assert (result.outcome, result.reason) == ("down", "refuses connections")


SPELLINGS = [
    "169.254.169.254",
    "2852039166",
    "0xa9fea9fe",
    "0251.0376.0251.0376",
    "0xa9.0xfe.0xa9.0xfe",
    "169.254.43518",
    "[::ffff:169.254.169.254]",
    "[::ffff:a9fe:a9fe]",
    "[fe80::1]",
    "[fd00:ec2::254]",
]


@pytest.mark.parametrize("host", SPELLINGS)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_refused_address_is_never_asked_however_it_is_spelt(scheme: str, host: str) -> None:
    result = ask(f"{scheme}://{host}/latest/meta-data/")

    assert result.outcome == "unknown"
    assert str(result.reason).startswith("not asked: ")


@pytest.mark.parametrize("host", SPELLINGS)
def test_a_refused_address_is_not_asked_by_redirect_either(host: str) -> None:
    with serving(answering(f"HTTP/1.1 302 Found\nLocation: http://{host}/\nContent-Length: 0")) as port:
        result = ask(f"http://127.0.0.1:{port}/")

    assert result.outcome == "unknown"
    assert str(result.reason).startswith("not asked: ")


@pytest.mark.parametrize("scheme", ["http", "https", "tcp"])
def test_a_name_for_a_refused_address_is_not_asked(scheme: str) -> None:
    opener = Opener(resolve=lambda _host, _port: [_address("169.254.169.254", 80)])

    result = ask(f"{scheme}://metadata.example:80", opener)

    assert (result.outcome, result.reason) == ("unknown", "not asked: metadata.example is a link-local address")


def test_a_name_that_changes_its_address_between_two_lookups_gains_nothing() -> None:
    lookups = iter(["127.0.0.1", "169.254.169.254"])
    with serving(answering("HTTP/1.1 302 Found\nLocation: /again\nContent-Length: 0")) as port:
        opener = Opener(resolve=lambda _host, _port: [_address(next(lookups), port)])
        result = ask(f"http://rebound.example:{port}/", opener)

    assert (result.outcome, result.reason) == ("unknown", "not asked: rebound.example is a link-local address")


def test_a_name_with_a_refused_and_an_allowed_address_is_asked_at_the_allowed_one() -> None:
    with serving(OK) as port:
        addresses = [_address("169.254.169.254", port), _address("127.0.0.1", port)]
        result = ask(f"http://both.example:{port}/", Opener(resolve=lambda _host, _port: addresses))

    assert result.outcome == "up"


def test_loopback_can_be_forbidden() -> None:
    with serving(OK) as port:
        result = ask(f"http://localhost:{port}/", guard=Guard(loopback=False))

    assert (result.outcome, result.reason) == ("unknown", "not asked: localhost is a loopback address")


def test_the_environments_proxy_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    with serving(OK) as port:
        result = ask(f"http://127.0.0.1:{port}/")

    assert result.outcome == "up"


def _address(host: str, port: int) -> AddressInfo:
    return (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (host, port))
