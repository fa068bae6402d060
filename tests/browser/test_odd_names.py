"""Names as people give them: in other alphabets, very long, with many links and tags."""

from __future__ import annotations

import pytest
from msgspec import structs
from playwright.sync_api import expect

from portal.model import Link
from tests.browser.conftest import OpenSite, Visit
from tests.web.houses import application


@pytest.mark.parametrize("group", ["Straße", "Χάρτες", "ΟΔΟΣ", "Yaz\u0131l\u0131m"])
def test_an_application_that_changes_stays_in_its_group_in_any_alphabet(
    open_site: OpenSite, visit: Visit, group: str
) -> None:
    site = open_site(application("Nas", group), application("Other", group))
    page = visit(site)

    site.put(application("Nas", group, info="New"))

    expect(page.locator(".card-info").first).to_have_text("New")
    expect(page.locator(".group")).to_have_count(1)


@pytest.mark.parametrize("width", [320, 1280])
def test_a_notice_without_a_space_does_not_widen_the_page(open_site: OpenSite, visit: Visit, width: int) -> None:
    site = open_site(application("Nas"))
    site.state.change_page(config_error="/etc/portal/" + "x" * 300)

    page = visit(site, viewport={"width": width, "height": 700})

    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_a_long_tag_in_the_address_does_not_widen_the_empty_page(open_site: OpenSite, visit: Visit) -> None:
    page = visit(open_site(), "/" + "tag" * 50, viewport={"width": 360, "height": 700})

    assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_many_links_and_tags_stay_on_their_card(open_site: OpenSite, visit: Visit) -> None:
    links = tuple(Link(f"https://{each}.example.com", f"host-{each}.example.com") for each in range(12))
    tags = ",".join(f"tag-{each}" for each in range(12))
    page = visit(open_site(application("Nas", links=links, tags=tags)), "/tag-1")

    card = page.locator(".card").bounding_box()
    ends = page.locator(".card-more > li").evaluate_all("all => all.map((each) => each.getBoundingClientRect().right)")

    assert card is not None
    assert max(ends) <= card["x"] + card["width"]


def test_a_long_name_from_right_to_left_is_cut_at_its_end(open_site: OpenSite, visit: Visit) -> None:
    site = open_site(application("Nas"))
    page = visit(site)

    site.put(structs.replace(application("Nas"), name="שלום עולם " * 10, group="עברית"))

    expect(page.locator(".card-name")).to_have_css("direction", "rtl")
    expect(page.locator(".group-name")).to_have_css("direction", "rtl")
    expect(page.locator(".card-info")).to_have_css("direction", "ltr")
