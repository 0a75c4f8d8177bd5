"""No connection outlives the event loop that made it, under asyncio and trio."""

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
    """The running loop, where it runs a task of asyncio's; `None` under trio, also as asyncio's guest.

    Under trio, asyncio is not even loaded.
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
    """Whether a loop of asyncio's own runs, rather than trio or a loop that takes its place."""
    loop = asyncio_loop()
    if loop is None:
        return False
    import asyncio

    return isinstance(loop, asyncio.BaseEventLoop)


def running_clock() -> Callable[[], float]:
    """The running loop's clock, in seconds, to be asked often: to ask anyio costs more than to look."""
    loop = asyncio_loop()
    return anyio.current_time if loop is None else loop.time


class Closable(Protocol):
    """Something that belongs to one event loop."""

    async def aclose(self) -> None:
        """Close it, which takes no noticeable time and raises nothing."""
        ...


class LoopKeeper:
    """What the running event loop has to close, at its end or sooner.

    Both loops close suspended async generators before they end, so one of those stands guard here: its
    `finally` closes what is still held. There is one keeper for each loop, shared by all transports.

    Attributes:
        now: the loop's clock, see `running_clock`.
    """

    def __init__(self) -> None:
        self.now = running_clock()
        self._held: dict[Closable, None] = {}
        self._dropped: list[Closable] = []
        self._ended = False
        self._guard: AsyncGenerator[None, None] | None = None  # the loop itself knows it but weakly

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
        """It is closed, or another's: hold it no longer."""
        self._held.pop(resource, None)

    def drop(self, resource: Closable) -> None:
        """Close it at the next `tidy`. Any code may call this, in any thread, also after the loop's end."""
        if not self._ended:
            self._dropped.append(resource)

    def close_now(self, resource: Closable) -> None:
        """Close what closes before it first waits, as anyio's streams do, or else drop it.

        Any code may call this, as it may `drop`; only inside this keeper's loop does it close at once.
        """
        if not self._is_running():
            self.drop(resource)
            return
        self.release(resource)
        closing = resource.aclose()
        try:
            closing.send(None)  # up to a checkpoint, which is all that is left out
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


# asyncio's loops stand by themselves: to ask anyio which one runs takes three times as long.
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
