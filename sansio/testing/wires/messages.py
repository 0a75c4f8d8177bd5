"""Messages as Anthropic writes them, whole and as events.

Sources: Anthropic's API reference ("Create a message", "Streaming messages", "Citations", "Web search tool"),
and recorded streams.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import assert_never

import msgspec
from msgspec import UNSET, UnsetType

from sansio.content import (
    AudioPart,
    Citation,
    DocumentPart,
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
from sansio.families.messages.serving import MessagesWriter, event, usage_object
from sansio.jsontext import JSON, JSONObject
from sansio.testing.failures import failure_event
from sansio.testing.script import Delta, Failure

_RUNS = ("server_tool_use", "mcp_tool_use")
"""Blocks that start a tool on Anthropic's side: their input arrives in pieces."""
_DOCUMENT_CITATIONS = ("char_location", "page_location", "content_block_location")
"""Citations whose title is the field `document_title`."""
_STOP_FIELDS = ("stop_sequence", "container")
"""Fields of a message's `extra` that a stream has beside the stop reason."""
_INPUT_PIECE = 8  # characters of a server tool's input in one delta


def sign(thinking: str) -> str:
    """The signature that the fake gives a thinking block, and requires back unchanged."""
    return "fake" + hashlib.sha256(thinking.encode()).hexdigest()


def encode_message_events(
    type: str, deltas: Sequence[Delta], head: Message, end: Message | Failure | None, usage: bool
) -> tuple[bytes, ...]:
    """A stream as server-sent events.

    A refusal's text is sent beside the stop reason, so a truncated stream does not have it.

    Args:
        head: has the answer's id and model, and its usage if that is known; its parts, if known, have
            what the events lack.
        end: the whole message, an error inside the stream, or `None` for a truncated stream.
        usage: ignored, since Anthropic always sends usage.

    Raises:
        ValueError: a delta follows the end of its part's block; or Anthropic has no word for the finish
            reason, or no place for a part.
    """
    stream = _MessageStream(head)
    pieces = [_start(head)]
    for delta in deltas:
        pieces += stream.encode(delta)
    match end:
        case Message():
            pieces += [*stream.close(), *_end(end, stream.refusal)]
        case Failure():
            pieces.append(failure_event("anthropic", end, "req_fake", {}))
        case None:
            pass
        case _:
            assert_never(end)
    return tuple(pieces)


def encode_message(type: str, message: Message) -> bytes:
    """The message as a whole response.

    Raises:
        ValueError: a tool call's arguments are not an object, which a whole response cannot express; or
            Anthropic has no word for the finish reason, or no place for a part.
    """
    blocks = [block for part in message.parts if (block := _block(part)) is not None]
    body: JSONObject = {**_envelope(message), "content": list[JSON](blocks)}
    body["stop_reason"] = raw_stop_reason(message)
    body["usage"] = _usage(message.usage or Usage())
    body |= {name: value for name, value in message.extra.items() if name != "stop_details"}
    body |= _stop_details(message, message.refusal or "")
    return msgspec.json.encode(body)


def raw_stop_reason(message: Message) -> str | None:
    """Anthropic's word for how the message ended.

    Raises:
        ValueError: it has none for that reason.
    """
    reason = message.finish_reason
    if message.raw_finish_reason is not None or reason is None:
        return message.raw_finish_reason
    if reason not in MessagesWriter.FINISH_REASONS:
        raise ValueError(
            f"anthropic has no word for the finish reason {reason.value!r}: give raw_finish_reason"
        )
    return MessagesWriter.FINISH_REASONS[reason]


def _block(part: Part) -> JSONObject | None:
    """A part as a block of a whole message; `None` for a refusal, which is not a block."""
    match part:
        case TextPart():
            block: JSONObject = {"type": "text", "text": part.text, **part.extra}
            if part.citations:
                block["citations"] = [_citation(citation) for citation in part.citations]
            return block
        case ReasoningPart():
            if part.extra.get("type") == "redacted_thinking":
                return part.extra
            return {"type": "thinking", "thinking": part.text, "signature": sign(part.text), **part.extra}
        case RefusalPart():
            return None
        case ToolCall():
            _check_kind(part)
            return {
                "type": "tool_use",
                "id": part.id,
                "name": part.name,
                "input": part.arguments,
                **part.extra,
            }
        case InvalidToolCall():
            raise ValueError(
                "anthropic's whole responses hold arguments as objects: only streams can have truncated ones"
            )
        case ServerToolPart() if part.kind in _RUNS:
            return {"type": part.kind, "id": part.id, "name": part.name, "input": part.input, **part.extra}
        case ServerToolPart():
            return {"type": part.kind, "tool_use_id": part.id, "content": part.output, **part.extra}
        case UnknownPart():
            return part.extra
        case ImagePart() | AudioPart() | DocumentPart():
            raise ValueError(f"anthropic's answers have no place for this {part.__class__.__name__}")
        case _:
            assert_never(part)


def _check_kind(call: ToolCall | ToolCallStarted) -> None:
    if call.kind != "function":
        raise ValueError(f"anthropic's answers have no place for a tool call of the kind {call.kind!r}")


def _citation(citation: Citation) -> JSONObject:
    title = "document_title" if citation.extra.get("type") in _DOCUMENT_CITATIONS else "title"
    typed: JSONObject = {"cited_text": citation.quote, "url": citation.url, title: citation.title}
    return {**citation.extra, **{name: value for name, value in typed.items() if value is not None}}


class _MessageStream:
    """The open block, its number and part."""

    def __init__(self, head: Message) -> None:
        self._parts = head.parts
        self._part = -1
        self._call = -1
        self._index = -1
        self._thinking: list[str] | None = None
        self._signature: JSON | UnsetType = UNSET  # of the thinking, if it is known
        self.refusal = ""

    def encode(self, delta: Delta) -> list[bytes]:
        """One event, after the beginning of a block if it needs one."""
        match delta:
            case ContentDelta():
                pieces = self._open_text(delta.part)
                return [*pieces, self._delta({"type": "text_delta", "text": delta.text})]
            case ReasoningDelta():
                pieces = self._open_thinking(delta.part)
                assert self._thinking is not None
                self._thinking.append(delta.text)
                return [*pieces, self._delta({"type": "thinking_delta", "thinking": delta.text})]
            case RefusalDelta(text=text):
                self.refusal += text
                return []
            case ToolCallStarted():
                _check_kind(delta)
                block: JSONObject = {"type": "tool_use", "id": delta.id, "name": delta.name, "input": {}}
                pieces = self._open(delta.part, {**block, **self._extra(delta.part)})
                self._call = delta.index
                return [*pieces, self._delta({"type": "input_json_delta", "partial_json": ""})]
            case ToolCallDelta(index=index, arguments=arguments):
                if self._call != index:
                    raise ValueError("anthropic's tool calls are sent one after the other, never interleaved")
                return [self._delta({"type": "input_json_delta", "partial_json": arguments})]
            case PartComplete(index=index, part=part):
                return self._whole(index, part)
            case _:
                assert_never(delta)

    def close(self) -> list[bytes]:
        """End the open block; a thinking block is signed first."""
        if self._part < 0:
            return []
        pieces = []
        if self._thinking is not None:
            thinking = "".join(self._thinking)
            signature = sign(thinking) if self._signature is UNSET else self._signature
            pieces.append(self._delta({"type": "signature_delta", "signature": signature}))
        self._part = self._call = -1
        self._thinking = None
        return [*pieces, event({"type": "content_block_stop", "index": self._index})]

    def _whole(self, index: int, part: Part) -> list[bytes]:
        """A part that is given whole; a cited text is preceded by its deltas."""
        match part:
            case TextPart():
                pieces = self._open_text(index, part)
                pieces += [
                    self._delta({"type": "citations_delta", "citation": _citation(citation)})
                    for citation in part.citations
                ]
            case ReasoningPart() if part.extra.get("type") != "redacted_thinking":
                pieces = self._open_thinking(index, part)
            case ServerToolPart() if part.kind in _RUNS:
                given: JSONObject = {"type": part.kind, "id": part.id, "name": part.name, "input": {}}
                pieces = self._open(index, {**given, **part.extra})
                text = msgspec.json.encode(part.input).decode() if part.input != {} else ""
                pieces += [
                    self._delta({"type": "input_json_delta", "partial_json": text[at : at + _INPUT_PIECE]})
                    for at in range(0, len(text), _INPUT_PIECE)
                ]
            case RefusalPart():
                return []
            case _:
                block = _block(part)
                assert block is not None
                pieces = self._open(index, block)
        return [*pieces, *self.close()]

    def _open_text(self, part: int, known: TextPart | None = None) -> list[bytes]:
        extra = self._extra(part) if known is None else known.extra
        cited = known or self._known(part)
        block: JSONObject = {"type": "text", "text": "", **extra}
        if isinstance(cited, TextPart) and cited.citations:
            block["citations"] = []
        return self._open(part, block)

    def _open_thinking(self, part: int, known: ReasoningPart | None = None) -> list[bytes]:
        extra = self._extra(part) if known is None else known.extra
        block: JSONObject = {"type": "thinking", "thinking": "", **extra, "signature": ""}
        pieces = self._open(part, block)
        if pieces:
            self._thinking = []
        self._signature = extra.get("signature", UNSET)
        return pieces

    def _open(self, part: int, block: JSONObject) -> list[bytes]:
        if self._part == part:
            return []
        pieces = self.close()
        self._part = part
        self._index += 1
        pieces.append(event({"type": "content_block_start", "index": self._index, "content_block": block}))
        if self._index == 0:
            pieces.append(event({"type": "ping"}))
        return pieces

    def _known(self, part: int) -> Part | None:
        return self._parts[part] if part < len(self._parts) else None

    def _extra(self, part: int) -> JSONObject:
        known = self._known(part)
        return {} if known is None else known.extra

    def _delta(self, delta: JSONObject) -> bytes:
        return event({"type": "content_block_delta", "index": self._index, "delta": delta})


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
    usage["output_tokens"] = 1  # the first count is preliminary; message_delta has the total
    for name in ("output_tokens_details", "server_tool_use"):  # known only at the end
        usage.pop(name, None)
    return event({"type": "message_start", "message": {**_envelope(message), "usage": usage}})


def _end(message: Message, refusal: str) -> list[bytes]:
    extra = {name: value for name, value in message.extra.items() if name != "stop_details"}
    delta: JSONObject = {"stop_reason": raw_stop_reason(message), "stop_sequence": None}
    delta |= {name: extra.pop(name) for name in _STOP_FIELDS if name in extra}
    delta |= _stop_details(message, refusal)
    usage = _usage(message.usage or Usage())
    return [
        event({"type": "message_delta", "delta": delta, "usage": usage, **extra}),
        event({"type": "message_stop"}),
    ]


def _stop_details(message: Message, refusal: str) -> JSONObject:
    """A refusal's text is the explanation beside the stop reason."""
    details = message.extra.get("stop_details")
    known = dict(details) if isinstance(details, dict) else {}
    if refusal:
        known = {"type": "refusal", **known, "explanation": refusal}
    return {"stop_details": known} if known else {}


def _usage(usage: Usage) -> JSONObject:
    counts = usage_object(usage)
    known = _object(usage.extra.get("output_tokens_details"))
    details = {**known, **_object(counts.get("output_tokens_details"))}
    counts |= usage.extra
    return {**counts, "output_tokens_details": details} if details else counts


def _object(value: JSON) -> JSONObject:
    return value if isinstance(value, dict) else {}
