"""Every command explains itself, and whatever goes wrong is one line and an exit code."""

import signal
import socket
import subprocess
import sys

import pytest

from portal.cli.main import COMMANDS, complain
from tests.cli.running import portal

NAMES = ["serve", "demo", "check", "list", "wait", "explain", "crds", "rbac", "openapi"]


def test_the_commands_are_those_of_the_contract() -> None:
    assert [command.name for command in COMMANDS] == NAMES


def test_help_lists_every_command_in_the_order_of_need() -> None:
    outcome = portal("--help")

    positions = [outcome.out.index(f"\n  {name} ") for name in NAMES]
    assert (outcome.code, positions) == (0, sorted(positions))


@pytest.mark.parametrize("name", NAMES)
def test_every_command_has_help_with_an_example(name: str) -> None:
    outcome = portal(name, "--help")

    assert outcome.code == 0
    assert f"Example: portal {name}" in outcome.out


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("sirve",), "No such command 'sirve'"),
        (("serve", "--prot", "1"), "No such option"),
        (("serve", "--port", "http"), "'http' is not a valid port number"),
        (("serve", "--port", "70000"), "70000 is not in the range 0<=x<=65535"),
        (("demo", "--manifests", "/nowhere"), "Path '/nowhere' does not exist"),
        (("list", "--manifests", "/nowhere"), "Path '/nowhere' does not exist"),
        (("list", "--manifests", "/", "--context", "home"), "--manifests is read instead of a cluster"),
        (("explain", "ingress/media/jellyfin", "--manifests", "/", "--kubeconfig", "k"), "instead of a cluster"),
        (("explain", "jellyfin"), '"jellyfin" is not SOURCE/NAMESPACE/NAME'),
        (("wait", "--timeout", "soon"), '"soon" is not a duration like 500ms, 60s, 5m or 2h'),
        (("wait", "--url", "localhost:8080"), '"localhost:8080" is not an address like http://127.0.0.1:8080'),
        (("list", "-o", "xml"), "'xml' is not one of 'table', 'json'"),
    ],
)
def test_wrong_usage_is_said_and_ends_with_2(arguments: tuple[str, ...], complaint: str) -> None:
    outcome = portal(*arguments)

    assert outcome.code == 2
    assert complaint in outcome.err


@pytest.mark.parametrize("command", ["serve", "list", "rbac"])
def test_a_folder_for_a_configuration_file_is_one_line(command: str) -> None:
    outcome = portal(command, "--config", "/")

    assert (outcome.code, outcome.err) == (1, "/: cannot be read: Is a directory\n")


@pytest.mark.parametrize("command", ["serve", "list", "rbac"])
def test_a_missing_configuration_file_is_one_line(command: str) -> None:
    outcome = portal(command, "--config", "/nowhere/portal.yaml")

    assert (outcome.code, outcome.err) == (1, "/nowhere/portal.yaml: cannot be read: No such file or directory\n")


def test_help_comes_without_loading_the_engine() -> None:
    code = "import sys; from portal.cli.main import run; run(['--help'], {}); print(sorted(sys.modules))"

    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)

    assert "'kubernetes'" not in result.stdout
    assert "'flask'" not in result.stdout


def test_a_closed_pipe_ends_in_silence() -> None:
    command = [sys.executable, "-m", "portal", "--help"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()

        assert process.stderr.read() == ""


def test_an_error_that_nobody_expected_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    code = complain(RuntimeError("first\nsecond"), {})

    assert (code, capsys.readouterr().err) == (
        1,
        "Error: unexpected RuntimeError: first second (PORTAL_DEBUG=1 shows where)\n",
    )


def test_whoever_looks_for_the_cause_gets_the_traceback() -> None:
    outcome = portal("serve", "--config", "/nowhere/portal.yaml", environ={"PORTAL_DEBUG": "1"})

    assert "Traceback (most recent call last)" in outcome.err
    assert outcome.err.endswith("/nowhere/portal.yaml: cannot be read: No such file or directory\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize(("command", "code"), [("serve", 0), ("demo", 0), ("wait", None)])
def test_who_is_told_to_stop_before_they_serve_ends_at_once(command: str, code: int | None, number: int) -> None:
    told = f"import os, sys; sys.argv = ['portal', '{command}']; import portal.__main__; os.kill(os.getpid(), {number})"

    result = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=False, timeout=60)

    assert result.returncode == (-number if code is None else code)
    assert (result.stderr == "") or code is None


def test_an_interrupted_command_says_so_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(60)
        command = [sys.executable, "-m", "portal", "wait", "--url", f"http://127.0.0.1:{silent.getsockname()[1]}"]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            silent.accept()[0].close()
            process.send_signal(signal.SIGINT)
            _, told = process.communicate(timeout=60)

    assert (process.returncode, told.strip()) == (1, "Error: interrupted")
