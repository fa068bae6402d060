"""The door to a real API server: one resource in one version, or in whichever of several versions is served."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import Final, Generic, TypeVar

from portal.kube.client import Api, ByteStream
from portal.kube.decode import Fault
from portal.kube.discovery import Discovery
from portal.kube.errors import InvalidRequest, Malformed, NotFound, Truncated
from portal.kube.framing import Lines
from portal.kube.listwatch import Page, WatchEvent
from portal.kube.resources import Projection, Resource
from portal.kube.wire import Notice, ObjectDecoder

P = TypeVar("P", bound=Projection)

log = logging.getLogger(__name__)

MOST_SAID: Final = 1000  # faults that are remembered as said


class HttpListWatch(Generic[P]):
    """Lists and watches one resource of an API server, in all namespaces or in one.

    `notice` hears of fields in watched objects that could not be read; those of listed objects are in the pages.
    """

    def __init__(
        self,
        api: Api,
        resource: Resource,
        projection: type[P],
        namespace: str = "",
        field_selector: str = "",
        label_selector: str = "",
        notice: Notice | None = None,
    ) -> None:
        self._api = api
        self._path = resource.path(namespace)
        self._decoder = ObjectDecoder(resource, projection)
        selectors = {"fieldSelector": field_selector, "labelSelector": label_selector}
        self._selectors = {name: value for name, value in selectors.items() if value}
        self._notice = notice or FaultLog(resource)
        self._marks = {"allowWatchBookmarks": "true"}

    def list(self, *, limit: int, continue_token: str) -> Page[P]:
        """Return one page; never from a given resourceVersion, so that it is the newest there is.

        Raises KubeError.
        """
        query = dict(self._selectors)
        if limit:
            query["limit"] = str(limit)
        if continue_token:
            query["continue"] = continue_token
        page = self._decoder.page(self._api.get(self._path, query, exempt=bool(continue_token)))
        if continue_token and page.continue_token == continue_token:
            raise Malformed("the list has no end: a page leads to itself")
        return page

    def watch(self, *, resource_version: str, timeout_seconds: float) -> HttpWatch[P]:
        """Return what happens after a resourceVersion.

        A server that does not accept the request is asked without progress marks from then on. Raises KubeError.
        """
        query = {"watch": "1", "resourceVersion": resource_version, "timeoutSeconds": str(round(timeout_seconds))}
        try:
            stream = self._api.stream(self._path, self._selectors | query | self._marks)
        except InvalidRequest:
            self._marks = {}
            raise
        return HttpWatch(stream, self._decoder, self._notice)


class HttpWatch(Generic[P]):
    """One running watch."""

    def __init__(self, stream: ByteStream, decoder: ObjectDecoder[P], notice: Notice) -> None:
        self._stream = stream
        self._decoder = decoder
        self._notice = notice

    def __iter__(self) -> Iterator[Sequence[WatchEvent[P]]]:
        """Yield the events of what was received together; an empty batch when that held no whole event.

        Raises KubeError.
        """
        lines = Lines()
        for data in self._stream:
            whole = lines.feed(data)
            if not whole:
                yield ()
                continue
            events, error = self._decoder.events(whole, self._notice)
            yield events
            if error is not None:
                raise error
        if lines.tail:
            raise Truncated("the watch ended in the middle of an event")

    def close(self) -> None:
        """Hang up."""
        self._stream.close()


class VersionedListWatch(Generic[P]):
    """Lists and watches a resource in the first of several versions that is served.

    The preferred version is tried first, without asking; only where it is not there is the API server asked what it
    serves.
    """

    def __init__(
        self,
        api: Api,
        discovery: Discovery,
        candidates: Sequence[Resource],
        projection: type[P],
        namespace: str = "",
        field_selector: str = "",
        label_selector: str = "",
        notice: Notice | None = None,
    ) -> None:
        self._discovery = discovery
        self._candidates = tuple(candidates)
        self._doors = {
            each: HttpListWatch(api, each, projection, namespace, field_selector, label_selector, notice)
            for each in self._candidates
        }
        self.resource = self._candidates[0]

    def list(self, *, limit: int, continue_token: str) -> Page[P]:
        """Return one page, of another version when the one used so far is gone.

        Raises KubeError, and NotFound when none of the versions is served.
        """
        try:
            return self._doors[self.resource].list(limit=limit, continue_token=continue_token)
        except NotFound:
            served = None if continue_token else self._other()
            if served is None:
                raise
        log.info("Reading another version resource=%s", served)
        self.resource = served
        return self._doors[served].list(limit=limit, continue_token="")

    def watch(self, *, resource_version: str, timeout_seconds: float) -> HttpWatch[P]:
        """Return what happens after a resourceVersion.

        Raises KubeError.
        """
        return self._doors[self.resource].watch(resource_version=resource_version, timeout_seconds=timeout_seconds)

    def _other(self) -> Resource | None:
        if len(self._candidates) == 1:
            return None
        served = self._discovery.serving(self._candidates)
        return None if served == self.resource else served


class FaultLog:
    """Says each field that could not be read once, and goes quiet after a thousand of them."""

    def __init__(self, resource: Resource) -> None:
        self._resource = resource
        self._said: set[tuple[str, str, str]] = set()

    def __call__(self, fault: Fault) -> None:
        """Take note of a field."""
        key = (fault.namespace, fault.name, fault.path)
        if key not in self._said and len(self._said) < MOST_SAID:
            self._said.add(key)
            log.warning(
                "Skipped a field that cannot be read resource=%s object=%s/%s field=%s why=%s",
                self._resource.plural,
                fault.namespace,
                fault.name,
                fault.path or "(all)",
                fault.message,
            )
