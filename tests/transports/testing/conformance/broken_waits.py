"""Transports that wait when they should not, or do not release connections."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
import threading
from typing import ClassVar
from urllib.parse import urlsplit

import anyio
import anyio.lowlevel

from sansio import APIConnectionError, Body, End, Head, HTTPExchange, Lost, ProviderError, Request
from tests.transports.testing.conformance.wrapping import Wrapped, Wrapper
from transports import SocketTransport
from transports.interface import Exchange, SyncExchange

LET_GO = threading.Event()
"""Ends the waits of those that would else never end."""


class IgnoresTimeout(Wrapped):
    """Waits indefinitely, whatever the timeout."""

    async def receive(self, timeout: float | None) -> Head | Body | End:
        return await self.inner.receive(None)


class GivesUpEarly(Wrapped):
    """Waits for a hundredth of its time."""

    async def receive(self, timeout: float | None) -> Head | Body | End:
        return await self.inner.receive(0.0005 if timeout == 0.05 else timeout)


class IgnoresOpenTimeout(Wrapper):
    """Takes its time to connect."""

    async def open(
        self,
        request: Request,
        timeout: float | None,
        *,
        write_timeout: float | None = None,
        fresh: bool = False,
    ) -> Exchange:
        return await self.inner.open(request, None, fresh=fresh)


class WaitsForHead(Wrapper):
    """Returns from `open()` with the response, as HTTP libraries do."""

    async def open(
        self,
        request: Request,
        timeout: float | None,
        *,
        write_timeout: float | None = None,
        fresh: bool = False,
    ) -> Exchange:
        exchange = await self.inner.open(request, timeout, write_timeout=write_timeout, fresh=fresh)
        head = None
        try:
            head = await exchange.receive(timeout)
        finally:
            if head is None:
                exchange.abort()
        return _WithHead(exchange, request, head)


class _WithHead(Wrapped):
    def __init__(self, inner: Exchange, request: Request, head: Head | Body | End) -> None:
        super().__init__(inner, request)
        self.head: Head | Body | End | None = head

    async def receive(self, timeout: float | None) -> Head | Body | End:
        head, self.head = self.head, None
        return await self.inner.receive(timeout) if head is None else head


class ReadsToTheEnd(Wrapped):
    """Waits in `aclose()` for the end of the response."""

    async def aclose(self) -> None:
        with contextlib.suppress(ProviderError):
            while not isinstance(await self.inner.receive(None), End):
                pass
        await self.inner.aclose()


class NeedsTimeout(Wrapped):
    """Takes every timeout for a number."""

    async def receive(self, timeout: float | None) -> Head | Body | End:
        return await self.inner.receive(min(timeout, 60.0))  # type: ignore[type-var]  # that is the point


class NeverCloses(Wrapper):
    """Never returns from the transport's `aclose()`."""

    async def aclose(self) -> None:
        await anyio.sleep_forever()


class FailsToClose(Wrapped):
    """Raises in `aclose()`."""

    async def aclose(self) -> None:
        await self.inner.aclose()
        raise ConnectionResetError("it was gone already")


def block_while_served(request: Request) -> None:
    """Block until nothing listens there: the check stops its server when it sees that the loop is blocked."""
    where = urlsplit(request.url)
    with contextlib.suppress(OSError):
        while not LET_GO.wait(0.05):
            socket.create_connection((where.hostname, where.port)).close()


class StopsTheLoop(Wrapped):
    """Blocks the whole event loop."""

    async def aclose(self) -> None:
        block_while_served(self.request)


class StopsTheLoopInAbort(Wrapped):
    """Likewise, in a plain function."""

    def abort(self) -> None:
        block_while_served(self.request)


class BlocksTheLoop:
    """Waits as blocking code waits."""

    def __init__(self) -> None:
        self.inner = SocketTransport()

    async def open(
        self,
        request: Request,
        timeout: float | None,
        *,
        write_timeout: float | None = None,
        fresh: bool = False,
    ) -> Exchange:
        return _BlockingExchange(self.inner.open(request, timeout, fresh=fresh))

    async def aclose(self) -> None:
        self.inner.close()


class _BlockingExchange:
    def __init__(self, inner: SyncExchange) -> None:
        self.inner = inner

    async def receive(self, timeout: float | None) -> Head | Body | End:
        return self.inner.receive(timeout)

    async def aclose(self) -> None:
        self.inner.close()

    def abort(self) -> None:
        self.inner.abort()


class KeepsOnAbort(Wrapped):
    """Leaves the connection open."""

    def abort(self) -> None:
        pass


class AbortsLater(Wrapped):
    """Has an `abort()` that must be awaited."""

    async def abort(self) -> None:  # type: ignore[override]  # that is the point
        self.inner.abort()


class AbortsOnce(Wrapped):
    """Fails when it is aborted again."""

    is_open = True

    def abort(self) -> None:
        if not self.is_open:
            raise RuntimeError("already closed")
        self.is_open = False
        self.inner.abort()


class LeavesReaders(Wrapped):
    """Aborts without waking who waits."""

    reading = False

    async def receive(self, timeout: float | None) -> Head | Body | End:
        self.reading = True
        given = await self.inner.receive(timeout)
        self.reading = False
        return given

    def abort(self) -> None:
        if not self.reading:
            self.inner.abort()


class CancelsReaders(Wrapped):
    """Wakes who waits by a cancellation that nobody asked for."""

    task: asyncio.Task[object] | None = None

    async def receive(self, timeout: float | None) -> Head | Body | End:
        self.task = asyncio.current_task()
        given = await self.inner.receive(timeout)
        self.task = None
        return given

    def abort(self) -> None:
        self.inner.abort()
        if self.task is not None:
            self.task.cancel()


class KeepsIdle(Wrapper):
    """Leaves idle connections open when it is closed."""

    async def aclose(self) -> None:
        pass


class LeavesTasks(Wrapper):
    """Starts a task for each exchange, and never ends it."""

    tasks: ClassVar[set[asyncio.Task[None]]] = set()

    async def open(
        self,
        request: Request,
        timeout: float | None,
        *,
        write_timeout: float | None = None,
        fresh: bool = False,
    ) -> Exchange:
        self.tasks.add(asyncio.create_task(anyio.sleep_forever()))
        return await self.inner.open(request, timeout, fresh=fresh)


class LeavesAll(Wrapper):
    """Leaves behind, when it is closed, one of everything but a task."""

    processes: ClassVar[list[subprocess.Popen[bytes]]] = []
    descriptors: ClassVar[list[int]] = []

    @classmethod
    def clear(cls) -> None:
        for process in cls.processes:
            with process:
                process.kill()
        for descriptor in cls.descriptors:
            os.close(descriptor)
        cls.processes.clear()
        cls.descriptors.clear()

    async def aclose(self) -> None:
        await super().aclose()
        if self.processes:  # it is closed again
            return
        threading.Thread(target=LET_GO.wait, name="left behind", daemon=True).start()
        threading.Thread(target=_raise, args=(KeyError("left behind"),)).start()
        self.processes.append(_sleeper())
        self.descriptors.extend(os.pipe())
        _Unraisable()
        socket.socket()
        task = asyncio.create_task(_fail())
        await asyncio.wait([task])


def _sleeper() -> subprocess.Popen[bytes]:
    return subprocess.Popen(["sleep", "60"])


def _raise(error: Exception) -> None:
    raise error


async def _fail() -> None:
    raise OSError("left behind")


class _Unraisable:
    def __del__(self) -> None:
        raise ValueError("left behind")


class SwallowsCancellation(Wrapped):
    """Takes a cancellation for a lost connection."""

    async def receive(self, timeout: float | None) -> Head | Body | End:
        try:
            return await self.inner.receive(timeout)
        except anyio.get_cancelled_exc_class():
            raise APIConnectionError("interrupted") from None


class OutlivesCancellation(Wrapped):
    """Goes on when it is cancelled, for as long as the server is there."""

    async def receive(self, timeout: float | None) -> Head | Body | End:
        with anyio.CancelScope(shield=True):
            return await self.inner.receive(None)
        raise AssertionError("nobody cancels the inner scope")


class LosesInputs(Wrapper):
    """Declares itself resumable, and loses an input that has arrived when its receive is cancelled."""

    resumable: ClassVar = True

    def __init__(self) -> None:
        super().__init__(_LosesInputs)


class _LosesInputs(Wrapped):
    async def receive(self, timeout: float | None) -> Head | Body | End:
        given = await self.inner.receive(timeout)
        await anyio.lowlevel.checkpoint()
        return given


class DiesWhenCancelled(Wrapper):
    """Declares itself resumable, and drops its connection when its receive is cancelled."""

    resumable: ClassVar = True

    def __init__(self) -> None:
        super().__init__(_DiesWhenCancelled)


class _DiesWhenCancelled(Wrapped):
    async def receive(self, timeout: float | None) -> Head | Body | End:
        given = None
        try:
            given = await self.inner.receive(timeout)
        finally:
            if given is None:
                self.abort()
        return given


class SendsBeforeItWaits(Wrapper):
    """Declares itself resumable, and gives up a request that it has sent when its open is cancelled."""

    resumable: ClassVar = True

    async def open(
        self,
        request: Request,
        timeout: float | None,
        *,
        write_timeout: float | None = None,
        fresh: bool = False,
    ) -> Exchange:
        exchange = await self.inner.open(request, timeout, write_timeout=write_timeout, fresh=fresh)
        opened = False
        try:
            await anyio.sleep(0.01)
            opened = True
        finally:
            if not opened:
                exchange.abort()
        return exchange


class ShieldsOpen(Wrapper):
    """Connects to the end, cancelled or not."""

    async def open(
        self,
        request: Request,
        timeout: float | None,
        *,
        write_timeout: float | None = None,
        fresh: bool = False,
    ) -> Exchange:
        with anyio.CancelScope(shield=True):
            return await self.inner.open(request, timeout, fresh=fresh)
        raise AssertionError("nobody cancels the inner scope")


class ForgetsToClose(Wrapped):
    """Takes itself for closed before it is."""

    closed = False

    async def aclose(self) -> None:
        self.closed = True
        await anyio.lowlevel.checkpoint()
        await self.inner.aclose()

    def abort(self) -> None:
        if not self.closed:
            self.inner.abort()


class LeaksWhenCancelled(Wrapper):
    """Forgets the connection of an `open()` that is cancelled just after it was made."""

    leaked: ClassVar[list[Exchange]] = []

    async def open(
        self,
        request: Request,
        timeout: float | None,
        *,
        write_timeout: float | None = None,
        fresh: bool = False,
    ) -> Exchange:
        exchange = await self.inner.open(request, timeout, fresh=fresh)
        self.leaked.append(exchange)
        await anyio.lowlevel.checkpoint()
        self.leaked.remove(exchange)
        return exchange


class IgnoresFresh(Wrapper):
    """Takes a kept connection where it must not."""

    async def open(
        self,
        request: Request,
        timeout: float | None,
        *,
        write_timeout: float | None = None,
        fresh: bool = False,
    ) -> Exchange:
        return await self.inner.open(request, timeout)


class MixesUp(Wrapper):
    """Keeps what is to be sent where all exchanges share it."""

    request: Request

    async def open(
        self,
        request: Request,
        timeout: float | None,
        *,
        write_timeout: float | None = None,
        fresh: bool = False,
    ) -> Exchange:
        self.request = request
        await anyio.lowlevel.checkpoint()
        return await self.inner.open(self.request, timeout, fresh=fresh)


class OneAtATime(Wrapper):
    """Lets an exchange begin when the one before it is over."""

    def __init__(self) -> None:
        super().__init__()
        self.turn = anyio.Semaphore(1)

    async def open(
        self,
        request: Request,
        timeout: float | None,
        *,
        write_timeout: float | None = None,
        fresh: bool = False,
    ) -> Exchange:
        await self.turn.acquire()
        return _TurnTaker(await self.inner.open(request, timeout, fresh=fresh), request, self.turn)


class _TurnTaker(Wrapped):
    def __init__(self, inner: Exchange, request: Request, turn: anyio.Semaphore) -> None:
        super().__init__(inner, request)
        self.turn: anyio.Semaphore | None = turn

    async def aclose(self) -> None:
        await self.inner.aclose()
        self.abort()

    def abort(self) -> None:
        self.inner.abort()
        turn, self.turn = self.turn, None
        if turn is not None:
            turn.release()


class Careless:
    """Keeps every connection, whatever happened to it, whichever loop it belongs to."""

    def __init__(self) -> None:
        self.idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def open(
        self,
        request: Request,
        timeout: float | None,
        *,
        write_timeout: float | None = None,
        fresh: bool = False,
    ) -> Exchange:
        if self.idle and not fresh:
            reader, writer = self.idle.pop()
        else:
            reader, writer = await asyncio.open_connection(request.host, request.port)
        return _CarelessExchange(self, request, reader, writer)

    async def aclose(self) -> None:
        for _, writer in self.idle:
            writer.transport.abort()


class KeepsForever(Careless):
    """Keeps its connections also when it is dropped itself."""

    kept: ClassVar[list[object]] = []

    def __init__(self) -> None:
        super().__init__()
        self.kept.append(self.idle)


class _CarelessExchange:
    def __init__(
        self, owner: Careless, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.owner, self.reader, self.writer = owner, reader, writer
        self.http = HTTPExchange(request)
        self.inputs: list[Head | Body | End | Lost] = []
        self.kept = False
        writer.write(self.http.data_to_send())

    async def receive(self, timeout: float | None) -> Head | Body | End:
        while not self.inputs:
            data = await self.reader.read(16)
            self.inputs += self.http.receive_data(data) if data else self.http.receive_eof()
        given = self.inputs.pop(0)
        if isinstance(given, Lost):
            raise given.error
        return given

    async def aclose(self) -> None:
        self.kept = True
        self.owner.idle.append((self.reader, self.writer))

    def abort(self) -> None:
        if not self.kept:
            self.writer.transport.abort()


class LeavesThreads:
    """A blocking transport whose `abort()` does not wake who waits."""

    def __init__(self) -> None:
        self.inner = SocketTransport()

    def open(
        self,
        request: Request,
        timeout: float | None,
        *,
        write_timeout: float | None = None,
        total_timeout: float | None = None,
        fresh: bool = False,
    ) -> SyncExchange:
        return _ThreadLeaver(self.inner.open(request, timeout, fresh=fresh))

    def close(self) -> None:
        self.inner.close()


class EndsByNextInThreads(LeavesThreads):
    """A blocking transport that takes its inputs from an iterator, which ends where the connection does."""

    def open(
        self,
        request: Request,
        timeout: float | None,
        *,
        write_timeout: float | None = None,
        total_timeout: float | None = None,
        fresh: bool = False,
    ) -> SyncExchange:
        return _EndsByNext(self.inner.open(request, timeout, write_timeout=write_timeout, fresh=fresh))


class _ThreadLeaver:
    def __init__(self, inner: SyncExchange) -> None:
        self.inner = inner
        self.reading = False

    def receive(self, timeout: float | None) -> Head | Body | End:
        self.reading = True
        try:
            return self.inner.receive(timeout)
        finally:
            self.reading = False

    def close(self) -> None:
        self.inner.close()

    def abort(self) -> None:
        if not self.reading:
            self.inner.abort()


class _EndsByNext:
    def __init__(self, inner: SyncExchange) -> None:
        self.inner = inner

    def receive(self, timeout: float | None) -> Head | Body | End:
        try:
            return self.inner.receive(timeout)
        except APIConnectionError:
            raise StopIteration from None

    def close(self) -> None:
        self.inner.close()

    def abort(self) -> None:
        self.inner.abort()


class CarelessInThreads:
    """Keeps every connection, whatever happened to it, and whichever process it belongs to."""

    def __init__(self) -> None:
        self.idle: list[socket.socket] = []

    def open(
        self,
        request: Request,
        timeout: float | None,
        *,
        write_timeout: float | None = None,
        total_timeout: float | None = None,
        fresh: bool = False,
    ) -> SyncExchange:
        if self.idle and not fresh:
            sock = self.idle.pop()
        else:
            sock = socket.create_connection((request.host, request.port))
        return _CarelessInThreads(self, request, sock)

    def close(self) -> None:
        for sock in self.idle:
            sock.close()


class _CarelessInThreads:
    def __init__(self, owner: CarelessInThreads, request: Request, sock: socket.socket) -> None:
        self.owner, self.sock = owner, sock
        self.http = HTTPExchange(request)
        self.inputs: list[Head | Body | End | Lost] = []
        self.kept = False
        sock.sendall(self.http.data_to_send())

    def receive(self, timeout: float | None) -> Head | Body | End:
        self.sock.settimeout(timeout)
        while not self.inputs:
            data = self.sock.recv(16)
            self.inputs += self.http.receive_data(data) if data else self.http.receive_eof()
        given = self.inputs.pop(0)
        if isinstance(given, Lost):
            raise given.error
        return given

    def close(self) -> None:
        self.kept = True
        self.owner.idle.append(self.sock)

    def abort(self) -> None:
        if not self.kept:
            self.sock.close()


class HangsInClose(LeavesThreads):
    """Never returns from `close()`."""

    def close(self) -> None:
        LET_GO.wait()
