"""What follows from what, one transition a line; the lines are in `machine.yaml`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from portal.kube import errors, signals
from portal.kube.machine import step
from portal.kube.moves import Step
from portal.kube.state import State
from tests.kube.simulation import event

CASES = yaml.safe_load(Path(__file__).with_name("machine.yaml").read_text(encoding="utf-8"))
RETRY_AFTER = {"TooManyRequests": 7.0, "TooLargeResourceVersion": 1.0}

INPUTS: dict[str, Any] = {
    "started": lambda _: signals.Started(),
    "listed": lambda given: signals.Listed(str(given[0]), *given[1:2] or [""], *given[2:] or [1]),
    "opened": lambda _: signals.Opened(),
    "event": lambda version: signals.Received([event("MODIFIED", "a", version)]),
    "mark": lambda version: signals.Received([event("BOOKMARK", "", version)]),
    "unknown": lambda version: signals.Received([event("RENAMED", "a", version)]),
    "tick": lambda _: signals.Received(()),
    "ended": lambda _: signals.Ended(),
    "failed": lambda name: signals.Failed(
        getattr(errors, name)("no", code=500, retry_after=RETRY_AFTER.get(name, 0.0))
    ),
    "waited": lambda _: signals.Waited(),
    "stopped": lambda _: signals.Stopped(),
}

OUTPUTS: dict[type, Any] = {
    signals.Replace: lambda output: f"replace {output.reason}",
    signals.Clear: lambda output: f"clear {output.reason}",
    signals.Deliver: lambda _: "deliver",
    signals.Close: lambda _: "close",
}


class Play:
    """A machine at the end of a story."""

    def __init__(self, story: list[Any], *, held: bool) -> None:
        self.now = 1000.0
        self.last: Step = (State(held=held), (), signals.Wait(0))
        for each in flat(story):
            self.add(each)

    def add(self, told: Any) -> None:
        """Let something happen, or time pass."""
        if isinstance(told, int | float):
            self.now += told
            return
        word, argument = (told, None) if isinstance(told, str) else next(iter(told.items()))
        self.last = step(self.last[0], INPUTS[word](argument), self.now, 0.5)


def flat(story: list[Any]) -> list[Any]:
    """Return a story in which others may be told from the beginning."""
    return [step for each in story for step in (flat(each) if isinstance(each, list) else [each])]


def shown(outputs: signals.Outputs) -> list[str]:
    """Return the outputs in the words of the table, without what is only counted."""
    return [OUTPUTS[type(output)](output) for output in outputs if type(output) in OUTPUTS]


def is_command(command: signals.Command, wanted: Any) -> bool:
    """Tell whether a command is what the table says, if it says anything."""
    match command, wanted:
        case signals.List(limit, token), {"list": argument}:
            return argument in (limit, token)
        case signals.Watch(version, lifetime), {"watch": argument}:
            return version == argument and 180 <= lifetime <= 230
        case signals.Wait(seconds), {"wait": [shortest, longest]}:
            return bool(shortest <= seconds <= longest)
        case _, None:
            return True
    names = {"await": signals.AwaitReturn, "read": signals.Read, "rest": signals.Rest}
    return isinstance(wanted, str) and isinstance(command, names[wanted])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_what_follows(case: dict[str, Any]) -> None:
    play = Play(case.get("given", []), held=case.get("held", False))

    play.add(case["then"])
    state, outputs, command = play.last

    assert is_command(command, case.get("command")), command
    assert state.status == case.get("status", state.status)
    assert state.must_list is case.get("must_list", state.must_list)
    assert state.cursor == case.get("cursor", state.cursor)
    assert shown(outputs) == case.get("outputs", shown(outputs))


def test_an_input_that_cannot_come_is_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match="no answer to Opened while idle"):
        step(State(), signals.Opened(), 0.0, 0.5)
