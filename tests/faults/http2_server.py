"""A server that goes wrong over HTTP/2: the faults by name, and the server that has one of them."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

import h2.exceptions
from msgspec import Struct

from sansio.testing import FakeProvider, FakeResponse
from sansio.testing.faults.responses import cut_events
from tests.transports.raw_server import Peer, RawServer
from tests.transports.sockets.http2_peer import HTTP2Peer
from transports.testing.loopback import Loopback

_EVENTS = 3
_NO_ERROR, _INTERNAL, _REFUSED, _CALM, _HTTP1 = 0, 2, 7, 11, 13
_DATA, _HEADERS, _SETTINGS, _PUSH, _PING, _CONTINUATION = 0, 1, 4, 5, 6, 9
_END_HEADERS = 4
_FLOOD = 1_100
_LONG = b"\x10\x01x\x7f\x99\x03" + b"y" * 536
"""A header that HPACK does not make shorter, also when it is repeated."""
_HINTS = b"\x08\x03103" + _LONG


class Asked(Struct, frozen=True):
    """A request that was received whole.

    Args:
        peer: its connection.
        number: its exchange.
        respond: the fake provider's answer to it, which it then counts.
    """

    peer: HTTP2Peer
    number: int
    respond: Callable[[], FakeResponse]

    def answer(self) -> None:
        """The whole answer, without a fault."""
        self.peer.respond(self.number, self.respond())

    def begin(self, *fields: tuple[str, str]) -> FakeResponse:
        """The head and some events, or half of a whole answer."""
        response = self.respond()
        self.peer.h2.send_headers(
            self.number, [(":status", str(response.status)), *response.headers, *fields]
        )
        for piece in cut_events(response, _EVENTS):
            self.peer.body(self.number, piece)
        return response

    def frame(self, kind: int, payload: bytes = b"", *, flags: int = 0, number: int | None = None) -> None:
        """Any frame, whether it is allowed or not."""
        on = self.number if number is None else number
        head = len(payload).to_bytes(3) + bytes((kind, flags)) + on.to_bytes(4)
        self.peer.peer.send(head + payload)

    def flood(self, kind: int, payload: bytes = b"", *, number: int | None = None) -> None:
        """Many of the same frame."""
        head = len(payload).to_bytes(3) + bytes((kind, 0)) + (number or 0).to_bytes(4)
        self.peer.peer.send((head + payload) * _FLOOD)

    def close(self) -> None:
        """End the connection in an orderly way."""
        self.peer.peer.socket.shutdown(socket.SHUT_WR)


Deed: TypeAlias = Callable[[Asked], object]


class HTTP2Fault(Struct, frozen=True):
    """One way in which a server goes wrong.

    Args:
        about: what the server does, in one line.
        deed: how it answers each request.
        reads: it gives the window of request bodies back.
    """

    about: str
    deed: Deed
    reads: bool = True


def _reset(code: int, *, begun: bool = False, whole: bool = False) -> Deed:
    def deed(asked: Asked) -> None:
        if whole:
            response = asked.begin()
            rest = response.body[len(b"".join(cut_events(response, _EVENTS))) :]
            asked.peer.body(asked.number, rest)
        elif begun:
            asked.begin()
        elif code != _REFUSED:
            asked.respond()
        asked.peer.reset(asked.number, code)

    return deed


def _refuse_first(asked: Asked) -> None:
    if asked.number == 1:
        asked.peer.reset(asked.number, _REFUSED)
    else:
        asked.answer()


def _lost(*, begun: bool, ends: Callable[[Asked], object]) -> Deed:
    def deed(asked: Asked) -> None:
        if begun:
            asked.begin()
        else:
            asked.respond()
        ends(asked)

    return deed


def _leave(*, accepted: bool) -> Deed:
    def deed(asked: Asked) -> None:
        asked.peer.goaway(asked.number if accepted else 0)
        if accepted:
            asked.answer()

    return deed


def _leave_after(asked: Asked) -> None:
    asked.answer()
    asked.peer.goaway(asked.number)


def _leave_inside(asked: Asked) -> None:
    asked.begin()
    asked.peer.goaway(asked.number)
    asked.close()


def _bad(deed: Deed) -> Deed:
    """A frame, or several, before the answer, which does not follow."""

    def bad(asked: Asked) -> None:
        asked.respond()
        deed(asked)

    return bad


def _then_answer(deed: Deed) -> Deed:
    def both(asked: Asked) -> None:
        deed(asked)
        asked.answer()

    return both


def _hints(asked: Asked, times: int) -> None:
    for _ in range(times):
        asked.frame(_HEADERS, _HINTS, flags=_END_HEADERS)


def _empty_flood(asked: Asked) -> None:
    asked.begin()
    asked.flood(_DATA, number=asked.number)


def _continuation_flood(asked: Asked) -> None:
    asked.frame(_HEADERS)
    for _ in range(150):
        asked.frame(_CONTINUATION, _LONG)


def _interrupted_headers(asked: Asked) -> None:
    asked.frame(_HEADERS, b"\x88")
    asked.frame(_PING, bytes(8), number=0)


def _long_body(asked: Asked) -> None:
    """More bytes than the length that was declared."""
    asked.begin(("content-length", "10"))


def _short_body(asked: Asked) -> None:
    asked.begin(("content-length", "100000"))
    asked.peer.body(asked.number, b"", end=True)


HTTP2_FAULTS: Mapping[str, HTTP2Fault] = MappingProxyType(
    {
        "h2-reset-before-head": HTTP2Fault("resets the exchange before its head", _reset(_INTERNAL)),
        "h2-reset-in-body": HTTP2Fault("resets the exchange inside its body", _reset(_INTERNAL, begun=True)),
        "h2-reset-at-end": HTTP2Fault(
            "resets the exchange after its body, in place of the end", _reset(_NO_ERROR, whole=True)
        ),
        "h2-refuse": HTTP2Fault("refuses each exchange", _reset(_REFUSED)),
        "h2-refuse-first": HTTP2Fault("refuses the first exchange of a connection", _refuse_first),
        "h2-refuse-in-body": HTTP2Fault("refuses the exchange inside its body", _reset(_REFUSED, begun=True)),
        "h2-http-1.1-required": HTTP2Fault("demands HTTP/1.1", _reset(_HTTP1)),
        "h2-calm-down": HTTP2Fault("resets the exchange, and asks for calm", _reset(_CALM)),
        "h2-goaway-unaccepted": HTTP2Fault(
            "leaves (GOAWAY) before it has accepted the exchange", _leave(accepted=False)
        ),
        "h2-goaway-accepted": HTTP2Fault(
            "leaves after it has accepted the exchange, and answers it", _leave(accepted=True)
        ),
        "h2-goaway-after": HTTP2Fault("leaves after the answer", _leave_after),
        "h2-goaway-inside": HTTP2Fault("leaves and closes the connection inside the body", _leave_inside),
        "h2-close-before-head": HTTP2Fault(
            "closes the connection before the head", _lost(begun=False, ends=Asked.close)
        ),
        "h2-close-in-body": HTTP2Fault(
            "closes the connection inside the body", _lost(begun=True, ends=Asked.close)
        ),
        "h2-tcp-reset-before-head": HTTP2Fault(
            "resets the connection before the head",
            _lost(begun=False, ends=lambda asked: asked.peer.peer.reset()),
        ),
        "h2-stall-before-head": HTTP2Fault(
            "goes silent before the head", _lost(begun=False, ends=lambda asked: None)
        ),
        "h2-stall-in-body": HTTP2Fault(
            "goes silent inside the body", _lost(begun=True, ends=lambda asked: None)
        ),
        "h2-no-window": HTTP2Fault(
            "never gives the window of a large request back", Asked.answer, reads=False
        ),
        "h2-hints-first": HTTP2Fault(
            "sends 103 before the response", _then_answer(lambda asked: _hints(asked, 2))
        ),
        "h2-hints-forever": HTTP2Fault("sends 103 without end", _bad(lambda asked: _hints(asked, 150))),
        "h2-unknown-frames": HTTP2Fault(
            "sends frames of unknown kinds", _then_answer(lambda asked: asked.frame(99, b"?"))
        ),
        "h2-ping-flood": HTTP2Fault("floods with pings", _bad(lambda asked: asked.flood(_PING, bytes(8)))),
        "h2-settings-flood": HTTP2Fault("floods with settings", _bad(lambda asked: asked.flood(_SETTINGS))),
        "h2-empty-flood": HTTP2Fault("floods with empty frames of a body", _empty_flood),
        "h2-continuation-flood": HTTP2Fault("sends headers without end", _bad(_continuation_flood)),
        "h2-ping-malformed": HTTP2Fault(
            "sends a ping of five bytes", _bad(lambda asked: asked.frame(_PING, b"short", number=0))
        ),
        "h2-frame-too-long": HTTP2Fault(
            "sends a frame of 20,000 bytes", _bad(lambda asked: asked.frame(_DATA, bytes(20_000)))
        ),
        "h2-push": HTTP2Fault(
            "pushes an answer", _bad(lambda asked: asked.frame(_PUSH, bytes(4), flags=_END_HEADERS))
        ),
        "h2-body-first": HTTP2Fault(
            "sends a body without a head", _bad(lambda asked: asked.frame(_DATA, b"data"))
        ),
        "h2-head-malformed": HTTP2Fault(
            "sends a head without a status",
            _bad(lambda asked: asked.frame(_HEADERS, b"\x10\x01x\x01y", flags=_END_HEADERS)),
        ),
        "h2-headers-garbled": HTTP2Fault(
            "sends headers that cannot be decompressed",
            _bad(lambda asked: asked.frame(_HEADERS, b"\xff\xff\xff\xff", flags=_END_HEADERS)),
        ),
        "h2-headers-interrupted": HTTP2Fault(
            "sends another frame inside the headers", _bad(_interrupted_headers)
        ),
        "h2-length-short": HTTP2Fault("sends more than the declared length", _long_body),
        "h2-length-long": HTTP2Fault("sends less than the declared length", _short_body),
    }
)
"""Every fault by its name."""


class HTTP2Server(Loopback):
    """A fake provider over HTTP/2 without TLS, in a thread for each connection.

    Attributes:
        fault: what goes wrong, from the next request or, for what is read, the next connection on.
        connections: how many are open now.
    """

    def __init__(self) -> None:
        self.raw = RawServer(self._serve)
        request = self.raw.post()
        super().__init__(FakeProvider("openai"), request.host, request.port, request.scheme)
        self.fault: HTTP2Fault | None = None
        self.connections = 0

    def _serve(self, raw: Peer) -> None:
        self.connections += 1
        try:
            peer = HTTP2Peer(raw, reads=self.fault is None or self.fault.reads)
            with contextlib.suppress(h2.exceptions.ProtocolError):  # the client has ended it meanwhile
                while (asked := peer.whole_request()) is not None:
                    number, request = asked
                    deed = Asked.answer if self.fault is None else self.fault.deed
                    with contextlib.suppress(h2.exceptions.StreamClosedError):
                        deed(Asked(peer, number, lambda: self.provider.respond(request)))  # noqa: B023
            raw.wait_for_close()
        finally:
            self.connections -= 1
