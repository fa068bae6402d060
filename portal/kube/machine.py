"""The watch as a pure function: what has happened, and what therefore has to be done.

`step(state, input, now, chance)` gives the next state, what to hand on, and the one command whose result is the next
input:

    idle ──Started──► listing ──last page──► connecting ──Opened──► streaming ──end──► (resume) connecting
                         ▲                        │                     │
                         └── relist ── waiting ◄──┴───── Failed ────────┘

`TRANSITIONS` says which function answers which input, `ON_ERROR` what each error of the API means for the watch. Time
is seconds of a clock that never goes back; `chance` is a fresh random number from [0, 1).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from portal.kube.backoff import Backoff, BackoffOptions
from portal.kube.errors import (
    ConnectionLost,
    Expired,
    Forbidden,
    InternalError,
    InvalidRequest,
    KubeError,
    LineTooLong,
    Malformed,
    NotFound,
    TooLargeResourceVersion,
    Unreachable,
)
from portal.kube.sift import is_before, sift
from portal.kube.signals import (
    AwaitReturn,
    Clear,
    Close,
    Command,
    Count,
    Deliver,
    Ended,
    Failed,
    Input,
    List,
    Listed,
    Opened,
    Outputs,
    Read,
    Reason,
    Received,
    Replace,
    Rest,
    Started,
    Stopped,
    Wait,
    Waited,
    Watch,
)
from portal.model import SourceState

READ: Final = Read()
LIVED_SECONDS: Final = 1.0  # a watch that ends sooner and said nothing counts as a failure
SOON_SECONDS: Final = 0.25
WINDOW_SECONDS: Final = (
    11.0  # at most six requests in any ten seconds; the eleventh is for what lies between us and the server
)
WINDOW_REQUESTS: Final = 6
INTERNAL_ERRORS: Final = 3  # in a row, then the cursor itself is suspected
DAMAGES: Final = 3  # within five minutes, likewise
DAMAGE_SECONDS: Final = 300.0
SILENCES: Final = 2  # idle watches in a row, then silence is taken for normal or the cursor is suspected
AGE_MARGIN: Final = 15.0  # beyond the time a watch was given
SILENCE_MARGIN: Final = 10.0


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
    back.
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


Moment = tuple[float, float]
"""Now, and a chance from [0, 1)."""

Step = tuple[State, Outputs, Command]


def step(state: State, given: Input, now: float, chance: float) -> Step:
    """Return the next state, what to hand on, and the command whose result is the next input."""
    handler = TRANSITIONS.get((state.phase, type(given)))
    if handler is None:
        raise ValueError(f"no answer to {type(given).__name__} while {state.phase.value}")
    return handler(state, given, (now, chance))


# Listing


def _started(state: State, _: Started, moment: Moment) -> Step:
    return _next(state, moment)


def _listed(state: State, page: Listed, moment: Moment) -> Step:
    now, _ = moment
    if page.resource_version in ("", "0"):
        return _failed(state, Failed(Malformed("the list has no resourceVersion")), moment)
    if state.pages and page.resource_version != state.snapshot:
        return _again(state, moment, (Count("restarts"),))
    state = replace(
        state,
        snapshot=page.resource_version,
        pages=state.pages + 1,
        count=state.count + page.count,
        contact_at=now,
        recent=_answered(state, now),
        status=state.status if state.held else "in_progress",
        error=state.error if state.held else None,
    )
    if page.continue_token:
        return state, (), List(state.options.page, page.continue_token)
    return _listed_all(state, moment)


def _listed_all(state: State, moment: Moment) -> Step:
    now, chance = moment
    went_back = is_before(state.snapshot, state.cursor)
    reason: Reason = "epoch" if went_back else state.reason
    replaced = replace(
        state,
        epoch=state.epoch + went_back,
        cursor=state.snapshot,
        must_list=False,
        reason="relist",
        held=True,
        status=state.status if state.status == "stale" else "completed",
        error=state.error if state.status == "stale" else None,
        unlimited=False,
        internal_errors=0,
        ahead=0,
        unknown=0,
        silences=0,
        damages=(),
        safety_at=now + state.options.safety_relist * (5 + 2.5 * chance) / 6,
    )
    outputs = (Replace(reason, state.snapshot), Count("relists", label=reason))
    return _next(replaced, moment, outputs)


# Watching


def _opened(state: State, _: Opened, moment: Moment) -> Step:
    now, _chance = moment
    opened = replace(
        state,
        phase=Phase.STREAMING,
        opened_at=now,
        contact_at=now,
        spoken=False,
        proven=False,
        recent=_answered(state, now),
    )
    return opened, (), READ


def _received(state: State, batch: Received, moment: Moment) -> Step:
    now, _ = moment
    if not batch.events:
        return _silent(state, moment)
    sifted = sift(batch.events, state.cursor)
    heard = replace(
        state if state.proven else _proven(state),
        cursor=sifted.cursor,
        contact_at=now,
        spoken=True,
        seen_marks=state.seen_marks or sifted.marks > 0,
        unknown=state.unknown if sifted.cursor == state.cursor else 0,
    )
    outputs: Outputs = (Deliver(sifted.events, sifted.cursor),) if sifted.events else ()
    if sifted.marks or sifted.duplicates or sifted.damaged:
        counts = {"marks": sifted.marks, "duplicates": sifted.duplicates, "damaged": sifted.damaged}
        outputs += tuple(Count(what, number) for what, number in counts.items() if number)  # type: ignore[arg-type]
    if sifted.unknown:
        return _unknown(heard, sifted.unknown, moment, outputs)
    if now >= heard.safety_at or now - heard.opened_at >= heard.lifetime + AGE_MARGIN:
        return _overdue(heard, moment, outputs)
    return heard, outputs, READ


def _silent(state: State, moment: Moment) -> Step:
    """Look at the deadlines when nothing has come for a while."""
    now, _ = moment
    lived = now - state.opened_at
    if lived >= LIVED_SECONDS and not state.proven:
        state = replace(_proven(state), silences=state.silences)
    if now >= state.safety_at or lived >= state.lifetime + AGE_MARGIN:
        return _overdue(state, moment, ())
    if now - max(state.opened_at, state.contact_at or 0.0) >= patience(state):
        return _fell_silent(state, moment)
    return state, (), READ


def _proven(state: State) -> State:
    """Return the state of a watch that works: what went wrong before is over."""
    return replace(
        state,
        proven=True,
        status="completed",
        error=None,
        silences=0,
        internal_errors=0,
        ahead=0,
        refused_at=None,
        missed_at=None,
    )


def patience(state: State) -> float:
    """Return how many seconds of silence the running watch is allowed."""
    if state.seen_marks:
        return state.options.idle
    if state.silences >= SILENCES:
        return state.lifetime + SILENCE_MARGIN
    return state.options.idle_without_marks


def _fell_silent(state: State, moment: Moment) -> Step:
    """Connect anew, without believing that anything is wrong; where marks used to come and do not, list anew."""
    silences = 0 if state.spoken else state.silences + 1
    suspicious = state.seen_marks and silences >= SILENCES
    state = _lost(replace(state, silences=silences), "nothing was heard of the API server for a while")
    if suspicious:
        state = _must_list(state)
    return _next(state, moment, (Close("silent for too long"), Count("errors", label="idle")))


def _overdue(state: State, moment: Moment, outputs: Outputs) -> Step:
    """End a watch that is older than it may be, or list because it is time to."""
    if moment[0] >= state.safety_at:
        state = replace(state, must_list=True, reason="safety")
    return _next(state, moment, (*outputs, Close()))


def _unknown(state: State, kind: str, moment: Moment, outputs: Outputs) -> Step:
    """Resume before an event of an unknown type; when it is there again, list, for its effect is in the list."""
    state = replace(state, unknown=state.unknown + 1)
    if state.unknown > 1:
        state = _must_list(state)
    outputs = (*outputs, Count("unknown", label=kind), Close(f"an event of the unknown type {kind}"))
    return _later(state, moment, outputs)


def _ended(state: State, _: Ended, moment: Moment) -> Step:
    return _resumed(state, moment, (Close(),))


def _resumed(state: State, moment: Moment, outputs: Outputs) -> Step:
    """Connect again from the cursor: soon after a watch that was worth its while, else later and later."""
    now, chance = moment
    if state.spoken or now - state.opened_at >= LIVED_SECONDS:
        if now >= state.safety_at:
            state = replace(state, must_list=True, reason="safety")
        return _after(state, SOON_SECONDS * chance, moment, outputs)
    return _later(state, moment, (*outputs, Count("short")))


# Failing


def _failed(state: State, failure: Failed, moment: Moment) -> Step:
    error = failure.error
    now, _ = moment
    state = replace(state, recent=_answered(state, now), contact_at=now if error.code else state.contact_at)
    rule = next(ON_ERROR[kind] for kind in type(error).__mro__ if kind in ON_ERROR)
    return rule(state, error, moment, _farewell(state, error))


def _farewell(state: State, error: KubeError) -> Outputs:
    counted = Count("errors", label=str(error.code or type(error).__name__))
    return (counted, Close(str(error))) if state.phase is Phase.STREAMING else (counted,)


def _expired(state: State, error: KubeError, moment: Moment, outputs: Outputs) -> Step:
    """List anew; when a continue token expired, once without pages, for the next token may expire too."""
    if state.phase is Phase.LISTING:
        unlimited = state.pages > 0 and not state.unlimited
        state = replace(state, unlimited=unlimited)
        return _again(state, moment, outputs) if unlimited else _later(_lost(state, str(error)), moment, outputs)
    return _later(_must_list(_lost(state, str(error))), moment, outputs)


def _ahead(state: State, error: KubeError, moment: Moment, outputs: Outputs) -> Step:
    """Give a server that is behind one chance to catch up, then take what it has."""
    state = replace(state, ahead=state.ahead + 1)
    if state.ahead > 1:
        return _later(_must_list(_lost(state, str(error))), moment, outputs)
    if state.phase is Phase.LISTING:
        return _later(_lost(state, str(error)), moment, outputs, error.retry_after)
    return _after(state, max(error.retry_after, 1.0), moment, outputs)


def _internal(state: State, error: KubeError, moment: Moment, outputs: Outputs) -> Step:
    """Try again from the cursor; after three in a row the cursor itself is suspected."""
    state = replace(state, internal_errors=state.internal_errors + 1)
    if state.internal_errors >= INTERNAL_ERRORS:
        state = _must_list(replace(state, internal_errors=0))
    return _later(_lost(state, str(error)), moment, outputs, error.retry_after)


def _not_now(state: State, error: KubeError, moment: Moment, outputs: Outputs) -> Step:
    """Try again later, and not before the server wants to."""
    return _later(_lost(state, str(error)), moment, outputs, error.retry_after)


def _not_understood(state: State, error: KubeError, moment: Moment, outputs: Outputs) -> Step:
    """List anew: a continue token may be wrong, or a version; what is wrong with us stays wrong for a while."""
    if state.phase is Phase.LISTING and state.pages:
        return _later(_lost(state, str(error)), moment, outputs)
    state = _must_list(_lost(state, str(error)))
    return _polled(state, state.options.forbidden_poll, moment, outputs)


def _missed(state: State, error: KubeError, moment: Moment, outputs: Outputs) -> Step:
    """Believe that a resource is gone when it was missed twice, long enough apart, or never was there."""
    now, _ = moment
    first = now if state.missed_at is None else state.missed_at
    state = _must_list(replace(state, missed_at=first))
    if state.held and now - first < state.options.grace:
        return _later(_lost(state, str(error)), moment, outputs)
    return _polled(
        _given_up(state, "absent", error), state.options.absent_poll, moment, _cleared(state, "absent", outputs)
    )


def _refused(state: State, error: KubeError, moment: Moment, outputs: Outputs) -> Step:
    """Say so at once, and let go of what we may not see when the refusal is repeated, long enough apart."""
    now, _ = moment
    first = now if state.refused_at is None else state.refused_at
    state = replace(state, refused_at=first)
    if state.held and now - first < state.options.grace:
        state = replace(state, status="forbidden", error=str(error))
    else:
        outputs = _cleared(state, "forbidden", outputs)
        state = _given_up(state, "forbidden", error)
    return _polled(state, state.options.forbidden_poll, moment, outputs)


def _unreachable(state: State, error: KubeError, _: Moment, outputs: Outputs) -> Step:
    """Wait with all others until the server answers again."""
    return replace(_lost(state, str(error)), phase=Phase.WAITING), outputs, AwaitReturn()


def _broken(state: State, error: KubeError, moment: Moment, outputs: Outputs) -> Step:
    """Resume where a running watch broke off; nothing is wrong until a new connection fails."""
    if state.phase is Phase.STREAMING:
        return _resumed(state, moment, outputs)
    return _later(_lost(state, str(error)), moment, outputs)


def _damaged(state: State, error: KubeError, moment: Moment, outputs: Outputs) -> Step:
    """Resume after a line that cannot be read; after three in five minutes the cursor itself is suspected."""
    now, _ = moment
    if state.phase is not Phase.STREAMING:
        return _later(_lost(state, str(error)), moment, outputs)
    state = replace(state, damages=(*(each for each in state.damages if now - each < DAMAGE_SECONDS), now))
    if len(state.damages) >= DAMAGES:
        return _later(_must_list(_lost(state, str(error))), moment, outputs)
    return _resumed(state, moment, outputs)


def _too_long(state: State, error: KubeError, moment: Moment, outputs: Outputs) -> Step:
    """List anew: resuming would bring the same line again."""
    return _later(_must_list(_lost(state, str(error))), moment, outputs)


# Going on


def _waited(state: State, _: Waited, moment: Moment) -> Step:
    return _next(state, moment)


def _stopped(state: State, _: Stopped, __: Moment) -> Step:
    outputs: Outputs = (Close(),) if state.phase is Phase.STREAMING else ()
    return replace(state, phase=Phase.STOPPED), outputs, Rest()


def _next(state: State, moment: Moment, outputs: Outputs = ()) -> Step:
    """Send the next request, as soon as the number of requests allows."""
    now, chance = moment
    wait = _crowd(state, now)
    if wait > 0:
        return replace(state, phase=Phase.WAITING), outputs, Wait(wait)
    options = state.options
    recent = (*state.recent, now)[-WINDOW_REQUESTS:]
    if state.must_list:
        listing = replace(state, phase=Phase.LISTING, recent=recent, snapshot="", pages=0, count=0)
        listing = replace(listing, status="in_progress") if state.status == "pending" else listing
        return listing, outputs, List(0 if state.unlimited else options.page)
    shortest, longest = options.lifetime
    lifetime = shortest + (longest - shortest) * chance
    connecting = replace(state, phase=Phase.CONNECTING, recent=recent, lifetime=lifetime)
    return connecting, outputs, Watch(state.cursor, lifetime)


def _after(state: State, delay: float, moment: Moment, outputs: Outputs) -> Step:
    """Send the next request after a delay."""
    delay = max(delay, _crowd(state, moment[0]))
    if delay <= 0:
        return _next(state, moment, outputs)
    return replace(state, phase=Phase.WAITING), outputs, Wait(delay)


def _later(state: State, moment: Moment, outputs: Outputs, at_least: float = 0.0) -> Step:
    """Send the next request after a failure: after a delay that grows with each."""
    backoff, delay = state.backoff.next(*moment, state.options.backoff)
    return _after(replace(state, backoff=backoff), max(delay, at_least), moment, outputs)


def _polled(state: State, bounds: tuple[float, float], moment: Moment, outputs: Outputs) -> Step:
    """Send the next request after a long time, for what will hardly change soon."""
    shortest, longest = bounds
    return _after(state, shortest + (longest - shortest) * moment[1], moment, outputs)


def _again(state: State, moment: Moment, outputs: Outputs) -> Step:
    """Begin a list anew."""
    return _next(replace(state, pages=0, count=0), moment, outputs)


def _crowd(state: State, now: float) -> float:
    """Return how long to wait until one more request is not one too many."""
    if len(state.recent) < WINDOW_REQUESTS:
        return 0.0
    return state.recent[-WINDOW_REQUESTS] + WINDOW_SECONDS - now


def _answered(state: State, now: float) -> tuple[float, ...]:
    """Return the moments of the last requests, the last moved to its answer: it may have waited on its way out."""
    if state.phase is Phase.STREAMING or (state.phase is Phase.LISTING and state.pages):
        return state.recent
    return (*state.recent[:-1], now)


def _lost(state: State, why: str) -> State:
    """Return the state without contact: what we hold grows old."""
    return replace(state, status="stale" if state.held else "failed", error=why)


def _must_list(state: State) -> State:
    return replace(state, must_list=True)


def _given_up(state: State, status: SourceState, error: KubeError) -> State:
    return replace(state, status=status, error=str(error), held=False, must_list=True, reason="relist", count=0)


def _cleared(state: State, reason: Reason, outputs: Outputs) -> Outputs:
    """Return the outputs with one more that takes everything back, unless that was done before."""
    return outputs if state.status == reason and not state.held else (*outputs, Clear(reason))


Rule = Callable[[State, KubeError, Moment, Outputs], Step]

ON_ERROR: Final[Mapping[type[BaseException], Rule]] = {
    Expired: _expired,
    TooLargeResourceVersion: _ahead,
    InternalError: _internal,
    InvalidRequest: _not_understood,
    NotFound: _missed,
    Forbidden: _refused,
    Unreachable: _unreachable,
    ConnectionLost: _broken,
    LineTooLong: _too_long,
    Malformed: _damaged,
    KubeError: _not_now,  # 401, 429, 503 and everything else
}

TRANSITIONS: Final[Mapping[tuple[Phase, type[Input]], Callable[..., Step]]] = {
    (Phase.IDLE, Started): _started,
    (Phase.LISTING, Listed): _listed,
    (Phase.LISTING, Failed): _failed,
    (Phase.CONNECTING, Opened): _opened,
    (Phase.CONNECTING, Failed): _failed,
    (Phase.STREAMING, Received): _received,
    (Phase.STREAMING, Ended): _ended,
    (Phase.STREAMING, Failed): _failed,
    (Phase.WAITING, Waited): _waited,
    **{(phase, Stopped): _stopped for phase in Phase},
}
