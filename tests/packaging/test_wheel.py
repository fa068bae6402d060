"""The wheel, installed where there is no checkout, holds everything that portal needs."""

import re
import signal
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest
import yaml

from tests.cluster.processes import Process

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the `bin` of a fresh environment with portal from its wheel and its dependencies from this environment."""
    place = tmp_path_factory.mktemp("elsewhere")
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*build, "--wheel-dir", str(place), str(ROOT)], check=True, timeout=100)
    venv.create(place / "env", with_pip=False)
    environment = place / "env" / "bin" / "python"
    install = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(environment),
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
    ]
    subprocess.run([*install, *map(str, place.glob("*.whl"))], check=True, timeout=100)
    # A line in a .pth file adds a folder, but not what that folder's .pth files add: no editable install comes along.
    packages = next((place / "env" / "lib").glob("python*")) / "site-packages"
    (packages / "dependencies.pth").write_text(sysconfig.get_paths()["purelib"] + "\n", encoding="utf-8")
    return place / "env" / "bin"


def said(installed: Path, *command: str) -> str:
    """Run a command of the installed portal, away from the checkout, and return what it prints."""
    result = subprocess.run(
        [str(installed / command[0]), *command[1:]],
        cwd=installed,
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return result.stdout


@pytest.fixture(scope="module")
def demo(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of a demo that runs from the wheel."""
    log = tmp_path_factory.mktemp("demo") / "log"
    command = ["env", "-C", str(installed), str(installed / "portal"), "demo", "--port", "0"]
    process = Process("portal demo", command, log, {"PATH": "/usr/bin:/bin"})
    process.start()
    process.wait_ready(lambda: "Serving on http://" in log.read_text(encoding="utf-8"), 60)
    yield re.findall(r"Serving on (http://\S+)", log.read_text(encoding="utf-8"))[0]
    process.stop(grace=10)


def get(url: str) -> tuple[int, str]:
    with urlopen(url, timeout=10) as response:
        return response.status, response.read().decode()


def test_portal_comes_from_the_wheel_and_not_from_the_checkout(installed: Path) -> None:
    file = said(installed, "python", "-c", "import portal; print(portal.__file__)")

    assert Path(file.strip()).is_relative_to(installed.parent)


def test_it_tells_its_version(installed: Path) -> None:
    assert re.fullmatch(r"portal, version \d+\.\d+\.\d+\n", said(installed, "portal", "--version"))


def test_it_prints_the_crds(installed: Path) -> None:
    documents = list(yaml.safe_load_all(said(installed, "portal", "crds")))

    assert [each["metadata"]["name"] for each in documents] == [
        "applications.startpunkt.ullberg.us",
        "bookmarks.startpunkt.ullberg.us",
    ]


def test_it_prints_the_rights_that_it_needs(installed: Path) -> None:
    assert "kind: ClusterRole\n" in said(installed, "portal", "rbac")


def test_it_prints_the_openapi_document(installed: Path) -> None:
    assert '"openapi": "3.1' in said(installed, "portal", "openapi")


def test_the_page_comes_with_its_title(demo: str) -> None:
    status, page = get(f"{demo}/")

    assert status == 200
    assert re.search(r"<title>[^<]+</title>", page)


def test_every_script_and_style_of_the_page_comes_too(demo: str) -> None:
    page = get(f"{demo}/")[1]

    links = re.findall(r'(?:src|href)="(/static/[^"]+)"', page)
    assert links
    assert [get(demo + link)[0] for link in links] == [200] * len(links)


def test_the_demo_is_synced_soon(demo: str, installed: Path) -> None:
    assert said(installed, "portal", "wait", "--url", demo, "--timeout", "30s") == f"{demo} is synced\n"


def test_the_demo_ends_in_peace_when_it_is_told_to(installed: Path) -> None:
    command = [str(installed / "portal"), "demo", "--port", "0"]
    with subprocess.Popen(command, cwd=installed, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert any("Serving on" in line for line in process.stderr)

        process.send_signal(signal.SIGTERM)

        assert process.wait(timeout=10) == 0
