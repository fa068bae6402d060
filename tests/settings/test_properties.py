"""Whatever somebody writes into a file or a variable, they get settings or lines that say where it is wrong."""

import tempfile
from collections.abc import Mapping
from pathlib import Path

import yaml
from hypothesis import given
from hypothesis import strategies as st

from portal.settings.environment import variable
from portal.settings.errors import SettingsError
from portal.settings.kinds import SECONDS_BY_UNIT, spoken
from portal.settings.loading import Loaded, load
from portal.settings.reading import keys_of
from portal.settings.tree import Settings

KEYS = [key for key, _ in keys_of(Settings)]
WORDS = st.sampled_from(
    sorted({part for key in KEYS for part in key.split(".")} | {"startpunkt", "portal", "%dev", "zzz"})
)
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.dates(), st.just("5m")
)
TREES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4), max_leaves=20
)


def outcome(content: bytes, environ: Mapping[str, str]) -> Loaded | list[str]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "application.yaml"
        path.write_bytes(content)
        try:
            return load(path, environ)
        except SettingsError as error:
            return str(error).split("\n")


def is_told_well(result: Loaded | list[str]) -> bool:
    """Tell whether there are settings, or lines that each say where and what."""
    return isinstance(result, Loaded) or all(line.count(": ") >= 1 and line.isprintable() for line in result)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_explained(content: bytes) -> None:
    assert is_told_well(outcome(content, {}))


@given(st.text(alphabet="ab:-[]{}&*!|>#%@'\"\t\n ,<", max_size=80))
def test_any_yaml_is_read_or_explained(text: str) -> None:
    assert is_told_well(outcome(f"startpunkt:\n {text}".encode(), {}))


@given(st.dictionaries(WORDS, TREES, max_size=4))
def test_any_tree_of_known_words_is_read_or_explained(tree: dict[str, object]) -> None:
    assert is_told_well(outcome(yaml.safe_dump({"startpunkt": tree}).encode(), {}))


@given(st.dictionaries(st.sampled_from(KEYS), st.text(alphabet=st.characters(exclude_characters="\0")), max_size=5))
def test_any_environment_is_read_or_explained(given_values: dict[str, str]) -> None:
    environ = {f"PORTAL_{variable(key)}": value for key, value in given_values.items()}

    assert is_told_well(outcome(b"startpunkt: {}", environ))


@given(st.integers(min_value=1, max_value=86_400_000))
def test_a_spoken_duration_means_what_it_meant(milliseconds: int) -> None:
    text = spoken(milliseconds / 1000)

    unit = text.lstrip("0123456789.")
    assert round(float(text.removesuffix(unit)) * SECONDS_BY_UNIT[unit] * 1000) == milliseconds
