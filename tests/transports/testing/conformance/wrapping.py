"""How a transport is made wrong in one way: wrapped, so that all else about it stays right."""

from __future__ import annotations

from sansio import Body, End, Head, Request
from transports import AnyioTransport
from transports.interface import Exchange, Transport


class Wrapped:
    """An exchange that adds nothing to the one inside, but for what a subclass does."""

    def __init__(self, inner: Exchange, request: Request) -> None:
        self.inner = inner
        self.request = request

    async def receive(self, timeout: float | None) -> Head | Body | End:
        return await self.inner.receive(timeout)

    async def aclose(self) -> None:
        await self.inner.aclose()

    def abort(self) -> None:
        self.inner.abort()


class Wrapper:
    """A transport that adds nothing to the one inside, but for what a subclass does.

    Args:
        wrapped: what its exchanges are wrapped in.
        inner: the transport inside; the default one, where left out.
    """

    def __init__(self, wrapped: type[Wrapped] = Wrapped, inner: Transport | None = None) -> None:
        self.wrapped = wrapped
        self.inner = inner or AnyioTransport()

    async def open(
        self,
        request: Request,
        timeout: float | None,
        *,
        write_timeout: float | None = None,
        fresh: bool = False,
    ) -> Exchange:
        return self.wrapped(await self.inner.open(request, timeout, fresh=fresh), request)

    async def aclose(self) -> None:
        await self.inner.aclose()
