"""The tables beside the tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml


def cases(name: str) -> list[Any]:
    return list(yaml.safe_load(Path(__file__).with_name(f"{name}.yaml").read_text()))
