"""A real Kubernetes control plane for tests: one etcd and one kube-apiserver on free ports of the loopback interface.

No controllers and no kubelet run: objects are stored and watched, RBAC holds, but a deleted namespace stays in
Terminating and nothing is garbage collected.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import socket
import ssl
import subprocess
import tempfile
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

import yaml

from tests.cluster.assets import Assets
from tests.cluster.processes import Process

if TYPE_CHECKING:
    from collections.abc import Mapping

ProcessName = Literal["etcd", "api"]

SCHEMAS = Path(__file__).with_name("schemas")
START_SECONDS = float(os.environ.get("KUBEBUILDER_CONTROLPLANE_START_TIMEOUT", "60").removesuffix("s"))
STOP_SECONDS = float(os.environ.get("KUBEBUILDER_CONTROLPLANE_STOP_TIMEOUT", "5").removesuffix("s"))
ADMIN = "admin"


class KubectlError(Exception):
    """kubectl ended with an error; the message is what it said."""


@dataclass(frozen=True)
class User:
    """Somebody the API server knows by a token; rights come from RBAC objects, which the test creates."""

    name: str
    groups: tuple[str, ...] = ()
    token: str = field(default_factory=lambda: secrets.token_hex(16))


USERS = (User(ADMIN, ("system:masters",)), User("portal"), User("restricted"), User("nobody"))


class ControlPlane:
    """The control plane: started, stopped, frozen, killed and asked through kubectl by a test.

    `admin` is the path of a kubeconfig that may do everything; `kubeconfig(user)` gives one for each of `USERS`, who
    have no rights until a test binds a role to them (`kubectl("create", "clusterrolebinding", …, "--user=portal")`).
    """

    def __init__(self, assets: Assets | None = None, users: tuple[User, ...] = USERS) -> None:
        self._assets = assets or Assets.find()
        self._temporary = tempfile.TemporaryDirectory(prefix="control-plane-")
        self.folder = Path(self._temporary.name)
        self.users: Mapping[str, User] = {user.name: user for user in users}
        self._etcd_port, self._peer_port, self.port = _free_ports(3)
        self.url = f"https://127.0.0.1:{self.port}"
        self.etcd_url = f"http://127.0.0.1:{self._etcd_port}"
        self._write_files()
        self.processes: Mapping[ProcessName, Process] = {
            "etcd": Process("etcd", self._etcd_command(), self.folder / "etcd.log"),
            "api": Process("kube-apiserver", self._api_command(), self.folder / "kube-apiserver.log"),
        }

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def certificate(self) -> Path:
        """Return the path of the certificates that the API server signed itself with; there once it has started."""
        return self.folder / "certificates" / "apiserver.crt"

    @property
    def admin(self) -> Path:
        """Return the path of the kubeconfig that may do everything."""
        return self.kubeconfig(ADMIN)

    def start(self) -> None:
        """Start both processes and return when the API server is ready."""
        try:
            self.start_etcd()
            self.start_api()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End both processes and delete everything they kept."""
        self.processes["api"].stop(STOP_SECONDS)
        self.processes["etcd"].stop(STOP_SECONDS)
        self._temporary.cleanup()

    def start_etcd(self) -> None:
        """Start etcd on its data and return when it answers."""
        self.processes["etcd"].start()
        self.processes["etcd"].wait_ready(self._etcd_is_ready, START_SECONDS)

    def start_api(self) -> None:
        """Start the API server on its old port and return when it is ready."""
        self.processes["api"].start()
        self.processes["api"].wait_ready(self.is_ready, START_SECONDS)

    def stop_api(self, grace: float = STOP_SECONDS) -> None:
        """End the API server, keeping data and port. Open watches hold it up, so it is killed after `grace` seconds."""
        self.processes["api"].stop(grace)

    def pause(self, process: ProcessName) -> None:
        """Freeze a process: connections stay open and are acknowledged, nothing is answered."""
        self.processes[process].pause()

    def resume(self, process: ProcessName) -> None:
        """Let a frozen process run on."""
        self.processes[process].resume()

    def kill(self, process: ProcessName) -> None:
        """Kill a process; start_etcd() or start_api() brings it back with its data."""
        self.processes[process].kill()

    def compact(self) -> int:
        """Make etcd forget every revision before the present one, and return that one."""
        answer = self._etcd("/v3/kv/range", {"key": base64.b64encode(b"/").decode()})
        revision = int(answer["header"]["revision"])
        self._etcd("/v3/kv/compaction", {"revision": str(revision), "physical": True})
        return revision

    def is_ready(self) -> bool:
        """Tell whether the API server says that it is ready."""
        request = urllib.request.Request(f"{self.url}/readyz", headers=self.authorization())
        context = ssl._create_unverified_context()  # the certificate may not be there yet
        try:
            with urllib.request.urlopen(request, timeout=2, context=context) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def authorization(self, user: str = ADMIN) -> dict[str, str]:
        """Return the request header that makes a request the user's."""
        return {"Authorization": f"Bearer {self.users[user].token}"}

    def kubeconfig(self, user: str, url: str = "") -> Path:
        """Return the path of a kubeconfig for `user`; `url` when the way to the API server leads through a proxy."""
        path = self.folder / f"{user}{'-' + url.rsplit(':', 1)[-1] if url else ''}.kubeconfig"
        cluster = {"server": url or self.url, "certificate-authority": str(self.certificate)}
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "test",
            "clusters": [{"name": "test", "cluster": cluster}],
            "users": [{"name": user, "user": {"token": self.users[user].token}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": user}}],
        }
        path.write_text(yaml.safe_dump(document))
        return path

    def kubectl(self, *arguments: str, stdin: str | None = None, user: str = ADMIN, seconds: float = 60) -> str:
        """Run kubectl and return what it printed; raise KubectlError where it fails."""
        options = ["--kubeconfig", str(self.kubeconfig(user)), "--cache-dir", str(self.folder / "kubectl")]
        done = subprocess.run(
            [str(self._assets.kubectl), *options, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        if done.returncode:
            raise KubectlError(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    def apply(self, *paths: Path) -> None:
        """Apply files or folders of manifests."""
        self.kubectl("apply", *(f"--filename={path}" for path in paths))

    def apply_crds(self, *paths: Path) -> None:
        """Apply CRDs and return when they are served; without `paths`, the schemas of the tests."""
        self.apply(*(paths or (SCHEMAS,)))
        self.kubectl("wait", "--for=condition=established", "--timeout=60s", "crd", "--all", seconds=90)

    def _write_files(self) -> None:
        lines = (f'{u.token},{u.name},{u.name},"{",".join(u.groups)}"\n' for u in self.users.values())
        (self.folder / "tokens.csv").write_text("".join(lines))
        (self.folder / "service-account.key").write_text(_elliptic_curve_key())

    def _etcd_command(self) -> list[str]:
        peer = f"http://127.0.0.1:{self._peer_port}"
        return [
            str(self._assets.etcd),
            f"--data-dir={self.folder / 'etcd'}",
            f"--listen-client-urls={self.etcd_url}",
            f"--advertise-client-urls={self.etcd_url}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
            "--log-level=warn",
        ]

    def _api_command(self) -> list[str]:
        key = self.folder / "service-account.key"
        return [
            str(self._assets.api_server),
            f"--etcd-servers={self.etcd_url}",
            "--bind-address=127.0.0.1",
            f"--secure-port={self.port}",
            "--insecure-port=0",
            f"--cert-dir={self.folder / 'certificates'}",
            f"--token-auth-file={self.folder / 'tokens.csv'}",
            "--authorization-mode=RBAC",
            "--service-account-issuer=https://127.0.0.1/",
            f"--service-account-key-file={key}",
            f"--service-account-signing-key-file={key}",
            "--disable-admission-plugins=ServiceAccount",  # nothing creates the default service accounts
            "--service-cluster-ip-range=10.0.0.0/24",
            "--endpoint-reconciler-type=none",
        ]

    def _etcd_is_ready(self) -> bool:
        try:
            self._etcd("/v3/maintenance/status", {})
        except OSError:
            return False
        return True

    def _etcd(self, path: str, body: dict[str, object]) -> dict[str, dict[str, str]]:
        request = urllib.request.Request(self.etcd_url + path, json.dumps(body).encode())
        with urllib.request.urlopen(request, timeout=10) as answer:
            decoded: dict[str, dict[str, str]] = json.load(answer)
        return decoded


def _free_ports(count: int) -> list[int]:
    # All are held open until the last one is known, so that no two are the same.
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(server.getsockname()[1]) for server in sockets]
    for server in sockets:
        server.close()
    return ports


def _elliptic_curve_key() -> str:
    """Return a fresh private key on P-256 in the short form of RFC 5915, which needs no cryptography to write."""
    scalar = secrets.token_bytes(31).rjust(32, b"\1")
    head, curve = bytes.fromhex("30310201010420"), bytes.fromhex("a00a06082a8648ce3d030107")
    body = base64.b64encode(head + scalar + curve).decode()
    return f"-----BEGIN EC PRIVATE KEY-----\n{body[:64]}\n{body[64:]}\n-----END EC PRIVATE KEY-----\n"
