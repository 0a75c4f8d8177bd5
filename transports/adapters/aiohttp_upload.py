"""A request's body as aiohttp sends it, which is also where aiohttp shows the connection."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sized
from typing import TypeAlias, cast
from weakref import WeakKeyDictionary, ref

import aiohttp
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import StreamWriter

from transports.sockets.raw import READ_SIZE


class Content(aiohttp.Payload):
    """A request's body. Its `write` also sees the connection, which aiohttp shows nowhere else.

    Args:
        body: the body.
        seconds: the write timeout: in this time, the server must accept some more bytes.
        users: the last exchange of each connection.

    Attributes:
        sent: called when the whole body is sent.
        stalled: whether the time ran out.
        reused: whether the connection has served an exchange before.
        unasked: whether a response was there before the request, of which nothing was then written.
    """

    def __init__(self, body: bytes, seconds: float | None, users: Users) -> None:
        super().__init__(body)
        self._size = len(body)
        self._body = body
        self._users = users
        self._transport: asyncio.WriteTransport | None = None
        self._arrived: Sized = ()  # aiohttp's queue of responses
        self.sent: Callable[[], None] | None = None
        self.seconds = seconds
        self.stalled = False
        self.reused = False
        self.unasked = True  # aiohttp may return such a response before it begins to write

    @property
    def autoclose(self) -> bool:
        return True  # there is nothing to close

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        return self._body.decode(encoding, errors)

    async def write(self, writer: AbstractStreamWriter) -> None:
        assert isinstance(writer, StreamWriter)
        self._arrived = cast(Sized, writer.protocol)
        if self.has_rest:
            raise UnaskedError
        self.unasked = False
        transport = writer.transport
        if transport is not None:
            self.reused = transport in self._users
            self._users[transport] = ref(self)
            self._transport = transport
        view = memoryview(self._body)
        for at in range(0, len(view), READ_SIZE):
            try:
                async with asyncio.timeout(self.seconds):
                    await writer.write(view[at : at + READ_SIZE])
                    await writer.drain()
            except TimeoutError:
                self.stalled = True
                raise
        if self.sent is not None:
            self.sent()

    @property
    def has_rest(self) -> bool:
        """Whether a response has arrived that no exchange has read, such as one behind this exchange's."""
        return len(self._arrived) > 0

    def release(self) -> asyncio.WriteTransport | None:
        """The connection, unless another exchange has it by now, as after a whole response."""
        transport, self._transport = self._transport, None
        self.sent = None  # which refers to the exchange: this breaks the cycle
        if transport is None or self._users[transport]() is not self:
            return None
        return transport


class UnaskedError(aiohttp.ClientError):
    """The server sent a response that no request asked for."""


Users: TypeAlias = "WeakKeyDictionary[asyncio.WriteTransport, ref[Content]]"
"""The last exchange of each connection."""
