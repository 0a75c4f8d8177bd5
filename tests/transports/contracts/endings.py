"""Exchanges that are dropped, or outlived by nothing.

The conformance kit tests what every transport owes; here is what ours promise beyond that.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import threading

import anyio
import anyio.lowlevel
import pytest

from sansio.errors import (
    APIConnectionError,
)
from sansio.http import Body
from tests.transports.contracts.support import (
    CHUNKED,
    LAST,
    Make,
    chunk,
    fetch,
    read,
)
from tests.transports.raw_server import OK, PATIENCE, Peer, RawServer, answering, eventually, happens


@pytest.mark.anyio
class AbortContract:
    """`abort()` drops the connection now, from wherever it is called."""

    @pytest.mark.parametrize("sent", [b"", CHUNKED + chunk(b"data"), OK])
    async def test_abort_is_seen_at_once(self, make: Make, sent: bytes) -> None:
        """Pain 7: what is dropped is closed now, and not by the garbage collector."""

        def script(peer: Peer) -> None:
            peer.request()
            peer.send(sent)
            peer.wait_for_close()

        with RawServer(script) as server:
            async with contextlib.aclosing(make()) as transport:
                exchange = await transport.open(server.post(), PATIENCE)
                if sent:
                    await read(exchange, Body)
                    exchange.abort()
                    assert await happens(server.closed)
                exchange.abort()
                exchange.abort()
                with pytest.raises(APIConnectionError, match="abort"):
                    await exchange.receive(PATIENCE)

    async def test_aclose_after_abort_does_nothing(self, make: Make) -> None:
        with RawServer(answering(OK)) as server:
            async with contextlib.aclosing(make()) as transport:
                for _ in range(2):
                    exchange = await transport.open(server.post(), PATIENCE)
                    await read(exchange)
                    exchange.abort()
                    await exchange.aclose()
            assert server.connections == 2


@pytest.mark.anyio
class CancelContract:
    """Cancellation leaves nothing behind."""

    async def test_cancelled_at_any_moment(self, make: Make) -> None:
        """Pain 7: cancellation, wherever it comes, costs neither a connection nor the next request."""
        open_now: set[int] = set()

        def script(peer: Peer) -> None:
            open_now.add(peer.number)
            while peer.request() is not None:
                peer.send(CHUNKED, chunk(b"data"), LAST)
            open_now.discard(peer.number)

        with RawServer(script) as server:
            async with contextlib.aclosing(make()) as transport:
                for turns in range(40):
                    async with anyio.create_task_group() as tasks:
                        tasks.start_soon(fetch, transport, server.post())
                        for _ in range(turns):
                            await anyio.lowlevel.checkpoint()
                        tasks.cancel_scope.cancel()
                assert await fetch(transport, server.post()) == (200, b"data")
                with anyio.fail_after(PATIENCE):
                    while len(open_now) > 1:
                        await anyio.lowlevel.checkpoint()

    async def test_dropped_transport_closes_what_idles(self, make: Make) -> None:
        with RawServer(answering(OK)) as server:
            await fetch(make(), server.post())
            await fetch(make(), server.post())
            await fetch(make(), server.post())
            assert await happens(server.closed)
            assert server.connections == 3


class LoopContract:
    """What is owed when loops come and go."""

    def test_one_transport_in_two_loops(self, make: Make, anyio_backend: str) -> None:
        with RawServer(answering(OK)) as server:
            transport = make()

            async def main() -> list[tuple[int, bytes]]:
                return [await fetch(transport, server.post()) for _ in range(2)]

            for _ in range(2):
                assert anyio.run(main, backend=anyio_backend) == [(200, b"ok")] * 2
                assert server.closed.wait(PATIENCE)
                server.closed.clear()
            assert server.connections == 2

    @pytest.mark.parametrize("sent", [b"", CHUNKED + chunk(b"data")])
    def test_loop_that_ends_inside_an_exchange(self, make: Make, anyio_backend: str, sent: bytes) -> None:
        asked = threading.Event()

        def script(peer: Peer) -> None:
            peer.request()
            peer.send(sent)
            asked.set()
            peer.wait_for_close()

        with RawServer(script) as server:
            transport = make()
            exchanges = []

            async def main() -> None:
                exchange = await transport.open(server.post(), PATIENCE)
                exchanges.append(exchange)
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(read, exchange)
                    assert await happens(asked)
                    await anyio.wait_all_tasks_blocked()
                    tasks.cancel_scope.cancel()

            anyio.run(main, backend=anyio_backend)
            assert server.closed.wait(PATIENCE)
            exchanges.pop().abort()

    @pytest.mark.parametrize("aborted", [True, False])
    def test_loop_that_ends_after_a_break_says_nothing(
        self, make: Make, anyio_backend: str, aborted: bool, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Pain 7: a bare `break` as the last thing that a program does."""

        def script(peer: Peer) -> None:
            peer.request()
            peer.send(CHUNKED + chunk(b"data"))
            peer.wait_for_close()

        with RawServer(script) as server:
            transport = make()
            kept = []

            async def main() -> None:
                for _ in range(3):
                    exchange = await transport.open(server.post(), PATIENCE)
                    await read(exchange, Body)
                    kept.append(exchange)
                if aborted:
                    for exchange in kept:
                        exchange.abort()

            for _ in range(5):
                anyio.run(main, backend=anyio_backend)
                assert server.closed.wait(PATIENCE)
                server.closed.clear()
                kept.clear()
        assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []

    @pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")  # of asyncio, which is right
    @pytest.mark.parametrize("one_for_all", [True, False])
    def test_loops_that_are_closed_by_hand_do_not_add_up(
        self, make: Make, anyio_backend: str, one_for_all: bool
    ) -> None:
        """Without `shutdown_asyncgens`, which closes what is left; a transport may live on, or be dropped."""
        if anyio_backend == "trio":
            return  # no loop of trio's can be closed by hand
        open_now: set[int] = set()

        def script(peer: Peer) -> None:
            open_now.add(peer.number)
            while peer.request() is not None:
                peer.send(OK)
            open_now.discard(peer.number)

        with RawServer(script) as server:
            transport = make()
            for _ in range(10):
                loop = asyncio.new_event_loop()
                try:
                    asked = transport if one_for_all else make()
                    assert loop.run_until_complete(fetch(asked, server.post())) == (200, b"ok")
                finally:
                    loop.close()
            assert server.connections == 10
            assert eventually(lambda: len(open_now) < 3)
            del asked, transport, loop
            asyncio.run(fetch(make(), server.post()))
            assert eventually(lambda: not open_now)
        gc.collect()  # here, where asyncio's warning is expected

    def test_transport_made_and_forgotten_in_a_loop(self, make: Make, anyio_backend: str) -> None:
        with RawServer(answering(OK)) as server:

            async def main() -> tuple[int, bytes]:
                return await fetch(make(), server.post())

            assert anyio.run(main, backend=anyio_backend) == (200, b"ok")
            assert server.closed.wait(PATIENCE)
