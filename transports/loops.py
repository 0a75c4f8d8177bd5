"""Closes connections before the event loop that made them ends, under asyncio and trio."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Callable
from typing import TYPE_CHECKING, Protocol
from weakref import WeakKeyDictionary

import anyio
from anyio.lowlevel import RunVar

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop


def asyncio_loop() -> AbstractEventLoop | None:
    """The running loop, if the current task is asyncio's; `None` under trio, also where trio runs as a guest.

    It does not import asyncio, so that a program under trio never loads it.
    """
    if "asyncio" not in sys.modules:
        return None
    import asyncio

    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return None
    return loop if asyncio.current_task(loop) is not None else None


def is_asyncios_own_loop() -> bool:
    """Whether the running loop is one of asyncio's, and neither trio nor a replacement such as uvloop."""
    loop = asyncio_loop()
    if loop is None:
        return False
    import asyncio

    return isinstance(loop, asyncio.BaseEventLoop)


def running_clock() -> Callable[[], float]:
    """The running loop's clock, in seconds. Found once, it costs less to read than `anyio.current_time`."""
    loop = asyncio_loop()
    return anyio.current_time if loop is None else loop.time


class Closable(Protocol):
    """Something that belongs to one event loop."""

    async def aclose(self) -> None:
        """Close it. It takes no noticeable time and does not raise."""
        ...


class LoopKeeper:
    """Closes what belongs to the running event loop, when the loop ends or sooner.

    asyncio and trio both finalise suspended async generators at shutdown, so one is kept open and closes what
    is left in its `finally`. Each loop has one keeper, shared by all transports.

    Attributes:
        now: the loop's clock, see `running_clock`.
    """

    def __init__(self) -> None:
        self.now = running_clock()
        self._held: dict[Closable, None] = {}
        self._dropped: list[Closable] = []
        self._ended = False
        self._guard: AsyncGenerator[None, None] | None = None  # the loop has only a weak reference

    @classmethod
    async def here(cls) -> LoopKeeper:
        """The running loop's keeper."""
        keeper = _find_keeper()
        if keeper is None:
            keeper = cls()
            guard = keeper._stand_guard()
            await anext(guard)
            keeper._guard = guard
            _set_keeper(keeper)
        return keeper

    def hold(self, resource: Closable) -> None:
        """Close it when the loop ends, unless it is closed before."""
        self._held[resource] = None

    def release(self, resource: Closable) -> None:
        """Stop holding it: it is closed, or someone else closes it."""
        self._held.pop(resource, None)

    def drop(self, resource: Closable) -> None:
        """Close it at the next `tidy`. Any thread may call this, also after the end of the loop."""
        if not self._ended:
            self._dropped.append(resource)

    def close_now(self, resource: Closable) -> None:
        """Close it at once inside this keeper's loop; elsewhere `drop` it. Any thread may call this.

        The resource must close before it first waits, as anyio's streams do.
        """
        if not self._is_running():
            self.drop(resource)
            return
        self.release(resource)
        closing = resource.aclose()
        try:
            closing.send(None)  # up to its first checkpoint; only that checkpoint is skipped
        except StopIteration:
            pass
        finally:
            closing.close()

    async def tidy(self) -> None:
        """Close what was dropped."""
        if self._dropped:
            with anyio.CancelScope(shield=True):
                while self._dropped:
                    await self._close(self._dropped.pop())

    def _is_running(self) -> bool:
        try:
            return _find_keeper() is self
        except RuntimeError:  # no loop runs in this thread
            return False

    async def _close(self, resource: Closable) -> None:
        self.release(resource)
        await resource.aclose()

    async def _stand_guard(self) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            _set_keeper(None)
            self._guard = None
            await self.tidy()
            self._ended = True
            with anyio.CancelScope(shield=True):
                while self._held:
                    await self._close(next(reversed(self._held)))


# asyncio's loops have their own table: a RunVar of anyio takes three times as long to look up.
_keepers: WeakKeyDictionary[AbstractEventLoop, LoopKeeper] = WeakKeyDictionary()
_keeper: RunVar[LoopKeeper | None] = RunVar("sansio-llm keeper", None)


def _find_keeper() -> LoopKeeper | None:
    loop = asyncio_loop()
    return _keeper.get() if loop is None else _keepers.get(loop)


def _set_keeper(keeper: LoopKeeper | None) -> None:
    loop = asyncio_loop()
    if loop is None:
        _keeper.set(keeper)
    elif keeper is None:
        _keepers.pop(loop, None)
    else:
        _keepers[loop] = keeper
