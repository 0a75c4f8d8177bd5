"""Faults of a response before it is written as HTTP, and those of the wire that a response can express."""

from __future__ import annotations

import zlib
from functools import cache
from typing import assert_never

from msgspec import structs

from sansio.http import Headers
from sansio.testing.faults.deeds import (
    Cut,
    Drip,
    Flood,
    Gzip,
    GzipBomb,
    LargeHead,
    Place,
    Then,
    WireDeed,
)
from sansio.testing.script import Ending, FakeResponse

_GZIP_WINDOW = 16 + zlib.MAX_WBITS
_MEMBER_SIZE = 16 * 1024 * 1024
_MEMBERS = 64  # 1 GiB of them; a gzip file may have any number of members (RFC 1952, section 2.2)
_BOOM = b"boom boom boom boom boom boom!! "
_BLOCK = b"<p>Something went wrong here. Please do try again a little later!</p>".ljust(65_535) + b"\n"


def events_of(response: FakeResponse) -> tuple[bytes, ...]:
    """The events of a stream, or a whole answer in two halves, so that there is a place to cut it."""
    if len(response.pieces) > 1:
        return response.pieces
    body = response.body
    return body[: len(body) // 2], body[len(body) // 2 :]


def cut_events(response: FakeResponse, at: int) -> tuple[bytes, ...]:
    """The first `at` events; never the last, without which a stream has no end marker."""
    events = events_of(response)
    return events[: min(at, len(events) - 1)]


def changed(deed: Gzip | GzipBomb | LargeHead, response: FakeResponse) -> FakeResponse:
    """The response with its fault."""
    match deed:
        case Gzip(corrupt=corrupt):
            pieces = _compress(response.pieces)
            if corrupt:
                half = len(pieces) // 2
                broken = bytes(byte ^ 0x55 for byte in b"".join(pieces[half:]))
                pieces = (*pieces[:half], broken)
            return structs.replace(response, headers=_gzipped(response.headers), pieces=pieces)
        case GzipBomb(status=status, content_type=content_type):
            headers = _gzipped((("content-type", content_type),))
            return FakeResponse(status=status, headers=headers, pieces=(_member(),) * _MEMBERS)
        case LargeHead(count=count, size=size):
            filler: Headers = tuple((f"x-filler-{n}", "x" * size) for n in range(count))
            return structs.replace(response, headers=response.headers + filler)
        case _:
            assert_never(deed)


def in_memory(deed: WireDeed, response: FakeResponse) -> FakeResponse:
    """A fault of the wire for a transport without a wire.

    Raises:
        ValueError: it is a fault of HTTP's framing, which cannot be expressed without HTTP.
    """
    match deed:
        case Cut(place=Place.BEFORE_HEAD | Place.HEAD, then=then):
            return FakeResponse(silent=True, ending=_ENDINGS[then])
        case Cut(place=Place.BODY, at=at, then=then):
            return structs.replace(response, pieces=(response.body[:at],), ending=_ENDINGS[then])
        case Cut(place=Place.EVENT, at=at, then=then):
            return structs.replace(response, pieces=cut_events(response, at), ending=_ENDINGS[then])
        case Cut(place=Place.END, then=then):
            return structs.replace(response, ending=_ENDINGS[then])
        case Drip(seconds=0.0):
            body = response.body
            return structs.replace(response, pieces=tuple(body[n : n + 1] for n in range(len(body))))
        case Flood():
            return flood(deed)
        case _:
            raise ValueError(f"{deed}: a fault of HTTP's framing or of a socket; in memory there is neither")


def flood(deed: Flood) -> FakeResponse:
    """The error with its large body, whose pieces are all the same object."""
    blocks = -(-deed.size // len(_BLOCK))
    headers: Headers = (("content-type", "text/plain"),)
    return FakeResponse(status=deed.status, headers=headers, pieces=(_BLOCK,) * blocks)


_ENDINGS = {
    Then.FINISH: Ending.FINISH,
    Then.CLOSE: Ending.DROP,
    Then.RESET: Ending.DROP,
    Then.HALF_CLOSE: Ending.DROP,
    Then.STALL: Ending.HOLD,
}


def _gzipped(headers: Headers) -> Headers:
    return (*headers, ("content-encoding", "gzip"))


def _compress(pieces: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """Each piece compressed so that it can be decoded as soon as it arrives."""
    deflate = zlib.compressobj(wbits=_GZIP_WINDOW)
    compressed = [deflate.compress(piece) + deflate.flush(zlib.Z_SYNC_FLUSH) for piece in pieces]
    return (*compressed, deflate.flush())


@cache
def _member() -> bytes:
    deflate = zlib.compressobj(wbits=_GZIP_WINDOW)
    return deflate.compress(_BOOM * (_MEMBER_SIZE // len(_BOOM))) + deflate.flush()
