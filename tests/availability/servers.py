"""Real servers on loopback that behave as told, and certificates to behave badly with."""

from __future__ import annotations

import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from gevent.server import StreamServer

Behaviour = Callable[[socket.socket, str], None]


@contextmanager
def serving(behaviour: Behaviour, tls: ssl.SSLContext | None = None, *, listen: bool = True) -> Iterator[int]:
    """Serve by `behaviour(connection, request)` for each connection and give the port; without `listen` unasked."""

    def handle(connection: socket.socket, _peer: object) -> None:
        with suppress(OSError):
            behaviour(connection, _head(connection) if listen else "")

    server = StreamServer(("127.0.0.1", 0), handle, **({"ssl_context": tls} if tls else {}))
    server.start()
    try:
        yield server.server_port
    finally:
        server.stop(timeout=0)


def answering(head: str, body: bytes = b"") -> Behaviour:
    """Answer everything with this status line and headers."""
    text = head.strip().replace("\n", "\r\n") + "\r\n\r\n"
    return lambda connection, _request: connection.sendall(text.encode() + body)


def _head(connection: socket.socket) -> str:
    read = b""
    while b"\r\n\r\n" not in read:
        more = connection.recv(4096)
        if not more:
            break
        read += more
    return read.decode("latin1")


class Authority:
    """A certificate authority made with the openssl command."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        self.name = name
        self.file = folder / f"{name}.pem"
        self._openssl(
            *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "3650"),
            *("-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.pem"),
        )
        (folder / f"{name}.txt").touch()
        (folder / f"{name}.cnf").write_text(CONFIGURATION.format(name=name))

    def server(
        self, name: str, *, subject: str = "IP:127.0.0.1,DNS:localhost", ends: str = "20990101000000Z"
    ) -> ssl.SSLContext:
        """Return a server's context with a certificate of this authority."""
        base = f"{self.name}-{name}"
        self._openssl(
            *("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
            *("-subj", f"/CN={name}", "-keyout", f"{base}.key", "-out", f"{base}.csr"),
        )
        (self.folder / f"{base}.ext").write_text(f"subjectAltName={subject}\n")
        self._openssl(
            *("ca", "-batch", "-config", f"{self.name}.cnf", "-create_serial", "-notext", "-in", f"{base}.csr"),
            *("-out", f"{base}.pem", "-startdate", "20200101000000Z", "-enddate", ends, "-extfile", f"{base}.ext"),
        )
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.folder / f"{base}.pem", self.folder / f"{base}.key")
        return context

    def der(self, name: str) -> bytes:
        """Return the certificate of a server."""
        return ssl.PEM_cert_to_DER_cert((self.folder / f"{self.name}-{name}.pem").read_text())

    def _openssl(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True, timeout=30)


CONFIGURATION = """
[ca]
default_ca = this
[this]
new_certs_dir = .
database = {name}.txt
serial = {name}.serial
certificate = {name}.pem
private_key = {name}.key
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
"""
