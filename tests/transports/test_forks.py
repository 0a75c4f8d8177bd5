"""A fork leaves the connections of its parent alone, and makes its own: each process gets its own answers."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from sansio.testing import FakeProvider
from tests.transports.contracts.support import CHUNKED, LAST, ca_and_server, chunk
from tests.transports.raw_server import OK, PATIENCE, Peer, RawServer
from tests.transports.sockets.http2_peer import HTTP2Peer, over_http2
from transports.testing.loopback import loopback_thread

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


def run(module: str, *arguments: str) -> None:
    """Run a program of this folder, which prints nothing."""
    command = [sys.executable, "-W", "error", "-m", f"tests.transports.{module}", *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE * 3, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize("kind", ["blocking", "asyncio", "trio", "httpcore"])
def test_workers_that_were_forked_from_a_provider_in_use(kind: str) -> None:
    with loopback_thread() as server:
        run("forking", "workers", kind, "1", server.base_url("openai"))


@pytest.mark.parametrize("kind", ["blocking", "asyncio", "trio"])
def test_workers_that_were_forked_from_a_provider_in_use_over_http2(kind: str) -> None:
    provider = FakeProvider()

    def script(peer: HTTP2Peer) -> None:
        while (request := peer.whole_request()) is not None:
            number, asked = request
            peer.respond(number, provider.respond(asked))

    with RawServer(over_http2(script)) as server:
        run("forking", "workers", kind, "2", server.url)


def test_multiprocessing_by_each_of_its_start_methods() -> None:
    with loopback_thread() as server:
        run("pooling", server.base_url("openai"))


@pytest.mark.parametrize("secure", [False, True])
@pytest.mark.parametrize("kind", ["blocking", "asyncio", "trio", "httpcore"])
def test_a_stream_that_is_open_goes_on_in_its_own_process(kind: str, secure: bool, tmp_path: Path) -> None:
    """Whatever the child does with it; a second exchange tells the server to go on with the first.

    Over TLS, a child that said goodbye would end the stream, too.
    """
    go_on = threading.Event()
    ca, context = ca_and_server("localhost")
    trusted = [str(tmp_path / "ca.pem")] if secure else []
    for path in trusted:
        ca.cert_pem.write_to_path(path)

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
        run("forking", "stream", kind, "1", server.url, *trusted)


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
        run("forking", "stream", kind, "2", server.url)
        assert server.connections == 1
