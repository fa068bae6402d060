"""A changed configuration file is taken over, or refused; one that says the same is no news."""

from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from portal.runtime.reloading import Reloader
from portal.settings.loading import load
from portal.settings.tree import Settings


class Site:
    """A configuration file, and what its reloader makes known."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.taken: list[Settings] = []
        self.refused: list[str] = []
        self.registry = CollectorRegistry()
        self.path.write_text("startpunkt: {web: {title: Home}}")
        loaded = load(path, {})
        self._reloader = Reloader(loaded, {}, self.taken.append, self.refused.append, self.registry)

    def write(self, text: str) -> None:
        self.path.write_text(text)
        self._reloader.look()

    def count(self, result: str) -> float | None:
        return self.registry.get_sample_value("portal_config_reloads_total", {"result": result})


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path / "application.yaml")


def test_a_changed_key_is_taken(site: Site) -> None:
    site.write("startpunkt: {web: {title: Away}}")

    assert [settings.web.title for settings in site.taken] == ["Away"]


def test_a_file_that_says_the_same_in_other_words_is_no_news(site: Site) -> None:
    site.write("# ours\nportal:\n  web:\n    title: Home\n")

    assert (site.taken, site.refused) == ([], [])


def test_a_mistake_is_refused_and_going_back_is_news(site: Site) -> None:
    site.write("startpunkt: {web: {titel: Home}}")
    site.write("startpunkt: {web: {title: Home}}")

    assert site.refused == [f'{site.path}:1:20: web.titel: unknown key (did you mean "title"?)']
    assert [settings.web.title for settings in site.taken] == ["Home"]


def test_several_mistakes_are_shown_as_the_first_and_how_many_more(site: Site) -> None:
    site.write("startpunkt: {web: {titel: Home}, cach: {}, watsh: {}}")

    assert site.refused == [f'{site.path}:1:20: web.titel: unknown key (did you mean "title"?) (and 2 more)']


def test_reloads_are_counted_from_nought_on(site: Site) -> None:
    before = (site.count("taken"), site.count("refused"))

    site.write("startpunkt: {web: {titel: Home}}")

    assert (before, site.count("taken"), site.count("refused")) == ((0, 0), 0, 1)
