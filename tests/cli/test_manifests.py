"""`portal list` and `portal explain` answer over manifests, before anything is applied."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.running import portal

MANIFESTS = """
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: jellyfin
  namespace: media
  annotations: {startpunkt.ullberg.us/enable: "true"}
spec: {rules: [{host: jellyfin.example.com}]}
---
apiVersion: startpunkt.ullberg.us/v1alpha4
kind: Application
metadata: {name: nas}
spec: {name: NAS, urlFrom: {apiVersion: v1, kind: ConfigMap, name: addresses, property: data.nas}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: addresses}
data: {nas: "http://nas:5000"}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)  # where no configuration is
    (tmp_path / "deeper").mkdir()
    (tmp_path / "deeper" / "all.yaml").write_text(MANIFESTS, encoding="utf-8")
    return tmp_path


def test_manifests_are_listed_as_a_cluster_is(folder: Path) -> None:
    listed = portal("list", "-o", "json", "--manifests", str(folder))

    assert (listed.code, listed.err) == (0, "")
    assert [(each["name"], each["url"]) for each in json.loads(listed.out)["applications"]] == [
        ("NAS", "http://nas:5000"),
        ("jellyfin", "http://jellyfin.example.com"),
    ]


def test_one_file_is_enough(folder: Path) -> None:
    whole = portal("list", "--manifests", str(folder))

    assert portal("list", "--manifests", str(folder / "deeper" / "all.yaml")) == whole


def test_a_manifest_is_explained_as_an_object_is(folder: Path) -> None:
    explained = portal("explain", "application/default/nas", "--manifests", str(folder))

    assert (explained.code, explained.err) == (0, "")
    assert "  step: urlFrom: data.nas of ConfigMap default/addresses is 'http://nas:5000'\n" in explained.out
    assert explained.out.endswith('result: application "NAS" in group "default", linked to http://nas:5000\n\n')


def test_a_manifest_that_is_not_there_is_said_to_be_absent(folder: Path) -> None:
    explained = portal("explain", "ingress/media/jelyfin", "--manifests", str(folder))

    assert (explained.code, explained.err) == (0, "")
    assert "object: there is no Ingress media/jelyfin that we can read" in explained.out


def test_the_configuration_counts(folder: Path) -> None:
    (folder / "portal.conf").write_text("portal: {ingress: {enabled: false}}", encoding="utf-8")

    listed = portal("list", "--config", "portal.conf", "--manifests", str(folder))

    assert "NAS" in listed.out
    assert "jellyfin" not in listed.out


def test_a_misspelt_kind_is_said_on_standard_error(folder: Path) -> None:
    (folder / "shop.yaml").write_text(
        "apiVersion: networking.k8s.io/v1\nkind: Ingres\nmetadata: {name: shop}", encoding="utf-8"
    )

    explained = portal("explain", "ingress/default/shop", "--manifests", str(folder))

    assert "object: there is no Ingress default/shop that we can read" in explained.out
    assert explained.err.endswith("shop.yaml:1: Ingres default/shop: kind Ingres: not read; did you mean Ingress?\n")


def test_a_misspelt_annotation_is_said_on_standard_error(folder: Path) -> None:
    text = MANIFESTS.replace("us/enable", "us/enbale")
    (folder / "deeper" / "all.yaml").write_text(text, encoding="utf-8")

    listed = portal("list", "--manifests", str(folder))

    enable = "startpunkt.ullberg.us/enable"
    told = f"Ingress media/jellyfin: annotation startpunkt.ullberg.us/enbale: not read; did you mean {enable}?"
    assert listed.err.endswith(f"all.yaml:2: {told}\n")
    assert "jellyfin" not in listed.out


def test_a_value_of_the_wrong_type_is_said_in_words_of_yaml(folder: Path) -> None:
    text = MANIFESTS.replace('us/enable: "true"', "us/enable: true")
    (folder / "deeper" / "all.yaml").write_text(text, encoding="utf-8")

    explained = portal("explain", "ingress/media/jellyfin", "--manifests", str(folder))

    place = "metadata.annotations.startpunkt.ullberg.us/enable"
    assert f"  mistake: {place}: is true or false, and text is wanted, in quotes\n" in explained.out


@pytest.mark.parametrize("arguments", [("list",), ("explain", "ingress/media/jellyfin")])
def test_a_broken_file_is_said_on_standard_error_and_the_others_count(folder: Path, arguments: tuple[str, ...]) -> None:
    (folder / "broken.yaml").write_text("kind: [", encoding="utf-8")

    ended = portal(*arguments, "--manifests", str(folder))

    assert ended.code == 0
    assert f"{folder / 'broken.yaml'}:1:8: " in ended.err
    assert ended.err.count("\n") == 1
    assert "http://jellyfin.example.com" in ended.out
