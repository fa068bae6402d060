"""The example configuration and the table in docs/configuration.md say what the code does."""

import re
from pathlib import Path

import pytest

from portal.settings.document import Members, document_from_text
from portal.settings.environment import variable
from portal.settings.loading import load
from portal.settings.reading import Found, Ignored, Rows, gather, keys_of
from portal.settings.tree import Settings

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "config" / "application.yaml"
KEYS = {key: takes for key, takes in keys_of(Settings) if not isinstance(takes, Ignored)}
ROWS = re.findall(
    r"^\| `([A-Za-z.]+)` \| `(.*?)` \| .*? \| .*? \| (?:`([A-Z_]+)`|none) \|$",
    (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8"),
    re.MULTILINE,
)


def uncommented() -> str:
    return re.sub(r"^  # ", "  ", EXAMPLE.read_text(encoding="utf-8"), flags=re.MULTILINE)


def given_by(text: str) -> set[str]:
    found = Found()
    document = document_from_text(text, "example", found.problems)
    assert isinstance(document, Members)
    assert isinstance(document.members[0].value, Members)
    gather(Settings, document.members[0].value, found, Settings)
    return set(found.given)


def test_the_example_as_it_stands_changes_nothing() -> None:
    loaded = load(EXAMPLE, {})

    assert (loaded.settings, loaded.warnings) == (Settings(), ())


def test_the_example_shows_every_key() -> None:
    assert given_by(uncommented()) == set(KEYS)


def test_the_example_shows_the_defaults(tmp_path: Path) -> None:
    path = tmp_path / "application.yaml"
    path.write_text(uncommented(), encoding="utf-8")

    assert load(path, {}).settings == Settings()


def test_the_table_has_every_key_once() -> None:
    assert sorted(key for key, _, _ in ROWS) == sorted(KEYS)


@pytest.mark.parametrize(("key", "default", "name"), ROWS)
def test_the_table_tells_the_default_and_the_variable(key: str, default: str, name: str, tmp_path: Path) -> None:
    path = tmp_path / "application.yaml"
    parts = key.split(".")
    path.write_text("startpunkt: {" + ": {".join(parts) + f": {default}" + "}" * len(parts), encoding="utf-8")

    assert load(path, {}).settings == Settings()
    assert name == ("" if isinstance(KEYS[key], Rows) else variable(key))
