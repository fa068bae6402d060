"""Figures in the form of the contract, and the other processes of a measurement."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

Rows = list[dict[str, Any]]
COMMAND = (sys.executable, "-m", "tests.bench.availability")


def row(case: str, subject: str, metric: str, value: float, unit: str, ratio: float | None = None) -> dict[str, Any]:
    """Return one figure in the form of the contract."""
    figure = {"case": case, "subject": subject, "metric": metric, "value": value, "unit": unit}
    return figure if ratio is None else {**figure, "ratio_to_floor": round(ratio, 3)}


@contextmanager
def process(role: str, *arguments: str) -> Iterator[int]:
    """Run the bench in another role, and give the port it prints."""
    with subprocess.Popen([*COMMAND, role, *arguments], stdout=subprocess.PIPE) as child:
        try:
            yield int(child.stdout.readline()) if child.stdout else 0
        finally:
            child.kill()


def page_times(port: int, seconds: int) -> list[float]:
    """Return how long each page took another process, in milliseconds; twenty a second."""
    reader = [*COMMAND, "read", str(port), str(seconds)]
    done = subprocess.run(reader, check=True, capture_output=True, timeout=seconds + 60)
    return [float(each) for each in json.loads(done.stdout)]
