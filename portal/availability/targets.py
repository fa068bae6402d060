"""What is asked, and how: a Target, derived from an application and from what its owner wrote about the check."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from msgspec import Struct, structs

from portal.availability.guard import Guard
from portal.availability.results import Method
from portal.model import Application

DEFAULT_PORTS: Final[Mapping[str, int | None]] = {"http": 80, "https": 443, "tcp": None}

Statuses = tuple[tuple[int, int], ...]


class CheckOptions(Struct, frozen=True):
    """How everything is checked unless an entry says otherwise; `timeout` and `interval` in seconds.

    `guard` says which addresses may be asked; `off` names the sources whose entries are not asked from outside.
    """

    timeout: float = 5.0
    interval: float = 60.0
    ignore_certificates: bool = False
    ca_file: str | None = None
    guard: Guard = Guard()
    off: frozenset[str] = frozenset()


class CheckSpec(Struct, frozen=True, kw_only=True):
    """What the owner of one entry wrote about its check; None means as everywhere.

    `url` is asked instead of the link (also `tcp://host:port`), `path` only replaces its path and query; `statuses` are
    the ranges that count as up. `headers_from` names the Secret in the entry's namespace whose keys and values become
    `headers`, where the configuration allows that; `waits` says why they are missing: it is not asked without them.
    """

    off: bool = False
    url: str | None = None
    path: str | None = None
    statuses: Statuses = ()
    interval: float | None = None
    timeout: float | None = None
    ignore_certificates: bool | None = None
    headers_from: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    waits: str | None = None


class Target(Struct, frozen=True, kw_only=True):
    """One question to ask again and again. Entries with equal targets share one check.

    `statuses` empty: the general rule of `portal.availability.probes`.
    """

    url: str
    scheme: str
    host: str
    port: int
    timeout: float = 5.0
    interval: float = 60.0
    statuses: Statuses = ()
    ignore_certificates: bool = False
    ca_file: str | None = None
    guard: Guard = Guard()
    headers: tuple[tuple[str, str], ...] = ()
    method: Method = "HEAD"


NO_SPEC: Final = CheckSpec()


def target_from_application(
    application: Application, options: CheckOptions, spec: CheckSpec | None = None
) -> Target | None:
    """Return what to ask about an application, or None: no absolute URL, or switched off for it or for its source."""
    said = spec or NO_SPEC
    if said.off or application.source in options.off:
        return None
    target = target_from_url(said.url or application.url or "", said.path)
    return target and structs.replace(
        target,
        timeout=said.timeout or options.timeout,
        interval=said.interval or options.interval,
        statuses=said.statuses,
        ignore_certificates=options.ignore_certificates
        if said.ignore_certificates is None
        else said.ignore_certificates,
        ca_file=options.ca_file,
        guard=options.guard,
        headers=said.headers,
    )


def target_from_url(url: str, path: str | None = None) -> Target | None:
    """Return a target with default settings for an absolute http, https or tcp URL, and None for anything else."""
    try:
        parts = urlsplit(url.strip())
        port = parts.port or DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        return None
    host = parts.hostname
    if parts.scheme not in DEFAULT_PORTS or not host or not port:
        return None
    if path:
        asked, _, query = path.partition("?")
        parts = parts._replace(path=f"/{asked.lstrip('/')}", query=query)
    login, at, _ = parts.netloc.rpartition("@")
    netloc = login + at + parts.netloc[len(login + at) :].lower()
    whole = urlunsplit((parts.scheme, netloc, "" if parts.scheme == "tcp" else parts.path or "/", parts.query, ""))
    return Target(url=whole, scheme=parts.scheme, host=host, port=port)


def shown_url(url: str) -> str:
    """Return a URL without the password that may be in it."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
