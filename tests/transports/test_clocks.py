"""A clock that runs out is the same error in every transport, whatever waits in it."""

from __future__ import annotations

import contextlib
import importlib
import socket
import ssl
import threading
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeAlias

import anyio
import anyio.to_thread
import pytest

from sansio import APITimeoutError, ProviderConfig
from tests.transports.contracts.support import CHUNKED, Make, silent
from tests.transports.raw_server import PATIENCE, Peer, RawServer
from transports import (
    AnyioTransport,
    HttpcoreTransport,
    SocketTransport,
    create_provider,
    create_sync_provider,
)

# Each test asks over all transports at once. The loop makes no difference to the errors.
pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("anyio_backend", ["asyncio"])]

Ask: TypeAlias = Callable[[ProviderConfig, str], Awaitable[object]]
"""Makes a call over one of the transports."""


def tls() -> ssl.SSLContext:
    """A context that trusts nobody: to load the system's authorities would take of the time."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


async def blocking(config: ProviderConfig, prompt: str) -> None:
    with contextlib.closing(SocketTransport(ssl_context=tls())) as transport:
        provider = create_sync_provider(config, transport=transport)
        await anyio.to_thread.run_sync(provider.complete, prompt)


async def over(make: Make, config: ProviderConfig, prompt: str) -> None:
    async with contextlib.aclosing(make(ssl_context=tls())) as transport:
        await create_provider(config, transport=transport).complete(prompt)


async def in_a_pool(module: str, config: ProviderConfig, prompt: str) -> None:
    async with importlib.import_module(module).AsyncConnectionPool(ssl_context=tls()) as pool:
        await create_provider(config, transport=HttpcoreTransport(pool)).complete(prompt)


WAYS: dict[str, Ask] = {
    "blocking": blocking,
    "anyio": partial(over, AnyioTransport),
    "httpcore": partial(over, partial(HttpcoreTransport, module="httpcore")),
    "httpcore2": partial(over, partial(HttpcoreTransport, module="httpcore2")),
    "a pool of httpcore": partial(in_a_pool, "httpcore"),
    "a pool of httpcore2": partial(in_a_pool, "httpcore2"),
}

LARGE = "x" * 6_000_000
"""More than the buffers of two sockets take, where `little_room` made one of them small."""


def little_room(peer: Peer) -> None:
    peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)


async def run_out(server: RawServer, prompt: str = "Hello", **clocks: float) -> dict[str, APITimeoutError]:
    """What a call over each transport ends with, all at once."""
    url = server.url if "connect_timeout" not in clocks else server.url.replace("http:", "https:")
    config = ProviderConfig.from_dict(
        {"type": "vllm", "model": "m", "base_url": url, "max_attempts": 1, **clocks}
    )
    errors: dict[str, APITimeoutError] = {}

    async def ask(name: str, way: Ask) -> None:
        with pytest.raises(APITimeoutError) as caught:
            await way(config, prompt)
        errors[name] = caught.value

    async with anyio.create_task_group() as tasks:
        for name, way in WAYS.items():
            tasks.start_soon(ask, name, way)
    return errors


def check_agreement(errors: dict[str, APITimeoutError], clock: str) -> None:
    assert errors.keys() == WAYS.keys()
    assert {error.field for error in errors.values()} == {clock}
    assert {error.reused for error in errors.values()} == {False}
    assert len({str(error) for error in errors.values()}) == 1


async def test_the_time_to_connect() -> None:
    with RawServer(silent) as server:  # it takes the connection, but says nothing of TLS
        check_agreement(await run_out(server, connect_timeout=0.5), "connect_timeout")


async def test_the_time_in_which_nothing_more_of_the_request_is_taken() -> None:
    done = threading.Event()

    def script(peer: Peer) -> None:
        little_room(peer)
        assert done.wait(PATIENCE)

    with RawServer(script) as server:
        try:
            check_agreement(await run_out(server, LARGE, write_timeout=0.2), "write_timeout")
        finally:
            done.set()


@pytest.mark.parametrize("sent", [b"", CHUNKED])
async def test_the_time_to_read(sent: bytes) -> None:
    def script(peer: Peer) -> None:
        peer.request()
        peer.send(sent)
        peer.wait_for_close()

    with RawServer(script) as server:
        check_agreement(await run_out(server, read_timeout=0.1), "read_timeout")


async def test_the_total_bounds_an_upload_that_moves() -> None:
    """Its own clock does not: the server takes some more of the request all the time."""
    received: list[int] = []

    def script(peer: Peer) -> None:
        size = 0
        while data := peer.receive():
            size += len(data)
            time.sleep(0.005)
        received.append(size)

    with RawServer(script) as server:
        check_agreement(await run_out(server, 3 * LARGE, total_timeout=0.5), "total_timeout")
    assert max(received) < 3 * len(LARGE)
