"""The first minute of a newcomer: `portal demo` on an open page that is never reloaded."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser, expect

from tests.flow.portal import Portal

SOON_MS = 15_000


def test_the_script_changes_the_open_page_without_a_reload(browser: Browser, tmp_path: Path) -> None:
    with Portal(tmp_path / "log", "demo") as portal:
        context = browser.new_context(locale="en-US")
        page = context.new_page()
        page.goto(portal.url)
        page.evaluate("window.opened = true")

        expect(page.get_by_role("link", name="Audiobookshelf")).to_be_visible(timeout=SOON_MS)
        expect(page.get_by_role("link", name="Grafana answers 503")).to_be_visible(timeout=SOON_MS)
        expect(page.get_by_text("3 pull requests are waiting")).to_be_visible(timeout=SOON_MS)
        expect(page.get_by_role("link", name="Runbook")).to_be_visible(timeout=SOON_MS)
        expect(page.get_by_role("link", name="Grafana Dashboards")).to_be_visible(timeout=SOON_MS)

        assert page.evaluate("window.opened")
        context.close()
