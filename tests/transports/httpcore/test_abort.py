"""`abort()` of an httpcore exchange wakes a task that waits in its `receive`, without other help."""

from __future__ import annotations

import contextlib
import importlib
import threading
from collections.abc import AsyncGenerator

import anyio
import httpcore
import pytest

from sansio.errors import APIConnectionError
from sansio.http import Body, Head
from tests.transports.contracts.support import (
    CHUNKED,
    Make,
    ca_and_server,
    chunk,
    fetch,
    read,
    trusting,
)
from tests.transports.raw_server import OK, PATIENCE, Peer, RawServer, answering, happens
from transports.httpcore.pool import HttpcoreTransport, ModuleName
from transports.interface import Exchange, Transport

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["httpcore", "httpcore2"])
def module(request: pytest.FixtureRequest) -> ModuleName:
    name: ModuleName = request.param
    return name


@contextlib.asynccontextmanager
async def running(module: ModuleName, kind: str, **options: object) -> AsyncGenerator[Transport]:
    """A transport with its own pool, or with a user's, whose reads nobody watches."""
    make: Make = HttpcoreTransport
    if kind == "its own":
        async with contextlib.aclosing(make(module=module, **options)) as transport:
            yield transport
    else:
        pool: httpcore.AsyncConnectionPool = importlib.import_module(module).AsyncConnectionPool(**options)
        async with pool, contextlib.aclosing(make(pool)) as transport:
            yield transport


async def abort_wakes(exchange: Exchange, until: threading.Event | None = None) -> None:
    """A task waits in `receive` indefinitely; it has got far enough when `until` is set."""
    errors: list[APIConnectionError] = []

    async def wait() -> None:
        with pytest.raises(APIConnectionError) as caught:
            await exchange.receive(None)
        errors.append(caught.value)

    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait)
            assert until is None or await happens(until)
            await anyio.wait_all_tasks_blocked()
            assert not errors
            exchange.abort()
    assert errors[0].message == "the exchange was dropped by abort()"


@pytest.mark.parametrize("kind", ["its own", "a user's"])
@pytest.mark.parametrize("tls", [False, True])
class TestAbort:
    async def test_while_it_waits_for_the_head(self, module: ModuleName, kind: str, tls: bool) -> None:
        asked = threading.Event()

        def script(peer: Peer) -> None:
            peer.request()
            asked.set()
            peer.wait_for_close()

        ca, context = ca_and_server("localhost")
        with RawServer(script, context if tls else None, "localhost") as server:
            async with running(module, kind, ssl_context=trusting(ca)) as transport:
                await abort_wakes(await transport.open(server.post(), None), asked)
                assert await happens(server.closed)

    @pytest.mark.parametrize("first", [Head, Body])
    async def test_while_it_waits_inside_the_body(
        self, module: ModuleName, kind: str, tls: bool, first: type[Head | Body]
    ) -> None:
        def script(peer: Peer) -> None:
            peer.request()
            peer.send(CHUNKED + (chunk(b"data") if first is Body else b""))
            peer.wait_for_close()

        ca, context = ca_and_server("localhost")
        with RawServer(script, context if tls else None, "localhost") as server:
            async with running(module, kind, ssl_context=trusting(ca)) as transport:
                exchange = await transport.open(server.post(), None)
                if first is Head:
                    await exchange.receive(PATIENCE)
                else:
                    await read(exchange, Body)
                await abort_wakes(exchange)
                assert await happens(server.closed)


async def test_while_it_waits_for_a_place_in_the_pool(module: ModuleName) -> None:
    with RawServer(answering(OK)) as server:
        async with running(module, "a user's", max_connections=1) as transport:
            first = await transport.open(server.post(), PATIENCE)
            await first.receive(PATIENCE)
            await abort_wakes(await transport.open(server.post(), None))
            await first.aclose()
            assert await fetch(transport, server.post()) == (200, b"ok")
            assert server.connections == 1


@pytest.mark.parametrize("kind", ["its own", "a user's"])
async def test_while_it_is_let_go(module: ModuleName, kind: str) -> None:
    """The end of the response does not come, and meanwhile another exchange has what was dropped closed."""

    def script(peer: Peer) -> None:
        while peer.request() is not None:
            peer.send(OK if peer.number else CHUNKED + chunk(b"data"))

    with RawServer(script) as server:
        async with running(module, kind) as transport:
            exchange = await transport.open(server.post(), PATIENCE)
            await read(exchange, Body)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(exchange.aclose)
                await anyio.wait_all_tasks_blocked()
                exchange.abort()
                assert await fetch(transport, server.post()) == (200, b"ok")
            assert await happens(server.closed)
            assert await fetch(transport, server.post()) == (200, b"ok")
            assert server.connections == 2


async def test_a_pool_goes_on_after_a_whole_answer_was_dropped(module: ModuleName) -> None:
    """It has room for one connection, and must neither keep the closed one nor look at its socket."""
    with RawServer(answering(OK)) as server:
        async with running(module, "a user's", max_connections=1) as transport:
            for _ in range(2):
                exchange = await transport.open(server.post(), PATIENCE)
                assert (await read(exchange))[1] == b"ok"
                exchange.abort()
                assert await fetch(transport, server.post()) == (200, b"ok")
