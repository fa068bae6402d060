"""The words that people may write, and what is said of those that are none."""

from __future__ import annotations

import pytest

from portal.sources.annotations import misspelt


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("startpunkt.ullberg.us/appname", "startpunkt.ullberg.us/appName"),
        ("startpunkt.ullberg.us/Enable", "startpunkt.ullberg.us/enable"),
        ("startpunkt.ullberg.us/description", "startpunkt.ullberg.us/info"),
        ("startpunkt.ullberg.us/targetblank", "startpunkt.ullberg.us/targetBlank"),
        ("hajimari.io/enabled", "hajimari.io/enable"),
        ("forecastle.stakater.com/exposed", "forecastle.stakater.com/expose"),
        ("forecastle.stakater.com/network-restricted", ""),
        ("hajimari.io/instance", ""),
        ("hajimari.io/zzz", ""),
    ],
)
def test_a_word_that_is_not_read_is_told_with_the_one_that_may_be_meant(key: str, meant: str) -> None:
    assert misspelt({key: "x"}) == ((key, meant),)


@pytest.mark.parametrize(
    "key", ["startpunkt.ullberg.us/appName", "startpunkt.ullberg.us/enabled", "example.com/appname", "appname"]
)
def test_words_that_are_read_and_words_of_others_are_not_misspelt(key: str) -> None:
    assert misspelt({key: "x"}) == ()
