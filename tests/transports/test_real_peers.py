"""Real proxies and a real HTTP/2 server, run beside the tests: pproxy and hypercorn."""

from __future__ import annotations

import contextlib
import importlib
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from pathlib import Path
from typing import Any, TypeAlias

import anyio
import pytest
import trustme

from sansio import APIConnectionError, Message, ProviderConfig, ProviderError, Role
from sansio.http import Request
from sansio.testing import FakeProvider
from tests.transports.contracts.support import trusting
from tests.transports.raw_server import PATIENCE
from tests.transports.sockets.test_blocking import InThread
from transports import AnyioTransport, HttpcoreTransport, SocketTransport, Transport, create_provider
from transports.testing.loopback import LoopbackThread, loopback_thread

KEY = "key-of-the-test"
QUESTION = [Message(Role.USER, "What is 6 * 7?")]

Scope: TypeAlias = MutableMapping[str, Any]  # Any: as ASGI has it
Receive: TypeAlias = Callable[[], Awaitable[Scope]]
Send: TypeAlias = Callable[[Scope], Awaitable[None]]


OUTSIDE = "0.0.0.0"
"""An address of this machine that does not count as loopback, which is reached without a proxy."""
_CLIENTS: dict[str, Callable[..., Transport]] = {
    "anyio": AnyioTransport,
    "blocking": lambda **options: InThread(SocketTransport(**options)),
    "httpcore": lambda **options: HttpcoreTransport(module="httpcore", **options),
    "httpcore2": lambda **options: HttpcoreTransport(module="httpcore2", **options),
}


@pytest.fixture(params=_CLIENTS)
def client(request: pytest.FixtureRequest) -> Callable[..., Transport]:
    return _CLIENTS[request.param]


@pytest.fixture(scope="module")
def authority() -> tuple[trustme.CA, ssl.SSLContext]:
    ca = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("localhost", OUTSIDE).configure_cert(context)
    return ca, context


@pytest.fixture(scope="module")
def plain_server() -> Iterator[LoopbackThread]:
    with loopback_thread(FakeProvider(key=KEY)) as server:
        yield server


@pytest.fixture(scope="module")
def tls_server(authority: tuple[trustme.CA, ssl.SSLContext]) -> Iterator[LoopbackThread]:
    with loopback_thread(FakeProvider(key=KEY), ssl_context=authority[1]) as server:
        yield server


@pytest.fixture(scope="module")
def proxy() -> Iterator[str]:
    """Host and port of a proxy for HTTP and SOCKS5 that wants a user and password."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    serve = f"http+socks5://{address}#user:pass"
    # --auth 0: it would remember an address that has given the password once.
    # Without uvloop, which pproxy takes where it is installed, and with which it does not start here.
    run = "import sys; sys.modules['uvloop'] = None; from pproxy.server import main; main()"
    command = [sys.executable, "-W", "ignore", "-c", run, "-l", serve, "--auth", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert b"Serving on" in process.stdout.readline()
        yield address
        process.terminate()


async def ask(server: LoopbackThread, transport: Transport) -> str:
    config = ProviderConfig.from_dict(
        {
            "type": "openai",
            "model": "m",
            "base_url": server.base_url("openai").replace("127.0.0.1", OUTSIDE),
            "allow_http": True,
            "max_attempts": 1,
        }
    )
    try:
        async with create_provider(config, transport=transport, api_key=KEY) as provider:
            return (await provider.complete(QUESTION)).text
    finally:
        await transport.aclose()


@pytest.mark.anyio
@pytest.mark.parametrize("scheme", ["http", "socks5", "socks5h"])
@pytest.mark.parametrize("tls", [False, True])
async def test_a_real_proxy_leads_to_the_provider(
    client: Callable[..., Transport],
    scheme: str,
    tls: bool,
    proxy: str,
    plain_server: LoopbackThread,
    tls_server: LoopbackThread,
    authority: tuple[trustme.CA, ssl.SSLContext],
) -> None:
    transport = client(proxy=f"{scheme}://user:pass@{proxy}", ssl_context=trusting(authority[0]))
    assert "42" in await ask(tls_server if tls else plain_server, transport)


@pytest.mark.anyio
@pytest.mark.parametrize("scheme", ["http", "socks5"])
async def test_a_real_proxy_that_refuses_is_reported_without_the_password(
    client: Callable[..., Transport],
    scheme: str,
    proxy: str,
    tls_server: LoopbackThread,
    authority: tuple[trustme.CA, ssl.SSLContext],
) -> None:
    transport = client(proxy=f"{scheme}://user:wr0ng-secret@{proxy}", ssl_context=trusting(authority[0]))
    with pytest.raises(ProviderError) as caught:
        await ask(tls_server, transport)
    assert isinstance(caught.value, APIConnectionError)
    assert "wr0ng-secret" not in f"{caught.value!s} {caught.value!r} {transport!r} {vars(transport)!r}"


@pytest.mark.anyio
async def test_environment_proxies_are_taken_only_when_asked_for(
    client: Callable[..., Transport],
    proxy: str,
    plain_server: LoopbackThread,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("HTTP_PROXY", f"http://user:wrong@{proxy}")
    assert "42" in await ask(plain_server, client())
    with pytest.raises(ProviderError):
        await ask(plain_server, client(environment_proxies=True))
    monkeypatch.setenv("NO_PROXY", f"example.com,{OUTSIDE}")
    assert "42" in await ask(plain_server, client(environment_proxies=True))


@pytest.mark.anyio
async def test_no_proxy_names_hosts_that_are_reached_directly(
    client: Callable[..., Transport], proxy: str, plain_server: LoopbackThread
) -> None:
    wrong = f"http://user:wrong@{proxy}"
    assert "42" in await ask(plain_server, client(proxy=wrong, no_proxy=f"example.com,{OUTSIDE}"))


@pytest.mark.anyio
async def test_loopback_is_reached_without_the_proxy(
    client: Callable[..., Transport], plain_server: LoopbackThread
) -> None:
    """The key of a request to loopback over plain http would be the proxy's to read."""
    config = plain_server.config("openai", max_attempts=1)
    transport = client(proxy="http://proxy.invalid:3128")
    async with create_provider(config, transport=transport, api_key=KEY) as provider:
        assert "42" in (await provider.complete(QUESTION)).text
    await transport.aclose()


class Site:
    """A fake provider as an ASGI application, which notes the protocol of each request."""

    def __init__(self) -> None:
        self.provider = FakeProvider("openai", key=KEY)
        self.versions: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError("this site has no lifespan")
        self.versions.append(scope["http_version"])
        body = b""
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        headers = tuple((name.decode(), value.decode()) for name, value in scope["headers"])
        answer = self.provider.respond(
            Request("POST", scope["scheme"], "localhost", 443, scope["path"], headers, body)
        )
        raw = [(name.encode(), value.encode()) for name, value in answer.headers]
        await send({"type": "http.response.start", "status": answer.status, "headers": raw})
        for piece in answer.pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
def hypercorn(site: Site, tmp_path: Path) -> Iterator[tuple[str, trustme.CA]]:
    """The URL of a real HTTP/2 server over TLS, and who vouches for it."""
    ca = trustme.CA()
    issued = ca.issue_cert("localhost")
    issued.private_key_pem.write_to_path(tmp_path / "key.pem")
    for blob in issued.cert_chain_pems:
        blob.write_to_path(tmp_path / "cert.pem", append=True)
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"https://localhost:{listener.getsockname()[1]}/v1"
    with serving(site, listener.detach(), tmp_path):
        yield url, ca


@contextlib.contextmanager
def serving(site: Site, listener: int, folder: Path) -> Iterator[None]:
    import asyncio

    from hypercorn.asyncio import serve
    from hypercorn.config import Config

    config = Config()
    config.bind = [f"fd://{listener}"]
    config.certfile, config.keyfile = str(folder / "cert.pem"), str(folder / "key.pem")
    config.errorlog = config.accesslog = None
    config.graceful_timeout = 0.1
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    def run() -> None:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(serve(site, config, shutdown_trigger=stop.wait))  # type: ignore[arg-type]  # ASGI's types are hypercorn's own
        loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(PATIENCE)


@pytest.mark.anyio
@pytest.mark.parametrize("speaker", ["anyio", "blocking", "a pool of httpcore", "a pool of httpcore2"])
async def test_many_streams_share_one_http2_connection_to_a_real_server(
    speaker: str, site: Site, hypercorn: tuple[str, trustme.CA]
) -> None:
    """It is chosen by ALPN."""
    url, ca = hypercorn
    trust, pool = trusting(ca), None
    if speaker in _CLIENTS:
        transport = _CLIENTS[speaker](http2=True, ssl_context=trust)
    else:
        core = importlib.import_module(speaker.rpartition(" ")[2])
        pool = core.AsyncConnectionPool(http2=True, ssl_context=trust)
        transport = HttpcoreTransport(pool)
    config = ProviderConfig(type="openai", model="m", base_url=url, max_attempts=1)
    answers: list[str] = []
    async with create_provider(config, transport=transport, api_key=KEY) as provider:
        await provider.complete(QUESTION)

        async def stream() -> None:
            async with provider.stream(QUESTION) as events:
                async for _ in events:
                    pass
            answers.append(events.result().text)

        async with anyio.create_task_group() as tasks:
            for _ in range(10):
                tasks.start_soon(stream)
    await transport.aclose()
    if pool is not None:
        await pool.aclose()
    assert site.versions == ["2"] * 11
    assert len(answers) == 10
    assert all("42" in answer for answer in answers)
