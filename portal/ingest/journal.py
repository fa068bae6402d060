"""What people can read in the log about objects: what happened to them, and which mistakes are in them."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

from prometheus_client import CollectorRegistry, Counter

from portal.logs import LimitedLine
from portal.model import Change
from portal.sources.notes import Notes

log = logging.getLogger(__name__)

REMEMBERED: Final = 10_000  # mistakes said once; beyond that the oldest may be said again


class Journal:
    """Tells the log what became of objects, and each mistake in one once."""

    def __init__(self, line: LimitedLine, registry: CollectorRegistry | None = None) -> None:
        registry = registry or CollectorRegistry()
        self._line = line
        self._said: OrderedDict[tuple[str, tuple[str, str], str, str], None] = OrderedDict()
        self._changes = Counter(
            "portal_ingest_changes", "Entries that changed, by source", ["source", "verb"], registry=registry
        )
        self._faults = Counter(
            "portal_ingest_faults", "Mistakes found in objects, by source", ["source"], registry=registry
        )

    def changed(self, title: str, changes: Sequence[Change]) -> None:
        """Say which objects' entries appeared, changed or went."""
        for change in changes[: self._line.room(len(changes))]:
            entry = change.entry
            self._line.write("%s %s: %s/%s", title, verb_of(change), entry.namespace, entry.resource_name)
        verbs = [verb_of(change) for change in changes]
        for verb in set(verbs):
            self._changes.labels(title, verb).inc(verbs.count(verb))

    def notes(self, title: str, key: tuple[str, str]) -> Notes:
        """Return where the mistakes in one object go."""
        return ObjectNotes(self, title, key)

    def fault(self, title: str, key: tuple[str, str], place: str, text: str) -> None:
        """Say a mistake in an object, unless it was said before."""
        self._faults.labels(title).inc()
        mistake = (title, key, place, text)
        if mistake in self._said:
            self._said.move_to_end(mistake)
            return
        self._said[mistake] = None
        if len(self._said) > REMEMBERED:
            self._said.popitem(last=False)
        log.warning("%s %s/%s: %s: %s", title, *key, place, text)


def verb_of(change: Change) -> str:
    """Return what happened to an entry, in the words of a watch."""
    return "ADDED" if change.before is None else "DELETED" if change.after is None else "MODIFIED"


class ObjectNotes:
    """The notes of one object: steps go nowhere, mistakes go to the journal."""

    __slots__ = ("_journal", "_key", "_title")
    keeps_steps = False

    def __init__(self, journal: Journal, title: str, key: tuple[str, str]) -> None:
        self._journal = journal
        self._title = title
        self._key = key

    def step(self, text: str, *values: object) -> None:
        """Pass over how the entry came about."""

    def fault(self, place: str, text: str, *values: object) -> None:
        """Tell the journal of a mistake that cost one field."""
        self._journal.fault(self._title, self._key, place, text % values if values else text)
