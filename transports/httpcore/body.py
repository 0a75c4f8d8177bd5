"""The body of a response from a pool that an application made, chunk by chunk."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import AsyncIterator, Coroutine, Generator, Mapping, Sequence
from types import ModuleType, coroutine
from typing import Any, Protocol

import anyio

_PAUSE = object()
"""What `_pause` yields to `Answer.next`, which drives the coroutine by hand. No event loop sees it."""


class Response(Protocol):
    """A response of httpcore, or of a library on it, as far as an exchange needs one."""

    @property
    def status(self) -> int: ...

    @property
    def headers(self) -> Sequence[tuple[bytes, bytes]]: ...

    @property
    def extensions(self) -> Mapping[str, Any]: ...

    def aiter_stream(self) -> AsyncIterator[bytes]: ...

    async def aclose(self) -> None: ...


@coroutine
def _pause() -> Generator[object, None, None]:
    """Suspend until the coroutine is driven on."""
    yield _PAUSE


class Answer:
    """A response from the pool, and its body.

    Args:
        faults: the library's exceptions for which the network or the peer is at fault.
        response: the pool's response.

    Attributes:
        ended: the body has ended or failed.
    """

    def __init__(self, faults: tuple[type[Exception], ...], response: Response) -> None:
        self.response = response
        self.ended = False
        self._faults = faults
        self._pieces: list[bytes] = []
        self._gathering: Coroutine[object, object, None] | None = None  # `None` before the body is asked for

    @coroutine
    def next(self) -> Generator[object, object, bytes]:
        """The next bytes of the body; `b""` at its end.

        This is like `await` for the gathering coroutine, except that a pause ends it, and the next call goes
        on from there. At a pause httpcore has no scope, lock or timeout open, so another task may make that
        call.
        """
        if self.ended:
            return b""
        try:
            given = self._begin() if self._gathering is None else self._gathering.send(None)
            assert self._gathering is not None
            while given is not _PAUSE:
                try:
                    told = yield given
                except BaseException as error:
                    given = self._gathering.throw(error)
                else:
                    given = self._gathering.send(told)
        except StopIteration:
            self.ended = True
        except BaseException:
            self.ended = True
            raise
        data = b"".join(self._pieces)
        self._pieces.clear()
        return data

    def _begin(self) -> object:
        """Gather until the first wait.

        By then all of httpcore's nested generators for the body have started. A loop that ends closes all
        generators it knows at once, and nested ones then fail because the outer one is still running. The
        hooks are removed meanwhile, so that the loop does not learn of them.
        """
        hooks = sys.get_asyncgen_hooks()
        sys.set_asyncgen_hooks(firstiter=None, finalizer=None)
        try:
            self._gathering = _gather(self.response, self._pieces)
            return self._gathering.send(None)
        finally:
            sys.set_asyncgen_hooks(*hooks)

    async def aclose(self) -> None:
        """Return the connection to the pool, which closes it unless the body has ended."""
        with contextlib.suppress(*self._faults):
            await self.response.aclose()
            if self._gathering is not None:
                # Run the body's generators to their end: the loop does not know them, so nothing else would
                # close them. The connection is closed already; over HTTP/2, where it may not be, the
                # cancelled scope keeps them from waiting.
                with anyio.CancelScope() as scope:
                    scope.cancel()
                    while not self.ended:
                        await self.next()

    def abandon(self) -> None:
        """Do nothing: the application owns the pool and its connections."""


async def _gather(response: Response, pieces: list[bytes]) -> None:
    """Append a body's chunks to the pieces, and pause after each."""
    async for data in response.aiter_stream():
        if data:
            pieces.append(data)
            await _pause()


def faults(core: ModuleType) -> tuple[type[Exception], ...]:
    """The exceptions of a pool for which the network or the peer is at fault."""
    kinds = (core.NetworkError, core.TimeoutException, core.ProtocolError, core.ProxyError)
    h2 = sys.modules.get("h2.exceptions")  # some of its errors pass through the pool as they are
    return (*kinds, core.UnsupportedProtocol, OSError, UnicodeError, *((h2.H2Error,) if h2 else ()))
