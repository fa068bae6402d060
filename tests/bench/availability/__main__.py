"""Run every case, print a table and write build/bench/availability.json; or play one of the roles."""

from gevent import monkey

monkey.patch_all()  # as the product does, before anything imports ssl or socket

import json  # noqa: E402 - after the patch
import logging  # noqa: E402 - after the patch
import random  # noqa: E402 - after the patch
import sys  # noqa: E402 - after the patch
from pathlib import Path  # noqa: E402 - after the patch

from portal.availability.targets import CheckOptions  # noqa: E402 - after the patch
from tests.availability.simulation import simulated_day  # noqa: E402 - after the patch
from tests.bench.availability.checks import per_check  # noqa: E402 - after the patch
from tests.bench.availability.crowd import INTERVAL, URLS, hanging  # noqa: E402 - after the patch
from tests.bench.availability.figures import Rows, row  # noqa: E402 - after the patch
from tests.bench.availability.roles import ROLES  # noqa: E402 - after the patch


def main() -> None:
    """Run every case, print a table and write build/bench/availability.json."""
    logging.disable()  # two thousand applications that fail have much to say
    rows = [*per_check(), *hanging(), *day()]
    for each in rows:
        ratio = f"{each['ratio_to_floor']:.2f} x" if "ratio_to_floor" in each else ""
        what = f"{each['case']:<22} {each['subject']:<18} {each['metric']:<22}"
        print(f"{what} {each['value']:>10} {each['unit']:<8} {ratio}")
    path = Path("build/bench/availability.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(rows, indent=1))


def day() -> Rows:
    """Let a day of 2,000 URLs pass in virtual time, half of which fail once."""
    found = simulated_day(URLS, CheckOptions(interval=INTERVAL), random.Random(7))
    case = "day-of-2000-urls"
    return [
        row(case, "portal", "failure_seen_p50_s", round(found.detection(0.5), 1), "s"),
        row(case, "portal", "failure_seen_p99_s", round(found.detection(0.99), 1), "s"),
        row(case, "portal", "recovery_seen_p50_s", round(found.recovery(0.5), 1), "s"),
        row(case, "portal", "recovery_seen_p99_s", round(found.recovery(0.99), 1), "s"),
        row(case, "portal", "failures", len(found.detections), ""),
        row(case, "portal", "missed", found.missed, ""),
        row(case, "floor", "requests", int(URLS * 86_400 / INTERVAL), ""),
        row(case, "portal", "requests", found.requests, "", found.requests / (URLS * 86_400 / INTERVAL)),
        row(case, "portal", "most_in_flight", found.most_in_flight, "checks"),
    ]


if __name__ == "__main__":
    role, *arguments = sys.argv[1:] or ("",)
    ROLES.get(role, main)(*arguments)
