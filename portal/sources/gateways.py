"""Gateways of the Gateway API: through which protocol and port a route's host is reached."""

from __future__ import annotations

from typing import Final

from msgspec import Struct, ValidationError, convert

from portal.sources.notes import Notes
from portal.sources.references import Lookup, Reference

GROUP: Final = "gateway.networking.k8s.io"
VERSIONS: Final = ("v1", "v1beta1")
_PROTOCOLS: Final = {"HTTP": "http", "HTTPS": "https", "TLS": "https"}


class ParentRef(Struct, frozen=True, gc=False, rename="camel", omit_defaults=True):
    """What a route is attached to: a Gateway, all its listeners or some."""

    group: str | None = None
    kind: str | None = None
    namespace: str | None = None
    name: str = ""
    section_name: str | None = None
    port: int | None = None


class Listener(Struct, frozen=True, gc=False, omit_defaults=True):
    """One door of a Gateway; without a host name it is open to all."""

    name: str = ""
    hostname: str | None = None
    port: int | None = None
    protocol: str = ""

    @property
    def scheme(self) -> str | None:
        """Return the scheme of addresses behind this door, or None where it is none for browsers."""
        return _PROTOCOLS.get(self.protocol.upper())

    def covers(self, host: str) -> bool:
        """Return whether requests for the host pass; a wildcard stands for one label or more."""
        pattern = self.hostname
        return not pattern or pattern == host or (pattern.startswith("*.") and host.endswith(pattern[1:]))


class GatewaySpec(Struct, frozen=True, gc=False):
    """The doors of a Gateway."""

    listeners: tuple[Listener, ...] = ()


class Gateway(Struct, frozen=True, gc=False):
    """A Gateway."""

    spec: GatewaySpec = GatewaySpec()


def reference_from_parent(parent: ParentRef, namespace: str) -> Reference | None:
    """Return the Gateway that a parent reference means, by default in the route's namespace; None for other kinds."""
    if (parent.group if parent.group is not None else GROUP) != GROUP or (parent.kind or "Gateway") != "Gateway":
        return None
    return Reference(GROUP, VERSIONS, "Gateway", parent.namespace or namespace, parent.name)


def listeners_from_parents(
    parents: tuple[ParentRef, ...], namespace: str, lookup: Lookup, notes: Notes
) -> tuple[Listener, ...]:
    """Return the doors that a route is attached to, those for browsers alone, as far as its Gateways are known."""
    attached: list[Listener] = []
    for parent in parents:
        reference = reference_from_parent(parent, namespace)
        if reference is not None:
            attached += [each for each in _listeners(reference, lookup, notes) if _is_attached(parent, each)]
    return tuple(attached)


def listener_for_host(listeners: tuple[Listener, ...], host: str) -> Listener | None:
    """Return the door through which a host is best reached: https before http, then the first."""
    covering = [each for each in listeners if each.covers(host)]
    return next((each for each in covering if each.scheme == "https"), covering[0] if covering else None)


def _listeners(reference: Reference, lookup: Lookup, notes: Notes) -> tuple[Listener, ...]:
    found = lookup(reference)
    if found is None:
        notes.step("%s is not known: its listeners are not consulted", reference)
        return ()
    try:
        return convert(found, Gateway).spec.listeners
    except ValidationError as error:
        notes.step("%s cannot be read: %s", reference, error)
        return ()


def _is_attached(parent: ParentRef, listener: Listener) -> bool:
    return (
        listener.scheme is not None
        and parent.section_name in (None, "", listener.name)
        and parent.port in (None, listener.port)
    )
