"""A browser for the tests, and a portal for it to look at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from portal.model import Entry
from tests.browser.site import LiveSite

PATIENCE_MS = 10_000

OpenSite = Callable[..., LiveSite]
Visit = Callable[..., Page]


@pytest.fixture
def open_site() -> Iterator[OpenSite]:
    """Open a portal with some entries; closed after the test."""
    sites: list[LiveSite] = []

    def open_site(*entries: Entry, **options: Any) -> LiveSite:
        sites.append(LiveSite(*entries, **options))
        return sites[-1]

    yield open_site
    for site in sites:
        site.close()


@pytest.fixture
def complaints() -> Iterator[list[str]]:
    """Collect what the browser complains about, and let nothing pass."""
    found: list[str] = []
    yield found
    assert found == []


@pytest.fixture
def new_context(browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    contexts: list[BrowserContext] = []

    def new_context(**options: Any) -> BrowserContext:
        contexts.append(browser.new_context(**{"locale": "en-US", **options}))
        contexts[-1].set_default_timeout(PATIENCE_MS)
        return contexts[-1]

    yield new_context
    for context in contexts:
        context.close()


@pytest.fixture
def visit(new_context: Callable[..., BrowserContext], complaints: list[str]) -> Visit:
    """Open an address of a portal, by default in a browser of its own and until the page is live."""

    def visit(
        site: LiveSite,
        path: str = "/",
        *,
        context: BrowserContext | None = None,
        until: str = ".live[data-state=live]",
        script: str = "",
        clock: bool | datetime = False,
        **options: Any,
    ) -> Page:
        page = (context or new_context(**options)).new_page()
        page.add_init_script(script or "void 0")
        if clock:
            page.clock.install(time=clock if isinstance(clock, datetime) else None)
        page.on("console", lambda message: message.type in ("error", "warning") and complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(site.url + path)
        page.wait_for_selector(until)
        return page

    return visit
