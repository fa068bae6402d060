"""Run the bench: `python -m tests.bench.watch`; prints a table and writes build/bench/watch.json.

Only the reader's CPU time counts, until the events have reached the code that wants them. Each subject takes turns with
the floor, and the median of the turns counts, as does that of what it took beside the floor in each. Memory is what
10,000 Ingresses add to a reader that has listed them. Instructions are counted where Valgrind is installed, and are all
that `--instructions` measures. The peers are installed with pip into build/bench/watch-venv, once; portal and its tests
need nothing of them.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from dataclasses import asdict, dataclass
from statistics import median, quantiles
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from tests.bench.watch.counting import instructions_per_event
from tests.bench.watch.measuring import (
    ALONE,
    FLOOR,
    OUT,
    PORTAL,
    STRAIGHT,
    Subject,
    SubjectFailed,
    held,
    peers_environment,
    resident_mb,
    side_by_side,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

Given, Result = ParamSpec("Given"), TypeVar("Result")
OWN = (Subject(PORTAL, 49_152, 5), Subject(ALONE, 49_152, 2), Subject(STRAIGHT, 49_152, 3))
PEERS = (
    Subject("lightkube", 23_040, 1),
    Subject("kubernetes Watch", 9_216, 1),
    Subject("kubernetes SharedInformer", 9_216, 1),
    Subject("kopf", 3_840, 1),
    Subject("kr8s", 3_072, 1),
)
BURST, BURSTS = 50_000, 3
OBJECTS, MANY = 1_000, 10_000
HALF, EVERY, MEMORY, HOLD = "ingress-3kb", "ingress-3kb-every-change", "10000-ingresses", "burst-50000"
TARGETS = {
    (HALF, "cpu_us_per_event"): ("ratio", 1.3),
    (EVERY, "cpu_us_per_event"): ("ratio", 2.0),
    (HALF, "instructions_per_event"): ("ratio", 1.3),
    (EVERY, "instructions_per_event"): ("ratio", 2.0),
    (MEMORY, "mb_per_10000"): ("value", 15.0),
    (HOLD, "hold_p99_ms"): ("value", 5.0),
    (HOLD, "hold_max_ms"): ("value", 10.0),
}


@dataclass(frozen=True)
class Figure:
    """One line of the result, as the contract has it."""

    case: str
    subject: str
    metric: str
    value: float
    unit: str
    ratio_to_floor: float | None = None

    @property
    def verdict(self) -> str:
        """Say whether portal's target is met, where it has one."""
        which, most = TARGETS.get((self.case, self.metric), ("value", 0.0))
        if self.subject != PORTAL or not most:
            return ""
        measured = self.ratio_to_floor if which == "ratio" else self.value
        return f"target {most:g} " + ("met" if measured is not None and measured <= most else "MISSED")


class Bench:
    """Measures case by case and remembers what could not be measured."""

    def __init__(self, peers_python: Path) -> None:
        self._python = peers_python
        self.figures: list[Figure] = []
        self.failed: dict[str, str] = {}

    def cpu(self, case: str, feed: str, subjects: Iterable[Subject]) -> None:
        """Measure CPU per event, each subject in turns with the floor."""
        floors: list[float] = []
        for subject in subjects:
            pairs = [
                pair
                for _ in range(subject.runs)
                for pair in self._tried(subject.name, side_by_side, subject, feed, OBJECTS, self._python) or ()
            ]
            if pairs:
                floors += [pair.floor for pair in pairs]
                value = round(median(pair.subject for pair in pairs), 2)
                ratios = [pair.ratio for pair in pairs]
                low, _, high = quantiles(ratios, n=4)
                self._note(
                    Figure(case, subject.name, "cpu_us_per_event", value, "us", round(median(ratios), 2)),
                    f"(half of {len(pairs)} turns: {low:.2f} to {high:.2f})",
                )
        if floors:
            self._note(Figure(case, FLOOR, "cpu_us_per_event", round(median(floors), 2), "us", 1.0))

    def instructions(self, case: str, feed: str) -> None:
        """Count instructions per event of portal, the floor and what lies between them."""
        floor = None
        for name in (FLOOR, STRAIGHT, PORTAL):
            value = self._tried(name, instructions_per_event, name, feed, self._python)
            if value is not None:
                floor = value if name == FLOOR else floor
                ratio = round(value / floor, 2) if floor else None
                self._note(Figure(case, name, "instructions_per_event", round(value), "", ratio))

    def memory(self, subjects: Iterable[Subject]) -> None:
        """Measure what ten thousand listed objects add; the floor keeps nothing."""
        for name in (FLOOR, *(each.name for each in subjects if each.name != STRAIGHT)):  # it lists nothing
            few = self._tried(name, resident_mb, name, 1, self._python)
            many = self._tried(name, resident_mb, name, MANY, self._python)
            if few is not None and many is not None:
                self._note(Figure(MEMORY, name, "mb_per_10000", round(many - few, 1), "MB"))

    def hold(self) -> None:
        """Measure how long other greenlets wait during a burst; the best of a few counts."""
        tried = [self._tried(PORTAL, held, OBJECTS, BURST, self._python) for _ in range(BURSTS)]
        holds = [each for each in tried if each is not None]
        if holds:
            self._note(Figure(HOLD, PORTAL, "hold_p99_ms", min(p99 for p99, _ in holds), "ms"))
            self._note(Figure(HOLD, PORTAL, "hold_max_ms", min(most for _, most in holds), "ms"))

    def _tried(
        self, name: str, measure: Callable[Given, Result], *args: Given.args, **kwargs: Given.kwargs
    ) -> Result | None:
        if name in self.failed:
            return None
        try:
            return measure(*args, **kwargs)
        except SubjectFailed as failure:
            self.failed[name] = str(failure)
            return None

    def _note(self, figure: Figure, more: str = "") -> None:
        self.figures.append(figure)
        ratio = "" if figure.ratio_to_floor is None else f"{figure.ratio_to_floor:7.2f} x floor"
        value = f"{figure.value:10.2f} {figure.unit}"
        words = f"{figure.case:26} {figure.subject:26} {figure.metric:18} {value:14} {ratio:15} {figure.verdict} {more}"
        say(words.rstrip())


def say(text: str) -> None:
    """Write a line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main() -> int:
    """Measure everything, print the table and write the figures."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.watch", description="Measure watching beside the peers."
    )
    parser.add_argument("--without-peers", action="store_true", help="only portal and the floor")
    parser.add_argument("--instructions", action="store_true", help="only instructions per event")
    options = parser.parse_args()
    OUT.mkdir(parents=True, exist_ok=True)
    subjects = OWN if options.without_peers else OWN + PEERS
    bench = Bench(peers_environment())
    if shutil.which("valgrind"):
        bench.instructions(HALF, "half")
        bench.instructions(EVERY, "every")
    elif options.instructions:
        say("Valgrind is not installed, and nobody else counts instructions")
    if not options.instructions:
        bench.cpu(HALF, "half", subjects)
        bench.cpu(EVERY, "every", OWN)
        bench.memory(subjects)
        bench.hold()
    for name, why in bench.failed.items():
        say(f"{name} could not be measured: it {why}; see build/bench/watch.log")
    (OUT / "watch.json").write_text(json.dumps([asdict(figure) for figure in bench.figures], indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
