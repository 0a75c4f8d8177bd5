"""HTTP/1.1 responses that are nearly right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

_T = TypeVar("_T")


class Choices(Protocol):
    """Makes choices: a `random.Random`, which the caller seeds."""

    def random(self) -> float:
        """A number from 0 up to 1."""
        ...

    def randrange(self, stop: int, /) -> int:
        """A number of at least 0 and below `stop`."""
        ...

    def choice(self, seq: Sequence[_T], /) -> _T:
        """One of them."""
        ...


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


def nearly_http(random: Choices) -> bytes:
    """A response with one to four faults."""
    wire = random.choice(_SEEDS)
    for _ in range(random.choice((1, 1, 1, 2, 3, 4))):
        wire = random.choice(_MUTATIONS)(random, wire)
    return wire


def _place(random: Choices, wire: bytes) -> int:
    """Somewhere, and mostly where the bytes have a meaning: at the edge of a line or token."""
    edges = [at for at, byte in enumerate(wire) if byte in b"\r\n :;,"]
    at = random.choice(edges) if edges and random.random() < 0.7 else random.randrange(len(wire) + 1)
    return min(at + random.randrange(2), len(wire))


def _insert(random: Choices, wire: bytes) -> bytes:
    at = _place(random, wire)
    return wire[:at] + random.choice(_PIECES) + wire[at:]


def _replace(random: Choices, wire: bytes) -> bytes:
    at = _place(random, wire)
    return wire[:at] + random.choice((*_PIECES, bytes((random.randrange(256),)))) + wire[at + 1 :]


def _delete(random: Choices, wire: bytes) -> bytes:
    at = _place(random, wire)
    return wire[:at] + wire[at + random.choice((1, 1, 2, 4)) :]


def _double_line(random: Choices, wire: bytes) -> bytes:
    lines = wire.split(b"\r\n")
    at = random.randrange(len(lines))
    return b"\r\n".join([*lines[:at], lines[at], *lines[at:]])


def _move_line(random: Choices, wire: bytes) -> bytes:
    lines = wire.split(b"\r\n")
    line = lines.pop(random.randrange(len(lines)))
    lines.insert(random.randrange(len(lines) + 1), line)
    return b"\r\n".join(lines)


def _other_ends(random: Choices, wire: bytes) -> bytes:
    return wire.replace(b"\r\n", random.choice((b"\n", b"\r", b"\r\r\n")), random.choice((1, 2, 99)))


def _cut_off(random: Choices, wire: bytes) -> bytes:
    return wire[: random.randrange(len(wire) + 1)]


def _splice(random: Choices, wire: bytes) -> bytes:
    other = random.choice(_SEEDS)
    return wire[: _place(random, wire)] + other[_place(random, other) :]


def _other_case(random: Choices, wire: bytes) -> bytes:
    return wire.swapcase() if random.random() < 0.2 else wire.replace(b"\r\nC", b"\r\nc").replace(b"T", b"t")


_MUTATIONS: tuple[Callable[[Choices, bytes], bytes], ...] = (
    _insert, _insert, _insert, _replace, _replace, _delete, _double_line, _move_line, _other_ends, _cut_off,
    _splice, _other_case,
)  # fmt: skip
