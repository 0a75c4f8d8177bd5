"""The environment of a law: a transport, a server that fails on demand, and steps to use both."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import anyio
import msgspec
from msgspec import Struct

from sansio import Body, End, Head, ProviderError, Request
from sansio.http import Headers
from sansio.testing import FakeProvider, FakeResponse
from sansio.testing.faults import Fault, FaultyProvider, find_fault
from sansio.testing.judging.law import BrokenLawError, NotApplicableError, demand
from transports.testing.conformance.calls import CheckedExchange, CheckedTransport
from transports.testing.conformance.law import told
from transports.testing.loopback import LoopbackThread

Server: TypeAlias = LoopbackThread | FaultyProvider
"""A server behind sockets, or one in this process without sockets."""

KEY = "sk-conformance-key-that-nobody-may-see"
"""Sent with every request; no message may show it."""

SOON = 0.05
"""A timeout, in seconds, that a law waits for."""

EVENTS = (b"data: one\n\n", b"data: two\n\n", b"data: three\n\n", b"data: [DONE]\n\n")
"""The pieces of a stream."""

_TURN = 0.002  # seconds between two looks at the counters of the server's thread
_MOST_INPUTS = 100_000


class Taken(Struct, frozen=True):
    """What an exchange returned.

    Args:
        inputs: the inputs, in order.
        error: the error that was raised after them; `None` after an `End`.
    """

    inputs: tuple[Head | Body | End, ...]
    error: ProviderError | None = None

    @property
    def head(self) -> Head:
        """The response's head.

        Raises:
            BrokenLawError: it was not the first input.
        """
        if self.inputs and isinstance(self.inputs[0], Head):
            return self.inputs[0]
        raise BrokenLawError(f"the inputs were {self.order}; a response begins with a Head")

    @property
    def body(self) -> bytes:
        """All pieces of the body joined."""
        return b"".join(given.data for given in self.inputs if isinstance(given, Body))

    @property
    def order(self) -> str:
        """The kinds of the inputs, with consecutive Bodies as one."""
        kinds: list[str] = []
        for given in self.inputs:
            kind = "Bodies" if isinstance(given, Body) else type(given).__name__
            if kind != "Bodies" or kinds[-1:] != ["Bodies"]:
                kinds.append(kind)
        if self.error is not None:
            kinds.append(type(self.error).__name__)
        return ", ".join(kinds) or "nothing"


class Bench:
    """Where a law is tested.

    Args:
        transport: the transport to check.
        server: the server for the test.
        remake: makes another such transport.
        backend: the event loop's name.
        patience: seconds to wait before something counts as never happening.

    Attributes:
        in_memory: there are no connections.
    """

    def __init__(
        self,
        transport: CheckedTransport,
        server: Server,
        remake: Callable[[], CheckedTransport],
        backend: str,
        patience: float,
    ) -> None:
        self.transport = transport
        self.remake = remake
        self.backend = backend
        self.patience = patience
        self.in_memory = isinstance(server, FaultyProvider)
        self._server = server
        self._asked = 0

    def renewed(self) -> Bench:
        """The same with another transport, for another loop."""
        return Bench(self.remake(), self._server, self.remake, self.backend, self.patience)

    @property
    def fake(self) -> FakeProvider:
        """The fake provider that answers."""
        return self._server.provider

    @property
    def net(self) -> LoopbackThread:
        """The server behind sockets.

        Raises:
            NotApplicableError: there is none.
        """
        if isinstance(self._server, FaultyProvider):
            raise NotApplicableError("the transport has no connections")
        return self._server

    def request(self, content: str = "What is 2 + 3?", *, scheme: str = "", query: str = "") -> Request:
        """A request to the server.

        Args:
            content: what the model is asked.
            scheme: `"http"` or `"https"`. Default: the server's.
            query: the query of the target. Default: none.
        """
        url = "http://localhost/v1" if self.in_memory else self.net.base_url("openai")
        if scheme:
            url = scheme + url[url.index(":") :]
        body = msgspec.json.encode({"model": "m", "messages": [{"role": "user", "content": content}]})
        return Request.post(f"{url}/chat/completions{query}", (("authorization", f"Bearer {KEY}"),), body)

    def answer(self, *pieces: bytes, status: int = 200, headers: Headers = (), stream: bool = True) -> bytes:
        """Set the next answer: a stream's events in chunks, or a complete body with its length.

        Returns:
            Its body.
        """
        kind = "text/event-stream" if stream else "application/json"
        sent = (("content-type", kind), *headers)
        self.fake.script.append(FakeResponse(status=status, headers=sent, pieces=pieces))
        return b"".join(pieces)

    def fault(self, fault: str | Fault) -> str:
        """Make every further answer fail in this way.

        Returns:
            What the server does, for messages.
        """
        found = find_fault(fault) if isinstance(fault, str) else fault
        self._server.fault = found
        return f"the server {found.about}"

    def reset(self) -> None:
        """Remove all faults, and let the model answer."""
        self._server.fault = None
        self.fake.script.clear()

    async def open(
        self, request: Request | None = None, *, timeout: float | None = None, fresh: bool = False
    ) -> CheckedExchange:
        """Begin an exchange; see `Transport.open`.

        Args:
            timeout: in seconds. Default: the bench's patience.
        """
        allowed = self.patience if timeout is None else timeout
        return await self.transport.open(
            request or self.request(), allowed, write_timeout=self.patience, fresh=fresh
        )

    async def take(
        self, exchange: CheckedExchange, until: type[Body | End] = End, *, timeout: float | None = None
    ) -> Taken:
        """Receive up to the first input of a kind, the end, or an error.

        Args:
            timeout: of each receive, in seconds. Default: the bench's patience.
        """
        allowed = self.patience if timeout is None else timeout
        inputs: list[Head | Body | End] = []
        try:
            while not inputs or not isinstance(inputs[-1], until | End):
                inputs.append(await exchange.receive(allowed))
                demand(len(inputs) < _MOST_INPUTS, "receive() returns inputs without end; there was no End")
        except ProviderError as error:
            return Taken(tuple(inputs), error)
        return Taken(tuple(inputs))

    async def exchange(
        self,
        request: Request | None = None,
        *,
        opening: float | None = None,
        reading: float | None = None,
        fresh: bool = False,
    ) -> Taken:
        """One exchange as a driver makes it: closed if it ended well, dropped if not.

        Args:
            opening: the timeout to open, in seconds. Default: the bench's patience.
            reading: the timeout of each receive, likewise.
        """
        exchange = None
        try:
            exchange = await self.open(request, timeout=opening, fresh=fresh)
            taken = await self.take(exchange, timeout=reading)
            if taken.error is None:
                await exchange.aclose()
        except ProviderError as error:
            return Taken((), error)
        finally:
            if exchange is not None:
                exchange.abort()
        return taken

    async def fetch(self, request: Request | None = None, *, fresh: bool = False) -> Taken:
        """One exchange that must succeed.

        Raises:
            ProviderError: the exchange failed.
        """
        taken = await self.exchange(request, fresh=fresh)
        if taken.error is not None:
            raise taken.error
        return taken

    async def serves(self, what: str, *, fresh: bool = False) -> None:
        """Demand that the next exchange succeeds with its own answer, from a server without faults.

        Args:
            what: says in the message why it might not.
        """
        self.reset()
        self._asked += 1
        number = 4_000 + self._asked
        try:
            taken = await self.exchange(self.request(f"What is {number} + 0?"), fresh=fresh)
        except BrokenLawError as broken:
            raise BrokenLawError(f"{what}: with the next one, {broken}") from broken
        if taken.error is not None:
            raise BrokenLawError(f"{what}: the next one failed with {told(taken.error)}")
        if f"That is {number}.".encode() not in taken.body:
            raise BrokenLawError(f"{what}: the next one got {taken.head.status} {taken.body[:60]!r}")

    async def fails(self, what: str, kind: type[ProviderError], *, reused: bool = False) -> Taken:
        """Demand that the next exchange fails in one way.

        Args:
            what: what the server does, for the message.
            kind: the error that must be raised.
            reused: what its `reused` must say.
        """
        taken = await self.exchange()
        blame(what, taken, kind, reused=reused)
        return taken

    async def happens(self, condition: Callable[[], bool]) -> bool:
        """Whether a condition that the server's thread, or another task, changes soon becomes true."""
        with anyio.move_on_after(self.patience):
            while not condition():  # noqa: ASYNC110 - no event of this loop tells it
                await anyio.sleep(_TURN)
        return condition()

    async def arrives(self) -> None:
        """Wait until the server has received a request.

        Raises:
            BrokenLawError: it receives none.
        """
        demand(await self.happens(lambda: bool(self.fake.requests)), "the request did not reach the server")

    async def released(self, what: str, *, kept: int = 0) -> None:
        """Demand that the server sees its connections close.

        Args:
            what: says in the message what should have closed them.
            kept: how many may stay open.
        """
        if self.in_memory:
            return
        net = self.net
        closed = await self.happens(lambda: net.connections <= kept)
        demand(closed, f"{what}: the server still had the connection open {self.patience:g} s later")


def blame(what: str, taken: Taken, kind: type[ProviderError], *, reused: bool = False) -> None:
    """Demand that an exchange failed in one way. The arguments are those of `Bench.fails`."""
    error = taken.error
    if error is None:
        raise BrokenLawError(f"{what}, and the exchange ended without an error ({taken.order})")
    told_as = f"{what}, which must raise {kind.__name__}"
    demand(isinstance(error, kind), f"{told_as}; it raised {told(error)}")
    said = getattr(error, "reused", reused)
    where = "had served an exchange before" if reused else "was new"
    demand(said is reused, f"{what} on a connection that {where}, but the error says reused={said}")
