"""`portal rbac` asks for what a configuration needs, and for no more."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from portal.cli.permissions import Names, document
from portal.settings.loading import load
from portal.settings.tree import Settings
from portal.sources import SOURCES
from tests.cli.running import portal

NAMES = Names("start", "start-account", "home")


def settings_from(text: str, tmp_path: Path) -> Settings:
    path = tmp_path / "application.yaml"
    path.write_text(text, encoding="utf-8")
    return load(path, {}).settings


def manifests(settings: Settings) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(document(settings, SOURCES, NAMES)))


def granted(settings: Settings) -> set[tuple[str, str, str]]:
    """Return everything that any role allows: group, resource, verb."""
    rules = [rule for each in manifests(settings) for rule in each.get("rules", ())]
    return {
        (group, resource, verb)
        for rule in rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def reading(*resources: str) -> set[tuple[str, str, str]]:
    pairs = [resource.partition(".") for resource in resources]
    return {(group, plural, verb) for plural, _, group in pairs for verb in ("get", "list", "watch")}


OWN = reading("applications.startpunkt.ullberg.us", "bookmarks.startpunkt.ullberg.us")
BEHIND = reading("endpointslices.discovery.k8s.io")

NOTHING_MORE = """
startpunkt:
  ingress: {enabled: false}
  openshift: {enabled: false}
  istio: {virtualservice: {enabled: false}}
  gatewayapi: {httproute: {enabled: false}}
  hajimari: {enabled: false}
  availability: {enabled: false}
"""


def test_the_defaults_may_read_every_source_and_what_stands_behind_it() -> None:
    assert granted(Settings()) == OWN | BEHIND | reading(
        "applications.hajimari.io",
        "bookmarks.hajimari.io",
        "ingresses.networking.k8s.io",
        "routes.route.openshift.io",
        "virtualservices.networking.istio.io",
        "httproutes.gateway.networking.k8s.io",
        "gateways.gateway.networking.k8s.io",
    )


def test_secrets_are_read_only_where_headers_may_come_from_them(tmp_path: Path) -> None:
    allowed = granted(settings_from("startpunkt: {availability: {secretHeaders: true}}", tmp_path))

    assert allowed - granted(Settings()) == reading("secrets")


def test_namespaces_are_read_where_labels_select_them_with_watches_or_without(tmp_path: Path) -> None:
    labelled = "startpunkt: {namespaceSelector: {any: false, labelSelector: team=media}, watch: {enabled: %s}}"

    watching, asking = (granted(settings_from(labelled % each, tmp_path)) for each in ("true", "false"))

    assert watching == granted(Settings()) | reading("namespaces")
    assert {(group, resource) for group, resource, _ in watching - BEHIND} == {each[:2] for each in asking}


def test_without_watches_nothing_needs_to_be_watched_and_no_pods_are_counted(tmp_path: Path) -> None:
    asking = granted(settings_from("startpunkt: {watch: {enabled: false}}", tmp_path))

    assert asking == {each for each in granted(Settings()) - BEHIND if each[2] != "watch"}


def test_what_is_switched_off_needs_no_rights(tmp_path: Path) -> None:
    assert granted(settings_from(NOTHING_MORE, tmp_path)) == OWN


@pytest.mark.parametrize(
    ("key", "resources"),
    [
        ("ingress", ["ingresses.networking.k8s.io"]),
        ("gatewayapi", ["httproutes.gateway.networking.k8s.io", "gateways.gateway.networking.k8s.io"]),
        ("openshift", ["routes.route.openshift.io"]),
    ],
)
def test_what_is_switched_on_brings_its_own_rights(key: str, resources: list[str], tmp_path: Path) -> None:
    lines = [line for line in NOTHING_MORE.splitlines() if key not in line]

    assert granted(settings_from("\n".join(lines), tmp_path)) == OWN | reading(*resources)


def test_secrets_are_never_asked_for() -> None:
    assert "secrets" not in document(Settings(), SOURCES, NAMES)


def test_all_namespaces_are_one_cluster_role_and_its_binding() -> None:
    role, binding = manifests(Settings())

    assert (role["kind"], binding["kind"]) == ("ClusterRole", "ClusterRoleBinding")
    assert binding["roleRef"] == {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "start"}
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "start-account", "namespace": "home"}]


def test_named_namespaces_are_a_role_and_a_binding_each(tmp_path: Path) -> None:
    text = "startpunkt: {namespaceSelector: {any: false, matchNames: [media, tools]}}"

    found = [(each["kind"], each["metadata"]["namespace"]) for each in manifests(settings_from(text, tmp_path))]

    assert found == [("Role", "media"), ("RoleBinding", "media"), ("Role", "tools"), ("RoleBinding", "tools")]


def test_replicas_that_share_a_broker_hold_a_lease_in_their_own_namespace(tmp_path: Path) -> None:
    settings = settings_from("startpunkt: {broker: {url: redis://valkey}}", tmp_path)

    role = manifests(settings)[2]

    assert role["metadata"] == {"name": "start-lease", "namespace": "home"}
    assert role["rules"] == [
        {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["get", "create", "update"]}
    ]


def test_the_command_prints_the_manifests(tmp_path: Path) -> None:
    path = tmp_path / "application.yaml"
    path.write_text(NOTHING_MORE, encoding="utf-8")

    outcome = portal("rbac", "--config", str(path), "--name", "start")

    role, _ = yaml.safe_load_all(outcome.out)
    assert (outcome.code, role["metadata"]["name"]) == (0, "start")
