"""The peers, each reading the same list and the same burst; run in an environment of their own.

`python peers.py NAME URL` prints `ready` when it has listed and watches, and `done` when the last event has reached the
code that a user would write. Nothing of portal is imported here.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

END = "the-end"
PATH = "/apis/networking.k8s.io/v1/ingresses"
KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: bench
clusters: [{{name: bench, cluster: {{server: "{url}"}}}}]
users: [{{name: bench, user: {{token: none}}}}]
contexts: [{{name: bench, context: {{cluster: bench, user: bench}}}}]
"""


def say(word: str) -> None:
    """Tell the bench where we are."""
    sys.stdout.write(word + "\n")
    sys.stdout.flush()


def kubeconfig(url: str) -> str:
    """Write a kubeconfig that leads to the feed."""
    path = Path(tempfile.mkdtemp(prefix="bench-")) / "config"
    path.write_text(KUBECONFIG.format(url=url))
    return str(path)


def floor(url: str) -> None:
    """Read lines with urllib3 and orjson and keep nothing: what no Python client that decodes can be below."""
    import orjson
    import urllib3

    pool = urllib3.PoolManager()
    version = orjson.loads(pool.request("GET", f"{url}{PATH}?limit=500").data)["metadata"]["resourceVersion"]
    answer = pool.request("GET", f"{url}{PATH}?watch=1&resourceVersion={version}", preload_content=False)
    say("ready")
    rest = b""
    for data in answer.stream(65536, decode_content=False):
        lines = (rest + data).split(b"\n")
        rest = lines.pop()
        for line in lines:
            event = orjson.loads(line)
            if event["object"]["metadata"]["name"] == END:
                say("done")
                return


def kubernetes_watch(url: str) -> None:
    """Read with the official client's Watch over its typed list call."""
    from kubernetes import client, config, watch

    config.load_kube_config(kubeconfig(url))
    api = client.NetworkingV1Api()
    kept = {item.metadata.name: item for item in api.list_ingress_for_all_namespaces(limit=0).items}
    say("ready")
    for event in watch.Watch().stream(api.list_ingress_for_all_namespaces, resource_version="1000000"):
        item = event["object"]
        kept[item.metadata.name] = item
        if item.metadata.name == END:
            say("done")
            return


def kubernetes_informer(url: str) -> None:
    """Read with the official client's SharedInformer."""
    from kubernetes import client, config
    from kubernetes.informer import ADDED, SharedInformer

    config.load_kube_config(kubeconfig(url))
    done = threading.Event()
    informer = SharedInformer(list_func=client.NetworkingV1Api().list_ingress_for_all_namespaces)
    informer.add_event_handler(ADDED, lambda item: done.set() if item.metadata.name == END else None)
    informer.start()
    while not informer.cache.list_keys():
        time.sleep(0.05)
    say("ready")
    done.wait()
    say("done")


def kr8s(url: str) -> None:
    """Read with kr8s's asynchronous watch, keeping the newest of each object as it offers no store."""
    import kr8s
    from kr8s.asyncio.objects import Ingress

    async def read() -> None:
        api = await kr8s.asyncio.api(kubeconfig=kubeconfig(url))
        kept = {item.name: item async for item in api.get("ingresses.networking.k8s.io", namespace=kr8s.ALL)}
        say("ready")
        async for _, item in api.watch("ingresses.networking.k8s.io", namespace=kr8s.ALL, since="1000000"):
            kept[item.name] = item
            if item.name == END:
                say("done")
                return

    _ = Ingress
    asyncio.run(read())


def lightkube(url: str) -> None:
    """Read with lightkube's watch, keeping the newest of each object as it offers no store."""
    from lightkube import Client, KubeConfig
    from lightkube.resources.networking_v1 import Ingress

    client = Client(config=KubeConfig.from_file(kubeconfig(url)))
    kept = {item.metadata.name: item for item in client.list(Ingress, namespace="*")}
    say("ready")
    for _, item in client.watch(Ingress, namespace="*", resource_version="1000000"):
        kept[item.metadata.name] = item
        if item.metadata.name == END:
            say("done")
            return


def kopf(url: str) -> None:
    """Read with a kopf operator that has one handler of events and keeps an index, as it offers no store."""
    import os

    os.environ["KUBECONFIG"] = kubeconfig(url)
    import kopf

    stop = threading.Event()

    @kopf.on.startup()
    def configure(settings: kopf.OperatorSettings, **_: Any) -> None:
        settings.posting.enabled = False
        settings.scanning.disabled = True
        settings.peering.standalone = True

    @kopf.on.event("networking.k8s.io", "v1", "ingresses")
    def handle(name: str | None, **_: Any) -> None:
        if name == END:
            say("done")
            stop.set()

    threading.Timer(8.0, say, ["ready"]).start()
    asyncio.run(kopf.operator(clusterwide=True, standalone=True, stop_flag=stop))


PEERS = {
    "floor": floor,
    "kubernetes Watch": kubernetes_watch,
    "kubernetes SharedInformer": kubernetes_informer,
    "kr8s": kr8s,
    "lightkube": lightkube,
    "kopf": kopf,
}

if __name__ == "__main__":
    PEERS[sys.argv[1]](sys.argv[2])
    sys.stdin.read()  # what it took is read from outside; the bench says when to end
