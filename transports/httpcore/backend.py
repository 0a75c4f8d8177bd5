"""What stands between an httpcore pool and the network: it tells an exchange what became of its stream.

Working for an exchange, the pool runs in that exchange's own task; a context variable says which it is.
"""

from __future__ import annotations

import ssl
from collections.abc import Generator, Iterable
from contextvars import ContextVar, Token
from types import coroutine
from typing import TYPE_CHECKING

import anyio
from anyio.lowlevel import checkpoint_if_cancelled

from transports.sockets.raw import HasFileno, readable, shut_down

if TYPE_CHECKING:
    import httpcore

    _Options = Iterable[httpcore.SOCKET_OPTION]


class Watch:
    """What one exchange knows of the stream that it uses.

    Attributes:
        deadline: when the request has to be sent, and then, when the response's head has to be there, and
            each piece of its body, on the loop's clock; `None` for ever.
        stream: the one in use; `None` before there is one.
        pieces: what has come of the body and was not handed out yet.
    """

    def __init__(self) -> None:
        self.deadline: float | None = None
        self.stream: WatchedStream | None = None
        self.pieces: list[bytes] = []

    def enter(self) -> Token[Watch | None]:
        """What the pool does from now on, up to `exit`, is done for this exchange."""
        return _watch.set(self)

    def exit(self, token: Token[Watch | None]) -> None:
        """Take back `enter`."""
        _watch.reset(token)

    def use(self, stream: WatchedStream) -> None:
        """From now on this is the stream; over HTTP/2 others may use it too."""
        if stream is not self.stream:
            self.leave()
            self.stream = stream
            stream.users.add(self)

    def leave(self) -> None:
        """Use no stream any longer."""
        if self.stream is not None:
            self.stream.users.discard(self)
            self.stream = None

    def left(self, timeout: float | None) -> float | None:
        """The smaller of a timeout and what is left until the deadline, in seconds."""
        if self.deadline is None:
            return timeout
        left = max(0.0, self.deadline - anyio.current_time())
        return left if timeout is None else min(left, timeout)


PAUSE = object()
"""What `pause` gives to who drives a coroutine by hand; no event loop gets to see it."""


@coroutine
def pause() -> Generator[object, None, None]:
    """Stop here until the coroutine is driven on."""
    yield PAUSE


_watch: ContextVar[Watch | None] = ContextVar("watch", default=None)


class WatchedStream:
    """An `AsyncNetworkStream` that notes who uses it and whether the peer has closed it."""

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self.users: set[Watch] = set()
        self.ended = False
        self._stream = stream
        self._socket: HasFileno | None = stream.get_extra_info("socket")

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        watch = _watch.get()
        if watch is not None and watch.pieces:
            await pause()  # the pool has used up what it read: that is handed out before more is waited for
        data = await self._stream.read(max_bytes, self._note(timeout))
        self.ended = self.ended or not data
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self._stream.write(buffer, self._note(timeout))

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> WatchedStream:
        stream = await self._stream.start_tls(ssl_context, server_hostname, self._note(timeout))
        return await _hand_over(stream)

    def get_extra_info(self, info: str) -> object:
        if info == "is_readable" and self._socket is not None:
            # A pool asks it of all that idle, at each request and at its end, and anyio would take its time.
            return readable(self._socket)
        return self._stream.get_extra_info(info)

    def shut_down(self) -> None:
        """End the connection now, in both directions."""
        if self._socket is not None:
            shut_down(self._socket)

    def _note(self, timeout: float | None) -> float | None:
        watch = _watch.get()
        if watch is None:
            return timeout
        watch.use(self)
        return watch.left(timeout)


async def _hand_over(stream: httpcore.AsyncNetworkStream) -> WatchedStream:
    watched = WatchedStream(stream)
    watched._note(None)
    # A task that is cancelled now has failed to connect. A moment later the pool would count the connection
    # as its own, and neither use nor close it ever.
    await checkpoint_if_cancelled()
    return watched


class WatchedBackend:
    """As much of an `AsyncNetworkBackend` as a pool needs; its streams are watched."""

    def __init__(self, backend: httpcore.AsyncNetworkBackend) -> None:
        self._backend = backend

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: _Options | None = None,
    ) -> WatchedStream:
        watch = _watch.get()
        left = timeout if watch is None else watch.left(timeout)
        stream = await self._backend.connect_tcp(host, port, left, local_address, socket_options)
        return await _hand_over(stream)

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: _Options | None = None
    ) -> WatchedStream:
        watch = _watch.get()
        left = timeout if watch is None else watch.left(timeout)
        return await _hand_over(await self._backend.connect_unix_socket(path, left, socket_options))
