"""What can go wrong at a server, as frozen structures without behaviour.

There are four groups, by where they act: at the port, when a connection is accepted, in the response before
it is written as HTTP, and in the bytes on the wire.
"""

from __future__ import annotations

from enum import Enum
from typing import Literal, TypeAlias

from msgspec import Struct

from sansio.testing.script import Outcome


class Then(Enum):
    """What follows a cut."""

    FINISH = "finish"
    """The response ends correctly by HTTP, as if it were whole."""
    CLOSE = "close"
    RESET = "reset"
    STALL = "stall"
    HALF_CLOSE = "half-close"


class Place(Enum):
    """Where a response is cut."""

    BEFORE_HEAD = "before-head"
    HEAD = "in-head"
    """After this many bytes of the head."""
    BODY = "after"
    """After this many bytes of the body, its framing included."""
    EVENT = "at-event"
    """After this many events of a stream, or in the middle of a whole answer."""
    END = "at-end"
    """After the whole body, but before the last chunk that would end it."""


class Refuse(Struct, frozen=True):
    """The port is bound, but nothing listens there."""


Flaw: TypeAlias = Literal["wrong-name", "unknown-ca", "expired"]
"""What is wrong with a certificate."""


class BadCertificate(Struct, frozen=True):
    """The certificate is invalid. The server must be given such a certificate: nothing here can make one."""

    flaw: Flaw


class NoTLS(Struct, frozen=True):
    """The server speaks plain HTTP where the client expects TLS."""


class AtAccept(Struct, frozen=True):
    """The connection ends, or goes silent, as soon as it is made, before TLS."""

    then: Literal[Then.CLOSE, Then.RESET, Then.STALL]


class Instead(Struct, frozen=True):
    """Answers get these outcomes in turn, again and again; `None` is the provider's own answer."""

    outcomes: tuple[Outcome | None, ...]


class Status(Struct, frozen=True):
    """Every answer is an error in the provider's own shape.

    Raises:
        ValueError: the status is not an error status.
    """

    status: int

    def __post_init__(self) -> None:
        if not 400 <= self.status < 600:
            raise ValueError(f"status: {self.status} is not an error status; use one from 400 to 599")


class Gzip(Struct, frozen=True):
    """The body is compressed, event by event, though the client did not ask for it."""

    corrupt: bool = False
    """Its second half is not valid gzip."""


class GzipBomb(Struct, frozen=True):
    """A body of less than 3 MB that becomes 1 GiB."""

    status: int
    content_type: str


class LargeHead(Struct, frozen=True):
    """This many additional headers, of this many bytes each."""

    count: int
    size: int


class Cut(Struct, frozen=True):
    """The response stops before its end."""

    place: Place
    at: int
    then: Then


class Drip(Struct, frozen=True):
    """Each byte is sent on its own, with a pause before the next."""

    seconds: float = 0.0


class Filler(Struct, frozen=True):
    """After this many events only keep-alive comments follow, or white space in a whole answer."""

    at: int
    seconds: float = 0.01
    """Seconds between two of them."""


class Flood(Struct, frozen=True):
    """An error whose body has this many bytes. They are made as they are sent."""

    status: int
    size: int


class OldHTTP(Struct, frozen=True):
    """HTTP/1.0: neither length nor chunks; the body ends with the connection.

    Args:
        at: the body stops after this many events, or in the middle of a whole answer; `None`: it is whole.
    """

    at: int | None = None


class Prefix(Struct, frozen=True):
    """Bytes sent before the head.

    Args:
        data: the bytes.
        again: repeated after them without end, in place of the response; empty: the response follows.
        seconds: the pause between two repetitions.
    """

    data: bytes
    again: bytes = b""
    seconds: float = 0.001


class Suffix(Struct, frozen=True):
    """Bytes sent after the last event, inside the body or after its end."""

    data: bytes
    inside: bool


class Length(Struct, frozen=True):
    """A `content-length` of this percentage of the true one.

    Args:
        then: what follows the body.
    """

    percent: int
    then: Then


class HeadLines(Struct, frozen=True):
    """Lines added to the head unchanged, each with its line end.

    Args:
        framed: the response has its own framing headers too.
    """

    lines: bytes
    framed: bool = True


class ChunkLine(Struct, frozen=True):
    """After this many whole chunks, this line is sent in place of a chunk's size, then the rest of the body.

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
