"""What can go wrong at a server, as frozen structures: each says one thing, and does nothing itself.

There are four groups, by where they act: at the port, when a connection comes, in the response before it is
put into HTTP, and in the bytes on the wire.
"""

from __future__ import annotations

from enum import Enum
from typing import Literal, TypeAlias

from msgspec import Struct

from sansio.testing.script import Outcome


class Then(Enum):
    """What follows a cut."""

    FINISH = "finish"
    """The response ends as HTTP wants it, as if it were whole."""
    CLOSE = "close"
    RESET = "reset"
    STALL = "stall"
    HALF_CLOSE = "half-close"


class Place(Enum):
    """Where a response is cut."""

    BEFORE_HEAD = "before-head"
    HEAD = "in-head"
    """After so many bytes of the head."""
    BODY = "after"
    """After so many bytes of the body, its framing included."""
    EVENT = "at-event"
    """After so many events of a stream, and in the middle of a whole answer."""
    END = "at-end"
    """After the whole body, but before the last chunk that would end it."""


class Refuse(Struct, frozen=True):
    """The port is bound, and nobody listens there."""


Flaw: TypeAlias = Literal["wrong-name", "unknown-ca", "expired"]
"""What is wrong with a certificate."""


class BadCertificate(Struct, frozen=True):
    """The certificate is not to be believed. Whoever serves brings it along: nothing here can make one."""

    flaw: Flaw


class NoTLS(Struct, frozen=True):
    """Plain HTTP is spoken where the client wants TLS."""


class AtAccept(Struct, frozen=True):
    """The connection ends, or falls silent, as soon as it is made, before any TLS."""

    then: Literal[Then.CLOSE, Then.RESET, Then.STALL]


class Instead(Struct, frozen=True):
    """These outcomes are met, in turn and then from the first again; `None` is the provider's own."""

    outcomes: tuple[Outcome | None, ...]


class Status(Struct, frozen=True):
    """Every answer is an error of the provider's own shape.

    Raises:
        ValueError: the status is none of an error.
    """

    status: int

    def __post_init__(self) -> None:
        if not 400 <= self.status < 600:
            raise ValueError(f"status: {self.status} is no error; use one from 400 to 599")


class Gzip(Struct, frozen=True):
    """The body is compressed, event by event, though the client did not ask for it."""

    corrupt: bool = False
    """Its second half is no gzip."""


class GzipBomb(Struct, frozen=True):
    """A body of less than 3 MB that becomes 1 GiB."""

    status: int
    content_type: str


class LargeHead(Struct, frozen=True):
    """So many headers more, of so many bytes each."""

    count: int
    size: int


class Cut(Struct, frozen=True):
    """The response stops somewhere."""

    place: Place
    at: int
    then: Then


class Drip(Struct, frozen=True):
    """Each byte is sent on its own, with a pause before the next."""

    seconds: float = 0.0


class Filler(Struct, frozen=True):
    """After so many events there is nothing but keep-alive comments, or white space in a whole answer."""

    at: int
    seconds: float = 0.01
    """The time between two of them."""


class Flood(Struct, frozen=True):
    """An error whose body has so many bytes. They are made as they are sent."""

    status: int
    size: int


class OldHTTP(Struct, frozen=True):
    """HTTP/1.0: neither length nor chunks; the end of the connection is that of the body.

    Args:
        at: the body stops after so many events, or in the middle of a whole answer; `None`: it is whole.
    """

    at: int | None = None


class Prefix(Struct, frozen=True):
    """Bytes that come before the head.

    Args:
        data: what they are.
        again: what follows them for ever, in place of the response; nothing, where it is empty.
        seconds: the pause between two of those.
    """

    data: bytes
    again: bytes = b""
    seconds: float = 0.001


class Suffix(Struct, frozen=True):
    """Bytes that come after the last event, inside the body or behind its end."""

    data: bytes
    inside: bool


class Length(Struct, frozen=True):
    """A `content-length` of so many percent of the true one.

    Args:
        then: what follows the body.
    """

    percent: int
    then: Then


class HeadLines(Struct, frozen=True):
    """Lines put into the head as they are, each with its end.

    Args:
        framed: the response has its own framing headers too.
    """

    lines: bytes
    framed: bool = True


class ChunkLine(Struct, frozen=True):
    """After so many whole chunks comes this line in place of a chunk's size, then the rest of the body.

    Args:
        sized: the line begins with the true size.
    """

    at: int
    line: bytes
    sized: bool = False


PortDeed: TypeAlias = Refuse | BadCertificate | NoTLS
ResponseDeed: TypeAlias = Instead | Status | Gzip | GzipBomb | LargeHead
WireDeed: TypeAlias = Cut | Drip | Filler | Flood | OldHTTP | Prefix | Suffix | Length | HeadLines | ChunkLine
Deed: TypeAlias = PortDeed | AtAccept | ResponseDeed | WireDeed
