"""The door to one resource: what can be listed and watched, wherever the objects come from.

The reflector knows nothing else of where objects are. A real API server is behind `doors.HttpListWatch`; manifests in
a folder and the fakes of tests stand behind the same two methods.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Generic, Protocol, TypeVar

from msgspec import Struct

from portal.kube.decode import Fault
from portal.kube.resources import Projection

P = TypeVar("P", bound=Projection)


class WatchEvent(Struct, Generic[P], frozen=True, gc=False):
    """What happened to one object: ADDED, MODIFIED or DELETED; BOOKMARK is a progress mark, with only a version."""

    type: str
    object: P


class Page(Struct, Generic[P], frozen=True):
    """One page of a list: `continue_token` leads to the next and is empty on the last."""

    objects: tuple[P, ...]
    resource_version: str
    continue_token: str = ""
    faults: tuple[Fault, ...] = ()


class WatchStream(Protocol[P]):
    """The events of one watch, as they come."""

    def __iter__(self) -> Iterator[Sequence[WatchEvent[P]]]:
        """Yield events in batches, as they were received together; ends only where the server ended the watch in order.

        Yields an empty batch when nothing came for a while, at least every half minute, so that the reader can keep
        its own deadlines. Raises KubeError when the watch ended in any other way.
        """

    def close(self) -> None:
        """Hang up; who is waiting for events stops waiting."""


class ListWatch(Protocol[P]):
    """Lists one resource, and watches it from a resourceVersion."""

    def list(self, *, limit: int, continue_token: str) -> Page[P]:
        """Return one page of the present objects; `limit` 0 means all at once.

        Raises KubeError.
        """

    def watch(self, *, resource_version: str, timeout_seconds: float) -> WatchStream[P]:
        """Return what happens after a resourceVersion, once the server has begun to answer.

        Raises KubeError.
        """
