"""Which addresses are accepted, and how they are put together."""

from __future__ import annotations

import pytest

from portal.sources.urls import address, path_from_pattern, url_from_text, with_root_path


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://example.com/Path?q=1#f", "https://example.com/Path?q=1#f"),
        (" http://example.com ", "http://example.com"),
        ("HTTPS://Example.com/A", "https://Example.com/A"),
        ("http://[2001:db8::1]:80/", "http://[2001:db8::1]:80/"),
        ("/", "/"),
        ("/a/b?next=http://x", "/a/b?next=http://x"),
        ("10.0.0.100", "http://10.0.0.100"),
        ("nas:5000", "http://nas:5000"),
        ("localhost", "http://localhost"),
        ("example.com/a", "http://example.com/a"),
        ("2001:db8::1", "http://[2001:db8::1]"),
        ("[2001:db8::1]", "http://[2001:db8::1]"),
        ("[2001:db8::1]:8080/a", "http://[2001:db8::1]:8080/a"),
        ("example.com.:8080/a", "http://example.com.:8080/a"),
    ],
)
def test_what_a_browser_can_open_is_an_address(text: str, url: str) -> None:
    assert url_from_text(text, "http") == url


@pytest.mark.parametrize(
    "text",
    [
        "javascript:alert(1)",
        "java\nscript:alert(1)",
        "javascript:1",
        "data:text/html,x",
        "tel:112",
        "mailto:a@example.com",
        "ftp://example.com",
        "tcp://example.com:22",
        "//example.com",
        "/\\example.com",
        "/\t/example.com",
        "\\\\example.com",
        "http:///path",
        "http://",
        "https:example.com",
        "word",
        "two words",
        "[2001:db8::1",
        "[nas]:8080",
        "",
    ],
)
def test_what_is_neither_http_nor_a_path_is_no_address(text: str) -> None:
    assert url_from_text(text, "http") is None


def test_a_bare_host_is_no_address_where_a_scheme_is_required() -> None:
    assert url_from_text("example.com") is None


@pytest.mark.parametrize(
    ("url", "root_path", "joined"),
    [
        ("https://example.com/", "app/dashboard/", "https://example.com/app/dashboard/"),
        ("https://example.com", "/app", "https://example.com/app"),
        ("https://example.com/a", "b", "https://example.com/a/b"),
        ("https://example.com/a//", "b", "https://example.com/a//b"),
        ("https://example.com/a?x=1#top", "/b", "https://example.com/a/b?x=1#top"),
        ("https://example.com/?x=1", "/b?y=2#end", "https://example.com/b?x=1&y=2#end"),
        ("https://example.com/", "#/login", "https://example.com/#/login"),
        ("https://example.com/", "?a=1", "https://example.com/?a=1"),
        ("/", "//other", "/other"),
        ("/", "/", "/"),
    ],
)
def test_a_root_path_goes_between_path_and_query(url: str, root_path: str, joined: str) -> None:
    assert with_root_path(url, root_path) == joined


@pytest.mark.parametrize(
    ("port", "path", "url"),
    [
        (None, "", "https://example.com"),
        (443, "/", "https://example.com"),
        (8443, "app", "https://example.com:8443/app"),
    ],
)
def test_an_address_leaves_out_what_goes_without_saying(port: int | None, path: str, url: str) -> None:
    assert address("https://", "example.com", port, path) == url


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("/app(/|$)(.*)", "/app"),
        ("/api/.*", "/api/"),
        ("/api/.+", "/api/"),
        ("^/app$", "/app"),
        ("/v[0-9]+/x", "/v"),
        ("/a\\.b", "/a"),
        ("/a.b", "/a.b"),
        ("/*", "/"),
        ("(/a|/b)", ""),
    ],
)
def test_a_pattern_is_literal_up_to_its_first_special_character(pattern: str, path: str) -> None:
    assert path_from_pattern(pattern) == path
