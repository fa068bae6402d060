"""`portal wait`: until a portal has seen its cluster."""

from __future__ import annotations

import time
from collections.abc import Callable
from http.client import HTTPException
from typing import Final
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, Request, build_opener

import click
import msgspec
from msgspec import Struct

from portal.model import SyncStatus
from portal.settings.document import Scalar
from portal.settings.errors import Place
from portal.settings.kinds import Duration, UnfitError, spoken

PAUSE_SECONDS: Final = 0.5
ANSWER_SECONDS: Final = 5.0
LONGEST: Final = 86400.0


class Answer(Struct, frozen=True):
    """Whether a portal says that it is synced, and what it said."""

    is_synced: bool
    text: str


class Timeout(click.ParamType[float]):
    """A duration on the command line, as in a configuration file."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return seconds; a wrong one is wrong usage."""
        try:
            return Duration(0, LONGEST).read(Scalar(str(value), Place("--timeout")))
        except UnfitError as error:
            return self.fail(str(error), param, ctx)


@click.command(epilog="Example: portal wait --url http://127.0.0.1:8080 --timeout 2m")
@click.option("--url", default="http://127.0.0.1:8080", show_default=True, help="Address of the portal.")
@click.option("--timeout", type=Timeout(), default="60s", show_default=True, help="How long: 500ms, 60s, 5m or 2h.")
def wait(url: str, timeout: float) -> int:
    """Wait until a portal is synced.

    Returns 0 as soon as it has listed everything that it is to show, 1 when time is up. Made for scripts.
    """
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
        raise click.UsageError(f'"{url}" is not an address like http://127.0.0.1:8080')
    answer = wait_until_synced(lambda seconds: ask(url.rstrip("/"), seconds), timeout)
    if not answer.is_synced:
        raise click.ClickException(f"{url} is not synced after {spoken(timeout)}: {answer.text}")
    click.echo(f"{url} is synced")
    return 0


def wait_until_synced(
    ask_within: Callable[[float], Answer],
    timeout: float,
    now: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Answer:
    """Ask until the answer is yes or `timeout` seconds are over, at least once; return the last answer."""
    deadline = now() + timeout
    while True:
        answer = ask_within(min(ANSWER_SECONDS, max(deadline - now(), PAUSE_SECONDS)))
        if answer.is_synced or now() + PAUSE_SECONDS >= deadline:
            return answer
        sleep(PAUSE_SECONDS)


def ask(url: str, seconds: float) -> Answer:
    """Ask a portal once, directly and not through a proxy; without watches it is ready before anything is listed."""
    try:
        build_opener(ProxyHandler({})).open(f"{url}/readyz", timeout=seconds).close()
    except HTTPError as error:
        return Answer(is_synced=False, text=_progress(url, seconds) or f"/readyz answers {error.code}")
    except URLError as error:
        return Answer(is_synced=False, text=_reason(error.reason))
    except (OSError, HTTPException, ValueError) as error:
        return Answer(is_synced=False, text=_reason(error))
    is_synced = _has_listed(url, seconds)
    return Answer(is_synced, text="synced" if is_synced else _progress(url, seconds) or "it does not say how far it is")


def _has_listed(url: str, seconds: float) -> bool:
    """Tell whether a portal has listed everything; the question makes one without watches list."""
    head = Request(f"{url}/api/snapshot", method="HEAD")  # noqa: S310 - `wait` has looked at the scheme
    try:
        with build_opener(ProxyHandler({})).open(head, timeout=seconds) as response:
            listed, _, total = response.headers.get("X-Sync-Progress", "").partition("/")
    except (OSError, HTTPException):
        return False
    return bool(listed == total)


def _progress(url: str, seconds: float) -> str:
    try:
        with build_opener(ProxyHandler({})).open(f"{url}/api/v1/sync/status", timeout=seconds) as response:
            status = msgspec.json.decode(response.read(), type=SyncStatus)
    except (OSError, HTTPException, msgspec.MsgspecError):
        return ""
    waiting = ", ".join(f"{each.name} {each.status}" for each in status.resource_status if each.status != "completed")
    return f"{status.synced_resources} of {status.total_resources} resources listed ({waiting})"


def _reason(error: object) -> str:
    return (error.strerror if isinstance(error, OSError) else "") or str(error) or type(error).__name__
