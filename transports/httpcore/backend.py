"""A network backend under an httpcore pool: it lets an exchange see what its network stream does.

It uses anyio's streams directly, and our own TLS: httpcore's backend for anyio adds a layer of exceptions,
and its TLS returns one record at a time.

The pool works for an exchange in that exchange's task, so a context variable says which exchange it is.
"""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Awaitable, Callable, Generator, Iterable, Iterator
from contextvars import ContextVar, Token
from types import ModuleType, coroutine
from typing import TYPE_CHECKING, cast

import anyio
from anyio.abc import ByteStream, SocketAttribute
from anyio.lowlevel import checkpoint_if_cancelled
from anyio.streams.tls import TLSAttribute

from sansio.errors import LimitExceededError
from transports.sockets.raw import HasFileno, readable, shut_down
from transports.sockets.secure_stream import SecureStream
from transports.sockets.tls import Sessions, TLSClient

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
    """An `AsyncNetworkStream` that records which exchanges use it and whether the peer has closed it.

    Args:
        core: httpcore or httpcore2.
        stream: the connection.
        sessions: for `start_tls`.

    Attributes:
        users: the exchanges that use it.
        ended: the peer has closed it.
    """

    def __init__(self, core: ModuleType, stream: ByteStream, sessions: Sessions) -> None:
        self.users: set[Watch] = set()
        self.ended = False
        self._core = core
        self._stream = stream
        self._sessions = sessions
        self._socket: HasFileno | None = stream.extra(SocketAttribute.raw_socket, None)

    @property
    def truncated(self) -> bool:
        """Whether a TLS connection has ended without close_notify."""
        return isinstance(self._stream, SecureStream) and self._stream.tls.truncated

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
        try:
            with anyio.fail_after(self._note(timeout)):
                data = await self._stream.receive(max_bytes)
        except anyio.EndOfStream:
            self.ended = True
            return b""
        except TimeoutError as error:
            raise self._core.ReadTimeout(error) from error
        except _BROKEN as error:
            raise self._core.ReadError(error) from error
        if watch is not None and head_left is not None:
            watch.head_left = head_left - len(data)
        return data

    async def write(self, buffer: bytes | memoryview, timeout: float | None = None) -> None:
        buffer = memoryview(buffer)  # frames, also those of anyio, would show the key in bytes
        try:
            with anyio.fail_after(self._note(timeout)):
                await self._stream.send(cast(bytes, buffer))
        except TimeoutError as error:
            raise self._core.WriteTimeout(error) from error
        except _BROKEN as error:
            raise self._core.WriteError(error) from error

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str, timeout: float | None = None
    ) -> WatchedStream:
        # The pool has set what it offers by ALPN, and looks at the choice. In brackets, which a proxy
        # needs, an IPv6 address would be taken for a name.
        tls = TLSClient(ssl_context, server_hostname.strip("[]"), sessions=self._sessions)
        with _connecting(self._core, self._note(timeout)):
            secured = await SecureStream.wrap(self._stream, tls)
        return await _hand_over(WatchedStream(self._core, secured, self._sessions))

    def get_extra_info(self, info: str) -> object:
        match info:
            case "is_readable":
                # A pool asks this of every idle connection at each request, and anyio's own answer is slow.
                return self._socket is not None and readable(self._socket)
            case "ssl_object":
                return self._stream.extra(TLSAttribute.ssl_object, None)
            case "socket":
                return self._socket
            case "client_addr":
                return self._stream.extra(SocketAttribute.local_address, None)
            case "server_addr":
                return self._stream.extra(SocketAttribute.remote_address, None)
            case _:
                return None

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


_BROKEN = (anyio.BrokenResourceError, anyio.ClosedResourceError, OSError)


@contextlib.contextmanager
def _connecting(core: ModuleType, seconds: float | None) -> Iterator[None]:
    """Bound the time, and raise what the pool expects of a backend that cannot connect."""
    try:
        with anyio.fail_after(seconds):
            yield
    except TimeoutError as error:
        raise core.ConnectTimeout(error) from error
    except _BROKEN as error:
        raise core.ConnectError(error) from error


async def _hand_over(stream: WatchedStream) -> WatchedStream:
    stream._note(None)
    # If the task is cancelled, fail here, as if connecting had failed. A moment later the pool would count
    # the connection as its own, and then neither use nor close it.
    await checkpoint_if_cancelled()
    return stream


class WatchedBackend:
    """The part of an `AsyncNetworkBackend` that a pool needs. Its streams are `WatchedStream`s.

    Args:
        core: httpcore or httpcore2.
        sessions: the TLS sessions to resume.
        connect: makes a TCP connection, with the arguments of `anyio.connect_tcp`.
    """

    def __init__(
        self,
        core: ModuleType,
        sessions: Sessions,
        connect: Callable[..., Awaitable[ByteStream]] = anyio.connect_tcp,
    ) -> None:
        self._core = core
        self._sessions = sessions
        self._connect = connect

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: _Options | None = None,
    ) -> WatchedStream:
        with _connecting(self._core, _left(timeout)):
            stream = await self._connect(host, port, local_host=local_address)
        return await self._watched(stream, socket_options)

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: _Options | None = None
    ) -> WatchedStream:
        with _connecting(self._core, _left(timeout)):
            stream = await anyio.connect_unix(path)
        return await self._watched(stream, socket_options)

    async def _watched(self, stream: ByteStream, options: _Options | None) -> WatchedStream:
        for option in options or ():
            stream.extra(SocketAttribute.raw_socket).setsockopt(*option)
        return await _hand_over(WatchedStream(self._core, stream, self._sessions))


def _left(timeout: float | None) -> float | None:
    watch = _watch.get()
    return timeout if watch is None else watch.left(timeout)
