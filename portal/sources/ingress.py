"""Ingresses: an address per host and path, https where a `tls` entry covers the host."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec import Struct, field

from portal.kube.resources import Resource
from portal.model import Application
from portal.sources.annotated import Wish, application_from_annotations
from portal.sources.annotations import Annotations
from portal.sources.services import Service, unique
from portal.sources.source import Described, DescribedMetadata, Found, Source
from portal.sources.urls import address, is_host, path_from_pattern, path_from_prefix


class IngressTLS(Struct, frozen=True, gc=False, omit_defaults=True):
    """The hosts of one certificate; none means all."""

    hosts: tuple[str, ...] = ()


class IngressService(Struct, frozen=True, gc=False, omit_defaults=True):
    """The Service that takes requests."""

    name: str = ""


class IngressBackend(Struct, frozen=True, gc=False, rename="camel", omit_defaults=True):
    """What takes requests; v1 names a Service by `service`, v1beta1 by `serviceName`."""

    service: IngressService | None = None
    service_name: str | None = None

    @property
    def name(self) -> str:
        """Return the name of the Service, empty for anything else."""
        return self.service.name if self.service else self.service_name or ""


class IngressPath(Struct, frozen=True, gc=False, rename="camel", omit_defaults=True):
    """One path of a rule."""

    path: str | None = None
    path_type: str | None = None
    backend: IngressBackend | None = None


class IngressPaths(Struct, frozen=True, gc=False, omit_defaults=True):
    """The paths of a rule."""

    paths: tuple[IngressPath, ...] = ()


class IngressRule(Struct, frozen=True, gc=False, omit_defaults=True):
    """One host and its paths; without a host, every host."""

    host: str | None = None
    http: IngressPaths | None = None


class IngressSpec(Struct, frozen=True, gc=False, rename="camel", omit_defaults=True):
    """What an Ingress wants."""

    ingress_class_name: str | None = None
    tls: tuple[IngressTLS, ...] = ()
    rules: tuple[IngressRule, ...] = ()
    default_backend: IngressBackend | None = None
    backend: IngressBackend | None = None


class IngressPoint(Struct, frozen=True, gc=False, omit_defaults=True):
    """One address of the load balancer."""

    hostname: str | None = None
    ip: str | None = None


class IngressLoadBalancer(Struct, frozen=True, gc=False, omit_defaults=True):
    """The addresses of the load balancer."""

    ingress: tuple[IngressPoint, ...] = ()


class IngressStatus(Struct, frozen=True, gc=False, rename="camel", omit_defaults=True):
    """Where an Ingress is reached."""

    load_balancer: IngressLoadBalancer = IngressLoadBalancer()


class IngressAnnotations(Annotations, frozen=True, gc=False, omit_defaults=True):
    """The annotations of an Ingress, whose class once was one of them."""

    legacy_class: str | None = field(default=None, name="kubernetes.io/ingress.class")


class IngressMetadata(DescribedMetadata, frozen=True, gc=False, rename="camel"):
    """The metadata of an Ingress."""

    annotations: IngressAnnotations = IngressAnnotations()


class Ingress(Described, frozen=True, gc=False, rename="camel"):
    """An Ingress."""

    metadata: IngressMetadata = IngressMetadata()
    spec: IngressSpec = IngressSpec()
    status: IngressStatus = IngressStatus()

    def content(self) -> object:
        """Return the spec, and the status only where an address depends on it: where a rule names no host."""
        spec = self.spec
        for rule in spec.rules:
            if not rule.host:
                return spec, self.status
        return spec if spec.rules else (spec, self.status)


_ANY_RULE: Final = (IngressRule(),)
_ANY_PATH: Final = (IngressPath(),)


def application_from_ingress(found: Found[Ingress]) -> Application | None:
    """Return the application behind an Ingress, or None where its class or annotations keep it off the page."""
    if found.options.ingress_class_names and not _has_wanted_class(found):
        return None
    return application_from_annotations(found, addresses_from_ingress)


def addresses_from_ingress(found: Found[Ingress], wish: Wish) -> Iterator[str]:
    """Yield an address per host and path, in the order of the rules."""
    spec = found.object.spec
    for rule in spec.rules or _ANY_RULE:
        for host in (rule.host,) if rule.host else _hosts_of_any(found):
            if not is_host(host):
                found.notes.step("rule without a host that can be linked to: %s", host)
                continue
            is_safe = is_covered(spec.tls, host) or (not rule.host and is_covered(spec.tls, host.partition(".")[0]))
            protocol = wish.protocol or ("https" if is_safe else "http")
            for path in (rule.http.paths if rule.http else ()) or _ANY_PATH:
                yield address(protocol, host, wish.port, _literal(path))


def services_of_ingress(ingress: Ingress) -> tuple[Service, ...]:
    """Return the Services behind the rules; the one behind everything else only where there are no rules."""
    spec = ingress.spec
    paths = [path for rule in spec.rules if rule.http for path in rule.http.paths]
    backends = [path.backend for path in paths] if paths else [spec.default_backend or spec.backend]
    return unique([Service(ingress.metadata.namespace, each.name) for each in backends if each])


def is_covered(tls: tuple[IngressTLS, ...], host: str) -> bool:
    """Return whether a `tls` entry is for this host: by name, by a wildcard for one label, or for all hosts."""
    for entry in tls:
        if not entry.hosts or host in entry.hosts:
            return True
    wildcard = f"*.{host.partition('.')[2]}"
    return any(wildcard in entry.hosts for entry in tls)


def _literal(path: IngressPath) -> str:
    if path.path_type == "Exact" or path.path == "/":
        return path.path or ""
    cut = path_from_prefix if path.path_type == "Prefix" else path_from_pattern
    return cut(path.path or "")


def _hosts_of_any(found: Found[Ingress]) -> tuple[str, ...]:
    """Return where a rule for any host is reached: at the hosts of `tls` without a rule, else at the load balancer.

    A host of `tls` that is the first label of the load balancer's name means that one: so Tailscale names its own.
    """
    spec, notes = found.object.spec, found.notes
    points = found.object.status.load_balancer.ingress
    balancer = next((host for point in points if (host := point.hostname or point.ip)), None)
    ruled = {rule.host for rule in spec.rules}
    hosts = [host for entry in spec.tls for host in entry.hosts if host not in ruled and is_host(host)]
    if hosts and not (balancer and balancer.partition(".")[0] in hosts):
        notes.step("rule without a host: host %s comes from tls", ", ".join(hosts))
        return tuple(hosts)
    if balancer is None:
        notes.step("rule without a host that can be linked to: no host, and none in the status")
        return ()
    notes.step("host %s comes from the status of the load balancer", balancer)
    return (balancer,)


def _has_wanted_class(found: Found[Ingress]) -> bool:
    options = found.options
    name = found.object.spec.ingress_class_name or found.object.metadata.annotations.legacy_class
    wanted = name in options.ingress_class_names if name else options.include_unclassified
    verdict = "passes" if wanted else "hidden: it does not pass"
    found.notes.step(
        "ingress class %s %s the filter %s", name or "(none)", verdict, ", ".join(options.ingress_class_names)
    )
    return wanted


INGRESS: Final = Source(
    name="ingress",
    title="Ingress",
    resources=tuple(Resource("networking.k8s.io", version, "ingresses", "Ingress") for version in ("v1", "v1beta1")),
    projection=Ingress,
    mapping=application_from_ingress,
    services=services_of_ingress,
)
