"""Inputs for a fuzzer to begin with, made by the fake provider's encoders."""

from __future__ import annotations

from sansio.content import InvalidToolCall, ToolCall, Usage
from sansio.testing.eventstream import HeaderValue, encode_frame
from sansio.testing.script import PROVIDER_TYPES, Answer, Broken, Failure, ProviderType
from sansio.testing.wire import encode_stream, encode_whole

_ANSWERS = (
    Answer(text="Hello, world."),
    Answer(text="Grüße 🌍", reasoning="So be it.", usage=Usage(input_tokens=3, output_tokens=5)),
    Answer(tool_calls=(ToolCall("a", "f", {"x": [1, "y"]}), ToolCall("b", "g", {}))),
    Answer(tool_calls=(InvalidToolCall("a", "f", '{"x": ', "cut"),)),
)
_STREAMS: tuple[Answer | Broken, ...] = (
    *_ANSWERS,
    Broken(answer=_ANSWERS[0], after=1, failure=Failure(status=529, message="Overloaded.")),
)
_FRAMES = (
    b"data: a\n\ndata: b\ndata: c\n\n",
    b"\xef\xbb\xbfid: 1\r\nevent: x\rretry: 10\r\n: comment\ndata\n\n",
)
_LINES = (b'{"a":1}\n{"b":2}\r\n\r\n{"done":true}', b" \n[]\r")
_HEADERS: tuple[tuple[dict[str, HeaderValue], ...], ...] = (
    ({":message-type": "event", ":event-type": "delta"}, {"a": True, "b": 1, "c": b"x"}),
    ({":message-type": "exception", ":exception-type": "throttled"}, {":message-type": "error"}),
)
_EXCHANGES = (
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
    (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"2;x=y\r\n{}\r\n0\r\nTrailer: z\r\n\r\n"
    ),
    b"HTTP/1.0 500 No\r\n\r\nbody until the end",
)


def seeds(target: str) -> list[bytes]:
    """Inputs for a target of that name."""
    if target == "sse":
        return [b"\x03" + frame for frame in _FRAMES]
    if target == "framer-sse":
        usual = [encode_stream("openai", _ANSWERS[0]), encode_stream("anthropic", _ANSWERS[0])]
        return [b"\x07" + frame for frame in (*_FRAMES, *map(b"".join, usual))]
    if target == "ndjson":
        return [b"\x03" + lines for lines in _LINES]
    if target == "aws":
        return [b"\x09" + b"".join(encode_frame(each, b"{}") for each in headers) for headers in _HEADERS]
    if target == "exchange":
        return [b"\x05" + exchange for exchange in _EXCHANGES]
    kinds = [kind for kind in PROVIDER_TYPES if kind == target] or list(PROVIDER_TYPES)
    if target == "whole":
        return [
            bytes([PROVIDER_TYPES.index(kind), 0, 1, 0]) + encode_whole(kind, answer)
            for kind in kinds
            for answer in _ANSWERS
            if _is_sayable(kind, answer)
        ]
    streams = [
        (kind, pieces)
        for kind in kinds
        for answer in _STREAMS
        if _is_sayable(kind, answer)
        for pieces in [encode_stream(kind, answer, include_usage=True)]
    ]
    if target == "tape":
        return [_tape(kind, b"".join(pieces)) for kind, pieces in streams]
    return [b"\x07" + b"".join(pieces) for _, pieces in streams]


def _is_sayable(kind: ProviderType, answer: Answer | Broken) -> bool:
    """Anthropic's wire has no place for the arguments of an invalid call but in a stream."""
    return not (kind == "anthropic" and isinstance(answer, Answer) and answer is _ANSWERS[3])


def _tape(kind: ProviderType, body: bytes) -> bytes:
    """A lost connection, then a stream, as `targets.tape` reads them."""
    tape = bytes([PROVIDER_TYPES.index(kind), 1, 1, 26, 0, 0])
    for at in range(0, len(body), 200):
        piece = body[at : at + 200]
        tape += bytes([max(len(piece), 48)]) + piece.ljust(48, b"\n")
    return tape + bytes([24])
