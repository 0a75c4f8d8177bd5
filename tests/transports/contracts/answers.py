"""Answers that come whole or in pieces, and connections that serve again.

The conformance kit tests what every transport owes; here is what ours promise beyond that.
"""

from __future__ import annotations

import contextlib
import threading
import time

import pytest

from sansio.errors import (
    LimitExceededError,
    LocalProtocolError,
)
from sansio.http import Body
from tests.transports.contracts.support import (
    CHUNKED,
    LAST,
    Make,
    chunk,
    failure,
    fetch,
    read,
)
from tests.transports.raw_server import OK, PATIENCE, Peer, RawServer, answering, happens


@pytest.mark.anyio
class AnswerContract:
    """What comes is what was sent. `make`, a fixture of the subclass, makes a transport with options."""

    async def test_request_arrives_byte_for_byte(self, make: Make) -> None:
        requests = []

        def script(peer: Peer) -> None:
            requests.append(peer.request())
            peer.send(OK)

        with RawServer(script) as server:
            async with contextlib.aclosing(make()) as transport:
                await fetch(transport, server.post(b'{"a": 1}'))
        head, _, body = (requests[0] or b"").partition(b"\r\n\r\n")
        assert body == b'{"a": 1}'
        assert head.split(b"\r\n")[0] == b"POST /v1 HTTP/1.1"
        host = server.url.removeprefix("http://").removesuffix("/v1").encode()
        assert sorted(head.lower().split(b"\r\n")[1:]) == [
            b"accept-encoding: identity",
            b"authorization: bearer secret",
            b"content-length: 8",
            b"content-type: application/json",
            b"host: " + host,
        ]

    async def test_stream_byte_by_byte(self, make: Make) -> None:
        answer = (
            b"HTTP/1.1 103 Hints\r\n\r\n" + CHUNKED + chunk(b"data: one\n\n") + chunk(b"data: two\n\n") + LAST
        )

        def script(peer: Peer) -> None:
            peer.request()
            peer.send(*(answer[at : at + 1] for at in range(len(answer))))

        with RawServer(script) as server:
            async with contextlib.aclosing(make()) as transport:
                assert await fetch(transport, server.post()) == (200, b"data: one\n\ndata: two\n\n")

    async def test_nothing_after_the_end(self, make: Make) -> None:
        with RawServer(answering(OK)) as server:
            async with contextlib.aclosing(make()) as transport:
                exchange = await transport.open(server.post(), PATIENCE)
                await read(exchange)
                with pytest.raises(LocalProtocolError, match="has ended"):
                    await exchange.receive(PATIENCE)
                exchange.abort()


@pytest.mark.anyio
class KeepingContract:
    """Which connections are used again, and which never."""

    async def test_connections_at_the_same_time(self, make: Make) -> None:
        with RawServer(answering(OK)) as server:
            async with contextlib.aclosing(make()) as transport:
                for _ in range(2):
                    exchanges = [await transport.open(server.post(), PATIENCE) for _ in range(3)]
                    heads = [await exchange.receive(PATIENCE) for exchange in exchanges]
                    for exchange in exchanges:
                        await exchange.aclose()
                    assert len(heads) == 3
            assert server.connections == 3

    async def test_idle_connection_that_the_server_closed_is_not_used(self, make: Make) -> None:
        gone = threading.Event()

        def script(peer: Peer) -> None:
            peer.request()
            peer.send(OK)
            peer.close()
            gone.set()

        with RawServer(script) as server:
            async with contextlib.aclosing(make()) as transport:
                await fetch(transport, server.post())
                assert await happens(gone)
                assert await fetch(transport, server.post()) == (200, b"ok")
            assert server.connections == 2

    async def test_idle_connection_on_which_bytes_came_is_not_used(self, make: Make) -> None:
        asked, sent = threading.Event(), threading.Event()

        def script(peer: Peer) -> None:
            peer.request()
            peer.send(OK)
            assert asked.wait(PATIENCE)
            peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nwrong")
            sent.set()
            peer.wait_for_close()

        with RawServer(lambda peer: answering(OK)(peer) if peer.number else script(peer)) as server:
            async with contextlib.aclosing(make()) as transport:
                await fetch(transport, server.post())
                asked.set()
                assert await happens(sent)
                assert await fetch(transport, server.post()) == (200, b"ok")
            assert server.connections == 2

    async def test_more_bytes_than_the_response_has(self, make: Make) -> None:
        with RawServer(answering(OK + b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nwrong")) as server:
            async with contextlib.aclosing(make()) as transport:
                assert await fetch(transport, server.post()) == (200, b"ok")
                assert await fetch(transport, server.post()) == (200, b"ok")
            assert server.connections == 2

    async def test_second_response_behind_one_that_fills_a_read(self, make: Make) -> None:
        """anyio's streams keep what arrived with it in a queue, which a look at the socket does not show."""
        head = b"HTTP/1.1 200 OK\r\ncontent-length: 65494\r\n\r\n"
        response = head.ljust(65_536, b"x")
        wrong = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nwrong"

        def script(peer: Peer) -> None:
            while peer.request() is not None:
                peer.send(OK if peer.number else response + wrong)

        assert len(head) == 65_536 - 65_494
        with RawServer(script) as server:
            async with contextlib.aclosing(make()) as transport:
                assert (await fetch(transport, server.post()))[1] == response[len(head) :]
                assert await fetch(transport, server.post()) == (200, b"ok")
            assert server.connections == 2

    async def test_fresh_takes_no_kept_connection_and_closes_them(self, make: Make) -> None:
        with RawServer(answering(OK)) as server:
            async with contextlib.aclosing(make()) as transport:
                await fetch(transport, server.post())
                await fetch(transport, server.post(), fresh=True)
                assert await happens(server.closed)
            assert server.connections == 2

    async def test_response_that_ends_after_its_marker(self, make: Make) -> None:
        """The rest of the response has arrived, or nearly, when the exchange is released."""
        with RawServer(answering(CHUNKED + chunk(b"data: [DONE]\n\n") + LAST)) as server:
            async with contextlib.aclosing(make()) as transport:
                for _ in range(3):
                    exchange = await transport.open(server.post(), PATIENCE)
                    _, body = await read(exchange, Body)
                    assert body == b"data: [DONE]\n\n"
                    await exchange.aclose()
                    exchange.abort()
            assert server.connections == 1

    async def test_response_that_never_ends_keeps_nobody_waiting(self, make: Make) -> None:
        def script(peer: Peer) -> None:
            while peer.request() is not None:
                peer.send(CHUNKED + chunk(b"data: [DONE]\n\n"))

        with RawServer(script) as server:
            async with contextlib.aclosing(make()) as transport:
                for _ in range(2):
                    exchange = await transport.open(server.post(), PATIENCE)
                    await read(exchange, Body)
                    begun = time.monotonic()
                    await exchange.aclose()
                    assert time.monotonic() - begun < 1
                    exchange.abort()
                assert await happens(server.closed)
            assert server.connections == 2

    async def test_none_is_kept_beyond_the_limit(self, make: Make) -> None:
        with RawServer(answering(OK)) as server:
            async with contextlib.aclosing(make(max_idle=0)) as transport:
                await fetch(transport, server.post())
                await fetch(transport, server.post())
                assert await happens(server.closed)
            assert server.connections == 2

    async def test_none_is_kept_for_too_long(self, make: Make) -> None:
        with RawServer(answering(OK)) as server:
            async with contextlib.aclosing(make(idle_timeout=0)) as transport:
                await fetch(transport, server.post())
                await fetch(transport, server.post())
                assert await happens(server.closed)
            assert server.connections == 2

    async def test_aclose_closes_what_idles(self, make: Make) -> None:
        with RawServer(answering(OK)) as server:
            transport = make()
            await fetch(transport, server.post())
            await transport.aclose()
            assert await happens(server.closed)

    async def test_exchange_that_outlives_its_transport_is_not_kept(self, make: Make) -> None:
        with RawServer(answering(OK)) as server:
            transport = make()
            exchange = await transport.open(server.post(), PATIENCE)
            await read(exchange)
            await transport.aclose()
            await exchange.aclose()
            exchange.abort()
            assert await happens(server.closed)


@pytest.mark.anyio
class ParkingContract:
    """What is owed by those who keep a connection before its response has ended, and wait for nothing."""

    async def test_response_that_ends_later(self, make: Make) -> None:
        released, sent = threading.Event(), threading.Event()

        def script(peer: Peer) -> None:
            while peer.request() is not None:
                peer.send(CHUNKED + chunk(b"data: [DONE]\n\n"))
                assert released.wait(PATIENCE)
                peer.send(chunk(b": bye\n\n"), LAST)
                sent.set()

        with RawServer(script) as server:
            async with contextlib.aclosing(make()) as transport:
                for _ in range(3):
                    exchange = await transport.open(server.post(), PATIENCE)
                    await read(exchange, Body)
                    await exchange.aclose()
                    exchange.abort()
                    released.set()
                    assert await happens(sent)
                    released.clear()
                    sent.clear()
            assert server.connections == 1

    async def test_response_that_goes_on_and_on_is_dropped(self, make: Make) -> None:
        def script(peer: Peer) -> None:
            peer.request()
            peer.send(
                OK if peer.number else CHUNKED + chunk(b"data: [DONE]\n\n") + chunk(bytes(65_536)) * 100
            )
            peer.wait_for_close()

        with RawServer(script) as server:
            async with contextlib.aclosing(make()) as transport:
                exchange = await transport.open(server.post(), PATIENCE)
                await exchange.receive(PATIENCE)
                await exchange.aclose()
                exchange.abort()
                assert await fetch(transport, server.post()) == (200, b"ok")
                assert await happens(server.closed)
            assert server.connections == 2

    async def test_parked_connection_that_breaks_is_dropped(self, make: Make) -> None:
        released, gone = threading.Event(), threading.Event()

        def script(peer: Peer) -> None:
            peer.request()
            if peer.number:
                peer.send(OK)
                return
            peer.send(CHUNKED + chunk(b"data: [DONE]\n\n"))
            assert released.wait(PATIENCE)
            peer.reset()
            gone.set()

        with RawServer(script) as server:
            async with contextlib.aclosing(make()) as transport:
                exchange = await transport.open(server.post(), PATIENCE)
                await read(exchange, Body)
                await exchange.aclose()
                exchange.abort()
                released.set()
                assert await happens(gone)
                assert await fetch(transport, server.post()) == (200, b"ok")
            assert server.connections == 2

    async def test_head_that_is_too_long(self, make: Make) -> None:
        answer = b"HTTP/1.1 200 OK\r\nx-long: " + b"x" * 500 + b"\r\ncontent-length: 0\r\n\r\n"
        with RawServer(answering(answer)) as server:
            async with contextlib.aclosing(make(max_header_bytes=400)) as transport:
                error = await failure(transport, server.post())
        assert isinstance(error, LimitExceededError)
        assert error.field == "max_header_bytes"
