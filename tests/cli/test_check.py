"""`portal check` prints what is wrong with a configuration."""

import os
from pathlib import Path

import pytest

from tests.cli.running import portal

THREE_MISTAKES = """\
startpunkt:
  web:
    titel: Home
  cache:
    ttl: soon
  watch:
    enabeld: true
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "application.yaml"


def test_three_mistakes_are_three_lines_and_exit_1(file: Path) -> None:
    file.write_text(THREE_MISTAKES, encoding="utf-8")

    outcome = portal("check", str(file))

    assert outcome.out.splitlines() == [
        f'{file}:3:5: web.titel: unknown key (did you mean "title"?)',
        f'{file}:5:10: cache.ttl: "soon" is not a duration like 500ms, 60s, 5m or 2h',
        f'{file}:7:5: watch.enabeld: unknown key (did you mean "enabled"?)',
    ]
    assert (outcome.code, outcome.err) == (1, "Error: 3 mistakes\n")


def test_a_good_file_is_ok(file: Path) -> None:
    file.write_text("startpunkt: {web: {title: Home}}", encoding="utf-8")

    outcome = portal("check", str(file))

    assert (outcome.code, outcome.out, outcome.err) == (0, f"OK: {file}\n", "")


def test_warnings_are_printed_and_are_no_mistakes(file: Path) -> None:
    file.write_text("startpunkt: {graphql: {}}", encoding="utf-8")

    outcome = portal("check", str(file))

    assert outcome.code == 0
    assert outcome.out.splitlines() == [
        f"{file}:1:14: graphql: has no effect: there is no GraphQL here; changes come on /api/updates/stream (warning)",
        f"OK: {file}, 1 warning",
    ]


def test_a_file_that_is_not_there_is_a_mistake() -> None:
    outcome = portal("check", "/nowhere/portal.yaml")

    assert outcome.out == "/nowhere/portal.yaml: cannot be read: No such file or directory\n"
    assert (outcome.code, outcome.err) == (1, "Error: 1 mistake\n")


def test_without_a_file_the_usual_places_are_named(tmp_path: Path) -> None:
    here = Path.cwd()
    os.chdir(tmp_path)
    try:
        outcome = portal("check")
    finally:
        os.chdir(here)

    assert outcome.code == 0
    assert "no file (looked for config/application.yaml and /config/application.yaml)" in outcome.out
