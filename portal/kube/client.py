"""One API server: asked for documents and for streams of bytes; its answers checked, its failures in our words."""

from __future__ import annotations

import os
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path
from socket import SHUT_RDWR
from typing import Any, Final
from urllib.parse import urlencode

from urllib3 import BaseHTTPResponse, Timeout
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    LocationValueError,
    MaxRetryError,
    NewConnectionError,
    ProxyError,
    ReadTimeoutError,
    SSLError,
)

from portal.kube.credentials import ACCOUNT, Credentials, credentials
from portal.kube.errors import (
    ConnectionLost,
    KubeError,
    Malformed,
    Truncated,
    Unreachable,
    error_from_answer,
)
from portal.kube.framing import Chunks, Unzip, Whole
from portal.kube.limits import TokenBucket

CONNECT_SECONDS: Final = 5.0
ANSWER_SECONDS: Final = 60.0  # a consistent list takes up to 40 s when etcd hangs
HEAD_SECONDS: Final = 10.0  # a watch answers at once, before its first event
PROBE_SECONDS: Final = 2.0
TICK_SECONDS: Final = 1.0
RECEIVED: Final = 64 * 1024  # more at once is no faster: what is decoded together should fit into the cache
LONGEST_ERROR: Final = 65536
LONGEST_BODY: Final = 2**30
HEADERS: Final = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "portal"}
_NO_CONNECTION: Final = (
    NewConnectionError,
    ConnectTimeoutError,
    ProxyError,
    SSLError,
    LocationValueError,
    ReadTimeoutError,
)

Query = Mapping[str, str]


class Api:
    """One API server.

    `bucket` limits requests; `tick` is how many seconds of silence a stream reports at once.
    """

    def __init__(self, who: Credentials, *, bucket: TokenBucket | None = None, tick: float = TICK_SECONDS) -> None:
        self._who = who
        self._bucket = bucket or TokenBucket()
        self._tick = tick

    @property
    def host(self) -> str:
        """Return the address of the API server."""
        return self._who.host

    def get(self, path: str, query: Query | None = None, *, exempt: bool = False) -> bytes:
        """Return a document.

        `exempt` requests go past the token bucket. Raises KubeError.
        """
        return self.send("GET", path, query, exempt=exempt)

    def send(
        self, method: str, path: str, query: Query | None = None, body: bytes | None = None, *, exempt: bool = False
    ) -> bytes:
        """Send a request and return the document that answers it.

        Raises KubeError.
        """
        if not exempt:
            self._bucket.take()
        response = self._ask(method, path, query or {}, body, ANSWER_SECONDS)
        content = _read(response)
        if response.status >= HTTPStatus.BAD_REQUEST:
            raise error_from_answer(response.status, content, response.headers)
        if not _is_json(response):
            raise Malformed(f"the answer is {response.headers.get('Content-Type') or 'of no type'} and not JSON")
        return content

    def stream(self, path: str, query: Query) -> ByteStream:
        """Return the body of an answer that comes bit by bit, once the server has begun to answer.

        Raises KubeError.
        """
        response = self._ask("GET", path, query, None, HEAD_SECONDS)
        if response.status != HTTPStatus.OK:
            raise error_from_answer(response.status, _read(response, LONGEST_ERROR), response.headers)
        if not _is_json(response):
            response.close()
            raise Malformed(f"the answer to a watch is {response.headers.get('Content-Type') or 'of no type'}")
        return ByteStream(response, self._tick)

    def probe(self) -> int:
        """Return the HTTP status of the server's own readiness.

        Raises KubeError when it does not answer.
        """
        response = self._ask("GET", "/readyz", {}, None, PROBE_SECONDS)
        _read(response, LONGEST_ERROR)
        return response.status

    def _ask(self, method: str, path: str, query: Query, body: bytes | None, seconds: float) -> BaseHTTPResponse:
        said = self._who.headers()
        response = self._request(method, path, query, body, seconds)
        if response.status == HTTPStatus.UNAUTHORIZED and self._who.renew(said):
            response.close()
            response = self._request(method, path, query, body, seconds)
        return response

    def _request(self, method: str, path: str, query: Query, body: bytes | None, seconds: float) -> BaseHTTPResponse:
        url = f"{self.host}{path}?{urlencode(query)}" if query else f"{self.host}{path}"
        headers = HEADERS | self._who.headers()
        if body is not None:
            headers["Content-Type"] = "application/json"
        timeout = Timeout(connect=min(CONNECT_SECONDS, seconds), read=seconds)
        try:
            return self._who.pool.request(
                method,
                url,
                body=body,
                headers=headers,
                timeout=timeout,
                retries=False,
                redirect=False,
                preload_content=False,
            )
        except (HTTPError, HTTPException, OSError, ValueError) as error:
            raise error_from_transport(error) from error


class ByteStream:
    """The body of one answer, as it comes.

    Reads the socket itself: urllib3 and http.client cannot go on after a read that timed out, and do not tell a body
    that was cut off from one that ended.
    """

    def __init__(self, response: BaseHTTPResponse, tick: float) -> None:
        self._response = response
        self._buffer: Any = response._fp.fp  # type: ignore[attr-defined]  # noqa: SLF001 - see above
        self._socket = self._buffer.raw._sock  # noqa: SLF001 - as above
        self._socket.settimeout(tick)
        headers = response.headers
        length = headers.get("Content-Length")
        chunked = "chunked" in headers.get("Transfer-Encoding", "").lower()
        self._body = Chunks() if chunked else Whole(int(length) if length and length.isdecimal() else None)
        self._unzip = Unzip() if "gzip" in headers.get("Content-Encoding", "") else None

    def __iter__(self) -> Iterator[bytes]:
        """Yield bytes as they come, and nothing (`b""`) after each tick of silence; ends only with the end of the body.

        Raises Truncated, ConnectionLost or Malformed.
        """
        receive = (
            self._buffer.read1
        )  # what was received together with the headers lies there; after one read it is empty
        body, unzip = self._body, self._unzip
        while not body.finished:
            try:
                data = receive(RECEIVED)
            except (OSError, ValueError) as error:
                if not _is_timeout(error):
                    raise ConnectionLost(f"the connection broke: {error}") from error
                receive = self._socket.recv
                yield b""
                continue
            receive = self._socket.recv
            if not data:
                raise Truncated("the connection ended in the middle of the answer")
            payload = body.feed(data)
            yield unzip.feed(payload) if unzip else payload

    def close(self) -> None:
        """Hang up."""
        with suppress(OSError):
            self._socket.shutdown(SHUT_RDWR)
        with suppress(OSError, HTTPError):
            self._response.close()


def connect(
    kubeconfig: str | None = None,
    context: str | None = None,
    *,
    bucket: TokenBucket | None = None,
    tick: float = TICK_SECONDS,
    environ: Mapping[str, str] = os.environ,
    account: Path = ACCOUNT,
) -> Api:
    """Return the API server of the flags, else of the pod, else of KUBECONFIG, else of the default kubeconfig.

    Asks nothing of it yet. Raises NoCredentials or BadContext.
    """
    return Api(credentials(kubeconfig, context, environ, account), bucket=bucket, tick=tick)


def error_from_transport(error: Exception) -> KubeError:
    """Return what a failure below HTTP means."""
    if isinstance(error, MaxRetryError) and error.reason is not None:
        error = error.reason
    text = " ".join(str(error).split()).rpartition("): ")[2] or type(error).__name__
    if isinstance(error, _NO_CONNECTION):
        return Unreachable(f"no connection: {text}")
    return ConnectionLost(f"the connection broke: {text}")


def _read(response: BaseHTTPResponse, most: int = LONGEST_BODY) -> bytes:
    """Return the body of an answer. Raises ConnectionLost when it is cut off, or comes too slowly to wait for."""
    parts: list[bytes] = []
    left, deadline = most, time.monotonic() + ANSWER_SECONDS
    try:
        while left > 0 and (part := response.read1(RECEIVED)):
            parts.append(part)
            left -= len(part)
            if time.monotonic() > deadline:
                raise TimeoutError(f"the answer took longer than {ANSWER_SECONDS:g} s")
    except (HTTPError, HTTPException, OSError, ValueError) as error:
        response.close()
        raise ConnectionLost(f"the connection broke in the middle of an answer: {error}") from error
    if left > 0:
        response.release_conn()
    else:
        response.close()
    return b"".join(parts)


def _is_json(response: BaseHTTPResponse) -> bool:
    return "json" in response.headers.get("Content-Type", "").lower()


def _is_timeout(error: Exception) -> bool:
    return isinstance(error, TimeoutError) or (isinstance(error, ssl.SSLError) and "timed out" in str(error))
