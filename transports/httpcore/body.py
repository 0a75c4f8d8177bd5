"""The body of a response that an httpcore pool gave, by what each read of the network brought.

httpcore gives a body in the pieces that the server cut it into, though it reads many of them at once. So
that each is not a turn of the loops above, a coroutine gathers them. It stops where httpcore has used up
what it read and would read again: there the network stream, which is ours, pauses it, and what was gathered
is handed out.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Coroutine, Generator
from types import ModuleType, coroutine
from typing import TYPE_CHECKING

import anyio

from transports.httpcore.backend import PAUSE, pause

if TYPE_CHECKING:
    import httpcore


class Answer:
    """A response that the pool gave, and its body.

    Args:
        core: httpcore or httpcore2.
        response: what its pool gave.
        pieces: where those of the body are put, and whence they are taken. A read of the network pauses
            while there are any, if it can.
        bounded: reads can pause, and are told by when each has to be done: they are this response's own.
            Otherwise the body is given piece by piece.
    """

    def __init__(
        self, core: ModuleType, response: httpcore.Response, pieces: list[bytes], *, bounded: bool
    ) -> None:
        self.response = response
        self.bounded = bounded
        self._core = core
        self._pieces = pieces
        self._gathering: Coroutine[object, object, None] | None = None  # `None` before the body is asked for
        self._ended = False

    @coroutine
    def next(self) -> Generator[object, object, bytes]:
        """The next bytes of the body, none at its end. What it raises comes after all that was read before.

        This is `await` for the gathering, but that a pause ends it, and the next call goes on from there.
        No scope, lock or timeout of httpcore's is open then, so that another task may do that.
        """
        if self._ended:
            return b""
        try:
            given = self._begin() if self._gathering is None else self._gathering.send(None)
            assert self._gathering is not None
            while given is not PAUSE:
                try:
                    told = yield given
                except BaseException as error:
                    given = self._gathering.throw(error)
                else:
                    given = self._gathering.send(told)
        except StopIteration:
            self._ended = True
        except BaseException:
            self._ended = True
            raise
        data = b"".join(self._pieces)
        self._pieces.clear()
        return data

    def _begin(self) -> object:
        """Gather up to the first wait.

        By then all of httpcore's generators for the body have begun, each inside the other. A loop that ends
        closes all those that it knows at the same time, and these would trip over each other; so it is not
        to know them.
        """
        hooks = sys.get_asyncgen_hooks()
        sys.set_asyncgen_hooks(firstiter=None, finalizer=None)
        try:
            self._gathering = _gather(self.response, self._pieces, each=not self.bounded)
            return self._gathering.send(None)
        finally:
            sys.set_asyncgen_hooks(*hooks)

    async def aclose(self) -> None:
        """Give the connection back to the pool, which closes it unless the body has ended."""
        with contextlib.suppress(*faults(self._core)):
            await self.response.aclose()
            if self._gathering is not None:
                # The body's generators are run to their end, since nobody else closes them. The connection
                # is closed already; where others are on it, the cancelled scope keeps them from waiting.
                with anyio.CancelScope() as scope:
                    scope.cancel()
                    while not self._ended:
                        await self.next()


async def _gather(response: httpcore.Response, pieces: list[bytes], *, each: bool) -> None:
    """Put a body among the pieces; it pauses after `each`, and before it raises while there are any."""
    try:
        async for data in response.aiter_stream():
            if data:
                pieces.append(data)
                if each:
                    await pause()
    except Exception:
        if pieces:
            await pause()
        raise


def faults(core: ModuleType) -> tuple[type[Exception], ...]:
    """What a pool raises where the network or the peer is at fault."""
    kinds = (core.NetworkError, core.TimeoutException, core.ProtocolError, core.ProxyError)
    h2 = sys.modules.get("h2.exceptions")  # some of its errors pass through the pool as they are
    return (*kinds, core.UnsupportedProtocol, OSError, *((h2.H2Error,) if h2 else ()))
