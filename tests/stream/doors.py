"""The doors that a stream goes out by: portal's server, which hands sockets over, and servers that iterate."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import pytest
from flask import Flask
from gevent.pool import Pool
from gevent.pywsgi import WSGIServer
from gevent.server import StreamServer

try:
    from gunicorn.config import Config
    from gunicorn.glogging import Logger
    from gunicorn.workers.ggevent import GeventWorker
except ImportError:
    GeventWorker = None

from portal.web.server import IDLE_SECONDS, Handler

SEND_BUFFER = 65536
"""Bytes; else the kernel takes megabytes on itself, and nobody is slow."""


class Open(NamedTuple):
    """A server that listens on a loopback port, how it ends, and how its clients must speak to it."""

    port: int
    close: Callable[[], object]
    tls: ssl.SSLContext | None = None


Door = Callable[[Flask], Open]


def listener() -> socket.socket:
    server = socket.create_server(("127.0.0.1", 0), backlog=128)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
    return server


def iterated(app: Flask) -> Open:
    """gevent's own server, which knows nothing of portal."""
    server = WSGIServer(listener(), app, log=None)
    server.start()
    return Open(server.server_port, server.stop)


def over_tls(app: Flask) -> Open:
    """portal's handler on a socket that encrypts in this process, and so cannot be handed over."""
    certificate, key = _certificate()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = WSGIServer(listener(), app, log=None, handler_class=Handler, ssl_context=context)
    server.idle_seconds = IDLE_SECONDS
    server.start()
    client = ssl.create_default_context(cafile=str(certificate))
    client.check_hostname = False
    return Open(server.server_port, server.stop, client)


def by_gunicorn(app: Flask) -> Open:
    """gunicorn's gevent worker, without the process around it."""
    if GeventWorker is None:
        pytest.skip("gunicorn is missing: pip install gunicorn packaging")
    config = Config()
    worker = GeventWorker(0, os.getppid(), [], None, 30, config, Logger(config))
    worker.wsgi = app
    server_socket = listener()
    server = StreamServer(server_socket, handle=partial(worker.handle, server_socket), spawn=Pool(1000))
    server.start()
    return Open(server.server_port, server.stop)


DOORS: dict[str, Door | None] = {
    "handed over": None,
    "iterated": iterated,
    "over TLS": over_tls,
    "by gunicorn": by_gunicorn,
}
"""None: portal's own server, as it runs in portal."""

_FOLDERS: list[TemporaryDirectory[str]] = []


@cache
def _certificate() -> tuple[Path, Path]:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is missing; on Debian: apt-get install openssl")
    _FOLDERS.append(TemporaryDirectory(prefix="stream-tls-"))
    folder = Path(_FOLDERS[0].name)
    kind = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    names = ["-subj", "/CN=portal", "-keyout", "key.pem", "-out", "certificate.pem"]
    subprocess.run(["openssl", *kind, *names], cwd=folder, check=True, capture_output=True, timeout=30)
    return folder / "certificate.pem", folder / "key.pem"
