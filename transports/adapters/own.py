"""Clients of an HTTP library that a transport makes itself, since the application passed none."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from typing import Generic, TypeAlias, TypeVar
from weakref import WeakKeyDictionary, ref

from msgspec import Struct

from transports.loops import LoopKeeper

ClientT = TypeVar("ClientT")

_Kind: TypeAlias = tuple[bool, bool]
"""Whether a client may keep connections, and whether it is for https."""


class Library(Struct, Generic[ClientT], frozen=True):
    """Functions that make and close the clients of a library.

    Args:
        make: makes a client inside a running loop. Its arguments say whether the client may keep connections,
            and whether it is for https, since loading the system's authorities takes a while.
        close: closes a client. It does not raise.
        abandon: closes a client without its loop, which was closed by hand; or, if its argument says so,
            forgets a client that a forked process has inherited.
    """

    make: Callable[[bool, bool], ClientT]
    close: Callable[[ClientT], Awaitable[None]]
    abandon: Callable[[ClientT, bool], None] = lambda client, inherited: None


class OwnClients(Generic[ClientT]):
    """One client for each event loop and kind of request, made when it is first needed."""

    def __init__(self, library: Library[ClientT]) -> None:
        self._library = library
        self._keeps = True  # False after aclose()
        # The keeper holds what belongs to its loop, since that refers to the loop, and so to the keeper.
        self._loops: WeakKeyDictionary[LoopKeeper, ref[_Current[ClientT]]] = WeakKeyDictionary()

    def lend(self, keeper: LoopKeeper, *, secure: bool, fresh: bool) -> Lease[ClientT]:
        """The client for a request.

        Args:
            keeper: the keeper of the running loop.
            secure: whether the request is for https.
            fresh: whether the client must be new, without connections. It then replaces the client before it
                for later requests.
        """
        known = self._loops.get(keeper)
        current = None if known is None else known()
        if current is None:
            current = _Current()
            keeper.keep(current)
            self._loops[keeper] = ref(current)
        kind = self._keeps, secure
        if fresh or not self._keeps or kind not in current.leases:
            current.leases[kind] = Lease(keeper, self._library, self._library.make(*kind))
        return current.leases[kind]

    async def aclose(self) -> None:
        """Close the clients of this loop that no exchange uses. Clients made later keep no connection."""
        self._keeps = False
        keeper = await LoopKeeper.here()
        known = self._loops.get(keeper)
        current = None if known is None else known()
        if current is not None:
            current.leases.clear()
        await keeper.tidy()

    def __del__(self) -> None:
        for keeper, known in list(self._loops.items()):
            keeper.forget(known())


class Lease(Generic[ClientT]):
    """Lends a client to exchanges. The client is closed when the last reference to the lease is gone."""

    def __init__(self, keeper: LoopKeeper, library: Library[ClientT], client: ClientT) -> None:
        self.client = client
        self._keeper = keeper
        self._made = _Made(library, client)
        keeper.hold(self._made)

    def __del__(self) -> None:
        self._keeper.drop(self._made)


class _Current(Generic[ClientT]):
    """The clients of a loop for further requests."""

    def __init__(self) -> None:
        self.leases: dict[_Kind, Lease[ClientT]] = {}


class _Made(Generic[ClientT]):
    """A client that is open."""

    def __init__(self, library: Library[ClientT], client: ClientT) -> None:
        self._library = library
        self._client = client
        self._process = os.getpid()

    async def aclose(self) -> None:
        await self._library.close(self._client)

    def abandon(self) -> None:
        self._library.abandon(self._client, os.getpid() != self._process)
