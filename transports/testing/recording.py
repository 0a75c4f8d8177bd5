"""Transports that write what another transport sends and receives to a tape, a file of JSON lines."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Collection
from itertools import count
from pathlib import Path

from sansio import Body, End, Head, Lost, RemoteProtocolError, Request, TransportError
from sansio.http import Input
from sansio.testing.tape import ExchangeLog, encode_session
from transports.interface import Exchange, SyncExchange, SyncTransport, Transport, is_resumable

_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0)


class _File:
    """Appends lines to a file. It is opened for the first line.

    Each call writes with one system call and without a buffer, so that a crash of the program loses nothing
    that was written, and lines of several threads do not mix.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._descriptor: int | None = None
        self._begun = False
        self._opening = threading.Lock()

    def write(self, lines: bytes) -> None:
        descriptor = self._descriptor
        if descriptor is None:
            descriptor = self._open()
        if os.write(descriptor, lines) != len(lines):
            raise OSError(f"the tape {self.path} cannot be written: the disk is full")

    def close(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    __del__ = close

    def _open(self) -> int:
        with self._opening:
            if self._descriptor is None:
                torn = b""
                with (
                    contextlib.suppress(OSError),
                    self.path.open("rb") as file,
                ):  # there is none, or it is empty
                    file.seek(-1, os.SEEK_END)
                    torn = b"\n" if file.read(1) != b"\n" else b""
                descriptor = os.open(self.path, _FLAGS, 0o666)
                if not self._begun:
                    os.write(descriptor, torn + encode_session())
                    self._begun = True
                self._descriptor = descriptor
            return self._descriptor


class _Log:
    """Writes one exchange. `abort()` of another thread may come between two inputs."""

    def __init__(
        self, file: _File, number: int, request: Request, shown: frozenset[str], now: Callable[[], float]
    ) -> None:
        self._write = file.write
        self._now = now
        self._start = now()
        self._lines = ExchangeLog(number, request, shown)
        self._lock = threading.Lock()
        self._write(self._lines.begin())

    def take(self, value: Input) -> None:
        with self._lock:
            lines = self._lines.take(value, self._now() - self._start)
            if lines:
                self._write(lines)

    def release(self, *, aborted: bool) -> None:
        """The caller has released the exchange. This must not fail, so on a full disk the line is lost."""
        with self._lock, contextlib.suppress(OSError):
            lines = self._lines.release(self._now() - self._start, aborted=aborted)
            if lines:
                self._write(lines)


class _Recorder:
    """The part that both transports share.

    Attributes:
        path: the path of the tape.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        show_headers: Collection[str] = (),
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._file = _File(path)
        self._shown = frozenset(name.lower() for name in show_headers)
        self._now = now
        self._numbers = count(1)

    @property
    def path(self) -> Path:
        """The path of the tape."""
        return self._file.path

    def close_tape(self) -> None:
        """Close the file. The next exchange opens it again."""
        self._file.close()

    def _begin(self, request: Request) -> _Log:
        return _Log(self._file, next(self._numbers), request, self._shown, self._now)


class RecordingTransport(_Recorder):
    """Records the traffic of another transport on a tape, for `ReplayTransport`.

    The tape has each request, head, piece of a body as it was cut, end and loss, with its time. Each line is
    appended at once and with one write, so that a crash costs the last line at most. Keys are never written:
    the values of all headers except harmless ones are hidden, and asterisks replace a key that the server
    echoes. Prompts and answers are written unchanged.

    Args:
        inner: the transport that sends the requests.
        path: the path of the tape. New lines are appended to an existing tape. The directory must exist.
        show_headers: further headers of requests whose values are recorded and compared, such as `x-tenant`.
        now: the clock, in seconds.

    Raises:
        OSError: raised by `open` and `receive`: the tape cannot be written.

    Example:
        transport = RecordingTransport(AnyioTransport(), "tapes/hello.jsonl")
        async with create_provider(config, transport=transport) as provider: ...
    """

    def __init__(
        self,
        inner: Transport,
        path: str | os.PathLike[str],
        *,
        show_headers: Collection[str] = (),
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(path, show_headers, now)
        self._inner = inner

    @property
    def resumable(self) -> bool:
        """Whether the other transport is resumable."""
        return is_resumable(self._inner)

    async def open(
        self,
        request: Request,
        timeout: float | None,
        *,
        write_timeout: float | None = None,
        fresh: bool = False,
    ) -> _AsyncExchange:
        """Begin an exchange over the other transport; see `Transport.open`."""
        log = self._begin(request)
        try:
            inner = await self._inner.open(request, timeout, write_timeout=write_timeout, fresh=fresh)
        except (TransportError, RemoteProtocolError) as error:
            log.take(Lost(error))
            raise
        except BaseException:  # cancelled
            log.release(aborted=True)
            raise
        return _AsyncExchange(inner, log)

    async def aclose(self) -> None:
        """Close the other transport and the tape's file."""
        self.close_tape()
        await self._inner.aclose()


class _AsyncExchange:
    """An exchange that is recorded."""

    def __init__(self, inner: Exchange, log: _Log) -> None:
        self._inner = inner
        self._log = log

    async def receive(self, timeout: float | None) -> Head | Body | End:
        try:
            given = await self._inner.receive(timeout)
        except (TransportError, RemoteProtocolError) as error:
            self._log.take(Lost(error))
            raise
        self._log.take(given)
        return given

    async def aclose(self) -> None:
        self._log.release(aborted=False)
        await self._inner.aclose()

    def abort(self) -> None:
        # Before the other's, which may wake a reader: its loss is only the echo of this.
        self._log.release(aborted=True)
        self._inner.abort()


class SyncRecordingTransport(_Recorder):
    """The blocking counterpart of `RecordingTransport`, with the same arguments."""

    def __init__(
        self,
        inner: SyncTransport,
        path: str | os.PathLike[str],
        *,
        show_headers: Collection[str] = (),
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(path, show_headers, now)
        self._inner = inner

    def open(
        self,
        request: Request,
        timeout: float | None,
        *,
        write_timeout: float | None = None,
        total_timeout: float | None = None,
        fresh: bool = False,
    ) -> _SyncExchange:
        """See `RecordingTransport.open`."""
        log = self._begin(request)
        try:
            inner = self._inner.open(
                request, timeout, write_timeout=write_timeout, total_timeout=total_timeout, fresh=fresh
            )
        except (TransportError, RemoteProtocolError) as error:
            log.take(Lost(error))
            raise
        except BaseException:  # an interrupt
            log.release(aborted=True)
            raise
        return _SyncExchange(inner, log)

    def close(self) -> None:
        """See `RecordingTransport.aclose`."""
        self.close_tape()
        self._inner.close()


class _SyncExchange:
    """An exchange that is recorded."""

    def __init__(self, inner: SyncExchange, log: _Log) -> None:
        self._inner = inner
        self._log = log

    def receive(self, timeout: float | None) -> Head | Body | End:
        try:
            given = self._inner.receive(timeout)
        except (TransportError, RemoteProtocolError) as error:
            self._log.take(Lost(error))
            raise
        self._log.take(given)
        return given

    def close(self) -> None:
        self._log.release(aborted=False)
        self._inner.close()

    def abort(self) -> None:
        self._log.release(aborted=True)  # before the other's, see above
        self._inner.abort()
