"""Answers as Cohere writes them, whole and as events; and Cohere's other endpoints.

Sources: the types of Cohere's own SDK (`V2ChatResponse`, `V2ChatStreamResponse`), and recorded streams.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

import msgspec

from sansio.content import (
    FinishReason,
    InvalidToolCall,
    Message,
    Part,
    ReasoningPart,
    RefusalPart,
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
from sansio.families.cohere.parts import PLAN, block_of, citations_of, is_plan
from sansio.families.fields import with_extra
from sansio.jsontext import JSON, JSONObject
from sansio.testing.failures import refuse
from sansio.testing.prompt import as_object, as_objects, as_text, count_tokens
from sansio.testing.script import Delta, Failure, arguments_text
from sansio.testing.wires.vectors import vector

_REASONS = {
    FinishReason.STOP: "COMPLETE",
    FinishReason.LENGTH: "MAX_TOKENS",
    FinishReason.TOOL_CALLS: "TOOL_CALL",
}
_PURPOSES = ("search_document", "search_query", "classification", "clustering", "image")
_DONE = b"data: [DONE]\n\n"


def encode_chat_events(
    type: str, deltas: Sequence[Delta], head: Message, end: Message | Failure | None, usage: bool
) -> tuple[bytes, ...]:
    """A stream as server-sent events.

    A refusal has no place on this wire, and is left out.

    Args:
        head: has the answer's id; its parts, if known, have what the events lack.
        end: the whole message, an error inside the stream, or `None` for a truncated stream.
        usage: ignored, since Cohere always sends usage.

    Raises:
        ValueError: there is no word for the finish reason, or no place for a part.
    """
    stream = _Stream(head)
    empty: JSONObject = {
        "role": "assistant",
        "content": [],
        "tool_plan": "",
        "tool_calls": [],
        "citations": [],
    }
    pieces = [_event("message-start", {"message": empty}, id=head.response_id or "fake")]
    for delta in deltas:
        pieces += stream.encode(delta)
    match end:
        case Message():
            last: JSONObject = {
                "finish_reason": raw_finish_reason(end),
                "usage": _usage(end.usage),
                **end.extra,
            }
            listed = as_objects(last.pop("logprobs", None))
            pieces += [
                *stream.close(),
                *(_event("content-delta", {}, index=0, logprobs=one) for one in listed),
            ]
            pieces += [*stream.cite(end), _event("message-end", last), _DONE]
        case Failure():
            failed: JSONObject = {"finish_reason": "ERROR", "usage": {}, "error": end.message}
            failed |= {} if end.error_type is None else {"error_type": end.error_type}
            pieces += [_event("message-end", failed), _DONE]
        case None:
            pass
        case _:
            assert_never(end)
    return tuple(pieces)


def encode_response(type: str, message: Message) -> bytes:
    """The message as a whole response.

    Raises:
        ValueError: as `encode_chat_events`.
    """
    for part in message.parts:
        _check_place(part)
    content, plan = _divided(message.parts)
    said: JSONObject = {"role": "assistant"}
    if plan is not None:
        said[PLAN] = plan.text
    calls: list[JSON] = [_call(call, arguments_text(call)) for call in message.all_tool_calls]
    fields: tuple[tuple[str, list[JSON]], ...] = (
        ("content", [_block(part) for part in content]),
        ("tool_calls", calls),
        ("citations", citations_of(content, plan)),
    )
    said |= {name: listed for name, listed in fields if listed}
    body: JSONObject = {"id": message.response_id or "fake", "message": said}
    body |= {"finish_reason": raw_finish_reason(message), "usage": _usage(message.usage), **message.extra}
    return msgspec.json.encode(body)


def raw_finish_reason(message: Message) -> str | None:
    """Cohere's word for how the message ended.

    Raises:
        ValueError: it has none for that reason.
    """
    reason = message.finish_reason
    if message.raw_finish_reason is not None or reason is None:
        return message.raw_finish_reason
    if reason not in _REASONS:
        raise ValueError(f"cohere has no word for the finish reason {reason.value!r}: give raw_finish_reason")
    return _REASONS[reason]


def encode_error(failure: Failure, request_id: str) -> JSONObject:
    """An error as the body of a status."""
    named: JSONObject = {} if failure.error_type is None else {"error_type": failure.error_type}
    return {"id": request_id, "message": failure.message, **named}


def answer_beside(asked: str, request_target: str, body: JSONObject, models: Sequence[str]) -> JSONObject:
    """The list of models, the tokens of a text, or embeddings.

    Raises:
        Refused: the request is invalid.
    """
    if asked == "models":
        return _models(request_target, models)
    if not as_text(body.get("model")):
        raise refuse("invalid request: model is required")
    if asked == "tokens":
        text = as_text(body.get("text"))
        if not text:
            raise refuse("invalid request: text must be at least 1 character long")
        tokens: list[JSON] = [*range(count_tokens(text))]
        return {"tokens": tokens, "token_strings": [], "meta": {"api_version": {"version": "1"}}}
    texts = body.get("texts")
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
        raise refuse("invalid request: texts must be a list of texts")
    if body.get("input_type") not in _PURPOSES:
        raise refuse(f"invalid request: input_type must be one of {', '.join(_PURPOSES)}")
    size = body.get("output_dimension")
    vectors: list[JSON] = [vector(str(text), size if type(size) is int else 8) for text in texts]
    billed: JSONObject = {"billed_units": {"input_tokens": count_tokens(texts)}}
    return {"id": "fake", "embeddings": {"float": vectors}, "texts": texts, "meta": billed}


def _models(target: str, models: Sequence[str]) -> JSONObject:
    """One model a page, so that a client has to ask for all of them."""
    at = target.partition("page_token=")[2]
    place = int(at) if at.isascii() and at.isdecimal() else 0
    shown = models[place : place + 1]
    rows: list[JSON] = [
        {"name": model, "endpoints": ["chat"], "finetuned": False, "context_length": 256_000}
        for model in shown
    ]
    more: JSONObject = {"next_page_token": str(place + 1)} if place + 1 < len(models) else {}
    return {"models": rows, **more}


class _Stream:
    """The open block or call, and its number."""

    def __init__(self, head: Message) -> None:
        self._parts = head.parts
        self._part = -1
        self._call = -1
        self._index = -1
        self._indexes: dict[int, int] = {}  # of the content blocks, by their parts

    def encode(self, delta: Delta) -> list[bytes]:
        match delta:
            case ContentDelta():
                pieces = self._open(delta.part, {"type": "text", "text": ""})
                return [*pieces, self._delta({"text": delta.text})]
            case ReasoningDelta() if self._is_plan(delta.part):
                return [*self.close(), _event("tool-plan-delta", {"message": {PLAN: delta.text}})]
            case ReasoningDelta():
                pieces = self._open(delta.part, {"type": "thinking", "thinking": ""})
                return [*pieces, self._delta({"thinking": delta.text})]
            case RefusalDelta():
                return []
            case ToolCallStarted():
                _check_kind(delta)
                pieces = self.close()
                self._call = delta.index
                known = self._parts[delta.part] if delta.part < len(self._parts) else None
                extra = known.extra if isinstance(known, ToolCall | InvalidToolCall) else {}
                call = _call(ToolCall(delta.id, delta.name, extra=extra), "")
                return [
                    *pieces,
                    _event("tool-call-start", {"message": {"tool_calls": call}}, index=delta.index),
                ]
            case ToolCallDelta(index=index, arguments=arguments):
                if self._call != index:
                    raise ValueError("cohere's tool calls are sent one after the other, never interleaved")
                piece: JSONObject = {"tool_calls": {"function": {"arguments": arguments}}}
                return [_event("tool-call-delta", {"message": piece}, index=index)]
            case PartComplete(index=index, part=part):
                return self._whole(index, part)
            case _:
                assert_never(delta)

    def close(self) -> list[bytes]:
        """End the open block or call."""
        if self._call >= 0:
            index, self._call = self._call, -1
            return [_event("tool-call-end", index=index)]
        if self._part < 0:
            return []
        self._part = -1
        return [_event("content-end", index=self._index)]

    def cite(self, message: Message) -> list[bytes]:
        """The citations of the whole answer, which follow its content."""
        content, plan = _divided(message.parts)
        pieces: list[bytes] = []
        for place, citation in enumerate(citations_of(content, plan)):
            pieces.append(_event("citation-start", {"message": {"citations": citation}}, index=place))
            pieces.append(_event("citation-end", index=place))
        return pieces

    def _whole(self, index: int, part: Part) -> list[bytes]:
        match part:
            case TextPart() | ReasoningPart() | RefusalPart() if index in self._indexes or is_plan(part):
                return []  # its deltas sent the text, and the citations follow
            case TextPart():
                return self._open(index, {"type": "text", "text": part.text, **part.extra})
            case ReasoningPart():
                return self._open(index, {"type": "thinking", "thinking": part.text})
            case UnknownPart():
                return [*self._open(index, part.extra), *self.close()]
            case _:
                _check_place(part)
                return []  # a refusal

    def _open(self, part: int, block: JSONObject) -> list[bytes]:
        if self._part == part:
            return []
        pieces = self.close()
        self._part = part
        self._index += 1
        self._indexes[part] = self._index
        pieces.append(_event("content-start", {"message": {"content": block}}, index=self._index))
        return pieces

    def _is_plan(self, part: int) -> bool:
        return part < len(self._parts) and is_plan(self._parts[part])

    def _delta(self, content: JSONObject) -> bytes:
        return _event("content-delta", {"message": {"content": content}}, index=self._index)


def _check_place(part: Part) -> None:
    """Refuse a part that has no place. A refusal is left out."""
    match part:
        case ToolCall() | InvalidToolCall():
            _check_kind(part)
        case TextPart() | ReasoningPart() | RefusalPart() | UnknownPart():
            pass
        case _:
            raise ValueError(f"cohere's answers have no place for this {part.__class__.__name__}")


def _check_kind(call: ToolCall | InvalidToolCall | ToolCallStarted) -> None:
    if call.kind != "function":
        raise ValueError(f"cohere has no place for a tool call of the kind {call.kind!r}")


def _divided(parts: Sequence[Part]) -> tuple[list[Part], ReasoningPart | None]:
    """The content blocks of an answer, and its plan for tools."""
    plan = next((part for part in parts if isinstance(part, ReasoningPart) and is_plan(part)), None)
    content = [part for part in parts if block_of(part) is not None]
    return content, plan


def _block(part: Part) -> JSONObject:
    block = block_of(part)
    assert block is not None
    return block


def _call(call: ToolCall | InvalidToolCall, arguments: str) -> JSONObject:
    function: JSONObject = {"name": call.name, "arguments": arguments}
    return with_extra({"id": call.id, "type": "function", "function": function}, call.extra)


def _usage(usage: Usage | None) -> JSONObject:
    if usage is None:
        return {}
    tokens: JSONObject = {"input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens}
    if usage.reasoning_tokens:
        tokens["reasoning_tokens"] = usage.reasoning_tokens
    counts: JSONObject = dict(usage.extra)
    counts["tokens"] = {**tokens, **as_object(usage.extra.get("tokens"))}
    if usage.cached_tokens:
        counts["cached_tokens"] = usage.cached_tokens
    return counts


def _event(kind: str, delta: JSONObject | None = None, **fields: JSON) -> bytes:
    record: JSONObject = {"type": kind, **fields}
    if delta is not None:
        record["delta"] = delta
    return f"event: {kind}\ndata: ".encode() + msgspec.json.encode(record) + b"\n\n"
