"""The laws of `docs/laws.md` for `HTTPExchange`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import (
    APIConnectionError,
    Body,
    End,
    Head,
    HTTPExchange,
    LimitExceededError,
    Lost,
    Message,
    Provider,
    Request,
    Role,
    Send,
)
from sansio.http import Input
from sansio.testing import FakeConnection, FakeProvider, FakeResponse
from sansio.testing.strategies import chunkings
from sansio.testing.strategies.hostile import hostile_bytes
from tests.laws.oracle import (
    assert_copies_linear,
    assert_linear,
    assert_memory_linear,
    assert_over,
    config_for,
    fault,
    in_pieces,
    memory_peak,
)

REQUEST = Request.post("http://localhost:1/v1/chat/completions", (), b"{}")


class Answered(NamedTuple):
    """A response as it is on the wire, and what it means."""

    wire: bytes
    body: bytes
    told: list[int]
    """For each length that the wire may be cut to, how many bytes of the body it contains."""


def answered(head: bytes, parts: list[tuple[bytes, bytes]]) -> Answered:
    """A response made of its head and of parts; each part is payload with the framing that follows it."""
    wire, body, told = bytearray(head), bytearray(), [0] * (len(head) + 1)
    for payload, framing in parts:
        told += range(len(body) + 1, len(body) + len(payload) + 1)
        body += payload
        told += [len(body)] * len(framing)
        wire += payload + framing
    return Answered(bytes(wire), bytes(body), told)


_HEADS = st.sampled_from(
    (
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nX: y\r\n",
        b"HTTP/1.1 500 \r\nContent-Type: text/plain\r\n",
        b"HTTP/1.1 429 Slow\nRetry-After: 1\n",
    )
)
_BODIES = st.binary(max_size=60)


@st.composite
def sized(draw: st.DrawFn) -> Answered:
    """A response that says how long its body is."""
    body = draw(_BODIES)
    return answered(draw(_HEADS) + b"Content-Length: %d\r\n\r\n" % len(body), [(body, b"")])


@st.composite
def chunked(draw: st.DrawFn) -> Answered:
    """A response in chunks, with extensions and trailers or without."""
    extension = draw(st.sampled_from((b"", b";a=b", b';c="d"')))
    trailers = draw(st.sampled_from((b"", b"Expires: never\r\nX: y\r\n")))
    head = draw(_HEADS) + b"Transfer-Encoding: chunked\r\n\r\n"
    parts: list[tuple[bytes, bytes]] = []
    for chunk in draw(st.lists(st.binary(min_size=1, max_size=30), max_size=4)):
        parts += [(b"", b"%x%b\r\n" % (len(chunk), extension)), (chunk, b"\r\n")]
    return answered(head, [*parts, (b"", b"0\r\n" + trailers + b"\r\n")])


RESPONSES = sized() | chunked()

_MALFORMED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;" + b"e" * 600 + b"\r\nhello\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + b"T: " + b"t" * 600 + b"\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n" + b"X: " + b"x" * 600 + b"\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nbroken\r\n\r\n",
    b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"HTTP/1.0 200 OK\r\n\r\nuntil the end",
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
    b"HTTP/2 200\r\n\r\n",
    b"\x16\x03\x01 TLS",
)
HOSTILE = st.one_of(
    RESPONSES.map(lambda response: response.wire).flatmap(hostile_bytes),
    st.sampled_from(_MALFORMED),
    st.sampled_from(_MALFORMED).flatmap(hostile_bytes),
    st.binary(max_size=50),
)
LIMITS = st.integers(1, 500) | st.just(65_536)


def receive(exchange: HTTPExchange, pieces: Iterable[bytes]) -> list[Input]:
    """All that an exchange gives for the pieces, and for the end of the connection."""
    return [value for piece in pieces for value in exchange.receive_data(piece)] + exchange.receive_eof()


def plain(inputs: Iterable[Input]) -> list[object]:
    """Inputs in a form that compares equal if they mean the same: bodies joined, errors by kind."""
    compared: list[object] = []
    for value in inputs:
        if isinstance(value, Body) and compared and isinstance(compared[-1], Body):
            compared[-1] = Body(compared[-1].data + value.data)
        else:
            compared.append(fault(value.error) if isinstance(value, Lost) else value)
    return compared


def body_of(inputs: Iterable[Input]) -> bytes:
    return b"".join(value.data for value in inputs if isinstance(value, Body))


@given(data=st.data(), wire=HOSTILE, limit=LIMITS)
def test_cut_freedom(data: st.DataObject, wire: bytes, limit: int) -> None:
    one, other = (HTTPExchange(REQUEST, max_header_bytes=limit) for _ in range(2))
    pieces = data.draw(chunkings(wire))
    cut = [value for piece in pieces for value in one.receive_data(piece)]
    whole = other.receive_data(wire)
    assert plain(cut) == plain(whole)
    assert one.reusable == other.reusable
    assert plain(one.receive_eof()) == plain(other.receive_eof())


@given(wire=HOSTILE, limit=LIMITS, size=st.integers(1, 40))
def test_one_end(wire: bytes, limit: int, size: int) -> None:
    exchange = HTTPExchange(REQUEST, max_header_bytes=limit)
    inputs = receive(exchange, in_pieces(wire, size))
    assert_over(exchange)
    assert isinstance(inputs[-1], (End, Lost))
    assert all(isinstance(value, Body) for value in inputs[1:-1])
    assert isinstance(inputs[0], Head) or len(inputs) == 1


@given(data=st.data(), response=RESPONSES)
def test_nothing_lost(data: st.DataObject, response: Answered) -> None:
    length = data.draw(st.integers(0, len(response.wire)))
    fed = data.draw(chunkings(response.wire[:length]))
    assert body_of(receive(HTTPExchange(REQUEST), fed)) == response.body[: response.told[length]]


@given(response=chunked(), malformed=st.sampled_from((b"zz\r\n", b"-1\r\n", b"\r\n", b"\xff\r\n")))
def test_nothing_lost_before_a_fault_in_the_same_bytes(response: Answered, malformed: bytes) -> None:
    *sound, _ = response.wire.rpartition(b"0\r\n")
    *inputs, last = HTTPExchange(REQUEST).receive_data(sound[0] + malformed)
    assert body_of(inputs) == response.body
    assert isinstance(last, Lost)


_PIECES = st.lists(st.binary(min_size=1, max_size=40), max_size=5).map(tuple)
_HEADERS = st.lists(
    st.tuples(st.sampled_from(("x-a", "content-type", "retry-after")), st.sampled_from(("1", "a b", ""))),
    max_size=3,
).map(tuple)


@given(
    data=st.data(),
    status=st.sampled_from((200, 201, 302, 404, 429, 500, 529)),
    headers=_HEADERS,
    pieces=_PIECES,
)
def test_round_trip(
    data: st.DataObject,
    status: int,
    headers: tuple[tuple[str, str], ...],
    pieces: tuple[bytes, ...],
) -> None:
    response = FakeResponse(status=status, headers=headers, pieces=pieces)
    exchange, wire = _talk(FakeProvider("openai", [response]))
    inputs = [value for piece in data.draw(chunkings(wire)) for value in exchange.receive_data(piece)]
    head, *_, end = inputs
    assert isinstance(head, Head)
    assert head.status == status
    assert [item for item in head.headers if item in headers] == list(headers)
    assert body_of(inputs) == response.body
    assert end == End()
    assert exchange.reusable


def _talk(server: FakeProvider) -> tuple[HTTPExchange, bytes]:
    """A real request, sent; and the bytes that the fake server answers."""
    provider = Provider(config_for("openai"))
    step = provider.call([Message(Role.USER, "Hi")]).next_step()
    assert isinstance(step, Send)
    request = provider.authorize(step.request, "sk")
    exchange = HTTPExchange(request)
    wire = b"".join(FakeConnection(server).receive_data(exchange.data_to_send()))
    assert server.requests[0].body == request.body
    return exchange, wire


@given(data=st.data(), response=RESPONSES)
def test_no_lie(data: st.DataObject, response: Answered) -> None:
    length = data.draw(st.integers(0, len(response.wire) - 1) | st.just(len(response.wire) - 1))
    exchange = HTTPExchange(REQUEST)
    last = receive(exchange, [response.wire[:length]])[-1]
    assert isinstance(last, Lost)
    assert isinstance(last.error, APIConnectionError)
    assert not exchange.reusable
    assert receive(HTTPExchange(REQUEST), [response.wire])[-1] == End()


@given(wire=HOSTILE, limit=LIMITS, size=st.integers(1, 40))
def test_determinism(wire: bytes, limit: int, size: int) -> None:
    first, second = (HTTPExchange(REQUEST, max_header_bytes=limit) for _ in range(2))
    assert first.data_to_send() == second.data_to_send()
    pieces = in_pieces(wire, size)
    assert plain(receive(first, pieces)) == plain(receive(second, pieces))


Flood: TypeAlias = Callable[[int], Iterator[bytes]]


def one_long_body(total: int) -> Iterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (total // 64 * 64)
    for _ in range(total // 64):
        yield b"x" * 64


def many_small_chunks(total: int) -> Iterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    for _ in range(total // 128):
        yield b"7a\r\n" + b"x" * 122 + b"\r\n"


def many_small_chunks_at_once(total: int) -> Iterator[bytes]:
    yield b"".join(many_small_chunks(total))


def informational_heads(total: int) -> Iterator[bytes]:
    for _ in range(total // 256):
        yield b"HTTP/1.1 103 Early Hints\r\nX: " + b"y" * 223 + b"\r\n\r\n"


def one_long_head(total: int) -> Iterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\nX: "
    for _ in range(total // 64):
        yield b"x" * 64


def one_long_chunk_line(total: int) -> Iterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;"
    for _ in range(total // 64):
        yield b"x" * 64


def endless_trailers(total: int) -> Iterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
    for _ in range(total // 60):
        yield b"X: y\r\n" * 10


FLOODS: list[Flood] = [
    one_long_body,
    many_small_chunks,
    many_small_chunks_at_once,
    informational_heads,
    one_long_head,
    one_long_chunk_line,
    endless_trailers,
]


@pytest.mark.parametrize("flood", FLOODS)
def test_linear_in_time_and_in_what_is_held(flood: Flood) -> None:
    def run(total: int) -> None:
        exchange = HTTPExchange(REQUEST, max_header_bytes=1 << 20)
        for piece in flood(total):
            exchange.receive_data(piece)

    assert_linear(run, 20_000)
    assert_copies_linear(run, 60_000)
    assert_memory_linear(run, 60_000)


@pytest.mark.parametrize("flood", FLOODS[3:])
def test_linear_memory_ends_at_the_limit(flood: Flood) -> None:
    limit = 10_000
    ends: list[Input] = []

    def run() -> None:
        exchange = HTTPExchange(REQUEST, max_header_bytes=limit)
        for piece in flood(5 * limit):
            ends[:] += [value for value in exchange.receive_data(piece) if isinstance(value, Lost)]

    assert memory_peak(run) < 4 * limit
    (lost,) = ends
    assert isinstance(lost, Lost)
    assert isinstance(lost.error, LimitExceededError)
    assert lost.error.field == "max_header_bytes"
