"""`portal list` prints entries as a table or as JSON."""

import json
from pathlib import Path
from typing import Any

import pytest

from portal.cli.listing import json_from_snapshot, table_from_snapshot
from portal.model import Application, Bookmark, Snapshot
from tests.cli.running import portal


def values(name: str, **more: Any) -> dict[str, Any]:
    return {
        "id": f"local/ingress/media/{name}",
        "cluster": "local",
        "source": "ingress",
        "namespace": "media",
        "resource_name": name,
        "resource_version": "1",
        "name": name,
        "group": "Media",
        "target_blank": False,
        "location": 1000,
        "has_owner_references": False,
    } | more


SNAPSHOT = Snapshot(
    7,
    (
        Application(**values("Jellyfin", url="https://jellyfin.example.org"), enabled=True, available=True),
        Application(**values("Sonarr", url="https://example.org/" + "x" * 80), enabled=False, available=True),
    ),
    (Bookmark(**values("Wiki", source="bookmark")),),
)


def test_the_table_aligns_its_columns_and_leaves_no_spaces_behind() -> None:
    assert table_from_snapshot(SNAPSHOT).splitlines() == [
        f"NAME               GROUP  {'URL':<60}  NAMESPACE  SOURCE",
        f"Jellyfin           Media  {'https://jellyfin.example.org':<60}  media      ingress",
        f"Sonarr (disabled)  Media  https://example.org/{'x' * 39}…  media      ingress",
        f"Wiki               Media  {'-':<60}  media      bookmark",
    ]


def test_an_empty_catalog_says_how_to_go_on() -> None:
    assert "portal explain" in table_from_snapshot(Snapshot(0, (), ()))


def test_json_holds_whole_entries() -> None:
    content = json.loads(json_from_snapshot(SNAPSHOT))

    assert [entry["name"] for entry in content["applications"]] == ["Jellyfin", "Sonarr"]
    assert content["applications"][1]["url"] == "https://example.org/" + "x" * 80
    assert [entry["resourceName"] for entry in content["bookmarks"]] == ["Wiki"]


def test_json_of_an_empty_catalog_is_still_an_object() -> None:
    assert json.loads(json_from_snapshot(Snapshot(0, (), ()))) == {"applications": [], "bookmarks": []}


@pytest.mark.parametrize(
    ("arguments", "said"), [(("list",), "listed"), (("explain", "ingress/media/jellyfin"), "read")]
)
def test_an_api_server_that_does_not_answer_is_named_on_one_line(
    arguments: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    closed = "http://127.0.0.1:1"
    named = {
        "clusters": [{"name": "c", "cluster": {"server": closed}}],
        "users": [{"name": "u", "user": {"token": "t"}}],
    }
    contexts = {"current-context": "c", "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}]}
    (tmp_path / "kubeconfig").write_text(json.dumps({"apiVersion": "v1", "kind": "Config", **named, **contexts}))

    ended = portal(*arguments, "--kubeconfig", str(tmp_path / "kubeconfig"))

    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith(f"Error: nothing could be {said} from {closed}: no connection: ")
    assert ended.err.count("\n") == 1
