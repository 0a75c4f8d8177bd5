"""Faults of the wire: a response and its fault in, actions for a socket out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import Enum
from itertools import chain
from typing import TypeAlias, assert_never

from msgspec import Struct, structs

from sansio.http import header
from sansio.testing.faults.actions import Action, Close, Deliver, HalfClose, Pause, Reset, Stall
from sansio.testing.faults.deeds import (
    ChunkLine,
    Cut,
    Drip,
    Filler,
    Flood,
    HeadLines,
    Length,
    OldHTTP,
    Place,
    Prefix,
    Suffix,
    Then,
    WireDeed,
)
from sansio.testing.faults.responses import cut_events, flood
from sansio.testing.script import Ending, FakeResponse

_LAST_CHUNK = b"0\r\n\r\n"
_COMMENT = b": keep-alive\n\n"


class _Framing(Enum):
    CHUNKED = "transfer-encoding: chunked\r\n"
    LENGTH = "content-length: {}\r\n"
    NONE = ""


class _Wire(Struct, frozen=True):
    """A response in HTTP/1.1, its parts in the order of the wire."""

    head: bytes
    body: tuple[bytes, ...]
    end: bytes
    after: tuple[Action, ...] = ()

    @property
    def whole(self) -> tuple[bytes, ...]:
        return self.head, *self.body, self.end


_Steps: TypeAlias = Iterator[Action]


def steps(deed: WireDeed, response: FakeResponse) -> Iterator[Action]:
    """What the server does to answer with this response and this fault.

    It may never end, and large bodies are made as they are taken.
    """
    if response.silent:
        return iter(_after(response))
    match deed:
        case Cut():
            return _cut(deed, response)
        case Drip(seconds=seconds):
            return _drip(_encode(response), seconds)
        case Filler(at=at, seconds=seconds):
            return _fill(_encode(response, _Framing.CHUNKED), at, _filler(response), seconds)
        case Flood():
            return _chunked(flood(deed))
        case OldHTTP(at=at):
            pieces = response.pieces if at is None else cut_events(response, at)
            head = _head(response, _Framing.NONE, version="1.0")
            return chain(_deliver((head, *pieces)), (Close(),))
        case Prefix(data=data, again=again, seconds=seconds):
            rest = _repeat(again, seconds) if again else _send(_encode(response))
            return chain(_deliver((data,)), rest)
        case Suffix():
            return _append(deed, response)
        case Length(percent=percent, then=then):
            size = len(response.body) * percent // 100
            head = _head(response, _Framing.LENGTH, size)
            return chain(_deliver((head, *response.pieces)), _then(then))
        case HeadLines(lines=lines, framed=framed):
            wire = _encode(response)
            head = wire.head if framed else _head(response, _Framing.NONE)
            return _send(_Wire(head[:-2] + lines + b"\r\n", wire.body, wire.end, wire.after))
        case ChunkLine():
            return _break_chunk(deed, _encode(response, _Framing.CHUNKED))
        case _:
            assert_never(deed)


def _cut(deed: Cut, response: FakeResponse) -> _Steps:
    # Without the length, the client could not see that something is missing.
    told = deed.then is Then.FINISH or deed.place is Place.END
    framing = _Framing.CHUNKED if told else None
    wire = _encode(response, framing)
    sent: tuple[bytes, ...]
    match deed.place:
        case Place.BEFORE_HEAD:
            sent = ()
        case Place.HEAD:
            sent = (wire.head[: deed.at],)
        case Place.BODY:
            sent = (wire.head, b"".join((*wire.body, wire.end))[: deed.at])
        case Place.EVENT:
            cut = structs.replace(response, pieces=cut_events(response, deed.at))
            sent = (wire.head, *_encode(cut, framing or _framing(response)).body)
        case Place.END:
            sent = (wire.head, *wire.body)
        case _:
            assert_never(deed.place)
    end = wire.end if deed.then is Then.FINISH else b""
    return chain(_deliver((*sent, end)), _then(deed.then))


def _then(then: Then) -> tuple[Action, ...]:
    match then:
        case Then.FINISH:
            return ()
        case Then.CLOSE:
            return (Close(),)
        case Then.RESET:
            return (Reset(),)
        case Then.STALL:
            return (Stall(),)
        case Then.HALF_CLOSE:
            return (HalfClose(),)
        case _:
            assert_never(then)


def _after(response: FakeResponse) -> tuple[Action, ...]:
    """The ending that the provider itself wants for its response."""
    match response.ending:
        case Ending.FINISH:
            return (Close(),) if response.silent else ()
        case Ending.DROP:
            return (Close(),)
        case Ending.HOLD:
            return (Stall(),)
        case _:
            assert_never(response.ending)


def _drip(wire: _Wire, seconds: float) -> _Steps:
    for byte in b"".join(wire.whole):
        yield Deliver(bytes((byte,)))
        if seconds:
            yield Pause(seconds)
    yield from wire.after


def _break_chunk(deed: ChunkLine, wire: _Wire) -> _Steps:
    chunks = list(wire.body)
    at = min(deed.at, len(chunks) - 1)
    size, _, rest = chunks[at].partition(b"\r\n")
    chunks[at] = (size if deed.sized else b"") + deed.line + b"\r\n" + rest
    return _send(_Wire(wire.head, tuple(chunks), wire.end, wire.after))


def _fill(wire: _Wire, at: int, filler: bytes, seconds: float) -> _Steps:
    return chain(_deliver((wire.head, *wire.body[:at])), _repeat(_chunk(filler), seconds))


def _repeat(data: bytes, seconds: float) -> _Steps:
    while True:
        yield Deliver(data)
        yield Pause(seconds)


def _filler(response: FakeResponse) -> bytes:
    return _COMMENT if _is_stream(response) else b"\n"


def _append(deed: Suffix, response: FakeResponse) -> _Steps:
    if deed.inside:
        return _send(_encode(structs.replace(response, pieces=(*response.pieces, deed.data))))
    wire = _encode(response)
    last = wire.end or wire.body[-1]
    # In one write with the end, so that they have arrived when the response ends.
    body = wire.body if wire.end else wire.body[:-1]
    return _send(_Wire(wire.head, body, last + deed.data, wire.after))


def _chunked(response: FakeResponse) -> _Steps:
    """A large response, one chunk after the other."""
    yield Deliver(_head(response, _Framing.CHUNKED))
    for piece in response.pieces:
        yield Deliver(_chunk(piece))
    yield Deliver(_LAST_CHUNK)


def _send(wire: _Wire) -> _Steps:
    return chain(_deliver(wire.whole), wire.after)


def _deliver(pieces: Iterable[bytes]) -> _Steps:
    return (Deliver(piece) for piece in pieces if piece)


def _encode(response: FakeResponse, framing: _Framing | None = None) -> _Wire:
    framing = framing or _framing(response)
    after = _after(response)
    finished = response.ending is Ending.FINISH
    if framing is _Framing.CHUNKED:
        body = tuple(_chunk(piece) for piece in response.pieces if piece)
        return _Wire(_head(response, framing), body, _LAST_CHUNK if finished else b"", after)
    return _Wire(_head(response, framing, len(response.body)), response.pieces, b"", after)


def _framing(response: FakeResponse) -> _Framing:
    """Framing as in `FakeConnection`: a length for a whole body, chunks for a stream."""
    whole = response.ending is Ending.FINISH and not _is_stream(response)
    return _Framing.LENGTH if whole else _Framing.CHUNKED


def _is_stream(response: FakeResponse) -> bool:
    return (header(response.headers, "content-type") or "").startswith("text/event-stream")


def _head(response: FakeResponse, framing: _Framing, size: int = 0, *, version: str = "1.1") -> bytes:
    lines = [f"HTTP/{version} {response.status} \r\n"]
    lines += [f"{name}: {value}\r\n" for name, value in response.headers]
    lines += [framing.value.format(size), "\r\n"]
    return "".join(lines).encode("latin-1")


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)
