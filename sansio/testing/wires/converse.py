"""Answers as Amazon Bedrock's Converse writes them, whole and as binary frames.

Sources: the reference of Amazon Bedrock's runtime ("Converse", "ConverseStream"), and recorded streams.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import assert_never

import msgspec

from sansio.content import (
    AudioPart,
    DocumentPart,
    FinishReason,
    ImagePart,
    InvalidToolCall,
    Message,
    Part,
    ReasoningPart,
    RefusalPart,
    ServerToolPart,
    TextPart,
    ToolCall,
    UnknownPart,
    Usage,
)
from sansio.events import (
    ContentDelta,
    PartComplete,
    ReasoningDelta,
    RefusalDelta,
    ToolCallDelta,
    ToolCallStarted,
)
from sansio.families.converse.parts import block_of, citation_to_send
from sansio.jsontext import JSON, JSONObject
from sansio.testing.script import Delta, Failure
from sansio.testing.wires.runtime import exception, frame

_WORDS: dict[FinishReason, str] = {
    FinishReason.STOP: "end_turn",
    FinishReason.LENGTH: "max_tokens",
    FinishReason.TOOL_CALLS: "tool_use",
    FinishReason.CONTENT_FILTER: "content_filtered",
    FinishReason.ERROR: "malformed_model_output",
}
_AT_STOP = "additionalModelResponseFields"
"""The field of an answer that a stream sends with the stop reason. It sends all others with the counts."""
_INPUT_PIECE = 8  # characters of a server tool's input in one delta


def sign(thinking: str) -> str:
    """The signature that the fake adds to reasoning, and requires back unchanged."""
    return "fake" + hashlib.sha256(thinking.encode()).hexdigest()


def encode_converse_events(
    type: str, deltas: Sequence[Delta], head: Message, end: Message | Failure | None, usage: bool
) -> tuple[bytes, ...]:
    """A stream as binary frames.

    Args:
        head: a message whose parts, if they are known, have what the events lack.
        end: the whole message, an error inside the stream, or `None` for a truncated stream.
        usage: ignored, since Bedrock always sends usage.

    Raises:
        ValueError: a delta follows the end of its part's block; or Bedrock has no word for the finish reason,
            or no place for a part.
    """
    stream = _ConverseStream(head)
    pieces = [frame("messageStart", {"role": "assistant"})]
    for delta in deltas:
        pieces += stream.encode(delta)
    match end:
        case Message():
            pieces += [*stream.close(), *_end(end)]
        case Failure():
            pieces.append(exception(end))
        case None:
            pass
        case _:
            assert_never(end)
    return tuple(pieces)


def encode_converse(type: str, message: Message) -> bytes:
    """The message as a whole response.

    Raises:
        ValueError: a tool call's arguments are not an object, which a whole response cannot express; or
            Bedrock has no word for the finish reason, or no place for a part.
    """
    content: list[JSON] = [_block(part) for part in message.parts]
    body: JSONObject = {
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": raw_stop_reason(message),
        **message.extra,
    }
    if message.usage is not None:
        body["usage"] = usage_object(message.usage)
    return msgspec.json.encode(body)


def raw_stop_reason(message: Message) -> str | None:
    """Bedrock's word for how the message ended.

    Raises:
        ValueError: Bedrock has no word for that reason.
    """
    reason = message.finish_reason
    if message.raw_finish_reason is not None or reason is None:
        return message.raw_finish_reason
    if reason not in _WORDS:
        raise ValueError(
            f"bedrock has no word for the finish reason {reason.value!r}: give raw_finish_reason"
        )
    return _WORDS[reason]


def usage_object(usage: Usage) -> JSONObject:
    """Token counts. Bedrock's `inputTokens` does not include the cached parts of the prompt."""
    cached = {
        "cacheReadInputTokens": usage.cached_tokens,
        "cacheWriteInputTokens": usage.cache_write_tokens,
    }
    return {
        "inputTokens": usage.input_tokens - usage.cached_tokens - usage.cache_write_tokens,
        "outputTokens": usage.output_tokens,
        "totalTokens": usage.input_tokens + usage.output_tokens,
        **{name: count for name, count in cached.items() if count},
        **usage.extra,
    }


def _block(part: Part) -> JSONObject:
    match part:
        case InvalidToolCall():
            raise ValueError(
                "bedrock's whole responses hold arguments as objects: only streams can have truncated ones"
            )
        case RefusalPart() | AudioPart() | DocumentPart():
            raise ValueError(f"bedrock's answers have no place for this {part.__class__.__name__}")
        case TextPart() if not part.text.strip() and not part.citations:
            return {"text": part.text, **part.extra}
        case ReasoningPart() if "redactedContent" not in part.extra:
            signed = {"signature": sign(part.text), **part.extra}
            return block_of(ReasoningPart(part.text, signed)) or {}
        case ToolCall():
            _check_kind(part)
    block = block_of(part)
    if block is None:
        raise ValueError(f"bedrock's answers have no place for this {part.__class__.__name__}")
    return block


def _check_kind(call: ToolCall | ToolCallStarted) -> None:
    if call.kind != "function":
        raise ValueError(f"bedrock's answers have no place for a tool call of the kind {call.kind!r}")


class _ConverseStream:
    """Writes the frames of a stream. It remembers the open block, its number and its part."""

    def __init__(self, head: Message) -> None:
        self._parts = head.parts
        self._part = -1
        self._call = -1
        self._index = -1
        self._thinking: list[str] | None = None

    def encode(self, delta: Delta) -> list[bytes]:
        """The frames of one event, with the start of its block if that is not open yet."""
        match delta:
            case ContentDelta():
                return [*self._open(delta.part), self._delta({"text": delta.text})]
            case ReasoningDelta():
                pieces = self._open(delta.part)
                self._thinking = [*(self._thinking or ()), delta.text]
                return [*pieces, self._delta({"reasoningContent": {"text": delta.text}})]
            case RefusalDelta():
                raise ValueError("bedrock's answers have no place for this RefusalPart")
            case ToolCallStarted():
                _check_kind(delta)
                use: JSONObject = {"toolUseId": delta.id, "name": delta.name, **self._extra(delta.part)}
                pieces = self._open(delta.part, {"toolUse": use})
                self._call = delta.index
                return [*pieces, self._delta({"toolUse": {"input": ""}})]
            case ToolCallDelta(index=index, arguments=arguments):
                if self._call != index:
                    raise ValueError("bedrock's tool calls are sent one after the other, never interleaved")
                return [self._delta({"toolUse": {"input": arguments}})]
            case PartComplete(index=index, part=part):
                return self._whole(index, part)
            case _:
                assert_never(delta)

    def close(self) -> list[bytes]:
        """The frames that end the open block. Reasoning is signed first."""
        if self._part < 0:
            return []
        pieces = []
        if self._thinking is not None:
            known = {"signature": sign("".join(self._thinking)), **self._extra(self._part)}
            pieces.append(self._delta({"reasoningContent": known}))
        self._part = self._call = -1
        self._thinking = None
        return [*pieces, frame("contentBlockStop", {"contentBlockIndex": self._index})]

    def _whole(self, index: int, part: Part) -> list[bytes]:
        """The frames of a complete part. The text of a cited part was written before, as deltas."""
        match part:
            case TextPart():
                pieces = self._open(index)
                pieces += [self._delta({"citation": citation_to_send(each)}) for each in part.citations]
            case ReasoningPart():
                pieces = [*self._open(index), self._delta({"reasoningContent": part.extra})]
            case ServerToolPart():
                pieces = self._server_tool(index, part)
            case ImagePart():
                block = _object(_block(part), "image")
                source = block.pop("source")
                pieces = [*self._open(index, {"image": block}), self._delta({"image": {"source": source}})]
            case UnknownPart():
                pieces = self._open(index, part.extra)
            case _:
                raise ValueError(f"bedrock's answers have no place for this {part.__class__.__name__}")
        return [*pieces, *self.close()]

    def _server_tool(self, index: int, part: ServerToolPart) -> list[bytes]:
        block = _block(part)
        if "toolUse" in block:
            use = _object(block, "toolUse")
            given = use.pop("input")
            text = msgspec.json.encode(given).decode() if given else ""
            pieces = self._open(index, {"toolUse": use})
            return pieces + [
                self._delta({"toolUse": {"input": text[at : at + _INPUT_PIECE]}})
                for at in range(0, len(text), _INPUT_PIECE)
            ]
        result = _object(block, "toolResult")
        content = result.pop("content")
        listed = content if isinstance(content, list) else [content]
        pieces = self._open(index, {"toolResult": result})
        return pieces + [self._delta({"toolResult": [each]}) for each in listed]

    def _open(self, part: int, start: JSONObject | None = None) -> list[bytes]:
        """The frames that begin a block. Text and reasoning have no start event."""
        if self._part == part:
            return []
        pieces = self.close()
        self._part = part
        self._index += 1
        if start is not None:
            begun: JSONObject = {"contentBlockIndex": self._index, "start": start}
            pieces.append(frame("contentBlockStart", begun))
        return pieces

    def _extra(self, part: int) -> JSONObject:
        return self._parts[part].extra if part < len(self._parts) else {}

    def _delta(self, delta: JSONObject) -> bytes:
        return frame("contentBlockDelta", {"contentBlockIndex": self._index, "delta": delta})


def _object(block: JSONObject, kind: str) -> JSONObject:
    inner = block[kind]
    assert isinstance(inner, dict)
    return {**inner}


def _end(message: Message) -> list[bytes]:
    extra = dict(message.extra)
    stop: JSONObject = {"stopReason": raw_stop_reason(message)}
    if _AT_STOP in extra:
        stop[_AT_STOP] = extra.pop(_AT_STOP)
    metadata: JSONObject = extra
    if message.usage is not None:
        metadata = {"usage": usage_object(message.usage), **extra}
    return [frame("messageStop", stop), frame("metadata", metadata)]
