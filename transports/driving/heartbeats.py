"""Heartbeats between the events of a stream, for a gateway that must keep its own client waiting."""

from __future__ import annotations

import contextvars
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Self

import anyio
from msgspec import Struct

from sansio import LocalProtocolError, StreamEvent
from transports.loops import asyncio_loop

if TYPE_CHECKING:
    from transports.driving.driver import EventStream


class Heartbeat(Struct, frozen=True):
    """No event arrived for some seconds. The call continues unchanged.

    Args:
        seconds: how long the consumer waited: the argument of `heartbeats`.
    """

    seconds: float


class HeldRead:
    """A read of a stream that continues while no consumer waits for it.

    A heartbeat must not affect the call, so it must not cancel the read: a transport need not allow that, and
    those that do begin an `open` again, so that a connection that takes longer than the time between two
    heartbeats would never be made. So the read has its own task, and only the wait for the task is cancelled.

    Args:
        read: reads an event, and leaves it in the stream.
    """

    def __init__(self, read: Callable[[], Awaitable[None]]) -> None:
        self._read: Callable[[], Awaitable[None]] | None = read
        self._error: Exception | None = None
        self._forgotten = False
        self._ended = anyio.Event()
        self._joined = False
        self._task: object = None  # asyncio itself holds tasks weakly

    def start(self) -> None:
        """Begin to read. An eager task factory may end it here already."""
        loop = asyncio_loop()
        if loop is not None:
            self._task = loop.create_task(self._run())
        else:
            import trio

            # The context goes along, since a key callable may read it.
            trio.lowlevel.spawn_system_task(self._run, context=contextvars.copy_context())

    @property
    def ended(self) -> bool:
        """Whether the read has ended, so that the stream has its event or its error."""
        return self._ended.is_set()

    async def join(self, seconds: float) -> bool:
        """Wait until the read has ended. If this wait is cancelled, the read continues.

        Args:
            seconds: how long to wait.

        Returns:
            Whether the read has ended.

        Raises:
            LocalProtocolError: another task waits for it.
        """
        if self._joined:
            raise LocalProtocolError(
                "this stream is being read already: two tasks cannot wait for its events at once"
            )
        self._joined = True
        try:
            with anyio.move_on_after(seconds):
                await self._ended.wait()
        finally:
            self._joined = False
        return self.ended

    def take_error(self) -> Exception | None:
        """The error that the read raised; `None` if it raised none, or the error was taken before."""
        error, self._error = self._error, None
        return None if self._forgotten else error

    def forget_error(self) -> None:
        """Ignore any error that the read raises from this moment on."""
        self._forgotten = True

    async def _run(self) -> None:
        assert self._read is not None
        try:
            await self._read()
        except Exception as error:
            self._error = error
        finally:
            # A task that has ended must not keep the stream, nor its connection.
            self._read = self._task = None
            self._ended.set()


class Heartbeats:
    """The events of a stream, with a `Heartbeat` when none arrived for some time.

    Args:
        stream: the stream.
        seconds: how long to wait for each event.
    """

    def __init__(self, stream: EventStream, seconds: float) -> None:
        self._stream = stream
        self._seconds = seconds

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> StreamEvent | Heartbeat:
        """The next event, or a `Heartbeat`; see `EventStream.__anext__`."""
        if await self._stream._arrives_within(self._seconds):
            return await self._stream.__anext__()
        return Heartbeat(self._seconds)

    def __del__(self) -> None:
        # A `break` outside `async with`: the task of the read would keep the stream until the server answers.
        try:
            if self._stream._is_held and not self._stream._entered:
                self._stream.abort()
        except Exception:  # at the interpreter's exit
            pass
