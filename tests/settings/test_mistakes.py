"""Every mistake in a file is said in one line, with its place and what was probably meant."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from portal.settings.errors import SettingsError
from portal.settings.loading import LARGEST_FILE, load

CASES = yaml.safe_load(Path(__file__).with_name("mistakes.yaml").read_text(encoding="utf-8"))


def complaints(path: Path, environ: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(SettingsError) as raised:
        load(path, environ or {})
    return [str(problem) for problem in raised.value.problems]


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_each_mistake_is_one_line_with_its_place(case: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "application.yaml"
    path.write_text(case["file"], encoding="utf-8")

    assert complaints(path) == [f"{path}:{line}" for line in case["lines"]]


def test_a_file_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "application.yaml"

    assert complaints(path) == [f"{path}: cannot be read: No such file or directory"]


def test_a_folder_instead_of_a_file_is_one_line(tmp_path: Path) -> None:
    assert complaints(tmp_path) == [f"{tmp_path}: cannot be read: Is a directory"]


def test_a_file_that_is_not_text_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "application.yaml"
    path.write_bytes(b"startpunkt: \xff")

    assert complaints(path) == [f"{path}: is not UTF-8 text: invalid start byte at byte 12"]


def test_a_file_with_control_characters_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "application.yaml"
    path.write_bytes(b"startpunkt:\n  web: \x01")

    assert complaints(path) == [f"{path}:2:8: cannot be read as YAML: '\\x01' is not allowed"]


def test_a_huge_file_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "application.yaml"
    path.write_bytes(b"#" * (LARGEST_FILE + 1))

    assert complaints(path) == [f"{path}: is larger than 1048576 bytes"]


def test_a_file_nested_without_end_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "application.yaml"
    path.write_text("startpunkt: " + "[" * 50_000, encoding="utf-8")

    assert complaints(path) == [f"{path}:1:1: is nested too deeply"]


def test_aliases_that_multiply_cost_nothing(tmp_path: Path) -> None:
    path = tmp_path / "application.yaml"
    levels = [f"  a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]" for level in range(1, 40)]
    path.write_text("\n".join(["startpunkt:", "  a0: &a0 []", *levels]), encoding="utf-8")

    assert len(complaints(path)) == 40


def test_mistakes_of_the_environment_stand_beside_those_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "application.yaml"
    path.write_text("startpunkt: {web: {titel: Home}}", encoding="utf-8")

    assert complaints(path, {"PORTAL_CACHE_TTL": "soon"}) == [
        f'{path}:1:20: web.titel: unknown key (did you mean "title"?)',
        'PORTAL_CACHE_TTL: cache.ttl: "soon" is not a duration like 500ms, 60s, 5m or 2h',
    ]


def test_mistakes_of_the_environment_are_said_where_the_file_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "application.yaml"

    assert complaints(path, {"PORTAL_CACHE_TTL": "soon"}) == [
        f"{path}: cannot be read: No such file or directory",
        'PORTAL_CACHE_TTL: cache.ttl: "soon" is not a duration like 500ms, 60s, 5m or 2h',
    ]
