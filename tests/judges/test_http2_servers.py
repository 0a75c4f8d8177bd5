"""HTTP/2 as real servers speak it: hypercorn over h2 too, granian over Rust's hyper, Node.js over nghttp2."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import anyio
import pytest

from sansio import Body, Head, Request
from tests.transports.contracts.support import fetch, free_port, read
from transports import AnyioTransport, SocketTransport, Transport
from transports.testing.conformance.threads import InThreads

pytestmark = [pytest.mark.anyio, pytest.mark.judges]

ROOT = Path(__file__).resolve().parents[2]
SITE = "tests.judges.http2_site:app"
LONG = 60.0
"""Seconds that only run out if something hangs."""

_MODULE = (sys.executable, "-m")
COMMANDS: dict[str, tuple[str, ...]] = {
    "hypercorn": (*_MODULE, "hypercorn", "--bind", "127.0.0.1:{port}", "--graceful-timeout", "0", SITE),
    "granian": (
        *(*_MODULE, "granian", "--interface", "asgi", "--http", "2"),
        *("--port", "{port}", "--no-ws", SITE),
    ),
    "node": ("node", "tests/judges/http2_site.mjs", "{port}"),
}


@pytest.fixture(scope="module", params=COMMANDS)
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    """Where a server serves the site, without TLS."""
    name: str = request.param
    if find_spec(name) is None and shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    port = free_port()
    command = [part.format(port=port) for part in COMMANDS[name]]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            ends = time.monotonic() + LONG
            while time.monotonic() < ends and process.poll() is None:
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                    break
                time.sleep(0.05)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def tasks() -> Transport:
    return AnyioTransport(http2="only")


def threads() -> Transport:
    return InThreads(SocketTransport(http2="only"))


WAYS: dict[str, tuple[str, Callable[[], Transport]]] = {
    "asyncio": ("asyncio", tasks),
    "trio": ("trio", tasks),
    "threads": ("asyncio", threads),
}


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> tuple[str, Callable[[], Transport]]:
    return WAYS[request.param]


@pytest.fixture
def anyio_backend(way: tuple[str, Callable[[], Transport]]) -> str:
    return way[0]


@pytest.fixture
def transport(way: tuple[str, Callable[[], Transport]]) -> Transport:
    return way[1]()


def ask(url: str, path: str, body: bytes = b"", **fields: object) -> Request:
    return Request.post(url + path, (), body or json.dumps(fields).encode())


async def seen(url: str) -> dict[str, int]:
    """What the server has seen, asked over a connection for that alone."""
    transport = AnyioTransport(http2="only")
    _, body = await fetch(transport, ask(url, "/seen"))
    await transport.aclose()
    found: dict[str, int] = json.loads(body)
    return found


async def test_fifty_streams_on_one_connection(url: str, transport: Transport) -> None:
    before = await seen(url)
    bodies: list[bytes] = []

    async def one() -> None:
        bodies.append((await fetch(transport, ask(url, "/stream", events=20, pause=0.01)))[1])

    with anyio.fail_after(LONG):
        await fetch(transport, ask(url, "/stream", events=1))
        async with anyio.create_task_group() as group:
            for _ in range(50):
                group.start_soon(one)
    await transport.aclose()
    assert set(bodies) == {b"".join(b"data: %d\n\n" % number for number in range(20))}
    assert len(bodies) == 50
    assert (await seen(url))["connections"] == before["connections"] + 2  # and the one that asks


async def test_a_dropped_stream_ends_at_the_server(url: str, transport: Transport) -> None:
    before = (await seen(url))["dropped"]
    for _ in range(10):
        exchange = await transport.open(ask(url, "/stream", events=100_000, pause=0.01), LONG)
        await read(exchange, Body)
        exchange.abort()
    with anyio.fail_after(LONG):
        while (await seen(url))["dropped"] < before + 10:  # noqa: ASYNC110 - another process counts
            await anyio.sleep(0.05)
    assert await fetch(transport, ask(url, "/stream", events=1)) == (200, b"data: 0\n\n")
    await transport.aclose()


async def test_more_dropped_streams_than_a_server_keeps_open(url: str, transport: Transport) -> None:
    with anyio.fail_after(LONG):
        for _ in range(150):
            exchange = await transport.open(ask(url, "/stream", events=100_000, pause=0.5), LONG)
            await exchange.receive(LONG)
            exchange.abort()
        assert await fetch(transport, ask(url, "/stream", events=1)) == (200, b"data: 0\n\n")
    await transport.aclose()


async def test_a_large_request_and_a_long_answer(url: str, transport: Transport) -> None:
    with anyio.fail_after(LONG):
        body = json.dumps({"events": 3_000, "filler": "x" * 500_000}).encode()
        exchange = await transport.open(ask(url, "/stream", body), LONG)
        head = await exchange.receive(LONG)
        answer = b""
        while isinstance(given := await exchange.receive(LONG), Body):
            answer += given.data
        await exchange.aclose()
    assert isinstance(head, Head)
    assert dict(head.headers)["x-size"] == str(len(body))
    assert answer.endswith(b"data: 2999\n\n")
    await transport.aclose()


async def test_an_early_answer(url: str, transport: Transport) -> None:
    with anyio.fail_after(LONG):
        assert await fetch(transport, ask(url, "/early", bytes(3_000_000))) == (413, b"too large")
        # Afresh: hypercorn may close a connection on which a request that it has answered goes on.
        after = await fetch(transport, ask(url, "/stream", events=1), fresh=True)
        assert after == (200, b"data: 0\n\n")
    await transport.aclose()
