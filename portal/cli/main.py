"""The command `portal`: finds the command that is meant, and turns whatever goes wrong into a line and an exit code."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Mapping, Sequence
from typing import Final, NoReturn

import click

from portal.cli.check import check
from portal.cli.demo import demo
from portal.cli.documents import crds, openapi, rbac
from portal.cli.explain import explain
from portal.cli.listing import list_entries
from portal.cli.serve import serve
from portal.cli.wait import wait
from portal.resources import MissingResourceError
from portal.settings.errors import SettingsError

DONE: Final = 0
FAILED: Final = 1

COMMANDS: Final = (serve, demo, check, list_entries, wait, explain, crds, rbac, openapi)


class InOrder(click.Group):
    """Lists the commands as a newcomer needs them, not by the alphabet."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names in the order in which they were given."""
        return list(self.commands)


PORTAL: Final = click.version_option(package_name="portal", prog_name="portal")(
    InOrder(
        "portal",
        commands={str(command.name): command for command in COMMANDS},
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
        help="The start page of a Kubernetes cluster: what runs, where it is, and whether it is up, live.\n\n"
        "New here? `portal demo` shows a page without a cluster; `portal serve` shows yours.",
        epilog="Every setting can come from the environment, as in PORTAL_WEB_TITLE. PORTAL_LOG_LEVEL=DEBUG logs "
        "more; PORTAL_DEBUG=1 shows where an error comes from.",
    )
)


def main() -> NoReturn:
    """Run the command line of this process."""
    sys.exit(run(sys.argv[1:], os.environ))


def run(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run one command and return its exit code: 0 done, 1 an error said on standard error, 2 wrong usage."""
    try:
        code = PORTAL.main(list(arguments), prog_name="portal", standalone_mode=False)
    except Exception as error:  # noqa: BLE001 - the last stop: whatever it is, a person reads one line and no traceback
        return complain(error, environ)
    return code if isinstance(code, int) else DONE


def complain(error: Exception, environ: Mapping[str, str]) -> int:
    """Say on standard error what went wrong, with a traceback where `PORTAL_DEBUG=1`, and return the exit code."""
    if environ.get("PORTAL_DEBUG") == "1":
        traceback.print_exception(error)
    if isinstance(error, click.ClickException):
        error.show()
        return error.exit_code
    click.echo(_line(error), err=True)
    return FAILED


def _line(error: Exception) -> str:
    if isinstance(error, SettingsError | MissingResourceError):
        return str(error)
    if isinstance(error, click.Abort):
        return "Error: interrupted"
    text = " ".join(str(error).split())
    return f"Error: unexpected {type(error).__name__}: {text} (PORTAL_DEBUG=1 shows where)"
