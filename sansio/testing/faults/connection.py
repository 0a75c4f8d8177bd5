"""The fake provider with a fault: in memory, and behind a connection."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import get_args

from sansio.http import Request
from sansio.testing.connection import FakeConnection
from sansio.testing.fake import FakeProvider
from sansio.testing.faults.actions import Action, Close, Deliver, Reset, Stall
from sansio.testing.faults.deeds import (
    AtAccept,
    Deed,
    Gzip,
    GzipBomb,
    Instead,
    LargeHead,
    PortDeed,
    Status,
    Then,
    WireDeed,
)
from sansio.testing.faults.registry import Fault
from sansio.testing.faults.responses import changed, in_memory
from sansio.testing.faults.wire import steps
from sansio.testing.script import Failure, FakeResponse, Outcome

_ON_THE_WIRE = get_args(WireDeed)


class FaultyProvider:
    """A fake provider whose every answer goes wrong in one way.

    It can replace the `FakeProvider` in a `MemoryTransport`; on sockets, `connect` serves each connection.

    Args:
        provider: gives the answers to which the fault is applied.
        fault: what goes wrong; `None` for nothing.

    Attributes:
        provider: as given.

    Example:
        >>> from sansio.testing.faults import FAULTS
        >>> faulty = FaultyProvider(FakeProvider(), FAULTS["no-content"])
        >>> faulty.respond(Request.post("http://localhost/v1/chat/completions", (), b"{}")).status
        400
    """

    def __init__(self, provider: FakeProvider, fault: Fault | None = None) -> None:
        self.provider = provider
        self._fault = fault
        self._turn = 0

    @property
    def fault(self) -> Fault | None:
        """What goes wrong. A new fault applies from the next answer on, and begins at its first turn."""
        return self._fault

    @fault.setter
    def fault(self, fault: Fault | None) -> None:
        self._fault = fault
        self._turn = 0

    @property
    def deed(self) -> Deed | None:
        """What goes wrong."""
        return None if self.fault is None else self.fault.deed

    def respond(self, request: Request) -> FakeResponse:
        """Answer one request in the same process, with the fault as far as a response can express it.

        Raises:
            ValueError: the fault needs a connection, or is in the writing of HTTP.
        """
        deed = self.deed
        if isinstance(deed, (*get_args(PortDeed), AtAccept)):
            raise ValueError(f"{deed}: a fault of the connection; in memory there is none")
        response = self.answer(request)
        return in_memory(deed, response) if isinstance(deed, _ON_THE_WIRE) else response

    def answer(self, request: Request) -> FakeResponse:
        """Answer one request, with the fault if it is one of the response."""
        match self.deed:
            case Instead(outcomes=outcomes):
                return self._meet(outcomes[self._turn % len(outcomes)], request)
            case Status(status=status):
                return self._meet(Failure(status=status), request)
            case Gzip() | GzipBomb() | LargeHead() as deed:
                return changed(deed, self.provider.respond(request))
            case _:
                return self.provider.respond(request)

    def connect(self, *, scheme: str = "http") -> FaultyConnection:
        """Serve a new connection; `scheme` is `"https"` if it is wrapped in TLS."""
        return FaultyConnection(self, scheme=scheme)

    def _meet(self, outcome: Outcome | None, request: Request) -> FakeResponse:
        """Let the provider answer with this outcome. A refused request does not use it up."""
        script = self.provider.script
        left = len(script)
        if outcome is not None:
            script.appendleft(outcome)
        response = self.provider.respond(request)
        if len(script) > left:
            script.popleft()
        else:
            self._turn += 1
        return response


class _Front:
    """The provider for the machine that parses requests; answers with a fault of the wire are put aside."""

    def __init__(self, faulty: FaultyProvider) -> None:
        self._faulty = faulty
        self._aside: list[Iterator[Action]] = []

    def respond(self, request: Request) -> FakeResponse:
        deed = self._faulty.deed
        response = self._faulty.answer(request)
        if not isinstance(deed, _ON_THE_WIRE):
            return response
        self._aside.append(steps(deed, response))
        return FakeResponse()

    def take(self) -> list[Iterator[Action]]:
        aside, self._aside = self._aside, []
        return aside


class FaultyConnection:
    """`FakeConnection` with a fault: bytes from a client in, actions for the socket out.

    Args:
        faulty: answers the requests, with the fault that it has at that moment.
        scheme: `"https"` if the connection is wrapped in TLS.
    """

    def __init__(self, faulty: FaultyProvider, *, scheme: str = "http") -> None:
        self._faulty = faulty
        self._front = _Front(faulty)
        self._connection = FakeConnection(self._front, scheme=scheme)

    def receive_open(self) -> list[Action]:
        """Report that the connection was accepted.

        Returns:
            What to do immediately, before TLS; mostly nothing. A connection that has such actions serves
            no request.
        """
        match self._faulty.deed:
            case AtAccept(then=Then.CLOSE):
                actions: list[Action] = [Close()]
            case AtAccept(then=Then.RESET):
                actions = [Reset()]
            case AtAccept(then=Then.STALL):
                actions = [Stall()]
            case _:
                return []
        self._connection.receive_eof()
        return actions

    def receive_data(self, data: bytes) -> Iterator[Action]:
        """Take the next bytes from the client.

        Returns:
            What to do, in order. It may never end: perform each action before taking the next.
        """
        was_closed = self._connection.closed
        pieces = self._connection.receive_data(data)
        aside = self._front.take()
        actions = chain.from_iterable(aside) if aside else map(Deliver, pieces)
        closing = self._connection.closed and not was_closed
        return chain(actions, (Close(),)) if closing else actions

    def receive_eof(self) -> None:
        """Take the end of the client's bytes: the connection is over."""
        self._connection.receive_eof()
