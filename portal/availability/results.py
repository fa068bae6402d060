"""What one check found."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Outcome = Literal["up", "down", "unknown"]
Method = Literal["HEAD", "GET"]


class Phases(Struct, frozen=True, gc=False):
    """What a check's last connection spent on each phase, in seconds; None where it did not get there."""

    resolve: float | None = None
    connect: float | None = None
    tls: float | None = None
    first_byte: float | None = None


class Result(Struct, frozen=True, gc=False, kw_only=True):
    """One answer, or why there was none.

    `latency` in seconds, for the whole check with its redirects; `login`: the answer was to log in first, so whatever
    is behind the login was not seen; `method` is the one to begin with next time.
    """

    outcome: Outcome
    http_status: int | None = None
    latency: float | None = None
    reason: str | None = None
    certificate_days: int | None = None
    login: bool = False
    method: Method = "HEAD"
    phases: Phases = Phases()
