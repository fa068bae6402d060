"""The ways in which a watch goes on: at once, soon, or later and later, and never too often."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from portal.kube.signals import Command, Count, List, Outputs, Wait, Watch
from portal.kube.state import Phase, State

LIVED_SECONDS: Final = 1.0  # a watch that ends sooner and said nothing counts as a failure
SHORT_WATCHES: Final = 2  # in a row are an accident; more, and nothing is known of what happens meanwhile
SOON_SECONDS: Final = 0.25
WINDOW_REQUESTS: Final = 6
WINDOW_SECONDS: Final = 11.0  # six requests in any ten seconds; one more for what lies between us and the server

Moment = tuple[float, float]
"""Now, and a chance from [0, 1)."""

Step = tuple[State, Outputs, Command]
"""The next state, what to hand on, and the command whose result is the next input."""


def next_request(state: State, moment: Moment, outputs: Outputs = ()) -> Step:
    """Send the next request, as soon as the number of requests allows; a list when it is time to compare."""
    now, chance = moment
    wait = crowd(state, now)
    if wait > 0:
        return replace(state, phase=Phase.WAITING), outputs, Wait(wait)
    if not state.must_list and now >= state.safety_at:
        state = replace(state, must_list=True, reason="safety")
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


def after(state: State, delay: float, moment: Moment, outputs: Outputs) -> Step:
    """Send the next request after a delay."""
    delay = max(delay, crowd(state, moment[0]))
    if delay <= 0:
        return next_request(state, moment, outputs)
    return replace(state, phase=Phase.WAITING), outputs, Wait(delay)


def later(state: State, moment: Moment, outputs: Outputs, at_least: float = 0.0) -> Step:
    """Send the next request after a failure: after a delay that grows with each."""
    backoff, delay = state.backoff.next(*moment, state.options.backoff)
    return after(replace(state, backoff=backoff), max(delay, at_least), moment, outputs)


def polled(state: State, bounds: tuple[float, float], moment: Moment, outputs: Outputs) -> Step:
    """Send the next request after a long time, for what will hardly change soon."""
    shortest, longest = bounds
    return after(state, shortest + (longest - shortest) * moment[1], moment, outputs)


def again(state: State, moment: Moment, outputs: Outputs) -> Step:
    """Begin a list anew."""
    return next_request(replace(state, pages=0, count=0), moment, outputs)


def resumed(state: State, moment: Moment, outputs: Outputs) -> Step:
    """Connect again from the cursor: soon after a watch that was worth its while, else later and later."""
    now, chance = moment
    if state.spoken or now - state.opened_at >= LIVED_SECONDS:
        return after(state, SOON_SECONDS * chance, moment, outputs)
    if state.backoff.failures >= SHORT_WATCHES:
        state = lost(state, "watches end as soon as they begin")
    return later(state, moment, (*outputs, Count("short")))


def crowd(state: State, now: float) -> float:
    """Return how long to wait until one more request is not one too many."""
    if len(state.recent) < WINDOW_REQUESTS:
        return 0.0
    return state.recent[-WINDOW_REQUESTS] + WINDOW_SECONDS - now


def answered(state: State, now: float) -> tuple[float, ...]:
    """Return the moments of the last requests, the last moved to its answer: it may have waited on its way out."""
    if state.phase is Phase.STREAMING or (state.phase is Phase.LISTING and state.pages):
        return state.recent
    return (*state.recent[:-1], now)


def lost(state: State, why: str) -> State:
    """Return the state without contact: what we hold grows old."""
    return replace(state, status="stale" if state.held else "failed", error=why)


def must_list_anew(state: State) -> State:
    """Return the state whose cursor is no longer good for resuming."""
    return replace(state, must_list=True, reason="initial" if state.reason == "initial" else "relist")
