"""Views: filters by tags and types, and what may be left out for a reader that is behind."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from portal.model import Change, Position
from portal.stream.announcer import event_from_change, event_from_health
from portal.stream.events import Event
from portal.stream.log import EventLog, Record
from portal.stream.views import View, conflated, frames
from tests.stream.entries import application, bookmark, down, health

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CASES = yaml.safe_load((Path(__file__).parent / "filters.yaml").read_text())


def record(event: Event | None) -> Record:
    assert event is not None
    return Record(event, Position("p0", 1), 0.0)


def seen(frame: bytes) -> Any:
    return json.loads(frame.partition(b"data: ")[2]) if frame else None


def entry(tags: str | None) -> Any:
    return None if tags is None else application(tags=tags or None)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_change_is_shown_as_what_it_is_to_the_filter(case: dict[str, Any]) -> None:
    view = View(None if case["filter"] is None else frozenset(case["filter"]))
    change = Change(entry(case["before"]), entry(case["after"]))

    shown = seen(view.frame(record(event_from_change(change, NOW))))

    assert (shown and shown["type"]) == case["shown"]


def test_who_no_longer_sees_an_entry_gets_no_more_of_it_than_its_name() -> None:
    event = event_from_change(Change(application(tags="a"), application(tags="b", info="secret")), NOW)

    shown = seen(View(frozenset("a")).frame(record(event)))

    assert shown["data"] == {"id": "local/ingress/media/jellyfin", "namespace": "media", "resourceName": "jellyfin"}


def test_bookmarks_are_in_every_filter() -> None:
    event = event_from_change(Change(None, bookmark()), NOW)

    assert seen(View(frozenset("a")).frame(record(event)))["type"] == "BOOKMARK_ADDED"


@pytest.mark.parametrize(
    ("tags", "ids"),
    [
        (None, ["one", "two", "free"]),
        (frozenset("a"), ["one", "free"]),
        (frozenset(("a", "b")), ["one", "two", "free"]),
        (frozenset("c"), ["free"]),
    ],
)
def test_a_change_of_status_is_cut_to_the_filter(tags: frozenset[str] | None, ids: list[str]) -> None:
    apps = [application("one", tags="a"), application("two", tags="b"), application("free")]
    event = event_from_health([health(app, down(app)) for app in apps], NOW)

    shown = seen(View(tags).frame(record(event)))

    assert [change["id"].rpartition("/")[2] for change in shown["data"]["changes"]] == ids
    assert shown["data"]["reason"] == "availability_check"


def test_a_change_of_status_that_shows_nothing_is_not_sent() -> None:
    app = application("one", tags="a")

    assert View(frozenset("c")).frame(record(event_from_health([health(app, down(app))], NOW))) == b""


def test_the_same_bytes_go_to_all_who_share_a_form() -> None:
    shared = record(event_from_change(Change(None, application(tags="a")), NOW))

    assert View().frame(shared) is View(frozenset("a")).frame(shared)
    assert View(form="named").frame(shared) is View(frozenset("a"), form="named").frame(shared)


KEYS = st.sampled_from(["one", "two", "three"])
TAGS = st.sampled_from([None, "", "a", "b", "a,b"])


def history(script: list[tuple[str, str | None]]) -> list[Record]:
    log = EventLog(epoch="p0")
    entries: dict[str, Any] = {}
    for mark, (name, tags) in enumerate(script):
        after = None if tags is None else application(name, tags=tags or None, info=str(mark))
        if entries.get(name) is None and after is None:
            continue
        log.append(event_from_change(Change(entries.get(name), after), NOW))
        entries[name] = after
    return log.slice(log.start, log.end)


def fold(state: dict[str, Any], sent: list[bytes]) -> dict[str, Any]:
    result = dict(state)
    for shown in (seen(frame) for frame in sent if frame):
        data = shown["data"]
        result.pop(data["id"], None)
        result.update({} if shown["type"].endswith("REMOVED") else {data["id"]: data})
    return result


@given(script=st.lists(st.tuples(KEYS, TAGS), max_size=30), start=st.integers(0, 30), cut=st.integers(0, 30))
def test_merged_and_interrupted_anywhere_and_resumed_the_end_is_the_same(
    script: list[tuple[str, str | None]], start: int, cut: int
) -> None:
    view, records = View(frozenset("a")), history(script)
    before = fold({}, frames(view, records[:start]))

    merged = conflated(view, records[start:])[:cut]
    state = fold(fold(before, merged), frames(view, records[start:][cut:]))

    assert state == fold({}, frames(view, records))
