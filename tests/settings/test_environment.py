"""Environment variables in the MicroProfile spelling override the file."""

from pathlib import Path

import pytest

from portal.settings.environment import variable
from portal.settings.errors import SettingsError
from portal.settings.loading import load
from portal.settings.reading import keys_of
from portal.settings.tree import Settings

FROM_KUBERNETES = {
    "PORTAL_PORT": "tcp://10.0.0.1:8080",
    "PORTAL_PORT_8080_TCP": "tcp://10.0.0.1:8080",
    "PORTAL_PORT_8080_TCP_ADDR": "10.0.0.1",
    "PORTAL_SERVICE_HOST": "10.0.0.1",
    "PORTAL_SERVICE_PORT_HTTP": "8080",
    "PORTAL_WEB_PORT": "tcp://10.0.0.1:8080",
    "PORTAL_CACHE_SERVICE_HOST": "10.0.0.1",
    "STARTPUNKT_PORT": "tcp://10.0.0.1:8080",
}

OUR_OWN = {"PORTAL_CONFIG": "/config/application.yaml", "PORTAL_DEBUG": "1", "PORTAL_LOG_LEVEL": "DEBUG"}


def complaints(environ: dict[str, str]) -> list[str]:
    with pytest.raises(SettingsError) as raised:
        load(None, environ)
    return [str(problem) for problem in raised.value.problems]


@pytest.mark.parametrize("name", ["STARTPUNKT_WEB_TITLE", "PORTAL_WEB_TITLE"])
def test_both_prefixes_are_read(name: str) -> None:
    assert load(None, {name: "Home"}).settings.web.title == "Home"


def test_our_own_prefix_wins() -> None:
    assert load(None, {"PORTAL_WEB_TITLE": "Home", "STARTPUNKT_WEB_TITLE": "Away"}).settings.web.title == "Home"


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    path = tmp_path / "application.yaml"
    path.write_text("startpunkt: {web: {title: Away, refreshInterval: 5}}", encoding="utf-8")

    web = load(path, {"PORTAL_WEB_TITLE": "Home"}).settings.web

    assert (web.title, web.refresh_interval) == ("Home", 5)


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("web.githubLink.enabled", "WEB_GITHUBLINK_ENABLED"),
        ("namespaceSelector.matchNames", "NAMESPACESELECTOR_MATCHNAMES"),
        ("ingress.onlyAnnotated", "INGRESS_ONLYANNOTATED"),
    ],
)
def test_names_are_spelt_as_microprofile_does(key: str, name: str) -> None:
    assert variable(key) == name


def test_no_two_keys_share_a_name() -> None:
    names = [variable(key) for key, _ in keys_of(Settings)]

    assert len(names) == len(set(names))


def test_lists_are_separated_by_commas() -> None:
    environ = {"PORTAL_NAMESPACESELECTOR_ANY": "false", "PORTAL_NAMESPACESELECTOR_MATCHNAMES": "media, home,"}

    assert load(None, environ).settings.namespace_selector.match_names == ("media", "home")


def test_lists_may_come_one_variable_per_item() -> None:
    environ = {
        "STARTPUNKT_INGRESS_INGRESSCLASSNAMES_0_": "nginx",
        "STARTPUNKT_INGRESS_INGRESSCLASSNAMES_1_": "traefik",
        "STARTPUNKT_INGRESS_INGRESSCLASSNAMES_7_": "lost",
    }

    assert load(None, environ).settings.ingress.ingress_class_names == ("nginx", "traefik")


def test_a_value_may_come_from_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "url"
    secret.write_text("rediss://:hunter2@valkey:6379/0\n", encoding="utf-8")

    assert load(None, {"PORTAL_BROKER_URL_FILE": str(secret)}).settings.broker.url == "rediss://:hunter2@valkey:6379/0"


def test_a_value_file_that_is_missing_is_one_line() -> None:
    assert complaints({"PORTAL_BROKER_URL_FILE": "/nowhere/url"}) == [
        'PORTAL_BROKER_URL_FILE: broker.url: cannot read "/nowhere/url": No such file or directory'
    ]


def test_a_value_file_that_is_not_text_is_one_line(tmp_path: Path) -> None:
    secret = tmp_path / "url"
    secret.write_bytes(b"\xff")

    assert complaints({"PORTAL_BROKER_URL_FILE": str(secret)}) == [
        f'PORTAL_BROKER_URL_FILE: broker.url: cannot read "{secret}": is not text'
    ]


def test_a_value_beside_its_file_is_a_mistake() -> None:
    assert complaints({"PORTAL_WEB_TITLE": "Home", "PORTAL_WEB_TITLE_FILE": "/title"}) == [
        "PORTAL_WEB_TITLE: web.title: is set, and so is PORTAL_WEB_TITLE_FILE: leave one"
    ]


def test_an_empty_variable_counts_as_not_set() -> None:
    assert load(None, {"PORTAL_WATCH_ENABLED": "", "PORTAL_WEB_TITLE": ""}).settings == Settings()


@pytest.mark.parametrize("environ", [FROM_KUBERNETES, OUR_OWN])
def test_names_that_spell_no_key_are_left_alone(environ: dict[str, str]) -> None:
    loaded = load(None, environ)

    assert (loaded.settings, loaded.warnings) == (Settings(), ())


def test_each_mistake_names_the_variable() -> None:
    assert complaints({"PORTAL_CACHE_TTL": "soon", "STARTPUNKT_INGRESS_INGRESSCLASSNAMES_0_": "A B"}) == [
        'PORTAL_CACHE_TTL: cache.ttl: "soon" is not a duration like 500ms, 60s, 5m or 2h',
        'STARTPUNKT_INGRESS_INGRESSCLASSNAMES_0_: ingress.ingressClassNames: "A B" is not a Kubernetes name',
    ]


def test_a_contradiction_names_the_variable_that_was_given() -> None:
    assert complaints({"PORTAL_WATCH_BACKOFF_INITIAL": "50s"}) == [
        "PORTAL_WATCH_BACKOFF_INITIAL: watch.backoff.max: is less than watch.backoff.initial"
    ]
