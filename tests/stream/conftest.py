"""Streams to read from, on both doors: the hub's own sockets, and the iterator of a plain WSGI server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.stream.site import Site


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


@pytest.fixture(params=["handed over", "iterated"])
def door(request: pytest.FixtureRequest, open_site: Callable[..., Site]) -> Callable[..., Site]:
    """Return a maker of sites, on one of the two doors."""
    return lambda options=None: open_site(options, plain=request.param == "iterated")
