"""The heads of HTTP/1.1 responses: where they end, and what they say."""

from __future__ import annotations

import re
from typing import TypeAlias

from msgspec import Struct

Headers: TypeAlias = tuple[tuple[str, str], ...]
"""Names in lower case with their values, in the order of the wire."""

# RFC 9112, sections 4 and 5, and RFC 9110, section 5.5: an HTTP/1.1 response that has come for good, its
# lines ended by CRLF, nothing folded, no control character in a value.
_PLAIN = re.compile(
    rb"HTTP/1\.1 ([2-9][0-9][0-9])(?: [\t\x20-\x7e]*+)?\r\n"
    rb"((?:[-!#$%&'*+.^_`|~0-9A-Za-z]++:[\t\x20-\x7e\x80-\xff]*+\r\n)++)\r\n"
)
_FRAMING = frozenset(("content-length", "transfer-encoding", "connection"))
_MOST_DIGITS = 15


class ResponseHead(Struct, frozen=True):
    """What a head says.

    Args:
        keeps: whether the connection can carry another exchange after this response.
    """

    status: int
    headers: Headers
    keeps: bool


def header(headers: Headers, name: str) -> str | None:
    """The first value of a header; `name` in lower case, whatever case a transport gives."""
    for key, value in headers:
        if key.lower() == name:
            return value
    return None


def head_end(data: bytearray, searched: int) -> int | None:
    """Where the head in `data` ends, its blank line included; CRLF or a bare LF ends a line."""
    if data.startswith((b"\n", b"\r\n")):
        return data.index(b"\n") + 1
    start = max(0, searched - 2)
    ends = [at + len(blank) for blank in (b"\n\n", b"\n\r\n") if (at := data.find(blank, start)) >= 0]
    return min(ends, default=None)


def read_plain_head(data: bytes) -> ResponseHead | None:
    """Read a head as nearly all servers send it; `None` at the first doubt: then it takes a parser."""
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
    """Whether the body has a length, or comes in chunks, and the connection stays."""
    length, coding = framing.get("content-length"), framing.get("transfer-encoding")
    if framing.get("connection", "keep-alive").lower() != "keep-alive":
        return False
    if length is None:
        return coding == "chunked"
    return coding is None and length.isdecimal() and len(length) <= _MOST_DIGITS
