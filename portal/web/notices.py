"""What the page has to admit: sources without contact, refused ones, a mistake in the configuration, an old catalog."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from msgspec import Struct

from portal.model import ResourceStatus, SyncStatus
from portal.web.sync_headers import moment_text
from portal.web.texts import Texts

SPOKEN_OF: Final = ("stale", "failed", "forbidden")
"""States of a source that its users should know of, worst first; an absent kind is normal and no news."""


class Notice(Struct, frozen=True):
    """One line; `before` and `after` stand around the moment, which the browser shows in local time."""

    kind: str
    before: str
    moment: str = ""
    after: str = ""


def notices_from(sync: SyncStatus, config_error: str | None, texts: Texts) -> tuple[Notice, ...]:
    """Return the notices, those first that a person must act on."""
    found = []
    if config_error is not None:
        found.append(Notice("config", texts("notice.config", error=config_error)))
    if sync.restored is not None:
        found.append(_timed("restored", texts, moment_text(sync.restored)))
    for state in SPOKEN_OF:
        resources = [each for each in sync.resource_status if each.status == state]
        if resources:
            found.append(_of_resources(state, resources, texts))
    return tuple(found)


def _of_resources(state: str, resources: Iterable[ResourceStatus], texts: Texts) -> Notice:
    names = ", ".join(each.name for each in resources)
    errors = {each.error for each in resources if each.error}
    moments = sorted(moment_text(each) for each in map(_last_seen, resources) if each is not None)
    error = next(iter(errors)) if len(errors) == 1 else ""
    return _timed(state, texts, next(iter(moments), ""), names=names, error=error)


def _last_seen(resource: ResourceStatus) -> datetime | None:
    return resource.last_contact or resource.since


def _timed(state: str, texts: Texts, moment: str, **values: str) -> Notice:
    before, _, after = texts(f"notice.{state}", **values).partition("{time}")
    return Notice(state, before, moment, after)
