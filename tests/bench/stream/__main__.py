"""Measures event streams side by side: `python -m tests.bench.stream [SIZE …] [--rounds N] [--only NAME,…]`.

Then the whole path: from a write to a real API server to the bytes at the last of 1,000 subscribers of `portal serve`.

The server on one core, the load (subscribers, publisher, one more client) on another; CPU from the kernel's scheduler.
Subjects are interleaved, and of several rounds the best counts.
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
from pathlib import Path
from typing import Any

from tests.bench.stream.loads import FailedError, Load
from tests.bench.stream.subjects import BUILD, SUBJECTS, MissingError, Running, Subject, running
from tests.bench.stream.whole_path import CLIENTS, measured_path

SIZES = (100, 1000, 10_000)
DELIVERIES = 200_000
BATCHED = 640_000
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


def cpu_seconds(pids: list[int]) -> float:
    files = [file for pid in pids for file in Path(f"/proc/{pid}/task").glob("*/schedstat")]
    return sum(int(file.read_text().split()[0]) for file in files) / 1e9


def resident_kb(pids: list[int]) -> float:
    lines = [line for pid in pids for line in Path(f"/proc/{pid}/status").read_text().splitlines()]
    return sum(float(line.split()[1]) for line in lines if line.startswith("VmRSS"))


def cpu_per_delivery(load: Load, subject: Running, window: int, events: int, clients: int) -> float:
    load.tell(f"run {window} {max(events // 10, window)}")
    before = cpu_seconds(subject.pids)
    load.tell(f"run {window} {events}")
    return (cpu_seconds(subject.pids) - before) / (events * clients) * 1e6


def measured(subject: Subject, clients: int) -> Figures:
    with tempfile.TemporaryDirectory(dir=BUILD) as folder, running(subject, Path(folder)) as server:
        load = Load(server)
        try:
            first = min(MOST_FIRST, clients // 2)
            load.tell(f"connect {first}")
            time.sleep(0.5)
            before = resident_kb(server.pids)
            (seconds,) = load.tell(f"connect {clients}")
            time.sleep(0.5)
            memory = (resident_kb(server.pids) - before) / (clients - first)
            events = max(DELIVERIES // clients // subject.weight, 5)
            batched = max(BATCHED // clients // subject.weight, 64)
            figures = {
                "kb_per_idle_client": memory,
                "connects_per_s": (clients - first) / seconds,
                "cpu_us_per_delivery": cpu_per_delivery(load, server, 1, events, clients),
                "cpu_us_per_delivery_batched": cpu_per_delivery(load, server, 32, batched, clients),
            }
            figures["other_p99_ms"] = load.tell(f"ping {PING_SECONDS} {PING_RATE}")[1]
        finally:
            load.close()
    return figures


def best(rounds: list[Figures]) -> Figures:
    return {
        metric: (max if metric in LARGER_IS_BETTER else min)(figures[metric] for figures in rounds) for metric in UNITS
    }


def rows_of(case: str, results: dict[str, Figures]) -> list[dict[str, Any]]:
    base = results.get("floor")
    return [
        {
            "case": case,
            "subject": subject,
            "metric": metric,
            "value": round(value, 3),
            "unit": UNITS[metric],
            "ratio_to_floor": round(value / base[metric], 3) if base and base[metric] > 0 else None,
        }
        for subject, figures in results.items()
        for metric, value in figures.items()
    ]


def show(case: str, results: dict[str, Figures]) -> None:
    print(f"\n{case}")
    print(
        f"  {'':14}{'us/event':>10}{'x floor':>9}{'batched':>9}{'kB/client':>11}{'connects/s':>12}{'other p99 ms':>14}"
    )
    base = results.get("floor", {}).get("cpu_us_per_delivery")
    for subject, figures in results.items():
        ratio = f"{figures['cpu_us_per_delivery'] / base:.2f}" if base else "-"
        print(
            f"  {subject:14}{figures['cpu_us_per_delivery']:>10.2f}{ratio:>9}"
            f"{figures['cpu_us_per_delivery_batched']:>9.2f}{figures['kb_per_idle_client']:>11.2f}"
            f"{figures['connects_per_s']:>12.0f}{figures['other_p99_ms']:>14.1f}"
        )


def measure_case(clients: int, rounds: int, subjects: list[Subject]) -> dict[str, Figures]:
    seen: dict[str, list[Figures]] = defaultdict(list)
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
    return {name: best(figures) for name, figures in seen.items() if figures}


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
