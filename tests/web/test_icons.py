"""Icons come from us, whatever an entry says."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import yaml
from flask.testing import FlaskClient

from portal.model import Entry
from portal.resources import folder
from portal.web.colours import contrast, is_colour, legible, rgb_from_text
from portal.web.drawing import DARK_SURFACE, LIGHT_SURFACE, letter_tile
from portal.web.house import DARK, LIGHT, ThemeColours
from portal.web.icon_sets import IconName, IconSets, name_from_text
from portal.web.theme import properties
from tests.web.houses import application, bookmark, state

NAMES = yaml.safe_load(Path(__file__).with_name("icon_names.yaml").read_text())
PNG = b"\x89PNG..."


@pytest.mark.parametrize("case", NAMES, ids=lambda case: case["written"].strip())
def test_an_icon_is_named_in_many_ways(case: dict[str, str]) -> None:
    assert name_from_text(case["written"]) == IconName(case["set"], case["slug"])


@pytest.mark.parametrize("written", ["", "fa:home", "mdi:", "mdi:../etc", "two words", "mdi:a/b"])
def test_what_names_no_icon_of_ours_names_none(written: str) -> None:
    assert name_from_text(written) is None


@pytest.mark.parametrize(
    "name", [IconName("mdi", "home"), IconName("simple-icons", "home-assistant"), IconName("simple-icons", "jellyfin")]
)
def test_the_sets_have_it(name: Any) -> None:
    found = IconSets(folder("static") / "icons").find(name)

    assert found is not None
    assert found.path[0] in "Mm"


@pytest.mark.parametrize("name", [IconName("mdi", "no-such-icon"), IconName("simple-icons", "zzz")])
def test_an_icon_that_is_not_there_is_none(name: Any) -> None:
    assert IconSets(folder("static") / "icons").find(name) is None


@pytest.mark.parametrize(
    "path",
    [
        "/icons/of?icon=mdi:home&name=Home",
        "/icons/of?icon=unknown-thing&name=Home",
        "/icons/of?name=%C3%84rger",
        "/icons/of?name=%26%3C",
        "/icons/of",
        "/icons/mdi/home.svg?color=%23ff0000",
        "/icons/si/jellyfin.svg",
        "/icons/nowhere/home.svg",
    ],
)
def test_every_address_gives_a_picture(path: str) -> None:
    answer = state().client().get(path)

    assert (answer.status_code, answer.content_type) == (200, "image/svg+xml")
    assert ET.fromstring(answer.data).tag == "{http://www.w3.org/2000/svg}svg"


def test_a_picture_cannot_do_anything() -> None:
    headers = state().client().get("/icons/of?icon=nas").headers

    assert headers["Content-Security-Policy"] == "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_a_colour_is_applied() -> None:
    assert b"color:#ff0000" in state().client().get("/icons/of?icon=nas&color=%23ff0000").data


@pytest.mark.parametrize("colour", ["red;}", "url(x)", "</style><script>", "#ggg", "expression(alert(1))"])
def test_what_is_no_colour_is_not_applied(colour: str) -> None:
    client = state().client()

    assert (
        client.get("/icons/of", query_string={"icon": "nas", "color": colour}).data
        == client.get("/icons/of?icon=nas").data
    )


def test_a_letter_has_always_the_same_colour_for_the_same_name() -> None:
    assert letter_tile("Nas") == letter_tile("NAS")
    assert letter_tile("Nas") != letter_tile("Nextcloud")


@pytest.mark.parametrize("brand", ["#000000", "#ffffff", "#FCC624", "#2496ED"])
@pytest.mark.parametrize("surface", [LIGHT_SURFACE, DARK_SURFACE])
def test_a_brands_colour_is_moved_until_it_can_be_seen(brand: str, surface: Any) -> None:
    colour = legible(rgb_from_text(brand), surface, 3.1)

    assert contrast(colour, surface) >= 3.1


def test_a_colour_that_can_be_seen_is_kept() -> None:
    assert legible((0, 0, 0), (255, 255, 255), 4.5) == (0, 0, 0)


@pytest.mark.parametrize("colours", [LIGHT, DARK, ThemeColours("#888888", "#808080", "#999", "#777777", "#8f8f8f")])
@pytest.mark.parametrize("name", ["--text", "--name", "--title", "--accent-text", "--up", "--degraded", "--down"])
@pytest.mark.parametrize("ground", ["--background", "--surface", "--raised"])
def test_text_in_a_theme_can_be_read(colours: ThemeColours, name: Any, ground: str) -> None:
    made = properties(colours)

    assert contrast(rgb_from_text(made[name]), rgb_from_text(made[ground])) >= 4.5


def test_a_theme_in_words_is_taken_over() -> None:
    made = properties(ThemeColours("white", "rgb(1 2 3)", "black", "navy", "hsl(120 50% 50%)"))

    assert (made["--background"], made["--text"], made["--name"]) == ("white", "rgb(1 2 3)", "navy")


@pytest.mark.parametrize("text", ["#abc", "#aabbcc", "#aabbccdd", "red", "rgb(1, 2, 3)", "hsl(120deg 50% 50% / 0.5)"])
def test_a_colour_is_a_colour(text: str) -> None:
    assert is_colour(text)


@pytest.mark.parametrize("text", ["", "#ab", "red;", "var(--x)}", "rgb(1,2,3", "a b", "url(http://x)"])
def test_what_is_no_colour_is_none(text: str) -> None:
    assert not is_colour(text)


def remote(found: Any, *entries: Entry) -> tuple[FlaskClient, list[str]]:
    house, asked = state(*entries), []
    house.fetch = lambda url: asked.append(url) or found
    return house.client(), asked


def test_an_icon_from_elsewhere_is_fetched_by_us() -> None:
    client, asked = remote(("image/png", PNG), bookmark("News", icon="https://example.com/a.png"))

    answer = client.get("/icons/of", query_string={"icon": "https://example.com/a.png", "name": "News"})

    assert (answer.data, answer.content_type, asked) == (PNG, "image/png", ["https://example.com/a.png"])
    assert "sandbox" in answer.headers["Content-Security-Policy"]


def test_only_the_addresses_of_entries_are_fetched() -> None:
    client, asked = remote(("image/png", PNG), application("Nas", icon="https://example.com/a.png"))

    answer = client.get("/icons/of", query_string={"icon": "https://example.com/b.png", "name": "Nas"})

    assert (answer.content_type, asked) == ("image/svg+xml", [])


def test_an_icon_that_cannot_be_had_is_a_letter() -> None:
    client, _ = remote(None, application("Nas", icon="https://example.com/a.png"))

    answer = client.get("/icons/of", query_string={"icon": "https://example.com/a.png", "name": "Nas"})

    assert b">N</text>" in answer.data
