"""`portal serve`: the portal itself."""

from __future__ import annotations

import os
from pathlib import Path

import click

from portal import logs
from portal.cli import options


@click.command(epilog="Example: portal serve --kubeconfig ~/.kube/config --port 8080")
@options.config
@click.option("--host", default="0.0.0.0", show_default=True, metavar="ADDRESS", help="Address to listen on.")  # noqa: S104 - a pod is reached from outside
@options.port
@options.kubeconfig
@options.context
def serve(config: Path | None, host: str, port: int, kubeconfig: Path | None, context: str | None) -> int:
    """Show what runs in a cluster.

    Follows the cluster and serves the page until it is told to stop. A cluster that cannot be reached is waited for; a
    changed configuration file is taken over without a restart.
    """
    logs.set_up(os.environ)
    loaded = options.configuration(config)
    with options.engine():
        from portal.runtime import commands

        return commands.serve(loaded, host=host, port=port, kubeconfig=kubeconfig, context=context)
