"""`portal demo`: the page without a cluster."""

from __future__ import annotations

import os
from pathlib import Path

import click

from portal import logs
from portal.cli import options


@click.command(epilog="Example: portal demo --manifests ./my-manifests --port 9090")
@options.manifests
@click.option("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS", help="Address to listen on.")
@options.port
def demo(manifests: Path | None, host: str, port: int) -> int:
    """Try it without a cluster.

    Shows a scripted cluster in which applications come, change, fail, recover and go; nothing leaves this machine. With
    --manifests, shows those instead: edit, add or delete a file, and open pages change.
    """
    logs.set_up(os.environ)
    with options.engine():
        from portal.runtime import commands

        return commands.demo(manifests, host=host, port=port)
