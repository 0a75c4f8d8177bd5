"""Decoding binary frames alone: Amazon Bedrock's streams in memory, events out, no transport."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from benchmarks.measure import Case, Contender, Metrics, Row, Run, Scale, check, cpu_per_unit, peer
from sansio import (
    ContentDelta,
    FinishReason,
    Limits,
    Message,
    Role,
    StreamComplete,
    StreamEvent,
    StreamParser,
    ToolCall,
    ToolCallDelta,
    ToolCallStarted,
    Usage,
)
from sansio.testing import encode_events

# Any: peers need not be installed where this is type-checked, and JSON of any kind.

EVENTS = 2_000
_LARGEST = 1 << 30
_WORDS = ("The ", "quick ", "brown ", "fox \u201cjumps\u201d ", "over ", "日本語 ", "and\n\n")
_ARGUMENTS = ("def ", "main", "(self", "):\\n ", "日本 ", "+ 1 ")
_OPENING, _CLOSING = '{"text":"', '"}'
_KINDS = ("text", "tool arguments")
_FEEDS = ("one event", "all")
_CONTENDERS = (Contender("yardstick"), Contender("sansio"), Contender("botocore", "botocore"))


def _cases(scale: Scale) -> list[Case]:
    return [
        Case(
            row="frames",
            name=f"Bedrock {kind}, {'all at once' if feed == 'all' else f'{feed} per feed'}",
            units={"cpu": "µs of CPU per event"},
            contenders=_CONTENDERS,
            rounds=scale.rounds,
            options={"kind": kind, "feed": feed, "events": scale.units(EVENTS, least=20)},
        )
        for feed in _FEEDS
        for kind in _KINDS
    ]


def _frames(kind: str, events: int) -> tuple[tuple[bytes, ...], str]:
    """The frames of a stream with so many deltas, and the text, or arguments, that it gives."""
    usage = Usage(input_tokens=1_000, output_tokens=500)
    said: list[StreamEvent]
    if kind == "text":
        words = [_WORDS[at % len(_WORDS)] for at in range(events)]
        text, reason = "".join(words), FinishReason.STOP
        said = [ContentDelta(word) for word in words]
        content: Any = text
    else:
        words = [_OPENING, *(_ARGUMENTS[at % len(_ARGUMENTS)] for at in range(events)), _CLOSING]
        text, reason = "".join(words), FinishReason.TOOL_CALLS
        said = [ToolCallStarted(0, "call_1", "write"), *(ToolCallDelta(0, word) for word in words)]
        content = (ToolCall("call_1", "write", msgspec.json.decode(text), text),)
    message = Message(Role.ASSISTANT, content, finish_reason=reason, usage=usage)
    return encode_events("bedrock", [*said, StreamComplete(message)]), text


def _prepare(case: Case, contender: Contender) -> Run:
    frames, expected = _frames(case.text("kind"), case.number("events"))
    feeds = [b"".join(frames)] if case.text("feed") == "all" else list(frames)
    work = {"yardstick": _yardstick, "sansio": _ours, "botocore": _botocore}[contender.name](feeds)
    check(work(), expected)

    def run() -> Metrics:
        spent, text = cpu_per_unit(work, len(frames))
        check(text, expected)
        return {"cpu": spent}

    return run


def _yardstick(feeds: list[bytes]) -> Callable[[], str]:
    """The least that can be done: lengths and JSON, no checksums and no header but the first."""
    decode = msgspec.json.Decoder(dict[str, Any]).decode

    def run() -> str:
        parts: list[str] = []
        rest = b""
        for data in feeds:
            rest, at = rest + data, 0
            while len(rest) - at >= 12:
                total, headers = struct.unpack_from(">II", rest, at)
                if len(rest) - at < total:
                    break
                delta = decode(rest[at + 12 + headers : at + total - 4]).get("delta")
                if delta:
                    parts.append(delta.get("text") or delta.get("toolUse", {}).get("input", ""))
                at += total
            rest = rest[at:]
        return "".join(parts)

    return run


def _ours(feeds: list[bytes]) -> Callable[[], str]:
    """Our parser. The result is the final message, which it has built from all events."""

    def run() -> str:
        parser = StreamParser("bedrock", limits=Limits(max_answer_bytes=_LARGEST))
        last: StreamEvent | None = None
        for data in feeds:
            for event in parser.receive_data(data):
                last = event
        assert isinstance(last, StreamComplete), last
        message = last.message
        return message.tool_calls[0].arguments_text() if message.tool_calls else message.text

    return run


class _Raw:
    """A response's body, as botocore reads it."""

    def __init__(self, feeds: list[bytes]) -> None:
        self._feeds = feeds

    def stream(self) -> Iterator[bytes]:
        return iter(self._feeds)


def _botocore(feeds: list[bytes]) -> Callable[[], str]:
    session, streams, parsers = (peer(f"botocore.{name}") for name in ("session", "eventstream", "parsers"))
    model = session.get_session().get_service_model("bedrock-runtime")
    shape = model.operation_model("ConverseStream").output_shape.members["stream"]

    def run() -> str:
        parts: list[str] = []
        stream = streams.EventStream(_Raw(feeds), shape, parsers.EventStreamJSONParser(), "ConverseStream")
        for event in stream:
            delta = event.get("contentBlockDelta", {}).get("delta")
            if delta:
                parts.append(delta.get("text") or delta.get("toolUse", {}).get("input", ""))
        return "".join(parts)

    return run


ROW = Row("decoding a stream of binary frames, without a transport", _cases, _prepare)
