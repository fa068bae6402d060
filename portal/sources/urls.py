"""Which addresses may stand on the page, and how they are put together."""

from __future__ import annotations

import re
from ipaddress import IPv6Address
from typing import Final

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}

# A browser drops tabs and newlines and reads "\" as "/", so that "/\t/host" and "/\host" would leave this site.
_ACCEPTED: Final = re.compile(r"(?:https?://[^\s/?#\\:@]|/(?![/\\]))[^\x00-\x1f\x7f]*", re.IGNORECASE)
# "tel:112" has the form of a host with a port, but nobody means a host by it.
_BARE: Final = re.compile(
    r"(?!(?:tel|sms|fax|callto|mailto|data|javascript|vbscript):)"
    r"(?:localhost|[\w-]+(?:\.[\w-]+)+\.?|\[[0-9a-f]{0,4}:[0-9a-f:.]{1,40}\]|[\w-]+(?=:\d))"
    r"(?::\d{1,5})?(?:[/?#][^\x00-\x1f\x7f]*)?",
    re.IGNORECASE,
)
_HOST: Final = re.compile(r"[\w.-]+|[0-9A-Fa-f:.]+")
_PATTERN: Final = re.compile(r"[\\()\[\]{}*+?|^$]|\.[*+?]")
_PREFIX_PATTERN: Final = re.compile(r"\(|\.?\*")


def is_accepted(url: str) -> bool:
    """Return whether the page may link to `url`: http, https, or a path that begins with one slash."""
    return _ACCEPTED.fullmatch(url) is not None


def url_from_text(text: str, protocol: str | None = None) -> str | None:
    """Return the address that a person wrote, or None where the page may not link to it.

    With a `protocol`, a bare host such as `10.0.0.100` or `nas:5000/admin` is completed by it.
    """
    text = text.strip()
    if is_accepted(text):
        scheme, separator, rest = text.partition("://")
        return f"{scheme.lower()}://{rest}" if separator and not text.startswith("/") else text
    if protocol is None:
        return None
    if _BARE.fullmatch(text):
        text = f"{protocol.removesuffix('://')}://{text}"
    elif is_ipv6(text):
        text = address(protocol, text)
    return text if is_accepted(text) else None


def address(protocol: str, host: str, port: int | None = None, path: str = "") -> str:
    """Return the URL of a host; a port that its protocol implies, and a path of `/` alone, are left out."""
    protocol = protocol.removesuffix("://")
    if ":" in host:
        host = f"[{host}]"
    if port is not None and port != _DEFAULT_PORTS.get(protocol):
        host = f"{host}:{port}"
    if path in ("", "/"):
        return f"{protocol}://{host}"
    return f"{protocol}://{host}{path}" if path[0] == "/" else f"{protocol}://{host}/{path}"


def is_host(host: str) -> bool:
    """Return whether `host` is one host that a link can name: no wildcard, nothing that is not part of a name."""
    # The first says the same of nearly every host, in a quarter of the time.
    return host.replace("-", "").replace(".", "").isalnum() or _HOST.fullmatch(host) is not None


def is_ipv6(text: str) -> bool:
    """Return whether `text` is an address of IPv6 alone, which a URL wants in brackets."""
    try:
        IPv6Address(text)
    except ValueError:
        return False
    return "%" not in text


def with_root_path(url: str, root_path: str) -> str:
    """Return `url` with the path appended; queries are joined, and the fragment of the path wins."""
    before, query, fragment = _parts(url)
    path, more_query, more_fragment = _parts(root_path)
    path = path.lstrip("/")
    url = f"{before.removesuffix('/')}/{path}" if path else before
    queries = "&".join(part for part in (query, more_query) if part)
    fragment = more_fragment or fragment
    return url + (f"?{queries}" if queries else "") + (f"#{fragment}" if fragment else "")


def path_from_pattern(pattern: str) -> str:
    """Return the part of a regular expression, as in `/app(/|$)(.*)`, that stands literally at its begin."""
    pattern = pattern.removeprefix("^")
    match = _PATTERN.search(pattern)
    return pattern[: match.start()] if match else pattern


def path_from_prefix(prefix: str) -> str:
    """Return a literal prefix, cut where it is plainly a pattern: ingress-nginx takes them under `Prefix` too."""
    match = _PREFIX_PATTERN.search(prefix) if "(" in prefix or "*" in prefix else None
    return prefix[: match.start()] if match else prefix


def _parts(url: str) -> tuple[str, str, str]:
    rest, _, fragment = url.partition("#")
    path, _, query = rest.partition("?")
    return path, query, fragment
