"""The watch as a pure function: what has happened, and what therefore has to be done.

`step(state, input, now, chance)` gives the next state, what to hand on, and the one command whose result is the next
input:

    idle ─Started─► listing ─last page─► connecting ─Opened─► streaming ─end─► (resume) connecting
                       ▲                     │                    │
                       └──── waiting ◄───────┴────── Failed ──────┘

`TRANSITIONS` says which function answers which input, `failures.ON_ERROR` what each error of the API means for the
watch. Time is seconds of a clock that never goes back; `chance` is a fresh random number from [0, 1).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from msgspec.structs import replace

from portal.kube.errors import Expired, Forbidden, InvalidRequest, Malformed
from portal.kube.failures import failed
from portal.kube.moves import (
    LIVED_SECONDS,
    Moment,
    Step,
    again,
    answered,
    later,
    lost,
    must_list_anew,
    next_request,
    resumed,
)
from portal.kube.sift import is_before, sift
from portal.kube.signals import (
    Close,
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
    Waited,
)
from portal.kube.state import Phase, State

READ: Final = Read()
SILENCES: Final = 2  # idle watches in a row, then silence is taken for normal or the cursor is suspected
AGE_MARGIN: Final = 15.0  # beyond the time a watch was given
SILENCE_MARGIN: Final = 10.0


def step(state: State, given: Input, now: float, chance: float) -> Step:
    """Return the next state, what to hand on, and the command whose result is the next input."""
    handler = TRANSITIONS.get((state.phase, type(given)))
    if handler is None:
        raise ValueError(f"no answer to {type(given).__name__} while {state.phase.value}")
    return handler(state, given, (now, chance))


def _started(state: State, _: Started, moment: Moment) -> Step:
    return next_request(state, moment)


def _listed(state: State, page: Listed, moment: Moment) -> Step:
    now, _ = moment
    if page.resource_version in ("", "0"):
        return failed(state, Malformed("the list has no resourceVersion"), moment)
    if state.pages and page.resource_version != state.snapshot:
        return _torn(state, moment)
    state = replace(
        state,
        snapshot=page.resource_version,
        pages=state.pages + 1,
        count=state.count + page.count,
        contact_at=now,
        recent=answered(state, now),
        status=state.status if state.held else "in_progress",
        error=state.error if state.held else None,
    )
    if page.continue_token:
        return state, (), List(state.options.page, page.continue_token)
    return _listed_all(state, moment)


def _torn(state: State, moment: Moment) -> Step:
    """List anew where a page is of another moment than the first: once without pages, for the next may be too."""
    restarted: Outputs = (Count("restarts"),)
    if state.unlimited:
        torn = lost(replace(state, unlimited=False), "the pages of the list have different resourceVersions")
        return later(torn, moment, restarted)
    return again(replace(state, unlimited=True), moment, restarted)


def _listed_all(state: State, moment: Moment) -> Step:
    now, chance = moment
    went_back = is_before(state.snapshot, state.cursor)
    reason: Reason = "epoch" if went_back else state.reason
    # Until the watch works again; a first list, and one after all was let go of, is news enough.
    doubted = bool(state.cursor) and state.held and state.status in ("stale", "forbidden")
    replaced = replace(
        state,
        epoch=state.epoch + went_back,
        cursor=state.snapshot,
        must_list=False,
        reason="relist",
        held=True,
        status=state.status if doubted else "completed",
        error=state.error if doubted else None,
        unlimited=False,
        internal_errors=0,
        ahead=0,
        unknown=0,
        silences=0,
        damages=(),
        refused_at=None,
        missed_at=None,
        safety_at=now + state.options.safety_relist * (5 + 2.5 * chance) / 6,
    )
    outputs = (Replace(reason, state.snapshot), Count("relists", label=reason))
    return next_request(replaced, moment, outputs)


def _opened(state: State, _: Opened, moment: Moment) -> Step:
    now, _chance = moment
    opened = replace(
        state,
        phase=Phase.STREAMING,
        opened_at=now,
        contact_at=now,
        spoken=False,
        proven=False,
        recent=answered(state, now),
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
    if sifted.went_back:
        return later(must_list_anew(heard), moment, (*outputs, Close("the API server has gone back in time")))
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
    state = lost(replace(state, silences=silences), "nothing was heard of the API server for a while")
    if suspicious:
        state = must_list_anew(state)
    return next_request(state, moment, (Close("silent for too long"), Count("errors", label="idle")))


def _overdue(state: State, moment: Moment, outputs: Outputs) -> Step:
    """End a watch that is older than it may be, or list because it is time to."""
    return next_request(state, moment, (*outputs, Close()))


def _unknown(state: State, kind: str, moment: Moment, outputs: Outputs) -> Step:
    """Resume before an event of an unknown type; when it is there again, list, for its effect is in the list."""
    state = replace(state, unknown=state.unknown + 1)
    if state.unknown > 1:
        state = must_list_anew(state)
    outputs = (*outputs, Count("unknown", label=kind), Close(f"an event of the unknown type {kind}"))
    return later(state, moment, outputs)


def _failed(state: State, failure: Failed, moment: Moment) -> Step:
    error = failure.error
    if state.phase is Phase.LISTING and not isinstance(error, Expired):
        state = replace(state, unlimited=False)  # once is enough: it may have been too much at once
    elif state.phase is Phase.CONNECTING and isinstance(error, Forbidden):
        state = must_list_anew(state)  # who may not watch may be allowed to list, and only a list tells
    elif state.phase is Phase.CONNECTING and isinstance(error, InvalidRequest):
        state = replace(state, seen_marks=False)  # the door asks for no progress marks from here on
    return failed(state, error, moment)


def _ended(state: State, _: Ended, moment: Moment) -> Step:
    return resumed(state, moment, (Close(),))


def _waited(state: State, _: Waited, moment: Moment) -> Step:
    return next_request(state, moment)


def _stopped(state: State, _: Stopped, __: Moment) -> Step:
    outputs: Outputs = (Close(),) if state.phase is Phase.STREAMING else ()
    return replace(state, phase=Phase.STOPPED), outputs, Rest()


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
