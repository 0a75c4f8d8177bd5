"""What the contracts share: one exchange, one failure, one certificate."""

from __future__ import annotations

import datetime
import socket
import ssl
from collections.abc import Callable
from typing import TypeAlias

import trustme

from sansio.errors import (
    RemoteProtocolError,
    TransportError,
)
from sansio.http import Body, End, Head, Request
from tests.transports.raw_server import PATIENCE, Peer
from transports.interface import Exchange, Transport

Make: TypeAlias = Callable[..., Transport]

CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
LAST = b"0\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


async def read(exchange: Exchange, until: type[Body | End] = End) -> tuple[Head, bytes]:
    """The head, and the body up to the first piece or the end."""
    head = await exchange.receive(PATIENCE)
    assert isinstance(head, Head)
    body = b""
    while True:
        match await exchange.receive(PATIENCE):
            case Body(data=data):
                body += data
                if until is Body:
                    return head, body
            case End():
                return head, body
            case Head():
                raise AssertionError("a second head")


async def fetch(transport: Transport, request: Request, *, fresh: bool = False) -> tuple[int, bytes]:
    """One whole exchange, closed with `aclose()`."""
    exchange = await transport.open(request, PATIENCE, fresh=fresh)
    try:
        head, body = await read(exchange)
        await exchange.aclose()
    finally:
        exchange.abort()
    return head.status, body


async def failure(
    transport: Transport,
    request: Request,
    *,
    opening: float | None = PATIENCE,
    sending: float | None = PATIENCE,
    reading: float | None = PATIENCE,
) -> TransportError | RemoteProtocolError:
    """The error that an exchange ends with."""
    exchange = None
    try:
        exchange = await transport.open(request, opening, write_timeout=sending)
        while not isinstance(await exchange.receive(reading), End):
            pass
    except (TransportError, RemoteProtocolError) as error:
        return error
    finally:
        if exchange is not None:
            exchange.abort()
    raise AssertionError("the exchange did not fail")


def free_port() -> int:
    """A port at which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def ca_and_server(*names: str, ends: datetime.datetime | None = None) -> tuple[trustme.CA, ssl.SSLContext]:
    """An authority, and a server that shows its certificate for these names."""
    ca = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    begins = None if ends is None else ends - datetime.timedelta(1)
    ca.issue_cert(*names, not_before=begins, not_after=ends).configure_cert(context)
    return ca, context


def trusting(ca: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    ca.configure_trust(context)
    return context


def silent(peer: Peer) -> None:
    peer.request()
    peer.wait_for_close()
