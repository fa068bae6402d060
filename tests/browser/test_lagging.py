"""A snapshot may be behind the stream, or ahead of it: nothing is lost, and nothing comes back."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page, Route, expect

from portal.model import Health, Position
from tests.browser.conftest import OpenSite, Visit
from tests.browser.site import LiveSite
from tests.browser.test_live import IN_A_HURRY, NAS
from tests.browser.test_long_day import SNAPSHOT, hold
from tests.web.houses import application

NEW = "local/ingress/test/new"


def snapshot(site: LiveSite) -> dict[str, Any]:
    """Return the snapshot of now, as a replica keeps it that falls behind."""
    return dict(site.app.test_client().get("/api/snapshot").json)


def answer_once(page: Page, *documents: dict[str, Any]) -> None:
    """Answer the next requests for a snapshot with these, and then with what is."""
    rest = iter(documents)

    def answer(route: Route) -> None:
        document = next(rest, None)
        route.continue_() if document is None else route.fulfill(json=document)

    page.route(SNAPSHOT, answer)


def awaiting(open_site: OpenSite, visit: Visit) -> tuple[LiveSite, Page, list[Route]]:
    """Return a page that was told RESET, and the question for a snapshot that it waits for."""
    site = open_site(application("Nas"))
    page = visit(site, script=IN_A_HURRY)
    snapshots = hold(page, SNAPSHOT, times=1)
    with page.expect_request(SNAPSHOT):
        site.lose_history()
    return site, page, snapshots


def test_a_snapshot_older_than_the_stream_is_asked_for_again(open_site: OpenSite, visit: Visit) -> None:
    site = open_site(application("Nas"))
    page = visit(site, script=IN_A_HURRY)
    old = {**snapshot(site), "position": "another.9"}
    site.put(application("New"))
    expect(page.locator(".card-name")).to_have_text(["Nas", "New"])
    answer_once(page, old)

    with page.expect_response(SNAPSHOT), page.expect_response(SNAPSHOT):
        site.hub.restart(Position("another", 10), reason="slow")
    page.wait_for_timeout(2500)

    expect(page.locator(".card-name")).to_have_text(["Nas", "New"])


def test_what_comes_while_a_snapshot_is_awaited_shows_at_once_and_stays(open_site: OpenSite, visit: Visit) -> None:
    site, page, snapshots = awaiting(open_site, visit)
    of_then = snapshot(site)

    site.put(application("New", health=Health(state="up")))
    expect(page.locator(".card-name")).to_have_text(["Nas", "New"])
    site.judge(NEW, Health(state="down", reason="answers 503"))
    site.drop(NAS)
    expect(page.locator(".card-name")).to_have_text(["New"])
    with page.expect_response(SNAPSHOT):
        snapshots[0].fulfill(json=of_then)
    page.wait_for_timeout(300)

    expect(page.locator(".card-name")).to_have_text(["New"])
    expect(page.locator(".card-reason")).to_have_text("answers 503")


def test_an_event_that_a_snapshot_already_knows_changes_nothing(open_site: OpenSite, visit: Visit) -> None:
    site, page, snapshots = awaiting(open_site, visit)

    page.wait_for_timeout(100)
    ahead = {**snapshot(site), "position": f"another.{site.hub.head.offset + 1}"}
    with page.expect_response(SNAPSHOT):
        snapshots[0].fulfill(json=ahead)
    page.wait_for_timeout(100)
    site.put(application("Gone"))
    site.put(application("New"))

    expect(page.locator(".card-name")).to_have_text(["Nas", "New"])


def test_a_snapshot_of_another_history_is_taken_when_there_is_no_other(open_site: OpenSite, visit: Visit) -> None:
    site = open_site(application("Nas"))
    page = visit(site, script=IN_A_HURRY)
    other = {**snapshot(site), "position": "elsewhere.1", "applications": []}
    page.route(SNAPSHOT, lambda route: route.fulfill(json=other))

    site.lose_history()

    expect(page.locator(".card-name")).to_have_count(0, timeout=15_000)
