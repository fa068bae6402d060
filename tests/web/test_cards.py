from __future__ import annotations

import pytest

from portal.model import Health
from portal.pace import Pace
from portal.resources import folder
from portal.web.cards import Card, DrawnCards
from portal.web.texts import Languages, Texts
from tests.web.houses import application

LANGUAGES = Languages(folder("static") / "i18n")
ENGLISH, GERMAN = LANGUAGES.texts("en-US"), LANGUAGES.texts("de-DE")


class Drawing:
    """What was drawn, in which language."""

    def __init__(self, room: int = 1000, pace: Pace | None = None) -> None:
        self.done: list[str] = []
        self.cards = DrawnCards(self.draw, pace or Pace(), room)

    def draw(self, card: Card, texts: Texts) -> str:
        self.done.append(f"{card.name} {texts.language}")
        return f"[{card.name} {card.status}]".ljust(100)


def test_a_card_is_drawn_once_in_each_language() -> None:
    drawing, entry = Drawing(), application("Jellyfin")

    drawn = [drawing.cards([entry], texts) for texts in (ENGLISH, GERMAN, ENGLISH, GERMAN)]

    assert drawing.done == ["Jellyfin en-US", "Jellyfin de-DE"]
    assert drawn[0] == drawn[2]


def test_a_card_is_drawn_again_when_its_entry_changed() -> None:
    drawing = Drawing()
    drawing.cards([application("Jellyfin")], ENGLISH)

    changed = drawing.cards([application("Jellyfin", health=Health(state="down"))], ENGLISH)

    assert len(drawing.done) == 2
    assert "Down" in changed


@pytest.mark.parametrize(("room", "times"), [(1000, 10), (500, 20), (50, 20)])
def test_cards_take_no_more_room_than_they_are_given(room: int, times: int) -> None:
    drawing = Drawing(room)
    entries = [application(f"App {number}") for number in range(10)]

    drawn = [drawing.cards(entries, ENGLISH) for _ in range(2)]

    assert len(drawing.done) == times
    assert drawn[0] == drawn[1]


def test_a_page_of_many_cards_lets_others_run() -> None:
    now, ways = [0.0], []
    drawing = Drawing(pace=Pace(clock=lambda: now[0], give_way=ways.append))

    for number in range(10):
        now[0] += 0.001
        drawing.cards([application(f"App {number}")], ENGLISH)

    assert len(ways) == 3
