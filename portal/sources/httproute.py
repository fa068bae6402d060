"""HTTPRoutes of the Gateway API: an address per host name and path, through the listener of the parent Gateway."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from portal.kube.resources import Resource
from portal.model import Application
from portal.sources.annotated import Wish, application_from_annotations
from portal.sources.gateways import (
    GROUP,
    VERSIONS,
    Listener,
    ParentRef,
    listener_for_host,
    listeners_from_parents,
    reference_from_parent,
)
from portal.sources.notes import Notes
from portal.sources.references import Reference
from portal.sources.services import Service, unique
from portal.sources.source import Described, Found, Source
from portal.sources.urls import address, is_host, path_from_pattern


class PathMatch(Struct, frozen=True, gc=False, omit_defaults=True):
    """How a path is matched: PathPrefix, Exact or RegularExpression."""

    type: str | None = None
    value: str | None = None


class Condition(Struct, frozen=True, gc=False, omit_defaults=True):
    """A header or query parameter that a request must have; that there is one is all that counts."""

    name: str = ""


class RouteMatch(Struct, frozen=True, gc=False, rename="camel", omit_defaults=True):
    """One condition of a rule; without a path it takes any path."""

    path: PathMatch | None = None
    method: str | None = None
    headers: tuple[Condition, ...] = ()
    query_params: tuple[Condition, ...] = ()

    @property
    def opens_root(self) -> bool:
        """Return whether a browser that asks for `/` passes."""
        if self.headers or self.query_params or self.method not in (None, "GET"):
            return False
        path = self.path
        return path is None or (path.type != "RegularExpression" and path.value in (None, "", "/"))


class BackendRef(Struct, frozen=True, gc=False, omit_defaults=True):
    """What takes a share of the requests: a Service unless something else is said; without a weight some."""

    group: str | None = None
    kind: str | None = None
    name: str = ""
    namespace: str | None = None
    weight: int | None = None


class RouteRule(Struct, frozen=True, gc=False, rename="camel", omit_defaults=True):
    """One rule; without conditions it takes everything."""

    matches: tuple[RouteMatch, ...] = ()
    backend_refs: tuple[BackendRef, ...] = ()


class HTTPRouteSpec(Struct, frozen=True, gc=False, rename="camel", omit_defaults=True):
    """What an HTTPRoute wants."""

    parent_refs: tuple[ParentRef, ...] = ()
    hostnames: tuple[str, ...] = ()
    rules: tuple[RouteRule, ...] = ()


class HTTPRoute(Described, frozen=True, gc=False, rename="camel"):
    """An HTTPRoute."""

    spec: HTTPRouteSpec = HTTPRouteSpec()

    def content(self) -> object:
        """Return the whole spec."""
        return self.spec


def application_from_httproute(found: Found[HTTPRoute]) -> Application | None:
    """Return the application behind an HTTPRoute, or None where its annotations keep it off the page."""
    return application_from_annotations(found, addresses_from_httproute)


def references_of_httproute(route: HTTPRoute) -> tuple[Reference, ...]:
    """Return the Gateways that the route is attached to."""
    namespace = route.metadata.namespace
    references = [reference_from_parent(parent, namespace) for parent in route.spec.parent_refs]
    return tuple(dict.fromkeys([each for each in references if each is not None]))


def services_of_httproute(route: HTTPRoute) -> tuple[Service, ...]:
    """Return the Services that get a share of the requests, by default in the route's namespace."""
    backends = [each for rule in route.spec.rules for each in rule.backend_refs if each.weight != 0]
    services = [each for each in backends if not each.group and each.kind in (None, "Service")]
    return unique([Service(each.namespace or route.metadata.namespace, each.name) for each in services])


def addresses_from_httproute(found: Found[HTTPRoute], wish: Wish) -> Iterator[str]:
    """Yield an address per host name and path, in the order in which they stand; the root is first where it is open."""
    spec = found.object.spec
    notes = found.notes
    listeners = listeners_from_parents(spec.parent_refs, found.origin.namespace, found.lookup, notes)
    paths = _paths(spec.rules, notes)
    for host in _hosts(spec.hostnames, listeners, notes):
        listener = None if wish.protocol else listener_for_host(listeners, host)
        protocol, port = _protocol_and_port(listener, wish, found.options.default_protocol, notes)
        for path in paths:
            yield address(protocol, host, port, path)


def _protocol_and_port(listener: Listener | None, wish: Wish, default: str, notes: Notes) -> tuple[str, int | None]:
    if listener is None or listener.scheme is None:
        return wish.protocol or default, wish.port
    notes.step("listener %s gives %s, port %s", listener.name, listener.scheme, listener.port)
    return listener.scheme, listener.port if wish.port is None else wish.port


def _hosts(names: tuple[str, ...], listeners: tuple[Listener, ...], notes: Notes) -> Iterator[str]:
    """Yield the hosts that can be linked to; for a wildcard, those of the listeners that it covers."""
    for name in names or _hosts_of_listeners(listeners, notes):
        if is_host(name):
            yield name
            continue
        covered = [each.hostname for each in listeners if each.hostname and each.hostname.endswith(name.lstrip("*"))]
        hosts = list(filter(is_host, covered))
        notes.step("host name %s is a wildcard: %s", name, ", ".join(hosts) or "no link")
        yield from hosts


def _hosts_of_listeners(listeners: tuple[Listener, ...], notes: Notes) -> tuple[str, ...]:
    notes.step("the route names no host: those of its listeners are taken")
    return tuple(dict.fromkeys([each.hostname for each in listeners if each.hostname]))


def _paths(rules: tuple[RouteRule, ...], notes: Notes) -> tuple[str, ...]:
    matches = [match for rule in rules for match in rule.matches or (RouteMatch(),)]
    paths = [path for match in matches if (path := _path(match, notes)) is not None]
    if any(match.opens_root for match in matches):
        paths.insert(0, "")  # whoever comes from Startpunkt knows the host alone
    return tuple(dict.fromkeys(paths)) or ("",)


def _path(match: RouteMatch, notes: Notes) -> str | None:
    if match.path is None or match.path.value is None:
        return ""
    if match.path.type != "RegularExpression":
        return match.path.value
    path = path_from_pattern(match.path.value)
    notes.step("path %s is a pattern: %s", match.path.value, path or "not used")
    return path if path.startswith("/") else None


HTTPROUTE: Final = Source(
    name="httproute",
    title="Gateway API HTTPRoute",
    resources=tuple(Resource(GROUP, version, "httproutes", "HTTPRoute") for version in VERSIONS),
    projection=HTTPRoute,
    mapping=application_from_httproute,
    references=references_of_httproute,
    services=services_of_httproute,
)
