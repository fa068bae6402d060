"""Which Services stand behind an object."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.sources.table import BY_NAME, projection_of

CASES = yaml.safe_load(Path(__file__).with_name("services.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
def test_the_services_behind_an_object_are_found(case: dict[str, Any]) -> None:
    source = BY_NAME[case["source"]]
    found = projection_of(source, {"metadata": {"namespace": "media"}, "spec": case["spec"]})

    services = source.services(found)

    assert [f"{each.namespace}/{each.name}" for each in services] == case["services"]
