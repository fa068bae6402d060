"""Names as people give them: in other alphabets, very long, with many links and tags."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenSite, Visit
from tests.web.houses import application


@pytest.mark.parametrize("group", ["Straße", "Χάρτες", "ΟΔΟΣ", "Yazılım"])
def test_an_application_that_changes_stays_in_its_group_in_any_alphabet(
    open_site: OpenSite, visit: Visit, group: str
) -> None:
    site = open_site(application("Nas", group), application("Other", group))
    page = visit(site)

    site.put(application("Nas", group, info="New"))

    expect(page.locator(".card-info").first).to_have_text("New")
    expect(page.locator(".group")).to_have_count(1)
