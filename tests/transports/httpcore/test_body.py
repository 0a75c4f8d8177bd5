"""How the httpcore transport hands out a body that comes through a pool of the application's own."""

from __future__ import annotations

import contextlib
import importlib
import threading
from collections.abc import Awaitable, Callable, Iterable
from types import ModuleType
from typing import cast

import anyio
import httpcore
import pytest
from anyio.lowlevel import checkpoint

from sansio.errors import APIConnectionError, APITimeoutError, RemoteProtocolError
from sansio.http import Body, End, Head, Request
from tests.transports.contracts.support import CHUNKED, LAST, chunk, fetch, read
from tests.transports.raw_server import PATIENCE, Peer, RawServer, answering
from tests.transports.test_cancel_everywhere import CancelAt
from transports.httpcore.pool import HttpcoreTransport
from transports.interface import Exchange
from transports.sockets.raw import READ_SIZE

pytestmark = pytest.mark.anyio

REQUEST = Request.post("http://in.memory/v1", (), b"{}")
BURST = CHUNKED + chunk(b"one ") + chunk(b"two ") + chunk(b"three ")
TEXT = b"one two three "


@pytest.fixture(params=["httpcore", "httpcore2"])
def core(request: pytest.FixtureRequest) -> ModuleType:
    return importlib.import_module(request.param)


class Reads:
    """A network in memory, whose one stream gives these bytes, read by read, and then waits indefinitely."""

    def __init__(self, reads: Iterable[bytes]) -> None:
        self._reads = list(reads)

    async def connect_tcp(self, *args: object, **options: object) -> Reads:
        return self

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        await checkpoint()
        if not self._reads:
            await anyio.sleep_forever()
        return self._reads.pop(0)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await checkpoint()

    async def aclose(self) -> None:
        await checkpoint()

    def get_extra_info(self, info: str) -> None:
        return None


def narrow_pool(core: ModuleType, network: Reads | None = None) -> httpcore.AsyncConnectionPool:
    """A pool for one connection."""
    backend = cast("httpcore.AsyncNetworkBackend", network or core.AnyIOBackend())
    made: httpcore.AsyncConnectionPool = core.AsyncConnectionPool(max_connections=1, network_backend=backend)
    return made


def idles(pool: httpcore.AsyncConnectionPool) -> bool:
    """Whether no request has a place in the pool."""
    return "Requests: 0 active, 0 queued" in repr(pool)


async def take(exchange: Exchange, given: list[Head | Body | End], until: type[Body | End] = End) -> None:
    """Add what the exchange gives, up to the first body or the end."""
    while not (given and isinstance(given[-1], until)):
        given.append(await exchange.receive(PATIENCE))


async def all_of(exchange: Exchange) -> list[Head | Body | End]:
    """What the exchange gives after the head."""
    given: list[Head | Body | End] = []
    await take(exchange, given)
    assert isinstance(given[0], Head)
    return given[1:]


def joined(given: Iterable[Head | Body | End]) -> bytes:
    return b"".join(each.data for each in given if isinstance(each, Body))


# What is one body.


async def test_every_cut_gives_the_same_bytes(core: ModuleType) -> None:
    answer = BURST + LAST
    for size in range(1, len(answer)):
        reads = [answer[at : at + size] for at in range(0, len(answer), size)]
        exchange = await HttpcoreTransport(narrow_pool(core, Reads(reads))).open(REQUEST, PATIENCE)
        *bodies, end = await all_of(exchange)
        assert joined(bodies) == TEXT
        assert Body(b"") not in bodies
        assert end == End()
        await exchange.aclose()


@pytest.mark.parametrize("framing", ["Content-Length: 900000", "Transfer-Encoding: chunked"])
async def test_no_body_is_more_than_a_read(core: ModuleType, framing: str) -> None:
    data = bytes(900_000)
    body = chunk(data) + LAST if "chunked" in framing else data
    with RawServer(answering(f"HTTP/1.1 200 OK\r\n{framing}\r\n\r\n".encode() + body)) as server:
        async with narrow_pool(core) as pool:
            exchange = await HttpcoreTransport(pool).open(server.post(), PATIENCE)
            given = await all_of(exchange)
            await exchange.aclose()
    assert joined(given) == data
    assert max(len(each.data) for each in given if isinstance(each, Body)) <= READ_SIZE


async def test_a_body_is_given_chunk_by_chunk(core: ModuleType) -> None:
    with RawServer(answering(BURST + LAST)) as server:
        async with core.AsyncConnectionPool() as pool:
            transport = HttpcoreTransport(pool)
            exchange = await transport.open(server.post(), PATIENCE)
            assert await all_of(exchange) == [Body(b"one "), Body(b"two "), Body(b"three "), End()]
            await exchange.aclose()
            assert idles(pool)


# What comes after it.


@pytest.mark.parametrize(
    ("rest", "kind"), [(b"bad size\r\n", RemoteProtocolError), (b"", APIConnectionError)]
)
async def test_fault_comes_after_the_bytes_before_it(
    core: ModuleType, rest: bytes, kind: type[Exception]
) -> None:
    pool = narrow_pool(core, Reads([BURST + rest, b""]))
    transport = HttpcoreTransport(pool)
    exchange = await transport.open(REQUEST, PATIENCE)
    given: list[Head | Body | End] = []
    with pytest.raises(kind):
        await take(exchange, given)
    assert joined(given) == TEXT
    exchange.abort()
    await transport.aclose()
    assert idles(pool)


async def test_timeout_after_a_body_is_that_of_the_receive_that_waits(core: ModuleType) -> None:
    with RawServer(answering(BURST)) as server:
        async with narrow_pool(core) as pool:
            transport = HttpcoreTransport(pool)
            exchange = await transport.open(server.post(), PATIENCE)
            given: list[Head | Body | End] = []
            while joined(given) != TEXT:
                given.append(await exchange.receive(PATIENCE))
            with pytest.raises(APITimeoutError, match=r"within 0\.01 s"):
                await exchange.receive(0.01)
            exchange.abort()
            await transport.aclose()
            assert idles(pool)


async def test_another_task_reads_on(core: ModuleType) -> None:
    """The scope that a receive was in is over, and so is its task; the body is held by neither."""
    go_on = threading.Event()

    def script(peer: Peer) -> None:
        peer.request()
        peer.send(BURST)
        assert go_on.wait(PATIENCE)
        peer.send(chunk(b"four"), LAST)
        peer.wait_for_close()

    given: list[Head | Body | End] = []
    with RawServer(script) as server:
        async with narrow_pool(core) as pool:
            exchange = await HttpcoreTransport(pool).open(server.post(), PATIENCE)

            async def take_and_cancel(until: type[Body | End]) -> None:
                with anyio.CancelScope() as scope:
                    await take(exchange, given, until)
                    scope.cancel()

            for until in (Body, End):
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(take_and_cancel, until)
                go_on.set()
            await exchange.aclose()
            assert idles(pool)
    assert joined(given) == TEXT + b"four"


# Releasing in the middle of a body.


async def test_connection_is_kept_where_the_rest_is_only_the_end(core: ModuleType) -> None:
    with RawServer(answering(BURST + LAST)) as server:
        async with narrow_pool(core) as pool:
            transport = HttpcoreTransport(pool)
            for _ in range(3):
                exchange = await transport.open(server.post(), PATIENCE)
                await read(exchange, Body)
                await exchange.aclose()
                assert idles(pool)
            assert server.connections == 1


async def drop(exchange: Exchange) -> None:
    exchange.abort()


async def cancel(exchange: Exchange) -> None:
    with anyio.CancelScope() as scope:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(exchange.receive, PATIENCE)
            await anyio.wait_all_tasks_blocked()
            scope.cancel()
    exchange.abort()


async def let_go(exchange: Exchange) -> None:
    """Though the end does not come."""
    await exchange.aclose()


async def let_go_and_cancel(exchange: Exchange) -> None:
    with anyio.CancelScope() as scope:
        scope.cancel()
        await exchange.aclose()
    exchange.abort()


@pytest.mark.parametrize("end", [drop, cancel, let_go, let_go_and_cancel])
async def test_place_in_the_pool_is_given_back(
    core: ModuleType, end: Callable[[Exchange], Awaitable[None]]
) -> None:
    with RawServer(lambda peer: answering(BURST + LAST if peer.number else BURST)(peer)) as server:
        async with narrow_pool(core) as pool:
            transport = HttpcoreTransport(pool)
            exchange = await transport.open(server.post(), PATIENCE)
            await read(exchange, Body)
            await end(exchange)
            assert await fetch(transport, server.post()) == (200, TEXT)
            assert idles(pool)
            assert server.connections == 2


@pytest.mark.parametrize("until", [Body, End])
@pytest.mark.parametrize(
    "reads",
    [[BURST, chunk(b"four") + LAST], [BURST + b"bad size\r\n"], [BURST + chunk(b"four"), b""]],
    ids=["whole", "malformed", "lost"],
)
async def test_cancellation_at_each_wait_gives_the_place_back(
    core: ModuleType, reads: list[bytes], until: type[Body | End]
) -> None:
    async def use(exchange: Exchange) -> None:
        with contextlib.suppress(RemoteProtocolError, APIConnectionError):
            await read(exchange, until)
        await exchange.aclose()

    ended = False
    number = 0
    while not ended:
        number += 1
        pool = narrow_pool(core, Reads(reads))
        transport = HttpcoreTransport(pool)
        exchange = await transport.open(REQUEST, PATIENCE)
        with anyio.CancelScope() as scope:
            using = CancelAt(use(exchange), number, scope.cancel)
            await using
        ended = using.waits < number
        exchange.abort()
        await transport.aclose()
        assert idles(pool)
    assert number > 5
