"""The laws of `docs/laws.md` for `HTTP2Connection` and its exchanges."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import APIConnectionError, Body, End, Head, LocalProtocolError, Lost
from sansio.http import Input
from sansio.http.http2 import STREAM_WINDOW, HTTP2Connection, HTTP2Exchange
from sansio.testing.strategies import chunkings
from sansio.testing.strategies.hostile import hostile_bytes
from tests.laws.oracle import (
    assert_copies_linear,
    assert_linear,
    assert_memory_linear,
    fault,
    in_pieces,
    memory_peak,
)
from tests.sansio.http.frames import (
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    HEADERS,
    PADDED,
    PING,
    REQUEST,
    block,
    data,
    frame,
    goaway,
    head,
    reset,
    sent,
    settings,
    window,
)

NUMBERS = (1, 3, 5)
"""The exchanges that are open when the server begins to answer."""


class Part(NamedTuple):
    """Some frames, and what they mean: bytes of a body, or its end."""

    wire: bytes
    number: int = 0
    body: bytes = b""
    ends: bool = False


_BODIES = st.binary(max_size=60)


@st.composite
def response(draw: st.DrawFn, number: int) -> list[Part]:
    """A valid response in parts, the last of which ends it."""
    fields = draw(st.lists(st.sampled_from((("x", "y"), ("retry-after", "1"))), max_size=2))
    early = draw(st.sampled_from((b"", head(number, 103, ("link", "x")))))
    whole = block((":status", str(draw(st.sampled_from((200, 429, 500))))), *fields)
    at = draw(st.integers(0, len(whole)))
    cut = frame(HEADERS, 0, number, whole[:at]) + frame(CONTINUATION, END_HEADERS, number, whole[at:])
    parts = [Part(early + draw(st.sampled_from((cut, frame(HEADERS, END_HEADERS, number, whole)))))]
    for piece in draw(st.lists(_BODIES, max_size=4)):
        padded = frame(DATA, PADDED, number, b"\x02" + piece + b"\0\0")
        parts.append(Part(draw(st.sampled_from((data(number, piece), padded))), number, piece))
    trailers = frame(HEADERS, END_HEADERS | END_STREAM, number, block(("x-checksum", "1")))
    parts.append(Part(draw(st.sampled_from((data(number, b"", end=True), trailers))), number, ends=True))
    return parts


_BETWEEN = st.sampled_from(
    (b"", frame(PING, payload=b"12345678"), settings(max_streams=9), window(9), frame(99, 1, 2, b"?"))
)


@st.composite
def conversations(draw: st.DrawFn) -> list[Part]:
    """Responses to all exchanges, their parts mixed, with other frames between them."""
    waiting = [draw(response(number)) for number in NUMBERS]
    parts = [Part(settings())]
    while waiting := [rest for rest in waiting if rest]:
        parts.append(draw(st.sampled_from(waiting)).pop(0))
        parts.append(Part(draw(_BETWEEN)))
    return parts


def joined(parts: Iterable[Part]) -> bytes:
    return b"".join(part.wire for part in parts)


_FRAMES = st.builds(
    frame,
    st.integers(0, 10),
    st.sampled_from((0, END_STREAM, END_HEADERS, END_HEADERS | END_STREAM, PADDED, 0x20, 0xFF)),
    st.sampled_from((0, 1, 2, 3, 5, 7, 2**31)),
    st.one_of(
        st.binary(max_size=12),
        st.sampled_from((b"", bytes(4), bytes(8), b"\x88", block((":status", "200")), b"\xbe")),
    ),
)
HOSTILE = st.one_of(
    conversations().map(joined).flatmap(hostile_bytes),
    st.lists(_FRAMES | st.sampled_from((reset(1, 8), goaway(1), head(1), head(3))), max_size=12).map(
        lambda frames: settings() + b"".join(frames)
    ),
    st.binary(max_size=50),
)
LIMITS = st.integers(60, 500) | st.just(65_536)


def begun(limit: int = 65_536) -> tuple[HTTP2Connection, list[HTTP2Exchange]]:
    connection = HTTP2Connection(max_header_bytes=limit)
    exchanges = [connection.open(REQUEST) for _ in NUMBERS]
    sent(connection)
    return connection, exchanges


def taken(exchange: HTTP2Exchange) -> list[Input]:
    inputs = []
    while (given := exchange.next_input()) is not None:
        inputs.append(given)
    return inputs


def receive(
    connection: HTTP2Connection, exchanges: list[HTTP2Exchange], pieces: Iterable[bytes], *, eof: bool = True
) -> list[list[Input]]:
    """All that the exchanges give for the pieces, taken as it arrives."""
    inputs: list[list[Input]] = [[] for _ in exchanges]
    for piece in pieces:
        for exchange in connection.receive_data(piece):
            inputs[exchanges.index(exchange)] += taken(exchange)
        sent(connection)
    if eof:
        for exchange in connection.receive_eof():
            inputs[exchanges.index(exchange)] += taken(exchange)
    assert not any(exchange.ready for exchange in exchanges), "an input that was not announced"
    return inputs


def plain(inputs: Iterable[Input]) -> list[object]:
    """Inputs in a form that compares equal if they mean the same: bodies joined, errors by kind."""
    compared: list[object] = []
    for value in inputs:
        if isinstance(value, Body) and compared and isinstance(compared[-1], Body):
            compared[-1] = Body(compared[-1].data + value.data)
        else:
            compared.append((fault(value.error), value.error.message) if isinstance(value, Lost) else value)
    return compared


def body_of(inputs: Iterable[Input]) -> bytes:
    return b"".join(value.data for value in inputs if isinstance(value, Body))


@given(data=st.data(), wire=HOSTILE, limit=LIMITS)
def test_cut_freedom(data: st.DataObject, wire: bytes, limit: int) -> None:
    pieces = data.draw(chunkings(wire))
    results = []
    for parts in (pieces, [wire]):
        connection, exchanges = begun(limit)
        inputs = receive(connection, exchanges, parts, eof=False)
        results.append(([plain(given) for given in inputs], connection.over, connection.room))
    assert results[0] == results[1]


@given(wire=HOSTILE, limit=LIMITS, size=st.integers(1, 40))
def test_one_end(wire: bytes, limit: int, size: int) -> None:
    connection, exchanges = begun(limit)
    for inputs in receive(connection, exchanges, in_pieces(wire, size)):
        assert isinstance(inputs[-1], (End, Lost))
        assert all(isinstance(value, Body) for value in inputs[1:-1])
        assert isinstance(inputs[0], Head) or len(inputs) == 1
    with pytest.raises(LocalProtocolError):
        connection.receive_data(b"")
    with pytest.raises(LocalProtocolError):
        connection.receive_eof()
    sent(connection)
    assert sent(connection) == b""


@given(wire=HOSTILE, size=st.integers(1, 40), drops=st.lists(st.integers(0, 2), max_size=3))
def test_what_is_dropped_stays_so(wire: bytes, size: int, drops: list[int]) -> None:
    connection, exchanges = begun()
    for piece in in_pieces(wire, size):
        connection.receive_data(piece)
        if drops:
            exchanges[drops.pop()].drop()
            sent(connection)
    gone = [exchange for exchange in exchanges if exchange.ended and not exchange.ready]
    connection.receive_eof()
    assert not any(exchange.ready for exchange in gone)
    assert all(exchange.ended for exchange in exchanges)


@given(data=st.data(), parts=conversations())
def test_nothing_lost(data: st.DataObject, parts: list[Part]) -> None:
    count = data.draw(st.integers(1, len(parts)))
    fed = data.draw(chunkings(joined(parts[:count])))
    connection, exchanges = begun()
    for number, inputs in zip(NUMBERS, receive(connection, exchanges, fed), strict=True):
        mine = [part for part in parts[:count] if part.number == number]
        assert body_of(inputs) == b"".join(part.body for part in mine)
        assert isinstance(inputs[-1], End) == any(part.ends for part in mine)
        if isinstance(inputs[-1], Lost):
            assert isinstance(inputs[-1].error, APIConnectionError)


@given(parts=conversations(), malformed=st.sampled_from((frame(PING), frame(HEADERS, 4, 2), b"\xff" * 9)))
def test_nothing_lost_before_a_fault_in_the_same_bytes(parts: list[Part], malformed: bytes) -> None:
    connection, exchanges = begun()
    sound = parts[: len(parts) // 2 + 1]
    results = receive(connection, exchanges, [joined(sound) + malformed])
    for number, inputs in zip(NUMBERS, results, strict=True):
        assert body_of(inputs) == b"".join(part.body for part in sound if part.number == number)


@given(wire=HOSTILE, limit=LIMITS, size=st.integers(1, 40))
def test_determinism(wire: bytes, limit: int, size: int) -> None:
    runs = []
    for _ in range(2):
        connection, exchanges = begun(limit)
        inputs = receive(connection, exchanges, in_pieces(wire, size))
        runs.append(([plain(given) for given in inputs], sent(connection)))
    assert runs[0] == runs[1]


Flood: TypeAlias = Callable[[int], Iterator[bytes]]


def one_long_body(total: int) -> Iterator[bytes]:
    yield settings() + head(1)
    for _ in range(total // 128):
        yield data(1, b"x" * 119)


def one_long_body_at_once(total: int) -> Iterator[bytes]:
    yield b"".join(one_long_body(total))


def late_data(total: int) -> Iterator[bytes]:
    yield settings() + reset(5, 8)
    for _ in range(total // 128):
        yield data(5, b"x" * 119)


def informational_heads(total: int) -> Iterator[bytes]:
    yield settings()
    for _ in range(total // 256):
        yield head(1, 103, ("x", "y" * 227))


def one_long_head(total: int) -> Iterator[bytes]:
    yield settings() + frame(HEADERS, 0, 1, b"")
    for _ in range(total // 64):
        yield frame(CONTINUATION, 0, 1, b"\x10\x01x\x32" + b"y" * 50)


def frames_in_bytes(total: int) -> Iterator[bytes]:
    yield settings() + head(1)
    for byte in data(1, b"x" * (total - 9)) if total < 16_000 else data(1, b"x" * 16_000) * (total // 16_000):
        yield bytes((byte,))


FLOODS: list[Flood] = [
    one_long_body,
    one_long_body_at_once,
    frames_in_bytes,
    late_data,
    informational_heads,
    one_long_head,
]


@pytest.mark.parametrize("flood", FLOODS)
def test_linear_in_time_and_in_what_is_held(flood: Flood) -> None:
    def run(total: int) -> None:
        connection, exchanges = begun(1 << 20)
        exchanges[2].drop()
        for piece in flood(total):
            connection.receive_data(piece)
            sent(connection)

    assert_linear(run, 8_000)
    assert_copies_linear(run, 30_000)
    assert_memory_linear(run, 30_000)


@pytest.mark.parametrize("flood", FLOODS[4:])
def test_linear_memory_ends_at_the_limit(flood: Flood) -> None:
    limit = 10_000
    lost: list[Input] = []

    def run() -> None:
        connection, exchanges = begun(limit)
        for piece in flood(5 * limit):
            for exchange in connection.receive_data(piece):
                if exchange is exchanges[0]:
                    lost[:] += taken(exchange)

    assert memory_peak(run) < 20 * limit
    assert isinstance(lost[-1], Lost)
    assert lost[-1].error.field == "max_header_bytes"


def test_linear_memory_of_a_body_that_nobody_takes_ends_at_its_window() -> None:
    def run() -> None:
        connection, _ = begun()
        connection.receive_data(settings() + head(1))
        for _ in range(3 * STREAM_WINDOW // 16_384):
            connection.receive_data(data(1, bytes(16_384)))

    assert memory_peak(run) < STREAM_WINDOW + 1_000_000
