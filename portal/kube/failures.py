"""What each failure means for a watch: resume, list anew, wait, or let go of what is held.

`ON_ERROR` is the whole answer; the most special class of an error that stands in it decides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from msgspec.structs import replace

from portal.kube.errors import (
    AWAY,
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
from portal.kube.moves import Moment, Step, after, again, answered, later, lost, must_list_anew, polled, resumed
from portal.kube.signals import AwaitReturn, Clear, Close, Count, Outputs, Reason
from portal.kube.state import Phase, State
from portal.model import SourceState

GIVEN_UP: Final = frozenset({"absent", "forbidden"})
INTERNAL_ERRORS: Final = 3  # in a row, then the cursor itself is suspected
DAMAGES: Final = 3  # within five minutes, likewise
DAMAGE_SECONDS: Final = 300.0


def failed(state: State, error: KubeError, moment: Moment) -> Step:
    """Do what a failure asks for."""
    now, _ = moment
    state = replace(state, recent=answered(state, now))  # an answer that says no is no contact: what is shown grows old
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
        return again(state, moment, outputs) if unlimited else later(lost(state, str(error)), moment, outputs)
    return later(must_list_anew(lost(state, str(error))), moment, outputs)


def _ahead(state: State, error: KubeError, moment: Moment, outputs: Outputs) -> Step:
    """Give a server that is behind one chance to catch up, then take what it has."""
    state = replace(state, ahead=state.ahead + 1)
    if state.ahead > 1:
        return later(must_list_anew(lost(state, str(error))), moment, outputs)
    if state.phase is Phase.LISTING:
        return later(lost(state, str(error)), moment, outputs, error.retry_after)
    return after(state, max(error.retry_after, 1.0), moment, outputs)


def _internal(state: State, error: KubeError, moment: Moment, outputs: Outputs) -> Step:
    """Try again from the cursor; after three in a row it is no start-up of the server, and the cursor is suspected."""
    state = replace(state, internal_errors=state.internal_errors + 1)
    if state.internal_errors >= INTERNAL_ERRORS:
        state = must_list_anew(replace(lost(state, str(error)), internal_errors=0))
    elif not _has_nothing(state):
        state = lost(state, str(error))
    return later(state, moment, outputs, error.retry_after)


def _not_now(state: State, error: KubeError, moment: Moment, outputs: Outputs) -> Step:
    """Try again later, and not before the server wants to."""
    return later(_without_contact(state, error), moment, outputs, error.retry_after)


def _not_understood(state: State, error: KubeError, moment: Moment, outputs: Outputs) -> Step:
    """List anew: a continue token may be wrong, or a version; what is wrong with us stays wrong for a while."""
    if state.phase is Phase.LISTING and state.pages:
        return later(lost(state, str(error)), moment, outputs)
    state = must_list_anew(lost(state, str(error)))
    return polled(state, state.options.forbidden_poll, moment, outputs)


def _missed(state: State, error: KubeError, moment: Moment, outputs: Outputs) -> Step:
    """Believe that a resource is gone when it was missed twice, long enough apart, or never was there."""
    now, _ = moment
    first = now if state.missed_at is None else state.missed_at
    state = must_list_anew(replace(state, missed_at=first))
    if state.held and now - first < state.options.grace:
        return later(lost(state, str(error)), moment, outputs)
    return polled(
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
    return polled(state, state.options.forbidden_poll, moment, outputs)


def _unreachable(state: State, error: KubeError, _: Moment, outputs: Outputs) -> Step:
    """Wait with all others until the server answers again."""
    return replace(_without_contact(state, error), phase=Phase.WAITING), outputs, AwaitReturn()


def _broken(state: State, error: KubeError, moment: Moment, outputs: Outputs) -> Step:
    """Resume where a running watch broke off; nothing is wrong until a new connection fails."""
    if state.phase is Phase.STREAMING:
        return resumed(state, moment, outputs)
    return later(_without_contact(state, error), moment, outputs)


def _damaged(state: State, error: KubeError, moment: Moment, outputs: Outputs) -> Step:
    """Resume after a line that cannot be read; after three in five minutes the cursor itself is suspected."""
    now, _ = moment
    if state.phase is not Phase.STREAMING:
        return later(lost(state, str(error)), moment, outputs)
    state = replace(state, damages=(*(each for each in state.damages if now - each < DAMAGE_SECONDS), now))
    if len(state.damages) >= DAMAGES:
        return later(must_list_anew(lost(state, str(error))), moment, outputs)
    return resumed(state, moment, outputs)


def _too_long(state: State, error: KubeError, moment: Moment, outputs: Outputs) -> Step:
    """List anew: resuming would bring the same line again."""
    return later(must_list_anew(lost(state, str(error))), moment, outputs)


def _has_nothing(state: State) -> bool:
    """Tell whether a resource is absent or refused, and nothing of it is shown that could grow old."""
    return state.status in GIVEN_UP and not state.held


def _without_contact(state: State, error: KubeError) -> State:
    """Return the state after a failure; a server that is away takes nothing from what is absent or refused."""
    return state if _has_nothing(state) and isinstance(error, AWAY) else lost(state, str(error))


def _given_up(state: State, status: SourceState, error: KubeError) -> State:
    return replace(
        state,
        status=status,
        error=str(error),
        held=False,
        must_list=True,
        reason="relist",
        count=0,
        internal_errors=0,
    )


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
