from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from portal.catalog.state import Catalog
from portal.ingest.saved import Shelf
from tests.catalog.entries import application, bookmark

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def empty() -> Catalog:
    return Catalog(lambda _: None)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    catalog = empty()
    catalog.replace("local/ingress", [application("a")])
    catalog.replace("local/bookmark", [bookmark("b")])
    Shelf(tmp_path, catalog, lambda: NOON).save()
    return tmp_path


def test_what_was_saved_is_restored_with_its_age(saved: Path) -> None:
    catalog = empty()

    restored = Shelf(saved, catalog).restore(lambda _: True)

    assert restored == {"local/ingress": NOON, "local/bookmark": NOON}
    assert [each.resource_name for each in catalog.snapshot().applications] == ["a"]
    assert [each.resource_name for each in catalog.snapshot().bookmarks] == ["b"]


def test_scopes_that_are_no_longer_enabled_are_dropped(saved: Path) -> None:
    catalog = empty()

    restored = Shelf(saved, catalog).restore(lambda scope: scope == "local/bookmark")

    assert list(restored) == ["local/bookmark"]
    assert not catalog.snapshot().applications


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b'{"format":1,"saved_at":',
        b'{"format":9,"scopes":{}}',
        b"\xff\xfe",
        b'{"format":1,"scopes":{"\xe9":{}}}',  # no text
        b'{"more":' + b"[" * 100_000,
    ],
    ids=["empty", "torn", "another format", "another file", "no text", "no end"],
)
def test_a_damaged_or_foreign_file_is_set_aside_with_one_warning(
    saved: Path, damage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    (saved / "catalog.json").write_bytes(damage)
    catalog = empty()

    with caplog.at_level(logging.WARNING):
        restored = Shelf(saved, catalog).restore(lambda _: True)

    assert not restored
    assert len(caplog.records) == 1
    assert (saved / "catalog.damaged").read_bytes() == damage


def test_nothing_is_written_while_nothing_changes(tmp_path: Path) -> None:
    catalog = empty()
    catalog.replace("local/ingress", [application("a")])
    shelf = Shelf(tmp_path, catalog)
    shelf.save()
    (tmp_path / "catalog.json").unlink()

    shelf.save()

    assert not (tmp_path / "catalog.json").exists()


def test_a_folder_that_cannot_be_written_is_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("in the way")
    catalog = empty()
    catalog.replace("local/ingress", [application("a")])

    Shelf(tmp_path / "file", catalog).save()

    assert "Could not save the catalog" in caplog.text


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_first_whole_catalog_is_saved_at_once_and_then_now_and_then(tmp_path: Path) -> None:
    day = Day(tmp_path)

    saved = [day.at(moment, is_settled=moment > 1) for moment in (1, 2, 3, 40, 41)]

    assert saved == [False, True, False, True, False]


class Day:
    """A catalog that changes before each look at it."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "catalog.json"
        self._catalog, self._clock = empty(), Clock()
        self._shelf = Shelf(folder, self._catalog, clock=self._clock)

    def at(self, moment: float, *, is_settled: bool) -> bool:
        """Look at that moment and tell whether the catalog was saved."""
        self._clock.now = moment
        self._file.unlink(missing_ok=True)
        self._catalog.replace("local/ingress", [application(f"a-{moment}")])
        self._shelf.look(is_settled=is_settled)
        return self._file.exists()


def test_a_catalog_that_stays_as_it_is_gets_a_recent_moment_all_the_same(saved: Path) -> None:
    catalog, clock = empty(), Clock()
    shelf = Shelf(saved, catalog, lambda: NOON + timedelta(hours=1), clock=clock)
    shelf.restore(lambda _: True).clear()
    shelf.look(is_settled=True)

    clock.now = 601
    (saved / "catalog.json").unlink()
    shelf.look(is_settled=True)

    assert set(Shelf(saved, empty()).restore(lambda _: True).values()) == {NOON + timedelta(hours=1)}


def test_what_is_not_confirmed_yet_keeps_its_old_moment(saved: Path) -> None:
    catalog = empty()
    shelf = Shelf(saved, catalog, lambda: NOON + timedelta(hours=1))
    restored = shelf.restore(lambda _: True)
    restored.pop("local/bookmark")

    shelf.save(unchanged_too=True)

    assert Shelf(saved, empty()).restore(lambda _: True) == {
        "local/ingress": NOON,
        "local/bookmark": NOON + timedelta(hours=1),
    }
