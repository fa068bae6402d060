"""`portal crds`, `portal rbac` and `portal openapi`: documents for a cluster and for programs."""

from __future__ import annotations

import json
from pathlib import Path

import click

from portal import resources
from portal.cli import options
from portal.cli.permissions import Names, document


@click.command(epilog="Example: portal crds | kubectl apply -f -")
def crds() -> int:
    """Print the CRDs.

    They describe Applications and Bookmarks, objects that name what nothing in the cluster tells by itself. All the
    versions that Startpunkt had are served, so that existing objects go on working.
    """
    click.echo(resources.crds(), nl=False)
    return 0


@click.command(epilog="Example: portal rbac --config application.yaml | kubectl apply -f -")
@options.config
@click.option("--name", default="portal", show_default=True, help="Name of the roles and their bindings.")
@click.option("--service-account", default="portal", show_default=True, help="Whom they are bound to.")
@click.option("--namespace", default="portal", show_default=True, help="Where that service account is.")
def rbac(config: Path | None, name: str, service_account: str, namespace: str) -> int:
    """Print the rights that a configuration needs, and no more.

    One role for the whole cluster, or one per namespace where the configuration names namespaces.
    """
    from portal.sources import SOURCES

    loaded = options.configuration(config)
    click.echo(document(loaded.settings, SOURCES, Names(name, service_account, namespace)), nl=False)
    return 0


@click.command(epilog="Example: portal openapi > openapi.json")
def openapi() -> int:
    """Print the OpenAPI document of the HTTP API."""
    with options.engine():
        from portal.runtime import commands

        click.echo(json.dumps(commands.openapi(), indent=2))
    return 0
