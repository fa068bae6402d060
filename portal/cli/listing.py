"""`portal list`: what the page would show, once, in the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click
import msgspec

from portal.cli import options
from portal.model import Application, Entry, Snapshot

HEADINGS: Final = ("NAME", "GROUP", "URL", "NAMESPACE", "SOURCE")
WIDEST: Final = 60
"""Characters of one column; longer values are cut in the middle of nowhere useful, and JSON has them whole."""


@click.command("list", epilog="Example: portal list --output json | jq '.applications[].url'")
@click.option(
    "-o", "--output", type=click.Choice(["table", "json"]), default="table", show_default=True,
    help="A table to read, or JSON to go on with.",
)  # fmt: skip
@options.config
@options.kubeconfig
@options.context
@options.manifests
def list_entries(
    output: str, config: Path | None, kubeconfig: Path | None, context: str | None, manifests: Path | None
) -> int:
    """List what is in the cluster, or in manifests, once.

    Prints the applications and bookmarks that the page would show, in its order.
    """
    options.only_one_cluster(manifests, kubeconfig, context)
    options.quiet_logs()
    loaded = options.configuration(config)
    with options.engine():
        from portal.runtime import commands

        snapshot = commands.list_once(loaded.settings, kubeconfig=kubeconfig, context=context, manifests=manifests)
    click.echo(json_from_snapshot(snapshot) if output == "json" else table_from_snapshot(snapshot))
    return 0


def json_from_snapshot(snapshot: Snapshot) -> str:
    """Return the entries as `{"applications":[…],"bookmarks":[…]}`."""
    content = {"applications": snapshot.applications, "bookmarks": snapshot.bookmarks}
    return msgspec.json.format(msgspec.json.encode(content), indent=2).decode()


def table_from_snapshot(snapshot: Snapshot) -> str:
    """Return the entries as aligned columns, applications first."""
    rows = [HEADINGS, *(_row(entry) for entry in (*snapshot.applications, *snapshot.bookmarks))]
    if len(rows) == 1:
        return "Nothing found. `portal explain SOURCE/NAMESPACE/NAME` says why an object is not shown."
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def _row(entry: Entry) -> tuple[str, ...]:
    hidden = " (disabled)" if isinstance(entry, Application) and not entry.enabled else ""
    cells = (f"{entry.name}{hidden}", entry.group, entry.url or "-", entry.namespace, entry.source)
    return tuple(cell if len(cell) <= WIDEST else f"{cell[: WIDEST - 1]}…" for cell in cells)
