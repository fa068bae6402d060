"""`portal check`: says whether a configuration is right."""

from __future__ import annotations

import os
from pathlib import Path

import click

from portal.cli import options
from portal.settings.errors import SettingsError
from portal.settings.loading import CANDIDATES, Loaded, find, load


@click.command(epilog="Example: portal check config/application.yaml")
@click.argument("file", type=options.FILE, required=False)
def check(file: Path | None) -> int:
    """Check a configuration.

    Prints one line per mistake, with its place and, where one is near, the word that was probably meant. Without FILE,
    checks the file that `portal serve` would read. Environment variables are checked along with it.
    """
    path = file or find(os.environ)
    try:
        loaded = load(path, os.environ)
    except SettingsError as error:
        for problem in error.problems:
            click.echo(str(problem))
        count = len(error.problems)
        raise click.ClickException("1 mistake" if count == 1 else f"{count} mistakes") from error
    for warning in loaded.warnings:
        click.echo(f"{warning} (warning)")
    click.echo(_verdict(loaded))
    return 0


def _verdict(loaded: Loaded) -> str:
    if loaded.path is None:
        looked = " and ".join(str(path) for path in CANDIDATES)
        return f"OK: no file (looked for {looked}); the defaults count"
    count = len(loaded.warnings)
    told = {0: "", 1: ", 1 warning"}.get(count, f", {count} warnings")
    return f"OK: {loaded.path}{told}"
