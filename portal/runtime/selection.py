"""Follows what the configuration selects: the enabled sources, in the namespaces it names or those with its labels."""

from __future__ import annotations

import logging
from functools import partial

from portal.ingest.endpoints import Readiness
from portal.runtime.crew import Crew
from portal.runtime.feeds import feeds_from_settings, namespaces_from_settings, startup_from_settings
from portal.runtime.following import Following
from portal.runtime.namespaces import SelectedNamespaces
from portal.settings.tree import Settings

log = logging.getLogger(__name__)


class Selection:
    """Lets sources be followed; `readiness` hears of the endpoints in the same namespaces."""

    def __init__(self, following: Following, readiness: Readiness, crew: Crew) -> None:
        self._following = following
        self._readiness = readiness
        self._crew = crew
        self._said: int | None = None  # how many sources are followed, as last said

    def follow(self, settings: Settings) -> None:
        """Follow what these settings select, by watches or on demand, and nothing else."""
        names, labels = namespaces_from_settings(settings), settings.namespace_selector.label_selector
        if settings.watch.enabled:
            select = partial(self._watch, settings)
            self._following.select_namespaces(labels, SelectedNamespaces(names, select))
        else:
            select = partial(self._list, settings)
            self._following.list_namespaces(labels, SelectedNamespaces(names, select), settings.cache.ttl)
        if not labels:
            select(names)

    def _watch(self, settings: Settings, namespaces: tuple[str, ...], *, only: bool = True) -> None:
        """Watch the enabled sources in these namespaces."""
        feeds = feeds_from_settings(settings, namespaces)
        self._following.watch(feeds, startup_from_settings(settings, feeds), only=only)
        inside = namespaces if settings.availability.enabled else ()
        self._following.watch_endpoints(inside, self._readiness.deliver, only=only)
        # Said after them: each says that it starts when this greenlet gives way.
        self._crew.errand("count of watchers", partial(self._say, "Started %d Kubernetes resource watchers"))

    def _list(self, settings: Settings, namespaces: tuple[str, ...], *, only: bool = True) -> None:
        """List the enabled sources in these namespaces when somebody asks."""
        feeds = feeds_from_settings(settings, namespaces)
        self._following.list_on_demand(feeds, settings.cache.ttl, only=only)
        self._say("Watching is disabled; sources are listed on demand sources=%d")

    def _say(self, template: str) -> None:
        """Say how many sources are followed, if it is another number."""
        number = len(self._following)
        if number != self._said:
            self._said = number
            log.info(template, number)
