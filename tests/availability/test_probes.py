from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests
import responses
from msgspec import structs
from responses import matchers
from urllib3.exceptions import ProtocolError

from portal.availability.probes import MAX_REDIRECTS, probe
from portal.availability.results import Result
from portal.availability.targets import target_from_url
from portal.availability.transport import Opener
from tests.availability.cases import cases

URL = "http://app.example/"


def ask(url: str = URL, **settings: object) -> Result:
    target = target_from_url(url)
    assert target is not None
    return probe(structs.replace(target, **settings), Opener(user_agent="portal/1.2.3"))


@pytest.fixture
def web() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mocked:
        yield mocked


@pytest.mark.parametrize(("head", "get", "outcome", "status", "reason", "methods"), cases("status_cases"))
def test_a_status_is_judged_by_the_rule(
    web: responses.RequestsMock,
    head: int,
    get: int | None,
    outcome: str,
    status: int,
    reason: str | None,
    methods: str,
) -> None:
    web.head(URL, status=head)
    web.get(URL, status=get or 599)

    result = ask()

    assert (result.outcome, result.http_status, result.reason) == (outcome, status, reason)
    assert " ".join(str(call.request.method) for call in web.calls) == methods


@pytest.mark.parametrize(("statuses", "head", "get", "outcome"), cases("expected_cases"))
def test_an_expected_status_replaces_the_rule(
    web: responses.RequestsMock, statuses: list[list[int]], head: int, get: int, outcome: str
) -> None:
    web.head(URL, status=head, headers={"Location": "/elsewhere"})
    web.get(URL, status=get, headers={"Location": "/elsewhere"})
    web.head(f"{URL}elsewhere", status=204)
    web.get(f"{URL}elsewhere", status=204)

    result = ask(statuses=tuple((low, high) for low, high in statuses))

    assert result.outcome == outcome


def test_a_head_that_lied_is_not_sent_again(web: responses.RequestsMock) -> None:
    web.head(URL, status=404)
    web.get(URL, status=200)
    first = ask()
    web.calls.reset()

    again = ask(method=first.method)

    assert again.outcome == "up"
    assert [call.request.method for call in web.calls] == ["GET"]


def test_a_head_that_told_the_truth_stays_the_first_question(web: responses.RequestsMock) -> None:
    web.head(URL, status=503)
    web.get(URL, status=503)

    assert ask().method == "HEAD"


def test_a_head_that_got_no_answer_is_asked_again_with_get(web: responses.RequestsMock) -> None:
    web.head(URL, body=requests.ConnectionError(ProtocolError("Connection aborted.", ConnectionResetError())))
    web.get(URL, status=200)

    assert (ask().outcome, ask().method) == ("up", "GET")


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (requests.ReadTimeout(), "no answer within 5 s"),
        (requests.ConnectTimeout(), "no answer within 5 s"),
        (requests.exceptions.SSLError(), "no TLS connection"),
    ],
)
def test_a_head_that_ran_out_of_time_or_trust_is_not_asked_again(
    web: responses.RequestsMock, error: Exception, reason: str
) -> None:
    web.head(URL, body=error)
    web.get(URL, status=200)

    result = ask()

    assert (result.outcome, result.reason) == ("down", reason)
    assert len(web.calls) == 1


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (
            requests.ConnectionError(ProtocolError("aborted", ConnectionResetError())),
            "closes the connection without an answer",
        ),
        (requests.exceptions.InvalidURL(), "not an address that can be asked"),
    ],
)
def test_every_failure_has_a_reason(web: responses.RequestsMock, error: Exception, reason: str) -> None:
    web.get(URL, body=error)

    result = ask(method="GET")

    assert (result.outcome, result.http_status, result.reason) == ("down", None, reason)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("location", ["web/index.html", f"{URL.replace('http', 'HTTP', 1)}web/index.html"])
def test_redirects_are_followed(web: responses.RequestsMock, status: int, location: str) -> None:
    web.head(URL, status=status, headers={"Location": location})
    web.head(f"{URL}web/index.html", status=200)

    assert (ask().outcome, ask().http_status) == ("up", 200)


def test_what_a_redirect_leads_to_decides(web: responses.RequestsMock) -> None:
    web.head(URL, status=302, headers={"Location": "https://other.example/gone"})
    web.head("https://other.example/gone", status=410)
    web.get("https://other.example/gone", status=410)

    assert (ask().outcome, ask().reason) == ("down", "answers 410")


def test_redirects_have_a_limit(web: responses.RequestsMock) -> None:
    web.head(URL, status=302, headers={"Location": URL})

    result = ask()

    assert (result.outcome, result.reason) == ("down", f"redirects more than {MAX_REDIRECTS} times")
    assert len(web.calls) == MAX_REDIRECTS + 1


@pytest.mark.parametrize("location", ["myapp://open", "javascript:alert(1)", ""])
def test_a_redirect_to_nowhere_we_can_go_is_an_answer(web: responses.RequestsMock, location: str) -> None:
    web.head(URL, status=302, headers={"Location": location})

    assert (ask().outcome, ask().http_status) == ("up", 302)


def test_a_redirect_to_a_login_is_up_and_the_login_is_left_alone(web: responses.RequestsMock) -> None:
    web.head(URL, status=302, headers={"Location": "https://auth.example/login?rd=http://app.example/"})

    result = ask()

    assert (result.outcome, result.http_status, result.reason) == ("up", 302, "asks to log in")
    assert result.login
    assert len(web.calls) == 1


def test_cookies_live_for_one_check(web: responses.RequestsMock) -> None:
    web.head(URL, status=302, headers={"Location": "/start", "Set-Cookie": "seen=1; Path=/"})
    web.head(f"{URL}start", status=200, match=[matchers.header_matcher({"Cookie": "seen=1"})])

    outcomes = [ask().outcome, ask().outcome]

    assert outcomes == ["up", "up"]
    assert "Cookie" not in web.calls[2].request.headers


def test_we_say_who_we_are_and_keep_no_connection(web: responses.RequestsMock) -> None:
    web.head(URL, status=200)

    ask()

    assert web.calls[0].request.headers["User-Agent"] == "portal/1.2.3"
    assert web.calls[0].request.headers["Connection"] == "close"


def test_an_entrys_own_headers_go_to_its_own_address_only(web: responses.RequestsMock) -> None:
    web.head(URL, status=302, headers={"Location": "/next"})
    web.head(f"{URL}next", status=302, headers={"Location": "http://other.example/"})
    web.head("http://other.example/", status=200)

    ask(headers=(("X-Key", "secret"),))

    assert [call.request.headers.get("X-Key") for call in web.calls] == ["secret", "secret", None]


def test_a_password_in_the_address_is_sent_as_one(web: responses.RequestsMock) -> None:
    web.head(URL, status=200)

    ask("http://jane:pass@app.example/")

    assert web.calls[0].request.headers["Authorization"] == "Basic amFuZTpwYXNz"


def test_bodies_are_not_read(web: responses.RequestsMock) -> None:
    web.get(URL, status=200)

    ask(method="GET")

    assert vars(web.calls[0].request)["req_kwargs"]["stream"] is True
