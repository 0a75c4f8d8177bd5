"""A network backend under an httpcore pool: it lets an exchange see what its network stream does.

The pool works for an exchange in that exchange's task, so a context variable says which exchange it is.
"""

from __future__ import annotations

import ssl
from collections.abc import Generator, Iterable
from contextvars import ContextVar, Token
from types import coroutine
from typing import TYPE_CHECKING, cast

import anyio
from anyio.lowlevel import checkpoint_if_cancelled

from sansio.errors import LimitExceededError
from transports.sockets.raw import HasFileno, readable, shut_down

if TYPE_CHECKING:
    import httpcore

    _Options = Iterable[httpcore.SOCKET_OPTION]


class Watch:
    """What one exchange knows about the network stream that it uses.

    Attributes:
        deadline: when the current step must be done, on the loop's clock: sending the request, then receiving
            the response's head, then each part of its body. `None` has no limit.
        stream: the one in use; `None` before there is one.
        pieces: chunks of the body that were received and not handed out.
        head_left: how many more bytes may be read while the response's head is awaited; `None` outside that.
    """

    def __init__(self) -> None:
        self.deadline: float | None = None
        self.stream: WatchedStream | None = None
        self.pieces: list[bytes] = []
        self.head_left: int | None = None

    def enter(self) -> Token[Watch | None]:
        """Mark what the pool does until `exit` as done for this exchange."""
        return _watch.set(self)

    def exit(self, token: Token[Watch | None]) -> None:
        """Undo `enter`."""
        _watch.reset(token)

    def use(self, stream: WatchedStream) -> None:
        """Use this stream. Over HTTP/2 other exchanges may use it too."""
        if stream is not self.stream:
            self.leave()
            self.stream = stream
            stream.users.add(self)

    def leave(self) -> None:
        """Stop using the stream."""
        if self.stream is not None:
            self.stream.users.discard(self)
            self.stream = None

    def left(self, timeout: float | None) -> float | None:
        """The smaller of a timeout and the time until the deadline, in seconds."""
        if self.deadline is None:
            return timeout
        left = max(0.0, self.deadline - anyio.current_time())
        return left if timeout is None else min(left, timeout)


PAUSE = object()
"""What `pause` yields to `Answer.next`, which drives the coroutine by hand. No event loop sees it."""


@coroutine
def pause() -> Generator[object, None, None]:
    """Suspend until the coroutine is driven on."""
    yield PAUSE


_watch: ContextVar[Watch | None] = ContextVar("watch", default=None)


class WatchedStream:
    """An `AsyncNetworkStream` that records which exchanges use it and whether the peer has closed it."""

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self.users: set[Watch] = set()
        self.ended = False
        self._stream = stream
        self._socket: HasFileno | None = stream.get_extra_info("socket")

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        watch = _watch.get()
        if watch is not None and watch.pieces:
            await pause()  # the pool has used up the last read: hand that out before waiting for more
        head_left = None if watch is None else watch.head_left
        if head_left is not None and head_left <= 0:
            # A pool passes over informational responses, however many there are.
            raise LimitExceededError(
                "the heads of the response are longer than any server's", field="max_header_bytes"
            )
        data = await self._stream.read(max_bytes, self._note(timeout))
        if watch is not None and head_left is not None:
            watch.head_left = head_left - len(data)
        self.ended = self.ended or not data
        return data

    async def write(self, buffer: bytes | memoryview, timeout: float | None = None) -> None:
        buffer = memoryview(buffer)  # frames, also those of anyio, would show the key in bytes
        await self._stream.write(cast(bytes, buffer), self._note(timeout))

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> WatchedStream:
        # In brackets, which an HTTP proxy needs, an IPv6 address would be taken for a name.
        name = None if server_hostname is None else server_hostname.strip("[]")
        stream = await self._stream.start_tls(ssl_context, name, self._note(timeout))
        return await _hand_over(stream)

    def get_extra_info(self, info: str) -> object:
        if info == "is_readable" and self._socket is not None:
            # A pool asks this of every idle connection at each request, and anyio's own answer is slow.
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
    # If the task is cancelled, fail here, as if connecting had failed. A moment later the pool would count
    # the connection as its own, and then neither use nor close it.
    await checkpoint_if_cancelled()
    return watched


class WatchedBackend:
    """The part of an `AsyncNetworkBackend` that a pool needs. Its streams are `WatchedStream`s."""

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
