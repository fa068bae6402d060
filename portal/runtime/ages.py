"""How old what is shown is: what is from before a restart or a reload keeps its age until it is listed again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial

from msgspec import structs

from portal.ingest.sync import SyncTracker
from portal.model import ResourceStatus


class Ages:
    """Lets resources count in the synchronisation, by scope and title, with their ages.

    `restored` are the scopes that are shown from before the restart, and when they were saved.
    """

    def __init__(self, tracker: SyncTracker) -> None:
        self.restored: dict[str, datetime] = {}
        self._tracker = tracker
        self._asked: dict[str, Callable[[], ResourceStatus]] = {}
        self._contacts: dict[str, datetime] = {}  # of what is followed anew, until it is listed

    def restore(self, restored: dict[str, datetime]) -> None:
        """Take note of what is shown from before the restart until each is confirmed."""
        self.restored = restored
        self._tracker.restored(min(restored.values(), default=None))

    def count(self, scope: str, title: str, ask: Callable[[], ResourceStatus], *, watched: bool = False) -> None:
        """Let a resource count."""
        self._asked[scope] = partial(self._dated, scope, ask)
        self._tracker.follow(title, self._asked[scope], watched=watched)

    def discount(self, scope: str, title: str, *, held: bool) -> None:
        """Let a resource count no more; `held`: what is known of it stays, with its age, for who follows it next."""
        ask = self._asked.pop(scope, None)
        contact = ask().last_contact if ask and held else None
        if contact:
            self._contacts[scope] = contact
        self._tracker.forget(title)

    def confirmed(self, scope: str) -> None:
        """Take note that what is shown of a scope is what is, or that nothing is shown of it any more."""
        self._contacts.pop(scope, None)
        if self.restored.pop(scope, None):
            self._tracker.restored(min(self.restored.values(), default=None))

    def _dated(self, scope: str, ask: Callable[[], ResourceStatus]) -> ResourceStatus:
        """Return how a resource is; what is shown of it from before is as old as it was then, until it is listed."""
        before, status = self.restored.get(scope) or self._contacts.get(scope), ask()
        return structs.replace(status, last_contact=before) if before else status
