"""Two replicas on one API server and one Valkey: one asks, both know, and either can take over."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.control_plane import ControlPlane
from tests.flow.portal import ROOT, Portal, Stream, eventually
from tests.flow.shop import SHOP, Shop, apply, health, ingress, serving, slice_with
from tests.stream.replicas import Valkey

CONFIGURATION = """
startpunkt:
  availability: {{interval: 2s, timeout: 2}}
  broker: {{url: {url}}}
"""


@pytest.fixture(scope="module")
def shop() -> Iterator[str]:
    with serving() as url:
        yield url


@pytest.fixture(scope="module")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    valkey = Valkey(tmp_path_factory.mktemp("valkey"))
    yield valkey
    valkey.kill()


@pytest.fixture
def replicas(control_plane: ControlPlane, valkey: Valkey, shop: str, tmp_path: Path) -> Iterator[tuple[Portal, Portal]]:
    """Return the replica that asks and the one that does not, both of which know that the shop is up."""
    Shop.status = 200
    control_plane.apply_crds(*(ROOT / "config" / "crds").glob("*.yaml"))
    apply(control_plane, ingress(f"{shop}/"), slice_with("+"))
    (tmp_path / "application.yaml").write_text(CONFIGURATION.format(url=valkey.url), encoding="utf-8")
    arguments = ("serve", "--config", str(tmp_path / "application.yaml"), "--kubeconfig", str(control_plane.admin))
    with Portal(tmp_path / "first", *arguments) as first:
        eventually(lambda: health(first)["state"] == "up", 30)
        with Portal(tmp_path / "second", *arguments) as second:
            eventually(lambda: health(second)["state"] == "up", 30)
            yield first, second


def test_one_asks_and_both_know(replicas: tuple[Portal, Portal]) -> None:
    first, second = replicas
    streams = [Stream(each) for each in replicas]
    before = len(Shop.asked)
    eventually(lambda: len(Shop.asked) >= before + 3, 15)

    Shop.status = 503
    eventually(lambda: health(first)["state"] == "down")
    eventually(lambda: health(second) == health(first))
    eventually(lambda: all(stream.of_type("STATUS_CHANGED") for stream in streams))

    said = [[each["data"] for each in stream.of_type("STATUS_CHANGED")] for stream in streams]
    assert said[0] == said[1]
    assert len(said[0]) == 1
    assert "Holding the Lease" in first.log()
    assert "Holding the Lease" not in second.log()
    assert second.json(f"/api/availability/{SHOP}")["checks"][-1]["state"] == "down"


@pytest.mark.parametrize(("number", "seconds"), [(signal.SIGKILL, 20), (signal.SIGTERM, 6)], ids=["killed", "stopped"])
def test_another_replica_takes_over(replicas: tuple[Portal, Portal], number: int, seconds: float) -> None:
    first, second = replicas

    first.stop(number)
    Shop.status = 503

    eventually(lambda: health(second)["state"] == "down", seconds)
    assert "Holding the Lease" in second.log()


def test_without_the_broker_each_replica_asks_for_itself(replicas: tuple[Portal, Portal], valkey: Valkey) -> None:
    first, second = replicas

    valkey.kill()
    Shop.status = 503

    eventually(lambda: health(first)["state"] == "down")
    eventually(lambda: health(second)["state"] == "down", 25)
    valkey.start()
    eventually(lambda: health(second) == health(first), 20)
