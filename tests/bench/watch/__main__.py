"""Run the bench: `python -m tests.bench.watch`; prints a table and writes build/bench/watch.json.

Only the reader's CPU time counts, between the word that starts the burst and the last event having reached the code
that wants it. Subjects take turns; the best turn of each counts. Memory is what 10,000 Ingresses add to a reader that
has listed them. Instructions are counted where Valgrind is installed, and are all that `--instructions` measures. The
peers are installed with pip into build/bench/watch-venv, once; portal and its tests need nothing of them.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from tests.bench.watch.counting import instructions_per_event
from tests.bench.watch.measuring import (
    ALONE,
    FLOOR,
    OUT,
    PORTAL,
    STRAIGHT,
    Subject,
    SubjectFailed,
    Turn,
    peers_environment,
    turn,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

SUBJECTS = (
    Subject(FLOOR, 50_000, 5),
    Subject(PORTAL, 50_000, 5),
    Subject(ALONE, 50_000, 3),
    Subject(STRAIGHT, 50_000, 5),
    Subject("lightkube", 20_000, 2),
    Subject("kubernetes Watch", 10_000, 2),
    Subject("kubernetes SharedInformer", 10_000, 2),
    Subject("kopf", 4_000, 2),
    Subject("kr8s", 3_000, 2),
)
BURST = Subject(PORTAL, 50_000, 3)
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

    def __init__(self, subjects: Iterable[Subject], peers_python: Path) -> None:
        self._subjects = tuple(subjects)
        self._python = peers_python
        self.figures: list[Figure] = []
        self.failed: dict[str, str] = {}

    def cpu(self, case: str, feed: str, subjects: Iterable[Subject]) -> None:
        """Measure CPU per event, the subjects taking turns."""
        best: dict[str, float] = {}
        for round_number in range(max(subject.turns for subject in self._subjects)):
            for subject in subjects:
                done = self._turn(subject, feed, OBJECTS) if round_number < subject.turns else None
                if done is not None:
                    best[subject.name] = min(done.cpu_us_per_event, best.get(subject.name, float("inf")))
        floor = best.get(FLOOR)
        for name, value in sorted(best.items(), key=lambda each: each[1]):
            ratio = round(value / floor, 2) if floor else None
            self._note(Figure(case, name, "cpu_us_per_event", round(value, 2), "us", ratio))

    def instructions(self, case: str, feed: str) -> None:
        """Count instructions per event of portal, the floor and what lies between them."""
        floor = None
        for name in (FLOOR, STRAIGHT, PORTAL):
            try:
                value = instructions_per_event(name, feed, self._python)
            except SubjectFailed as failure:
                self.failed[name] = str(failure)
                continue
            floor = value if name == FLOOR else floor
            ratio = round(value / floor, 2) if floor else None
            self._note(Figure(case, name, "instructions_per_event", round(value), "", ratio))

    def memory(self) -> None:
        """Measure what ten thousand listed objects add; the floor keeps nothing."""
        for subject in (each for each in self._subjects if each.name != STRAIGHT):  # it lists nothing
            short = Subject(subject.name, 2, 1)
            few, many = self._turn(short, "half", 1), self._turn(short, "half", MANY)
            if few is not None and many is not None:
                value = round(many.mb_idle - few.mb_idle, 1)
                self._note(Figure(MEMORY, subject.name, "mb_per_10000", value, "MB"))

    def hold(self) -> None:
        """Measure how long other greenlets wait during a burst; the best of a few turns counts here as well."""
        turns = [done for _ in range(BURST.turns) if (done := self._turn(BURST, "half", OBJECTS, "hold"))]
        holds = [tuple(map(float, done.extra.split()[1:3])) for done in turns]
        if holds:
            self._note(Figure(HOLD, PORTAL, "hold_p99_ms", min(p99 for p99, _ in holds), "ms"))
            self._note(Figure(HOLD, PORTAL, "hold_max_ms", min(most for _, most in holds), "ms"))

    def _turn(self, subject: Subject, feed: str, objects: int, *words: str) -> Turn | None:
        if subject.name in self.failed:
            return None
        try:
            return turn(subject, feed, objects, self._python, *words)
        except SubjectFailed as failure:
            self.failed[subject.name] = str(failure)
            return None

    def _note(self, figure: Figure) -> None:
        self.figures.append(figure)
        ratio = "" if figure.ratio_to_floor is None else f"{figure.ratio_to_floor:7.2f} x floor"
        value = f"{figure.value:10.2f} {figure.unit}"
        say(f"{figure.case:26} {figure.subject:26} {figure.metric:18} {value:14} {ratio:15} {figure.verdict}".rstrip())


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
    own = [subject for subject in SUBJECTS if subject.name in (FLOOR, PORTAL, ALONE, STRAIGHT)]
    subjects = own if options.without_peers else SUBJECTS
    bench = Bench(subjects, peers_environment())
    if shutil.which("valgrind"):
        bench.instructions(HALF, "half")
        bench.instructions(EVERY, "every")
    elif options.instructions:
        say("Valgrind is not installed, and nobody else counts instructions")
    if not options.instructions:
        bench.cpu(HALF, "half", subjects)
        bench.cpu(EVERY, "every", own)
        bench.memory()
        bench.hold()
    for name, why in bench.failed.items():
        say(f"{name} could not be measured: it {why}; see build/bench/watch.log")
    (OUT / "watch.json").write_text(json.dumps([asdict(figure) for figure in bench.figures], indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
