"""The least rights that a configuration needs, as Kubernetes manifests."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Protocol

from msgspec import Struct, structs

from portal.kube.resources import Resource
from portal.settings.tree import Settings

READ: Final = ("get", "list", "watch")
LISTED: Final = ("get", "list")  # without watches


class Readable(Protocol):
    """What a source tells about the rights that it needs."""

    @property
    def name(self) -> str:
        """Return the name, as in an entry's id."""

    @property
    def title(self) -> str:
        """Return what people call it."""

    @property
    def resources(self) -> tuple[Resource, ...]:
        """Return what it reads."""


class Names(Struct, frozen=True):
    """What the roles are called and to whom they are given."""

    role: str = "portal"
    account: str = "portal"
    namespace: str = "portal"


class Rule(Struct, frozen=True):
    """One rule of a role, and why it is there."""

    why: str
    group: str
    plurals: tuple[str, ...]
    verbs: tuple[str, ...] = READ


REFERRED: Final = {
    "httproute": Rule(
        "the listeners that tell an HTTPRoute's protocol and port", "gateway.networking.k8s.io", ("gateways",)
    ),
}
"""Objects that a source looks at beside its own, by the source's name."""

PODS_BEHIND: Final = Rule("how many pods behind an application are ready", "discovery.k8s.io", ("endpointslices",))

SECRETS: Final = Rule(
    "headers of checks, from Secrets with the label startpunkt.ullberg.us/check-headers", "", ("secrets",)
)

NAMESPACES: Final = Rule("which namespaces have the labels that select them", "", ("namespaces",))

ONE_CHECKER: Final = Rule(
    "one replica at a time checks for all", "coordination.k8s.io", ("leases",), ("get", "create", "update")
)


def rules(settings: Settings, sources: Iterable[Readable]) -> tuple[Rule, ...]:
    """Return what is read in the namespaces that are shown, each resource once; ready pods only with watches."""
    wanted = [source for source in sources if settings.sources[source.name].enabled]
    own = (Rule(source.title, *_read(source)) for source in wanted)
    referred = (REFERRED[source.name] for source in wanted if source.name in REFERRED)
    said = settings.availability
    is_watched = said.enabled and settings.watch.enabled
    behind = (*([PODS_BEHIND] if is_watched else ()), *([SECRETS] if said.enabled and said.secret_headers else ()))
    return tuple({(rule.group, rule.plurals): rule for rule in (*own, *referred, *behind)}.values())


def document(settings: Settings, sources: Sequence[Readable], names: Names) -> str:
    """Return the manifests: a role and its binding for the cluster or for each named namespace, and one for our own."""
    parts: list[str] = []
    selector, needed = settings.namespace_selector, rules(settings, sources)
    is_open = selector.any or bool(selector.label_selector)
    if selector.label_selector:
        needed = (*needed, NAMESPACES)
    if not settings.watch.enabled:
        needed = tuple(structs.replace(rule, verbs=LISTED) for rule in needed)
    if is_open:
        parts += _role_and_binding("Cluster", names, "", needed)
    for namespace in () if is_open else selector.match_names:
        parts += _role_and_binding("", names, namespace, needed)
    if settings.availability.enabled and settings.broker.url:
        own = Names(f"{names.role}-lease", names.account, names.namespace)
        parts += _role_and_binding("", own, names.namespace, (ONE_CHECKER,))
    return "---\n".join(parts)


def _read(source: Readable) -> tuple[str, tuple[str, ...]]:
    return source.resources[0].group, tuple(dict.fromkeys(each.plural for each in source.resources))


def _role_and_binding(scope: str, names: Names, namespace: str, needed: Iterable[Rule]) -> Iterator[str]:
    place = f"  namespace: {json.dumps(namespace)}\n" if namespace else ""
    head = f"metadata:\n  name: {json.dumps(names.role)}\n{place}"
    version = "apiVersion: rbac.authorization.k8s.io/v1\n"
    yield f"{version}kind: {scope}Role\n{head}rules:\n" + "".join(map(_text_from_rule, needed))
    yield (
        f"{version}kind: {scope}RoleBinding\n{head}"
        f"roleRef:\n  apiGroup: rbac.authorization.k8s.io\n  kind: {scope}Role\n  name: {json.dumps(names.role)}\n"
        f"subjects:\n  - kind: ServiceAccount\n    name: {json.dumps(names.account)}\n"
        f"    namespace: {json.dumps(names.namespace)}\n"
    )


def _text_from_rule(rule: Rule) -> str:
    groups, plurals, verbs = json.dumps([rule.group]), json.dumps(rule.plurals), json.dumps(rule.verbs)
    return f"  # {rule.why}\n  - apiGroups: {groups}\n    resources: {plurals}\n    verbs: {verbs}\n"
