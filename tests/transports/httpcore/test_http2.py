"""A pool of the application's own that speaks HTTP/2, where exchanges share a connection."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import AsyncGenerator

import h2.config
import h2.connection
import h2.events
import pytest
from h2.connection import ConnectionState

from sansio.errors import APIConnectionError, RemoteProtocolError
from sansio.http import Body, End, Head
from tests.transports.contracts.support import ca_and_server, failure, fetch, trusting
from tests.transports.raw_server import PATIENCE, Peer, RawServer
from transports.httpcore.pool import HttpcoreTransport, ModuleName


@pytest.fixture(params=["httpcore", "httpcore2"])
def module(request: pytest.FixtureRequest) -> ModuleName:
    name: ModuleName = request.param
    return name


BAD_PING = b"\0\0\1\6\0\0\0\0\0!"  # of one byte: RFC 9113, section 6.7, wants eight


def echo(peer: Peer) -> None:
    """Gives each request's body back, but for some: `wait` is an answer that does not end."""
    machine = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
    machine.initiate_connection()
    peer.send(machine.data_to_send())
    while machine.state_machine.state is not ConnectionState.CLOSED and (data := peer.receive()):
        raw = b""
        for event in machine.receive_data(data):
            if not isinstance(event, h2.events.DataReceived) or not event.data:
                continue
            assert event.stream_id is not None
            match event.data:
                case b"reset":
                    machine.reset_stream(event.stream_id)
                case b"goaway":
                    machine.close_connection(last_stream_id=0)
                case b"bad":
                    raw = BAD_PING
                case body:
                    machine.send_headers(event.stream_id, [(":status", "200"), ("x-name", "value")])
                    machine.send_data(event.stream_id, body, end_stream=body != b"wait")
        peer.send(machine.data_to_send() + raw)
    peer.wait_for_close()


@pytest.mark.anyio
class TestHTTP2:
    @contextlib.asynccontextmanager
    async def _running(self, module: ModuleName) -> AsyncGenerator[tuple[HttpcoreTransport, RawServer]]:
        ca, context = ca_and_server("localhost")
        context.set_alpn_protocols(["h2"])
        with RawServer(echo, context, "localhost") as server:
            core = importlib.import_module(module)
            async with core.AsyncConnectionPool(http2=True, ssl_context=trusting(ca)) as pool:
                yield HttpcoreTransport(pool), server

    async def test_exchanges_share_a_connection(self, module: ModuleName) -> None:
        async with self._running(module) as (transport, raw):
            await fetch(transport, raw.post(b"first"))
            one, two = [await transport.open(raw.post(body), PATIENCE) for body in (b"one", b"two")]
            assert await one.receive(PATIENCE) == Head(200, (("x-name", "value"),))
            assert await two.receive(PATIENCE) == Head(200, (("x-name", "value"),))
            assert [await two.receive(PATIENCE), await one.receive(PATIENCE)] == [Body(b"two"), Body(b"one")]
            assert [await one.receive(PATIENCE), await two.receive(PATIENCE)] == [End(), End()]
            for exchange in (one, two):
                await exchange.aclose()
            assert raw.connections == 1

    async def test_abort_leaves_the_connection_to_the_others(self, module: ModuleName) -> None:
        async with self._running(module) as (transport, raw):
            await fetch(transport, raw.post(b"first"))
            one, two = [await transport.open(raw.post(body), PATIENCE) for body in (b"wait", b"two")]
            for exchange in (one, two):
                await exchange.receive(PATIENCE)
            one.abort()
            assert [await two.receive(PATIENCE), await two.receive(PATIENCE)] == [Body(b"two"), End()]
            await two.aclose()
            assert await fetch(transport, raw.post(b"three")) == (200, b"three")
            assert raw.connections == 1

    @pytest.mark.parametrize("body", [b"reset", b"goaway"])
    async def test_stream_that_the_server_breaks_off_is_lost(self, module: ModuleName, body: bytes) -> None:
        async with self._running(module) as (transport, raw):
            error = await failure(transport, raw.post(body))
        assert isinstance(error, APIConnectionError)
        assert "HTTP/2 stream" in error.message

    async def test_frame_that_is_against_the_rules(self, module: ModuleName) -> None:
        async with self._running(module) as (transport, raw):
            assert type(await failure(transport, raw.post(b"bad"))) is RemoteProtocolError
