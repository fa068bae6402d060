"""OpenShift Routes: one host and one path, https where the Route terminates or passes TLS."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from portal.kube.resources import Resource
from portal.model import Application
from portal.sources.annotated import Wish, application_from_annotations
from portal.sources.services import Service, unique
from portal.sources.source import Described, Found, Source
from portal.sources.urls import address, is_host


class RouteTLS(Struct, frozen=True, gc=False, omit_defaults=True):
    """How a Route does TLS; that it does is all that counts."""

    termination: str | None = None


class RouteBackend(Struct, frozen=True, gc=False, omit_defaults=True):
    """What takes requests, and its share of them; without a weight some."""

    kind: str | None = None
    name: str = ""
    weight: int | None = None


class RouteSpec(Struct, frozen=True, gc=False, rename="camel", omit_defaults=True):
    """What a Route wants."""

    host: str | None = None
    path: str | None = None
    tls: RouteTLS | None = None
    wildcard_policy: str | None = None
    to: RouteBackend | None = None
    alternate_backends: tuple[RouteBackend, ...] = ()


class RoutePoint(Struct, frozen=True, gc=False, omit_defaults=True):
    """Where one router exposes the Route."""

    host: str | None = None


class RouteStatus(Struct, frozen=True, gc=False, omit_defaults=True):
    """Where the Route is exposed."""

    ingress: tuple[RoutePoint, ...] = ()


class Route(Described, frozen=True, gc=False, rename="camel"):
    """An OpenShift Route."""

    spec: RouteSpec = RouteSpec()
    status: RouteStatus = RouteStatus()

    @property
    def host(self) -> str | None:
        """Return the wanted host, else the one that the first router gave."""
        return self.spec.host or next((point.host for point in self.status.ingress[:1]), None)

    def content(self) -> object:
        """Return the spec and the host."""
        return (self.spec, self.host)


def application_from_route(found: Found[Route]) -> Application | None:
    """Return the application behind a Route, or None where its annotations keep it off the page."""
    return application_from_annotations(found, addresses_from_route)


def addresses_from_route(found: Found[Route], wish: Wish) -> Iterator[str]:
    """Yield the one address of a Route."""
    spec = found.object.spec
    host = found.object.host
    if not host or not is_host(host):
        found.notes.step("the Route has no host that can be linked to: %s", host or "none, and none in its status")
        return
    if spec.wildcard_policy == "Subdomain":
        found.notes.step("wildcardPolicy is Subdomain: the link leads to %s alone", host)
    yield address(wish.protocol or ("http" if spec.tls is None else "https"), host, wish.port, spec.path or "")


def services_of_route(route: Route) -> tuple[Service, ...]:
    """Return the Services that get a share of the requests."""
    spec = route.spec
    backends = [*([spec.to] if spec.to else ()), *spec.alternate_backends]
    taking = [each for each in backends if each.weight != 0 and each.kind in (None, "Service")]
    return unique([Service(route.metadata.namespace, each.name) for each in taking])


ROUTE: Final = Source(
    name="route",
    title="OpenShift Route",
    resources=(Resource("route.openshift.io", "v1", "routes", "Route"),),
    projection=Route,
    mapping=application_from_route,
    services=services_of_route,
)
