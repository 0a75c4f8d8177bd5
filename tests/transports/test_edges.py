"""Odd responses and odd uses, over every transport that connects."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Callable

import pytest

from sansio.errors import LimitExceededError
from tests.transports.contracts.support import CHUNKED, LAST, Make, chunk, failure, fetch
from tests.transports.raw_server import OK, Peer, RawServer, answering
from tests.transports.sockets.test_blocking import InThread
from transports import AnyioTransport, HttpcoreTransport, SocketTransport

MAKES: dict[str, Make] = {
    "anyio": AnyioTransport,
    "blocking": lambda **options: InThread(SocketTransport(**options)),
    "httpcore": lambda **options: HttpcoreTransport(module="httpcore", **options),
    "httpcore2": lambda **options: HttpcoreTransport(module="httpcore2", **options),
}


@pytest.fixture(params=MAKES)
def make(request: pytest.FixtureRequest) -> Make:
    return MAKES[request.param]


@pytest.mark.anyio
@pytest.mark.parametrize("head", [b"Content-Length: 2\r\n%s", b"%sContent-Length: 2\r\n"])
async def test_a_connection_whose_response_is_framed_twice_is_not_kept(make: Make, head: bytes) -> None:
    """RFC 9112, section 6.3: another reader on the way may have seen another end of the body."""
    framing = head % b"Transfer-Encoding: chunked\r\n"
    twice = b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n" + chunk(b"ok") + LAST
    with RawServer(answering(twice)) as server:
        async with contextlib.aclosing(make()) as transport:
            assert [await fetch(transport, server.post()) for _ in range(3)] == [(200, b"ok")] * 3
        assert server.connections == 3


@pytest.mark.anyio
async def test_informational_responses_without_end_are_bounded(make: Make) -> None:
    def script(peer: Peer) -> None:
        peer.request()
        hint = b"HTTP/1.1 103 Early Hints\r\nlink: </style.css>\r\n\r\n" * 1_000
        for _ in range(1_000):
            peer.send(hint)

    with RawServer(script) as server:
        async with contextlib.aclosing(make()) as transport:
            error = await failure(transport, server.post(), reading=60)
    assert isinstance(error, LimitExceededError)
    assert error.field == "max_header_bytes"


@pytest.mark.anyio
async def test_a_few_informational_responses_are_passed_over(make: Make) -> None:
    with RawServer(answering(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 20 + OK)) as server:
        async with contextlib.aclosing(make()) as transport:
            assert [await fetch(transport, server.post()) for _ in range(2)] == [(200, b"ok")] * 2
        assert server.connections == 1


@pytest.mark.anyio
async def test_a_large_body_behind_its_head_is_not_counted_as_a_head(make: Make) -> None:
    body = b"x" * 300_000
    whole = CHUNKED + chunk(body) + LAST
    with RawServer(answering(whole)) as server:
        async with contextlib.aclosing(make()) as transport:
            assert [await fetch(transport, server.post()) for _ in range(2)] == [(200, body)] * 2


@pytest.mark.anyio
async def test_after_its_end_a_transport_works_and_keeps_nothing(make: Make) -> None:
    with RawServer(answering(OK)) as server:
        transport = make()
        assert await fetch(transport, server.post()) == (200, b"ok")
        await transport.aclose()
        assert [await fetch(transport, server.post()) for _ in range(2)] == [(200, b"ok")] * 2
        assert server.connections == 3
        await transport.aclose()


@pytest.mark.parametrize("kind", [AnyioTransport, SocketTransport, HttpcoreTransport])
def test_wrong_arguments_raise_their_error_and_nothing_else(kind: Callable[..., object]) -> None:
    """A finalizer that trips over a half-made object would be an unraisable error, which pytest reports."""
    with pytest.raises(TypeError):
        kind(no_such_argument=1)
    with pytest.raises(TypeError):
        kind(1, 2, 3)
    gc.collect()
