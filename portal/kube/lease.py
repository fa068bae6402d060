"""One holder among replicas, by a Lease of the API server: renewed while it is held, released when we stop.

Clocks of different machines are never compared: a holder is gone when *we* have seen no renewal for as long as the
Lease says. Who holds it and cannot reach the API server goes on: that two do the work for a while is better than that
nobody does, and the first look that shows another holder ends it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, Protocol

import msgspec
from msgspec import Struct

from portal.kube.decode import json_from_bytes
from portal.kube.errors import Conflict, Forbidden, KubeError, Malformed, NotFound
from portal.model import utc_now

log = logging.getLogger(__name__)

GROUP: Final = "coordination.k8s.io/v1"


class Asks(Protocol):
    """What the Lease needs of an API server."""

    def send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
        *,
        exempt: bool = False,
    ) -> bytes:
        """Send a request and return the document that answers it. Raises KubeError."""


class LeaseOptions(Struct, frozen=True, kw_only=True):
    """Which Lease, who we are, and its times in seconds: gone after `lasts` without a renewal, renewed each `renew`."""

    namespace: str
    name: str
    identity: str
    lasts: int = 10
    renew: float = 2.5


class Lease:
    """Tries to hold a Lease; `turn` is told True when we begin to hold it and False when we no longer do."""

    def __init__(
        self,
        api: Asks,
        options: LeaseOptions,
        turn: Callable[[bool], None],
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._api = api
        self._options = options
        self._turn = turn
        self._clock = clock
        self._now = now
        self._collection = f"/apis/{GROUP}/namespaces/{options.namespace}/leases"
        self._path = f"{self._collection}/{options.name}"
        self._seen: tuple[object, object] = (None, None)
        self._seen_at = 0.0
        self._complaint = ""
        self.held = False

    def run(self, stop: threading.Event) -> None:
        """Hold the Lease whenever nobody else does, until `stop` is set; then release it."""
        try:
            while not stop.is_set():
                self.attempt()
                stop.wait(self._options.renew)
        finally:
            self.release()

    def attempt(self) -> None:
        """Renew the Lease, or take it where it is free."""
        try:
            self._become(held=self._tried())
        except Conflict:
            return  # somebody was faster; the next attempt sees who
        except Forbidden as error:
            self._complain("No right to use Leases, this replica checks whatever others do", error)
            self._become(held=True)
        except KubeError as error:
            self._complain("Cannot ask for the Lease", error)
        else:
            self._complaint = ""

    def release(self) -> None:
        """Let the Lease go, so that another replica need not wait."""
        if not self.held:
            return
        self._become(held=False)
        try:
            lease = self._read()
            if lease["spec"].get("holderIdentity") == self._options.identity:
                lease["spec"] |= {"holderIdentity": "", "leaseDurationSeconds": 1, "renewTime": self._moment()}
                self._write("PUT", self._path, lease)
        except KubeError as error:
            log.info("Could not release the Lease lease=%s error=%s", self._options.name, error)

    def _tried(self) -> bool:
        try:
            lease = self._read()
        except NotFound:
            self._write("POST", self._collection, self._new())
            return True
        spec, us = lease["spec"], self._options.identity
        holder = spec.get("holderIdentity") or ""
        if holder not in ("", us) and not self._is_gone(spec):
            return False
        if holder != us:
            changes = int(spec.get("leaseTransitions") or 0) + 1
            spec |= {"holderIdentity": us, "acquireTime": self._moment(), "leaseTransitions": changes}
        spec |= {"renewTime": self._moment(), "leaseDurationSeconds": self._options.lasts}
        self._write("PUT", self._path, lease)
        return True

    def _is_gone(self, spec: Mapping[str, Any]) -> bool:
        """Tell whether the holder has shown no sign of life since we look, for as long as the Lease lasts."""
        seen, now = (spec.get("holderIdentity"), spec.get("renewTime")), self._clock()
        if seen != self._seen:
            self._seen, self._seen_at = seen, now
        return now - self._seen_at >= float(spec.get("leaseDurationSeconds") or self._options.lasts)

    def _become(self, *, held: bool) -> None:
        if held != self.held:
            self.held = held
            words = "Holding the Lease" if held else "Let the Lease go"
            log.info("%s lease=%s identity=%s", words, self._options.name, self._options.identity)
            self._turn(held)

    def _complain(self, words: str, error: KubeError) -> None:
        if words != self._complaint:
            self._complaint = words
            log.warning("%s lease=%s error=%s", words, self._options.name, error)

    def _read(self) -> dict[str, Any]:
        lease = json_from_bytes(self._api.send("GET", self._path, exempt=True))
        if not isinstance(lease, dict):
            raise Malformed("the Lease is no object")
        return {**lease, "spec": lease.get("spec") or {}}

    def _write(self, method: str, path: str, lease: Mapping[str, Any]) -> None:
        self._api.send(method, path, body=msgspec.json.encode(lease), exempt=True)

    def _new(self) -> dict[str, Any]:
        moment = self._moment()
        return {
            "apiVersion": GROUP,
            "kind": "Lease",
            "metadata": {"name": self._options.name, "namespace": self._options.namespace},
            "spec": {
                "holderIdentity": self._options.identity,
                "leaseDurationSeconds": self._options.lasts,
                "acquireTime": moment,
                "renewTime": moment,
                "leaseTransitions": 0,
            },
        }

    def _moment(self) -> str:
        return self._now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")
