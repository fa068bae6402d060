"""`portal explain`: why an object is, or is not, on the page."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from portal.cli import options

PARTS: Final = 3


@click.command(epilog="Example: portal explain ingress/media/jellyfin --manifests ./my-manifests")
@click.argument("target", metavar="SOURCE/NAMESPACE/NAME")
@options.config
@options.kubeconfig
@options.context
@options.manifests
def explain(
    target: str, config: Path | None, kubeconfig: Path | None, context: str | None, manifests: Path | None
) -> int:
    """Say why an object is or is not shown.

    Follows one object through portal: which source reads it, which filters it passes, which annotations count and which
    are misspelt, and how its address comes about. SOURCE is what `portal list` prints in its last column. With
    --manifests, nothing has to be applied before.
    """
    parts = target.split("/")
    if len(parts) != PARTS or not all(parts):
        raise click.UsageError(f'"{target}" is not SOURCE/NAMESPACE/NAME, as in ingress/media/jellyfin')
    options.only_one_cluster(manifests, kubeconfig, context)
    options.quiet_logs()
    loaded = options.configuration(config)
    with options.engine():
        from portal.runtime import commands

        told = commands.explain(loaded.settings, target, kubeconfig=kubeconfig, context=context, manifests=manifests)
    click.echo(told)
    return 0
