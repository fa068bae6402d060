"""The scenario server as a test sees it: started in a process of its own, told what is true, and told to misbehave."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).parents[3]
INGRESSES = "ingresses.networking.k8s.io"

KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: scenario
clusters: [{{name: scenario, cluster: {{server: "{url}"}}}}]
users: [{{name: tester, user: {user}}}]
contexts: [{{name: scenario, context: {{cluster: scenario, user: tester}}}}]
"""


class ScenarioError(Exception):
    """The scenario server could not do what it was told; the message is its own."""


class Scenario:
    """A running scenario server. Commands are methods with the names of `control.COMMANDS`, called through `tell`."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.kube.scenario"], cwd=ROOT, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL
        )
        assert self._process.stdout is not None
        ports = json.loads(self._process.stdout.readline())
        self.port: int = ports["port"]
        self.url = f"http://127.0.0.1:{self.port}"
        self._control = socket.create_connection(("127.0.0.1", ports["control"]))
        self._stream = self._control.makefile("rwb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Hang up, which ends the server."""
        self.resume()
        self._stream.close()
        self._control.close()
        self._process.wait(10)
        assert self._process.stdout is not None
        self._process.stdout.close()

    def tell(self, command: str, /, **arguments: Any) -> Any:
        """Give one command and return its result; raises ScenarioError."""
        self._stream.write(json.dumps({"command": command, **arguments}).encode() + b"\n")
        self._stream.flush()
        answer = json.loads(self._stream.readline())
        if "error" in answer:
            raise ScenarioError(answer["error"])
        return answer["result"]

    def put(self, item: dict[str, Any], name: str = INGRESSES) -> str:
        """Create or update an object and return its resourceVersion."""
        return str(self.tell("put", name=name, item=item))

    def delete(self, item: str, namespace: str = "default", name: str = INGRESSES) -> str:
        """Delete an object and return the resourceVersion of the deletion."""
        return str(self.tell("delete", name=name, namespace=namespace, item=item))

    def fault(self, on: str, *do: Any, times: int = 1, name: str = "", after: int = 0) -> None:
        """Queue a fault: these steps instead of the honest answer."""
        self.tell("fault", on=on, do=list(do), times=times, name=name, after=after)

    def pause(self) -> None:
        """Freeze the process; the kernel goes on acknowledging for it."""
        self._process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self._process.pid, os.WSTOPPED | os.WNOWAIT)

    def resume(self) -> None:
        """Let the process run on."""
        self._process.send_signal(signal.SIGCONT)

    def kubeconfig(self, folder: Path, token_file: Path | None = None, url: str = "") -> Path:
        """Write a kubeconfig that leads here (or to `url`, a proxy) and return its path."""
        path = folder / "scenario.kubeconfig"
        user = json.dumps({"tokenFile": str(token_file)} if token_file else {})
        path.write_text(KUBECONFIG.format(url=url or self.url, user=user))
        return path


def ingress(name: str, host: str = "", namespace: str = "default", **metadata: Any) -> dict[str, Any]:
    """Return an Ingress as a test writes it: one rule, one host."""
    return {
        "metadata": {"name": name, "namespace": namespace, **metadata},
        "spec": {"rules": [{"host": host or f"{name}.example.test"}]},
    }
