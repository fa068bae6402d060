from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from portal.availability.metrics import AvailabilityMetrics
from portal.availability.results import Phases, Result
from portal.model import Change
from tests.availability.entries import application
from tests.availability.simulation import UP, World

SECURE = Result(
    outcome="up",
    http_status=200,
    latency=0.25,
    certificate_days=30,
    phases=Phases(resolve=0.01, connect=0.02, tls=0.1, first_byte=0.12),
)


def scrape(world: World) -> str:
    registry = CollectorRegistry()
    AvailabilityMetrics(world.scheduler, registry)
    return generate_latest(registry).decode()


@pytest.mark.parametrize(
    "line",
    [
        'portal_probe_up{url="http://a.example/"} 1.0',
        'portal_probe_success{url="http://a.example/"} 1.0',
        'portal_probe_duration_seconds{url="http://a.example/"} 0.25',
        'portal_probe_phase_seconds{phase="tls",url="http://a.example/"} 0.1',
        'portal_probe_http_status_code{url="http://a.example/"} 200.0',
        'portal_probe_certificate_days{url="http://a.example/"} 30.0',
        "portal_probes_in_flight 0.0",
    ],
)
def test_every_target_has_its_series(line: str) -> None:
    world = World(lambda _host, _now: SECURE)
    world.add("a")
    world.run(1)

    assert line in scrape(world).splitlines()


def test_one_failure_shows_in_success_before_it_is_believed() -> None:
    world = World(lambda _host, now: UP if now < 10 else Result(outcome="down", reason="refuses connections"))
    world.add("a")
    world.run(5)
    world.scheduler.endpoints("local/ingress/default/a", None)

    world.run(200)

    assert 'portal_probe_up{url="http://a.example/"} 0.0' in scrape(world)
    assert 'portal_probe_success{url="http://a.example/"} 0.0' in scrape(world)


def test_the_series_of_a_removed_url_are_gone() -> None:
    world = World(lambda _host, _now: UP)
    world.add("a")
    world.run(1)

    world.scheduler.follow([Change(application("a", "http://a.example/"), None)])

    assert "a.example" not in scrape(world)


def test_a_password_is_not_a_label() -> None:
    world = World(lambda _host, _now: UP)
    world.add("a", "http://jane:secret@a.example/")
    world.run(1)

    assert "secret" not in scrape(world)
    assert 'portal_probe_up{url="http://a.example/"} 1.0' in scrape(world)
