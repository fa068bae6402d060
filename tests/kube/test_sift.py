"""Of a batch counts what is newer than everything before it, and ours."""

from __future__ import annotations

import pytest

from portal.kube.sift import OPAQUE, is_before, number_from_version, sift
from tests.kube.simulation import event

A7, B8, GONE9 = event("ADDED", "a", 7), event("MODIFIED", "b", 8), event("DELETED", "a", 9)
MARK, OLD_MARK = event("BOOKMARK", "", 20), event("BOOKMARK", "", 3)


def test_new_events_count_and_move_the_cursor() -> None:
    sifted = sift([A7, B8, GONE9], "6")

    assert (list(sifted.events), sifted.cursor) == ([A7, B8, GONE9], "9")


def test_what_was_seen_before_is_dropped() -> None:
    sifted = sift([A7, B8, A7, GONE9, B8], "7")

    assert (list(sifted.events), sifted.cursor, sifted.duplicates) == ([B8, GONE9], "9", 3)


def test_a_mark_moves_the_cursor_and_is_not_handed_on() -> None:
    sifted = sift([A7, MARK], "6")

    assert (list(sifted.events), sifted.cursor, sifted.marks, sifted.went_back) == ([A7], "20", 1, False)


def test_a_mark_that_is_older_than_the_cursor_is_a_restored_server() -> None:
    assert sift([OLD_MARK], "6").went_back


def test_a_mark_at_the_cursor_is_nothing_special() -> None:
    sifted = sift([MARK], "20")

    assert (sifted.went_back, sifted.duplicates) == (False, 0)


def test_versions_are_numbers_and_not_text() -> None:
    sifted = sift([event("ADDED", "a", 1000)], "999")

    assert sifted.cursor == "1000"


def test_an_unknown_type_ends_the_batch_before_it() -> None:
    sifted = sift([A7, event("RENAMED", "x", 8), GONE9], "6")

    assert (list(sifted.events), sifted.cursor, sifted.unknown) == ([A7], "7", "RENAMED")


@pytest.mark.parametrize("odd", [event("ADDED", "", 8), event("ADDED", "x", "")])
def test_an_object_without_a_name_or_a_version_is_dropped_and_counted(odd: object) -> None:
    sifted = sift([A7, odd, GONE9], "6")

    assert (list(sifted.events), sifted.cursor, sifted.damaged) == ([A7, GONE9], "9", 1)


def test_a_mark_without_a_version_changes_nothing() -> None:
    sifted = sift([event("BOOKMARK", "", "")], "6")

    assert (list(sifted.events), sifted.cursor, sifted.damaged) == ([], "6", 1)


def test_versions_that_are_no_numbers_are_only_compared_for_equality() -> None:
    first, second = event("ADDED", "a", "x9"), event("MODIFIED", "a", "b2")

    sifted = sift([first, first, second], "k7")

    assert (list(sifted.events), sifted.cursor, sifted.duplicates) == ([first, second], "b2", 1)


def test_a_version_of_more_digits_than_can_be_reckoned_with_has_no_order() -> None:
    long = event("ADDED", "a", "7" * 5000)

    sifted = sift([long, long], "6")

    assert (list(sifted.events), sifted.cursor, sifted.duplicates) == ([long], "7" * 5000, 1)
    assert float(number_from_version("7" * 400)) == OPAQUE


@pytest.mark.parametrize(
    ("one", "other", "before"), [("9", "10", True), ("10", "9", False), ("9", "9", False), ("a", "9", False)]
)
def test_an_order_exists_only_between_numbers(one: str, other: str, before: bool) -> None:
    assert is_before(one, other) is before
