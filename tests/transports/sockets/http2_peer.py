"""A server's side of HTTP/2 for the scripts of a `RawServer`, over h2."""

from __future__ import annotations

import contextlib
import ssl
from collections import deque
from collections.abc import Callable
from typing import TypeVar

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings

from sansio.http import Request
from sansio.testing import FakeResponse
from tests.transports.raw_server import Peer, Script

EventT = TypeVar("EventT", bound=h2.events.Event)


class HTTP2Peer:
    """One connection.

    Args:
        peer: where it is.
        reads: whether request bodies get their window back.
        **settings: such as `MAX_CONCURRENT_STREAMS`.

    Attributes:
        peer: where it is.
        h2: the machine.
    """

    def __init__(self, peer: Peer, *, reads: bool = True, **settings: int) -> None:
        self.peer = peer
        self.h2 = h2.connection.H2Connection(
            h2.config.H2Configuration(client_side=False, header_encoding="latin-1")
        )
        self.h2.local_settings = h2.settings.Settings(
            client=False,
            initial_values={h2.settings.SettingCodes[name]: value for name, value in settings.items()},
        )
        self.h2.initiate_connection()
        self._reads = reads
        self._last: int | None = None  # no exchange after this one is taken
        self._events: deque[h2.events.Event] = deque()
        self.flush()

    def flush(self) -> None:
        """Send what is to be sent."""
        self.peer.send(self.h2.data_to_send())

    def next(self, kind: type[EventT]) -> EventT | None:
        """The next event of a kind; others are passed over. `None` when the client closes."""
        while True:
            while self._events:
                event = self._events.popleft()
                if isinstance(event, kind):
                    return event
            data = self.peer.receive()
            if not data:
                return None
            self._events += self.h2.receive_data(data)
            for event in self._events:
                if self._reads and isinstance(event, h2.events.DataReceived) and event.flow_controlled_length:
                    self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                    event.flow_controlled_length = 0
            self.flush()

    def request(self) -> int | None:
        """The number of the next exchange whose request is whole; `None` when the client closes."""
        ended = self.next(h2.events.StreamEnded)
        return None if ended is None else ended.stream_id

    def whole_request(self) -> tuple[int, Request] | None:
        """The next exchange whose request is whole, with its number; `None` when the client closes."""
        headers: dict[str, str] = {}
        body, number = b"", 0
        while (event := self.next(h2.events.Event)) is not None:
            match event:
                case h2.events.RequestReceived(headers=list(fields), stream_id=int(number)):
                    headers = {str(name): str(value) for name, value in fields}
                    body = b""
                case h2.events.DataReceived(data=bytes(data)):
                    body += data
                case h2.events.StreamEnded(stream_id=int(ended)) if ended == number:
                    if self._last is not None and number > self._last:
                        continue  # it was sent before the client had read that we leave
                    plain = tuple((name, headers[name]) for name in headers if name == "authorization")
                    return number, Request.post(f"http://localhost{headers[':path']}", plain, body)
                case _:
                    pass
        return None

    def head(self, number: int, status: int = 200, *, end: bool = False) -> None:
        """Begin an answer."""
        headers = [(":status", str(status)), ("content-type", "text/event-stream")]
        self.h2.send_headers(number, headers, end_stream=end)
        self.flush()

    def body(self, number: int, data: bytes, *, end: bool = False) -> None:
        """A part of an answer, as far as the client's window is open; it must be."""
        self.h2.send_data(number, data, end_stream=end)
        self.flush()

    def answer(self, number: int, data: bytes = b"ok") -> None:
        """A whole answer, unless the client has dropped the exchange."""
        with contextlib.suppress(h2.exceptions.ProtocolError):
            self.head(number)
            self.body(number, data, end=True)

    def respond(self, number: int, response: FakeResponse) -> None:
        """The answer of a fake provider."""
        fields = [(":status", str(response.status)), *response.headers]
        self.h2.send_headers(number, fields)
        for piece in response.pieces:
            self.body(number, piece)
        self.body(number, b"", end=True)

    def reset(self, number: int, code: int) -> None:
        """End an exchange."""
        self.h2.reset_stream(number, code)
        self.flush()

    def goaway(self, last: int) -> None:
        """Say that no exchange after `last` is taken; the others go on."""
        self._last = last
        self.peer.send(b"\0\0\x08\x07\0\0\0\0\0" + last.to_bytes(4) + bytes(4))


def over_http2(script: Callable[[HTTP2Peer], None], *, reads: bool = True, **settings: int) -> Script:
    """A script for HTTP/2; the connection stays open after it until the client closes."""

    def run(peer: Peer) -> None:
        connection = HTTP2Peer(peer, reads=reads, **settings)
        script(connection)
        while connection.request() is not None:
            pass

    return run


def answering(peer: HTTP2Peer) -> None:
    """Answer each request."""
    while (number := peer.request()) is not None:
        peer.answer(number)


def offering(context: ssl.SSLContext, *protocols: str) -> ssl.SSLContext:
    """A server's context that speaks these protocols."""
    context.set_alpn_protocols(list(protocols))
    return context
