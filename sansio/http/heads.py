"""The heads of HTTP/1.1 responses: where they end, and what they say (RFC 9112, sections 4 and 5)."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from msgspec import Struct

from sansio.errors import RemoteProtocolError
from sansio.http.messages import Headers
from sansio.http.syntax import TOKEN_CHARS, VALUE_CHARS

if TYPE_CHECKING:
    import h11

# A final response as nearly all servers send it: HTTP/1.1, every line ended by CRLF, no folded line.
_PLAIN = re.compile(
    rb"HTTP/1\.1 ([2-9][0-9][0-9])(?: [\t\x20-\x7e]*+)?\r\n"
    + rf"((?:[{TOKEN_CHARS}]++:[{VALUE_CHARS}]*+\r\n)++)\r\n".encode()
)
_FRAMING = frozenset(("content-length", "transfer-encoding", "connection"))
_MOST_DIGITS = 15


class ResponseHead(Struct, frozen=True):
    """The contents of a response's head.

    Args:
        keeps: whether the connection can carry another exchange after this response.
    """

    status: int
    headers: Headers
    keeps: bool


def head_end(data: bytearray, searched: int) -> int | None:
    """Where the head in `data` ends, its blank line included; CRLF or a bare LF ends a line."""
    if data.startswith((b"\n", b"\r\n")):
        return data.index(b"\n") + 1
    start = max(0, searched - 2)
    ends = [at + len(blank) for blank in (b"\n\n", b"\n\r\n") if (at := data.find(blank, start)) != -1]
    return min(ends, default=None)


def read_head(data: bytes, method: str) -> ResponseHead | None:
    """Read a whole head; `None` for an informational one.

    Args:
        method: the request's method.

    Raises:
        RemoteProtocolError: the head is malformed, or switches protocols.
    """
    # One regular expression reads most heads in a fraction of h11's time, without importing h11.
    plain = _read_plain(data)
    return plain if plain is not None else _read_by_h11(data, method)


def _read_plain(data: bytes) -> ResponseHead | None:
    """Read an ordinary head; `None` for any other, which h11 then reads."""
    match = _PLAIN.fullmatch(data)
    if match is None:
        return None
    headers: list[tuple[str, str]] = []
    framing: dict[str, str] = {}
    for line in match[2].decode("latin-1").split("\r\n")[:-1]:
        name, _, value = line.partition(":")
        name, value = name.lower(), value.strip(" \t")
        if name in _FRAMING:
            if name in framing:
                return None
            framing[name] = value
        headers.append((name, value))
    if not _is_plainly_framed(framing):
        return None
    return ResponseHead(int(match[1]), tuple(headers), keeps=True)


def _is_plainly_framed(framing: dict[str, str]) -> bool:
    """Whether the body has a length or is sent in chunks, and the connection stays open."""
    length, coding = framing.get("content-length"), framing.get("transfer-encoding")
    if framing.get("connection", "keep-alive").lower() != "keep-alive":
        return False
    if length is None:
        return coding == "chunked"
    return coding is None and length.isdecimal() and len(length) <= _MOST_DIGITS


def _read_by_h11(data: bytes, method: str) -> ResponseHead | None:
    """Read any head; see `read_head`."""
    import h11  # late: most programs never meet an unusual head

    connection = h11.Connection(h11.CLIENT)
    connection.send(_minimal_request(method))
    connection.send(h11.EndOfMessage())
    fault = None
    try:
        connection.receive_data(data)
        event = connection.next_event()
    except h11.RemoteProtocolError as error:
        fault = _malformed(error)
    if fault is not None:
        raise fault  # raised here: h11's error quotes the peer's bytes and must not be its context
    if isinstance(event, h11.InformationalResponse):
        return None
    assert isinstance(event, h11.Response)  # the head is whole, and a 101 was refused above
    headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in event.headers)
    keeps = connection.our_state is h11.DONE and not is_framed_twice(headers)
    return ResponseHead(event.status_code, headers, keeps=keeps)


def is_framed_twice(headers: Headers) -> bool:
    """Whether a head says where its body ends in two ways.

    A proxy on the way may have chosen the other of the two, and then the connection's next bytes are not the
    next response. RFC 9112, section 6.3, therefore requires that such a connection is closed.

    Args:
        headers: names in lower case.
    """
    return len({name for name, _ in headers} & {"content-length", "transfer-encoding"}) == 2


@lru_cache(maxsize=4)  # h11 checks each new request object, which takes longer than reading a head
def _minimal_request(method: str) -> h11.Request:
    """The minimal request that h11 needs before it reads the response."""
    import h11

    return h11.Request(method=method, target="/", headers=[("host", "-"), ("content-length", "0")])


def _malformed(error: h11.RemoteProtocolError) -> RemoteProtocolError:
    """The error with h11's words, without the bytes that they quote, which may hold a key."""
    error.__traceback__ = None  # its frames hold the error itself and the driver's frames: a reference cycle
    words = str(error).partition(": bytearray(")[0]
    if "_SWITCH_UPGRADE" in words:  # a 101, which no request asks for
        words = "the server switched protocols"
    return RemoteProtocolError(f"malformed HTTP: {words}")
