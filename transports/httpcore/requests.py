"""Requests as an httpcore pool takes them, and a pool's idle connections."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING, Self

from sansio.http import Request
from transports.sockets.raw import READ_SIZE

if TYPE_CHECKING:
    import httpcore


class Content:
    """A request's body in pieces, so that the timeout of a pool's write is for each of them.

    Not a generator: httpcore leaves one unfinished when it cannot send the request.
    """

    def __init__(self, body: bytes) -> None:
        view = memoryview(body)
        self._pieces = (view[at : at + READ_SIZE] for at in range(0, len(body), READ_SIZE))

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        for piece in self._pieces:
            return bytes(piece)
        raise StopAsyncIteration


def write_request(
    core: ModuleType, request: Request, url: httpcore.URL | str, extensions: dict[str, object]
) -> httpcore.Request:
    """The request as the pool takes it."""
    headers = [(name.encode(), value.encode()) for name, value in request.headers]
    made: httpcore.Request = core.Request(
        request.method, url, headers=headers, content=Content(request.body), extensions=extensions
    )
    return made


async def close_idle(pool: httpcore.AsyncConnectionPool, origin: httpcore.Origin | None = None) -> None:
    """Close a pool's idle connections, all or those to one origin."""
    for connection in pool.connections:
        if connection.is_idle() and (origin is None or connection.can_handle_request(origin)):
            await connection.aclose()
