# ruff: noqa: ANN401 - the official client is not typed
"""Who we are and which API server we speak to, found by the official client.

Two seams of it are the same in every version from 33 on and only these are used: `Configuration.auth_settings()`,
which refreshes what expires, and the connection pool of a REST client, which knows certificates and proxies.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path
from socket import IPPROTO_TCP, SO_KEEPALIVE, SOL_SOCKET, TCP_KEEPCNT, TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_NODELAY
from typing import Any, Final

import yaml
from urllib3 import PoolManager

from portal.kube.errors import BadContext, NoCredentials, Unauthorized

ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
DEFAULT_KUBECONFIG: Final = "~/.kube/config"
RENEWAL_SECONDS: Final = 1.0
CONNECTIONS: Final = 64  # kept open at most between requests; watches beyond that work, their connections are not kept
# A silent connection is probed after 30 s, every 15 s, 9 times, so that a peer that is gone for good is noticed.
SOCKET_OPTIONS: Final = (
    (IPPROTO_TCP, TCP_NODELAY, 1),
    (SOL_SOCKET, SO_KEEPALIVE, 1),
    (IPPROTO_TCP, TCP_KEEPIDLE, 30),
    (IPPROTO_TCP, TCP_KEEPINTVL, 15),
    (IPPROTO_TCP, TCP_KEEPCNT, 9),
)


class Credentials:
    """The address of an API server, a pool of connections to it, and the header that says who asks.

    `load` fills a fresh configuration of the official client; it is called again when what it found is no longer
    accepted.
    """

    def __init__(self, load: Callable[[Any], None]) -> None:
        self._load = load
        self._lock = threading.Lock()
        self._renewed_at = -RENEWAL_SECONDS
        self._configuration, self.pool = self._loaded()

    @property
    def host(self) -> str:
        """Return the address of the API server, without a slash at its end."""
        return str(self._configuration.host).rstrip("/")

    def headers(self) -> dict[str, str]:
        """Return the header that says who asks, read again when it expires.

        Raises Unauthorized when it cannot be read.
        """
        try:
            value = self._configuration.auth_settings().get("BearerToken", {}).get("value")
        except Exception as error:  # whatever a plugin or a missing file raises
            raise Unauthorized(f"the credentials cannot be read: {error}") from error
        return {"Authorization": str(value).strip()} if value else {}

    def renew(self, refused: Mapping[str, str]) -> bool:
        """Read everything once more because a header was refused, and tell whether we now say something else.

        Where many are refused at once, one reads for all.
        """
        with self._lock:
            if time.monotonic() - self._renewed_at > RENEWAL_SECONDS and self.headers() == refused:
                self._renewed_at = time.monotonic()
                with suppress(NoCredentials):
                    self._configuration, self.pool = self._loaded()
        return self.headers() != refused

    def _loaded(self) -> tuple[Any, PoolManager]:
        from kubernetes import client  # noqa: PLC0415 - 40 MB that a portal without a cluster does not need

        configuration = client.Configuration()
        self._load(configuration)
        configuration.connection_pool_maxsize = CONNECTIONS
        configuration.retries = False
        configuration.socket_options = list(SOCKET_OPTIONS)
        return configuration, client.ApiClient(configuration).rest_client.pool_manager


def credentials(
    kubeconfig: str | None,
    context: str | None,
    environ: Mapping[str, str] = os.environ,
    account: Path = ACCOUNT,
) -> Credentials:
    """Return the credentials of the flags, else of the pod, else of KUBECONFIG, else of the default kubeconfig.

    Raises NoCredentials or BadContext.
    """
    if kubeconfig is None and context is None and "KUBERNETES_SERVICE_HOST" in environ and (account / "token").exists():
        return Credentials(lambda configuration: _load_account(configuration, environ, account))
    files = _files(kubeconfig, environ, account)
    _check_context(files, context)
    return Credentials(lambda configuration: _load_file(configuration, files, context))


def _files(kubeconfig: str | None, environ: Mapping[str, str], account: Path) -> str:
    """Return the paths of the kubeconfigs to use, separated by colons."""
    named = kubeconfig or environ.get("KUBECONFIG") or DEFAULT_KUBECONFIG
    present = [path for part in named.split(os.pathsep) if part and (path := Path(part).expanduser()).is_file()]
    if present:
        return os.pathsep.join(map(str, present))
    if kubeconfig:
        raise NoCredentials(f"kubeconfig {kubeconfig} is not there")
    if environ.get("KUBECONFIG"):
        raise NoCredentials(f"KUBECONFIG names {named}, which is not there")
    raise NoCredentials(
        f"no credentials for a cluster: no --kubeconfig, no {account}, no KUBECONFIG, no {DEFAULT_KUBECONFIG}"
    )


def _check_context(files: str, context: str | None) -> None:
    contexts, current = _contexts(files)
    if not contexts:
        raise BadContext(f"{files} has no context at all; is it a kubeconfig?")
    if context is None and current:
        context = current
    if context is None:
        raise BadContext(f"{files} has no current context; choose one with --context: {', '.join(contexts)}")
    if context not in contexts:
        close = get_close_matches(context, contexts, n=1)
        hint = f'did you mean "{close[0]}"?' if close else f"there are: {', '.join(contexts)}"
        raise BadContext(f'{files} has no context "{context}" ({hint})')


def _contexts(files: str) -> tuple[list[str], str | None]:
    """Return the names of all contexts, and which is the current one; the last file wins, as the client has it."""
    names: list[str] = []
    current: str | None = None
    for file in files.split(os.pathsep):
        try:
            document = yaml.safe_load(Path(file).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise NoCredentials(f"{file} cannot be read: {' '.join(str(error).split())}") from error
        if not isinstance(document, dict):
            raise NoCredentials(f"{file} is no kubeconfig")
        names += [str(each.get("name")) for each in document.get("contexts") or () if isinstance(each, dict)]
        current = document.get("current-context") or current
    return names, current


def _load_account(configuration: Any, environ: Mapping[str, str], account: Path) -> None:
    from kubernetes.config.incluster_config import InClusterConfigLoader  # noqa: PLC0415 - as above

    make: Any = InClusterConfigLoader
    token, certificate = str(account / "token"), str(account / "ca.crt")
    _try(lambda: make(token, certificate, environ=environ).load_and_set(configuration), str(account))


def _load_file(configuration: Any, files: str, context: str | None) -> None:
    from kubernetes import config  # noqa: PLC0415 - as above

    load: Any = config.load_kube_config
    _try(
        lambda: load(config_file=files, context=context, client_configuration=configuration, persist_config=False),
        files,
    )


def _try(load: Callable[[], None], place: str) -> None:
    try:
        load()
    except Exception as error:  # the official client raises whatever a wrong document makes it trip over
        raise NoCredentials(
            f"{place} cannot be used: {' '.join(str(error).split()) or type(error).__name__}"
        ) from error
