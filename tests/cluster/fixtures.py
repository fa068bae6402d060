"""The real control plane as a pytest fixture: `pytest_plugins = ["tests.cluster.fixtures"]` in tests/conftest.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cluster.assets import Assets, AssetsMissingError
from tests.cluster.control_plane import ControlPlane

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def assets() -> Assets:
    """Return where the control plane's programs are, or skip with one line that says how to get them."""
    try:
        return Assets.find()
    except AssetsMissingError as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def control_plane(assets: Assets) -> Iterator[ControlPlane]:
    """Return a running control plane that serves the kinds of `tests/cluster/schemas`, one for the whole run."""
    with ControlPlane(assets) as plane:
        plane.apply_crds()
        yield plane


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "quick: fast enough to run after every change")
