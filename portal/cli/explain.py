"""`portal explain`: why an object is, or is not, on the page."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from portal.cli import options

PARTS: Final = 3


@click.command(epilog="Example: portal explain ingress/media/jellyfin")
@click.argument("target", metavar="SOURCE/NAMESPACE/NAME")
@options.config
@options.kubeconfig
@options.context
def explain(target: str, config: Path | None, kubeconfig: Path | None, context: str | None) -> int:
    """Say why an object is or is not shown.

    Follows one object through portal: which source reads it, which filters it passes, which annotations count and which
    are misspelt, and how its address comes about. SOURCE is what `portal list` prints in its last column.
    """
    parts = target.split("/")
    if len(parts) != PARTS or not all(parts):
        raise click.UsageError(f'"{target}" is not SOURCE/NAMESPACE/NAME, as in ingress/media/jellyfin')
    options.quiet_logs()
    loaded = options.configuration(config)
    with options.engine():
        from portal.runtime import commands

        click.echo(commands.explain(loaded.settings, target, kubeconfig=kubeconfig, context=context))
    return 0
