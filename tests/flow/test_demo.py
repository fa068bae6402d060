"""`portal demo`, as a newcomer meets it: the script on an open page, and a folder of manifests that is edited."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.flow.portal import Portal, Stream, eventually

APPLICATION = """
apiVersion: startpunkt.ullberg.us/v1alpha4
kind: Application
metadata: {{name: nas, namespace: home}}
spec: {{name: {name}, group: House, url: "http://nas.home.example:5000"}}
"""
NAS = "local/application/home/nas"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    manifests = tmp_path / "manifests"
    manifests.mkdir()
    (manifests / "nas.yaml").write_text(APPLICATION.format(name="Storage"), encoding="utf-8")
    return manifests


@pytest.fixture
def portal(tmp_path: Path, folder: Path) -> Iterator[Portal]:
    with Portal(tmp_path / "log", "demo", "--manifests", str(folder)) as running:
        yield running


def test_the_script_changes_within_ten_seconds_and_nothing_is_asked_of_the_network(tmp_path: Path) -> None:
    with Portal(tmp_path / "log", "demo") as portal:
        stream = Stream(portal)

        added = stream.wait("APPLICATION_ADDED", "local/ingress/media/audiobookshelf", 10)

        assert added["name"] == "Audiobookshelf"
        assert portal.applications()["local/ingress/media/audiobookshelf"]["available"]
        grafana = "local/httproute/monitoring/grafana"
        down = eventually(lambda: down_changes(stream, grafana)[0], 20)
        assert down["health"]["reason"] == "answers 503"


def down_changes(stream: Stream, entry_id: str) -> list[dict[str, Any]]:
    """Return every change of an application's status that said it was down."""
    told = [each for event in stream.of_type("STATUS_CHANGED") for each in event["data"]["changes"]]
    return [each for each in told if each["id"] == entry_id and not each["available"]]


def test_an_edited_file_changes_the_page(portal: Portal, folder: Path) -> None:
    stream = Stream(portal)

    (folder / "nas.yaml").write_text(APPLICATION.format(name="Attic"), encoding="utf-8")

    assert stream.wait("APPLICATION_UPDATED", NAS)["name"] == "Attic"
    assert "Attic" in portal.get("/")[2]


def test_a_deleted_file_takes_its_applications_along(portal: Portal, folder: Path) -> None:
    stream = Stream(portal)

    (folder / "nas.yaml").unlink()

    stream.wait("APPLICATION_REMOVED", NAS)
    assert portal.get("/api/apps")[0] == 404


def test_a_broken_file_keeps_what_it_said_and_the_log_names_the_place(portal: Portal, folder: Path) -> None:
    (folder / "nas.yaml").write_text("kind: [", encoding="utf-8")

    eventually(lambda: f"{folder / 'nas.yaml'}:1:8: " in portal.log())
    assert NAS in portal.applications()


def test_a_wrongly_typed_field_costs_that_field(portal: Portal, folder: Path) -> None:
    stream = Stream(portal)

    text = APPLICATION.format(name="Attic").replace("group: House", "group: House, location: {a: b}")
    (folder / "nas.yaml").write_text(text, encoding="utf-8")

    assert stream.wait("APPLICATION_UPDATED", NAS)["name"] == "Attic"
    eventually(lambda: "spec.location" in portal.log())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_when_told_to(portal: Portal, number: int) -> None:
    stream = Stream(portal)

    portal.stop(number)

    assert portal.exit_code == 0
    assert "Kubernetes resource watchers stopped" in portal.log()
    assert stream.of_type("HEARTBEAT")


def test_a_taken_port_is_one_clear_line(portal: Portal, tmp_path: Path) -> None:
    port = portal.url.rpartition(":")[2]
    second = Portal(tmp_path / "second", "demo", "--port", port)

    code, said = second.run_once()

    assert code == 1
    assert said.count("\n") == 1
    assert f"cannot listen on 127.0.0.1:{port}" in said
