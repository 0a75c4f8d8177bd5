"""Responses that are nearly right, read by `HTTPExchange` and by h11: `python -m tests.laws.mutated 100000`.

Each number gives one mutated response, always the same, and the pieces that it arrives in. So a difference is
found again by its number.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from random import Random
from typing import NamedTuple

import h11

from sansio import Body, End, Head, HTTPExchange, Lost, Request
from sansio.http import Headers, Input

REQUEST = Request.post("http://localhost:8000/v1/chat", (), b"{}")

_CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n"
    b"5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nX-Trailer: a\r\n\r\n"
)
_INFORMED = (
    b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 429 Too Many\r\nRetry-After: 5\r\n"
    b"content-length: 2\r\n\r\n{}"
)
_SEEDS = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\nhello world",
    _CHUNKED,
    _INFORMED,
    b"HTTP/1.0 200 OK\r\nServer: x\r\n\r\nuntil the end",
    b"HTTP/1.1 204 No Content\r\nDate: Sat, 28 Nov 2026 10:00:00 GMT\r\n\r\n",
    b"HTTP/1.1 500 \r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
)
_PIECES = (
    b"\r\n", b"\n", b"\r", b" ", b"\t", b":", b";", b",", b"\x00", b"\x0b", b"\x7f", b"\x80", b"\xff",
    b"0", b"5", b"a", b"-", b"+", b"0x", b"_", b"chunked", b"gzip", b"close", b"0\r\n\r\n", b"\r\n\r\n",
    b"HTTP/1.1 ", b"HTTP/1.0 200 OK\r\n", b"HTTP/2 ", b"HTTP/1.1 100 \r\n\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\n\r\n", b"X:\r\n", b" folded\r\n", b"\r\n folded",
    b"Content-Length: 5\r\n", b"Content-Length: 11\r\n", b"content-length:0\r\n",
    b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: gzip\r\n", b"Connection: close\r\n",
    b"Connection: keep-alive, upgrade\r\n", b"Upgrade: h2c\r\n",
)  # fmt: skip
_OTHER_VERSION = re.compile(rb"^HTTP/(?!1)[0-9]\.[0-9] ", re.MULTILINE)
_FRAMING_LINE = re.compile(rb"^(?:content-length|transfer-encoding):", re.MULTILINE | re.IGNORECASE)


class Understood(NamedTuple):
    """How a response was read."""

    status: int
    headers: Headers
    body: bytes
    end: str
    reusable: bool


def mutated(number: int) -> tuple[bytes, list[bytes]]:
    """A response with one to four faults, and its pieces."""
    random = Random(number)
    wire = random.choice(_SEEDS)
    for _ in range(random.choice((1, 1, 1, 2, 3, 4))):
        wire = random.choice(_MUTATIONS)(random, wire)
    cuts = sorted(random.randrange(len(wire) + 1) for _ in range(random.choice((0, 0, 1, 3, len(wire)))))
    return wire, [wire[start:end] for start, end in zip([0, *cuts], [*cuts, len(wire)], strict=True)]


def _place(random: Random, wire: bytes) -> int:
    """Somewhere, and mostly where the bytes have a meaning: at the edge of a line or token."""
    edges = [at for at, byte in enumerate(wire) if byte in b"\r\n :;,"]
    at = random.choice(edges) if edges and random.random() < 0.7 else random.randrange(len(wire) + 1)
    return min(at + random.randrange(2), len(wire))


def _insert(random: Random, wire: bytes) -> bytes:
    at = _place(random, wire)
    return wire[:at] + random.choice(_PIECES) + wire[at:]


def _replace(random: Random, wire: bytes) -> bytes:
    at = _place(random, wire)
    return wire[:at] + random.choice((*_PIECES, bytes((random.randrange(256),)))) + wire[at + 1 :]


def _delete(random: Random, wire: bytes) -> bytes:
    at = _place(random, wire)
    return wire[:at] + wire[at + random.choice((1, 1, 2, 4)) :]


def _double_line(random: Random, wire: bytes) -> bytes:
    lines = wire.split(b"\r\n")
    at = random.randrange(len(lines))
    return b"\r\n".join([*lines[:at], lines[at], *lines[at:]])


def _move_line(random: Random, wire: bytes) -> bytes:
    lines = wire.split(b"\r\n")
    line = lines.pop(random.randrange(len(lines)))
    lines.insert(random.randrange(len(lines) + 1), line)
    return b"\r\n".join(lines)


def _other_ends(random: Random, wire: bytes) -> bytes:
    return wire.replace(b"\r\n", random.choice((b"\n", b"\r", b"\r\r\n")), random.choice((1, 2, 99)))


def _cut_off(random: Random, wire: bytes) -> bytes:
    return wire[: random.randrange(len(wire) + 1)]


def _splice(random: Random, wire: bytes) -> bytes:
    other = random.choice(_SEEDS)
    return wire[: _place(random, wire)] + other[_place(random, other) :]


def _other_case(random: Random, wire: bytes) -> bytes:
    return wire.swapcase() if random.random() < 0.2 else wire.replace(b"\r\nC", b"\r\nc").replace(b"T", b"t")


_MUTATIONS: tuple[Callable[[Random, bytes], bytes], ...] = (
    _insert, _insert, _insert, _replace, _replace, _delete, _double_line, _move_line, _other_ends, _cut_off,
    _splice, _other_case,
)  # fmt: skip


def by_h11(wire: bytes) -> Understood:
    """By h11 alone. A response that breaks off is broken."""
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="POST", target="/", headers=[("host", "-"), ("content-length", "0")]))
    connection.send(h11.EndOfMessage())
    status, body = 0, b""
    headers: Headers = ()
    try:
        for piece in (wire, b""):
            connection.receive_data(piece)
            while (event := connection.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
                match event:
                    case h11.Response():
                        status = event.status_code
                        headers = tuple((key.decode("latin-1"), value.decode("latin-1"))
                                        for key, value in event.headers)  # fmt: skip
                    case h11.Data():
                        body += bytes(event.data)
                    case h11.EndOfMessage():
                        states = (connection.our_state, connection.their_state)
                        reusable = states == (h11.DONE, h11.DONE) and connection.trailing_data == (b"", False)
                        return Understood(status, headers, body, "whole", reusable)
    except h11.RemoteProtocolError:
        pass
    return Understood(status, headers, body, "broken", False)


def by_exchange(pieces: list[bytes]) -> Understood:
    """As read by an exchange."""
    exchange = HTTPExchange(REQUEST)
    inputs: list[Input] = []
    for piece in pieces:
        inputs += exchange.receive_data(piece)
    reusable = exchange.reusable
    inputs += exchange.receive_eof()
    head = inputs[0] if isinstance(inputs[0], Head) else Head(0)
    body = b"".join(value.data for value in inputs if isinstance(value, Body))
    end = "whole" if isinstance(inputs[-1], End) else "broken"
    assert isinstance(inputs[-1], (End, Lost))
    return Understood(head.status, head.headers, body, end, reusable)


def known_difference(wire: bytes, theirs: Understood, ours: Understood) -> str | None:
    """The name of the class that a difference belongs to; `None` if it is not a known one."""
    if ours.status == 0 and _OTHER_VERSION.search(wire):
        return "a major version that is not 1"  # read as HTTP/1.x by h11, refused here
    framing = {name for name, _ in ours.headers} & {"content-length", "transfer-encoding"}
    if len(framing) == 2 and ours == theirs._replace(reusable=False):
        return "framed twice"  # kept by h11, not kept here (RFC 9112, section 6.3)
    if ours.end == "whole" and ours[:3] == theirs[:3] and _FRAMING_LINE.search(wire.partition(b"0\r\n")[2]):
        return "framing in trailers"  # checked by h11, dropped unread here, as all trailers are
    return None


def differences(numbers: range) -> Iterator[tuple[int, str | None, Understood, Understood]]:
    """The responses that the two read differently: number, known class, h11's reading and ours."""
    for number in numbers:
        wire, pieces = mutated(number)
        theirs, ours = by_h11(wire), by_exchange(pieces)
        if theirs != ours:
            yield number, known_difference(wire, theirs, ours), theirs, ours


def main(count: int, first: int = 0) -> int:
    """Compare `count` responses, and print how many differ, by class; 1 if one differs in an unknown way."""
    classes: Counter[str] = Counter()
    for number, kind, theirs, ours in differences(range(first, first + count)):
        classes[kind or "unknown"] += 1
        if kind is None:
            print(f"{number}: {mutated(number)[0]!r}\n  h11:  {theirs}\n  ours: {ours}")
    print(f"{count} responses, first {first}: {dict(classes) or 'no difference'}")
    return int("unknown" in classes)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
