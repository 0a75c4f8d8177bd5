"""One connection of the loopback server: performs the actions of a `FaultyConnection` on a socket.

It uses sockets directly, since anyio's streams cannot reset a connection or close half of it.
"""

from __future__ import annotations

import contextlib
import math
import socket
import ssl
from collections.abc import Callable, Iterator
from typing import assert_never

import anyio
from anyio.abc import ByteStream
from anyio.lowlevel import checkpoint
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from anyio.streams.tls import TLSStream

from sansio.testing.faults import (
    Action,
    Close,
    Deliver,
    FaultyConnection,
    HalfClose,
    Pause,
    Reset,
    Stall,
)

_GONE = (anyio.BrokenResourceError, anyio.EndOfStream, ssl.SSLError)
"""How a client's reset, or a violation of TLS, shows: it counts as a close."""

_FAREWELL = 0.02  # seconds to wait for the client's end of TLS, which it sends when it reads the server's
_NO_LINGER = b"\1\0\0\0\0\0\0\0"


class _Socket(ByteStream):
    """A connected socket as a stream that can also be reset."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock

    async def receive(self, max_bytes: int = 65_536) -> bytes:
        await checkpoint()
        while True:
            try:
                data = self._socket.recv(max_bytes)
            except BlockingIOError:
                await anyio.wait_readable(self._socket)
                continue
            except OSError as error:
                raise anyio.BrokenResourceError from error
            if not data:
                raise anyio.EndOfStream
            return data

    async def send(self, item: bytes) -> None:
        await checkpoint()
        rest = memoryview(item)
        while rest:
            try:
                rest = rest[self._socket.send(rest) :]
            except BlockingIOError:
                await anyio.wait_writable(self._socket)
            except OSError as error:
                raise anyio.BrokenResourceError from error

    async def send_eof(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)

    async def aclose(self) -> None:
        self._socket.close()

    def reset_on_close(self) -> None:
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)


class LoopbackConnection:
    """Serves one client until either side closes.

    Args:
        sock: connected and non-blocking; it is closed at the end.
        machine: gives the actions.
        ssl_context: the server's certificate; `None` for no TLS.
        delay: seconds between the pieces that are sent.
        client_closed: called once, if the client closes first.
    """

    def __init__(
        self,
        sock: socket.socket,
        machine: FaultyConnection,
        *,
        ssl_context: ssl.SSLContext | None,
        delay: float,
        client_closed: Callable[[], None],
    ) -> None:
        self._socket = _Socket(sock)
        self._machine = machine
        self._ssl_context = ssl_context
        self._delay = delay
        self._client_closed: Callable[[], None] | None = client_closed

    async def serve(self) -> None:
        """Serve until the end."""
        async with self._socket:
            opening = self._machine.receive_open()
            stream: ByteStream = self._socket
            try:
                if not opening and self._ssl_context is not None:
                    stream = await TLSStream.wrap(
                        stream, server_side=True, ssl_context=self._ssl_context, standard_compatible=False
                    )
            except _GONE:
                self._note_close()
                return
            await self._serve(stream, opening)

    async def _serve(self, stream: ByteStream, opening: list[Action]) -> None:
        sender, receiver = anyio.create_memory_object_stream[Iterator[Action]](math.inf)
        sender.send_nowait(iter(opening))
        orderly = False
        async with sender, receiver, anyio.create_task_group() as tasks:
            # Reading goes on while pieces are sent, so that a client's close is seen at once.
            tasks.start_soon(self._read, stream, sender, tasks.cancel_scope)
            try:
                orderly = await self._perform(stream, receiver)
            except _GONE:
                self._note_close()
            tasks.cancel_scope.cancel()
        if orderly and isinstance(stream, TLSStream):
            with anyio.move_on_after(_FAREWELL), contextlib.suppress(*_GONE):
                await stream.unwrap()  # sends close_notify, and waits for the client's

    async def _read(
        self,
        stream: ByteStream,
        sender: MemoryObjectSendStream[Iterator[Action]],
        over: anyio.CancelScope,
    ) -> None:
        with contextlib.suppress(*_GONE):
            async for data in stream:
                sender.send_nowait(self._machine.receive_data(data))
        self._machine.receive_eof()
        self._note_close()
        over.cancel()

    async def _perform(
        self, stream: ByteStream, receiver: MemoryObjectReceiveStream[Iterator[Action]]
    ) -> bool:
        """Perform actions, up to one that ends the connection; whether it ends it in order."""
        first = True
        async for actions in receiver:
            for action in actions:
                match action:
                    case Deliver(data=data):
                        if not first and self._delay:
                            await anyio.sleep(self._delay)
                        first = False
                        await stream.send(data)
                    case Pause(seconds=seconds):
                        await anyio.sleep(seconds)
                    case Stall():
                        await anyio.sleep_forever()
                    case HalfClose():
                        await self._socket.send_eof()
                        await anyio.sleep_forever()
                    case Reset():
                        self._socket.reset_on_close()
                        return False
                    case Close():
                        return True
                    case _:
                        assert_never(action)
        return False

    def _note_close(self) -> None:
        if self._client_closed is not None:
            self._client_closed()
            self._client_closed = None
