"""The fake provider on a real TCP socket of this machine, under asyncio, trio or in a thread of its own."""

from __future__ import annotations

import math
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import anyio
from anyio.abc import ByteStream, SocketAttribute, SocketStream
from anyio.from_thread import BlockingPortal, start_blocking_portal
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from anyio.streams.tls import TLSStream

from sansio import PROVIDER_DEFAULTS, ProviderConfig
from sansio.testing import FakeConnection, FakeProvider

_BASE_PATHS = {"openrouter": "/api/v1", "anthropic": "", "azure": ""}
"""What base URLs end in; `/v1` for all other types."""

_GONE = (anyio.BrokenResourceError, ssl.SSLError)
"""How a client's reset, or its breach of TLS, shows: a close like any other."""

_MODEL = "fake-model"
_DEPLOYMENT = "fake-deployment"
_API_VERSION = "2024-10-21"


class Loopback:
    """Where a fake provider is served.

    Attributes:
        provider: what answers; its `requests` are all that came.
        host: the address that it listens on.
        port: the port, also where any free one was asked for.
        scheme: `"https"` with TLS, else `"http"`.
    """

    def __init__(self, provider: FakeProvider, host: str, port: int, scheme: str) -> None:
        self.provider = provider
        self.host = host
        self.port = port
        self.scheme = scheme

    @property
    def url(self) -> str:
        """Scheme, host and port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    def base_url(self, type: str) -> str:
        """The base URL that a config of that type needs to reach the server."""
        return self.url + _BASE_PATHS.get(type, "/v1")

    def config(self, type: str, **fields: object) -> ProviderConfig:
        """A config that reaches the server; what is not given is what the type needs, and no more.

        Args:
            type: the provider's type.
            **fields: of `ProviderConfig`, in place of what would stand there.

        Raises:
            ConfigError: a field has a value that cannot work.
        """
        needed: dict[str, object] = {"base_url": self.base_url(type)}
        if type == "azure":
            needed |= {"deployment": _DEPLOYMENT, "api_version": _API_VERSION}
        elif type in PROVIDER_DEFAULTS and PROVIDER_DEFAULTS[type].model is None:
            needed["model"] = _MODEL
        return ProviderConfig.from_dict({"type": type, **needed, **fields})


class LoopbackServer(Loopback):
    """A server under way, for tasks of its own event loop. `serve_loopback` makes it.

    Attributes:
        accepted: connections since the start.
        closed: how many of them are over.
    """

    def __init__(
        self, provider: FakeProvider, host: str, port: int, delay: float, ssl_context: ssl.SSLContext | None
    ) -> None:
        super().__init__(provider, host, port, "http" if ssl_context is None else "https")
        self.accepted = 0
        self.closed = 0
        self._delay = delay
        self._ssl_context = ssl_context
        self._changed = anyio.Event()

    @property
    def connections(self) -> int:
        """How many connections are open now."""
        return self.accepted - self.closed

    async def wait_accepted(self, count: int) -> None:
        """Wait until that many connections have come since the start."""
        while self.accepted < count:
            await self._changed.wait()

    async def wait_closed(self, count: int) -> None:
        """Wait until that many connections since the start are over: by the client's close or ours."""
        while self.closed < count:
            await self._changed.wait()

    async def serve(self, stream: SocketStream) -> None:
        """Serve one connection until either side closes it."""
        self.accepted += 1
        self._notify()
        try:
            async with stream:
                await self._serve(stream)
        except (*_GONE, anyio.EndOfStream):
            pass  # in the TLS handshake
        finally:
            self.closed += 1
            self._notify()

    def _notify(self) -> None:
        changed, self._changed = self._changed, anyio.Event()
        changed.set()

    async def _serve(self, plain: SocketStream) -> None:
        stream: ByteStream = plain
        if self._ssl_context is not None:
            stream = await TLSStream.wrap(
                plain, server_side=True, ssl_context=self._ssl_context, standard_compatible=False
            )
        connection = FakeConnection(self.provider, scheme=self.scheme)
        queue, pieces = anyio.create_memory_object_stream[bytes](math.inf)
        async with queue, pieces, anyio.create_task_group() as tasks:
            # Reading goes on while pieces are sent, so that a client's close is seen at once.
            tasks.start_soon(self._read, stream, connection, queue, tasks.cancel_scope)
            await self._send(stream, pieces)
            tasks.cancel_scope.cancel()

    async def _read(
        self,
        stream: ByteStream,
        connection: FakeConnection,
        queue: MemoryObjectSendStream[bytes],
        over: anyio.CancelScope,
    ) -> None:
        try:
            async for data in stream:
                for piece in connection.receive_data(data):
                    queue.send_nowait(piece)
                if connection.closed:
                    queue.close()  # what it still holds is sent, then the connection ends
        except _GONE:
            pass
        connection.receive_eof()
        over.cancel()

    async def _send(self, stream: ByteStream, pieces: MemoryObjectReceiveStream[bytes]) -> None:
        first = True
        try:
            async for piece in pieces:
                if not first and self._delay:
                    await anyio.sleep(self._delay)
                first = False
                await stream.send(piece)
        except _GONE:
            pass


@asynccontextmanager
async def serve_loopback(
    provider: FakeProvider | None = None,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    delay: float = 0.0,
    ssl_context: ssl.SSLContext | None = None,
) -> AsyncIterator[LoopbackServer]:
    """Serve a fake provider while the context lasts; then all connections are closed.

    Args:
        provider: what answers; all six types with the embedded model, where left out.
        host: the address to listen on.
        port: 0 for any that is free.
        delay: seconds between the pieces of what is sent, which makes streams visible as such.
        ssl_context: serve TLS with this server-side context.

    Raises:
        OSError: the address cannot be listened on.

    Example:
        ```python
        async with serve_loopback() as server:
            async with create_provider(server.config("openai"), api_key="any") as provider:
                print((await provider.complete([Message(Role.USER, "What is 2 + 3?")])).text)
        ```
    """
    listener = await anyio.create_tcp_listener(local_host=host, local_port=port)
    failure: Exception | None = None
    async with listener, anyio.create_task_group() as tasks:
        bound = int(listener.extra(SocketAttribute.local_port))
        server = LoopbackServer(provider or FakeProvider(), host, bound, delay, ssl_context)
        tasks.start_soon(listener.serve, server.serve)
        try:
            yield server
        except Exception as error:  # kept out of the task group, which would wrap it
            failure = error
        tasks.cancel_scope.cancel()
    if failure is not None:
        raise failure


class LoopbackThread(Loopback):
    """A server in a thread of its own, for blocking callers. `loopback_thread` makes it."""

    def __init__(self, server: LoopbackServer, portal: BlockingPortal) -> None:
        super().__init__(server.provider, server.host, server.port, server.scheme)
        self._server = server
        self._portal = portal

    @property
    def accepted(self) -> int:
        """Connections since the start."""
        return self._server.accepted

    @property
    def closed(self) -> int:
        """How many of them are over."""
        return self._server.closed

    @property
    def connections(self) -> int:
        """How many connections are open now."""
        return self._server.connections

    def wait_accepted(self, count: int, timeout: float = 10.0) -> None:
        """See `LoopbackServer.wait_accepted`.

        Raises:
            TimeoutError: they did not come within `timeout` seconds.
        """
        self._portal.call(_within, timeout, self._server.wait_accepted, count)

    def wait_closed(self, count: int, timeout: float = 10.0) -> None:
        """See `LoopbackServer.wait_closed`.

        Raises:
            TimeoutError: they were not over within `timeout` seconds.
        """
        self._portal.call(_within, timeout, self._server.wait_closed, count)


async def _within(timeout: float, wait: Callable[[int], Awaitable[None]], count: int) -> None:
    with anyio.fail_after(timeout):
        await wait(count)


@contextmanager
def loopback_thread(
    provider: FakeProvider | None = None,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    delay: float = 0.0,
    ssl_context: ssl.SSLContext | None = None,
    backend: str = "asyncio",
) -> Iterator[LoopbackThread]:
    """Serve a fake provider from a background thread while the context lasts.

    Args:
        backend: the thread's event loop, `"asyncio"` or `"trio"`. The others are as for `serve_loopback`.

    Raises:
        OSError: the address cannot be listened on.
    """
    serving = serve_loopback(provider, host=host, port=port, delay=delay, ssl_context=ssl_context)
    with start_blocking_portal(backend) as portal, portal.wrap_async_context_manager(serving) as server:
        yield LoopbackThread(server, portal)
