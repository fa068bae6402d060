"""What happens in the cluster happens on the open page, in place and without a reload."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec import structs
from playwright.sync_api import BrowserContext, Page, Route, expect

from portal.model import Health, Link, ResourceStatus
from portal.web.house import DARK
from tests.browser.conftest import OpenSite, Visit
from tests.web.houses import NOON, SYNCED, application, bookmark

IN_A_HURRY = "Math.random = () => 0.01"
ALONE = "delete window.SharedWorker; delete Navigator.prototype.locks"
VISIBLE = """(visible) => {
  Object.defineProperty(document, "hidden", { value: !visible, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""
SIX_MINUTES = 6 * 60 * 1000
NAS = "local/ingress/test/nas"


def names(page: Page, kind: str = "application") -> list[str]:
    return page.locator(f".groups[data-kind={kind}] .card:not(.leaving) .card-name").all_inner_texts()


def groups(page: Page) -> list[str]:
    return [text.lower() for text in page.locator(".group-name").all_inner_texts()]


def card(page: Page, entry_id: str):  # noqa: ANN201 - a locator
    return page.locator(f'.card[data-id="{entry_id}"]')


def test_an_added_application_appears_in_its_place(open_site: OpenSite, visit: Visit) -> None:
    site = open_site(application("Alpha"), application("Gamma"))
    page = visit(site)

    site.put(application("beta", "MEDIA", icon="mdi:home", info="Second"))

    expect(card(page, "local/ingress/test/beta").locator(".card-info")).to_have_text("Second")
    assert names(page) == ["Alpha", "beta", "Gamma"]
    assert groups(page) == ["media"]


def test_an_entry_that_comes_looks_as_one_that_was_there(open_site: OpenSite, visit: Visit) -> None:
    health = Health(state="down", http_status=503, reason="answers 503", latency_ms=12, since=NOON, ready=0, total=2)
    entry = application(
        "Nas", icon="nas", icon_color="#ff0000", tags="admin, dev", info="Storage", health=health, available=False,
        target_blank=True, links=(Link("https://b.example.com", "b.example.com"),), location=5,
    )  # fmt: skip
    site = open_site(application("Other"))
    page = visit(site, "/admin")
    site.put(entry)
    card(page, NAS).wait_for()
    expect(page.locator(".fresh, .arriving")).to_have_count(0)
    came = normal(page)

    page.reload()
    page.wait_for_selector(".live[data-state=live]")

    assert normal(page) == came


def normal(page: Page) -> str:
    """Return the cards without spaces between elements and without the order of attributes."""
    return page.evaluate("""() => {
      const say = (node) => node.nodeType === 3 ? node.data.trim() : `<${node.tagName}${[...node.attributes]
        .map(({name, value}) => ` ${name}=${value}`).filter((each) => each !== " class=card ").sort().join("")}>${
        [...node.childNodes].map(say).join("")}`;
      return say(document.querySelector(".groups"));
    }""").replace("class=card ", "class=card")


def test_a_changed_application_changes_in_place(open_site: OpenSite, visit: Visit) -> None:
    site = open_site(application("Nas", info="Old"), application("Other"))
    page = visit(site)
    page.evaluate("window.kept = document.querySelector('.card')")

    site.put(application("Nas", info="New"))

    expect(card(page, NAS).locator(".card-info")).to_have_text("New")
    assert page.evaluate("window.kept.isConnected")


def test_an_application_moves_when_its_place_changes(open_site: OpenSite, visit: Visit) -> None:
    site = open_site(application("Alpha"), application("Nas"))
    page = visit(site)

    site.put(structs.replace(application("Nas"), location=1))

    expect(page.locator(".card-name").first).to_have_text("Nas")


def test_groups_come_and_go_with_their_entries(open_site: OpenSite, visit: Visit) -> None:
    site = open_site(application("Nas", "House"), application("Films", "Media"))
    page = visit(site)

    site.put(structs.replace(application("Nas"), group="Access"))

    expect(page.locator(".group")).to_have_count(2)
    page.wait_for_selector(".group[data-key=access]")
    assert groups(page) == ["access", "media"]


def test_a_removed_entry_goes_and_the_empty_page_explains_itself(open_site: OpenSite, visit: Visit) -> None:
    site = open_site(bookmark("News"))
    page = visit(site)

    site.drop("local/bookmark/test/news")

    expect(page.locator(".empty")).to_be_visible()
    expect(page.locator(".card")).to_have_count(0)


def test_health_changes_in_place(open_site: OpenSite, visit: Visit) -> None:
    site = open_site(application("Nas", health=Health(state="up", latency_ms=3)))
    page = visit(site)

    site.judge(NAS, Health(state="down", reason="refuses connections"))

    expect(card(page, NAS).locator(".card-value")).to_have_text("Down")
    expect(card(page, NAS).locator(".card-reason")).to_have_text("refuses connections")
    assert card(page, NAS).locator("a.card-main").get_attribute("href") == "https://nas.example.com"
    expect(page.locator("#announcer")).to_have_text("Nas: Down")


def test_a_page_with_tags_follows_only_what_it_shows(open_site: OpenSite, visit: Visit) -> None:
    site = open_site(application("Open"))
    page = visit(site, "/admin")

    site.put(application("Dev", tags="dev"), application("Admin", tags="ADMIN"), application("Zero"))
    expect(page.locator(".card-name")).to_have_text(["Admin", "Open", "Zero"])
    site.put(structs.replace(application("Admin"), tags="dev"))

    expect(page.locator(".card-name")).to_have_text(["Open", "Zero"])


def test_after_a_reset_the_page_shows_what_is(open_site: OpenSite, visit: Visit) -> None:
    site = open_site(application("Gone"), application("Nas", info="Old"), bookmark("News"))
    page = visit(site, script=IN_A_HURRY)
    site.quietly(lambda: (site.drop("local/ingress/test/gone"), site.put(application("Nas", info="New"))))

    site.lose_history()

    expect(page.locator(".card-name")).to_have_text(["Nas", "News"])
    expect(card(page, NAS).locator(".card-info")).to_have_text("New")


def test_after_a_restart_of_the_server_the_page_shows_what_is(open_site: OpenSite, visit: Visit) -> None:
    site = open_site(application("Before"))
    page = visit(site, script=IN_A_HURRY)
    site.close()
    expect(page.locator(".live")).to_have_attribute("data-state", "reconnecting")

    open_site(application("After"), port=int(site.url.rpartition(":")[2]))

    expect(page.locator(".card-name")).to_have_text(["After"], timeout=30_000)
    expect(page.locator(".live")).to_have_attribute("data-state", "live")


def test_progress_and_notices_follow_the_sync(open_site: OpenSite, visit: Visit) -> None:
    site = open_site(application("Nas"))
    page = visit(site)
    stale = ResourceStatus(name="Ingress", status="stale", last_contact=NOON)

    site.sync(structs.replace(SYNCED, status="in_progress", synced_resources=1, resource_status=(stale,)))
    expect(page.locator("progress.sync")).to_be_visible()
    expect(page.locator(".notice")).to_contain_text("Ingress: no contact since")
    site.sync(SYNCED)

    expect(page.locator("progress.sync")).to_be_hidden()
    expect(page.locator(".notices")).to_be_hidden()


def test_an_open_page_says_that_it_is_from_before_the_restart_until_all_of_it_is_confirmed(
    open_site: OpenSite, visit: Visit
) -> None:
    site = open_site(application("Nas"))
    site.sync(structs.replace(SYNCED, status="in_progress", restored=NOON))
    page = visit(site)
    notice = page.locator(".notice[data-kind=restored]")

    site.sync(structs.replace(SYNCED, restored=NOON))
    expect(page.locator("progress.sync")).to_be_hidden()
    expect(notice).to_contain_text("before the restart")
    site.sync(SYNCED)

    expect(notice).to_have_count(0)


def test_a_new_configuration_shows_without_a_reload(open_site: OpenSite, visit: Visit) -> None:
    site = open_site(application("Nas"))
    page = visit(site, color_scheme="light")

    site.configure(title="Home", light=DARK, config_error="config.yaml:3:1: web.titel")

    expect(page.locator("h1")).to_have_text("Home")
    expect(page.locator(".notice")).to_contain_text("config.yaml:3:1: web.titel")
    expect(page.locator("html")).to_have_css("background-color", "rgb(35, 37, 48)")


@pytest.mark.parametrize("script", ["void 0", "delete window.SharedWorker"], ids=["shared worker", "leader"])
def test_tabs_share_one_connection(
    open_site: OpenSite, visit: Visit, new_context: Callable[..., BrowserContext], script: str
) -> None:
    site, context = open_site(application("Nas")), new_context()
    pages = [visit(site, context=context, script=script) for _ in range(3)]

    site.put(application("New"))

    expect(pages[0].locator(".card-name")).to_have_text(["Nas", "New"])
    expect(pages[2].locator(".card-name")).to_have_text(["Nas", "New"])
    assert site.streams == 1


def test_when_the_leading_tab_closes_another_leads(
    open_site: OpenSite, visit: Visit, new_context: Callable[..., BrowserContext]
) -> None:
    site, context = open_site(application("Nas")), new_context()
    leader, other = (visit(site, context=context, script="delete window.SharedWorker") for _ in range(2))

    leader.close()
    site.wait(lambda: site.streams == 1)
    site.put(application("New"))

    expect(other.locator(".card-name")).to_have_text(["Nas", "New"])


def test_without_worker_and_locks_a_tab_has_a_connection_of_its_own(open_site: OpenSite, visit: Visit) -> None:
    site = open_site(application("Nas"))
    page = visit(site, script=ALONE)

    site.put(application("New"))

    expect(page.locator(".card-name")).to_have_text(["Nas", "New"])


def test_a_tab_that_joins_late_gets_what_it_missed(
    open_site: OpenSite, visit: Visit, new_context: Callable[..., BrowserContext]
) -> None:
    site, context = open_site(application("Nas")), new_context()
    first = visit(site, context=context)
    second = context.new_page()
    second.add_init_script(IN_A_HURRY)
    second.route("**/main.js", lambda route: (site.put(application("New")), route.continue_()))

    second.goto(site.url)

    expect(second.locator(".card-name")).to_have_text(["Nas", "New"])
    expect(first.locator(".card-name")).to_have_text(["Nas", "New"])


def test_without_realtime_the_page_asks_now_and_then(open_site: OpenSite, visit: Visit) -> None:
    site = open_site(application("Nas"))
    site.state.change_page(realtime_enabled=False, refresh_interval=1)
    page = visit(site, until=".live[data-state=polling]")

    site.put(application("New"))

    expect(page.locator(".card-name")).to_have_text(["Nas", "New"])
    expect(page.locator(".live-word")).to_have_text("Asks every 1 s")
    assert site.streams == 0


def test_a_connection_that_was_closed_for_good_is_opened_again(
    open_site: OpenSite, new_context: Callable[..., BrowserContext]
) -> None:
    site, page = open_site(application("Nas")), new_context().new_page()
    page.add_init_script(f"{ALONE}; {IN_A_HURRY}")
    refusals = iter((503, 502, 204))
    page.route("**/api/updates/stream**", lambda route: refuse(route, next(refusals, None)))

    page.goto(site.url)

    expect(page.locator(".live")).to_have_attribute("data-state", "live")
    assert next(refusals, None) is None


def refuse(route: Route, status: int | None) -> None:
    if status is None:
        route.continue_()
    else:
        route.fulfill(status=status)


def test_a_page_that_nobody_looks_at_rests_and_goes_on_when_it_is_seen(open_site: OpenSite, visit: Visit) -> None:
    site = open_site(application("Nas"))
    page = visit(site, script=ALONE, clock=True)

    page.evaluate(VISIBLE, arg=False)
    page.clock.fast_forward(SIX_MINUTES)
    site.wait(lambda: site.streams == 0)
    site.put(application("New"))
    page.evaluate(VISIBLE, arg=True)

    expect(page.locator(".card-name")).to_have_text(["Nas", "New"])
