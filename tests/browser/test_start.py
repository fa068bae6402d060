"""The first lists on an open page: a slim bar says how far they are, and goes when they are done."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, FloatRect, Page, expect

from tests.flow.portal import Portal
from tests.kube.scenario.client import Scenario, ingress

ROUTES = "routes.route.openshift.io"
CONFIGURATION = """
startpunkt:
  ingress: {onlyAnnotated: false}
  availability: {enabled: false}
"""
PHONE = {"width": 390, "height": 780}
PATIENCE_MS = 20_000


@pytest.fixture
def scenario() -> Iterator[Scenario]:
    with Scenario() as server:
        server.put(ingress("media"))
        yield server


@pytest.fixture
def open_page(
    scenario: Scenario, new_context: Callable[..., BrowserContext], tmp_path: Path
) -> Iterator[Callable[[], Page]]:
    """Open the page of a portal that starts, as on a phone."""
    (tmp_path / "application.yaml").write_text(CONFIGURATION, encoding="utf-8")
    config, kubeconfig = str(tmp_path / "application.yaml"), str(scenario.kubeconfig(tmp_path))
    with Portal(tmp_path / "log", "serve", "--config", config, "--kubeconfig", kubeconfig) as portal:

        def open_page() -> Page:
            page = new_context(viewport=PHONE).new_page()
            page.goto(portal.url)
            expect(page.locator("progress.sync")).to_be_visible()
            return page

        yield open_page


@pytest.fixture
def one_list_hangs(scenario: Scenario) -> None:
    scenario.fault("list", "hang", name=ROUTES)


@pytest.fixture
def all_lists_hang(scenario: Scenario) -> None:
    scenario.fault("list", "hang", times=-1)


def box(page: Page, selector: str) -> FloatRect:
    found = page.locator(selector).bounding_box()
    assert found is not None
    return found


def test_a_bar_says_how_far_the_first_lists_are_and_goes_when_they_are_done(
    one_list_hangs: None, open_page: Callable[[], Page], scenario: Scenario
) -> None:
    page = open_page()
    bar = page.locator("progress.sync")

    expect(bar).to_have_accessible_name("Reading the cluster: 7 of 8")
    expect(page.get_by_role("link", name="media")).to_be_visible()

    scenario.tell("drop")
    expect(bar).to_be_hidden(timeout=PATIENCE_MS)


def test_the_bar_is_a_slim_line_under_the_head_as_wide_as_the_page(
    one_list_hangs: None, open_page: Callable[[], Page]
) -> None:
    page = open_page()

    bar, head = box(page, "progress.sync"), box(page, ".top")

    assert (bar["x"], bar["width"]) == (0, PHONE["width"])
    assert bar["height"] <= 4
    assert bar["y"] + bar["height"] == head["y"] + head["height"]


def test_a_beginning_is_seen_before_the_first_list_is_in(all_lists_hang: None, open_page: Callable[[], Page]) -> None:
    page = open_page()
    bar = box(page, "progress.sync")
    expect(page.locator("progress.sync")).to_have_accessible_name("Reading the cluster: 0 of 8")

    seen = colours(page, bar)

    assert len(seen) == 2


def colours(page: Page, bar: FloatRect) -> set[tuple[int, ...]]:
    """Return the colours at both ends of the bar."""
    shot = page.screenshot(clip={"x": 0, "y": bar["y"] + 1, "width": bar["width"], "height": 1}).hex()
    return set(
        map(
            tuple,
            page.evaluate(
                """async (hex) => {
                  const bytes = Uint8Array.from(hex.match(/../g), (each) => parseInt(each, 16));
                  const image = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
                  const canvas = new OffscreenCanvas(image.width, 1).getContext("2d");
                  canvas.drawImage(image, 0, 0);
                  return [4, image.width - 4].map((x) => [...canvas.getImageData(x, 0, 1, 1).data]);
                }""",
                shot,
            ),
        )
    )
