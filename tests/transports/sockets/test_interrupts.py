"""An interrupt at any line of the blocking transport leaves it usable, and leaks no connection."""

from __future__ import annotations

import contextlib
import gc
import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import pytest

from sansio.http import Body, End
from tests.transports.contracts.support import CHUNKED, LAST, chunk
from tests.transports.raw_server import PATIENCE, Peer, RawServer, eventually
from transports.sockets import blocking, dialing, feed, idle
from transports.sockets.blocking import SocketTransport

ROOMS = {module.__file__ for module in (blocking, dialing, feed, idle)}
OUTSIDE = {"__del__"}
"""An exception in a finaliser is reported, and goes nowhere."""


class Interrupt(BaseException):
    """As KeyboardInterrupt, or what a signal handler raises for a time limit."""


class Interrupter:
    """Raises at the nth line that runs in the transport, counted from 0.

    Attributes:
        lines: how many have run.
    """

    def __init__(self, at: int) -> None:
        self.lines = 0
        self._at = at

    def __call__(self, frame: FrameType, event: str, argument: object) -> Any:
        if frame.f_code.co_filename not in ROOMS or frame.f_code.co_name in OUTSIDE:
            return None
        if event == "line":
            self.lines += 1
            if self.lines == self._at + 1:
                raise Interrupt
        return self


@contextlib.contextmanager
def interrupted(at: int) -> Iterator[Interrupter]:
    interrupter = Interrupter(at)
    before = sys.gettrace()
    sys.settrace(interrupter)
    try:
        with contextlib.suppress(Interrupt):
            yield interrupter
    finally:
        sys.settrace(before)


def stream(transport: SocketTransport, server: RawServer, *, drop: bool = False) -> None:
    """One exchange, as a driver makes it."""
    exchange = transport.open(server.post(), PATIENCE, write_timeout=PATIENCE, fresh=drop)
    try:
        given = exchange.receive(PATIENCE)
        while not drop and given != End():
            given = exchange.receive(PATIENCE)
            assert given == End() or isinstance(given, Body)
        if not drop:
            exchange.close()
    finally:
        exchange.abort()


def drop(transport: SocketTransport, server: RawServer) -> None:
    stream(transport, server, drop=True)


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")  # of a socket that no object had yet
@pytest.mark.parametrize("use", [stream, drop])
def test_at_every_line(use: Callable[[SocketTransport, RawServer], None]) -> None:
    open_now: set[int] = set()

    def script(peer: Peer) -> None:
        open_now.add(peer.number)
        while peer.request() is not None:
            peer.send(CHUNKED, chunk(b"data"), LAST)
        open_now.discard(peer.number)

    with RawServer(script) as server:
        for kept in (True, False):  # whether there is a connection to use again
            at = 0
            over = False
            while not over:
                transport = SocketTransport()
                if kept:
                    stream(transport, server)
                with interrupted(at) as interrupter:
                    use(transport, server)
                over = interrupter.lines <= at
                for _ in range(2):
                    stream(transport, server)
                transport.close()
                at += 1
            assert at > 20
        gc.collect()
        assert eventually(lambda: not open_now)
