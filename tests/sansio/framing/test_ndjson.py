"""NDJSON: each line is a frame, whatever the cut."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import LimitExceededError, NDJSONFramer
from tests.laws.oracle import (
    assert_copies_linear,
    assert_linear,
    assert_memory_linear,
    calls_made,
    memory_peak,
)
from tests.sansio.framing.frames import Failure, Frame, assert_ends, frames
from tests.support import chunkings, every_split

NO_LIMIT = 1 << 24
PIECES = [b'{"a":1}', b"{}", b"x", b"\n", b"\n", b"\r\n", b"\r", b" ", b"\t", b"\xff", b"\0", b"\xe2\x80\xa8"]
STREAMS = st.lists(st.sampled_from(PIECES), max_size=30).map(b"".join) | st.binary(max_size=40)


def expected(stream: bytes, limit: int) -> list[Frame | Failure]:
    """The same, read slowly and whole."""
    found: list[Frame | Failure] = []
    at = 0
    for line in stream.split(b"\n"):
        content = line[:-1] if line.endswith(b"\r") else line
        if len(content) > limit:
            return [*found, (LimitExceededError, at, "max_event_bytes")]
        if any(byte not in b" \t\r" for byte in content):
            found.append((content, "", at))
        at += len(line) + 1
    return found


@given(data=st.data(), stream=STREAMS, limit=st.just(NO_LIMIT) | st.integers(1, 12))
def test_any_bytes_at_any_cut_are_lines(data: st.DataObject, stream: bytes, limit: int) -> None:
    wanted = expected(stream, limit)
    assert frames(NDJSONFramer(limit), data.draw(chunkings(stream))) == wanted
    assert frames(NDJSONFramer(limit), [stream]) == wanted


@given(data=st.data(), stream=STREAMS)
def test_it_ends_where_the_reader_says_so_or_raises(data: st.DataObject, stream: bytes) -> None:
    pieces = data.draw(chunkings(stream))
    count = len(frames(NDJSONFramer(), pieces))
    if count:
        assert_ends(NDJSONFramer, pieces, data.draw(st.integers(0, count - 1)))


@given(stream=STREAMS, limit=st.just(NO_LIMIT) | st.integers(1, 12))
def test_lines_that_arrive_one_by_one_are_read_as_at_any_other_cut(stream: bytes, limit: int) -> None:
    assert frames(NDJSONFramer(limit), stream.splitlines(keepends=True)) == expected(stream, limit)


def test_an_answer_that_ends_with_a_line_that_arrives_alone_is_over() -> None:
    for end in range(3):
        assert_ends(NDJSONFramer, [b'{"a":1}\n', b'{"b":2}\n', b'{"c":3}\n'], end)


def test_the_last_line_needs_no_end() -> None:
    for pieces in every_split(b'{"a":1}\r\n\r\n \n{"b":2}\n{"done":true}\r'):
        assert frames(NDJSONFramer(), pieces) == [
            (b'{"a":1}', "", 0),
            (b'{"b":2}', "", 13),
            (b'{"done":true}', "", 21),
        ]


def test_the_end_of_a_line_does_not_count_as_part_of_it() -> None:
    for end in (b"", b"\n", b"\r\n", b"\r"):
        for pieces in every_split(b"{}\n[1,2]" + end):
            assert frames(NDJSONFramer(5), pieces)[1:] == [(b"[1,2]", "", 3)]
            assert frames(NDJSONFramer(4), pieces)[1:] == [(LimitExceededError, 3, "max_event_bytes")]


def test_a_line_too_long_is_an_error_before_its_end() -> None:
    framer = NDJSONFramer(100)
    assert not framer.feed(b"x" * 100, lambda *_: False, [])
    with pytest.raises(LimitExceededError, match="longer than 100 bytes") as caught:
        framer.feed(b"x", lambda *_: False, [])
    assert "limits.max_event_bytes" in caught.value.advice()


FLOODS: dict[str, Callable[[int], list[bytes]]] = {
    "one read": lambda total: [b"{}\n" * (total // 3)],
    "one line a read": lambda total: [b'{"a":1}\n'] * (total // 8),
    "one line in pieces": lambda total: [b"x" * 64] * (total // 64),
    "blank lines": lambda total: [b"\n" * total],
}


@pytest.mark.parametrize("flood", FLOODS)
def test_linear_in_time_and_memory(flood: str) -> None:
    def run(total: int) -> None:
        framer = NDJSONFramer()
        for piece in FLOODS[flood](total):
            framer.feed(piece, lambda *_: False, [])
        framer.feed_eof(lambda *_: False, [])

    assert_linear(run, 20_000)
    assert_memory_linear(run, 20_000)
    assert_copies_linear(run, 20_000)


def test_memory_ends_at_the_limit() -> None:
    assert memory_peak(lambda: frames(NDJSONFramer(50_000), [b"x" * 64] * 4_000)) < 200_000


def test_a_line_that_arrives_alone_takes_few_steps() -> None:
    def steps(pieces: list[bytes]) -> int:
        framer = NDJSONFramer()
        return calls_made(lambda: [framer.feed(piece, lambda *_: False, []) for piece in pieces])

    assert steps([b'{"a":1}\n'] * 100) < 700 < steps([b'{"a":1}\r\n'] * 100)


MIXED = [
    b'{"a":1}\n', b'{"b":22}\n', b"{}\n", b"[1]\n", b"{} \n", b" {}\n", b"{}\n{}\n", b'{"c":', b"3}\n",
    b"{}\n", b"\n", b"{}\r\n", b"\xff}\n", b"{\xff}\n", b"{", b"}\n", b"{}",
]  # fmt: skip
"""Reads of a stream: lines that arrive alone, together, and in pieces."""


def test_lines_are_read_with_their_offsets_however_they_arrive() -> None:
    stream = b"".join(MIXED)
    wanted = expected(stream, NO_LIMIT)
    assert len(wanted) == 15
    for pieces in (MIXED, [stream], [stream[at : at + 1] for at in range(len(stream))]):
        assert frames(NDJSONFramer(), pieces) == wanted


@pytest.mark.parametrize("limit", range(1, 10))
def test_the_limit_holds_for_lines_that_arrive_alone(limit: int) -> None:
    for pieces in (MIXED, [b'{"d":1234}\n', b"{}\n"], [b"{}\n", b'{"d":1234}\n']):
        assert frames(NDJSONFramer(limit), pieces) == expected(b"".join(pieces), limit)


@pytest.mark.parametrize("place", range(15))
def test_it_ends_at_each_line_where_the_reader_says_so(place: int) -> None:
    assert_ends(NDJSONFramer, MIXED, place)
    assert_ends(NDJSONFramer, [b"".join(MIXED)], place)


def test_only_the_blanks_of_json_make_a_blank_line() -> None:
    for byte in range(256):
        if byte != ord("\n"):
            found = frames(NDJSONFramer(), [bytes((byte, 0x20, byte)) + b"\n"])
            assert bool(found) is (byte not in b" \t\r")


def test_the_offset_is_that_of_the_line_that_is_next() -> None:
    framer = NDJSONFramer()
    seen = []
    for piece in (b"{}\n", b"{", b"}\n[1]\n\n", b"{}"):
        framer.feed(piece, lambda *_: False, [])
        seen.append(framer.offset)
    assert seen == [3, 3, 11, 11]
