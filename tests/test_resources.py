"""What travels with portal is found wherever it lies."""

from pathlib import Path

import pytest
import yaml

from portal.resources import PLACES, MissingResourceError, crds, folder


@pytest.mark.parametrize("name", list(PLACES))
def test_every_folder_is_found_in_a_checkout(name: str) -> None:
    assert any(folder(name).iterdir())


def test_the_folder_in_the_package_comes_first(tmp_path: Path) -> None:
    packaged, beside = tmp_path / "packaged", tmp_path / "beside"
    packaged.mkdir()
    beside.mkdir()

    assert folder("static", (packaged, beside)) == packaged


def test_a_missing_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(MissingResourceError, match="the folder static is missing"):
        folder("static", (tmp_path / "nowhere",))


def test_the_crds_are_one_stream_of_documents() -> None:
    documents = list(yaml.safe_load_all(crds()))

    assert [document["kind"] for document in documents] == ["CustomResourceDefinition"] * 2
    assert {document["spec"]["names"]["plural"] for document in documents} == {"applications", "bookmarks"}
