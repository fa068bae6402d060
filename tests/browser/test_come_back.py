"""A page is left and come back to by history: kept by the browser, it neither stands still nor says what is not so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Page, expect

from tests.browser.conftest import OpenSite, Visit
from tests.browser.site import LiveSite
from tests.browser.test_live import ALONE
from tests.browser.test_long_day import BY_LEADER, kill_worker
from tests.chromium import ARGUMENTS, CHROMIUM
from tests.web.houses import application

NOTE_RETURN = "addEventListener('pageshow', ({ persisted }) => window.wasKept = persisted);"
STATE = """() => ({
  wasKept: window.wasKept,
  names: [...document.querySelectorAll(".card-name")].map((each) => each.textContent),
  live: document.querySelector(".live").dataset.state,
  states: window.states,
})"""
NOTE_STATES = """() => {
  const live = document.querySelector(".live");
  window.states = [];
  new MutationObserver(() => window.states.push(live.dataset.state)).observe(live, { attributes: true });
}"""


@pytest.fixture
def keeping(browser: Browser) -> Iterator[Browser]:
    """Return a Chromium that keeps pages which are left, as everybody's does and playwright's own does not."""
    keeping = browser.browser_type.launch(
        executable_path=CHROMIUM, args=list(ARGUMENTS), ignore_default_args=["--disable-back-forward-cache"]
    )
    yield keeping
    keeping.close()


@pytest.fixture
def kept_context(keeping: Browser) -> BrowserContext:
    return keeping.new_context(locale="en-US")


def leave(page: Page) -> None:
    page.goto("data:text/html,elsewhere")


def come_back(site: LiveSite, page: Page) -> None:
    """Go back and wait for the page: mostly Chromium has kept it, and where it has not, the page shows the same."""
    page.evaluate("void setTimeout(() => history.back(), 10)")
    page.wait_for_timeout(300)
    site.wait(lambda: state(page).get("wasKept") is not None)


def state(page: Page) -> dict[str, Any]:
    """Return what a page shows now; playwright's own ways may wait for a load, and what was kept is not loaded."""
    with suppress(Error):  # it is just being left or come back to
        return dict(page.evaluate(STATE))
    return {}


def shows(page: Page, *names: str) -> Callable[[], bool]:
    return lambda: (state(page).get("names"), state(page).get("live")) == ([*names], "live")


@pytest.mark.parametrize("script", ["void 0", BY_LEADER, ALONE], ids=["shared worker", "leader", "alone"])
def test_a_page_that_is_back_shows_what_happened_meanwhile(
    open_site: OpenSite, visit: Visit, kept_context: BrowserContext, script: str
) -> None:
    site = open_site(application("Nas"))
    page = visit(site, context=kept_context, script=script + ";" + NOTE_RETURN)

    leave(page)
    site.put(application("New"))
    come_back(site, page)

    site.wait(shows(page, "Nas", "New"))
    site.wait(lambda: site.streams == 1)


@pytest.mark.parametrize("script", [BY_LEADER, ALONE], ids=["leader", "alone"])
def test_a_page_that_was_left_holds_no_stream(
    open_site: OpenSite, visit: Visit, kept_context: BrowserContext, script: str
) -> None:
    """A shared worker is no page: Chromium freezes it, and its stream, before it hears that the last page is left."""
    site = open_site(application("Nas"))
    page = visit(site, context=kept_context, script=script)

    leave(page)

    site.wait(lambda: site.streams == 0)


def test_a_page_whose_worker_died_meanwhile_says_so_and_gets_another(
    open_site: OpenSite, visit: Visit, kept_context: BrowserContext, keeping: Browser
) -> None:
    site = open_site(application("Nas"))
    page = visit(site, context=kept_context, script=NOTE_RETURN)
    page.evaluate(NOTE_STATES)

    leave(page)
    kill_worker(keeping)
    site.wait(lambda: site.streams == 0)
    site.put(application("New"))
    come_back(site, page)

    site.wait(shows(page, "Nas", "New"))
    said = state(page)
    assert not said["wasKept"] or said["states"][0] == "reconnecting"


def test_when_the_leading_tab_is_left_another_leads_at_once(
    open_site: OpenSite, visit: Visit, kept_context: BrowserContext
) -> None:
    site = open_site(application("Nas"))
    leader, other = (visit(site, context=kept_context, script=BY_LEADER + NOTE_RETURN) for _ in range(2))

    leave(leader)
    site.put(application("New"))
    expect(other.locator(".card-name")).to_have_text(["Nas", "New"])
    come_back(site, leader)  # Chromium lets go what is kept as soon as another tab speaks to it
    site.put(application("Newest"))

    site.wait(shows(leader, "Nas", "New", "Newest"))
    site.wait(shows(other, "Nas", "New", "Newest"))
    site.wait(lambda: site.streams == 1)


def test_a_page_that_asks_now_and_then_asks_at_once_when_it_is_back(
    open_site: OpenSite, visit: Visit, kept_context: BrowserContext
) -> None:
    site = open_site(application("Nas"))
    site.state.change_page(realtime_enabled=False, refresh_interval=600)
    page = visit(site, context=kept_context, until=".live[data-state=polling]", script=NOTE_RETURN)

    leave(page)
    site.put(application("New"))
    come_back(site, page)

    site.wait(lambda: state(page).get("names") == ["Nas", "New"])
