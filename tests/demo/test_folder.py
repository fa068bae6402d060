from __future__ import annotations

import logging
from pathlib import Path

import pytest

from portal.demo.folder import Folder, FolderError
from portal.demo.manifests import Manifests

APPLICATION = """
apiVersion: startpunkt.ullberg.us/v1alpha4
kind: Application
metadata: {name: nas, namespace: home}
spec: {name: NAS, url: "http://nas:5000"}
"""
BOOKMARK = """
apiVersion: startpunkt.ullberg.us/v1alpha4
kind: Bookmark
metadata: {name: manual}
spec: {name: Manual, group: Reading, url: "https://example.com", created: 2026-11-21}
"""


@pytest.fixture
def paper() -> Manifests:
    return Manifests()


@pytest.fixture
def folder(tmp_path: Path, paper: Manifests) -> Folder:
    (tmp_path / "nas.yaml").write_text(APPLICATION)
    folder = Folder(tmp_path, paper)
    folder.look()
    return folder


def names(paper: Manifests) -> list[str]:
    return sorted("/".join(key) for _, key in paper.everything())


def test_every_document_of_every_file_is_an_object(folder: Folder, tmp_path: Path, paper: Manifests) -> None:
    (tmp_path / "deeper").mkdir()
    (tmp_path / "deeper" / "both.yml").write_text(f"{APPLICATION.replace('nas', 'other')}---{BOOKMARK}")

    folder.look()

    assert names(paper) == ["default/manual", "home/nas", "home/other"]


def test_a_list_counts_as_its_items(folder: Folder, tmp_path: Path, paper: Manifests) -> None:
    (tmp_path / "list.json").write_text(
        '{"kind": "List", "items": [{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}}]}'
    )

    folder.look()

    assert names(paper) == ["default/s", "home/nas"]


def test_what_is_deleted_from_the_folder_is_gone(folder: Folder, tmp_path: Path, paper: Manifests) -> None:
    (tmp_path / "nas.yaml").unlink()

    folder.look()

    assert names(paper) == []


def test_a_file_that_stays_as_it_is_moves_nothing(folder: Folder, tmp_path: Path, paper: Manifests) -> None:
    before = paper.revision
    (tmp_path / "nas.yaml").touch()

    folder.look()

    assert paper.revision == before


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kind: Application\nmetadata: {name: [\n", "nas.yaml:3:1: "),
        ("kind: Application\n", "Application without `metadata.name`"),
        (f"{APPLICATION}---\nkind: Ingress\n", "nas.yaml:7:1: Ingress without `metadata.name`"),
        ("just text", "a document without `kind`"),
        ("kind: Application\nmetadata: {name: a}\ndata: !!binary eA==", "nas.yaml:1:1: bytes is no type of Kubernetes"),
        ("kind: Ingress\nmetadata: nas\n", "Ingress without `metadata.name`"),
    ],
)
def test_a_mistake_is_said_once_with_its_place_and_costs_nothing(
    folder: Folder, tmp_path: Path, paper: Manifests, caplog: pytest.LogCaptureFixture, text: str, said: str
) -> None:
    (tmp_path / "nas.yaml").write_text(text)

    with caplog.at_level(logging.WARNING):
        folder.look()
        folder.look()

    assert names(paper) == ["home/nas"]
    assert caplog.text.count("keeping what it said before") == 1
    assert said in caplog.text


def test_a_mistake_in_a_new_file_keeps_nothing(
    folder: Folder, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "new.yaml").write_text("just text")

    folder.look()

    assert "new.yaml:1:1: a document without `kind` is not a Kubernetes manifest; nothing in it is shown" in caplog.text


@pytest.mark.parametrize(
    "text",
    [
        "apiVersion: batch/v1\nkind: Job\nmetadata: {generateName: migrate-}\n",
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [a.yaml]\n",
    ],
)
def test_an_ordinary_kind_needs_no_name_and_costs_the_others_of_its_file_nothing(
    folder: Folder, tmp_path: Path, paper: Manifests, caplog: pytest.LogCaptureFixture, text: str
) -> None:
    (tmp_path / "new.yaml").write_text(f"{text}---{BOOKMARK}")

    folder.look()

    assert (names(paper), caplog.text) == (["default/manual", "home/nas"], "")


def test_a_kind_that_is_nearly_one_of_ours_is_said_with_its_line_when_the_file_was_changed(
    folder: Folder, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    text = APPLICATION.replace("Application", "Applications")
    (tmp_path / "new.yaml").write_text(
        f"{APPLICATION}---{text}---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: d}}"
    )

    folder.look()
    folder.look()

    told = "new.yaml:7: Applications home/nas: kind Applications: not read; did you mean Application?"
    assert [each for each in caplog.messages if "did you mean" in each] == [f"{tmp_path}/{told}"]
    assert "Deployment" not in caplog.text


def test_an_item_of_a_list_has_a_line_of_its_own(
    folder: Folder, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    item = '{"apiVersion": "networking.k8s.io/v1", "kind": "Ingres", "metadata": {"name": "a"}}'
    (tmp_path / "list.json").write_text(f'{{"kind": "List", "items": [\n{item}]}}')

    folder.look()

    assert "list.json:2: Ingres default/a: kind Ingres: not read; did you mean Ingress?" in caplog.text


def test_the_later_of_two_files_with_the_same_object_counts(
    folder: Folder, tmp_path: Path, paper: Manifests, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "z.yaml").write_text(APPLICATION.replace("NAS", "The later one"))

    folder.look()

    [manifest] = paper.of(("startpunkt.ullberg.us", "Application")).values()
    assert manifest["spec"]["name"] == "The later one"
    assert "is in an earlier file too" in caplog.text


def test_dates_are_the_text_that_kubernetes_has(folder: Folder, tmp_path: Path, paper: Manifests) -> None:
    (tmp_path / "manual.yaml").write_text(BOOKMARK)

    folder.look()

    [manifest] = paper.of(("startpunkt.ullberg.us", "Bookmark")).values()
    assert manifest["spec"]["created"] == "2026-11-21"


def test_one_file_is_followed_whatever_its_name_ends_with(tmp_path: Path, paper: Manifests) -> None:
    (tmp_path / "all.txt").write_text(APPLICATION)
    (tmp_path / "other.yaml").write_text(BOOKMARK)
    folder = Folder(tmp_path / "all.txt", paper)

    folder.look()
    shown = names(paper)
    (tmp_path / "all.txt").unlink()
    folder.look()

    assert (shown, names(paper)) == (["home/nas"], [])


def test_where_nothing_is_there_is_an_error(tmp_path: Path, paper: Manifests) -> None:
    with pytest.raises(FolderError, match="does not exist"):
        Folder(tmp_path / "nowhere", paper)
