"""The page as the server renders it: complete without JavaScript."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from msgspec import structs

from portal.model import Health, Link, ResourceStatus
from tests.web.houses import NOON, SYNCED, HouseState, application, bookmark, state


def page(house: HouseState, path: str = "/", **headers: str) -> str:
    return house.client().get(path, headers=headers).text


def cards(html: str) -> list[str]:
    """Return the cards of a page, the template's empty one left out."""
    return re.findall(r'<li class="card" data-id=.*?\n</li>', html, re.DOTALL)


def test_a_card_shows_name_link_icon_and_info() -> None:
    card = cards(page(state(application("Jellyfin", icon="mdi:movie", info="Films"))))[0]

    assert '<a class="card-main" href="https://jellyfin.example.com" rel="noopener">' in card
    assert '<span class="card-name" dir="auto">Jellyfin</span>' in card
    assert '<span class="card-info" dir="auto">Films</span>' in card
    assert 'src="/icons/of?icon=mdi%3Amovie&amp;name=Jellyfin"' in card


def test_a_card_opens_a_new_tab_only_where_it_is_asked_to() -> None:
    card = cards(page(state(application("Nas", target_blank=True))))[0]

    assert 'target="_blank" rel="noopener"' in card


@pytest.mark.parametrize(
    ("health", "status"),
    [
        (Health(state="up", latency_ms=24), "24 ms"),
        (Health(state="up"), "Up"),
        (Health(state="down", http_status=503), "Down"),
        (Health(state="degraded", ready=1, total=2), "1/2"),
        (Health(state="unknown"), "Unknown"),
    ],
)
def test_health_is_shown_in_a_word(health: Health, status: str) -> None:
    card = cards(page(state(application("Nas", health=health))))[0]

    assert f'<span class="card-value" aria-hidden="true">{status}</span>' in card
    assert f'data-state="{health.state}"' in card


def test_an_application_that_is_down_says_why_and_stays_a_link() -> None:
    health = Health(state="down", http_status=503, reason="answers 503", ready=0, total=2)
    card = cards(page(state(application("Nas", health=health, available=False))))[0]

    assert '<span class="card-reason" dir="auto">answers 503</span>' in card
    assert 'title="Down · answers 503 · 0 of 2 ready"' in card
    assert 'href="https://nas.example.com"' in card


def test_an_application_that_nobody_checks_shows_no_status() -> None:
    assert re.search(r'class="card-status"[^>]* hidden', cards(page(state(application("Nas"))))[0])


def test_further_links_and_tags_are_shown() -> None:
    entry = application("Nas", tags="admin, dev", links=(Link("https://b.example.com", "b.example.com"),))
    card = cards(page(state(entry), "/dev"))[0]

    assert '<a href="https://b.example.com" rel="noopener">b.example.com</a>' in card
    assert '<li class="tag">admin</li>' in card


def test_text_from_the_cluster_is_text() -> None:
    html = page(state(application("<script>alert(1)</script>", info='"><img src=x>')))

    assert "<script>alert(1)" not in html
    assert "<img src=x>" not in html


@pytest.mark.parametrize(("path", "shown"), [("/", 1), ("/admin", 2), ("/,", 3), ("/admin,dev", 3), ("/unknown", 1)])
def test_the_address_filters_by_tags(path: str, shown: object) -> None:
    house = state(application("Open"), application("Admin", tags="admin"), application("Dev", tags="dev"))

    assert len(cards(page(house, path))) == shown


def test_bookmarks_are_shown_whatever_the_tags() -> None:
    assert len(cards(page(state(bookmark("News")), "/admin"))) == 1


@pytest.mark.parametrize(("query", "shown"), [("jelly", 1), ("FILMS", 1), ("media", 2), ("nothing", 0)])
def test_without_javascript_the_search_field_filters(query: str, shown: object) -> None:
    house = state(application("Jellyfin", info="Films"), application("Nas"))

    assert len(cards(page(house, f"/?q={query}"))) == shown


def test_the_empty_page_is_200_and_explains_what_to_do() -> None:
    answer = state().client().get("/")

    assert answer.status_code == 200
    assert "startpunkt.ullberg.us/enable: &#34;true&#34;" in answer.text or 'enable: "true"' in answer.text
    assert '<section class="empty">' in answer.text


def test_the_page_says_where_to_go_on_from() -> None:
    assert 'data-position="e.1"' in page(state())


def test_the_page_holds_one_empty_card_as_template() -> None:
    assert page(state()).count('<template id="card-template">') == 1


@pytest.mark.parametrize(
    ("accept", "language", "word"),
    [
        ("de-DE,de;q=0.9,en;q=0.8", "de-DE", "Suche"),
        ("sv", "sv-SE", "Sök"),
        ("fr, de;q=0.5", "de-DE", "Suche"),
        ("fr", "en-US", "Search"),
        ("", "en-US", "Search"),
    ],
)
def test_the_page_speaks_a_language_that_the_browser_likes(accept: str, language: str, word: str) -> None:
    html = page(state(), **{"Accept-Language": accept})

    assert f'<html lang="{language}">' in html
    assert f'aria-label="{word}"' in html


def test_the_page_speaks_the_default_language_to_all_others() -> None:
    house = state()
    house.change_page(default_language="sv-SE")

    assert '<html lang="sv-SE">' in page(house, **{"Accept-Language": "fr"})


def test_caches_keep_the_languages_apart() -> None:
    assert "Accept-Language" in state().client().get("/").headers["Vary"]


def test_the_page_admits_what_it_cannot_see() -> None:
    house = state(application("Nas"))
    stale = ResourceStatus(name="Ingress", status="stale", last_contact=NOON + timedelta(minutes=42))
    older = ResourceStatus(name="HTTPRoute", status="stale", last_contact=NOON)
    refused = ResourceStatus(name="Route", status="forbidden", error="routes is forbidden")
    house.change_sync(structs.replace(SYNCED, resource_status=(stale, older, refused)))

    html = page(house)

    assert "Ingress, HTTPRoute: no contact since " in html
    assert '<time datetime="2026-11-21T12:00:00.000Z">12:00 UTC</time>' in html
    assert "Route: portal is not allowed to read this (403). routes is forbidden" in html


def test_the_page_admits_a_mistake_in_the_configuration() -> None:
    house = state()
    house.change_page(config_error="config.yaml:3:1: web.titel is unknown")

    assert "config.yaml:3:1: web.titel is unknown" in page(house)


def test_the_page_says_that_it_is_from_before_the_restart() -> None:
    house = state(application("Nas"))
    house.change_sync(structs.replace(SYNCED, restored=NOON))

    assert '<li class="notice" data-kind="restored">' in page(house)


def test_absent_kinds_are_no_news() -> None:
    assert '<ul class="notices" aria-label="Notices" hidden>' in page(state())


def test_progress_is_shown_while_the_cluster_is_read() -> None:
    house = state()
    house.change_sync(structs.replace(SYNCED, status="in_progress", synced_resources=1))

    html = page(house)

    assert re.search(r'<progress class="sync" max="2" value="1" aria-label="[^"]+"></progress>', html)
    assert '<p class="empty-syncing">' in html


@pytest.mark.parametrize("path", ["/favicon.ico", "/graphql", "/q", "/static", "/robots.txt", "/a/b"])
def test_reserved_addresses_are_no_tags(path: str) -> None:
    answer = state().client().get(path)

    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")


def test_a_wrong_method_is_a_problem_on_the_page_too() -> None:
    answer = state().client().post("/")

    assert (answer.status_code, answer.mimetype) == (405, "application/problem+json")
    assert "GET" in answer.headers["Allow"]


def test_every_answer_forbids_what_does_not_come_from_us() -> None:
    headers = state().client().get("/").headers

    assert headers["Content-Security-Policy"].startswith("default-src 'self';")
    assert "frame-ancestors 'self'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"


def test_nothing_is_inline() -> None:
    html = page(state(application("Nas", health=Health(state="up")), bookmark("News")))

    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]* src=)", html)


def test_all_languages_have_the_same_keys() -> None:
    client = state().client()
    english, german, swedish = (client.get(f"/api/i8n/{name}").json for name in ("en-US", "de-DE", "sv-SE"))

    assert english.keys() == german.keys() == swedish.keys()


def test_the_first_view_is_small() -> None:
    house = state(*(application(f"Application {number}", f"Group {number % 9}") for number in range(60)))
    client = house.client()
    compressed = {"Accept-Encoding": "gzip"}
    html = client.get("/", headers=compressed)
    paths = set(re.findall(r'(?:href|src|data-texts)="(/(?:static|theme)[^"]+)"', client.get("/").text))

    total = len(html.data) + sum(len(client.get(path, headers=compressed).data) for path in paths)

    assert total < 60_000
