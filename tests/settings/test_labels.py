from __future__ import annotations

from pathlib import Path

import pytest

from portal.settings.errors import SettingsError
from portal.settings.loading import load


def selector(tmp_path: Path, written: str) -> str:
    file = tmp_path / "application.yaml"
    file.write_text(f"portal: {{namespaceSelector: {{labelSelector: {written}}}}}", encoding="utf-8")
    return load(file, {}).settings.namespace_selector.label_selector


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ('"team=media,tier!=test"', "team=media,tier!=test"),
        ("{matchLabels: {team: media}}", "team=media"),
        ("{matchLabels: {team: media, example.com/tier: 'yes'}}", "team=media,example.com/tier=yes"),
        ("{matchLabels: {}}", ""),
        ("{matchExpressions: [{key: tier, operator: In, values: [a, b]}]}", "tier in (a,b)"),
        ("{matchExpressions: [{key: tier, operator: NotIn, values: [a]}]}", "tier notin (a)"),
        ("{matchExpressions: [{key: x/y, operator: Exists}, {key: z, operator: DoesNotExist}]}", "x/y,!z"),
        ("{matchLabels: {a: b}, matchExpressions: [{key: c, operator: Exists, values: []}]}", "a=b,c"),
    ],
)
def test_labels_are_written_as_a_text_or_as_in_kubernetes(tmp_path: Path, written: str, read: str) -> None:
    assert selector(tmp_path, written) == read


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("{matchLabel: {team: media}}", 'did you mean "matchLabels"?'),
        ("{matchExpressions: {key: a}}", "is not matchLabels with labels"),
        ("{matchExpressions: [{key: a, operator: in, values: [b]}]}", 'operator: "in" is not one of In, NotIn'),
        ("{matchExpressions: [{key: a, operator: In}]}", "needs values"),
        ("{matchExpressions: [{key: a, operator: Exists, values: [b]}]}", "takes no values"),
        ("{matchExpressions: [{operator: Exists}]}", "key: is missing"),
        ("{matchLabels: {team: [media]}}", 'the label "team" has no value'),
        ("{matchLabels: {team: 'a b; c'}}", 'the label "team" has no value'),
        ('"team~media"', "is not a label selector"),
    ],
)
def test_what_is_no_selector_is_a_mistake_with_its_place(tmp_path: Path, written: str, said: str) -> None:
    with pytest.raises(SettingsError, match=r"application\.yaml:1:\d+: namespaceSelector\.labelSelector: ") as error:
        selector(tmp_path, written)

    assert said in str(error.value)


def test_namespaces_are_selected_by_labels_without_watches_too(tmp_path: Path) -> None:
    file = tmp_path / "application.yaml"
    file.write_text(
        "portal: {watch: {enabled: false}, namespaceSelector: {labelSelector: team=media}}", encoding="utf-8"
    )

    loaded = load(file, {})

    assert (loaded.settings.namespace_selector.label_selector, loaded.warnings) == ("team=media", ())
