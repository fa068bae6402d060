"""Who uses the keyboard or hears the page keeps their place, whatever changes around them."""

from __future__ import annotations

import pytest
from msgspec import structs
from playwright.sync_api import Locator, Page, expect

from portal.model import Application, Health, Link
from tests.browser.conftest import OpenSite, Visit
from tests.web.houses import application

ALPHA, BETA, NAS = (f"local/ingress/test/{name}" for name in ("alpha", "beta", "nas"))


def main_link(page: Page, entry_id: str) -> Locator:
    return page.locator(f'.card[data-id="{entry_id}"] .card-main')


def test_what_was_chosen_stays_chosen_when_another_card_changes(open_site: OpenSite, visit: Visit) -> None:
    site = open_site(application("Alpha", health=Health(state="up")), application("Alphabet"))
    page = visit(site)
    page.keyboard.type("alpha")
    page.keyboard.press("ArrowDown")

    site.judge(ALPHA, Health(state="down"))
    expect(page.locator(".card[data-state=down]")).to_be_attached()

    expect(page.locator(".chosen .card-name")).to_have_text("Alphabet")


@pytest.mark.parametrize("change", [{"location": 1}, {"group": "Zoo"}, {"name": "Aardvark"}], ids=str)
def test_a_card_that_moves_keeps_the_focus(open_site: OpenSite, visit: Visit, change: dict[str, object]) -> None:
    site = open_site(application("Alpha"), application("Nas", info="Old"))
    page = visit(site)
    main_link(page, NAS).focus()

    site.put(structs.replace(application("Nas"), info="New", **change))
    expect(page.get_by_text("New")).to_be_visible()

    expect(main_link(page, NAS)).to_be_focused()


def test_a_link_that_stays_keeps_the_focus_when_its_card_changes(open_site: OpenSite, visit: Visit) -> None:
    links = (Link("https://b.example.com", "b.example.com"),)
    site = open_site(application("Nas", links=links))
    page = visit(site)
    page.locator(".card-more a").focus()

    site.put(application("Nas", links=links, info="New"))
    expect(page.get_by_text("New")).to_be_visible()

    expect(page.locator(".card-more a")).to_be_focused()


@pytest.mark.parametrize(
    "others", [(application("Zulu", "Zoo"),), (application("Beta"), application("Zulu"))], ids=["group", "neighbour"]
)
def test_when_a_card_goes_the_next_that_stays_gets_the_focus(
    open_site: OpenSite, visit: Visit, others: tuple[Application, ...]
) -> None:
    site = open_site(application("Alpha"), *others)
    page = visit(site)
    main_link(page, ALPHA).focus()

    site.drop(BETA, ALPHA)
    expect(page.locator(".card")).to_have_count(1)

    expect(main_link(page, "local/ingress/test/zulu")).to_be_focused()


@pytest.mark.parametrize("width", [360, 1280])
def test_what_is_focused_is_not_under_the_head_of_the_page(open_site: OpenSite, visit: Visit, width: int) -> None:
    site = open_site(*(application(f"App {number:02}") for number in range(60)))
    page = visit(site, viewport={"width": width, "height": 600})
    page.locator(".card-main").last.focus()

    clearances = [clearance_of_the_one_before(page) for _ in range(30)]

    assert min(clearances) >= 0


def clearance_of_the_one_before(page: Page) -> float:
    """Focus the one before, and return how far under the head of the page it begins."""
    page.keyboard.press("Shift+Tab")
    return page.evaluate("""() => document.activeElement.getBoundingClientRect().top
      - document.querySelector(".top").getBoundingClientRect().bottom""")


def test_a_search_in_the_address_can_be_cleared(open_site: OpenSite, visit: Visit) -> None:
    page = visit(open_site(application("Jellyfin"), application("Nas")), "/?q=nas")
    page.locator(".search-field").focus()

    page.keyboard.press("Escape")

    expect(page.locator(".card:visible .card-name")).to_have_text(["Jellyfin", "Nas"])
