"""What looks like something that is read is said; whatever else people keep in a folder is not."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from portal.demo.lint import lint

KINDS = yaml.safe_load(Path(__file__).with_name("lint.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", KINDS, ids=lambda case: f"{case.get('apiVersion', '')} {case['kind']}")
def test_a_kind_is_said_where_it_looks_like_one_that_is_read(case: dict[str, str]) -> None:
    manifest = {"metadata": {"name": "a"}, **{key: case[key] for key in ("apiVersion", "kind") if key in case}}

    assert "\n".join(lint(manifest)) == case.get("said", "")
