"""A page stays open all day: what it hangs on dies, hangs or is replaced, and it does not stay behind."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from msgspec import structs
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from portal.model import Health, ResourceStatus
from tests.browser.conftest import OpenSite, Visit
from tests.browser.test_live import ALONE, IN_A_HURRY, SIX_MINUTES, VISIBLE
from tests.web.houses import NOON, SYNCED, application

BY_LEADER = "delete window.SharedWorker;"
COUNT_COUNTS = """() => {
  window.counts = 0;
  const all = Document.prototype.querySelectorAll;
  document.querySelectorAll = (what) => {
    if (what === ".part") window.counts += 1;
    return all.call(document, what);
  };
}"""
FRAMES_WAIT = "window.frames_waiting = []; requestAnimationFrame = (frame) => frames_waiting.push(frame)"
SNAPSHOT = "**/api/snapshot"
A_MINUTE = 60 * 1000


LATE = """() => {
  const limit = new AbortController();
  AbortSignal.timeout = () => limit.signal;
  window.late = () => { AbortSignal.timeout = () => undefined; limit.abort(); };
}"""
MUTE = """{
  const say = BroadcastChannel.prototype.postMessage;
  BroadcastChannel.prototype.postMessage = function (message) { if (!window.frozen) say.call(this, message); };
  const hear = Object.getOwnPropertyDescriptor(BroadcastChannel.prototype, "onmessage");
  Object.defineProperty(BroadcastChannel.prototype, "onmessage", {
    set(heard) { hear.set.call(this, (event) => window.frozen || heard(event)); },
  });
}"""


def kill_worker(browser: Browser) -> None:
    """Let the shared worker end, as a browser does that is short of memory."""
    session = browser.new_browser_cdp_session()
    found = session.send("Target.getTargets", {"filter": [{"type": "shared_worker"}]})["targetInfos"]
    session.send("Target.closeTarget", {"targetId": found[0]["targetId"]})


def hold(page: Page, address: str, **options: Any) -> list[Route]:
    """Leave requests without an answer, and return them."""
    held: list[Route] = []

    def keep(route: Route) -> None:
        held.append(route)

    page.route(address, keep, **options)
    return held


def test_when_the_shared_worker_dies_the_page_gets_another(open_site: OpenSite, visit: Visit, browser: Browser) -> None:
    site = open_site(application("Nas"))
    page = visit(site, clock=True)

    kill_worker(browser)
    site.wait(lambda: site.streams == 0)
    site.put(application("New"))
    page.clock.run_for(A_MINUTE)

    expect(page.locator(".card-name")).to_have_text(["Nas", "New"])
    assert site.streams == 1


def test_when_the_leading_tab_freezes_another_leads(
    open_site: OpenSite, visit: Visit, new_context: Callable[..., BrowserContext]
) -> None:
    site, context = open_site(application("Nas")), new_context()
    leader, other = (visit(site, context=context, script=BY_LEADER + MUTE, clock=True) for _ in range(2))

    leader.evaluate(VISIBLE, arg=False)
    leader.evaluate("window.frozen = true")
    site.put(application("New"))
    other.clock.run_for(A_MINUTE)
    expect(other.locator(".card-name")).to_have_text(["Nas", "New"])
    site.wait(lambda: site.streams == 1)
    leader.evaluate("window.frozen = false")
    leader.evaluate(VISIBLE, arg=True)
    site.put(application("Newest"))
    leader.clock.run_for(A_MINUTE)

    expect(leader.locator(".card-name")).to_have_text(["Nas", "New", "Newest"])
    expect(other.locator(".card-name")).to_have_text(["Nas", "New", "Newest"])
    site.wait(lambda: site.streams == 1)


def test_a_snapshot_that_never_comes_is_asked_for_again(open_site: OpenSite, visit: Visit) -> None:
    site = open_site(application("Nas"))
    page = visit(site, script=IN_A_HURRY)
    page.evaluate(LATE)
    hold(page, SNAPSHOT, times=1)
    site.quietly(lambda: site.put(application("New")))

    with page.expect_request(SNAPSHOT):
        site.lose_history()
    page.evaluate("late()")

    expect(page.locator(".card-name")).to_have_text(["Nas", "New"])


def test_an_answer_slower_than_the_asking_is_taken_all_the_same(open_site: OpenSite, visit: Visit) -> None:
    site = open_site(application("Nas"))
    site.state.change_page(realtime_enabled=False, refresh_interval=5)
    page = visit(site, until=".live[data-state=polling]", clock=True)
    snapshots = hold(page, SNAPSHOT)
    site.put(application("New"))

    with page.expect_request(SNAPSHOT):
        page.clock.run_for(5000)
    page.clock.run_for(5000)
    snapshots[0].continue_()

    expect(page.locator(".card-name")).to_have_text(["Nas", "New"])


def test_what_a_restart_brought_into_the_configuration_shows_too(open_site: OpenSite, visit: Visit) -> None:
    site = open_site(application("Nas"))
    page = visit(site, script=IN_A_HURRY)
    site.state.change_page(title="Home", config_error="config.yaml:3:1: web.titel")

    site.lose_history()

    expect(page.locator("h1")).to_have_text("Home")
    expect(page.locator(".notice")).to_contain_text("config.yaml:3:1: web.titel")


def test_of_two_themes_on_their_way_the_later_one_stays(open_site: OpenSite, visit: Visit) -> None:
    site = open_site(application("Nas"))
    page = visit(site, color_scheme="light")
    themes = hold(page, "**/theme.css?**")

    with page.expect_request("**/theme.css?**"):
        site.configure(title="First")
    with page.expect_request("**/theme.css?**"):
        site.configure(title="Second")
    expect(page.locator("h1")).to_have_text("Second")
    themes[1].fulfill(content_type="text/css", body=":root { --background: rgb(2, 2, 2) }")
    expect(page.locator("html")).to_have_css("background-color", "rgb(2, 2, 2)")
    themes[0].fulfill(content_type="text/css", body=":root { --background: rgb(1, 1, 1) }")

    expect(page.locator("link[href^='/theme.css']")).to_have_count(1)
    expect(page.locator("html")).to_have_css("background-color", "rgb(2, 2, 2)")


def test_a_connection_that_hangs_after_a_rest_is_opened_again(open_site: OpenSite, visit: Visit) -> None:
    site = open_site(application("Nas"))
    page = visit(site, script=ALONE, clock=True)
    page.evaluate(VISIBLE, arg=False)
    page.clock.fast_forward(SIX_MINUTES)
    site.wait(lambda: site.streams == 0)
    hold(page, "**/api/updates/stream**", times=1)
    site.put(application("New"))

    with page.expect_request("**/api/updates/stream**"):
        page.evaluate(VISIBLE, arg=True)
    page.clock.run_for(2 * A_MINUTE)

    expect(page.locator(".card-name")).to_have_text(["Nas", "New"])


def test_what_changes_while_nobody_looks_is_not_marked_as_fresh_for_good(open_site: OpenSite, visit: Visit) -> None:
    site = open_site(application("Nas", info="Old"))
    page = visit(site, script=FRAMES_WAIT)
    page.evaluate(VISIBLE, arg=False)

    site.put(application("Nas", info="New"))
    expect(page.locator(".card-info")).to_have_text("New")

    assert page.evaluate("window.frames_waiting.length") == 0


def test_a_late_history_does_not_come_under_the_name_of_another(open_site: OpenSite, visit: Visit) -> None:
    health = Health(state="up")
    site = open_site(application("Nas", health=health), application("Other", health=health))
    page = visit(site)
    late = hold(page, "**/api/availability/local/ingress/test/nas")
    page.route("**/api/availability/local/ingress/test/other", lambda route: route.fulfill(json={"uptime": 1}))

    page.locator(".card-status").first.click()
    page.locator(".card-status").last.click()
    expect(page.locator(".history")).to_be_visible()
    with page.expect_response("**/test/nas"):
        late[0].fulfill(json={"uptime": 0.5})
    page.evaluate("new Promise((done) => setTimeout(done, 100))")

    expect(page.locator(".history-name")).to_have_text("Other")
    expect(page.locator(".history-uptime")).to_have_text("Up 100% of the known time")


def test_many_cards_that_go_together_are_counted_once(open_site: OpenSite, visit: Visit) -> None:
    site = open_site(application("Nas"), *(application(f"App {number}") for number in range(200)))
    page = visit(site)
    page.evaluate(COUNT_COUNTS)

    site.drop(*(f"local/ingress/test/app-{number}" for number in range(200)))
    expect(page.locator(".group-count")).to_have_text("1")

    assert page.evaluate("window.counts") <= 20


def test_after_midnight_moments_say_their_day(open_site: OpenSite, visit: Visit) -> None:
    stale = ResourceStatus(name="Ingress", status="stale", last_contact=NOON)
    health = Health(state="down", reason="answers 503", since=NOON)
    site = open_site(application("Nas", health=health), application("Other"))
    site.sync(structs.replace(SYNCED, resource_status=(stale,)))
    page = visit(site, clock=NOON + timedelta(hours=2), timezone_id="UTC")
    site.put(application("Other", health=health))
    statuses = page.locator(".card-status")
    expect(statuses.last).to_have_attribute("title", "Down · answers 503 · since 12:00 PM")
    expect(page.locator(".notice time")).to_have_text("12:00 PM")

    page.clock.fast_forward("11:00:00")

    expect(page.locator(".card-detail")).to_have_text(["Down · answers 503 · since Nov 21, 12:00 PM"] * 2)
    expect(statuses.first).to_have_attribute("title", "Down · answers 503 · since Nov 21, 12:00 PM")
    expect(page.locator(".notice time")).to_have_text("Nov 21, 12:00 PM")
