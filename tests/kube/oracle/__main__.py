"""Run the oracle: `python -m tests.kube.oracle --seconds 240 --seed N`; exit 1 where somebody believes an untruth."""

# ruff: noqa: E402 - the standard library is made cooperative first

from gevent import monkey

monkey.patch_all()

import argparse
import random
import sys

from tests.cluster.assets import AssetsMissingError
from tests.cluster.control_plane import ControlPlane
from tests.kube.oracle.gamble import run


def say(text: str) -> None:
    """Write a line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main() -> int:
    """Gamble and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.kube.oracle", description=__doc__)
    parser.add_argument("--seconds", type=float, default=240.0, help="how long to break things (240)")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="repeat a run by its seed")
    options = parser.parse_args()
    say(f"seed={options.seed} seconds={options.seconds:g}")
    try:
        with ControlPlane() as plane:
            verdict = run(plane, options.seconds, options.seed, say)
    except AssetsMissingError as missing:
        say(str(missing))
        return 1
    say(str(verdict))
    return 1 if verdict.differences else 0


if __name__ == "__main__":
    sys.exit(main())
