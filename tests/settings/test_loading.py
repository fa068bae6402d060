"""What a file, the environment and the defaults come to."""

from pathlib import Path

import pytest

from portal.settings.errors import SettingsError
from portal.settings.loading import FileChanges, find, load
from portal.settings.tree import SOURCE_NAMES, Group, Settings, SourceOptions
from portal.sources import SOURCES


def from_text(text: str, tmp_path: Path, environ: dict[str, str] | None = None) -> Settings:
    path = tmp_path / "application.yaml"
    path.write_text(text, encoding="utf-8")
    return load(path, environ or {}).settings


def warnings_from(text: str, tmp_path: Path, environ: dict[str, str] | None = None) -> list[str]:
    path = tmp_path / "application.yaml"
    path.write_text(text, encoding="utf-8")
    return [str(warning).removeprefix(f"{path}:") for warning in load(path, environ or {}).warnings]


def test_without_file_and_environment_the_defaults_count() -> None:
    assert load(None, {}).settings == Settings()


@pytest.mark.parametrize("root", ["startpunkt", "portal"])
def test_both_roots_are_read(root: str, tmp_path: Path) -> None:
    assert from_text(f"{root}: {{web: {{title: Home}}}}", tmp_path).web.title == "Home"


def test_a_root_without_keys_means_the_defaults(tmp_path: Path) -> None:
    assert from_text("startpunkt:\n  # web:\n", tmp_path) == Settings()


def test_what_a_trial_wants_to_see_soon_may_be_short(tmp_path: Path) -> None:
    settings = from_text(
        "portal: {watch: {safetyRelist: 1s, backoff: {resetAfter: 500ms}}, cache: {ttl: 100ms}, "
        "realtime: {heartbeatInterval: 200ms}}",
        tmp_path,
    )

    assert (settings.watch.safety_relist, settings.cache.ttl, settings.realtime.heartbeat_interval) == (1.0, 0.1, 0.2)


def test_keys_without_values_count_as_not_written(tmp_path: Path) -> None:
    assert from_text("startpunkt: {web: , cache: {ttl: }, watch: ~}", tmp_path) == Settings()


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("1500ms", 1.5), ("90s", 90), ("5m", 300), ("2h", 7200), ("1d", 86400), ("90", 90), ("1.5m", 90), ("60 s", 60)],
)
def test_durations_are_seconds(written: str, seconds: float, tmp_path: Path) -> None:
    assert from_text(f"startpunkt: {{cache: {{ttl: {written}}}}}", tmp_path).cache.ttl == seconds


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("PT90S", 90),
        ("PT1M30S", 90),
        ("pt1.5s", 1.5),
        ("P1D", 86400),
        ("P0DT1H", 3600),
        ("1m30s", 90),
        ("1h 30m", 5400),
        ("60S", 60),
    ],
)
def test_durations_may_be_written_as_in_startpunkt(written: str, seconds: float, tmp_path: Path) -> None:
    assert from_text(f"startpunkt: {{cache: {{ttl: {written}}}}}", tmp_path).cache.ttl == seconds


def test_blanks_around_a_switch_or_a_number_do_not_count(tmp_path: Path) -> None:
    environ = {"STARTPUNKT_HAJIMARI_ENABLED": "FALSE ", "STARTPUNKT_AVAILABILITY_MAXRETRIES": " 3 "}

    settings = from_text("startpunkt:", tmp_path, environ)

    assert (settings.hajimari.enabled, settings.availability.max_retries) == (False, 3)


@pytest.mark.parametrize("written", ["https", "HTTPS", '"https://"', '" https "'])
def test_the_default_protocol_is_read_like_an_annotated_one(written: str, tmp_path: Path) -> None:
    assert from_text(f"startpunkt: {{defaultProtocol: {written}}}", tmp_path).default_protocol == "https"


@pytest.mark.parametrize("written", ["250", "250ms", "0.25s"])
def test_keys_in_milliseconds_take_durations_too(written: str, tmp_path: Path) -> None:
    assert (
        from_text(f"startpunkt: {{realtime: {{eventDebounceMs: {written}}}}}", tmp_path).realtime.event_debounce_ms
        == 250
    )


@pytest.mark.parametrize("word", ["false", "False", "no", "off", "'false'", "0"])
def test_no_is_no_in_every_usual_spelling(word: str, tmp_path: Path) -> None:
    assert from_text(f"startpunkt: {{watch: {{enabled: {word}}}}}", tmp_path).watch.enabled is False


def test_texts_stay_as_written(tmp_path: Path) -> None:
    assert from_text("startpunkt: {web: {title: 1.0}}", tmp_path).web.title == "1.0"


def test_anchors_and_merge_keys_are_followed(tmp_path: Path) -> None:
    text = """
    startpunkt:
      ingress: &strict {enabled: false, onlyAnnotated: false}
      openshift:
        <<: *strict
        enabled: true
      istio: {virtualservice: {<<: [*strict, {enabled: true}]}}
    """

    settings = from_text(text, tmp_path)

    assert (settings.openshift.enabled, settings.openshift.only_annotated) == (True, False)
    assert (settings.istio.virtualservice.enabled, settings.istio.virtualservice.only_annotated) == (False, False)


def test_start_up_groups_keep_their_order(tmp_path: Path) -> None:
    text = """
    startpunkt:
      watch:
        startup:
          groups:
            - {name: first, sources: [ingress, application]}
            - {name: then, sources: bookmark}
    """

    groups = from_text(text, tmp_path).watch.startup.groups

    assert groups == (
        Group(name="first", sources=("ingress", "application")),
        Group(name="then", sources=("bookmark",)),
    )


def test_sources_have_their_options_by_name(tmp_path: Path) -> None:
    text = """
    startpunkt:
      hajimari: {enabled: false}
      openshift: {onlyAnnotated: false}
      gatewayapi: {httproute: {enabled: false}}
    """

    sources = from_text(text, tmp_path).sources

    assert sources == {
        "application": SourceOptions(enabled=True, only_annotated=False),
        "bookmark": SourceOptions(enabled=True, only_annotated=False),
        "hajimari-application": SourceOptions(enabled=False, only_annotated=False),
        "hajimari-bookmark": SourceOptions(enabled=False, only_annotated=False),
        "ingress": SourceOptions(enabled=True, only_annotated=True),
        "route": SourceOptions(enabled=True, only_annotated=False),
        "virtualservice": SourceOptions(enabled=True, only_annotated=True),
        "httproute": SourceOptions(enabled=False, only_annotated=True),
    }


def test_the_names_of_sources_are_those_that_there_are() -> None:
    assert {source.name for source in SOURCES} == set(SOURCE_NAMES)


def test_the_older_words_for_realtime_count_where_it_says_nothing(tmp_path: Path) -> None:
    text = """
    startpunkt:
      realtime: {eventDebounceMs: 70}
      websocket: {eventDebounceMs: 500, heartbeatInterval: 30s}
    """

    realtime = from_text(text, tmp_path).realtime

    assert (realtime.event_debounce_ms, realtime.heartbeat_interval) == (70, 30)


def test_keys_without_effect_are_warned_of_once(tmp_path: Path) -> None:
    text = """
quarkus: {http: {port: 80}}
"%dev": {startpunkt: {zzz: 1}}
startpunkt:
  web: {checkForUpdates: true}
  bingimage: {fallback: {title: a, urlbase: b}}
  graphql: {subscription: {enabled: true}}
  clusters: {remote: [{name: prod, graphql-url: https://example.org}]}
"""

    warnings = warnings_from(text, tmp_path, {"PORTAL_WEB_CHECKFORUPDATES": "true"})

    assert [warning.partition(": has no effect: ")[0] for warning in warnings] == [
        "2:1: quarkus",
        "3:1: %dev",
        "5:9: web.checkForUpdates",
        "6:3: bingimage",
        "7:3: graphql",
        "8:3: clusters",
    ]


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        (
            "startpunkt: {namespaceSelector: {matchNames: [media]}}",
            "1:46: namespaceSelector.matchNames: has no effect while namespaceSelector.any is true",
        ),
        (
            "startpunkt: {namespaceSelector: {any: false}}",
            "1:39: namespaceSelector.any: is false without matchNames: no namespace is read",
        ),
    ],
)
def test_a_selection_that_cannot_be_meant_is_warned_of(text: str, warning: str, tmp_path: Path) -> None:
    assert warnings_from(text, tmp_path) == [warning]


@pytest.mark.parametrize("written", ["maxDelayMs: 3000", "initialDelayMs: 10m"])
def test_a_longest_wait_below_the_first_is_warned_of_as_startpunkt_takes_it(written: str, tmp_path: Path) -> None:
    (warning,) = warnings_from(f"startpunkt: {{availability: {{{written}}}}}", tmp_path)

    assert ": availability.maxDelayMs: is less than availability.initialDelayMs: every wait is as short" in warning


def test_an_expression_of_quarkus_is_taken_as_written_and_warned_of(tmp_path: Path) -> None:
    warnings = warnings_from('startpunkt: {web: {title: "${TITLE:Home}"}, state: {path: "$HOME"}}', tmp_path)

    assert warnings == ["1:27: web.title: is taken as written: ${…} is not filled in; set PORTAL_WEB_TITLE instead"]


def test_a_variable_is_not_told_to_be_set_instead_of_itself() -> None:
    assert load(None, {"PORTAL_WEB_TITLE": "${TITLE:Home}"}).warnings == ()


def test_a_file_with_a_byte_order_mark_and_windows_line_ends_is_read(tmp_path: Path) -> None:
    path = tmp_path / "application.yaml"
    path.write_bytes(b"\xef\xbb\xbfstartpunkt:\r\n  web:\r\n    titel: Home\r\n")

    with pytest.raises(SettingsError, match=r":3:5: web\.titel: unknown key"):
        load(path, {})


def test_the_named_file_is_found_first(tmp_path: Path) -> None:
    assert find({"PORTAL_CONFIG": "/somewhere/portal.yaml"}, (tmp_path,)) == Path("/somewhere/portal.yaml")


def test_the_first_usual_file_that_exists_is_found(tmp_path: Path) -> None:
    second = tmp_path / "second.yaml"
    second.touch()

    assert find({}, (tmp_path / "first.yaml", second)) == second


def test_no_file_is_found_where_there_is_none(tmp_path: Path) -> None:
    assert find({}, (tmp_path / "first.yaml",)) is None


def test_a_changed_file_is_noticed_once(tmp_path: Path) -> None:
    path = tmp_path / "application.yaml"
    path.write_text("startpunkt: {}", encoding="utf-8")
    changed = FileChanges(path)

    path.write_text("portal: {}", encoding="utf-8")

    assert [changed(), changed()] == [True, False]


def test_a_mounted_config_map_that_is_swapped_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "new").mkdir()
    (tmp_path / "old" / "application.yaml").write_text("startpunkt: {}", encoding="utf-8")
    (tmp_path / "new" / "application.yaml").write_text("portal: {}", encoding="utf-8")
    (tmp_path / "..data").symlink_to("old")
    changed = FileChanges(tmp_path / "..data" / "application.yaml")

    (tmp_path / "..next").symlink_to("new")
    (tmp_path / "..next").rename(tmp_path / "..data")

    assert changed()


def test_a_file_that_is_gone_for_a_moment_has_not_changed(tmp_path: Path) -> None:
    path = tmp_path / "application.yaml"
    path.write_text("startpunkt: {}", encoding="utf-8")
    changed = FileChanges(path)
    path.unlink()
    gone = changed()
    path.write_text("startpunkt: {}", encoding="utf-8")

    assert (gone, changed()) == (False, False)


def test_without_a_file_nothing_changes() -> None:
    assert FileChanges(None)() is False
