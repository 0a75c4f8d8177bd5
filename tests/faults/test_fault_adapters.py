"""The fault table with the transports over foreign HTTP libraries, each with a client of its own."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module

import pytest

from tests.faults.harness import Servers, call, check, count_here, settles, trusting
from tests.faults.table import ANSWER, ROWS, Row
from tests.judges.sdks import package
from transports import Transport

pytestmark = [
    pytest.mark.judges,
    pytest.mark.skipif(sys.platform != "linux", reason="counts descriptors as Linux shows them"),
]


@asynccontextmanager
async def over(library: str) -> AsyncIterator[Transport]:
    """A transport over a client that trusts the servers of these tests."""
    found = package(library)
    adapters = import_module(f"transports.adapters.{library}")
    if library == "httpx2":
        async with found.AsyncClient(verify=trusting(), trust_env=False) as client:
            yield adapters.Httpx2Transport(client)
    else:
        async with found.ClientSession(connector=found.TCPConnector(ssl=trusting())) as session:
            yield adapters.AiohttpTransport(session)


CASES = [
    pytest.param(library, backend, id=f"{library}-{backend}")
    for library, backend in (("httpx2", "asyncio"), ("httpx2", "trio"), ("aiohttp", "asyncio"))
]


@pytest.mark.anyio
@pytest.mark.parametrize(("library", "anyio_backend"), CASES)
@pytest.mark.parametrize("row", [pytest.param(row, id=row.fault) for row in ROWS])
async def test_fault(servers: Servers, row: Row, library: str, anyio_backend: str) -> None:
    """A stream, a whole answer, and that nothing is left behind; over TLS where the fault is one of TLS."""
    with servers.serving(row.fault, tls=row.secure) as server:
        before = count_here()
        async with over(library) as transport:
            for stream, clocks in zip((True, False), row.clocks, strict=True):
                gets = row.gets(stream=stream, transport=library, tls=row.secure)
                what, _ = await call(server, transport, stream=stream, clocks=clocks)
                check(what, gets, server, words=False)
                server.provider.requests.clear()
        await settles(server, before)


@pytest.mark.anyio
@pytest.mark.parametrize(("library", "anyio_backend"), CASES)
async def test_no_fault_over_tls(servers: Servers, library: str, anyio_backend: str) -> None:
    with servers.serving("close-after-end", tls=True) as server:
        server.fault = None
        async with over(library) as transport:
            for stream in (True, False):
                what, _ = await call(server, transport, stream=stream)
                check(what, ANSWER, server)
                server.provider.requests.clear()
