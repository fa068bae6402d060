"""One request being answered: the honest watch, whole or bent."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from tests.kube.scenario.wire import Connection, Disconnected, Request

if TYPE_CHECKING:
    from tests.kube.scenario.server import Server
    from tests.kube.scenario.world import Collection, Object, Selection

TOO_OLD = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "reason": "Expired", "code": 410}
LONGEST_WATCH = 1800.0


class Exchange:
    """A request on a connection, with the collection that it is about."""

    def __init__(
        self, server: Server, connection: Connection, request: Request, collection: Collection, selection: Selection
    ) -> None:
        self.server = server
        self.connection = connection
        self.request = request
        self.collection = collection
        self.selection = selection
        self.reusable = False
        self.opened = False
        asked = request.query.get("resourceVersion", "")
        self.cursor = int(asked) if asked.isdecimal() else 0
        self._generation = collection.generation

    def open(self, headers: dict[str, str] | None = None) -> None:
        """Write the head of a watch, once."""
        if not self.opened:
            self.connection.open_stream(headers or {})
            self.opened = True

    def pending(self) -> list[bytes]:
        """Return the lines of what the watcher does not know yet, and move the cursor."""
        with self.server.world.changed:
            happenings = self.server.world.since(self.collection, self.cursor)
        events = [(happening.version, happening.event(self.selection)) for happening in happenings]
        self.cursor = happenings[-1].version if happenings else self.cursor
        return [_line(event) for _, event in events if event is not None]

    def serve(
        self,
        *,
        events: int = -1,
        seconds: float = LONGEST_WATCH,
        slice_bytes: int = 0,
        slice_pause: float = 0.0,
        merge: bool = False,
        marks: float | None = None,
        newline: str = "\n",
    ) -> None:
        """Watch honestly until `events` lines were sent, the time is over, or the CRD was edited.

        The time is `seconds` or what the client asked for. `slice_bytes` cuts lines into chunks of so many bytes with
        `slice_pause` between them; `merge` puts all that is ready into one chunk; `marks` is the time between progress
        marks (0: none), else as the server is set.
        """
        interval = self.server.marks if marks is None else marks
        asked = float(self.request.query.get("timeoutSeconds") or LONGEST_WATCH)
        end = time.monotonic() + min(seconds, asked) * self.server.second
        if not self._begin():
            return
        mark = time.monotonic() + interval * self.server.second
        while events and (now := time.monotonic()) < end and self._generation == self.collection.generation:
            lines = self.pending()[: events if events > 0 else None]
            events -= len(lines)
            self._send([line.rstrip() + newline.encode() for line in lines], slice_bytes, slice_pause, merge=merge)
            if interval and now >= mark:
                self._send(self._marks(), 0, 0, merge=False)
                mark = now + interval * self.server.second
            if not lines:
                self._rest(min(end, mark if interval else end))

    def _begin(self) -> bool:
        """Write what comes before the events. False when the cursor is too old to watch from."""
        self.open()
        if 0 < self.cursor < self.collection.compacted:
            message = f"too old resource version: {self.cursor} ({self.collection.compacted})"
            self.connection.chunk(_line({"type": "ERROR", "object": {**TOO_OLD, "message": message}}))
            return False
        if not self.cursor:
            # Without a version the server starts with what is there, which portal never asks for.
            for item in list(self.collection.objects.values()):
                if self.selection.holds(item):
                    self.connection.chunk(_line({"type": "ADDED", "object": item}))
            self.cursor = self.server.world.version
        return True

    def _rest(self, until: float) -> None:
        with self.server.world.changed:
            if not self.server.world.since(self.collection, self.cursor):
                self.server.world.changed.wait(min(0.25, max(0.0, until - time.monotonic())))
        if self.connection.is_gone(0.0):
            raise Disconnected

    def _send(self, lines: list[bytes], size: int, pause: float, *, merge: bool) -> None:
        for data in [b"".join(lines)] if merge and lines else lines:
            for start in range(0, len(data), size or len(data)):
                self.connection.chunk(data[start : start + (size or len(data))])
                if pause:
                    time.sleep(pause * self.server.second)

    def _marks(self) -> list[bytes]:
        """Return the progress mark of who has asked for marks; who is ahead of the server is told nothing at all."""
        wanted = self.request.query.get("allowWatchBookmarks", "") in ("1", "true", "True")
        if not wanted or self.cursor > self.server.world.version:
            return []
        with self.server.world.changed:
            pending = self.server.world.since(self.collection, self.cursor)
            self.cursor = self.cursor if pending else self.server.world.version
        metadata = {"resourceVersion": str(self.cursor), "creationTimestamp": None}
        described = {"kind": self.collection.kind, "apiVersion": self.collection.api_version}
        return [_line({"type": "BOOKMARK", "object": {**described, "metadata": metadata, "spec": {}}})]


def _line(event: Object | dict[str, Any]) -> bytes:
    return json.dumps(event, separators=(",", ":")).encode() + b"\n"
