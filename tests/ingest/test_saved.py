from __future__ import annotations

import logging
from datetime import UTC, datetime
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
    [b"", b'{"format":1,"saved_at":', b'{"format":9,"scopes":{}}', b"\xff\xfe"],
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
