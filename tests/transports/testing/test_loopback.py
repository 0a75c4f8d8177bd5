"""The fake provider on a real socket, spoken to by raw sockets: asyncio, trio, a thread, and TLS."""

from __future__ import annotations

import http.client
import json
import socket
import ssl

import anyio
import pytest
import trustme
from anyio.abc import ByteStream, SocketStream
from anyio.streams.tls import TLSStream

from sansio import Body, ConfigError, End, Head, HTTPExchange, Lost, Request
from sansio.http import Input
from sansio.testing import (
    PROVIDER_TYPES,
    Answer,
    Broken,
    Ending,
    Failure,
    FakeProvider,
    FakeResponse,
)
from transports.testing.loopback import LoopbackServer, loopback_thread, serve_loopback

pytestmark = pytest.mark.anyio
HELD = Broken(answer=Answer(text="one two"), after=1, ending=Ending.HOLD)


def ask(url: str, stream: bool = False) -> Request:
    body = {"model": "m", "messages": [{"role": "user", "content": "Good news"}], "stream": stream}
    return Request.post(f"{url}/v1/chat/completions", (), json.dumps(body).encode())


async def connect(server: LoopbackServer) -> SocketStream:
    return await anyio.connect_tcp(server.host, server.port)


async def talk(stream: ByteStream, request: Request) -> tuple[list[Input], HTTPExchange]:
    """Send a request and take what comes until its response is over."""
    exchange = HTTPExchange(request)
    await stream.send(exchange.data_to_send())
    inputs: list[Input] = []
    while not inputs or not isinstance(inputs[-1], End | Lost):
        try:
            inputs += exchange.receive_data(await stream.receive())
        except anyio.EndOfStream:
            inputs += exchange.receive_eof()
    return inputs, exchange


def body_of(inputs: list[Input]) -> bytes:
    return b"".join(given.data for given in inputs if isinstance(given, Body))


async def until(stream: ByteStream, marker: bytes) -> bytes:
    """Read until `marker` has come."""
    data = b""
    while marker not in data:
        data += await stream.receive()
    return data


async def test_a_whole_answer_and_a_stream_come_over_one_connection() -> None:
    async with serve_loopback() as server, await connect(server) as client:
        whole, exchange = await talk(client, ask(server.url))
        assert b"small model" in body_of(whole)
        assert exchange.reusable
        streamed, exchange = await talk(client, ask(server.url, stream=True))
        assert body_of(streamed).endswith(b"data: [DONE]\n\n")
        assert exchange.reusable
        assert (server.accepted, server.connections, server.closed) == (1, 1, 0)
        assert len(server.provider.requests) == 2


async def test_pieces_are_sent_one_at_a_time_when_there_is_a_delay() -> None:
    provider = FakeProvider(script=[Answer(text="one two three")])
    async with serve_loopback(provider, delay=0.01) as server, await connect(server) as client:
        exchange = HTTPExchange(ask(server.url, stream=True))
        await client.send(exchange.data_to_send())
        reads = [await client.receive()]
        while not reads[-1].endswith(b"0\r\n\r\n"):
            reads.append(await client.receive())
        assert sum(b"chat.completion.chunk" in data for data in reads) > 1


async def test_a_client_s_close_is_seen_while_a_response_is_held() -> None:
    async with serve_loopback(FakeProvider(script=[HELD])) as server:
        client = await connect(server)
        await client.send(HTTPExchange(ask(server.url, stream=True)).data_to_send())
        await until(client, b"one ")
        assert (server.connections, server.closed) == (1, 0)
        await client.aclose()
        with anyio.fail_after(5):
            await server.wait_closed(1)
        assert (server.accepted, server.connections, server.closed) == (1, 0, 1)


async def test_a_client_s_close_is_seen_at_once_between_slow_pieces() -> None:
    async with serve_loopback(delay=600) as server:
        client = await connect(server)
        await client.send(HTTPExchange(ask(server.url, stream=True)).data_to_send())
        await until(client, b"200")
        await client.aclose()
        with anyio.fail_after(5):
            await server.wait_closed(1)
        assert server.connections == 0


async def test_a_reset_is_a_close_too() -> None:
    async with serve_loopback(FakeProvider(script=[HELD])) as server:
        raw = socket.create_connection((server.host, server.port))
        raw.sendall(HTTPExchange(ask(server.url, stream=True)).data_to_send())
        with anyio.fail_after(5):
            await server.wait_accepted(1)
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        raw.close()
        with anyio.fail_after(5):
            await server.wait_closed(1)
        assert server.connections == 0


async def test_many_connections_are_served_at_once_and_counted() -> None:
    held = FakeProvider(script=[HELD, HELD, Answer(text="third")])
    async with serve_loopback(held) as server:
        clients = [await connect(server) for _ in range(3)]
        for client in clients[:2]:
            await client.send(HTTPExchange(ask(server.url, stream=True)).data_to_send())
            await until(client, b"one ")
        assert b"third" in body_of((await talk(clients[2], ask(server.url)))[0])
        assert (server.accepted, server.connections) == (3, 3)
        for client in clients:
            await client.aclose()
        with anyio.fail_after(5):
            await server.wait_closed(3)
        assert server.connections == 0


@pytest.mark.parametrize("stream", [True, False])
async def test_a_dropped_response_is_lost_to_the_client(stream: bool) -> None:
    broken = Broken(answer=Answer(text="one two"), after=1, ending=Ending.DROP)
    provider = FakeProvider(script=[broken, Answer(text="again")])
    async with serve_loopback(provider) as server:
        async with await connect(server) as client:
            inputs, _ = await talk(client, ask(server.url, stream))
            assert isinstance(inputs[0], Head)
            assert isinstance(inputs[-1], Lost)
        with anyio.fail_after(5):
            await server.wait_closed(1)
        async with await connect(server) as client:
            assert b"again" in body_of((await talk(client, ask(server.url)))[0])


async def test_a_silent_drop_closes_a_connection_that_had_served() -> None:
    provider = FakeProvider(script=[Answer(text="one"), FakeResponse(silent=True, ending=Ending.DROP)])
    async with serve_loopback(provider) as server, await connect(server) as client:
        assert isinstance((await talk(client, ask(server.url)))[0][-1], End)
        inputs, _ = await talk(client, ask(server.url))
        assert [type(given) for given in inputs] == [Lost]


async def test_malformed_http_is_answered_and_closed() -> None:
    async with serve_loopback() as server, await connect(server) as client:
        await client.send(b"nonsense\r\n\r\n")
        assert (await until(client, b"}")).startswith(b"HTTP/1.1 400")
        with pytest.raises(anyio.EndOfStream):
            await client.receive()


async def test_leaving_closes_open_connections_and_the_port() -> None:
    async with serve_loopback(FakeProvider(script=[HELD])) as server:
        client = await connect(server)
        await client.send(HTTPExchange(ask(server.url, stream=True)).data_to_send())
        await until(client, b"one ")
    with pytest.raises((anyio.EndOfStream, anyio.BrokenResourceError)):
        await client.receive()
    await client.aclose()
    with pytest.raises(OSError, match=r".+"):
        await connect(server)
    assert (server.connections, server.closed) == (0, 1)


UNSAYABLE = Answer(text="\ud800")


async def test_a_script_s_mistake_is_raised_unchanged() -> None:
    with pytest.raises(UnicodeEncodeError):
        async with (
            serve_loopback(FakeProvider(script=[UNSAYABLE])) as server,
            await connect(server) as client,
        ):
            await talk(client, ask(server.url))


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_script_s_mistake_is_raised_beside_a_thread(backend: str) -> None:
    """A client only sees that the connection was lost."""

    def serve_one() -> None:
        with loopback_thread(FakeProvider(script=[UNSAYABLE]), backend=backend) as server:
            client = http.client.HTTPConnection(server.host, server.port, timeout=5)
            request = ask(server.url)
            client.request("POST", request.target, request.body, dict(request.headers))
            client.getresponse()

    with pytest.raises(UnicodeEncodeError):
        serve_one()


async def test_tls_is_served_with_the_given_context() -> None:
    authority = trustme.CA()
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(serving)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    async with serve_loopback(ssl_context=serving) as server:
        assert server.url.startswith("https://")
        async with await anyio.connect_tcp(
            server.host, server.port, tls=True, ssl_context=trusting, tls_standard_compatible=False
        ) as client:
            assert isinstance(client, TLSStream)
            inputs, _ = await talk(client, ask(server.url))
            assert b"small model" in body_of(inputs)
            assert server.provider.requests[0].scheme == "https"


async def test_a_failed_tls_handshake_ends_its_connection_only() -> None:
    authority = trustme.CA()
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(serving)
    async with serve_loopback(ssl_context=serving) as server:
        async with await connect(server) as client:
            await client.send(b"GET / HTTP/1.1\r\n\r\n")
            with anyio.fail_after(5):
                await server.wait_closed(1)
        with pytest.raises(ssl.SSLError):
            await anyio.connect_tcp(server.host, server.port, tls=True)
        with anyio.fail_after(5):
            await server.wait_closed(2)
        assert server.connections == 0


@pytest.mark.parametrize(
    ("type", "path"),
    [
        ("openrouter", "/api/v1"),
        ("openai", "/v1"),
        ("azure", ""),
        ("anthropic", ""),
        ("ollama", "/v1"),
        ("vllm", "/v1"),
        ("mine", "/v1"),
    ],
)
async def test_the_base_url_leads_to_the_type_s_own_path(type: str, path: str) -> None:
    async with serve_loopback() as server:
        assert server.base_url(type) == f"http://127.0.0.1:{server.port}{path}"


async def test_a_config_is_complete_and_its_fields_can_be_replaced() -> None:
    async with serve_loopback() as server:
        for type in PROVIDER_TYPES:
            config = server.config(type, max_attempts=1)
            assert (config.type, config.base_url, config.max_attempts) == (type, server.base_url(type), 1)
        assert server.config("openai", model="mine").model == "mine"
        assert server.config("azure", base_url=f"{server.url}/openai/v1").base_url.endswith("/openai/v1")
        with pytest.raises(ConfigError, match="is unknown"):
            server.config("unknown")


async def test_a_given_port_that_is_taken_is_an_os_error() -> None:
    async with serve_loopback() as server:
        with pytest.raises(OSError, match=r"(?i)address"):
            async with serve_loopback(port=server.port):
                pytest.fail("two servers on one port")


async def test_an_ipv6_host_is_in_brackets() -> None:
    server = LoopbackServer(FakeProvider(), "::1", 81, 0.0, None)
    assert server.url == "http://[::1]:81"


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_thread_serves_blocking_clients(backend: str) -> None:
    provider = FakeProvider("ollama", [Failure(status=503), Answer(text="Hello")])
    with loopback_thread(provider, backend=backend) as server:
        client = http.client.HTTPConnection(server.host, server.port, timeout=5)
        statuses = []
        for _ in range(2):
            request = ask(server.url)
            client.request("POST", request.target, request.body, dict(request.headers))
            response = client.getresponse()
            statuses.append((response.status, b"Hello" in response.read()))
        assert statuses == [(503, False), (200, True)]
        server.wait_accepted(1)
        assert (server.accepted, server.connections, server.closed) == (1, 1, 0)
        client.close()
        server.wait_closed(1)
        assert (server.connections, server.closed) == (0, 1)
        assert server.config("ollama").base_url == f"{server.url}/v1"
        with pytest.raises(TimeoutError):
            server.wait_closed(2, timeout=0.01)
    assert [request.target for request in provider.requests] == ["/v1/chat/completions"] * 2


async def test_an_exception_inside_is_raised_unchanged() -> None:
    with pytest.raises(LookupError, match="mine"):
        async with serve_loopback():
            raise LookupError("mine")


def test_an_exception_beside_a_thread_is_raised_unchanged() -> None:
    with pytest.raises(LookupError, match="mine"), loopback_thread():
        raise LookupError("mine")
