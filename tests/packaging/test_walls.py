"""The walls of the house hold: whoever breaks one is stopped, and told which."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
CASES = yaml.safe_load(Path(__file__).with_name("broken_walls.yaml").read_text(encoding="utf-8"))
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
ROOMS = {
    f"portal.{path.stem}"
    for path in (ROOT / "portal").iterdir()
    if path.suffix == ".py" or (path / "__init__.py").exists()
} - {"portal.__init__"}


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """Return a copy of the house that may be damaged."""
    shutil.copytree(ROOT / "portal", tmp_path / "portal", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def check(house: Path, *command: str) -> tuple[int, str]:
    """Run one of our checkers in a house; return its exit code and what it says."""
    result = subprocess.run(
        [str(BIN / command[0]), *command[1:]],
        cwd=house,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    return result.returncode, result.stdout + result.stderr


def break_in(house: Path, file: str, line: str) -> None:
    """Add a line to the end of a file, which is made where there is none."""
    path = house / file
    path.parent.mkdir(exist_ok=True)
    with path.open("a", encoding="utf-8") as content:
        content.write(f"\n{line}\n")


def test_the_house_as_it_stands_keeps_its_walls(house: Path) -> None:
    code, said = check(house, "lint-imports", "--no-cache")

    assert code == 0, said
    assert "0 broken" in said


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_a_broken_wall_is_noticed(case: dict[str, Any], house: Path) -> None:
    break_in(house, case["file"], case["line"])

    code, said = check(house, "lint-imports", "--no-cache")

    assert code != 0
    assert f"{case['says']} BROKEN" in said


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("portal/kube/broken.py", "import threading\n\nthreading.Thread(target=print).start()"),
        ("portal/stream/hub.py", "gevent.spawn(print)"),
        ("portal/web/server.py", "import threading\n\nthreading.Timer(1, print).start()"),
    ],
)
def test_whoever_starts_a_thread_outside_runtime_is_told(file: str, line: str, house: Path) -> None:
    break_in(house, file, line)

    code, said = check(house, "ruff", "check", "--no-cache", "--select", "TID251", "portal")

    assert code != 0
    assert "greenlets start and stop in portal/runtime" in said


@pytest.mark.parametrize(
    ("contract", "excepted"),
    [
        ("kubernetes-in-kube", {"portal.kube"}),
        ("flask-in-web", {"portal.web"}),
        ("gevent-in-four-files", {"portal.__main__", "portal.runtime"}),
        ("settings-at-the-top", {"portal.__main__", "portal.cli", "portal.runtime", "portal.settings"}),
    ],
)
def test_every_room_stands_behind_every_wall(contract: str, excepted: set[str]) -> None:
    listed = next(set(each["source_modules"]) for each in CONTRACTS if each["id"] == contract)

    assert listed == ROOMS - excepted


def test_every_source_stands_apart() -> None:
    listed = next(set(each["modules"]) for each in CONTRACTS if each["id"] == "sources-apart")
    registry = (ROOT / "portal" / "sources" / "__init__.py").read_text(encoding="utf-8")

    assert all(f" {module.rpartition('.')[2]}" in registry for module in listed)
