"""Where objects come from: a real API server, or manifests; both give the same doors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol
from urllib.parse import quote

import msgspec
from msgspec import Struct

from portal.demo.manifests import ManifestListWatch, Manifests
from portal.kube.client import Api
from portal.kube.decode import Fault
from portal.kube.discovery import Discovery
from portal.kube.doors import VersionedListWatch
from portal.kube.errors import NotFound
from portal.kube.lease import Lease, LeaseOptions
from portal.kube.listwatch import ListWatch
from portal.kube.resources import Projection, Resource

Notice = Callable[[Fault], None]


class Collection(Struct, frozen=True):
    """Objects of one resource: in the first of these versions that is served; all, of one namespace, name or labels."""

    resources: tuple[Resource, ...]
    projection: type[Projection]
    namespace: str = ""
    name: str = ""
    labels: str = ""


class Cluster(Protocol):
    """Gives the door to any collection."""

    def door(self, collection: Collection, notice: Notice) -> ListWatch[Any]:
        """Return the door; `notice` hears of fields that cannot be read in what is watched."""

    def lease(self, options: LeaseOptions, turn: Callable[[bool], None]) -> Lease | None:
        """Return what lets one replica at a time do something; None where there is only one."""


class RealCluster:
    """A Kubernetes API server."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._discovery = Discovery(api)
        self.address = api.host

    def probe(self) -> int:
        """Ask whether it is there, and return the HTTP status of its answer. Raises KubeError."""
        return self._api.probe()

    def get(self, resources: tuple[Resource, ...], namespace: str, name: str) -> bytes | None:
        """Return an object in the first of these versions that has it, None where none has. Raises KubeError."""
        for resource in resources:
            try:
                return self._api.get(f"{resource.path(namespace)}/{quote(name, safe='')}")
            except NotFound:
                continue
        return None

    def door(self, collection: Collection, notice: Notice) -> ListWatch[Any]:
        """Return the door, which finds out itself which version is served."""
        return VersionedListWatch(
            self._api,
            self._discovery,
            collection.resources,
            collection.projection,
            collection.namespace,
            field_selector=f"metadata.name={collection.name}" if collection.name else "",
            label_selector=collection.labels,
            notice=notice,
        )

    def lease(self, options: LeaseOptions, turn: Callable[[bool], None]) -> Lease | None:
        """Return a Lease of this API server."""
        return Lease(self._api, options, turn)


class PaperCluster:
    """Manifests that are not in any cluster."""

    def __init__(self, manifests: Manifests) -> None:
        self._manifests = manifests
        self.address = "the manifests"

    def probe(self) -> int:
        """Answer as what cannot be away."""
        return 200

    def get(self, resources: tuple[Resource, ...], namespace: str, name: str) -> bytes | None:
        """Return an object, None where there is none; every version of a manifest is the same."""
        found = self._manifests.of((resources[0].group, resources[0].kind)).get((namespace, name))
        return None if found is None else msgspec.json.encode(found)

    def door(self, collection: Collection, notice: Notice) -> ListWatch[Any]:
        """Return the door; every version of a manifest is the same to it."""
        return ManifestListWatch(
            self._manifests,
            collection.resources[0],
            collection.projection,
            collection.namespace,
            collection.name,
            notice,
        )

    def lease(self, options: LeaseOptions, turn: Callable[[bool], None]) -> Lease | None:
        """Return nothing: nobody shares these manifests."""
        del options, turn
        return None
