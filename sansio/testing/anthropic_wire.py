"""Messages as Anthropic writes them, whole and as events.

Sources: Anthropic's API reference ("Create a message", "Streaming messages"), and recorded streams.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import assert_never

import msgspec

from sansio.content import FinishReason, JSONObject, Message, Usage
from sansio.events import ContentDelta, ReasoningDelta, ToolCallDelta, ToolCallStarted
from sansio.testing.failures import failure_event
from sansio.testing.script import Delta, Failure

_STOP_REASONS = {
    FinishReason.STOP: "end_turn",
    FinishReason.LENGTH: "max_tokens",
    FinishReason.TOOL_CALLS: "tool_use",
    FinishReason.CONTENT_FILTER: "refusal",
    FinishReason.REFUSAL: "refusal",
    FinishReason.PAUSE: "pause_turn",
}


def sign(thinking: str) -> str:
    """The signature that the fake gives a thinking block, and asks to have back with it unchanged."""
    return "fake" + hashlib.sha256(thinking.encode("utf-8", "replace")).hexdigest()


def encode_message_events(
    deltas: Sequence[Delta], head: Message, end: Message | Failure | None
) -> tuple[bytes, ...]:
    """A stream as server-sent events.

    Args:
        head: names the answer's id and model, and its usage where that is known.
        end: the whole message, an error inside the stream, or `None` for a stream that breaks off.

    Raises:
        ValueError: a tool call's delta comes when its block is no longer the open one; or Anthropic has no
            word for the finish reason.
    """
    stream = _MessageStream()
    pieces = [_start(head)]
    for delta in deltas:
        pieces += stream.encode(delta)
    match end:
        case Message():
            pieces += [*stream.close(), *_end(end)]
        case Failure():
            pieces.append(failure_event("anthropic", end, "req_fake", {}))
        case None:
            pass
        case _:
            assert_never(end)
    return tuple(pieces)


def encode_message(message: Message) -> bytes:
    """The message as a whole response.

    Raises:
        ValueError: a tool call's arguments are no object, which a whole response cannot say.
    """
    if message.invalid_tool_calls:
        raise ValueError(
            "anthropic's whole responses hold arguments as objects: cut ones come in streams only"
        )
    blocks: list[JSONObject] = []
    if message.reasoning:
        thinking = message.reasoning
        blocks.append({"type": "thinking", "thinking": thinking, "signature": sign(thinking)})
    if message.text:
        blocks.append({"type": "text", "text": message.text})
    blocks += [
        {"type": "tool_use", "id": call.id, "name": call.name, "input": call.arguments}
        for call in message.tool_calls
    ]
    usage = _usage(message.usage or Usage())
    head = _envelope(message)
    body = {**head, "content": blocks, "stop_reason": raw_stop_reason(message), "usage": usage}
    return msgspec.json.encode(body)


def raw_stop_reason(message: Message) -> str | None:
    """Anthropic's word for how the message ended.

    Raises:
        ValueError: it has none for that reason.
    """
    reason = message.finish_reason
    if message.raw_finish_reason is not None or reason is None:
        return message.raw_finish_reason
    if reason not in _STOP_REASONS:
        raise ValueError(
            f"anthropic has no word for the finish reason {reason.value!r}: give raw_finish_reason"
        )
    return _STOP_REASONS[reason]


class _MessageStream:
    """The block that is open, its number and kind."""

    def __init__(self) -> None:
        self._kind = ""
        self._index = -1
        self._thinking: list[str] = []

    def encode(self, delta: Delta) -> list[bytes]:
        """One delta, and the beginning of a block where it needs one."""
        match delta:
            case ContentDelta(text=text):
                pieces = self._open("text", {"type": "text", "text": ""})
                return [*pieces, self._delta({"type": "text_delta", "text": text})]
            case ReasoningDelta(text=text):
                pieces = self._open("thinking", {"type": "thinking", "thinking": "", "signature": ""})
                self._thinking.append(text)
                return [*pieces, self._delta({"type": "thinking_delta", "thinking": text})]
            case ToolCallStarted(index=index, id=call_id, name=name):
                block: JSONObject = {"type": "tool_use", "id": call_id, "name": name, "input": {}}
                pieces = self._open(f"tool {index}", block)
                return [*pieces, self._delta({"type": "input_json_delta", "partial_json": ""})]
            case ToolCallDelta(index=index, arguments=arguments):
                if self._kind != f"tool {index}":
                    raise ValueError("anthropic's tool calls come one after the other, never interleaved")
                return [self._delta({"type": "input_json_delta", "partial_json": arguments})]
            case _:
                assert_never(delta)

    def close(self) -> list[bytes]:
        """End the open block; a thinking block is signed first."""
        if not self._kind:
            return []
        pieces = []
        if self._kind == "thinking":
            signature = sign("".join(self._thinking))
            self._thinking.clear()
            pieces.append(self._delta({"type": "signature_delta", "signature": signature}))
        self._kind = ""
        return [*pieces, _event({"type": "content_block_stop", "index": self._index})]

    def _open(self, kind: str, block: JSONObject) -> list[bytes]:
        if self._kind == kind:
            return []
        pieces = self.close()
        self._kind = kind
        self._index += 1
        pieces.append(_event({"type": "content_block_start", "index": self._index, "content_block": block}))
        if self._index == 0:
            pieces.append(_event({"type": "ping"}))
        return pieces

    def _delta(self, delta: JSONObject) -> bytes:
        return _event({"type": "content_block_delta", "index": self._index, "delta": delta})


def _envelope(message: Message) -> JSONObject:
    return {
        "model": message.model or "fake-model",
        "id": message.response_id or "msg_fake",
        "type": "message",
        "role": "assistant",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
    }


def _start(message: Message) -> bytes:
    usage = _usage(message.usage or Usage())
    usage["output_tokens"] = 1  # the first count is a beginning; message_delta has the whole
    return _event({"type": "message_start", "message": {**_envelope(message), "usage": usage}})


def _end(message: Message) -> list[bytes]:
    delta: JSONObject = {"stop_reason": raw_stop_reason(message), "stop_sequence": None}
    usage = _usage(message.usage or Usage())
    return [
        _event({"type": "message_delta", "delta": delta, "usage": usage}),
        _event({"type": "message_stop"}),
    ]


def _usage(usage: Usage) -> JSONObject:
    """Anthropic counts the cached parts of the prompt beside `input_tokens`, not in it."""
    beside = usage.cached_tokens + usage.cache_write_tokens
    return {
        "input_tokens": max(0, usage.input_tokens - beside),
        "cache_creation_input_tokens": usage.cache_write_tokens,
        "cache_read_input_tokens": usage.cached_tokens,
        "output_tokens": usage.output_tokens,
    }


def _event(value: JSONObject) -> bytes:
    return b"event: " + str(value["type"]).encode() + b"\ndata: " + msgspec.json.encode(value) + b"\n\n"
