"""The image is built from files that exist and that the build is given."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
GIVEN = re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(encoding="utf-8"), re.MULTILINE)
COPIED = [
    source
    for sources in re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    for source in sources.split()
]


@pytest.mark.parametrize("source", COPIED)
def test_what_is_copied_exists_and_is_given(source: str) -> None:
    assert (ROOT / source).exists()
    assert source in GIVEN


def test_nothing_is_given_in_vain() -> None:
    assert sorted(GIVEN) == sorted(COPIED)


def test_it_does_not_run_as_root() -> None:
    assert re.findall(r"^USER (\d+):", DOCKERFILE, re.MULTILINE) == ["10001"]
