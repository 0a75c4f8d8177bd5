"""How h11 reads an HTTP/1.1 response: the reference for any reader of HTTP."""

from __future__ import annotations

from typing import NamedTuple

import h11

from sansio.http import Headers


class Understood(NamedTuple):
    """How a response was read."""

    status: int
    headers: Headers
    body: bytes
    end: str
    reusable: bool


def by_h11(wire: bytes) -> Understood:
    """By h11 alone. A response that breaks off is broken."""
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="POST", target="/", headers=[("host", "-"), ("content-length", "0")]))
    connection.send(h11.EndOfMessage())
    status, body = 0, b""
    headers: Headers = ()
    connection.receive_data(wire)
    try:
        while True:
            match connection.next_event():
                case h11.Response() as head:
                    status = head.status_code
                    headers = tuple((key.decode("latin-1"), value.decode("latin-1"))
                                    for key, value in head.headers)  # fmt: skip
                case h11.Data() as data:
                    body += bytes(data.data)
                case h11.EndOfMessage():
                    states = (connection.our_state, connection.their_state)
                    reusable = states == (h11.DONE, h11.DONE) and connection.trailing_data == (b"", False)
                    return Understood(status, headers, body, "whole", reusable)
                case h11.NEED_DATA:
                    connection.receive_data(b"")  # the end, behind which it raises
    except h11.RemoteProtocolError:
        return Understood(status, headers, body, "broken", False)
