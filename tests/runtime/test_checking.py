"""What the configuration says about checks, in the engine's words."""

from __future__ import annotations

from pathlib import Path

import pytest

from portal.availability.guard import Guard
from portal.availability.plan import ScheduleOptions
from portal.availability.targets import CheckOptions
from portal.runtime.checking import checks_from_settings, schedule_from_settings
from portal.runtime.replicas import own_namespace
from portal.settings.loading import load
from portal.settings.tree import SOURCE_NAMES, Settings


def settings_from(text: str, folder: Path) -> Settings:
    path = folder / "application.yaml"
    path.write_text(f"startpunkt: {{availability: {{{text}}}}}", encoding="utf-8")
    return load(path, {}).settings


def test_the_defaults_are_the_engines_own() -> None:
    assert checks_from_settings(Settings()) == CheckOptions()
    assert schedule_from_settings(Settings()) == ScheduleOptions()


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("interval: 5m, timeout: 2", CheckOptions(interval=300, timeout=2)),
        ("ignoreCertificates: true, caFile: /ca.pem", CheckOptions(ignore_certificates=True, ca_file="/ca.pem")),
        ("forbiddenAddresses: [private]", CheckOptions(guard=Guard(private=False))),
        ("forbiddenAddresses: [private, loopback]", CheckOptions(guard=Guard(loopback=False, private=False))),
        ("disabledSources: [route]", CheckOptions(off=frozenset(["route"]))),
        ("enabled: false", CheckOptions(off=frozenset(SOURCE_NAMES))),
    ],
)
def test_how_everything_is_asked_can_be_configured(text: str, options: CheckOptions, tmp_path: Path) -> None:
    assert checks_from_settings(settings_from(text, tmp_path)) == options


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("concurrency: 7, maxRetries: 3", ScheduleOptions(concurrency=7, warn_after=3)),
        ("initialDelayMs: 2s, backoffMultiplier: 3", ScheduleOptions(retry_first=2, retry_factor=3)),
        ("initialDelayMs: 0, maxDelayMs: 0", ScheduleOptions(retry_first=1, retry_longest=1)),
        ("maxDelayMs: 20000", ScheduleOptions(retry_longest=20)),
    ],
)
def test_how_often_is_asked_can_be_configured(text: str, options: ScheduleOptions, tmp_path: Path) -> None:
    assert schedule_from_settings(settings_from(text, tmp_path)) == options


def test_our_own_namespace_is_that_of_the_pod_or_default(tmp_path: Path) -> None:
    (tmp_path / "namespace").write_text("start\n", encoding="utf-8")

    assert own_namespace(tmp_path / "namespace") == "start"
    assert own_namespace(tmp_path / "absent") == "default"
