"""Where objects come from: a real API server, or manifests; both give the same doors."""

from __future__ import annotations

from typing import Any, Protocol

from portal.demo.manifests import ManifestListWatch, Manifests
from portal.kube.client import Api
from portal.kube.discovery import Discovery
from portal.kube.doors import VersionedListWatch
from portal.kube.listwatch import ListWatch
from portal.kube.resources import Projection, Resource


class Cluster(Protocol):
    """Gives the door to any resource."""

    def door(
        self,
        resources: tuple[Resource, ...],
        projection: type[Projection],
        namespace: str = "",
        name: str = "",
        labels: str = "",
    ) -> ListWatch[Any]:
        """Return the door to a resource in the first of these versions that is served; to one object by its name."""


class RealCluster:
    """A Kubernetes API server."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._discovery = Discovery(api)

    def door(
        self,
        resources: tuple[Resource, ...],
        projection: type[Projection],
        namespace: str = "",
        name: str = "",
        labels: str = "",
    ) -> ListWatch[Any]:
        """Return the door to a resource, which finds out itself which version is served."""
        selector = f"metadata.name={name}" if name else ""
        return VersionedListWatch(
            self._api, self._discovery, resources, projection, namespace, field_selector=selector, label_selector=labels
        )


class PaperCluster:
    """Manifests that are not in any cluster."""

    def __init__(self, manifests: Manifests) -> None:
        self._manifests = manifests

    def door(
        self,
        resources: tuple[Resource, ...],
        projection: type[Projection],
        namespace: str = "",
        name: str = "",
        labels: str = "",
    ) -> ListWatch[Any]:
        """Return the door to a resource; every version of a manifest is the same to it."""
        del labels
        return ManifestListWatch(self._manifests, resources[0], projection, namespace, name)
