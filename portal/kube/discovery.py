"""Which of the versions that a source understands the API server serves."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

import msgspec
from msgspec import Struct

from portal.kube.client import Api
from portal.kube.errors import Forbidden, Malformed, NotFound, Unauthorized
from portal.kube.resources import Resource

T = TypeVar("T", bound=Struct)

REMEMBERED_SECONDS: Final = 10.0  # several sources ask about the same group at the same moment


class ServedResource(Struct, frozen=True):
    """One resource that a version of a group has."""

    name: str = ""


class ServedVersion(Struct, frozen=True):
    """One version of a group, or what is in it."""

    version: str = ""
    resources: tuple[ServedResource, ...] = ()


class ServedGroup(Struct, frozen=True):
    """The versions of a group."""

    versions: tuple[ServedVersion, ...] = ()


class Discovery:
    """Asks an API server what it serves; what it said is good for ten seconds."""

    def __init__(self, api: Api, clock: Callable[[], float] = time.monotonic) -> None:
        self._api = api
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[str, tuple[float, bytes | None]] = {}

    def serving(self, candidates: Sequence[Resource]) -> Resource | None:
        """Return the first of the candidates, all of one group, that is served, or None when none is.

        Where we may not ask, that is the first of all. Raises KubeError.
        """
        group = candidates[0].group
        if not group:
            return candidates[0]
        try:
            with self._lock:
                versions = {each.version for each in self._asked(f"/apis/{group}", ServedGroup).versions}
                return next((each for each in candidates if each.version in versions and self._holds(each)), None)
        except (Forbidden, Unauthorized):
            return candidates[0]

    def _holds(self, resource: Resource) -> bool:
        served = self._asked(f"/apis/{resource.group}/{resource.version}", ServedVersion)
        return any(each.name == resource.plural for each in served.resources)

    def _asked(self, path: str, kind: type[T]) -> T:
        """Return the document at a path; an empty one where there is none."""
        moment, body = self._known.get(path, (-REMEMBERED_SECONDS, None))
        if self._clock() - moment >= REMEMBERED_SECONDS:
            body = self._document(path)
            self._known[path] = (self._clock(), body)
        if body is None:
            return kind()
        try:
            return msgspec.json.decode(body, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Malformed(f"the answer at {path} is no discovery document: {error}") from error

    def _document(self, path: str) -> bytes | None:
        try:
            return self._api.get(path)
        except NotFound:
            return None
