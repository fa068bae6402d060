"""The web server: gevent's pywsgi, with event streams handed over to the hub and small answers sent at once.

A connection that becomes a stream leaves the server: its greenlet, request and parser are freed, and only the socket
lives on.
"""

from __future__ import annotations

import logging
import os
import socket
from threading import Event
from typing import TYPE_CHECKING, Any, Final

import gevent.socket
from gevent import pywsgi

from portal.stream.body import Stream

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

logger = logging.getLogger(__name__)

_Headers = list[tuple[bytes, bytes]]

_BACKLOG: Final = 1024
IDLE_SECONDS: Final = 75.0
"""How long a connection may be silent between requests, or take for one read or write; proxies keep theirs shorter."""


class ListenError(Exception):
    """The server cannot listen on its address: taken, not ours, or not allowed."""


class Server:
    """A WSGI server on one address; it listens from its construction on."""

    def __init__(self, app: WSGIApplication, host: str, port: int, *, idle_seconds: float = IDLE_SECONDS) -> None:
        """Listen on `host` and `port`, 0 for a free one; raise `ListenError` where that cannot be."""
        log = _AccessLog()
        self._server = pywsgi.WSGIServer(
            (host, port),
            app,
            backlog=_BACKLOG,
            handler_class=Handler,
            log=log,
            error_log=logger,
            environ={"SERVER_NAME": host},
        )
        self._server.idle_seconds = idle_seconds
        try:
            self._server.init_socket()
        except OSError as error:
            why = os.strerror(error.errno) if error.errno else error
            raise ListenError(f"cannot listen on {host}:{port}: {why}") from error

    @property
    def address(self) -> tuple[str, int]:
        """Return the host and the port that the server listens on."""
        return self._server.address[0], self._server.address[1]

    def serve(self, stop: Event) -> None:
        """Accept connections until the event `stop` is set; then take no more. Answers under way go on."""
        self._server.start()
        try:
            stop.wait()
        finally:
            self.close()

    def close(self) -> None:
        """Stop listening."""
        self._server.close()


def url_of(host: str, port: int) -> str:
    """Return where browsers find a server that listens there; an IPv6 address is bracketed."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class Handler(pywsgi.WSGIHandler):  # type: ignore[misc] # gevent is untyped
    """One connection: as in pywsgi, except that streams are handed over and nothing waits for ever."""

    response_headers: _Headers
    socket: Any

    def __init__(self, sock: gevent.socket.socket, address: object, server: pywsgi.WSGIServer) -> None:
        if sock.family in (socket.AF_INET, socket.AF_INET6):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.settimeout(server.idle_seconds)
        super().__init__(sock, address, server)

    def finalize_headers(self) -> None:
        """Complete the headers; those of HEAD say nothing about a length that GET would not have."""
        super().finalize_headers()
        if self.command == "HEAD" and self.provided_content_length is None:
            self.response_use_chunked = False
            self.response_headers = _without(self.response_headers, (b"content-length", b"transfer-encoding"))

    def process_result(self) -> None:
        """Send the application's answer or, where it is a stream on a socket of ours, hand the connection over."""
        if isinstance(self.result, Stream) and self.result.can_attach and self._can_hand_over():
            self._hand_over(self.result)
        else:
            super().process_result()

    def log_request(self) -> None:
        """Write the access log, where anybody reads it."""
        if logger.isEnabledFor(logging.DEBUG):
            super().log_request()

    def handle_error(self, t: type[BaseException], v: BaseException, tb: object) -> None:
        """Answer an error of the application; a peer that is too slow is no error of ours."""
        if issubclass(t, TimeoutError):
            self.close_connection = True
        else:
            super().handle_error(t, v, tb)

    def _handle_client_error(self, ex: Exception) -> object:
        return None if isinstance(ex, TimeoutError) else super()._handle_client_error(ex)

    def _can_hand_over(self) -> bool:
        has_body = self.environ.get("CONTENT_LENGTH", "0") not in ("", "0") or "HTTP_TRANSFER_ENCODING" in self.environ
        return self.command == "GET" and type(self.socket) is gevent.socket.socket and not has_body

    def _hand_over(self, stream: Stream) -> None:
        self.headers_sent = True
        self.finalize_headers()
        self.response_use_chunked = False
        headers = _without(self.response_headers, (b"connection", b"transfer-encoding"))
        lines = [b"HTTP/1.1 " + self.status, *(name + b": " + value for name, value in headers)]
        head = b"\r\n".join((*lines, b"Connection: close", b"", b""))
        self.close_connection = True
        connection = self.socket
        self.socket = None  # the loop in handle() ends, and closes nothing
        stream.attach(connection.detach(), head)


def _without(headers: _Headers, names: tuple[bytes, ...]) -> _Headers:
    return [(name, value) for name, value in headers if name.lower() not in names]


class _AccessLog:
    """The access log: quiet, at DEBUG."""

    def write(self, line: str) -> None:
        """Write one line."""
        logger.debug("%s", line.rstrip())
