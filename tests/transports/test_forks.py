"""A fork leaves the connections of its parent alone, and makes its own: each process gets its own answers."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest

from sansio.testing import FakeProvider
from tests.transports.contracts.support import CHUNKED, LAST, ca_and_server, chunk, trusting
from tests.transports.forking import open_stream, workers
from tests.transports.raw_server import OK, PATIENCE, Peer, RawServer
from tests.transports.sockets.http2_peer import HTTP2Peer, over_http2
from transports.testing.loopback import loopback_thread

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


@pytest.mark.parametrize("kind", ["blocking", "asyncio", "trio", "httpcore"])
def test_workers_that_were_forked_from_a_provider_in_use(kind: str) -> None:
    with loopback_thread() as server:
        workers(kind, server.base_url("openai"), http2=False)


@pytest.mark.parametrize("kind", ["blocking", "asyncio", "trio"])
def test_workers_that_were_forked_from_a_provider_in_use_over_http2(kind: str) -> None:
    provider = FakeProvider()

    def script(peer: HTTP2Peer) -> None:
        while (request := peer.whole_request()) is not None:
            number, asked = request
            peer.respond(number, provider.respond(asked))

    with RawServer(over_http2(script)) as server:
        workers(kind, server.url, http2=True)


def test_multiprocessing_by_each_of_its_start_methods() -> None:
    with loopback_thread() as server:
        command = [sys.executable, "-m", "tests.transports.pooling", server.base_url("openai")]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize("secure", [False, True])
@pytest.mark.parametrize("kind", ["blocking", "asyncio", "trio", "httpcore"])
def test_a_stream_that_is_open_goes_on_in_its_own_process(kind: str, secure: bool) -> None:
    """Whatever the child does with it; a second exchange tells the server to go on with the first.

    Over TLS, a child that said goodbye would end the stream, too.
    """
    go_on = threading.Event()
    ca, context = ca_and_server("localhost")

    def script(peer: Peer) -> None:
        while (request := peer.request()) is not None:
            if request.endswith(b"go on"):
                go_on.set()
                peer.send(OK)
                continue
            go_on.clear()
            peer.send(CHUNKED + chunk(b"one"))
            assert go_on.wait(PATIENCE * 10)
            peer.send(chunk(b"two"), LAST)

    with RawServer(script, context if secure else None, "localhost") as server:
        open_stream(kind, server.url, ssl_context=trusting(ca))


@pytest.mark.parametrize("kind", ["blocking", "asyncio", "trio"])
def test_an_exchange_of_a_shared_connection_goes_on_in_its_own_process(kind: str) -> None:
    """The second exchange is on the same connection, which the child has inherited."""

    def script(peer: HTTP2Peer) -> None:
        first = 0
        while (request := peer.whole_request()) is not None:
            number, asked = request
            if asked.body == b"go on":
                peer.answer(number)
                peer.body(first, b"two", end=True)
                continue
            first = number
            peer.head(first)
            peer.body(first, b"one")

    with RawServer(over_http2(script)) as server:
        open_stream(kind, server.url, http2=True)
        assert server.connections == 1
