"""A reader's backlog: what is dropped and what is not when it is skipped ahead."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.stream.clients import Backlog
from tests.stream.site import parse

FRAMES = [f"id: {n}\ndata: {'x' * n}\n\n".encode() for n in range(1, 9)]
DATA = b"".join(FRAMES)


@given(offset=st.integers(0, len(DATA)), again=st.integers(0, 40))
def test_wherever_it_is_skipped_the_bytes_stay_whole_frames(offset: int, again: int) -> None:
    backlog = Backlog(DATA, 9, 0.0, offset=offset)
    sent = DATA[:offset]

    backlog.skip(b"id: a\ndata: RESET\n\n", 20)
    sent += backlog.data[:again]
    backlog.offset = min(again, len(backlog.data))
    backlog.skip(b"id: b\ndata: RESET\n\n", 30)
    ids = [frame.id for frame in parse(sent + backlog.data)]

    assert ids[-1] == "b"
    assert ids[:-1] in ([str(n) for n in range(1, len(ids))], [*[str(n) for n in range(1, len(ids) - 1)], "a"])
    assert backlog.cursor == 30


@pytest.mark.parametrize("offset", [0, 3, 14])
def test_the_head_of_a_response_is_sent_whatever_happens(offset: int) -> None:
    head = b":ok\nretry: 1000\n"
    backlog = Backlog(head + DATA, 9, 0.0, offset=offset)
    backlog.kept = len(head)

    backlog.skip(b"id: a\n\n", 20)

    assert backlog.data == head[offset:] + b"id: a\n\n"
