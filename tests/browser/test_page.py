"""How the page looks and is used: without JavaScript, by keyboard, on a phone, in the dark."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from portal.availability.history import AvailabilityHistory, Bucket, StateChange
from portal.model import Health
from tests.browser.conftest import OpenSite, Visit
from tests.browser.site import entries_from_file
from tests.web.houses import NOON, application, bookmark

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


def shown(page: Page) -> list[str]:
    return page.locator(".card:visible .card-name").all_inner_texts()


def test_the_page_is_complete_without_javascript(open_site: OpenSite, visit: Visit) -> None:
    site = open_site(application("Jellyfin", info="Films", health=Health(state="up", latency_ms=24)), bookmark("News"))

    page = visit(site, java_script_enabled=False, until=".card")

    assert shown(page) == ["Jellyfin", "News"]
    expect(page.locator(".card-value").first).to_have_text("24 ms")
    page.locator(".search-field").fill("film")
    page.locator(".search-field").press("Enter")
    assert shown(page) == ["Jellyfin"]


def test_without_javascript_groups_can_be_closed(open_site: OpenSite, visit: Visit) -> None:
    page = visit(open_site(application("Jellyfin")), java_script_enabled=False, until=".card")

    page.locator("summary").click()

    expect(page.locator(".card")).to_be_hidden()


def test_nothing_is_asked_of_anybody_else(open_site: OpenSite, visit: Visit) -> None:
    site = open_site(*entries_from_file())
    page = visit(site)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    page.reload()
    page.wait_for_selector(".live[data-state=live]")

    assert asked
    assert [url for url in asked if not url.startswith(site.url)] == []


def test_typing_filters_and_enter_opens_the_best(open_site: OpenSite, visit: Visit) -> None:
    site = open_site(application("Jellyfin", info="Films"), application("Jenkins", url="/opened"), application("Nas"))
    page = visit(site)

    page.keyboard.type("jen")
    assert shown(page) == ["Jenkins"]
    page.keyboard.press("Enter")

    page.wait_for_url("**/opened")


SEARCHES = {
    "film": ["Jellyfin"],
    "house": ["Nas"],
    "jlfn": ["Jellyfin"],
    "admin": ["Zulu"],
    "nas.example": ["Nas"],
    "cafe": ["Café"],
    "films jelly": ["Jellyfin"],
    "qqq": [],
}


def test_search_finds_by_name_group_info_tags_and_host(open_site: OpenSite, visit: Visit) -> None:
    site = open_site(
        application("Jellyfin", info="Films"),
        application("Nas", "House"),
        application("Zulu", tags="admin"),
        application("Café", "Food"),
    )
    page = visit(site, "/admin")

    assert {query: found_by(page, query) for query in SEARCHES} == SEARCHES


def found_by(page: Page, query: str) -> list[str]:
    page.locator(".search-field").fill(query)
    return shown(page)


def test_arrows_choose_and_escape_shows_all_again(open_site: OpenSite, visit: Visit) -> None:
    page = visit(open_site(application("Alpha"), application("Alphabet"), application("Beta")))

    page.keyboard.press("/")
    expect(page.locator(".search-field")).to_be_focused()
    page.keyboard.type("alpha")
    expect(page.locator(".chosen .card-name")).to_have_text("Alpha")
    page.keyboard.press("ArrowDown")
    expect(page.locator(".chosen .card-name")).to_have_text("Alphabet")
    page.keyboard.press("Escape")

    assert shown(page) == ["Alpha", "Alphabet", "Beta"]
    expect(page.locator(".search-field")).to_have_value("")


def test_a_question_mark_searches_the_web(open_site: OpenSite, visit: Visit) -> None:
    site = open_site(application("Nas"))
    site.state.change_page(search_engine=f"{site.url}/search?for=")
    page = visit(site)

    page.keyboard.type("?what is it")
    with page.expect_popup() as popup:
        page.keyboard.press("Enter")

    assert popup.value.url == f"{site.url}/search?for=what%20is%20it"


def test_an_entry_that_comes_while_searching_is_filtered_too(open_site: OpenSite, visit: Visit) -> None:
    site = open_site(application("Jellyfin"), application("Nas"))
    page = visit(site)
    page.keyboard.type("jel")

    site.put(application("Jellyseerr"), application("Zulu"))

    expect(page.locator('.card[data-id="local/ingress/test/zulu"]')).to_be_attached()
    expect(page.locator(".card:visible .card-name")).to_have_text(["Jellyfin", "Jellyseerr"])


def test_a_closed_group_stays_closed_and_search_looks_into_it(open_site: OpenSite, visit: Visit) -> None:
    page = visit(open_site(application("Nas", "House"), application("Jellyfin")))
    page.locator(".group[data-key=house] summary").click()
    expect(page.locator(".group[data-key=house] .card")).to_be_hidden()

    page.reload()
    page.wait_for_selector(".live[data-state=live]")
    assert shown(page) == ["Jellyfin"]
    assert page.evaluate("localStorage.collapsedApplicationGroups") == '["house"]'
    page.keyboard.type("nas")

    assert shown(page) == ["Nas"]


def test_the_theme_can_be_chosen_and_is_kept(open_site: OpenSite, visit: Visit) -> None:
    page = visit(open_site(application("Nas")), color_scheme="light")
    expect(page.locator("html")).to_have_css("background-color", "rgb(248, 246, 241)")

    page.locator(".theme-switch").click(click_count=2, delay=50)
    expect(page.locator("html")).to_have_css("background-color", "rgb(35, 37, 48)")
    page.reload()

    expect(page.locator("html")).to_have_css("background-color", "rgb(35, 37, 48)")
    assert page.evaluate("localStorage.theme") == "dark"


def test_the_system_decides_about_dark(open_site: OpenSite, visit: Visit) -> None:
    page = visit(open_site(application("Nas")), color_scheme="dark")

    expect(page.locator("html")).to_have_css("background-color", "rgb(35, 37, 48)")


def test_on_a_phone_nothing_sticks_out_and_everything_can_be_touched(open_site: OpenSite, visit: Visit) -> None:
    page = visit(open_site(*entries_from_file()), **PHONE)

    assert page.evaluate("document.documentElement.scrollWidth") == 390
    heights = page.evaluate(
        "[...document.querySelectorAll('main .card-main, summary, .search-field, .theme-switch')]"
        ".map((each) => each.getBoundingClientRect().height)"
    )
    assert min(heights) >= 44


def test_a_change_of_health_moves_nothing(open_site: OpenSite, visit: Visit) -> None:
    site = open_site(*entries_from_file())
    page = visit(site)
    places = "[...document.querySelectorAll('.card')].map((each) => JSON.stringify(each.getBoundingClientRect()))"
    before = page.evaluate(places)

    site.judge("local/ingress/test/jellyfin", Health(state="down", reason="a reason " * 30, latency_ms=123456))
    expect(page.locator('.card[data-id="local/ingress/test/jellyfin"] .card-value')).to_have_text("Down")

    assert page.evaluate(places) == before


def test_with_reduced_motion_nothing_moves(open_site: OpenSite, visit: Visit) -> None:
    site = open_site(application("Alpha"))
    page = visit(site, reduced_motion="reduce")

    site.put(application("Beta"))
    page.wait_for_selector(".card.arriving, .card.fresh")

    assert page.evaluate("document.getAnimations().length") == 0


def test_the_page_speaks_the_visitors_language(open_site: OpenSite, visit: Visit) -> None:
    site = open_site(application("Nas", health=Health(state="up")))
    page = visit(site, locale="de-DE")
    expect(page.locator(".card-value")).to_have_text("Erreichbar")

    site.judge("local/ingress/test/nas", Health(state="down"))

    expect(page.locator(".card-value")).to_have_text("Ausgefallen")


def test_pressing_a_status_shows_the_last_day(open_site: OpenSite, visit: Visit) -> None:
    site = open_site(application("Nas", health=Health(state="down", reason="answers 503")))
    half_hours = (Bucket(time=NOON, uptime=1.0, latency_ms=24), Bucket(time=NOON, uptime=0.0), Bucket(time=NOON))
    site.state.histories["local/ingress/test/nas"] = AvailabilityHistory(
        id="local/ingress/test/nas",
        health=Health(state="down"),
        checks=(),
        changes=(StateChange(NOON, "down"),),
        buckets=half_hours,
        uptime=0.5,
    )
    page = visit(site)

    page.locator(".card-status").click()

    expect(page.locator(".history")).to_be_visible()
    expect(page.locator(".history-uptime")).to_have_text("Up 50% of the known time")
    expect(page.locator(".history-bar rect")).to_have_count(3)
    expect(page.locator(".history-changes li")).to_contain_text(["Down"])
    page.keyboard.press("Escape")
    expect(page.locator(".history")).to_be_hidden()


def test_the_status_of_an_application_without_a_history_opens_without_a_complaint(
    open_site: OpenSite, visit: Visit
) -> None:
    site = open_site(application("Nas", health=Health(state="up")))
    page = visit(site)

    page.locator(".card-status").click()

    expect(page.locator(".history-uptime")).to_have_text("Nothing is remembered yet")


def test_the_api_can_be_read_under_the_same_policy(open_site: OpenSite, visit: Visit) -> None:
    page = visit(open_site(), "/api/docs", until="details")

    page.locator("#getSnapshot summary").click()

    expect(page.locator("#getSnapshot")).to_contain_text("always 200", ignore_case=True)
