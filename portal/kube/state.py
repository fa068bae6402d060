"""What a watch remembers, and the numbers that it goes by."""

from __future__ import annotations

from enum import Enum

from msgspec import Struct

from portal.kube.backoff import Backoff, BackoffOptions
from portal.kube.signals import Reason
from portal.model import SourceState


class WatchOptions(Struct, frozen=True, kw_only=True):
    """The numbers of a watch, in seconds; pairs are the bounds of chance.

    `idle` is how long a watch may be silent: progress marks come every 60 s where there are any, so 70; else 90. Load
    balancers end silent connections after 240 s, so watches end themselves before. `grace` is how long what we hold
    outlives a refusal (403) or a disappearance (404) that repeats.
    """

    page: int = 500
    backoff: BackoffOptions = BackoffOptions()
    lifetime: tuple[float, float] = (180.0, 230.0)
    idle: float = 70.0
    idle_without_marks: float = 90.0
    safety_relist: float = 720.0
    absent_poll: tuple[float, float] = (20.0, 40.0)
    forbidden_poll: tuple[float, float] = (30.0, 60.0)
    grace: float = 60.0


class Phase(Enum):
    """What the watch is doing."""

    IDLE = "idle"
    LISTING = "listing"
    CONNECTING = "connecting"
    STREAMING = "streaming"
    WAITING = "waiting"
    STOPPED = "stopped"


class State(Struct, frozen=True, kw_only=True):
    """Everything a watch remembers.

    `cursor` is the version up to which everything was handed on; while `must_list` is set it is not good for resuming
    and only tells whether the server went back in time. `held` tells whether objects were handed on and not taken
    back; at the start, without a cursor, whether entries of before are shown.
    """

    options: WatchOptions = WatchOptions()
    phase: Phase = Phase.IDLE
    status: SourceState = "pending"
    error: str | None = None
    cursor: str = ""
    must_list: bool = True
    reason: Reason = "initial"
    held: bool = False
    epoch: int = 0
    contact_at: float | None = None
    recent: tuple[float, ...] = ()
    backoff: Backoff = Backoff()
    # of the list that is running
    snapshot: str = ""
    pages: int = 0
    count: int = 0
    unlimited: bool = False
    # of the watch that is running
    opened_at: float = 0.0
    lifetime: float = 0.0
    spoken: bool = False
    proven: bool = False
    # of watches and lists before it
    seen_marks: bool = False
    silences: int = 0
    internal_errors: int = 0
    ahead: int = 0
    unknown: int = 0
    damages: tuple[float, ...] = ()
    refused_at: float | None = None
    missed_at: float | None = None
    safety_at: float = 0.0
