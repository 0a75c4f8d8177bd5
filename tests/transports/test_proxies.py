"""Every transport that connects, through HTTP and SOCKS proxies that follow a script."""

from __future__ import annotations

import contextlib
import importlib
import select
import socket
import ssl
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from sansio.errors import APIConnectionError, APITimeoutError
from sansio.http import Request
from tests.transports.contracts.support import (
    Make,
    ca_and_server,
    failure,
    fetch,
    free_port,
    silent,
    trusting,
)
from tests.transports.raw_server import OK, PATIENCE, Peer, RawServer, answering
from tests.transports.test_edges import MAKES
from transports.httpcore.pool import HttpcoreTransport, ModuleName

if TYPE_CHECKING:
    import httpcore


@pytest.fixture(params=MAKES)
def make(request: pytest.FixtureRequest) -> Make:
    return MAKES[request.param]


@pytest.fixture(params=["httpcore", "httpcore2"])
def module(request: pytest.FixtureRequest) -> ModuleName:
    name: ModuleName = request.param
    return name


def tunnel(peer: Peer, url: str) -> None:
    """Carry bytes both ways between a client and the server at `url`, until one of them closes."""
    near = peer.socket
    with socket.create_connection(("127.0.0.1", urlsplit(url).port or 0)) as far:
        while True:
            hidden = isinstance(near, ssl.SSLSocket) and near.pending()
            ready = [near] if hidden else select.select([near, far], [], [], PATIENCE)[0]
            for sock in ready:
                data = sock.recv(65_536)
                if not data:
                    return
                (far if sock is near else near).sendall(data)


@pytest.mark.anyio
class TestProxy:
    @pytest.mark.parametrize("scheme", ["http", "https"])
    async def test_plain_http_is_forwarded(self, make: Make, scheme: str) -> None:
        requests = []
        ca, context = ca_and_server("127.0.0.1")

        def script(peer: Peer) -> None:
            while (request := peer.request()) is not None:
                requests.append(request)
                peer.send(OK)

        with RawServer(script, context if scheme == "https" else None) as server:
            proxy = server.url.replace("://", "://us%65r:p%40ss@").removesuffix("/v1")
            async with contextlib.aclosing(make(proxy=proxy, ssl_context=trusting(ca))) as transport:
                request = Request.post("http://api.example/v1", (), b"{}")
                assert [await fetch(transport, request) for _ in range(2)] == [(200, b"ok")] * 2
            assert server.connections == 1
        assert requests[0].startswith(b"POST http://api.example/v1 HTTP/1.1\r\n")
        assert b"proxy-authorization: basic dxnlcjpwqhnz" in requests[0].lower()  # user:p@ss

    @pytest.mark.parametrize("scheme", ["http", "https", "socks5", "socks5h"])
    async def test_tls_is_tunnelled(self, make: Make, scheme: str) -> None:
        ca, context = ca_and_server("api.example", "127.0.0.1")

        def script(peer: Peer) -> None:
            if scheme.startswith("http"):
                assert (peer.request() or b"").startswith(b"CONNECT api.example:")
                peer.send(b"HTTP/1.1 200 Go on\r\n\r\n")
            else:  # RFC 1928: a greeting, then CONNECT, each answered
                assert peer.receive().startswith(b"\x05")
                peer.send(b"\x05\x00")
                assert peer.receive().startswith(b"\x05\x01")
                peer.send(b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x00")
            tunnel(peer, server.url)

        outer = context if scheme == "https" else None
        with RawServer(answering(OK), context, "api.example") as server, RawServer(script, outer) as proxy:
            transport = make(
                proxy=f"{scheme}://{urlsplit(proxy.url).netloc}",
                ssl_context=trusting(ca),
            )
            async with contextlib.aclosing(transport):
                assert [await fetch(transport, server.post()) for _ in range(2)] == [(200, b"ok")] * 2
            assert (server.connections, proxy.connections) == (1, 1)

    @pytest.mark.parametrize(("status", "advice"), [("407 Who Are You", False), ("503 Busy", None)])
    async def test_refusal_is_the_proxys(self, make: Make, status: str, advice: bool | None) -> None:
        def script(peer: Peer) -> None:
            peer.request()
            peer.send(f"HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n".encode())

        with RawServer(script) as server:
            proxy = server.url.removesuffix("/v1")
            async with contextlib.aclosing(make(proxy=proxy)) as transport:
                error = await failure(transport, Request.post("https://api.example/v1", (), b""))
        assert isinstance(error, APIConnectionError)
        assert error.message == f"the proxy refused: {status}"
        assert error.should_retry is advice

    async def test_proxy_that_is_not_there_is_named(self, make: Make) -> None:
        port = free_port()
        transport = make(proxy=f"http://127.0.0.1:{port}")
        async with contextlib.aclosing(transport):
            error = await failure(transport, Request.post("https://api.example/v1", (), b""))
        assert error.message == f"no connection to 127.0.0.1:{port}: nothing listens there"

    async def test_a_proxy_that_is_not_trusted_is_named(self, make: Make) -> None:
        ca, _ = ca_and_server("api.example")
        _, other = ca_and_server("127.0.0.1")
        with RawServer(silent, other) as proxy:
            transport = make(proxy=proxy.url.removesuffix("/v1"), ssl_context=trusting(ca))
            async with contextlib.aclosing(transport):
                error = await failure(transport, Request.post("https://api.example/v1", (), b""))
        assert isinstance(error, APIConnectionError)
        assert f"no connection to {urlsplit(proxy.url).netloc}: its certificate" in error.message
        assert error.should_retry is False

    async def test_a_response_that_no_request_asked_for_is_not_the_next_answer(self, make: Make) -> None:
        """In TLS inside TLS it may wait in either of the two layers."""
        ca, context = ca_and_server("api.example", "127.0.0.1")

        def serve(peer: Peer) -> None:
            stray = b"" if peer.number else b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nstray"
            while peer.request() is not None:
                peer.send(OK + stray)

        def script(peer: Peer) -> None:
            peer.request()
            peer.send(b"HTTP/1.1 200 Go on\r\n\r\n")
            tunnel(peer, server.url)

        with RawServer(serve, context, "api.example") as server, RawServer(script, context) as proxy:
            transport = make(proxy=proxy.url.removesuffix("/v1"), ssl_context=trusting(ca))
            async with contextlib.aclosing(transport):
                assert [await fetch(transport, server.post()) for _ in range(3)] == [(200, b"ok")] * 3
            assert server.connections == 2

    async def test_ipv6_keeps_its_brackets(self, make: Make) -> None:
        ca, context = ca_and_server("fd00::5")
        asked = []

        def script(peer: Peer) -> None:
            asked.append(peer.request())
            peer.send(b"HTTP/1.1 200 Go on\r\n\r\n")
            tunnel(peer, server.url)

        with RawServer(answering(OK), context) as server, RawServer(script) as proxy:
            transport = make(proxy=proxy.url.removesuffix("/v1"), ssl_context=trusting(ca))
            async with contextlib.aclosing(transport):
                request = Request.post("https://[fd00::5]/v1", (), b"{}")
                assert await fetch(transport, request) == (200, b"ok")
        assert asked[0] is not None
        assert asked[0].startswith(b"CONNECT [fd00::5]:443 HTTP/1.1\r\n")

    async def test_plain_http_to_ipv6_keeps_its_brackets(self, make: Make) -> None:
        asked = []

        def script(peer: Peer) -> None:
            asked.append(peer.request())
            peer.send(OK)

        with RawServer(script) as proxy:
            async with contextlib.aclosing(make(proxy=proxy.url.removesuffix("/v1"))) as transport:
                request = Request.post("http://[fd00::5]:8000/v1", (), b"{}")
                assert await fetch(transport, request) == (200, b"ok")
        assert asked[0] is not None
        assert asked[0].startswith(b"POST http://[fd00::5]:8000/v1 HTTP/1.1\r\n")

    @pytest.mark.parametrize("scheme", ["http", "https", "socks5"])
    async def test_a_proxy_that_is_silent_costs_the_time_to_connect(self, make: Make, scheme: str) -> None:
        with RawServer(silent) as proxy:
            url = proxy.url.replace("http:", f"{scheme}:").removesuffix("/v1")
            async with contextlib.aclosing(make(proxy=url)) as transport:
                error = await failure(
                    transport, Request.post("https://api.example/v1", (), b""), opening=0.2, reading=0.2
                )
        assert isinstance(error, APITimeoutError)

    @pytest.mark.parametrize("form", ["argument", "AsyncHTTPProxy", "AsyncSOCKSProxy"])
    async def test_loopback_is_reached_without_the_proxy_of_a_given_pool(
        self, module: ModuleName, form: str
    ) -> None:
        """The key of a request to loopback over plain http would be the proxy's to read."""
        core = importlib.import_module(module)
        scheme = "socks5" if form == "AsyncSOCKSProxy" else "http"
        url = f"{scheme}://127.0.0.1:{free_port()}"
        pool: httpcore.AsyncConnectionPool
        if form == "argument":
            pool = core.AsyncConnectionPool(proxy=core.Proxy(url))
        else:
            pool = getattr(core, form)(proxy_url=url)
        with RawServer(answering(OK)) as server:
            async with pool, contextlib.aclosing(HttpcoreTransport(pool)) as transport:
                assert await fetch(transport, server.post()) == (200, b"ok")
                error = await failure(transport, Request.post("http://api.example/v1", (), b""))
        assert "nothing listens there" in error.message
