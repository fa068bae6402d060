"""Follows the namespaces that labels select, as they come and go."""

from __future__ import annotations

import logging
from typing import Any, Final, Protocol

from portal.kube.reflector import Changes, Replaced
from portal.kube.resources import Metadata, Projection, Resource

log = logging.getLogger(__name__)

TITLE: Final = "Namespace"
NAMESPACES: Final = (Resource("", "v1", "namespaces", "Namespace"),)


class Namespace(Projection, frozen=True, gc=False):
    """A namespace, of which only the name counts."""

    metadata: Metadata = Metadata()


class Select(Protocol):
    """Follows the sources in these namespaces; `only`: and in no others."""

    def __call__(self, namespaces: tuple[str, ...], *, only: bool = True) -> None:
        """Take over which namespaces are selected."""


class SelectedNamespaces:
    """Knows which namespaces are selected, and tells when they are others; `always` are those selected by name."""

    def __init__(self, always: tuple[str, ...], select: Select) -> None:
        self._always = frozenset(always)
        self._select = select
        self._labelled: frozenset[str] = frozenset()
        self._selected: frozenset[str] | None = None

    def begin(self) -> None:
        """Select those selected by name; what else is followed or shown stays until labels are answered for."""
        if self._always:
            self._select(tuple(sorted(self._always)), only=False)

    def __call__(self, delivery: Replaced[Any] | Changes[Any]) -> None:
        """Take note of namespaces that have the labels, or have them no longer."""
        if isinstance(delivery, Replaced):
            self._labelled = frozenset(each.metadata.name for each in delivery.objects)
        else:
            for event in delivery.events:
                name = frozenset((event.object.metadata.name,))
                self._labelled = self._labelled - name if event.type == "DELETED" else self._labelled | name
        selected = self._labelled | self._always
        if selected != self._selected:
            self._selected = selected
            log.info("Namespaces selected namespaces=%s", ",".join(sorted(selected)) or "-")
            self._select(tuple(sorted(selected)))
