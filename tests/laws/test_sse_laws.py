"""The laws of `docs/laws.md` for `SSEDecoder`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import LimitExceededError, ServerSentEvent, SSEDecoder
from sansio.framing import SSEFailed
from sansio.framing.sse import SSEItem
from sansio.testing import PROVIDER_TYPES
from sansio.testing.strategies import chunkings, hostile_streams
from tests.laws.oracle import (
    assert_copies_linear,
    assert_linear,
    assert_memory_linear,
    assert_over,
    fault,
    in_pieces,
    memory_peak,
)

STREAMS = st.sampled_from(PROVIDER_TYPES).flatmap(hostile_streams) | st.binary(max_size=100)
LIMITS = st.integers(1, 500) | st.just(1 << 20)


def decode(decoder: SSEDecoder, pieces: Iterable[bytes]) -> list[SSEItem]:
    """All that a decoder gives for the pieces of a whole stream."""
    return [item for piece in pieces for item in decoder.receive_data(piece)] + decoder.receive_eof()


def plain(items: Iterable[SSEItem]) -> list[object]:
    """Items in a form that compares equal if they mean the same."""
    return [fault(item.error) if isinstance(item, SSEFailed) else item for item in items]


@given(data=st.data(), stream=STREAMS, limit=LIMITS, at_eof=st.booleans())
def test_cut_freedom(data: st.DataObject, stream: bytes, limit: int, at_eof: bool) -> None:
    one = SSEDecoder(max_event_bytes=limit, dispatch_at_eof=at_eof)
    other = SSEDecoder(max_event_bytes=limit, dispatch_at_eof=at_eof)
    pieces = data.draw(chunkings(stream))
    assert plain(decode(one, pieces)) == plain(decode(other, [stream]))
    assert one.last_event_id == other.last_event_id
    assert one.reconnection_time == other.reconnection_time


@given(stream=STREAMS, limit=LIMITS, size=st.integers(1, 40))
def test_one_end(stream: bytes, limit: int, size: int) -> None:
    decoder = SSEDecoder(max_event_bytes=limit, dispatch_at_eof=True)
    items = decode(decoder, in_pieces(stream, size))
    assert all(isinstance(item, ServerSentEvent) for item in items[:-1])
    assert_over(decoder)


@given(data=st.data(), stream=STREAMS, limit=LIMITS)
def test_nothing_lost(data: st.DataObject, stream: bytes, limit: int) -> None:
    items = decode(SSEDecoder(max_event_bytes=limit), [stream])
    part = SSEDecoder(max_event_bytes=limit).receive_data(stream[: data.draw(st.integers(0, len(stream)))])
    assert plain(items[: len(part)]) == plain(part)
    # Up to the fault, a decoder with a limit gives the same as one without.
    unlimited = decode(SSEDecoder(max_event_bytes=1 << 20), [stream])
    sound = [item for item in items if isinstance(item, ServerSentEvent)]
    assert unlimited[: len(sound)] == sound


_LINES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"), max_size=12)
_ID = _LINES.filter(lambda text: "\0" not in text)
_EVENTS = st.builds(
    ServerSentEvent,
    event=_LINES.map(lambda text: text or "message"),
    data=st.lists(_LINES, min_size=1, max_size=3).map("\n".join).filter(bool),
    id=_ID,
    retry=st.none() | st.integers(0, 10**15 - 1),
)


def written(event: ServerSentEvent, end: str) -> str:
    """The event as a server writes it, with this end of line."""
    lines = [
        f"event: {event.event}",
        *(f"data: {line}" for line in event.data.split("\n")),
        f"id: {event.id}",
    ]
    if event.retry is not None:
        lines.append(f"retry: {event.retry}")
    return end.join(lines) + end * 2


@given(data=st.data(), events=st.lists(_EVENTS, max_size=5), end=st.sampled_from(("\n", "\r\n", "\r")))
def test_round_trip(data: st.DataObject, events: list[ServerSentEvent], end: str) -> None:
    texts = [written(event, end) for event in events]
    stream = "".join(texts).encode()
    starts = [len("".join(texts[:place]).encode()) for place in range(len(texts))]
    wanted = [
        ServerSentEvent(event.event, event.data, event.id, event.retry, start)
        for event, start in zip(events, starts, strict=True)
    ]
    assert decode(SSEDecoder(), data.draw(chunkings(stream))) == wanted


@given(data=st.data(), stream=STREAMS)
def test_no_lie(data: st.DataObject, stream: bytes) -> None:
    # An unfinished event is never dispatched: everything is from before the last blank line.
    cut = stream[: data.draw(st.integers(0, len(stream)))]
    decoder = SSEDecoder()
    before = decoder.receive_data(cut)
    assert decoder.receive_eof() == []
    text = cut.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    finished = text[: text.rfind(b"\n\n") + 2] if b"\n\n" in text else b""
    again = decode(SSEDecoder(), [finished])
    assert [(i.event, i.data, i.id) for i in before if isinstance(i, ServerSentEvent)] == [
        (i.event, i.data, i.id) for i in again if isinstance(i, ServerSentEvent)
    ]


@given(stream=STREAMS, limit=LIMITS, size=st.integers(1, 40))
def test_determinism(stream: bytes, limit: int, size: int) -> None:
    first, second = (
        decode(SSEDecoder(max_event_bytes=limit, dispatch_at_eof=True), in_pieces(stream, size))
        for _ in range(2)
    )
    assert plain(first) == plain(second)


@given(unit=STREAMS.filter(bool), size=st.sampled_from((1, 7, 64, 4_096)))
def test_linear_in_time_whatever_is_repeated(unit: bytes, size: int) -> None:
    unit = unit[: 150 * size]
    copies = 150 * size // len(unit)
    assert_linear(lambda times: decode(SSEDecoder(), in_pieces(unit * times, size)), min(copies, 12))


def one_line(total: int) -> Iterator[bytes]:
    yield b"data:"
    for _ in range(total // 64):
        yield b"x" * 64


def one_line_in_tiny_pieces(total: int) -> Iterator[bytes]:
    yield b"data:"
    for at in range(total // 2):
        yield b"x%d" % (at % 10)


def one_event_of_many_lines(total: int) -> Iterator[bytes]:
    for at in range(total // 8):
        yield b"data:x%d\n" % (at % 10)


def one_chunk_of_many_events(total: int) -> Iterator[bytes]:
    yield b"data: x\n\n" * (total // 9)


def one_chunk_of_blank_lines(total: int) -> Iterator[bytes]:
    yield b"\r" * total


Flood: TypeAlias = Callable[[int], Iterator[bytes]]
FLOODS: list[Flood] = [
    one_line,
    one_line_in_tiny_pieces,
    one_event_of_many_lines,
    one_chunk_of_many_events,
    one_chunk_of_blank_lines,
]


@pytest.mark.parametrize("flood", FLOODS)
def test_linear_in_what_is_copied_and_held(flood: Flood) -> None:
    def run(total: int) -> None:
        decode(SSEDecoder(dispatch_at_eof=True), flood(total))

    assert_memory_linear(run, 20_000)
    assert_copies_linear(run, 20_000)


@pytest.mark.parametrize("flood", FLOODS[:3])
def test_linear_memory_ends_at_the_limit(flood: Flood) -> None:
    limit = 50_000
    given_items: list[SSEItem] = []

    def run() -> None:
        given_items[:] = decode(SSEDecoder(max_event_bytes=limit, dispatch_at_eof=True), flood(5 * limit))

    assert memory_peak(run) < 3 * limit
    (failed,) = given_items
    assert isinstance(failed, SSEFailed)
    assert isinstance(failed.error, LimitExceededError)
    assert failed.error.field == "max_event_bytes"


@pytest.mark.parametrize(
    "line", [b": ping\n\n", b"id: 1\n", b"event: x\n", b"retry: 1\n\n", b"unknown\n", b"\n"]
)
def test_linear_memory_of_lines_without_data_is_constant(line: bytes) -> None:
    decoder = SSEDecoder()

    def run() -> None:
        for _ in range(5_000):
            assert decoder.receive_data(line) == []

    run()
    assert memory_peak(run) < 5_000
