"""However bytes are cut on their way, the same chunks, members and lines come out."""

from __future__ import annotations

import gzip
import itertools
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.kube.errors import LineTooLong, Malformed
from portal.kube.framing import Chunks, Lines, Unzip, Whole

payloads = st.lists(st.binary(min_size=1, max_size=40), max_size=8)


def chunked(parts: list[bytes]) -> bytes:
    """Return a chunked body."""
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    """Return bytes cut at places."""
    places = sorted({cut % (len(data) + 1) for cut in cuts} | {0, len(data)})
    return [data[a:b] for a, b in itertools.pairwise(places)]


@given(payloads, st.lists(st.integers(0, 400), max_size=12))
def test_a_chunked_body_may_be_cut_anywhere(parts: list[bytes], cuts: list[int]) -> None:
    chunks = Chunks()

    payload = b"".join(chunks.feed(piece) for piece in pieces(chunked(parts), cuts))

    assert payload == b"".join(parts)
    assert chunks.finished


@given(payloads, st.integers(1, 12))
def test_a_chunked_body_without_its_last_chunk_is_not_finished(parts: list[bytes], missing: int) -> None:
    chunks = Chunks()

    chunks.feed(chunked(parts)[: -(4 + missing)])

    assert not chunks.finished


def test_a_chunk_may_have_extensions() -> None:
    assert Chunks().feed(b"3;name=value\r\nabc\r\n") == b"abc"


@pytest.mark.parametrize("body", [b"zz\r\n", b"-3\r\nabc", b"\r\n", b"x" * 5000])
def test_a_chunk_without_a_size_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        Chunks().feed(body)


def test_a_body_of_a_promised_length_ends_there() -> None:
    body = Whole(5)

    assert body.feed(b"abc") + body.feed(b"defg") == b"abcde"
    assert body.finished


def test_a_body_without_a_promise_never_ends_by_itself() -> None:
    body = Whole(None)

    assert body.feed(b"abc") == b"abc"
    assert not body.finished


@given(payloads, st.lists(st.integers(0, 400), max_size=12))
def test_gzip_of_several_members_may_be_cut_anywhere(parts: list[bytes], cuts: list[int]) -> None:
    unzip = Unzip()
    data = b"".join(map(gzip.compress, parts))

    assert b"".join(unzip.feed(piece) for piece in pieces(data, cuts)) == b"".join(parts)


def test_what_is_not_gzip_is_malformed() -> None:
    with pytest.raises(Malformed):
        Unzip().feed(b"not gzip at all")


@given(
    st.lists(st.binary(max_size=20).filter(lambda line: b"\n" not in line), max_size=8), st.lists(st.integers(0, 200))
)
def test_lines_may_be_cut_anywhere(wanted: list[bytes], cuts: list[int]) -> None:
    lines = Lines()
    data = b"".join(line + b"\n" for line in wanted)

    whole = b"".join(lines.feed(piece) for piece in pieces(data + b"tail", cuts))

    assert whole == data
    assert lines.tail


def test_a_line_that_does_not_end_is_refused_at_last() -> None:
    lines = Lines(longest=100)
    lines.feed(b"x" * 100)

    with pytest.raises(LineTooLong):
        lines.feed(b"x")


def test_a_long_line_costs_its_length_and_not_its_square() -> None:
    lines = Lines()
    tracemalloc.start()

    for _ in range(512):
        lines.feed(b"x" * 16384)
    whole = lines.feed(b"\n")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert len(whole) == 512 * 16384 + 1
    assert peak < 3 * len(whole)
