"""Connections for checks: guarded at the moment of connecting, timed by phase, and never beyond the check's time.

Each check gets a Visit of its own; nothing of it lives on after the check but its result.
"""

from __future__ import annotations

import errno
import select
import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from datetime import datetime
from ipaddress import ip_address
from typing import Any, Final

from portal.availability.certificates import TrustStore, expiry_from_der
from portal.availability.errors import (
    AddressRefusedError,
    LookupsBusyError,
    NoFileLeftError,
    NotConnectedError,
    NotResolvedError,
    NotTrustedError,
    OutOfTimeError,
)
from portal.availability.results import Phases
from portal.availability.targets import Target
from portal.model import utc_now

LOOKUPS_AT_ONCE: Final = 6  # gevent resolves names in ten threads, and the cluster's API needs some of them
LONGEST_NAME: Final = 254  # RFC 1035, with a dot at the end; reasons are kept, and a redirect may name anything
REFUSALS: Final = {
    errno.ECONNREFUSED: "refuses connections",
    errno.EHOSTUNREACH: "no route to the host",
    errno.ENETUNREACH: "no route to the network",
    errno.ECONNRESET: "resets the connection",
}
LACKS: Final = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM))  # ours, not the target's

AddressInfo = tuple[int, int, int, str, Any]
Resolve = Callable[[str, int], Sequence[AddressInfo]]


def resolve(host: str, port: int) -> Sequence[AddressInfo]:
    """Return the addresses of a host as getaddrinfo gives them, in any spelling it understands."""
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)


class Opener:
    """Opens visits; holds what checks share: whom to trust, and the number of name lookups at once.

    A lookup has a thread of its own, because the system sets no limit to it that a check could keep: who waits may go.
    """

    def __init__(
        self,
        *,
        user_agent: str = "portal",
        resolve: Resolve = resolve,
        lookups: int = LOOKUPS_AT_ONCE,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self.user_agent = user_agent
        self.trust = TrustStore()
        self.lookups = threading.BoundedSemaphore(lookups)
        self.resolve = resolve
        self.clock = clock
        self.now = now

    def visit(self, target: Target) -> Visit:
        """Start the clock of one check."""
        return Visit(self, target)

    def lookup(self, host: str, port: int, seconds: float) -> Future[Sequence[AddressInfo]]:
        """Begin a name lookup, as soon as there may be one more; raises LookupsBusyError after so many seconds.

        An address asks no name server, and is found at once.
        """
        found: Future[Sequence[AddressInfo]] = Future()
        if _is_address(host):
            self._find(host, port, found)
            return found
        if not self.lookups.acquire(timeout=seconds):
            raise LookupsBusyError("not asked: name lookups take too long")
        try:
            threading.Thread(target=self._look_up, args=(host, port, found), daemon=True).start()  # noqa: TID251 - ends
        except RuntimeError as error:
            self.lookups.release()
            raise LookupsBusyError("not asked: no thread is left for a name lookup") from error
        return found

    def _look_up(self, host: str, port: int, found: Future[Sequence[AddressInfo]]) -> None:
        self._find(host, port, found)
        self.lookups.release()

    def _find(self, host: str, port: int, found: Future[Sequence[AddressInfo]]) -> None:
        try:
            found.set_result(self.resolve(host, port))
        except Exception as error:  # noqa: BLE001 - rises where it is waited for
            found.set_exception(error)


class Visit:
    """The connections of one check, one after another, within its time; and what the last one took."""

    def __init__(self, opener: Opener, target: Target) -> None:
        self.target = target
        self.clock = opener.clock
        self._opener = opener
        self._began = opener.clock()
        self._until = self._began + target.timeout
        self._marks: dict[str, float] = {}
        self.certificate_days: int | None = None

    @property
    def elapsed(self) -> float:
        """Return the seconds since the check began."""
        return self.clock() - self._began

    @property
    def phases(self) -> Phases:
        """Return what the last connection spent on each phase."""
        return Phases(**self._marks)

    def remaining(self) -> float:
        """Return the seconds that are left; raises OutOfTimeError when there are none."""
        left = self._until - self.clock()
        if left <= 0:
            raise OutOfTimeError(f"no answer within {self.target.timeout:g} s")
        return left

    def mark(self, phase: str, began: float) -> None:
        """Note what a phase took that began at this reading of the clock."""
        self._marks[phase] = self.clock() - began

    def connect(self, host: str, port: int) -> socket.socket:
        """Return a TCP connection to the first address that is allowed and accepts.

        Raises NotResolvedError, AddressRefusedError, NoFileLeftError, NotConnectedError and OutOfTimeError.
        """
        self._marks.clear()
        allowed = self._allowed(host, self._resolved(host, port))
        began, why = self.clock(), ""
        for tried, info in enumerate(allowed):
            left = self.remaining()
            try:
                sock = _connected(info, left / (len(allowed) - tried))  # a dead first address leaves time for the next
            except OSError as error:
                if error.errno in LACKS:
                    raise NoFileLeftError(f"not asked: {error.strerror}") from error
                why = REFUSALS.get(error.errno or 0) or error.strerror or "does not accept a connection"
            else:
                self.mark("connect", began)
                return sock
        self.remaining()
        raise NotConnectedError(why)

    def secure(self, sock: socket.socket, host: str) -> ssl.SSLSocket:
        """Return the connection with TLS on it, and note until when the certificate is valid.

        Raises NotTrustedError and OutOfTimeError.
        """
        began, target = self.clock(), self.target
        try:
            context = self._opener.trust.context(ca_file=target.ca_file, ignore=target.ignore_certificates)
            tls = context.wrap_socket(sock, server_hostname=host, do_handshake_on_connect=False)
        except (OSError, ValueError) as error:
            sock.close()
            raise NotTrustedError(f"TLS is not possible: {error}") from error
        try:
            self._shake_hands(tls)
        except BaseException:
            tls.close()
            raise
        self.mark("tls", began)
        self._note_certificate(tls)
        return tls

    def _resolved(self, host: str, port: int) -> Sequence[AddressInfo]:
        if len(host) > LONGEST_NAME:
            raise NotResolvedError("does not resolve: longer than any name")
        began = self.clock()
        lookup = self._opener.lookup(host, port, self.remaining())
        try:
            found = lookup.result(self.remaining())
        except TimeoutError as error:
            raise OutOfTimeError(f"no answer within {self.target.timeout:g} s") from error
        except (OSError, UnicodeError) as error:
            raise NotResolvedError(f"does not resolve: {host}") from error
        self.mark("resolve", began)
        return found

    def _allowed(self, host: str, found: Sequence[AddressInfo]) -> Sequence[AddressInfo]:
        refusals = [self.target.guard.refusal(info[4][0]) for info in found]
        allowed = [info for info, refusal in zip(found, refusals, strict=True) if refusal is None]
        if not allowed:
            why = next(iter(refusals), None) or "no address"
            raise AddressRefusedError(f"not asked: {host} is a {why}")
        return allowed

    def _shake_hands(self, tls: ssl.SSLSocket) -> None:
        """Shake hands without blocking: a time-out on the socket would start anew with each dripped byte."""
        tls.settimeout(0)
        readiness = select.poll()
        while True:
            try:
                return tls.do_handshake()
            except ssl.SSLWantReadError:
                wanted = select.POLLIN
            except ssl.SSLWantWriteError:
                wanted = select.POLLOUT
            except ssl.SSLCertVerificationError as error:
                raise NotTrustedError(f"certificate: {error.verify_message.rstrip('.')}") from error
            except OSError as error:
                raise NotTrustedError(f"no TLS: {_words(error)}") from error
            readiness.register(tls, wanted)
            readiness.poll(self.remaining() * 1000)

    def _note_certificate(self, tls: ssl.SSLSocket) -> None:
        expiry = expiry_from_der(tls.getpeercert(binary_form=True) or b"")
        self.certificate_days = None if expiry is None else (expiry - self._opener.now()).days


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _connected(info: AddressInfo, seconds: float) -> socket.socket:
    family, kind, protocol, _, address = info
    sock = socket.socket(family, kind, protocol)
    try:
        sock.settimeout(seconds)
        sock.connect(address)
    except BaseException:
        sock.close()
        raise
    return sock


def _words(error: OSError) -> str:
    """Return what a TLS library's error says, without its codes."""
    reason = getattr(error, "reason", None)
    return reason.replace("_", " ").lower() if reason else error.strerror or "the connection was closed"
