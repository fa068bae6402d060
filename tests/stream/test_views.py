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

from portal.model import Application, Change, Position
from portal.stream.announcer import event_from_change, event_from_health
from portal.stream.events import Event, Reach
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


STAFF = View(audience=frozenset(("staff", "admins")))
EXPECTED = [
    ("", "", "APPLICATION_UPDATED"),
    ("staff", "staff", "APPLICATION_UPDATED"),
    ("guests", "staff", "APPLICATION_ADDED"),
    ("guests", "", "APPLICATION_ADDED"),
    ("staff", "guests", "APPLICATION_REMOVED"),
    ("", "guests", "APPLICATION_REMOVED"),
    ("guests", "guests", None),
    (None, "staff", "APPLICATION_ADDED"),
    (None, "guests", None),
    ("staff", None, "APPLICATION_REMOVED"),
    ("guests", None, None),
]


def audience(entry: Any) -> frozenset[str]:
    return frozenset(entry.info.split()) if isinstance(entry, Application) and entry.info else frozenset()


def meant_for(groups: str | None, name: str = "jellyfin", **more: Any) -> Any:
    return None if groups is None else application(name, info=groups, **more)


@pytest.mark.parametrize(("before", "after", "shown"), EXPECTED)
def test_an_entry_is_shown_to_the_groups_it_is_for(before: str | None, after: str | None, shown: str | None) -> None:
    event = event_from_change(Change(meant_for(before), meant_for(after)), NOW, audience)

    frame = seen(STAFF.frame(record(event)))

    assert (frame and frame["type"]) == shown


def test_who_may_no_longer_see_an_entry_gets_no_more_of_it_than_its_name() -> None:
    event = event_from_change(Change(meant_for("staff"), meant_for("guests")), NOW, audience)

    assert seen(STAFF.frame(record(event)))["data"].keys() == {"id", "namespace", "resourceName"}


def test_without_an_audience_of_its_own_a_view_shows_what_is_for_anybody_or_somebody() -> None:
    event = event_from_change(Change(None, meant_for("guests")), NOW, audience)

    assert View().frame(record(event)) == record(event).envelope


def test_a_change_of_status_is_cut_to_the_audience() -> None:
    apps = [meant_for("staff", "one"), meant_for("guests", "two"), meant_for("", "free")]
    event = event_from_health([health(app, down(app)) for app in apps], NOW, audience)

    shown = seen(STAFF.frame(record(event)))

    assert [change["id"].rpartition("/")[2] for change in shown["data"]["changes"]] == ["one", "free"]


def test_what_is_about_no_entry_is_for_its_audience_too() -> None:
    notice = Event(type="NOTICE", timestamp=NOW, data=b"{}", after=Reach(audience=frozenset(("guests",))))

    assert STAFF.frame(record(notice)) == b""
    assert STAFF.frame(record(Event(type="CONFIG_CHANGED", timestamp=NOW, data=b"{}"))) != b""


KEYS = st.sampled_from(["one", "two", "three"])
TAGS = st.sampled_from([None, "", "a", "b", "a,b"])
GROUPS = st.sampled_from(["", "staff", "guests", "guests admins"])
VIEWS = st.sampled_from([View(frozenset("a")), STAFF, View(frozenset("a"), audience=STAFF.audience)])


def history(script: list[tuple[str, str | None, str]]) -> list[Record]:
    log = EventLog(epoch="p0")
    entries: dict[str, Any] = {}
    for mark, (name, tags, groups) in enumerate(script):
        after = None if tags is None else meant_for(groups, name, tags=tags or None, location=mark)
        if entries.get(name) is None and after is None:
            continue
        log.append(event_from_change(Change(entries.get(name), after), NOW, audience))
        entries[name] = after
    return log.slice(log.start, log.end)


def fold(state: dict[str, Any], sent: list[bytes]) -> dict[str, Any]:
    result = dict(state)
    for shown in (seen(frame) for frame in sent if frame):
        data = shown["data"]
        result.pop(data["id"], None)
        result.update({} if shown["type"].endswith("REMOVED") else {data["id"]: data})
    return result


@given(
    view=VIEWS,
    script=st.lists(st.tuples(KEYS, TAGS, GROUPS), max_size=30),
    start=st.integers(0, 30),
    cut=st.integers(0, 30),
)
def test_merged_and_interrupted_anywhere_and_resumed_the_end_is_the_same(
    view: View, script: list[tuple[str, str | None, str]], start: int, cut: int
) -> None:
    records = history(script)
    before = fold({}, frames(view, records[:start]))

    merged = conflated(view, records[start:])[:cut]
    state = fold(fold(before, merged), frames(view, records[start:][cut:]))

    assert state == fold({}, frames(view, records))
