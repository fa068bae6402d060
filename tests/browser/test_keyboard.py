"""Who uses the keyboard or hears the page keeps their place, whatever changes around them."""

from __future__ import annotations

from playwright.sync_api import expect

from portal.model import Health
from tests.browser.conftest import OpenSite, Visit
from tests.web.houses import application

ALPHA = "local/ingress/test/alpha"


def test_what_was_chosen_stays_chosen_when_another_card_changes(open_site: OpenSite, visit: Visit) -> None:
    site = open_site(application("Alpha", health=Health(state="up")), application("Alphabet"))
    page = visit(site)
    page.keyboard.type("alpha")
    page.keyboard.press("ArrowDown")

    site.judge(ALPHA, Health(state="down"))
    expect(page.locator(".card[data-state=down]")).to_be_attached()

    expect(page.locator(".chosen .card-name")).to_have_text("Alphabet")
