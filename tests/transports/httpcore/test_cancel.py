"""Cancellation at every wait leaves nothing for the interpreter to report, in pools of both modules."""

from __future__ import annotations

import gc
import importlib
import ssl
import sys
from functools import partial

import anyio
import httpcore
import pytest

from tests.transports.contracts.support import CHUNKED, LAST, chunk
from tests.transports.raw_server import Peer, RawServer
from tests.transports.scripted import ASK, DONE, delta, finish, openai
from tests.transports.test_cancel_everywhere import CancelAt
from transports import AsyncProvider, HttpcoreTransport
from transports.httpcore.pool import ModuleName


def script(peer: Peer) -> None:
    while peer.request() is not None:
        peer.send(CHUNKED, *(chunk(body.data) for body in (delta("a"), delta("b"), finish(), DONE)), LAST)


class Caller:
    """Makes calls in loops that end as soon as the call is cancelled.

    Args:
        server: answers.
        module: httpcore or httpcore2.
        given: the pool is the application's, and not closed before its loop ends.
    """

    def __init__(self, server: RawServer, module: ModuleName, *, given: bool) -> None:
        self._server = server
        self._module = module
        self._given = given

    async def cancelled(self, number: int, *, leave: bool) -> bool:
        """A call that is cancelled in its nth wait; whether it has as many.

        Args:
            leave: the consumer leaves the stream after the first event.
        """
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # loading authorities is slow
        pool: httpcore.AsyncConnectionPool | None = None
        if self._given:
            pool = importlib.import_module(self._module).AsyncConnectionPool(ssl_context=tls)
        transport = HttpcoreTransport(pool, module=self._module, ssl_context=tls)
        config = openai(base_url=self._server.url, max_attempts=1)
        provider = AsyncProvider(config, transport, api_key="a-key-of-this-test")

        async def read() -> None:
            async for _ in provider.stream(ASK):
                if leave:
                    break

        with anyio.CancelScope() as scope:
            reading = CancelAt(read(), number, scope.cancel)
            await reading
        return reading.waits >= number


# A pool that its application does not close leaves its sockets to the garbage collector.
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
@pytest.mark.parametrize("leave", [False, True])
@pytest.mark.parametrize("given", [False, True], ids=["own pool", "given pool"])
@pytest.mark.parametrize("module", ["httpcore", "httpcore2"])
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_no_unraisable_error(
    module: ModuleName, backend: str, given: bool, leave: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    reported: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda report: reported.append(report.exc_value))
    with RawServer(script) as server:
        caller = Caller(server, module, given=given)
        number = 1
        while anyio.run(partial(caller.cancelled, number, leave=leave), backend=backend):
            number += 1
        gc.collect()
    assert number > 2
    assert [error for error in reported if not isinstance(error, ResourceWarning)] == []
