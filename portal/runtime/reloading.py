"""Takes over a changed configuration file without a restart; a mistake in it changes nothing and is said."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from prometheus_client import CollectorRegistry, Counter

from portal.settings.errors import Problem, SettingsError
from portal.settings.loading import FileChanges, Loaded, load
from portal.settings.tree import Settings

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 2.0
AT_START: Final = ("watch", "cache", "realtime", "websocket", "broker", "state")
"""Sections that a running process cannot change."""


class Reloader:
    """Looks at the configuration file now and then: `take` gets changed settings, `refuse` the mistake in a file."""

    def __init__(
        self,
        loaded: Loaded,
        environ: Mapping[str, str],
        take: Callable[[Settings], None],
        refuse: Callable[[str], None],
        registry: CollectorRegistry | None = None,
    ) -> None:
        self._loaded = loaded
        self._environ = environ
        self._take = take
        self._refuse = refuse
        self._has_changed = FileChanges(loaded.path)
        self._reloads = Counter(
            "portal_config_reloads",
            "Changed configuration files, by whether they were taken over",
            ["result"],
            registry=registry or CollectorRegistry(),
        )
        for result in ("taken", "refused"):  # a counter that appears with its first mistake shows no increase
            self._reloads.labels(result)
        self._is_refused = False

    def run(self, stop: threading.Event) -> None:
        """Look until `stop` is set."""
        while not stop.wait(LOOK_SECONDS):
            self.look()

    def look(self) -> None:
        """Take the file over if it has changed."""
        if self._has_changed():
            self._reload()

    def _reload(self) -> None:
        try:
            loaded = load(self._loaded.path, self._environ)
        except SettingsError as error:
            self._reloads.labels("refused").inc()
            for problem in error.problems:
                log.error("Kept the last good configuration: %s", problem)  # noqa: TRY400 - a user's mistake, not ours
            self._is_refused = True
            self._refuse(_summary(error.problems))
            return
        self._reloads.labels("taken").inc()
        for warning in loaded.warnings:
            log.warning("%s", warning)
        before, self._loaded = self._loaded.settings, loaded
        for section in AT_START:
            if getattr(before, section) != getattr(loaded.settings, section):
                log.warning("A changed section counts from the next start on section=%s", section)
        if before.availability.secret_headers != loaded.settings.availability.secret_headers:
            log.warning("A changed key counts from the next start on key=availability.secretHeaders")
        log.info("Configuration reloaded file=%s", loaded.path)
        if self._is_refused or before != loaded.settings:  # a comment that changed is nothing to tell anybody
            self._is_refused = False
            self._take(loaded.settings)


def _summary(problems: Sequence[Problem]) -> str:
    """Return the first mistake, and how many more there are."""
    more = len(problems) - 1
    return f"{problems[0]} (and {more} more)" if more else str(problems[0])
