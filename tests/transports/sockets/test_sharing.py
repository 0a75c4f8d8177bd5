"""HTTP/2 over sockets: exchanges of tasks or threads share a connection, and none of them owns it."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
import threading
from collections.abc import Callable

import anyio
import h2.events
import pytest
import sniffio
import trio

from sansio import (
    APIConnectionError,
    APITimeoutError,
    Body,
    ConfigError,
    End,
    Head,
    Message,
    ProviderConfig,
    Role,
)
from tests.sansio.http.frames import data, head
from tests.transports.contracts.support import ca_and_server, fetch, read, trusting
from tests.transports.raw_server import OK, RawServer, happens
from tests.transports.raw_server import answering as answering_http1
from tests.transports.sockets.http2_peer import HTTP2Peer, answering, offering, over_http2
from transports import AnyioTransport, SocketTransport, Transport, create_provider
from transports.sockets import sharing
from transports.testing.conformance.threads import InThreads

pytestmark = pytest.mark.anyio

LONG = 30.0
"""Seconds that only run out if something hangs."""

CANCEL, REFUSED = 8, 7


def in_threads(**options: object) -> Transport:
    return InThreads(SocketTransport(**options))  # type: ignore[arg-type]  # as the test gives them


@pytest.fixture(params=["tasks", "threads"])
def make(request: pytest.FixtureRequest) -> Callable[..., Transport]:
    kinds: dict[str, Callable[..., Transport]] = {"tasks": AnyioTransport, "threads": in_threads}
    return kinds[request.param]


@pytest.fixture
def transport(make: Callable[..., Transport]) -> Transport:
    return make(http2="only")


async def test_fifty_exchanges_on_one_connection(transport: Transport) -> None:
    def script(peer: HTTP2Peer) -> None:
        numbers = [peer.request() for _ in range(50)]
        for number in numbers:
            assert number is not None
            peer.head(number)
        for turn in range(3):
            for number in reversed(numbers):
                assert number is not None
                peer.body(number, b"%d.%d " % (number, turn), end=turn == 2)

    bodies: list[bytes] = []
    with RawServer(over_http2(script)) as server:

        async def one() -> None:
            bodies.append((await fetch(transport, server.post()))[1])

        async with anyio.create_task_group() as tasks:
            for _ in range(50):
                tasks.start_soon(one)
        await transport.aclose()
        assert server.connections == 1
    expected = [b"%d.0 %d.1 %d.2 " % ((number,) * 3) for number in range(1, 100, 2)]
    assert sorted(bodies) == sorted(expected)


def _tasks() -> int:
    """How many tasks the running loop has."""
    if sniffio.current_async_library() == "trio":
        return trio.lowlevel.current_statistics().tasks_living
    return len(asyncio.all_tasks())


async def test_a_connection_needs_no_task_of_its_own() -> None:
    """Neither under two exchanges, nor while it is kept."""
    with RawServer(over_http2(answering)) as server:
        transport = AnyioTransport(http2="only")
        before = _tasks()
        exchanges = [await transport.open(server.post(), LONG) for _ in range(2)]
        assert isinstance(await exchanges[1].receive(LONG), Head)
        assert _tasks() == before
        for exchange in exchanges:
            exchange.abort()
        await fetch(transport, server.post())
        assert _tasks() == before
        await transport.aclose()
        assert server.connections == 1


def test_a_connection_needs_no_thread_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[threading.Thread] = []
    here, start = threading.current_thread(), threading.Thread.start

    def noted(thread: threading.Thread) -> None:
        if threading.current_thread() is here:
            begun.append(thread)
        start(thread)

    with RawServer(over_http2(answering)) as server, contextlib.closing(SocketTransport(http2="only")) as own:
        monkeypatch.setattr(threading.Thread, "start", noted)
        exchanges = [own.open(server.post(), LONG) for _ in range(2)]
        assert isinstance(exchanges[1].receive(LONG), Head)
        for exchange in exchanges:
            exchange.abort()
        assert server.connections == 1
    assert begun == []


async def test_one_after_another_on_one_connection(transport: Transport) -> None:
    with RawServer(over_http2(answering)) as server:
        for _ in range(3):
            assert await fetch(transport, server.post()) == (200, b"ok")
        await transport.aclose()
        assert await happens(server.closed)
        assert server.connections == 1


async def test_a_slow_reader_holds_up_only_its_own_exchange(transport: Transport) -> None:
    piece = bytes(16_384)
    total = 2 * 1_048_576

    def script(peer: HTTP2Peer) -> None:
        slow = peer.request()
        assert slow is not None
        peer.head(slow)
        left = total
        while left > total // 2:  # as far as its window goes
            peer.body(slow, piece)
            left -= len(piece)
        quick = peer.request()
        assert quick is not None
        peer.answer(quick, b"quick")
        while left:
            while peer.h2.local_flow_control_window(slow) < len(piece):
                assert peer.next(h2.events.WindowUpdated) is not None
            left -= len(piece)
            peer.body(slow, piece, end=not left)

    with RawServer(over_http2(script)) as server:
        slow = await transport.open(server.post(), LONG)
        assert await fetch(transport, server.post()) == (200, b"quick")
        _, body = await read(slow)
        assert len(body) == total
        await slow.aclose()
        await transport.aclose()
        assert server.connections == 1


async def test_a_dropped_exchange_is_reset_at_once_and_the_others_go_on(transport: Transport) -> None:
    seen = threading.Event()

    def script(peer: HTTP2Peer) -> None:
        first, second = peer.request(), peer.request()
        assert first is not None
        assert second is not None
        peer.head(first)
        peer.body(first, b"some")
        reset = peer.next(h2.events.StreamReset)
        assert reset is not None
        assert (reset.stream_id, reset.error_code) == (first, CANCEL)
        seen.set()
        peer.answer(second, b"other")

    with RawServer(over_http2(script)) as server:
        dropped = await transport.open(server.post(), LONG)
        other = await transport.open(server.post(), LONG)
        await read(dropped, Body)
        dropped.abort()
        assert await happens(seen)
        assert (await read(other))[1] == b"other"
        await other.aclose()
        with pytest.raises(APIConnectionError, match="abort"):
            await dropped.receive(LONG)
        await transport.aclose()
        assert server.connections == 1


@pytest.mark.parametrize("reader", [0, 1])
async def test_who_reads_for_all_hands_over_when_it_is_dropped(transport: Transport, reader: int) -> None:
    def script(peer: HTTP2Peer) -> None:
        numbers = [peer.request(), peer.request()]
        assert peer.next(h2.events.StreamReset) is not None
        left = numbers[1 - reader]
        assert left is not None
        peer.answer(left, b"for the other")

    results: dict[int, object] = {}

    with RawServer(over_http2(script)) as server:
        exchanges = [await transport.open(server.post(), LONG) for _ in range(2)]

        async def receive(number: int) -> None:
            try:
                results[number] = (await read(exchanges[number]))[1]
            except APIConnectionError as error:
                results[number] = error

        async with anyio.create_task_group() as tasks:
            for number in range(2):
                tasks.start_soon(receive, number)
                await anyio.wait_all_tasks_blocked()
            exchanges[reader].abort()
        await transport.aclose()
    assert isinstance(results[reader], APIConnectionError)
    assert results[1 - reader] == b"for the other"


@pytest.mark.parametrize("reader", [0, 1])
async def test_who_reads_for_all_hands_over_when_it_is_cancelled(reader: int) -> None:
    transport = AnyioTransport(http2="only")
    go = threading.Event()

    def script(peer: HTTP2Peer) -> None:
        numbers = [peer.request(), peer.request()]
        go.wait(LONG)
        for number in numbers:
            assert number is not None
            peer.answer(number, b"late")

    with RawServer(over_http2(script)) as server:
        exchanges = [await transport.open(server.post(), LONG) for _ in range(2)]
        scopes = [anyio.CancelScope(), anyio.CancelScope()]
        heads: list[object] = []

        async def receive(number: int) -> None:
            with scopes[number]:
                heads.append(await exchanges[number].receive(LONG))

        async with anyio.create_task_group() as tasks:
            for number in range(2):
                tasks.start_soon(receive, number)
                await anyio.wait_all_tasks_blocked()
            scopes[reader].cancel()
            await anyio.wait_all_tasks_blocked()
            go.set()
        assert len(heads) == 1
        # A cancelled wait loses nothing: the exchange goes on.
        assert isinstance(await exchanges[reader].receive(LONG), Head)
        for exchange in exchanges:
            assert await exchange.receive(LONG) == Body(b"late")
            assert await exchange.receive(LONG) == End()
            await exchange.aclose()
        await transport.aclose()
        assert server.connections == 1


async def test_an_early_answer_to_a_large_request_is_read(transport: Transport) -> None:
    def script(peer: HTTP2Peer) -> None:
        begun = peer.next(h2.events.RequestReceived)
        assert begun is not None
        assert begun.stream_id is not None
        peer.head(begun.stream_id, 413)
        peer.body(begun.stream_id, b"too large", end=True)
        assert peer.next(h2.events.StreamReset) is not None
        peer.h2.increment_flow_control_window(65_535)  # which the request has used up
        peer.flush()
        answering(peer)

    with RawServer(over_http2(script, reads=False)) as server:
        assert await fetch(transport, server.post(bytes(3_000_000))) == (413, b"too large")
        assert await fetch(transport, server.post()) == (200, b"ok")
        await transport.aclose()
        assert server.connections == 1


async def test_a_large_request_is_sent_while_another_exchange_reads(transport: Transport) -> None:
    def script(peer: HTTP2Peer) -> None:
        first, second = peer.request(), peer.request()
        for number in (second, first):
            assert number is not None
            peer.answer(number, b"%d" % number)

    with RawServer(over_http2(script)) as server:
        first = await transport.open(server.post(), LONG)
        bodies: list[bytes] = []

        async def receive() -> None:
            bodies.append((await read(first))[1])

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(receive)
            await anyio.wait_all_tasks_blocked()
            assert (await fetch(transport, server.post(bytes(3_000_000))))[1] == b"3"
        assert bodies == [b"1"]
        await first.aclose()
        await transport.aclose()


async def test_a_server_that_takes_nothing_of_the_request(transport: Transport) -> None:
    def script(peer: HTTP2Peer) -> None:
        peer.next(h2.events.RequestReceived)

    with RawServer(over_http2(script, reads=False)) as server:
        with pytest.raises(APITimeoutError, match="request"):
            await transport.open(server.post(bytes(3_000_000)), LONG, write_timeout=0.2)
        await transport.aclose()


@pytest.mark.parametrize("write_timeout", [None, LONG, 2 * LONG])
def test_the_total_bounds_an_upload_of_a_thread(write_timeout: float | None) -> None:
    """Its own clock does not, while the server takes some more of the request all the time."""

    def script(peer: HTTP2Peer) -> None:
        taken = 0
        while taken < 1_000_000 and (data := peer.next(h2.events.DataReceived)) is not None:
            assert data.flow_controlled_length is not None
            assert data.stream_id is not None
            taken += data.flow_controlled_length
            peer.h2.acknowledge_received_data(data.flow_controlled_length, data.stream_id)
            peer.flush()
        peer.peer.wait_for_close()

    with (
        RawServer(over_http2(script, reads=False)) as server,
        contextlib.closing(SocketTransport(http2="only")) as transport,
    ):
        request = server.post(bytes(3_000_000))
        with pytest.raises(APITimeoutError, match=r"whole request within 0\.2 s") as caught:
            transport.open(request, LONG, write_timeout=write_timeout, total_timeout=0.2)
        assert caught.value.field == "total_timeout"


async def test_a_server_that_is_silent(transport: Transport) -> None:
    seen = threading.Event()

    def script(peer: HTTP2Peer) -> None:
        peer.request()
        if peer.next(h2.events.StreamReset) is not None:
            seen.set()
        answering(peer)

    with RawServer(over_http2(script)) as server:
        exchange = await transport.open(server.post(), LONG)
        with pytest.raises(APITimeoutError, match="did not send a complete head"):
            await exchange.receive(0.05)
        assert await happens(seen)
        assert await fetch(transport, server.post()) == (200, b"ok")
        await transport.aclose()
        assert server.connections == 1


async def test_a_server_that_leaves_ends_what_it_accepted(transport: Transport) -> None:
    def script(peer: HTTP2Peer) -> None:
        if peer.peer.number:
            answering(peer)
        first, second = peer.request(), peer.request()
        if first is not None and second is not None:
            peer.goaway(first)
            peer.answer(first, b"accepted")

    with RawServer(over_http2(script)) as server:
        accepted = await transport.open(server.post(), LONG)
        unsent = await transport.open(server.post(), LONG)
        with pytest.raises(APIConnectionError, match="left the connection") as caught:
            await unsent.receive(LONG)
        assert caught.value.reused
        unsent.abort()
        assert await fetch(transport, server.post()) == (200, b"ok")
        assert (await read(accepted))[1] == b"accepted"
        await accepted.aclose()
        await transport.aclose()
        assert server.connections == 2


async def test_what_a_server_refuses_is_sent_again_without_an_attempt() -> None:
    def script(peer: HTTP2Peer) -> None:
        while (number := peer.request()) is not None:
            if peer.peer.number == 0 and number == 1:
                peer.reset(number, REFUSED)
            else:
                peer.answer(number, b'data: {"choices":[{"delta":{"content":"hi"}}]}\n\ndata: [DONE]\n\n')

    with RawServer(over_http2(script)) as server:
        config = ProviderConfig(type="openai", model="m", base_url=server.url, max_attempts=1)
        transport = AnyioTransport(http2="only")
        async with create_provider(config, transport=transport, api_key="k") as provider:
            stream = provider.stream([Message(Role.USER, "Hi")])
            async with stream:
                async for _ in stream:
                    pass
            assert stream.result().text == "hi"
            assert stream.response is not None
            assert stream.response.attempts == 1
        await transport.aclose()


async def test_no_more_exchanges_on_a_connection_than_the_server_takes(transport: Transport) -> None:
    both = threading.Barrier(2)

    def script(peer: HTTP2Peer) -> None:
        while (number := peer.request()) is not None:
            if (peer.peer.number, number) != (0, 1):
                both.wait(LONG)
            peer.answer(number)

    with RawServer(over_http2(script, MAX_CONCURRENT_STREAMS=1)) as server:
        await fetch(transport, server.post())  # the settings have arrived
        first = await transport.open(server.post(), LONG)
        second = await transport.open(server.post(), LONG)
        for exchange in (first, second):
            assert (await read(exchange))[1] == b"ok"
            await exchange.aclose()
        await transport.aclose()
        assert server.connections == 2


async def test_fresh_means_a_connection_that_has_answered_nothing(transport: Transport) -> None:
    with RawServer(over_http2(answering)) as server:
        await fetch(transport, server.post())
        await fetch(transport, server.post(), fresh=True)
        assert server.connections == 2
        await fetch(transport, server.post())
        await transport.aclose()
        assert server.connections == 2


@pytest.mark.parametrize("number", [1, 3, 9])
async def test_a_response_that_no_request_asked_for_is_not_the_answer_to_the_next(
    transport: Transport, number: int
) -> None:
    """It has the number of the exchange before, of the next one, or of one that there will not be."""
    sent = threading.Event()

    def script(peer: HTTP2Peer) -> None:
        if (first := peer.request()) is not None:
            peer.answer(first)
        if not sent.is_set():
            peer.peer.send(head(number) + data(number, b"stray", end=True))
            sent.set()
        answering(peer)

    with RawServer(over_http2(script)) as server:
        assert await fetch(transport, server.post()) == (200, b"ok")
        assert await happens(sent)
        assert await fetch(transport, server.post()) == (200, b"ok")
        await transport.aclose()


async def test_a_connection_that_was_idle_for_long_is_replaced(make: Callable[..., Transport]) -> None:
    transport = make(http2="only", idle_timeout=0.0)
    with RawServer(over_http2(answering)) as server:
        await fetch(transport, server.post())
        await fetch(transport, server.post())
        await transport.aclose()
        assert server.connections == 2


async def test_a_connection_that_the_server_closed_meanwhile_is_replaced(transport: Transport) -> None:
    closed = threading.Event()

    def script(peer: HTTP2Peer) -> None:
        number = peer.request()
        if number is not None:
            peer.answer(number)
        peer.peer.socket.shutdown(socket.SHUT_WR)
        closed.set()

    with RawServer(over_http2(script)) as server:
        await fetch(transport, server.post())
        assert await happens(closed)
        await fetch(transport, server.post())
        await transport.aclose()
        assert server.connections == 2


async def test_a_silent_server_is_asked_for_a_sign_of_life(
    transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("sharing", "async_sharing", "sync_sharing"):
        monkeypatch.setattr(f"transports.sockets.{module}.PING_AFTER", 0.05)
    pinged = threading.Event()

    def script(peer: HTTP2Peer) -> None:
        number = peer.request()
        for _ in range(3):  # h2 answers them
            if peer.next(h2.events.PingReceived) is None:
                return
        pinged.set()
        if number is not None:
            peer.answer(number, b"alive")

    with RawServer(over_http2(script)) as server:
        assert await fetch(transport, server.post()) == (200, b"alive")
        assert pinged.is_set()
        await transport.aclose()


async def test_a_server_that_has_vanished_is_noticed(
    transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("sharing", "async_sharing", "sync_sharing"):
        monkeypatch.setattr(f"transports.sockets.{module}.PING_AFTER", 0.05)

    def script(peer: HTTP2Peer) -> None:
        peer.request()
        peer.peer.wait_for_close()

    with RawServer(over_http2(script)) as server:
        exchange = await transport.open(server.post(), LONG)
        with pytest.raises(APIConnectionError, match="no sign of life"):
            await exchange.receive(LONG)
        exchange.abort()
        await transport.aclose()


async def test_a_lost_connection_ends_all_its_exchanges(transport: Transport) -> None:
    def script(peer: HTTP2Peer) -> None:
        first, second = peer.request(), peer.request()
        assert first is not None
        assert second is not None
        peer.head(first)
        peer.peer.socket.shutdown(socket.SHUT_WR)
        peer.peer.wait_for_close()

    with RawServer(over_http2(script)) as server:
        first = await transport.open(server.post(), LONG)
        second = await transport.open(server.post(), LONG)
        with pytest.raises(APIConnectionError, match="before it answered"):
            await second.receive(LONG)
        assert isinstance(await first.receive(LONG), Head)
        with pytest.raises(APIConnectionError, match="inside its answer"):
            await first.receive(LONG)
        for exchange in (first, second):
            exchange.abort()
        await transport.aclose()


async def test_over_tls_the_server_chooses(make: Callable[..., Transport]) -> None:
    for protocol, script, connections in (
        ("h2", over_http2(answering), 1),
        ("http/1.1", answering_http1(OK), 2),  # one to find out
    ):
        ca, context = ca_and_server("localhost")
        transport = make(http2=True, ssl_context=trusting(ca))
        with RawServer(script, tls=offering(context, protocol), host="localhost") as server:
            for _ in range(3):
                assert await fetch(transport, server.post()) == (200, b"ok")
            await transport.aclose()
            assert server.connections == connections


async def test_only_http2_refuses_another_choice(make: Callable[..., Transport]) -> None:
    ca, context = ca_and_server("localhost")
    transport = make(http2="only", ssl_context=trusting(ca))
    with RawServer(answering_http1(OK), tls=context, host="localhost") as server:
        with pytest.raises(APIConnectionError, match="does not speak HTTP/2") as caught:
            await transport.open(server.post(), LONG)
        assert caught.value.should_retry is False
        await transport.aclose()


async def test_without_tls_only_http2_is_http2(make: Callable[..., Transport]) -> None:
    transport = make(http2=True)
    with RawServer(answering_http1(OK)) as server:
        assert await fetch(transport, server.post()) == (200, b"ok")
        await transport.aclose()


async def test_an_untrusted_certificate_is_refused(make: Callable[..., Transport]) -> None:
    _, context = ca_and_server("localhost")
    transport = make(http2=True)
    with RawServer(over_http2(answering), tls=offering(context, "h2"), host="localhost") as server:
        with pytest.raises(APIConnectionError, match="certificate") as caught:
            await transport.open(server.post(), LONG)
        assert caught.value.should_retry is False
        await transport.aclose()


async def test_connecting_has_a_limit(make: Callable[..., Transport]) -> None:
    transport = make(http2=True)
    with RawServer(lambda peer: peer.wait_for_close(), host="localhost") as server:
        request = server.post()
        with pytest.raises(APITimeoutError, match="no connection"):
            await transport.open(type(request).post(server.url.replace("http", "https"), (), b"{}"), 0.1)
        await transport.aclose()


def test_a_transport_of_threads_that_is_dropped_closes_its_connections_at_once() -> None:
    """Not when the collector runs, which may find the sockets first."""
    gc.collect()
    gc.disable()
    try:
        with RawServer(over_http2(answering)) as server:
            transport = SocketTransport(http2="only")
            exchange = transport.open(server.post(), LONG)
            while exchange.receive(LONG) != End():
                pass
            exchange.close()
            del transport, exchange
            assert server.closed.wait(LONG)
    finally:
        gc.enable()


async def test_nothing_listens_there(transport: Transport) -> None:
    with RawServer(over_http2(answering)) as server:
        request = server.post()
    with pytest.raises(APIConnectionError, match="nothing listens"):
        await transport.open(request, LONG)
    await transport.aclose()


@pytest.mark.parametrize("kind", [AnyioTransport, SocketTransport])
def test_without_h2_the_error_names_the_extra(
    kind: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    for name in ("sansio.http.http2", "transports.sockets.sharing", "transports.sockets.async_sharing"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.delitem(sys.modules, "transports.sockets.sync_sharing", raising=False)
    monkeypatch.setitem(sys.modules, "h2.config", None)
    with pytest.raises(ConfigError, match=r"sansio-llm\[http2\]"):
        kind(http2=True)
    assert sharing.PING_AFTER > 0
