"""Tapes: the inputs from all exchanges of one call, in order, whatever their server does."""

from __future__ import annotations

import zlib
from functools import cache

from hypothesis import strategies as st

from sansio import (
    APIConnectionError,
    APITimeoutError,
    Body,
    End,
    Head,
    Lost,
    RemoteProtocolError,
    TransportError,
)
from sansio.http import Headers, Input
from sansio.testing.script import Failure, model_type, spoken
from sansio.testing.strategies.answers import answers
from sansio.testing.strategies.cuts import chunkings
from sansio.testing.strategies.hostile import hostile_json, hostile_streams
from sansio.testing.strategies.streams import streams
from sansio.testing.wire import encode_whole
from sansio.testing.wires.registry import failed

_STREAMS: tuple[Headers, ...] = (
    (("content-type", "text/event-stream"),),
    (
        ("content-type", "Text/Event-Stream; charset=utf-8"),
        ("request-id", "req_1"),
        ("x-request-id", "req_2"),
    ),
    (),
)
_WHOLES: tuple[Headers, ...] = (
    (("content-type", "application/json"),),
    (("content-type", "application/problem+json; charset=utf-8"),),
)
_OTHERS: tuple[Headers, ...] = (
    (("content-type", "text/html"),),
    (("content-type", "text/plain"), ("content-encoding", "br")),
    (("content-encoding", "gzip"),),
    (("content-encoding", "deflate"),),
)
_ASKING: tuple[Headers, ...] = (
    (),
    (("retry-after", "1"),),
    (("retry-after", "3600"),),
    (("retry-after-ms", "1500"), ("x-should-retry", "false")),
    (("retry-after", "Wed, 21 Oct 2026 07:28:03 GMT"), ("date", "Wed, 21 Oct 2026 07:28:00 GMT")),
    (("retry-after", "-1"), ("x-should-retry", "true")),
    (("retry-after", "9" * 400), ("content-type", "text/html")),
)
_STATUSES = (300, 302, 400, 401, 403, 404, 408, 413, 422, 429, 500, 502, 503, 504, 529, 999)

_WINDOWS = {"gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS, "Deflate": -zlib.MAX_WBITS}
"""Codings and what zlib calls them; the last is bare deflate, which some servers send."""

_LOSSES: tuple[TransportError | RemoteProtocolError, ...] = (
    APIConnectionError("the connection was reset"),
    APIConnectionError("the idle connection was closed", reused=True),
    APITimeoutError("no byte arrived", field="read_timeout"),
    RemoteProtocolError("malformed HTTP"),
)


def tapes(dialect: str) -> st.SearchStrategy[list[Input]]:
    """The inputs of up to three attempts of a call; `sansio.testing.tape.play` drives a call with them.

    Connections are lost before, inside and after the answer; statuses of every kind have the
    provider's error or anything else as their body; answers are whole or streamed, valid or hostile,
    compressed or only declared so, with a right or wrong content type; and bodies are cut anywhere.
    Each exchange ends with one `End` or `Lost`.

    Raises:
        ValueError: there is no fake for the dialect.
    """
    spoken(dialect)
    exchange = _exchanges(dialect)
    return st.lists(exchange, max_size=3).map(lambda attempts: [value for each in attempts for value in each])


@cache
@st.composite
def _exchanges(draw: st.DrawFn, type: str) -> list[Input]:
    kind = draw(st.sampled_from(("stream", "whole", "status", "lost", "anything")))
    match kind:
        case "lost":
            return [Lost(draw(st.sampled_from(_LOSSES)))]
        case "status":
            head, body = draw(_failures(type))
        case "stream":
            data = draw(st.one_of(streams(type).map(lambda stream: stream.data), hostile_streams(type)))
            head, body = _encoded(draw, draw(st.sampled_from(_STREAMS)), data)
        case "whole":
            data = draw(_wholes(type))
            head, body = _encoded(draw, draw(st.sampled_from(_WHOLES)), data)
        case _:
            head = Head(draw(st.sampled_from((200, 201, 204))), draw(st.sampled_from(_OTHERS)))
            body = draw(st.one_of(hostile_streams(type), _wholes(type), st.binary(max_size=50)))
    inputs: list[Input] = [Head(103)] if kind == "anything" and draw(st.booleans()) else []
    ending = draw(st.sampled_from(("whole", "whole", "cut", "lost")))
    if ending != "whole":
        body = body[: draw(st.integers(0, len(body)))]
    inputs += [head, *map(Body, draw(chunkings(body)))]
    return [*inputs, Lost(draw(st.sampled_from(_LOSSES))) if ending == "lost" else End()]


_SELDOM = st.integers(0, 2).map(lambda number: number == 0)


@cache
@st.composite
def _failures(draw: st.DrawFn, type: str) -> tuple[Head, bytes]:
    failure = Failure(
        status=draw(st.sampled_from(_STATUSES)),
        message=draw(st.sampled_from(("Slow down.", "", "\ufeff\0 x" * 30))),
        headers=draw(st.sampled_from(_ASKING)),
    )
    response = failed(type, model_type(type), "req_fake", failure)
    body = draw(st.one_of(st.just(response.body), hostile_json(response.body), st.binary(max_size=50)))
    return Head(response.status, response.headers), body


@cache
@st.composite
def _wholes(draw: st.DrawFn, type: str) -> bytes:
    body = encode_whole(type, draw(answers(type)))
    return draw(st.one_of(st.just(body), hostile_json(body), chunkings(body).map(lambda pieces: pieces[0])))


def _encoded(draw: st.DrawFn, headers: Headers, body: bytes) -> tuple[Head, bytes]:
    """A body, plain or compressed, and then perhaps damaged."""
    coding = draw(st.sampled_from(("identity", "identity", "identity", *_WINDOWS)))
    if coding == "identity":
        return Head(200, headers), body
    deflate = zlib.compressobj(wbits=_WINDOWS[coding])
    packed = deflate.compress(body) + deflate.flush()
    if draw(_SELDOM):
        at = draw(st.integers(0, len(packed) - 1))
        packed = packed[:at] + draw(st.binary(max_size=2)) + packed[at + 1 :]
    return Head(200, (*headers, ("content-encoding", coding))), packed
