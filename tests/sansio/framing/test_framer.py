"""`SSEFramer` reads the same as `SSEDecoder`, whatever it has learned and however the bytes are cut."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import Framer, LimitExceededError, SSEDecoder, SSEFramer, StreamEvent
from sansio.testing import PROVIDER_TYPES
from sansio.testing.strategies import chunkings, hostile_streams
from tests.laws.oracle import (
    assert_copies_linear,
    assert_linear,
    assert_memory_linear,
    calls_made,
    in_pieces,
    memory_peak,
)
from tests.sansio.framing.compare import NO_LIMIT, TOKENS, assert_same, at_event_ends, compare
from tests.sansio.framing.frames import assert_ends, frames
from tests.support import CORPUS, every_split, for_all

STREAMS = st.one_of(
    st.lists(st.sampled_from(TOKENS), max_size=20).map(b"".join),
    st.sampled_from(PROVIDER_TYPES).flatmap(hostile_streams),
    st.binary(max_size=60),
)
LIMITS = st.just(NO_LIMIT) | st.integers(1, 80)
FRAMINGS = CORPUS / "sse_framing.json"


@given(data=st.data(), stream=STREAMS, limit=LIMITS)
def test_any_bytes_at_any_cut_are_read_as_by_lines(data: st.DataObject, stream: bytes, limit: int) -> None:
    assert_same(stream, data.draw(st.just(at_event_ends(stream)) | chunkings(stream)), limit)


def test_random_streams_are_read_as_by_lines() -> None:
    compare(500, random.randrange(1 << 30))


@pytest.mark.parametrize("names", [False, True])
@given(data=st.data(), stream=STREAMS)
def test_it_ends_where_the_reader_says_so_or_raises(data: st.DataObject, stream: bytes, names: bool) -> None:
    pieces = data.draw(st.just(at_event_ends(stream)) | chunkings(stream))
    count = len(frames(SSEFramer(names=names), pieces))
    if count:
        assert_ends(lambda: SSEFramer(names=names), pieces, data.draw(st.integers(0, count - 1)))


@pytest.mark.parametrize("place", range(6))
def test_it_ends_among_events_that_are_read_in_one_step(place: int) -> None:
    for other in (b"data: 1\n\n", b"event: x\ndata: 1\n\n"):
        stream = b"data: 1\n\n" * 3 + other + b"data: 1\n\n" * 2
        for pieces in ([stream], [stream[:9], stream[9:]], at_event_ends(stream), [stream[:40], stream[40:]]):
            assert_ends(SSEFramer, pieces, place)


@pytest.mark.skipif(not FRAMINGS.exists(), reason=f"the corpus of framings, {FRAMINGS}, is absent")
def test_each_framing_of_the_corpus_at_every_cut() -> None:
    cases: list[dict[str, Any]] = json.loads(FRAMINGS.read_bytes())
    for case in cases:
        stream = base64.b64decode(case["input_b64"])
        for pieces in every_split(stream) if len(stream) < 200 else [[stream], at_event_ends(stream)]:
            assert_same(stream, pieces)


FORMS = [
    b"data: %b\n\n", b"data:%b\n\n", b"event: delta\ndata: %b\n\n", b"event:delta\ndata:%b\n\n",
    b"data: %b\r\n\r\n", b"event: delta\r\ndata: %b\r\n\r\n", b"event: message\ndata: %b\n\n",
]  # fmt: skip


@for_all(
    ("form", FORMS),
    ("foreign", [*FORMS, b"data: %b\ndata: %b\n\n", b"id: 1\ndata: %b\n\n", b"data:  %b\n\n"]),
    ("names", [False, True]),
)
def test_an_event_of_another_form_between_two_of_the_form(form: bytes, foreign: bytes, names: bool) -> None:
    made = [form % b"[1]"] * 3 + [foreign.replace(b"%b", b"[2]")] * 2 + [form % b"[3]"] * 3
    stream = b"".join(made)
    for pieces in ([stream], made, in_pieces(stream, 7), [stream[:40], stream[40:]]):
        assert_same(stream, pieces)


def read_nothing(payload: bytes, events: object, name: str) -> bool:
    return False


@pytest.mark.parametrize("form", FORMS)
def test_a_form_is_learned_and_its_events_are_read_without_looking_at_lines(form: bytes) -> None:
    framer = SSEFramer()
    event = form % b'{"a":1}'
    framer.feed(event, read_nothing, [])
    single = calls_made(lambda: [framer.feed(event, read_nothing, []) for _ in range(100)])
    together = calls_made(lambda: framer.feed(event * 100, read_nothing, []))
    by_lines = calls_made(lambda: [SSEDecoder().receive_data(event) for _ in range(100)])
    assert single < 650 < by_lines
    assert together < (650 if form.endswith(b":%b\n\n") else 150)


def test_named_events_are_not_learned_where_the_name_matters() -> None:
    stream = [b"event: error\ndata: 1\n\n"] * 3
    for pieces in (stream, [b"".join(stream)]):
        assert [name for _, name, _ in frames(SSEFramer(names=True), pieces)] == ["error"] * 3
        assert [name for _, name, _ in frames(SSEFramer(), pieces)] == [""] * 3


@pytest.mark.parametrize("name", [b" message", b"message", b"", b" "])
def test_an_event_does_not_inherit_the_name_of_the_one_before(name: bytes) -> None:
    stream = [b"event:" + name + b"\ndata: 1\n\n"] * 3
    assert [name for _, name, _ in frames(SSEFramer(names=True), stream)] == [""] * 3


def test_bad_utf_8_passes_as_it_was_sent() -> None:
    stream = b"data: a\xff\n\ndata: b\xc3\ndata: \xa4\n\ndata: c\xff\n\n"
    for pieces in every_split(stream):
        assert [payload for payload, _, _ in frames(SSEFramer(), pieces)] == [
            b"a\xff",
            b"b\xc3\n\xa4",
            b"c\xff",
        ]


@pytest.mark.parametrize("cut", [b"data: 2", b"data: 2\n", b"event: x\ndata: 2", b"data: 2\r\n\r"])
def test_only_an_unfinished_event_is_read_at_the_end(cut: bytes) -> None:
    framer = SSEFramer(names=True)
    found: list[tuple[bytes, str]] = []

    def read(payload: bytes, events: object, name: str) -> bool:
        found.append((payload, name))
        return name == "x"

    assert not framer.feed(b"data: 1\n\n" + cut, read, [])
    before = len(found)
    assert framer.feed_eof(read, []) == cut.startswith(b"event")
    assert found[before:] == [(b"2", "x" if cut.startswith(b"event") else "")][: 2 - before]
    assert not framer.feed_eof(read, [])
    assert not framer.feed(b"data: 3\n\n", read, [])
    assert len(found) == 2


def test_the_offset_between_events_is_that_of_the_next_line() -> None:
    framer = SSEFramer()
    seen = []
    for piece in [
        b"\xef\xbb\xbfdata: 1\n\n",
        b"data: 2\n\n",
        b"data: 3\n\ndata: 4\n\n",
        b": c\n",
        b"event: x\nda",
    ]:
        framer.feed(piece, read_nothing, [])
        seen.append(framer.offset)
    assert seen == [12, 21, 39, 43, 43]


def test_a_frame_too_long_is_an_error_after_those_before_it() -> None:
    stream = b"data: 1\n\n" * 3 + b"data: 0123456789\n\n"
    for pieces in [*every_split(stream), at_event_ends(stream)]:
        *before, failed = frames(SSEFramer(12), pieces)
        assert len(before) == 3
        assert failed == (LimitExceededError, 27, "max_event_bytes")


Flood = Callable[[int], list[bytes]]
FLOODS: dict[str, Flood] = {
    "one read": lambda total: [b"data: x\n\n" * (total // 9)],
    "one event a read": lambda total: [b"data: x\n\n"] * (total // 9),
    "forms by turns": lambda total: [b"event: a\ndata: x\n\nevent: b\ndata: x\n\n" * (total // 36)],
    "ever new forms": lambda total: [
        b"".join(b"event: %d\ndata: x\n\n" % (at // 2 + 10**6) for at in range(total // 24))
    ],
    "blank lines": lambda total: [b"\n" * total],
    "blank lines, CRLF": lambda total: [b"data: x\r\n\r\n" * 2, b"\r\n" * (total // 2)],
    "one line in pieces": lambda total: [b"data: ", *[b"x" * 64] * (total // 64)],
    "one event of many lines": lambda total: [b"data: x\n"] * (total // 8),
    "nearly of the form": lambda total: [b"data: x\n\n", *[b"data: x\r\n\n"] * (total // 10)],
}


@pytest.mark.parametrize("flood", FLOODS)
def test_linear_in_time_and_memory(flood: str) -> None:
    def run(total: int) -> None:
        framer: Framer = SSEFramer()
        for piece in FLOODS[flood](total):
            framer.feed(piece, read_nothing, [])
        framer.feed_eof(read_nothing, [])

    assert_linear(run, 20_000)
    assert_memory_linear(run, 20_000)
    assert_copies_linear(run, 20_000)


@given(unit=STREAMS.filter(bool), size=st.sampled_from((1, 7, 64, 4_096)))
def test_linear_whatever_is_repeated(unit: bytes, size: int) -> None:
    unit = unit[: 150 * size]
    copies = min(150 * size // len(unit), 8)

    def run(times: int) -> None:
        frames(SSEFramer(), in_pieces(unit * times, size))

    assert_linear(run, copies)


@pytest.mark.parametrize("line", [b"data: " + b"x" * 58, b"event: " + b"x" * 57, b": " + b"x" * 62])
def test_memory_ends_at_the_limit(line: bytes) -> None:
    def run() -> None:
        frames(SSEFramer(50_000), [line] * 4_000)

    assert memory_peak(run) < 200_000


def test_a_reader_that_is_done_gets_no_further_event_of_a_form_without_a_space() -> None:
    given: list[bytes] = []

    def read(data: bytes, events: list[StreamEvent], name: str) -> bool:
        given.append(data)
        return data == b"{2}"

    assert SSEFramer().feed(b"".join(b"data:{%d}\n\n" % number for number in range(5)), read, [])
    assert given == [b"{0}", b"{1}", b"{2}"]


@for_all(("form", FORMS), ("other", [b"data: 1\n\n", b"event: other\ndata: 1\n\n", b"data:1\r\n\r\n"]))
def test_a_form_that_begins_inside_a_read_is_learned_there(form: bytes, other: bytes) -> None:
    same_end = form.endswith(b"\r\n") == other.endswith(b"\r\n")
    data = other + form % b'{"a":1}' * 200
    for names in (False, True):
        framer = SSEFramer(names=names)
        framer.feed(other * 2, read_nothing, [])
        made = calls_made(partial(framer.feed, data, read_nothing, []))
        assert (made < 300) is (same_end and not (names and form.startswith(b"event")))
