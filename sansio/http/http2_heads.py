"""The heads of HTTP/2 (RFC 9113, section 8): a request as its fields, and a response from its fields.

h2's checks of both are switched off: they would end the whole connection for a fault of one exchange.
"""

from __future__ import annotations

from collections.abc import Iterable

from sansio.http.messages import Head, Request
from sansio.http.syntax import is_header_value, is_token, is_visible

_HOP_BY_HOP = frozenset(
    ("connection", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade")
)
"""Headers of one HTTP/1.1 connection, which HTTP/2 forbids: section 8.2.2."""


def read_head(fields: Iterable[tuple[bytes, bytes]]) -> Head | None:
    """A response's head from its fields: section 8.3.2.

    Returns:
        The head; `None` if the fields are malformed.
    """
    status = 0
    headers: list[tuple[str, str]] = []
    for raw_name, raw_value in fields:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1").strip(" \t")
        if name == ":status" and not (status or headers) and len(value) == 3 and value.isascii():
            status = int(value) if value.isdecimal() else 0
        elif is_token(name) and name == name.lower() and name not in _HOP_BY_HOP and is_header_value(value):
            headers.append((name, value))
        else:
            return None
    return Head(status, tuple(headers)) if status >= 200 else None


def write_head(request: Request) -> list[tuple[bytes, bytes]] | None:
    """The headers of a request: section 8.3.1.

    Returns:
        The headers; `None` if the request cannot be written. An error raised here would show the key to a
        traceback with locals.
    """
    sound = is_token(request.method) and is_visible(request.target)
    length = "0"
    fields: list[tuple[bytes, bytes]] = []
    authority = b""
    for name, value in request.headers:
        sound = sound and is_token(name) and is_header_value(value)
        if not sound:
            break
        lower = name.lower()
        if lower == "content-length":
            length = value
        if lower == "host":
            authority = value.encode("latin-1")
        elif lower not in _HOP_BY_HOP:
            fields.append((lower.encode("ascii"), value.encode("latin-1")))
    if not sound or length != str(len(request.body)):
        return None
    pseudo = (
        (b":method", request.method.encode("ascii")),
        (b":scheme", request.scheme.encode("ascii")),
        (b":authority", authority),
        (b":path", request.target.encode("ascii")),
    )
    return [*pseudo, *fields]
