"""Availability through the whole: a real API server, applications on loopback, `portal serve`, an open browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from playwright.sync_api import Browser, Page, expect

from tests.cluster.control_plane import ControlPlane
from tests.flow.portal import ROOT, Portal, eventually
from tests.flow.shop import OURS, SHOP, Shop, apply, health, ingress, serving, slice_with

CONFIGURATION = """
startpunkt:
  availability: {{interval: 2s, timeout: 2, secretHeaders: true{more}}}
  state: {{path: {folder}}}
"""


@pytest.fixture(scope="module")
def shop() -> Iterator[str]:
    with serving() as url:
        yield url


@pytest.fixture(scope="module")
def cluster(control_plane: ControlPlane) -> Iterator[ControlPlane]:
    control_plane.apply_crds(*(ROOT / "config" / "crds").glob("*.yaml"))
    yield control_plane
    control_plane.kubectl("delete", "ingress/shop", "endpointslice/shop-abcde", "secret/token", "--ignore-not-found")


def started(cluster: ControlPlane, folder: Path, log: str = "log") -> Portal:
    """Return a portal that keeps its state and its configuration in a folder."""
    configure(folder)
    return Portal(
        folder / log, "serve", "--config", str(folder / "application.yaml"), "--kubeconfig", str(cluster.admin)
    )


def configure(folder: Path, more: str = "") -> None:
    (folder / "application.yaml").write_text(CONFIGURATION.format(folder=folder, more=more), encoding="utf-8")


@pytest.fixture(scope="module")
def portal(cluster: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    with started(cluster, tmp_path_factory.mktemp("portal")) as running:
        eventually(lambda: running.get("/readyz")[0] == 200, 30)
        yield running


@pytest.fixture(scope="module")
def tabs(browser: Browser) -> Iterator[list[Page]]:
    """Return ten tabs of one browser."""
    context = browser.new_context(locale="en-US")
    yield [context.new_page() for _ in range(10)]
    context.close()


def test_endpoints_that_stop_being_ready_change_the_open_page(
    cluster: ControlPlane, portal: Portal, shop: str, tabs: list[Page]
) -> None:
    apply(cluster, ingress(f"{shop}/"), slice_with("+++"))
    eventually(lambda: health(portal)["ready"] == 3)
    page = tabs[0]
    page.goto(portal.url)
    page.wait_for_selector(".live[data-state=live]")
    card = page.locator(f'[data-id="{SHOP}"]')
    expect(card).to_have_attribute("data-state", "up")

    apply(cluster, slice_with("++-"))
    expect(card).to_have_attribute("data-state", "degraded")
    expect(card).to_contain_text("2/3")
    apply(cluster, slice_with("---"))
    expect(card).to_contain_text("0 of 3 ready since")
    assert health(portal)["state"] == "degraded"
    assert health(portal)["total"] == 3

    Shop.status = 503
    expect(card).to_have_attribute("data-state", "down")
    assert health(portal)["reason"].startswith("answers 503; 0 of 3 ready since ")
    Shop.status = 200
    apply(cluster, slice_with("+++"))
    expect(card).to_have_attribute("data-state", "up")


def test_the_last_day_is_shown_when_the_status_is_pressed_by_keyboard_alone(
    cluster: ControlPlane, portal: Portal, shop: str, tabs: list[Page]
) -> None:
    apply(cluster, ingress(f"{shop}/"), slice_with("+++"))
    page = tabs[0]
    page.goto(portal.url)
    page.wait_for_selector(".live[data-state=live]")
    card = page.locator(f'[data-id="{SHOP}"]')
    expect(card).to_have_attribute("data-state", "up")

    card.locator(".card-status").focus()
    page.keyboard.press("Enter")

    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    expect(dialog.locator(".history-uptime")).to_contain_text("%")
    assert dialog.locator(".history-bar rect[data-state]").count() >= 1
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


def test_ten_open_tabs_cause_the_checks_of_one(portal: Portal, shop: str, tabs: list[Page]) -> None:
    for tab in tabs:
        tab.goto(portal.url)
        tab.wait_for_selector(".live[data-state=live]")
    Shop.asked.clear()

    tabs[0].wait_for_timeout(6000)

    assert 2 <= len(Shop.asked) <= 4


@pytest.mark.parametrize(
    "url", ["http://169.254.169.254/latest/meta-data/", "http://2852039166/", "http://[::ffff:a9fe:a9fe]/"]
)
def test_a_metadata_address_is_refused_in_any_spelling(cluster: ControlPlane, portal: Portal, url: str) -> None:
    apply(cluster, ingress(url), slice_with("+"))

    eventually(lambda: "is a link-local address" in health(portal)["reason"], 15)


def test_a_metadata_address_is_refused_behind_a_redirect(cluster: ControlPlane, portal: Portal, shop: str) -> None:
    apply(cluster, ingress(f"{shop}/away"), slice_with("-"))

    refused = "not asked: 169.254.169.254 is a link-local address; 0 of 1 ready"
    eventually(lambda: health(portal)["state"] == "down" and health(portal)["reason"].startswith(refused), 15)


def test_an_annotation_says_how_to_check(cluster: ControlPlane, portal: Portal, shop: str) -> None:
    apply(cluster, ingress(f"{shop}/", check="/healthz", checkStatus="204"), slice_with("+"))
    eventually(lambda: "answers 200" in health(portal)["reason"], 15)

    apply(cluster, ingress(f"{shop}/", check="off"), slice_with("+"))
    eventually(lambda: "httpStatus" not in health(portal))
    asked = len(Shop.asked)

    assert health(portal)["state"] == "up"  # its pods say so
    assert portal.json(f"/api/availability/{SHOP}")["checks"] == []
    assert len(Shop.asked) == asked


def test_the_history_has_the_shape_of_the_contract(cluster: ControlPlane, portal: Portal, shop: str) -> None:
    apply(cluster, ingress(f"{shop}/"), slice_with("+"))

    history = eventually(lambda: (each := portal.json(f"/api/availability/{SHOP}")).get("checks") and each)

    assert history["id"] == SHOP
    assert history["health"]["state"] == "up"
    assert history["checks"][-1].keys() >= {"time", "state", "httpStatus", "latencyMs"}
    assert history["checks"] == sorted(history["checks"], key=lambda each: each["time"])


def test_a_check_waits_for_its_secret_and_begins_with_it(cluster: ControlPlane, portal: Portal, shop: str) -> None:
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "token", "namespace": "default", "labels": {f"{OURS}check-headers": "true"}},
        "stringData": {"X-Check": "let me in"},
    }
    apply(cluster, ingress(f"{shop}/secret", checkHeadersFrom="token"), slice_with("-"))
    eventually(lambda: "waits for Secret default/token: not there" in health(portal).get("reason", ""))

    apply(cluster, yaml.safe_dump(secret))
    eventually(lambda: ("/secret", "let me in") in Shop.asked, 2)
    cluster.kubectl("delete", "secret/token")
    eventually(lambda: "waits for Secret default/token: not there" in health(portal).get("reason", ""))
    assert portal.json(f"/api/availability/{SHOP}")["checks"][-1]["state"] == "up"
    assert ("/secret", "") not in Shop.asked
    assert "let me in" not in portal.get("/api/snapshot")[2] + portal.get("/metrics")[2] + portal.log()


def test_history_survives_a_restart_and_a_source_can_be_switched_off_without_one(
    cluster: ControlPlane, shop: str, tmp_path: Path
) -> None:
    apply(cluster, ingress(f"{shop}/kept"), slice_with("+"))
    with started(cluster, tmp_path) as before:
        first = eventually(lambda: before.json(f"/api/availability/{SHOP}")["checks"][0])
    assert (tmp_path / "availability.msgpack").exists()

    with started(cluster, tmp_path, "second") as after:
        assert eventually(lambda: after.json(f"/api/availability/{SHOP}")["checks"][0]) == first

        configure(tmp_path, ", disabledSources: [ingress]")
        eventually(lambda: after.json(f"/api/availability/{SHOP}")["checks"] == [])
        assert health(after)["state"] == "up"  # its pods say so
        configure(tmp_path, ", enabled: false")
        eventually(lambda: health(after).get("reason") == "not checked")
        assert health(after)["state"] == "unknown"
