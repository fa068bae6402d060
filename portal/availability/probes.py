"""How one target is asked: a probe is a function from a target to a result, chosen by the target's scheme.

The rule for HTTP: up is 200-399, 401, 403, 405, 429 and every other 4xx but 404 and 410, and a redirect to a login.
HEAD comes first; answered 404, 405 or 5xx, or not in HTTP at all, it is asked again with GET, but a time-out is not. No
body is ever read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http.client import HTTPException, RemoteDisconnected
from typing import Final
from urllib.parse import urljoin, urlsplit

import requests
from requests import RequestException, Response
from requests.cookies import RequestsCookieJar
from requests.exceptions import SSLError, Timeout
from requests.structures import CaseInsensitiveDict
from requests.utils import requote_uri
from urllib3.exceptions import HTTPError

from portal.availability.connections import VisitAdapter, VisitRequest
from portal.availability.errors import (
    AddressRefusedError,
    AvailabilityError,
    LookupsBusyError,
    NoFileLeftError,
    NotConnectedError,
    NotTrustedError,
    OutOfTimeError,
)
from portal.availability.login import leads_to_login
from portal.availability.results import Method, Outcome, Result
from portal.availability.targets import Target
from portal.availability.transport import Opener, Visit

MAX_REDIRECTS: Final = 10
REDIRECTS: Final = frozenset((301, 302, 303, 307, 308))
LIES: Final = frozenset((404, 405))
SUCCESS: Final = 200
CLIENT_ERROR: Final = 400
SERVER_ERROR: Final = 500
GONE: Final = frozenset((404, 410))

ADAPTER: Final = VisitAdapter()  # holds nothing: every request brings its visit

Probe = Callable[[Target, Opener], Result]


def probe_http(target: Target, opener: Opener) -> Result:
    """Ask an http or https target and return what it answered, redirects followed."""
    visit = opener.visit(target)
    return _Conversation(target, visit, opener.user_agent).result()


def probe_tcp(target: Target, opener: Opener) -> Result:
    """Connect to a tcp target; a connection that comes about is up."""
    visit = opener.visit(target)
    try:
        visit.connect(target.host, target.port).close()
    except AvailabilityError as error:
        return _failure(visit, error)
    return Result(outcome="up", latency=visit.elapsed, phases=visit.phases)


PROBES: Final[Mapping[str, Probe]] = {"http": probe_http, "https": probe_http, "tcp": probe_tcp}


def probe(target: Target, opener: Opener) -> Result:
    """Ask a target in the way of its scheme."""
    return PROBES[target.scheme](target, opener)


def is_up(status: int, target: Target) -> bool:
    """Tell whether a status counts as up: by the target's own ranges or, without any, by the general rule."""
    if target.statuses:
        return any(low <= status <= high for low, high in target.statuses)
    return SUCCESS <= status < SERVER_ERROR and status not in GONE


class _Conversation:
    """The requests of one check: where they are, and what they carry on."""

    def __init__(self, target: Target, visit: Visit, user_agent: str) -> None:
        self._target = target
        self._visit = visit
        self._url = target.url
        self._method: Method = target.method
        self._headers = {"User-Agent": user_agent, "Accept": "*/*", "Connection": "close"}
        self._cookies: RequestsCookieJar | None = None
        self._redirects = 0
        self._head_status: int | None = None

    def result(self) -> Result:
        """Ask until there is an answer that is neither a lie nor a redirect, or a reason why there is none."""
        try:
            while True:
                answer = self._step()
                if answer is not None:
                    return answer
        except AvailabilityError as error:
            return _failure(self._visit, error, self._method)
        except (RequestException, HTTPError, HTTPException, OSError, ValueError) as error:
            return _failure(self._visit, _in_our_words(error, self._target), self._method)

    def _step(self) -> Result | None:
        response = self._ask()
        if response is None or (self._method == "HEAD" and self._is_lie(response.status_code)):
            self._head_status = None if response is None else response.status_code
            self._method = "GET"
            return None
        status, location = response.status_code, self._location(response)
        if location is None:
            return self._judged(status)
        if not self._target.statuses and leads_to_login(self._url, location):
            return self._answer("up", status, "asks to log in", login=True)
        if self._redirects == MAX_REDIRECTS:
            return self._answer("down", status, f"redirects more than {MAX_REDIRECTS} times")
        self._follow(response, location)
        return None

    def _ask(self) -> Response | None:
        """Return the answer without its body, or None where a HEAD got one that is not HTTP."""
        try:
            response = ADAPTER.send(self._request(), stream=True)
        except (requests.ConnectionError, HTTPError) as error:
            if self._method == "GET" or isinstance(error, Timeout | SSLError):
                raise
            return None
        response.close()
        return response

    def _request(self) -> VisitRequest:
        request = VisitRequest()
        request.visit = self._visit
        request.prepare_method(self._method)
        request.prepare_url(self._url, None)
        own = self._target.headers if _origin(self._url) == _origin(self._target.url) else ()
        request.headers = CaseInsensitiveDict({**self._headers, **dict(own)})
        request.prepare_auth(None)
        if self._cookies is not None:
            request.prepare_cookies(self._cookies)
        return request

    def _is_lie(self, status: int) -> bool:
        unexpected = bool(self._target.statuses) and not is_up(status, self._target)
        return status in LIES or status >= SERVER_ERROR or unexpected

    def _location(self, response: Response) -> str | None:
        """Return where an answer sends us: an absolute http or https URL, unless a redirect is what is expected."""
        written = response.headers.get("Location")
        expected = bool(self._target.statuses) and is_up(response.status_code, self._target)
        if response.status_code not in REDIRECTS or not written or expected:
            return None
        location = urljoin(self._url, requote_uri(written.encode("latin1", "replace").decode("utf-8", "replace")))
        return location if urlsplit(location).scheme in ("http", "https") else None

    def _follow(self, response: Response, location: str) -> None:
        """Go there, with the cookies that were set on the way: without them many an application redirects for ever."""
        if response.cookies:
            self._cookies = self._cookies or RequestsCookieJar()
            self._cookies.update(response.cookies)
        self._redirects += 1
        self._url = location

    def _judged(self, status: int) -> Result:
        if is_up(status, self._target):
            return self._answer("up", status, None if status < CLIENT_ERROR else f"answers {status}")
        return self._answer("down", status, f"answers {status}")

    def _answer(self, outcome: Outcome, status: int, reason: str | None, *, login: bool = False) -> Result:
        return Result(
            outcome=outcome,
            http_status=status,
            latency=self._visit.elapsed,
            reason=reason,
            certificate_days=self._visit.certificate_days,
            login=login,
            method="HEAD" if status == self._head_status else self._method,
            phases=self._visit.phases,
        )


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


def _failure(visit: Visit, error: AvailabilityError, method: Method = "HEAD") -> Result:
    """Return the result of a check without an answer; what we did not ask is unknown, not down."""
    not_asked = isinstance(error, AddressRefusedError | LookupsBusyError | NoFileLeftError)
    return Result(
        outcome="unknown" if not_asked else "down",
        reason=str(error),
        latency=visit.elapsed,
        certificate_days=visit.certificate_days,
        method=method,
        phases=visit.phases,
    )


def _in_our_words(error: Exception, target: Target) -> AvailabilityError:
    """Return the reason behind an error of requests, urllib3 or http.client."""
    if isinstance(error, Timeout | TimeoutError):
        return OutOfTimeError(f"no answer within {target.timeout:g} s")
    if isinstance(error, SSLError):
        return NotTrustedError("no TLS connection")
    if isinstance(error, ValueError):
        return NotConnectedError("not an address that can be asked")
    root = _root(error)
    if isinstance(root, HTTPException) and not isinstance(root, RemoteDisconnected):
        return NotConnectedError("does not speak HTTP")
    return NotConnectedError("closes the connection without an answer")


def _root(error: BaseException) -> BaseException:
    """Return the innermost error; requests and urllib3 wrap by argument, the language by cause."""
    wrapped = [each for each in (*error.args, error.__cause__) if isinstance(each, BaseException)]
    return _root(wrapped[0]) if wrapped else error
