"""Options that several commands share, and what their values come to."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click

from portal import logs
from portal.settings.loading import Loaded, find, load

FILE: Final = click.Path(path_type=Path)

config = click.option(
    "--config", type=FILE, metavar="FILE",
    help="Configuration file. Default: PORTAL_CONFIG, config/application.yaml or /config/application.yaml, "
    "whichever comes first, else the built-in defaults.",
)  # fmt: skip
kubeconfig = click.option(
    "--kubeconfig", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    help="Credentials for the cluster. Default: those of the pod, else KUBECONFIG, else ~/.kube/config.",
)  # fmt: skip
context = click.option("--context", metavar="NAME", help="Context of the kubeconfig. Default: its current one.")
manifests = click.option(
    "--manifests", type=click.Path(path_type=Path, exists=True), metavar="PATH",
    help="Kubernetes manifests to read instead of a cluster: a folder, or one file.",
)  # fmt: skip


class Port(click.IntRange):
    """A port to listen on, called that where somebody gives another word."""

    name = "port number"


port = click.option(
    "--port", type=Port(0, 65535), default=8080, show_default=True, metavar="PORT",
    help="Port to listen on; 0 picks a free one.",
)  # fmt: skip


def configuration(file: Path | None) -> Loaded:
    """Return the configuration that a command runs under. Raises SettingsError."""
    return load(file or find(os.environ), os.environ)


def only_one_cluster(manifests: Path | None, kubeconfig: Path | None, context: str | None) -> None:
    """Refuse manifests and a cluster at once. Raises UsageError."""
    if manifests and (kubeconfig or context):
        raise click.UsageError("--manifests is read instead of a cluster: leave out --kubeconfig and --context")


def quiet_logs() -> None:
    """Log what a person should know and no more: for commands whose output is their result."""
    logs.set_up({"PORTAL_LOG_LEVEL": "WARNING"} | os.environ)


@contextmanager
def engine() -> Iterator[None]:
    """Let what the engine complains about become one line on standard error."""
    from portal.runtime.commands import Failure

    try:
        yield
    except Failure as error:
        raise click.ClickException(str(error)) from error
