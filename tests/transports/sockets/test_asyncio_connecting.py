"""How a connection on asyncio's own loops comes to be, and how it ends with its loop."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeAlias

import anyio
import pytest
import trio

from sansio.errors import APIConnectionError
from sansio.http import Request
from tests.transports.contracts.support import (
    CHUNKED,
    ca_and_server,
    chunk,
    failure,
    fetch,
    silent,
    trusting,
)
from tests.transports.raw_server import OK, PATIENCE, Peer, RawServer, answering
from tests.transports.test_cancel_everywhere import CancelAt
from transports.interface import Exchange, Origin
from transports.loops import asyncio_loop
from transports.sockets import addresses, racing
from transports.sockets.asyncio_connection import AsyncioConnection
from transports.sockets.tls import Trust
from transports.sockets.transport import AnyioTransport

Address: TypeAlias = tuple[str, int]

FIRST, SECOND, THIRD = ("192.0.2.1", 80), ("192.0.2.2", 80), ("192.0.2.3", 80)
TLS_VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Net:
    """What the names of hosts stand for, and what becomes of an attempt to connect.

    Attributes:
        tried: the addresses, in the order in which they were tried.
        sockets: all that were made.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, numbers: list[Address]) -> None:
        self.tried: list[Address] = []
        self.sockets: list[socket.socket] = []
        self.fates: dict[Address, Callable[[], Awaitable[None]]] = {}
        self._real: Address = ("", 0)
        families = [socket.AF_INET6 if ":" in host else socket.AF_INET for host, _ in numbers]

        async def getaddrinfo(*args: object, **options: object) -> list[tuple[object, ...]]:
            return [(family, 1, 6, "", at) for family, at in zip(families, numbers, strict=True)]

        async def connect(family: int, address: Address) -> socket.socket:
            self.tried.append(address)
            raw = socket.socket(socket.AF_INET)
            self.sockets.append(raw)
            try:
                raw.setblocking(False)
                await self.fates[address]()
                await asyncio.get_running_loop().sock_connect(raw, self._real)
            except BaseException:
                raw.close()
                raise
            return raw

        monkeypatch.setattr(anyio, "getaddrinfo", getaddrinfo)
        monkeypatch.setattr(addresses, "connect_socket", lambda loop, *address: connect(*address))

    def leads_to(self, server: RawServer) -> Request:
        """All that answers is this server; a request to it under a name."""
        _, host, port = server.post().origin
        self._real = host, port
        return Request.post("http://provider.example/v1", (), b"{}")

    def open(self) -> list[socket.socket]:
        """The sockets that are not closed."""
        return [raw for raw in self.sockets if raw.fileno() >= 0]


async def answers() -> None:
    pass


async def hangs() -> None:
    await anyio.sleep_forever()


async def refuses() -> None:
    raise ConnectionRefusedError(111, "refused")


async def breaks() -> None:
    raise OSError(101, "Network is unreachable")


@pytest.mark.anyio
class TestRace:
    """The first address that answers is taken (RFC 8305), and no socket of the others is left."""

    async def test_the_next_address_is_tried_at_once_when_one_fails(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        net = Net(monkeypatch, [FIRST, SECOND])
        net.fates = {FIRST: refuses, SECOND: answers}
        monkeypatch.setattr(racing, "STAGGER", 2 * PATIENCE)
        with RawServer(answering(OK)) as server, anyio.fail_after(PATIENCE):
            async with contextlib.aclosing(AnyioTransport()) as transport:
                assert await fetch(transport, net.leads_to(server)) == (200, b"ok")
                assert len(net.open()) == 1
        assert net.tried == [FIRST, SECOND]

    async def test_the_next_address_is_tried_beside_one_that_hangs(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        net = Net(monkeypatch, [FIRST, SECOND, THIRD])
        net.fates = {FIRST: hangs, SECOND: answers}
        with RawServer(answering(OK)) as server:
            async with contextlib.aclosing(AnyioTransport()) as transport:
                assert await fetch(transport, net.leads_to(server)) == (200, b"ok")
                assert len(net.open()) == 1
        assert net.tried == [FIRST, SECOND]

    async def test_the_error_is_that_of_the_first_that_failed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        net = Net(monkeypatch, [FIRST, SECOND])
        net.fates = {FIRST: refuses, SECOND: breaks}
        with RawServer(silent) as server:
            async with contextlib.aclosing(AnyioTransport()) as transport:
                error = await failure(transport, net.leads_to(server))
            assert server.connections == 0
        assert isinstance(error, APIConnectionError)
        assert error.message == "no connection to provider.example:80: nothing listens there"
        assert net.open() == []

    async def test_two_that_answer_in_the_same_turn(self, monkeypatch: pytest.MonkeyPatch) -> None:
        both = asyncio.Event()

        async def meet() -> None:
            if len(net.tried) == 2:
                both.set()
            await both.wait()

        net = Net(monkeypatch, [FIRST, SECOND])
        net.fates = {FIRST: meet, SECOND: meet}
        monkeypatch.setattr(racing, "STAGGER", 0)
        with RawServer(answering(OK)) as server:
            async with contextlib.aclosing(AnyioTransport()) as transport:
                assert await fetch(transport, net.leads_to(server)) == (200, b"ok")
                assert len(net.open()) == 1
        assert len(net.sockets) == 2

    async def test_cancelled_in_the_middle(self, monkeypatch: pytest.MonkeyPatch) -> None:
        net = Net(monkeypatch, [FIRST, SECOND])
        net.fates = {FIRST: hangs, SECOND: hangs}
        monkeypatch.setattr(racing, "STAGGER", 0)
        with RawServer(silent) as server:
            async with contextlib.aclosing(AnyioTransport()) as transport:
                opening = asyncio.ensure_future(transport.open(net.leads_to(server), PATIENCE))
                with anyio.fail_after(PATIENCE):
                    while len(net.open()) < 2:
                        await anyio.lowlevel.checkpoint()
                opening.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await opening
        assert net.open() == []

    async def test_cancelled_as_one_answers(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def answers_and_is_cancelled() -> None:
            asyncio.get_running_loop().call_soon(opening.cancel)

        net = Net(monkeypatch, [FIRST, SECOND])
        net.fates = {FIRST: hangs, SECOND: answers_and_is_cancelled}
        monkeypatch.setattr(racing, "STAGGER", 0)
        with RawServer(silent) as server:
            async with contextlib.aclosing(AnyioTransport()) as transport:
                opening = asyncio.ensure_future(transport.open(net.leads_to(server), PATIENCE))
                with pytest.raises(asyncio.CancelledError):
                    await opening
        assert net.open() == []

    async def test_families_take_turns(self, monkeypatch: pytest.MonkeyPatch) -> None:
        one, two, three = ("2001:db8::1", 80), ("2001:db8::2", 80), ("2001:db8::3", 80)
        net = Net(monkeypatch, [one, two, three, FIRST, SECOND])
        net.fates = dict.fromkeys([one, two, three, FIRST, SECOND], refuses)
        with RawServer(silent) as server:
            async with contextlib.aclosing(AnyioTransport()) as transport:
                await failure(transport, net.leads_to(server))
        assert net.tried == [one, FIRST, two, SECOND, three]


@pytest.mark.anyio
async def test_an_address_of_ipv6() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n{}")
        writer.write(OK)
        writer.close()
        await writer.wait_closed()

    try:
        server = await asyncio.start_server(serve, "::1", 0)
    except OSError:
        pytest.skip("there is no IPv6 here")
    port = server.sockets[0].getsockname()[1]
    request = Request.post(f"http://[::1]:{port}/v1", (), b"{}")
    async with contextlib.aclosing(AnyioTransport()) as transport:
        async with server:
            assert await fetch(transport, request) == (200, b"ok")
        error = await failure(transport, request)
    assert error.message == f"no connection to ::1:{port}: nothing listens there"


@pytest.mark.anyio
class TestCancelled:
    """A task that is cancelled while it connects leaves nothing that the loop watches."""

    @pytest.mark.parametrize("version", TLS_VERSIONS)
    async def test_at_each_wait(self, version: ssl.TLSVersion) -> None:
        ca, context = ca_and_server("localhost")
        context.maximum_version = version
        with RawServer(answering(OK), context, "localhost") as server:
            async with contextlib.aclosing(AnyioTransport(ssl_context=trusting(ca))) as transport:
                number = waits = 0
                tasks: list[asyncio.Task[tuple[int, bytes]]] = []
                while waits >= number:
                    number += 1
                    fetching = fetch(transport, server.post(), fresh=True)
                    cut = CancelAt(fetching, number, lambda: tasks[-1].cancel())
                    tasks.append(asyncio.ensure_future(_await(cut)))
                    await asyncio.wait(tasks)
                    waits = cut.waits
                assert number > 3
                assert all(task.cancelled() for task in tasks[:-1])
                assert tasks[-1].result() == (200, b"ok")
                await _watches(1)

    @pytest.mark.parametrize("version", TLS_VERSIONS)
    async def test_as_something_comes_from_the_peer(
        self, version: ssl.TLSVersion, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Also in the turn in which the handshake ends."""
        ca, context = ca_and_server("localhost")
        context.maximum_version = version
        receive = AsyncioConnection.data_received
        received = 0

        def received_and_cancelled(connection: AsyncioConnection, data: bytes) -> None:
            nonlocal received
            receive(connection, data)
            received += 1
            if received == number:
                asyncio.get_running_loop().call_soon(task.cancel)
                task.cancel()

        monkeypatch.setattr(AsyncioConnection, "data_received", received_and_cancelled)
        with RawServer(silent, context, "localhost") as server:
            trusted = trusting(ca)
            number = 0
            while True:
                number += 1
                received = 0
                task = asyncio.ensure_future(_secured(server.post().origin, trusted))
                await asyncio.wait([task])
                if not task.cancelled():
                    break
                await _watches(0)
            assert number > 1
            await task.result().aclose()
            await _watches(0)


async def _secured(origin: Origin, context: ssl.SSLContext) -> AsyncioConnection:
    connection = await AsyncioConnection.connect(origin, None)
    try:
        await connection.secure(Trust(context), origin[1])
    except BaseException:
        await connection.aclose()
        raise
    return connection


async def _await(awaitable: Awaitable[tuple[int, bytes]]) -> tuple[int, bytes]:
    return await awaitable


async def _watches(count: int) -> None:
    """So many sockets are soon watched by the running loop, besides the one by which threads wake it."""
    watched = vars(asyncio.get_running_loop())["_selector"].get_map()
    with anyio.fail_after(PATIENCE):
        while len(watched) != count + 1:
            await anyio.lowlevel.checkpoint()


async def _read_on(exchange: Exchange) -> None:
    while True:
        await exchange.receive(None)


@pytest.mark.anyio
async def test_abort_from_another_thread_wakes_the_reader() -> None:
    def script(peer: Peer) -> None:
        peer.request()
        peer.send(CHUNKED, *[chunk(b"data")] * peer.number)
        peer.wait_for_close()

    with RawServer(script) as server:
        async with contextlib.aclosing(AnyioTransport()) as transport:
            for _ in range(30):
                exchange = await transport.open(server.post(), PATIENCE)
                thread = threading.Thread(target=exchange.abort)
                thread.start()
                with pytest.raises(APIConnectionError, match="abort"):
                    await _read_on(exchange)
                await anyio.to_thread.run_sync(thread.join)


class TestHome:
    """Only where asyncio runs a task is there one of its transports to be had."""

    def test_outside(self) -> None:
        assert asyncio_loop() is None

    def test_in_a_task_of_the_loop_and_in_a_mere_callback_of_it(self) -> None:
        seen = []

        async def main() -> None:
            seen.append(asyncio_loop() is not None)
            asyncio.get_running_loop().call_soon(lambda: seen.append(asyncio_loop() is not None))
            await asyncio.sleep(0)

        asyncio.run(main())
        assert seen == [True, False]

    def test_in_trio_as_a_guest_of_the_loop(self) -> None:
        async def guest() -> tuple[bool, tuple[int, bytes]]:
            async with contextlib.aclosing(AnyioTransport()) as transport:
                return asyncio_loop() is not None, await fetch(transport, server.post())

        async def host() -> tuple[bool, tuple[int, bytes]]:
            loop = asyncio.get_running_loop()
            done: asyncio.Future[tuple[bool, tuple[int, bytes]]] = loop.create_future()
            trio.lowlevel.start_guest_run(
                guest,
                run_sync_soon_threadsafe=loop.call_soon_threadsafe,
                done_callback=lambda outcome: done.set_result(outcome.unwrap()),
            )
            return await done

        with RawServer(answering(OK)) as server:
            assert asyncio.run(host()) == (False, (200, b"ok"))


_PROGRAM = """
import asyncio, sys
from sansio.http import Request
from transports.sockets.transport import AnyioTransport

async def main(url, ca_file):
    asyncio.get_running_loop().slow_callback_duration = 60
    transport = AnyioTransport(ca_file=ca_file or None)
    kept = []
    for _ in range(3):
        exchange = await transport.open(Request.post(url, (), b"{}"), 5)
        await exchange.receive(5)
        await exchange.receive(600)
        kept.append(exchange)
    await kept[0].aclose()
    await asyncio.to_thread(kept[1].abort)

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.fixture(params=["http", "https"])
def address(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """A server's, and the file with the authority that it is to be trusted by, if any."""
    ca, context = ca_and_server("localhost")
    file = tmp_path_factory.mktemp("ca") / "ca.pem"
    ca.cert_pem.write_to_path(str(file))

    def script(peer: Peer) -> None:
        peer.request()
        peer.send(CHUNKED + chunk(b"data"))
        peer.wait_for_close()

    secure = request.param == "https"
    with RawServer(script, context if secure else None, "localhost") as server:
        yield [server.url, str(file) if secure else ""]


def test_a_loop_that_ends_with_open_connections_warns_of_nothing(address: list[str]) -> None:
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", _PROGRAM, *address]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
