"""Icons from elsewhere: fetched with care."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gevent
import pytest
from gevent.pywsgi import WSGIServer

from portal.availability.transport import Opener
from portal.web.remote_icons import LARGEST, RemoteIcons

PNG = b"\x89PNG..."


ANSWERS = {
    "/a.png": ("200 OK", [("Content-Type", "image/png")], PNG),
    "/a.svg": ("200 OK", [("Content-Type", "image/svg+xml; charset=utf-8")], b"<svg/>"),
    "/page": ("200 OK", [("Content-Type", "text/html")], b"<html>"),
    "/large.png": ("200 OK", [("Content-Type", "image/png")], b"x" * (LARGEST + 1)),
    "/empty.png": ("200 OK", [("Content-Type", "image/png")], b""),
    "/missing.png": ("404 Not Found", [("Content-Type", "image/png")], PNG),
    "/moved": ("302 Found", [("Location", "/a.png")], b""),
    "/loop": ("302 Found", [("Location", "/loop")], b""),
    "/metadata": ("302 Found", [("Location", "http://169.254.169.254/a.png")], b""),
    "/file": ("302 Found", [("Location", "file:///etc/passwd")], b""),
}


class Site:
    """Answers every path with what the table says, and counts."""

    def __init__(self) -> None:
        self.asked = []
        self._server = WSGIServer(("127.0.0.1", 0), self._answer, log=None)
        self._server.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def _answer(self, environ: Any, start_response: Any) -> list[bytes]:
        self.asked.append(environ["PATH_INFO"])
        status, headers, body = ANSWERS[environ["PATH_INFO"]]
        start_response(status, headers)
        return [body]

    def close(self) -> None:
        self._server.stop()


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.close()


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/a.png", ("image/png", PNG)),
        ("/a.svg", ("image/svg+xml", b"<svg/>")),
        ("/moved", ("image/png", PNG)),
        ("/page", None),
        ("/large.png", None),
        ("/empty.png", None),
        ("/missing.png", None),
        ("/loop", None),
        ("/metadata", None),
        ("/file", None),
    ],
)
def test_only_small_images_are_taken(site: Site, path: str, found: Any) -> None:
    assert RemoteIcons(Opener())(site.url + path) == found


@pytest.mark.parametrize(
    "url",
    ["http://169.254.169.254/a.png", "http://[fe80::1]/a.png", "http://0xa9fea9fe/a.png", "ftp://127.0.0.1/a.png"],
)
def test_forbidden_addresses_are_not_asked(url: str) -> None:
    assert RemoteIcons(Opener())(url) is None


def test_an_icon_is_fetched_once_an_hour(site: Site) -> None:
    now = [0.0]
    icons = RemoteIcons(Opener(), clock=lambda: now[0])

    (
        icons(site.url + "/a.png"),
        icons(site.url + "/a.png"),
        icons(site.url + "/missing.png"),
        icons(site.url + "/missing.png"),
    )
    assert site.asked == ["/a.png", "/missing.png"]
    now[0] = 3601
    icons(site.url + "/a.png")
    assert site.asked == ["/a.png", "/missing.png", "/a.png"]


def test_two_who_ask_at_once_get_the_same(site: Site) -> None:
    icons, found = RemoteIcons(Opener()), []
    tasks = [gevent.spawn(lambda: found.append(icons(site.url + "/a.png"))) for _ in range(8)]

    gevent.joinall(tasks, timeout=10)

    assert found == [("image/png", PNG)] * 8
