"""The same over TLS, with a real kube-apiserver."""

from __future__ import annotations

import json
import time

import pytest

from portal.kube import errors
from portal.kube.client import connect
from portal.kube.discovery import Discovery
from portal.kube.doors import HttpListWatch, VersionedListWatch
from portal.kube.resources import Metadata, Projection, Resource
from portal.sources.ingress import INGRESS
from tests.cluster.control_plane import ControlPlane

MAPS = Resource("", "v1", "configmaps", "ConfigMap")
FOREVER = 60.0


class ConfigMap(Projection, frozen=True, gc=False, rename="camel"):
    """A ConfigMap of which only the metadata is read."""

    metadata: Metadata = Metadata()


def test_a_watch_goes_on_after_silence_on_an_encrypted_connection(control_plane: ControlPlane) -> None:
    api = connect(str(control_plane.admin), tick=0.1)
    door = HttpListWatch(api, MAPS, ConfigMap, "default")
    start = door.list(limit=1, continue_token="").resource_version
    stream = door.watch(resource_version=start, timeout_seconds=FOREVER)
    batches = iter(stream)
    silence = [list(next(batches)) for _ in range(3)]
    api.send("POST", MAPS.path("default"), body=json.dumps({"metadata": {"name": "after-silence"}}).encode())

    found = next(batch for batch in batches if batch)
    stream.close()
    api.send("DELETE", f"{MAPS.path('default')}/after-silence")

    assert silence == [[], [], []]
    assert [(event.type, event.object.metadata.name) for event in found] == [("ADDED", "after-silence")]


def test_a_real_list_comes_in_pages_of_one_moment(control_plane: ControlPlane) -> None:
    api = connect(str(control_plane.admin))
    names = [f"page-{number}" for number in range(5)]
    [api.send("POST", MAPS.path("default"), body=json.dumps({"metadata": {"name": name}}).encode()) for name in names]
    door = HttpListWatch(api, MAPS, ConfigMap, "default")

    first = door.list(limit=2, continue_token="")
    rest = door.list(limit=500, continue_token=first.continue_token)
    [api.send("DELETE", f"{MAPS.path('default')}/{name}") for name in names]

    listed = [each.metadata.name for each in (*first.objects, *rest.objects)]
    assert [name for name in listed if name.startswith("page-")] == names
    assert first.resource_version == rest.resource_version
    assert len(first.objects) == 2


def test_a_real_server_says_what_is_not_there_and_what_is_served(control_plane: ControlPlane) -> None:
    api = connect(str(control_plane.admin))
    absent = Resource("example.test", "v1", "things", "Thing")
    old_only = (Resource("networking.k8s.io", "v9", "ingresses", "Ingress"), *INGRESS.resources)
    door = VersionedListWatch(api, Discovery(api), old_only, INGRESS.projection)

    with pytest.raises(errors.NotFound):
        HttpListWatch(api, absent, ConfigMap).list(limit=500, continue_token="")
    door.list(limit=500, continue_token="")

    assert door.resource == INGRESS.resources[0]


def test_a_watch_that_is_closed_by_somebody_else_ends(control_plane: ControlPlane) -> None:
    api = connect(str(control_plane.admin), tick=0.1)
    door = HttpListWatch(api, MAPS, ConfigMap, "default")
    stream = door.watch(
        resource_version=door.list(limit=1, continue_token="").resource_version, timeout_seconds=FOREVER
    )
    started = time.monotonic()

    stream.close()

    with pytest.raises(errors.ConnectionLost):
        list(stream)
    assert time.monotonic() - started < 5
