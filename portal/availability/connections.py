"""How requests speaks HTTP over the connections of a visit.

The deadline is kept before every single read, so that a server that drips its answer is let go like one that says
nothing; `http.client` alone starts its time-out anew with each byte. No connection is used twice, none through a proxy.
"""

from __future__ import annotations

import io
import socket
from collections.abc import Mapping
from typing import Any, ClassVar, Final, cast
from urllib.parse import urlsplit

from requests import PreparedRequest
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool
from urllib3.connection import HTTPConnection
from urllib3.response import HTTPResponse

from portal.availability.targets import DEFAULT_PORTS
from portal.availability.transport import Visit

HEAD_SIZE: Final = 4096  # read at once: most answers' heads, and all of a body that is ever read


class VisitRequest(PreparedRequest):
    """A request that is sent on a connection of `visit`."""

    visit: Visit


class VisitAdapter(HTTPAdapter):
    """requests' transport over visits; one serves every check."""

    def get_connection_with_tls_context(
        self,
        request: PreparedRequest,
        verify: object,  # noqa: ARG002 - the visit brings its own trust
        proxies: object = None,  # noqa: ARG002 - requests passes it by name
        cert: object = None,  # noqa: ARG002 - requests passes it by name
    ) -> HTTPConnectionPool:
        """Return a pool for one request of a visit."""
        url = urlsplit(str(request.url))
        port = url.port or DEFAULT_PORTS[url.scheme]  # without one, http.client looks for it in an IPv6 address
        return POOLS[url.scheme](url.hostname or "", port, maxsize=1, visit=cast("VisitRequest", request).visit)

    def cert_verify(self, conn: object, url: str, verify: object, cert: object) -> None:
        """Leave it to the visit, which brings its own trust."""


class _DeadlineReader(io.RawIOBase):
    """Reads from a socket, each time with the time that is left."""

    def __init__(self, sock: socket.socket, visit: Visit) -> None:
        self._sock = sock
        self._visit = visit

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:  # noqa: ANN401 - a buffer has no name before 3.12
        self._sock.settimeout(self._visit.remaining())
        try:
            return self._sock.recv_into(buffer)
        except TimeoutError:
            self._visit.remaining()  # the usual case, said in our words
            raise

    def close(self) -> None:
        if not self.closed:
            super().close()
            self._sock.close()


class _DeadlineSocket:
    """The few methods of a socket that http.client uses, keeping the deadline."""

    def __init__(self, sock: socket.socket, visit: Visit) -> None:
        self._sock = sock
        self._visit = visit
        self._reader: io.BufferedReader | None = None

    def sendall(self, data: bytes) -> None:
        self._sock.settimeout(self._visit.remaining())
        self._sock.sendall(data)

    def makefile(self, _mode: str) -> io.BufferedReader:
        self._reader = io.BufferedReader(_DeadlineReader(self._sock, self._visit), HEAD_SIZE)
        return self._reader

    def settimeout(self, timeout: float | None) -> None:
        """Ignore it: the deadline decides."""

    def close(self) -> None:
        """Close the socket, unless a response still reads from it and closes it when it is done."""
        if self._reader is None:
            self._sock.close()


class _Plain(HTTPConnection):
    """An HTTP connection of a visit."""

    def __init__(self, *, visit: Visit, **options: Any) -> None:  # noqa: ANN401 - urllib3 hands its own on
        super().__init__(**options)
        self._visit = visit

    def connect(self) -> None:
        self._use(self._visit.connect(self._dns_host, self.port))

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # urllib3's own, not http.client's
        began = self._visit.clock()
        response = super().getresponse()
        self._visit.mark("first_byte", began)
        return response

    def _use(self, sock: socket.socket) -> None:
        self.sock = cast("socket.socket", _DeadlineSocket(sock, self._visit))


class _Secure(_Plain):
    """An HTTPS connection of a visit."""

    default_port: ClassVar[int] = 443  # type: ignore[misc]  # left out of the Host header

    def connect(self) -> None:
        self._use(self._visit.secure(self._visit.connect(self._dns_host, self.port), self.host))


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _SecurePool(HTTPConnectionPool):
    scheme = "https"
    ConnectionCls = _Secure


POOLS: Final[Mapping[str, type[HTTPConnectionPool]]] = {"http": _PlainPool, "https": _SecurePool}
