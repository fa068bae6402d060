"""What is believed of a target: one failure proves nothing, one success does, and silence makes everything unknown."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from msgspec import Struct

from portal.availability.plan import Watch
from portal.availability.results import Outcome, Result
from portal.availability.targets import Target

CONFIRMED: Final = 2  # failures in a row


class Reading(Struct, frozen=True):
    """What is known of one target, for the exporter: its last result, and what is believed."""

    target: Target
    last: Result
    outcome: Outcome


def believe(watch: Watch, result: Result, now: float, moment: float) -> None:
    """Take a result into account at this reading of the clock and this moment (epoch seconds).

    A result that says nothing leaves what is believed alone; that grows stale, or is what there is.
    """
    watch.last = result
    watch.method = result.method
    if result.outcome == "unknown":
        watch.believed = watch.believed or result
        return
    watch.answered = now
    if result.outcome == "up":
        watch.failures = 0
        watch.believed = result
        return
    watch.failures += 1
    if watch.failures == 1:
        watch.failing_since = moment
    if watch.failures >= CONFIRMED:
        watch.believed = result


def doubt(watch: Watch, now: float, moment: float, longest: float) -> bool:
    """Believe nothing any more when the last answer is longer ago than `longest` seconds; tell whether that is new."""
    since = watch.added if watch.answered is None else watch.answered
    if now - since <= longest or (watch.believed is not None and outcome(watch) == "unknown"):
        return False
    silent = datetime.fromtimestamp(moment - (now - since), UTC)
    why = watch.last.reason if watch.last and watch.last.outcome == "unknown" else None
    watch.believed = Result(outcome="unknown", reason=why or f"not checked since {silent:%H:%M}")
    watch.failures = 0
    return True


def outcome(watch: Watch) -> Outcome:
    """Return the believed outcome."""
    return "unknown" if watch.believed is None else watch.believed.outcome
