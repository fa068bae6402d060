"""Istio VirtualServices: an address per host that is reached from outside the mesh."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from portal.kube.resources import Resource
from portal.model import Application
from portal.sources.annotated import Wish, application_from_annotations
from portal.sources.notes import Notes
from portal.sources.services import Service, unique
from portal.sources.source import Described, Found, Source
from portal.sources.urls import address, is_host

_MESH: Final = "mesh"
_INSIDE: Final = (".svc", ".cluster.local")


class StringMatch(Struct, frozen=True, gc=False, omit_defaults=True):
    """How a path is matched; one of these is set."""

    exact: str | None = None
    prefix: str | None = None
    regex: str | None = None


class HTTPMatch(Struct, frozen=True, gc=False, omit_defaults=True):
    """One condition of a route; without `uri` it takes any path."""

    uri: StringMatch | None = None


class Destination(Struct, frozen=True, gc=False, omit_defaults=True):
    """Where requests go: a host of the mesh."""

    host: str = ""


class HTTPDestination(Struct, frozen=True, gc=False, omit_defaults=True):
    """Where a share of the requests goes; without a weight some."""

    destination: Destination | None = None
    weight: int | None = None


class DirectResponse(Struct, frozen=True, gc=False, omit_defaults=True):
    """An answer that comes from Istio itself, mostly that nothing is there."""

    status: int | None = None


class HTTPRule(Struct, frozen=True, gc=False, rename="camel", omit_defaults=True):
    """One route; without conditions it takes everything."""

    match: tuple[HTTPMatch, ...] = ()
    route: tuple[HTTPDestination, ...] = ()
    direct_response: DirectResponse | None = None


class VirtualServiceSpec(Struct, frozen=True, gc=False, omit_defaults=True):
    """What a VirtualService wants."""

    hosts: tuple[str, ...] = ()
    gateways: tuple[str, ...] = ()
    http: tuple[HTTPRule, ...] = ()


class VirtualService(Described, frozen=True, gc=False, rename="camel"):
    """An Istio VirtualService."""

    spec: VirtualServiceSpec = VirtualServiceSpec()

    def content(self) -> object:
        """Return the whole spec."""
        return self.spec


def application_from_virtualservice(found: Found[VirtualService]) -> Application | None:
    """Return the application behind a VirtualService, or None where its annotations keep it off the page."""
    return application_from_annotations(found, addresses_from_virtualservice)


def addresses_from_virtualservice(found: Found[VirtualService], wish: Wish) -> Iterator[str]:
    """Yield an address per host that a browser outside the mesh can reach, all with one path: `/` where it is open."""
    spec = found.object.spec
    if spec.gateways and all(gateway == _MESH for gateway in spec.gateways):
        found.notes.step("only for the mesh: it is bound to no gateway")
        return
    path = _first_path(spec.http, found.notes)
    for host in spec.hosts:
        if is_outside(host):
            yield address(wish.protocol or found.options.default_protocol, host, wish.port, path)
        else:
            found.notes.step("host %s is a wildcard or a name inside the mesh: no link", host)


def is_outside(host: str) -> bool:
    """Return whether a browser can reach this host: no wildcard, no short name, no Service's name."""
    return ("." in host or ":" in host) and is_host(host) and not host.endswith(_INSIDE) and ".svc." not in host


def _first_path(rules: tuple[HTTPRule, ...], notes: Notes) -> str:
    if any(_opens_root(rule) for rule in rules):
        return ""
    for match in (match for rule in rules for match in rule.match or (HTTPMatch(),)):
        if match.uri is None:
            return ""
        path = match.uri.exact or match.uri.prefix
        if path:
            return path
        notes.step("path %s is a pattern: not used", match.uri.regex)
    return ""


def _opens_root(rule: HTTPRule) -> bool:
    if rule.direct_response:
        return False
    return not rule.match or any(each.uri and "/" in (each.uri.exact, each.uri.prefix) for each in rule.match)


def services_of_virtualservice(service: VirtualService) -> tuple[Service, ...]:
    """Return the Services that get a share of the requests."""
    routes = [each for rule in service.spec.http for each in rule.route if each.weight != 0 and each.destination]
    hosts = [each.destination.host for each in routes if each.destination]
    return unique([each for host in hosts if (each := service_from_host(host, service.metadata.namespace))])


def service_from_host(host: str, namespace: str) -> Service | None:
    """Return the Service that a host of the mesh names, in this namespace unless it names one; None for others."""
    name, _, rest = host.partition(".")
    if not rest:
        return Service(namespace, name)
    other, _, domain = rest.partition(".")
    return Service(other, name) if domain == "svc" or domain.startswith("svc.") else None


VIRTUALSERVICE: Final = Source(
    name="virtualservice",
    title="Istio VirtualService",
    resources=tuple(
        Resource("networking.istio.io", version, "virtualservices", "VirtualService")
        for version in ("v1", "v1beta1", "v1alpha3")
    ),
    projection=VirtualService,
    mapping=application_from_virtualservice,
    services=services_of_virtualservice,
)
