"""An HTTP/2 connection that several exchanges share: all of it but the waiting.

There is no task or thread behind it. Of the exchanges that wait, one reads for all: it feeds the machine,
wakes those that have got something, and when it has what it waited for, or is cancelled, it wakes another one
to read on. Any exchange may send.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from typing import Literal, TypeAlias

from sansio.errors import (
    APIConnectionError,
    LocalProtocolError,
    TransportError,
)
from sansio.http import Body, End, Head, Lost, Request
from sansio.http.http2 import HTTP2Connection, HTTP2Exchange
from transports.failures import lost_failure
from transports.interface import Origin
from transports.sockets.raw import shut_down
from transports.sockets.wire import Wire

PING_AFTER = 20.0
"""Seconds of silence after which a waiting exchange sends a ping to the server. If the silence lasts as long
again, the connection is lost. Otherwise only `read_timeout` would notice a peer that vanished."""

_READS = 16
"""How many reads in a row one exchange makes for all, before other tasks of the loop have their turn."""

Choice: TypeAlias = bool | Literal["only"]
"""Whether HTTP/2 is used: not at all; where the server chooses it (ALPN); or always, also without TLS."""


def offers(choice: Choice) -> list[str] | None:
    """What to offer in the TLS handshake."""
    return ["h2"] if choice == "only" else ["h2", "http/1.1"]


class SharedConnection:
    """See the module.

    Args:
        origin: the server's origin.
        wire: a connected wire whose handshake is done.
        max_header_bytes: see `HTTP2Connection`.

    Attributes:
        http: the machine.
        parked: exchanges that were released before they ended.
        waiting: for each exchange that waits, what wakes it.
        reader: the exchange that reads for all.
        since: when the connection last had an exchange, by the owner's clock.
        retired: whether it takes no more exchanges. It is closed as soon as no exchange needs it.
    """

    def __init__(self, origin: Origin, wire: Wire, max_header_bytes: int) -> None:
        self.origin = origin
        self.http = HTTP2Connection(max_header_bytes=max_header_bytes)
        self.wire = wire
        self.parked: list[HTTP2Exchange] = []
        self.waiting: dict[HTTP2Exchange, Callable[[], None]] = {}
        self.reader: HTTP2Exchange | None = None
        self.since = 0.0
        self.retired = False
        self._dropped: deque[HTTP2Exchange] = deque()
        self._process = os.getpid()
        self._sending: list[HTTP2Exchange] = []  # whose requests are being sent
        self._deaf = False  # nothing can be sent any more

    @property
    def inherited(self) -> bool:
        """Whether it belongs to a process that this one was forked from."""
        return self._process != os.getpid()

    @property
    def idle(self) -> bool:
        """Whether no exchange needs it."""
        return self.http.busy <= sum(not exchange.ended for exchange in self.parked)

    @property
    def unused(self) -> bool:
        """Whether it can be closed now."""
        return self.reader is None and (self.idle or self.http.over)

    def begin(self, request: Request) -> HTTP2Exchange:
        """Begin an exchange and send what can be sent of its request without waiting.

        Raises:
            LocalProtocolError: the request cannot be written as HTTP/2.
        """
        exchange = self.http.open(request)
        if not exchange.sent:
            self._sending.append(exchange)
        self.flush()
        return exchange

    def settle(self) -> bool:
        """Take the bytes that have arrived, and drop those that are not needed.

        Returns:
            Whether the connection can be used.
        """
        if self.reader is None:
            self.step()
        for exchange in self.parked:
            exchange.drop()
        self.parked.clear()
        self.flush()
        return not self.http.over

    def step(self) -> None:
        """Read the bytes that have arrived, for all exchanges, and send the waiting ones."""
        self.take_drops()
        try:
            for _ in range(_READS):
                if self.http.over or (data := self.wire.receive()) is None:
                    break
                self._wake(self.http.receive_data(data) if data else self.http.receive_eof())
        except OSError as error:
            self.lose(lost_failure(self.origin, error))
        self._send()
        if self.http.over:
            self.shut_down()

    def flush(self) -> None:
        """Send the waiting bytes, as many as the system takes. A failure shows at the next read."""
        self._send()
        if self.unsent and self.reader is not None:
            self._wake([self.reader])  # it must wait for the server to take more, too

    def _send(self) -> None:
        try:
            if not self._deaf:
                self.wire.send(b"")
            while (self._deaf or not self.wire.unsent) and (data := self.http.data_to_send()):
                if not self._deaf:
                    self.wire.send(data)
        except OSError:
            self._deaf = True
        for exchange in [each for each in self._sending if each.sent or each.ended]:
            self._sending.remove(exchange)
            self._wake([exchange])

    @property
    def unsent(self) -> bool:
        """Whether something waits until the server takes more."""
        return self.wire.unsent > 0 and not self._deaf

    def drop(self, exchange: HTTP2Exchange) -> None:
        """End an exchange, from a thread or a task that must not touch the machine now: see `take_drops`."""
        self._dropped.append(exchange)

    def take_drops(self) -> None:
        """Reset the exchanges that were dropped, and wake those that waited for them."""
        while self._dropped:
            exchange = self._dropped.popleft()
            exchange.drop()
            if exchange in self.parked:
                self.parked.remove(exchange)
            self._wake([exchange])

    def release(self, exchange: HTTP2Exchange) -> None:
        """Stop serving an exchange. The rest of its response ends it, or the next `settle` does."""
        if not exchange.ended and self.reader is None:
            self.step()
        if not exchange.ended:
            self.parked.append(exchange)

    def lose(self, error: TransportError) -> None:
        """The connection broke."""
        self._wake(self.http.lose(error))

    def hand_over(self) -> None:
        """Wake an exchange to read on, if none reads."""
        if self.reader is None:
            for wake in list(self.waiting.values())[:1]:
                wake()

    def keep_alive(self) -> None:
        """Nothing has arrived for `PING_AFTER` seconds."""
        if self.http.ping():
            self.flush()
            return
        _, host, port = self.origin
        self.lose(
            APIConnectionError(
                f"{host}:{port} has given no sign of life for {2 * PING_AFTER:g} s", reused=True
            )
        )
        self.shut_down()

    def shut_down(self) -> None:
        """End the connection in both directions; a reader sees it at once."""
        self._deaf = True
        if not self.inherited:
            shut_down(self.wire.socket)

    def abandon(self) -> None:
        """Close the socket without sending anything."""
        self.wire.socket.close()

    def say_goodbye(self) -> None:
        """Tell the server that the connection ends, without waiting, and close the socket."""
        if self.inherited:
            self.wire.socket.close()
            return
        self.http.close()
        self.flush()
        self.wire.close()

    def _wake(self, exchanges: list[HTTP2Exchange]) -> None:
        for exchange in exchanges:
            wake = self.waiting.get(exchange)
            if wake is not None:
                wake()


def take(exchange: HTTP2Exchange) -> Head | Body | End | None:
    """The next input of an exchange; `None` if there is none yet.

    Raises:
        TransportError: the exchange was lost.
        RemoteProtocolError: the peer's HTTP is malformed.
        LocalProtocolError: the exchange is over, and its end was taken.
    """
    ended = exchange.ended
    given = exchange.next_input()
    if isinstance(given, Lost):
        raise given.error
    if given is None and ended:
        raise LocalProtocolError("receive() after the exchange has ended")
    return given


def declined(origin: Origin) -> APIConnectionError:
    """The error for a server that chose another protocol than HTTP/2, or none."""
    _, host, port = origin
    return APIConnectionError(
        f"{host}:{port} does not speak HTTP/2",
        should_retry=False,
        hint="Use http2=True, which lets the server choose, or leave http2 out.",
    )
