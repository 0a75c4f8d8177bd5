"""The fake provider on a real TCP socket of this machine, under asyncio, trio or in a thread.

It can fail on demand, in all the ways of `sansio.testing.faults.FAULTS`.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import anyio
from anyio.abc import SocketAttribute, TaskGroup
from anyio.from_thread import BlockingPortal, start_blocking_portal

from sansio import PROVIDER_DEFAULTS, ProviderConfig
from sansio.testing import FakeProvider
from sansio.testing.faults import BadCertificate, Fault, FaultyProvider, NoTLS, PortDeed, Refuse
from transports.testing.loopback_connection import LoopbackConnection

_BASE_PATHS = {
    "openrouter": "/api/v1",
    "google": "/v1beta",
    **dict.fromkeys(("anthropic", "azure", "bedrock", "cohere", "ollama/ollama"), ""),
    "azure/messages": "/anthropic",
    **dict.fromkeys(("bedrock/chat", "bedrock/responses"), "/v1"),
}
"""The path of base URLs, by the type, or by type and api if the api has another path than its type; `/v1` for
all others."""

_MODEL = "fake-model"
_DEPLOYMENT = "fake-deployment"
_API_VERSION = "2024-10-21"


class Loopback:
    """The address of a fake provider's server, and configs that reach it.

    Attributes:
        provider: the fake provider; its `requests` are all received requests.
        host: the address on which the server listens.
        port: the port in use, also if the server was started on any free port.
        scheme: `"https"` with TLS, otherwise `"http"`.
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
        """The base URL with which a config of a type reaches the server.

        Args:
            type: the provider's type, or type and api, such as `"ollama/ollama"`.
        """
        path = _BASE_PATHS.get(type)
        return self.url + (_BASE_PATHS.get(type.partition("/")[0], "/v1") if path is None else path)

    def base_urls(self, type: str) -> dict[str, str]:
        """The base URLs for one type: its own, and those of its apis that have another one.

        Args:
            type: the provider's type, or type and api.

        Returns:
            The URLs, by the type, or by type and api, such as `"ollama/ollama"`.
        """
        names = (type, *(name for name in _BASE_PATHS if name.startswith(f"{type}/")))
        return {name: self.base_url(name) for name in names}

    def config(self, type: str, **fields: object) -> ProviderConfig:
        """Make a config that reaches the server, with the fields that the type requires.

        Args:
            type: the provider's type.
            **fields: other fields of `ProviderConfig`; they override the required ones.

        Raises:
            ConfigError: a field has an invalid value.
        """
        api = fields.get("api")
        needed: dict[str, object] = {"base_url": self.base_url(f"{type}/{api}")}
        if type == "azure":
            needed["deployment"] = _DEPLOYMENT
            if api != "messages":  # its versions are Anthropic's
                needed["api_version"] = _API_VERSION
        elif type in PROVIDER_DEFAULTS and PROVIDER_DEFAULTS[type].model is None:
            needed["model"] = _MODEL
        return ProviderConfig.from_dict({"type": type, **needed, **fields})


class LoopbackServer(Loopback):
    """A running server, for tasks of its event loop. `serve_loopback` makes it.

    Attributes:
        accepted: how many connections were accepted since the start.
        closed: how many of them have ended.
        client_closes: the times, by `time.monotonic()`, at which clients closed their connection first.
    """

    def __init__(
        self,
        provider: FakeProvider,
        host: str,
        port: int,
        delay: float,
        ssl_context: ssl.SSLContext | None,
        fault: Fault | None = None,
    ) -> None:
        self._faulty = FaultyProvider(provider, fault)
        plain = ssl_context is None and not isinstance(self._faulty.deed, NoTLS)
        super().__init__(provider, host, port, "http" if plain else "https")
        self.accepted = 0
        self.closed = 0
        self.client_closes: list[float] = []
        self._delay = delay
        self._ssl_context = None if isinstance(self._faulty.deed, NoTLS) else ssl_context
        self._changed = anyio.Event()

    @property
    def connections(self) -> int:
        """How many connections are open now."""
        return self.accepted - self.closed

    @property
    def fault(self) -> Fault | None:
        """What goes wrong. A new fault applies to connections and answers that begin later.

        Raises:
            ValueError: the old or the new one is a fault of the port or of TLS, which cannot change.
        """
        return self._faulty.fault

    @fault.setter
    def fault(self, fault: Fault | None) -> None:
        for one in (self._faulty.fault, fault):
            if one is not None and isinstance(one.deed, PortDeed):
                raise ValueError(
                    f"{one.name}: a fault of the port cannot change in a running server; pass it at the start"
                )
        self._faulty.fault = fault

    async def wait_accepted(self, count: int) -> None:
        """Wait until `count` connections were accepted since the start."""
        while self.accepted < count:
            await self._changed.wait()

    async def wait_closed(self, count: int) -> None:
        """Wait until `count` connections have ended since the start, closed by either side."""
        while self.closed < count:
            await self._changed.wait()

    async def wait_client_closes(self, count: int) -> None:
        """Wait until `count` clients have closed their connection first since the start."""
        while len(self.client_closes) < count:
            await self._changed.wait()

    async def accept(self, listener: socket.socket, tasks: TaskGroup) -> None:
        """Accept connections until cancelled; a task serves each."""
        while True:
            await anyio.wait_readable(listener)
            try:
                sock, _ = listener.accept()
            except (BlockingIOError, ConnectionAbortedError):
                continue  # the client has closed already
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.accepted += 1
            self._notify()
            tasks.start_soon(self._serve, sock)

    async def _serve(self, sock: socket.socket) -> None:
        connection = LoopbackConnection(
            sock,
            self._faulty.connect(scheme=self.scheme),
            ssl_context=self._ssl_context,
            delay=self._delay,
            client_closed=self._note_client_close,
        )
        try:
            await connection.serve()
        finally:
            self.closed += 1
            self._notify()

    def _note_client_close(self) -> None:
        self.client_closes.append(time.monotonic())
        self._notify()

    def _notify(self) -> None:
        changed, self._changed = self._changed, anyio.Event()
        changed.set()


@asynccontextmanager
async def serve_loopback(
    provider: FakeProvider | None = None,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    delay: float = 0.0,
    ssl_context: ssl.SSLContext | None = None,
    fault: Fault | None = None,
) -> AsyncIterator[LoopbackServer]:
    """Serve a fake provider while the context lasts. At the end, all connections are closed.

    Args:
        provider: the fake provider. Default: all types with the embedded model.
        host: the address to listen on.
        port: the port; 0 for any free one.
        delay: seconds between the pieces that are sent, so that a person can see the stream.
        ssl_context: serve TLS with this server-side context. For a fault of the certificate it must have
            the faulty certificate.
        fault: the fault of every connection or answer; see `sansio.testing.faults`.

    Yields:
        The running server.

    Raises:
        OSError: the server cannot listen on the address.
        ValueError: the fault concerns the certificate, and there is no `ssl_context`.
        Exception: the provider raised it in place of an answer, such as a `ValueError` for a script that its
            wire format cannot express. It ends the server.

    Example:
        ```python
        async with serve_loopback() as server:
            async with create_provider(server.config("openai"), api_key="any") as provider:
                print((await provider.complete([Message(Role.USER, "What is 2 + 3?")])).text)
        ```
    """
    provider = provider or FakeProvider()
    if fault is not None and isinstance(fault.deed, BadCertificate) and ssl_context is None:
        raise ValueError(
            f"{fault.name}: pass an ssl_context whose certificate has the flaw; "
            "transports.testing.certificates makes one"
        )
    if fault is not None and isinstance(fault.deed, Refuse):
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as bound:
            bound.bind((host, port))
            yield LoopbackServer(provider, host, bound.getsockname()[1], delay, ssl_context, fault)
        return
    listener = await anyio.create_tcp_listener(local_host=host, local_port=port)
    failure: Exception | None = None
    try:
        async with listener, anyio.create_task_group() as tasks:
            taken = int(listener.extra(SocketAttribute.local_port))
            server = LoopbackServer(provider, host, taken, delay, ssl_context, fault)
            for part in listener.listeners:
                tasks.start_soon(server.accept, part.extra(SocketAttribute.raw_socket), tasks)
            try:
                yield server
            except Exception as error:  # kept out of the task group, which would wrap it
                failure = error
            tasks.cancel_scope.cancel()
    except ExceptionGroup as group:  # what the provider raised in place of an answer
        failure = group
        while isinstance(failure, ExceptionGroup):
            failure = failure.exceptions[0]
    if failure is not None:
        raise failure


class LoopbackThread(Loopback):
    """A server in a background thread, for blocking callers. `loopback_thread` makes it."""

    def __init__(self, server: LoopbackServer, portal: BlockingPortal) -> None:
        super().__init__(server.provider, server.host, server.port, server.scheme)
        self._server = server
        self._portal = portal

    @property
    def accepted(self) -> int:
        """How many connections were accepted since the start."""
        return self._server.accepted

    @property
    def closed(self) -> int:
        """How many of the accepted connections have ended."""
        return self._server.closed

    @property
    def connections(self) -> int:
        """How many connections are open now."""
        return self._server.connections

    @property
    def client_closes(self) -> list[float]:
        """See `LoopbackServer`."""
        return self._server.client_closes

    @property
    def fault(self) -> Fault | None:
        """See `LoopbackServer.fault`."""
        return self._server.fault

    @fault.setter
    def fault(self, fault: Fault | None) -> None:
        self._server.fault = fault

    def wait_accepted(self, count: int, timeout: float = 10.0) -> None:
        """See `LoopbackServer.wait_accepted`.

        Raises:
            TimeoutError: fewer connections were accepted within `timeout` seconds.
        """
        self._portal.call(_within, timeout, self._server.wait_accepted, count)

    def wait_closed(self, count: int, timeout: float = 10.0) -> None:
        """See `LoopbackServer.wait_closed`.

        Raises:
            TimeoutError: fewer connections ended within `timeout` seconds.
        """
        self._portal.call(_within, timeout, self._server.wait_closed, count)

    def wait_client_closes(self, count: int, timeout: float = 10.0) -> None:
        """See `LoopbackServer.wait_client_closes`.

        Raises:
            TimeoutError: fewer clients closed their connection within `timeout` seconds.
        """
        self._portal.call(_within, timeout, self._server.wait_client_closes, count)


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
    fault: Fault | None = None,
    backend: str = "asyncio",
) -> Iterator[LoopbackThread]:
    """Serve a fake provider from a background thread while the context lasts.

    Args:
        provider: as for `serve_loopback`, here and below.
        host: the address to listen on.
        port: the port; 0 for any free one.
        delay: seconds between the pieces that are sent.
        ssl_context: serve TLS with this server-side context.
        fault: the fault of every connection or answer.
        backend: the thread's event loop, `"asyncio"` or `"trio"`.

    Yields:
        The running server.

    Raises:
        OSError: the server cannot listen on the address.
        ValueError: as for `serve_loopback`.
    """
    serving = serve_loopback(
        provider, host=host, port=port, delay=delay, ssl_context=ssl_context, fault=fault
    )
    with start_blocking_portal(backend) as portal, portal.wrap_async_context_manager(serving) as server:
        yield LoopbackThread(server, portal)
