"""Whatever the server does, the engine ends up knowing the truth, and asks for it politely.

Every case is a line of a table beside this file; its number is that of the scenario in the catalogue of faults.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from tests.kube.faults.requests import MOST_IN_WINDOW, broken_rules, is_list, is_watch, most_in_window
from tests.kube.faults.rig import Case, Rig, cases

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TABLES = ("endings.yaml", "streams.yaml", "answers.yaml", "truths.yaml")
CASES = [pytest.param(case, id=case["name"]) for table in TABLES for case in cases(table)]


def pause_after_fault(rig: Rig) -> float:
    """Return the shortest time between a request that was treated badly and the next one for the same thing."""
    requests = rig.requests()
    gaps: list[float] = [(b["time"] - a["time"]) / rig.second for a, b in pairwise(requests) if a["fault"]]
    return min(gaps)


def reborn(rig: Rig, name: str) -> bool:
    """Tell whether an entry was removed and added again, and not only changed."""
    return rig.published.counts["removed", name] == 1 and rig.published.counts["added", name] == 2


EXPECTED: dict[str, Callable[[Rig, Any], bool]] = {
    "lists": lambda rig, wanted: rig.count(is_list) == wanted,
    "unlimited_lists": lambda rig, wanted: (
        rig.count(lambda request: is_list(request) and "limit" not in request["query"]) == wanted
    ),
    "inconsistent_continues": lambda rig, wanted: (
        rig.count(lambda request: request["query"].get("continue", "").startswith("eyJydiI6IC0x")) == wanted
    ),
    "watches_at_most": lambda rig, wanted: rig.count(is_watch) <= wanted,
    "never_empty": lambda rig, wanted: (rig.folded.emptied == 0) == wanted,
    "deleted": lambda rig, names: all(("DELETED", name) in rig.folded.told for name in names),
    "reborn": lambda rig, names: all(reborn(rig, name) for name in names),
    "pause_after_fault": lambda rig, wanted: pause_after_fault(rig) >= wanted,
    "resumed_past": lambda rig, wanted: any(
        int(request["query"]["resourceVersion"]) > wanted for request in rig.requests() if is_watch(request)
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_truth_arrives_whatever_the_server_does(case: Case, tmp_path: Path) -> None:
    with Rig(case, tmp_path) as rig:
        rig.run()

        assert not rig.crew.failed.is_set()
        assert rig.folded.objects == rig.truth(), rig.described()
        assert rig.published.entries == rig.shown()
        assert rig.published.contradictions == []
        assert most_in_window(rig.requests(), rig.second) <= MOST_IN_WINDOW, rig.described()
        assert broken_rules(rig.requests()) == []
        unmet = [name for name, wanted in case.get("expect", {}).items() if not EXPECTED[name](rig, wanted)]
        assert unmet == [], rig.described()
