"""Small handwritten answers of Gemini, and what a parser makes of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, TypeAlias

from sansio import Limits, Message, Provider, ProviderConfig, StreamComplete, StreamEvent, StreamParser
from sansio.providers import dialect_named
from tests.sansio.wires import check_agreement

JSON: TypeAlias = dict[str, Any]  # Any: JSON as Google might send it

SIGNED: JSON = {"thoughtSignature": "c2ln"}


def chunk(parts: Sequence[object] = (), reason: str | None = None, **candidate: Any) -> JSON:
    """A chunk of one candidate, or a whole answer."""
    found: JSON = {"content": {"role": "model", "parts": list(parts)}, "index": 0, **candidate}
    if reason is not None:
        found["finishReason"] = reason
    return {"candidates": [found], "modelVersion": "gemini-x", "responseId": "r1"}


def text(said: str, **beside: Any) -> JSON:
    return {"text": said, **beside}


def call(name: str | None = None, **fields: Any) -> JSON:
    """A part with a call, or with a piece of one."""
    return {"functionCall": ({} if name is None else {"name": name}) | fields}


def piece(path: str, said: object, *, more: bool = True) -> JSON:
    """A piece of a call's arguments; with `more`, others of the call follow."""
    field = (
        "stringValue" if isinstance(said, str) else "boolValue" if isinstance(said, bool) else "numberValue"
    )
    value = {"nullValue": "NULL_VALUE"} if said is None else {field: said}
    beside: JSON = {"willContinue": True} if more else {}
    return {"functionCall": {"partialArgs": [{"jsonPath": path, **value}], **beside}}


def sse(*chunks: object) -> bytes:
    return b"".join(b"data: %b\r\n\r\n" % json.dumps(each).encode() for each in chunks)


def parse(data: bytes, **limits: int) -> list[StreamEvent]:
    """All that a parser gives; the same byte by byte, and in agreement with its message."""
    dialect = dialect_named("google", Limits(**limits))
    parser = StreamParser(dialect)
    events = parser.receive_data(data) + parser.receive_eof()
    check_agreement(events)
    return events


def streamed(*chunks: object, **limits: int) -> Message:
    """The message of a stream that completes."""
    last = parse(sse(*chunks), **limits)[-1]
    assert isinstance(last, StreamComplete), last
    return last.message


def whole(*parts: object, reason: str | None = "STOP", **candidate: Any) -> Message:
    """A whole answer."""
    return dialect_named("google").parse_response(chunk(parts, reason, **candidate))


def google(model: str = "gemini-2.5-flash", **fields: Any) -> Provider:
    return Provider(ProviderConfig(type="google", model=model, **fields))
