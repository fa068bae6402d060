"""On a real API server, with everything below it broken at random, everybody ends up believing what is true."""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING

import pytest

from tests.cluster.control_plane import ControlPlane
from tests.kube.oracle.gamble import run

if TYPE_CHECKING:
    from tests.cluster.assets import Assets

SECONDS = 20.0  # with the start of the control plane and the time to agree, at most a minute


@pytest.mark.timeout(240)
def test_everybody_believes_the_truth_after_faults_at_random(assets: Assets) -> None:
    seed = int(os.environ.get("ORACLE_SEED", random.randrange(10**6)))
    with ControlPlane(assets) as plane:
        verdict = run(plane, SECONDS, seed, print)

    assert verdict.objects > 0
    assert verdict.differences == [], f"repeat it with: python -m tests.kube.oracle --seed {seed}\n{verdict}"
