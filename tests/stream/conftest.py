"""Streams to read from by each door, and replicas that share a broker."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from tests.stream.doors import DOORS
from tests.stream.replicas import Replica, Service, Valkey
from tests.stream.site import Site

NAMES = (f"test{n}" for n in itertools.count())


@pytest.fixture
def open_site() -> Iterator[Callable[..., Site]]:
    sites: list[Site] = []

    def make(options: Any = None, **more: Any) -> Site:
        sites.append(Site(options, **more))
        return sites[-1]

    yield make
    for site in sites:
        site.close()


@pytest.fixture
def site(open_site: Callable[..., Site]) -> Site:
    return open_site()


@pytest.fixture(params=DOORS)
def door(request: pytest.FixtureRequest, open_site: Callable[..., Site]) -> Callable[..., Site]:
    """Return a maker of sites, on one of the doors."""
    return lambda options=None: open_site(options, door=DOORS[request.param])


@pytest.fixture(scope="package")
def shared_valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    with closing(Valkey(tmp_path_factory.mktemp("valkey"))) as shared:
        yield shared


@pytest.fixture
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    """Return one that a test may kill."""
    with closing(Valkey(tmp_path_factory.mktemp("valkey"))) as own:
        yield own


@pytest.fixture
def standby(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    """Return a second one, that a test may make the master."""
    with closing(Valkey(tmp_path_factory.mktemp("standby"))) as other:
        yield other


@pytest.fixture
def service(valkey: Valkey) -> Iterator[Service]:
    """Return an address of whichever is the master."""
    with closing(Service(valkey)) as address:
        yield address


@pytest.fixture
def make() -> Iterator[Callable[..., Replica]]:
    replicas: list[Replica] = []
    name = next(NAMES)

    def one(valkey: Valkey | Service, **options: object) -> Replica:
        replicas.append(Replica(valkey.url, name, **options))
        assert replicas[-1].broker.wait_filled(10)
        return replicas[-1]

    yield one
    for replica in replicas:
        replica.close()
