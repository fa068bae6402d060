"""What is remembered of checks survives on disk, and a damaged file does not stop anything."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from portal.availability.memory import FILE, Memory
from portal.availability.scheduler import Scheduler
from portal.availability.targets import CheckSpec
from portal.model import Change
from tests.availability.entries import application
from tests.availability.simulation import UP, World

ENTRY = "local/ingress/default/a"


def memory_of(scheduler: Scheduler, folder: Path) -> Memory:
    return Memory(folder, scheduler.dump, scheduler.restore)


def test_the_last_day_and_what_owners_want_survive(tmp_path: Path) -> None:
    before, after = World(lambda _host, _now: UP), World(lambda _host, _now: UP)
    before.scheduler.override(ENTRY, CheckSpec(path="/ready"))
    before.add("a")
    before.run(300)
    memory_of(before.scheduler, tmp_path / "new").save()

    memory_of(after.scheduler, tmp_path / "new").restore()
    after.add("a")

    history, told = after.scheduler.history(ENTRY), before.scheduler.history(ENTRY)
    assert history is not None
    assert told is not None
    assert history.checks == told.checks


def test_no_header_from_a_secret_is_written_down(tmp_path: Path) -> None:
    asked: list[str] = []
    before, after = World(lambda _host, _now: UP), World(lambda host, _now: asked.append(host) or UP)
    spec = CheckSpec(headers_from="token", headers=(("Authorization", "Bearer abc"),))
    before.scheduler.override(ENTRY, spec)
    before.add("a")
    memory_of(before.scheduler, tmp_path).save()

    memory_of(after.scheduler, tmp_path).restore()
    after.scheduler.follow([Change(None, application("a", "http://a.example/"))])
    after.run(100)

    assert b"abc" not in (tmp_path / FILE).read_bytes()
    assert asked == []  # without its header it would be asked wrongly, until the Secret is read again


@pytest.mark.parametrize(
    "body",
    [b"", b"\x93", b"{}", b"\x92\x80\x80", b"\x92\x81\xa1\xff\x90\x80"],
)
def test_a_damaged_file_is_set_aside(tmp_path: Path, body: bytes, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / FILE).write_bytes(body)
    world = World(lambda _host, _now: UP)

    memory_of(world.scheduler, tmp_path).restore()

    assert "Set the saved history aside" in caplog.text
    assert [each.suffix for each in tmp_path.iterdir()] == [".damaged"]


def test_a_folder_that_cannot_be_written_does_not_hold_up_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / FILE).write_bytes(b"x")
    monkeypatch.setattr(Path, "replace", partial(refuse, "read-only file system"))
    world = World(lambda _host, _now: UP)

    memory_of(world.scheduler, tmp_path).restore()

    assert "Could not set the saved history aside" in caplog.text


def refuse(why: str, *_: object) -> None:
    raise OSError(why)


def test_a_damaged_history_is_named_and_the_others_are_kept(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    before, after = World(lambda _host, _now: UP), World(lambda _host, _now: UP)
    before.add("a")
    before.add("b")
    before.run(300)
    body = before.scheduler.dump()
    ring = body.index(before.scheduler._register.day(ENTRY).saved().results)  # type: ignore[union-attr]
    (tmp_path / FILE).write_bytes(body[: ring + 4] + b"\xff" + body[ring + 5 :])  # a state that there is not

    memory_of(after.scheduler, tmp_path).restore()
    after.add("a")
    after.add("b")

    lost, kept = after.scheduler.history(ENTRY), after.scheduler.history("local/ingress/default/b")
    assert lost is not None
    assert lost.checks == ()
    assert kept is not None
    assert kept.checks != ()
    assert caplog.messages == [
        f"Left out what is damaged in the saved history file={tmp_path / FILE} damaged=1 entries=http://a.example/"
    ]


def test_without_a_file_nothing_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    world = World(lambda _host, _now: UP)

    memory_of(world.scheduler, tmp_path).restore()

    assert caplog.text == ""


def test_a_disk_that_cannot_be_written_is_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    world = World(lambda _host, _now: UP)

    memory_of(world.scheduler, tmp_path / "file").save()

    assert "Could not save the history" in caplog.text
