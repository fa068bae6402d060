"""Measures event streams side by side: `python -m tests.bench.stream [SIZE …] [--rounds N] [--only NAME,…]`.

Then the whole path: from a write to a real API server to the bytes at the last of 1,000 subscribers of `portal serve`.

The server on one core, the load (subscribers, publisher, one more client) on another; CPU from the kernel's scheduler.
What an event costs by itself is measured in short turns, floor and subject side by side, because what a machine gives
one second may be half of what it gives the next: of all turns the median counts. Of the rest it is the best of the
rounds.
"""

from __future__ import annotations

import argparse
import json
import resource
import signal
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import ExitStack, closing
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from tests.bench.stream.loads import FailedError, Load
from tests.bench.stream.subjects import BUILD, FLOOR, SUBJECTS, MissingError, Subject, running
from tests.bench.stream.whole_path import CLIENTS, measured_path

SIZES = (100, 1000, 10_000)
TURNS, DELIVERIES, LEAST_EVENTS = 10, 20_000, 4  # deliveries and events in each turn
BATCHED, IN_BATCH = 640_000, 32
MOST_FIRST = 200  # clients before memory is counted: what is set up once, or for a request, is no idle client's
PING_SECONDS, PING_RATE = 3, 4
UNITS = {
    "cpu_us_per_delivery": "us",
    "cpu_us_per_delivery_batched": "us",
    "kb_per_idle_client": "kB",
    "connects_per_s": "1/s",
    "other_p99_ms": "ms",
}
LARGER_IS_BETTER = ("connects_per_s",)
Figures = dict[str, float]


class Turn(NamedTuple):
    """CPU µs per delivery of the floor and of a subject, one after the other."""

    floor: float
    subject: float


class Result(NamedTuple):
    """What was measured of one subject: the figures, and what one event cost beside the floor."""

    figures: Figures
    ratio: float


def cpu_seconds(pids: list[int]) -> float:
    files = [file for pid in pids for file in Path(f"/proc/{pid}/task").glob("*/schedstat")]
    return sum(int(file.read_text().split()[0]) for file in files) / 1e9


def resident_kb(pids: list[int]) -> float:
    lines = [line for pid in pids for line in Path(f"/proc/{pid}/status").read_text().splitlines()]
    return sum(float(line.split()[1]) for line in lines if line.startswith("VmRSS"))


class Streaming:
    """A subject and its load."""

    def __init__(self, subject: Subject, clients: int, exits: ExitStack) -> None:
        folder = exits.enter_context(tempfile.TemporaryDirectory(dir=BUILD))
        server = exits.enter_context(running(subject, Path(folder)))
        self.load = exits.enter_context(closing(Load(server)))
        self._pids, self._weight, self._clients = server.pids, subject.weight, clients

    def connect(self) -> Figures:
        """Connect all; return what that took."""
        first = min(MOST_FIRST, self._clients // 2)
        self.load.tell(f"connect {first}")
        time.sleep(0.5)
        before = resident_kb(self._pids)
        (seconds,) = self.load.tell(f"connect {self._clients}")
        time.sleep(0.5)
        more = self._clients - first
        return {"kb_per_idle_client": (resident_kb(self._pids) - before) / more, "connects_per_s": more / seconds}

    def cpu_per_delivery(self, deliveries: int, window: int, least_events: int) -> float:
        """Return what a delivery costs, with so many events under way at once."""
        events = max(deliveries // self._clients // self._weight, least_events)
        before = cpu_seconds(self._pids)
        self.load.tell(f"run {window} {events}")
        return (cpu_seconds(self._pids) - before) / (events * self._clients) * 1e6

    def turn(self) -> float:
        """Return what a delivery costs where one event is under way at a time."""
        return self.cpu_per_delivery(DELIVERIES, 1, LEAST_EVENTS)


def measured(subject: Subject, clients: int) -> tuple[Figures, list[Turn]]:
    """Return the figures of a subject by itself, and its turns beside the floor."""
    with ExitStack() as exits:
        floor, own = Streaming(FLOOR, clients, exits), Streaming(subject, clients, exits)
        floor.connect()
        figures = own.connect()
        _warming_up, *turns = [Turn(floor.turn(), own.turn()) for _ in range(TURNS + 1)]
        figures["cpu_us_per_delivery_batched"] = own.cpu_per_delivery(BATCHED, IN_BATCH, 2 * IN_BATCH)
        figures["other_p99_ms"] = own.load.tell(f"ping {PING_SECONDS} {PING_RATE}")[1]
    return figures, turns


def summed_up(rounds: list[tuple[Figures, list[Turn]]]) -> Result:
    turns = [turn for _, turns in rounds for turn in turns]
    figures = {
        metric: (max if metric in LARGER_IS_BETTER else min)(figures[metric] for figures, _ in rounds)
        for metric in rounds[0][0]
    }
    figures["cpu_us_per_delivery"] = median(turn.subject for turn in turns)
    return Result(figures, median(turn.subject / turn.floor for turn in turns))


def rows_of(case: str, results: dict[str, Result]) -> list[dict[str, Any]]:
    return [
        {
            "case": case,
            "subject": subject,
            "metric": metric,
            "value": round(result.figures[metric], 3),
            "unit": unit,
            "ratio_to_floor": round(result.ratio, 3) if metric == "cpu_us_per_delivery" else None,
        }
        for subject, result in results.items()
        for metric, unit in UNITS.items()
    ]


def show(case: str, results: dict[str, Result]) -> None:
    print(f"\n{case}")
    print(
        f"  {'':14}{'us/event':>10}{'x floor':>9}{'batched':>9}{'kB/client':>11}{'connects/s':>12}{'other p99 ms':>14}"
    )
    for subject, (figures, ratio) in results.items():
        print(
            f"  {subject:14}{figures['cpu_us_per_delivery']:>10.2f}{ratio:>9.2f}"
            f"{figures['cpu_us_per_delivery_batched']:>9.2f}{figures['kb_per_idle_client']:>11.2f}"
            f"{figures['connects_per_s']:>12.0f}{figures['other_p99_ms']:>14.1f}"
        )


def measure_case(clients: int, rounds: int, subjects: list[Subject]) -> dict[str, Result]:
    seen: dict[str, list[tuple[Figures, list[Turn]]]] = defaultdict(list)
    failed: set[str] = set()
    for _ in range(rounds):
        for subject in subjects:
            if subject.name in failed:
                continue
            try:
                seen[subject.name].append(measured(subject, clients))
            except (MissingError, FailedError) as error:
                failed.add(subject.name)
                print(f"  n={clients}: {subject.name} could not be measured: {error}", flush=True)
    return {name: summed_up(found) for name, found in seen.items() if found}


def measure_path() -> list[dict[str, Any]]:
    try:
        figures = measured_path()
    except (MissingError, FailedError) as error:
        print(f"\nThe whole path could not be measured: {error}", flush=True)
        return []
    case = f"api server to the last of n={CLIENTS}"
    print(f"\n{case}: " + ", ".join(f"{metric} {value:.1f}" for metric, value in figures.items()))
    return [
        {"case": case, "subject": "portal", "metric": metric, "value": round(value, 3), "unit": "ms"}
        for metric, value in figures.items()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sizes", nargs="*", type=int, default=SIZES, metavar="SIZE")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", metavar="NAME,…")
    parser.add_argument("--whole-path", action=argparse.BooleanOptionalAction, default=True)
    options = parser.parse_args()
    chosen = [subject for subject in SUBJECTS if not options.only or subject.name in options.only.split(",")]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what was started is ended then too
    BUILD.mkdir(parents=True, exist_ok=True)
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    rows: list[dict[str, Any]] = []
    for clients in options.sizes:
        results = measure_case(clients, options.rounds, chosen)
        show(f"n={clients}", results)
        rows += rows_of(f"n={clients}", results)
    if options.whole_path:
        rows += measure_path()
    (BUILD / "stream.json").write_text(json.dumps(rows, indent=1) + "\n")
    print(f"\nWritten to {(BUILD / 'stream.json').relative_to(BUILD.parents[1])}")


if __name__ == "__main__":
    main()
