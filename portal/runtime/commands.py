"""What the commands do: serve a cluster or a demo, list once, explain one object."""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import gevent
from msgspec import structs

from portal.availability.prober_process import ProberProcess
from portal.availability.results import Result
from portal.availability.targets import Target
from portal.demo.folder import Folder, FolderError
from portal.demo.manifests import Manifests
from portal.demo.script import Theatre, script
from portal.ingest import ondemand
from portal.kube import outage
from portal.kube.client import connect
from portal.kube.errors import KubeError
from portal.kube.limits import TokenBucket
from portal.kube.outage import Outage
from portal.model import Snapshot, SyncStatus
from portal.runtime.clusters import PaperCluster, RealCluster
from portal.runtime.crew import Crew
from portal.runtime.explaining import UnknownSourceError, explanation
from portal.runtime.house import VERSION, Portal
from portal.runtime.namespaces import TITLE
from portal.runtime.reloading import Reloader
from portal.settings.loading import Loaded
from portal.settings.tree import Settings
from portal.web.docs import openapi_document
from portal.web.server import ListenError, Server, url_of

log = logging.getLogger(__name__)

STOP_SECONDS: Final = 8.0  # of the ten that Kubernetes and people are promised
LIST_SECONDS: Final = 60.0


class Failure(Exception):  # noqa: N818 - read by people, on one line
    """Raised when a command cannot do what it was asked for; the message says why."""


def serve(loaded: Loaded, *, host: str, port: int, kubeconfig: Path | None, context: str | None) -> int:
    """Serve a cluster until told to stop. Raises Failure."""
    for warning in loaded.warnings:
        log.warning("%s", warning)
    cluster = _connected(loaded.settings, kubeconfig, context)
    log.info("Following the cluster server=%s configuration=%s", cluster.address, loaded.path or "defaults")
    crew = Crew()
    portal = Portal(loaded.settings, cluster, Outage(cluster.probe), crew, _prober(crew, loaded.settings))
    if loaded.path:
        reloader = Reloader(loaded, os.environ, portal.take, portal.configured, portal.registry)
        crew.start("configuration", reloader.run)
    return _run(portal, host, port)


def demo(manifests: Path | None, *, host: str, port: int) -> int:
    """Serve manifests in a folder or a file, or the scripted cluster, until told to stop. Raises Failure."""
    crew, paper = Crew(), Manifests()
    cluster = PaperCluster(paper)
    settings = demo_settings(scripted=manifests is None)
    if manifests is None:
        theatre = Theatre(script(), paper)
        portal = Portal(settings, cluster, Outage(cluster.probe), crew, scripted_probe(theatre))
        crew.start("script", theatre.run)
    else:
        folder = _folder(manifests, paper)
        portal = Portal(settings, cluster, Outage(cluster.probe), crew, _prober(crew, settings))
        crew.start("folder", folder.run)
    return _run(portal, host, port)


def list_once(settings: Settings, *, kubeconfig: Path | None, context: str | None, manifests: Path | None) -> Snapshot:
    """Return what the page would show, listed once. Raises Failure when nothing can be listed."""
    cluster = _opened(settings, kubeconfig, context, manifests)
    crew = Crew()
    quiet = structs.replace(
        settings,
        watch=structs.replace(settings.watch, enabled=False),
        availability=structs.replace(settings.availability, enabled=False),
        state=type(settings.state)(),
    )
    portal = Portal(quiet, cluster, Outage(cluster.probe), crew, _prober(crew, quiet))
    with silenced(ondemand.log), silenced(outage.log):  # what they warn of is said below, when all have answered
        portal.follow()
        portal.following.refresh(LIST_SECONDS)
    status, referenced = portal.tracker.status(), portal.following.referenced()
    crew.disband(1)
    why = why_nothing_was_listed(status)
    if why:
        raise Failure(f"nothing could be listed from {cluster.address}: {why}")
    for each in (*status.resource_status, *referenced):
        if each.error and each.status != "absent":
            log.warning("%s could not be listed: %s", each.name, each.error)
    return portal.catalog.snapshot()


def why_nothing_was_listed(status: SyncStatus) -> str | None:
    """Return the first refusal or failure where not one kind was listed; None where one was, or none is served."""
    if any(each.status == "completed" and each.name != TITLE for each in status.resource_status):
        return None
    return next((each.error for each in status.resource_status if each.error and each.status != "absent"), status.error)


def explain(
    settings: Settings, target: str, *, kubeconfig: Path | None, context: str | None, manifests: Path | None
) -> str:
    """Return why `SOURCE/NAMESPACE/NAME` is, or is not, on the page. Raises Failure."""
    cluster = _opened(settings, kubeconfig, context, manifests)
    try:
        return explanation(settings, target, cluster.get)
    except UnknownSourceError as error:
        raise Failure(str(error)) from error
    except KubeError as error:
        raise Failure(f"nothing could be read from {cluster.address}: {error}") from error


def openapi() -> dict[str, Any]:
    """Return the OpenAPI document."""
    return openapi_document()


def scripted_probe(theatre: Theatre) -> Callable[[Target], Result]:
    """Return a probe that asks the script instead of the network."""

    def ask(target: Target) -> Result:
        status = theatre.answers.get(target.host, 200)
        is_up = status < 500  # noqa: PLR2004 - the classes of HTTP statuses
        reason = None if is_up else f"answers {status}"
        return Result(
            outcome="up" if is_up else "down", http_status=status, latency=len(target.host) / 500, reason=reason
        )

    return ask


def demo_settings(*, scripted: bool) -> Settings:
    """Return how the demo is configured: everything shown that is annotated, and the script's probes often."""
    defaults = Settings()
    if not scripted:
        return defaults
    title = structs.replace(defaults.web, title="portal")
    return structs.replace(
        defaults, web=title, default_protocol="https", availability=structs.replace(defaults.availability, interval=2.0)
    )


@contextmanager
def silenced(logger: logging.Logger) -> Iterator[None]:
    """Let a logger say nothing for a while."""
    logger.disabled = True
    try:
        yield
    finally:
        logger.disabled = False


def _run(portal: Portal, host: str, port: int) -> int:
    """Serve until told to stop; return the exit code."""
    try:
        server = Server(portal.app(), host, port)
    except ListenError as error:
        raise Failure(str(error)) from error
    stop = portal.crew.stop
    for number in (signal.SIGTERM, signal.SIGINT):
        gevent.signal_handler(number, stop.set)
    portal.crew.start("web server", server.serve)
    sys.stderr.write(f"Serving on {url_of(*server.address)}\n")
    sys.stderr.flush()
    portal.start()
    stop.wait()
    portal.stop(STOP_SECONDS)
    return 1 if portal.crew.failed.is_set() else 0


def _opened(
    settings: Settings, kubeconfig: Path | None, context: str | None, manifests: Path | None
) -> RealCluster | PaperCluster:
    if manifests is None:
        return _connected(settings, kubeconfig, context)
    paper = Manifests()
    _folder(manifests, paper)
    return PaperCluster(paper)


def _connected(settings: Settings, kubeconfig: Path | None, context: str | None) -> RealCluster:
    bucket = TokenBucket(settings.watch.client.qps, settings.watch.client.burst)
    try:
        return RealCluster(connect(str(kubeconfig) if kubeconfig else None, context, bucket=bucket))
    except KubeError as error:
        raise Failure(str(error)) from error


def _folder(path: Path, paper: Manifests) -> Folder:
    try:
        folder = Folder(path, paper)
    except FolderError as error:
        raise Failure(str(error)) from error
    folder.look()
    return folder


def _prober(crew: Crew, settings: Settings) -> ProberProcess:
    prober = ProberProcess(f"portal/{VERSION}", at_once=settings.availability.enabled)
    crew.start("prober", prober.run)
    return prober
