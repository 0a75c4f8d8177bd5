"""The httpcore transport through HTTP and SOCKS proxies."""

from __future__ import annotations

import contextlib
import socket
import threading
from urllib.parse import urlsplit

import pytest

from sansio.errors import APIConnectionError
from sansio.http import Request
from tests.transports.contracts.support import ca_and_server, failure, fetch, free_port, trusting
from tests.transports.raw_server import OK, PATIENCE, Peer, RawServer, answering
from transports.httpcore.pool import HttpcoreTransport, ModuleName


@pytest.fixture(params=["httpcore", "httpcore2"])
def module(request: pytest.FixtureRequest) -> ModuleName:
    name: ModuleName = request.param
    return name


def relay(near: socket.socket, far: socket.socket) -> None:
    """Carry bytes one way until they end."""
    with contextlib.suppress(OSError):
        while data := near.recv(65_536):
            far.sendall(data)
    for sock in (near, far):
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)


def tunnel(peer: Peer, url: str) -> None:
    """Carry bytes both ways between a client and the server at `url`."""
    parts = urlsplit(url)
    with socket.create_connection(("127.0.0.1", parts.port or 0)) as far:
        back = threading.Thread(target=relay, args=(far, peer.socket))
        back.start()
        relay(peer.socket, far)
        back.join(PATIENCE)


@pytest.mark.anyio
class TestProxy:
    async def test_plain_http_is_forwarded(self, module: ModuleName) -> None:
        requests = []

        def script(peer: Peer) -> None:
            while (request := peer.request()) is not None:
                requests.append(request)
                peer.send(OK)

        with RawServer(script) as server:
            proxy = server.url.replace("http://", "http://us%65r:p%40ss@").removesuffix("/v1")
            async with contextlib.aclosing(HttpcoreTransport(module=module, proxy=proxy)) as transport:
                request = Request.post("http://api.example/v1", (), b"{}")
                assert [await fetch(transport, request) for _ in range(2)] == [(200, b"ok")] * 2
            assert server.connections == 1
        assert requests[0].startswith(b"POST http://api.example/v1 HTTP/1.1\r\n")
        assert b"proxy-authorization: basic dxnlcjpwqhnz" in requests[0].lower()  # user:p@ss

    @pytest.mark.parametrize("scheme", ["http", "https", "socks5", "socks5h"])
    async def test_tls_is_tunnelled(self, module: ModuleName, scheme: str) -> None:
        ca, context = ca_and_server("localhost")

        def script(peer: Peer) -> None:
            if scheme.startswith("http"):
                assert (peer.request() or b"").startswith(b"CONNECT localhost:")
                peer.send(b"HTTP/1.1 200 Go on\r\n\r\n")
            else:  # RFC 1928: a greeting, then CONNECT, each answered
                assert peer.receive().startswith(b"\x05")
                peer.send(b"\x05\x00")
                assert peer.receive().startswith(b"\x05\x01")
                peer.send(b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x00")
            tunnel(peer, server.url)

        under = context if scheme == "https" else None  # then there is TLS inside of TLS
        with (
            RawServer(answering(OK), context, "localhost") as server,
            RawServer(script, under, "localhost") as proxy,
        ):
            transport = HttpcoreTransport(
                module=module,
                proxy=proxy.url.replace("http:", f"{scheme}:").removesuffix("/v1"),
                ssl_context=trusting(ca),
            )
            async with contextlib.aclosing(transport):
                assert [await fetch(transport, server.post()) for _ in range(2)] == [(200, b"ok")] * 2
            assert (server.connections, proxy.connections) == (1, 1)

    @pytest.mark.parametrize(("status", "advice"), [("407 Who Are You", False), ("503 Busy", None)])
    async def test_refusal_is_the_proxys(self, module: ModuleName, status: str, advice: bool | None) -> None:
        def script(peer: Peer) -> None:
            peer.request()
            peer.send(f"HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n".encode())

        with RawServer(script) as server:
            proxy = server.url.removesuffix("/v1")
            async with contextlib.aclosing(HttpcoreTransport(module=module, proxy=proxy)) as transport:
                error = await failure(transport, Request.post("https://api.example/v1", (), b""))
        assert isinstance(error, APIConnectionError)
        assert error.message == f"the proxy refused: {status}"
        assert error.should_retry is advice

    async def test_proxy_that_is_not_there_is_named(self, module: ModuleName) -> None:
        port = free_port()
        transport = HttpcoreTransport(module=module, proxy=f"http://127.0.0.1:{port}")
        async with contextlib.aclosing(transport):
            error = await failure(transport, Request.post("https://api.example/v1", (), b""))
        assert error.message == f"no connection to 127.0.0.1:{port}: nothing listens there"
