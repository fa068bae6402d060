"""An answer may be anything; nothing that a server says makes us stumble."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.kube import errors
from portal.kube.errors import KubeError, error_from_answer, error_from_status

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
statuses = st.dictionaries(st.sampled_from(("code", "reason", "message", "details", "metadata", "kind")), json_values)


@given(json_values | statuses)
def test_whatever_an_error_event_holds_is_an_error_of_ours(status: object) -> None:
    error = error_from_status(status)

    assert isinstance(error, KubeError)
    assert 0 <= error.retry_after <= 300


@given(st.integers(300, 599), st.binary() | statuses.map(msgspec.json.encode), st.text(max_size=8))
def test_whatever_an_answer_holds_is_an_error_of_ours(code: int, body: bytes, retry_after: str) -> None:
    error = error_from_answer(code, body, {"Retry-After": retry_after})

    assert isinstance(error, KubeError)
    assert error.code == code
    assert str(error)


def test_the_text_of_a_page_is_said_without_its_markup() -> None:
    error = error_from_answer(503, b"<html><h1>503 Service\n Unavailable</h1></html>", {})

    assert str(error) == "503 Service Unavailable"


def test_a_long_message_is_cut() -> None:
    assert len(str(error_from_answer(500, b"x" * 10_000, {}))) == 300


@pytest.mark.parametrize(
    ("value", "seconds"), [("3", 3), ("1.5", 1.5), ("86400", 300), ("-1", 0), ("Wed, 21 Oct", 0), ("nan", 0)]
)
def test_retry_after_is_believed_within_reason(value: str, seconds: float) -> None:
    assert error_from_answer(429, b"", {"Retry-After": value}).retry_after == seconds


def test_a_wait_that_is_no_number_to_reckon_with_counts_as_none() -> None:
    body = b'{"code":429,"details":{"retryAfterSeconds":1' + b"0" * 400 + b"}}"

    assert error_from_answer(429, body, {}).retry_after == 0


def test_the_longer_of_two_waits_counts() -> None:
    error = error_from_answer(503, b'{"details":{"retryAfterSeconds":5}}', {"Retry-After": "1"})

    assert error.retry_after == 5


def test_every_class_says_when_it_is_raised() -> None:
    classes = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, KubeError)]

    assert [each for each in classes if not (each.__doc__ or "").startswith("Raised ")] == []
