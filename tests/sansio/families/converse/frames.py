"""Streams of Converse made by hand."""

from __future__ import annotations

import json
from typing import Any, TypeAlias

from sansio import (
    ConverseDialect,
    Message,
    Provider,
    ProviderConfig,
    ProviderError,
    StreamComplete,
    StreamEvent,
    StreamFailed,
    StreamParser,
)
from sansio.testing.eventstream import encode_frame

Record: TypeAlias = dict[str, Any]  # Any: JSON as the provider might send it

CLAUDE = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
NOVA = "us.amazon.nova-2-lite-v1:0"
GPT = "openai.gpt-oss-120b-1:0"


def frame(kind: str, record: Record) -> bytes:
    headers = {":message-type": "event", ":event-type": kind, ":content-type": "application/json"}
    return encode_frame(headers, json.dumps(record).encode())


def start(block: Record, at: int = 0, **more: Any) -> bytes:
    return frame("contentBlockStart", {"contentBlockIndex": at, "start": block, **more})


def delta(added: Any, at: int = 0, **more: Any) -> bytes:
    return frame("contentBlockDelta", {"contentBlockIndex": at, "delta": added, **more})


def stop(at: int = 0, **more: Any) -> bytes:
    return frame("contentBlockStop", {"contentBlockIndex": at, **more})


def ended(reason: str = "end_turn", **usage: Any) -> bytes:
    return frame("messageStop", {"stopReason": reason}) + frame("metadata", {"usage": usage})


def parse(*pieces: bytes) -> list[StreamEvent]:
    parser = StreamParser("bedrock")
    return parser.receive_data(b"".join(pieces)) + parser.receive_eof()


def read(*pieces: bytes) -> Message:
    """The answer of a stream that is ended here, if it does not end itself."""
    last = parse(*pieces, ended())[-1]
    assert isinstance(last, StreamComplete), last
    return last.message


def fault(*pieces: bytes) -> ProviderError:
    last = parse(*pieces)[-1]
    assert isinstance(last, StreamFailed), last
    return last.error


def whole(*blocks: Any, reason: str | None = "end_turn", **more: Any) -> Record:
    message = {"role": "assistant", "content": list(blocks)}
    return {"output": {"message": message}, "stopReason": reason, **more}


def answer(*blocks: Any, **more: Any) -> Message:
    return ConverseDialect().parse_response(whole(*blocks, **more))


def provider(model: str = "m", **fields: Any) -> Provider:
    return Provider(ProviderConfig(type="bedrock", region="eu-west-1", model=model, **fields))
