"""What a response means, in JSON that any language can compare.

Consecutive pieces of one text are joined, so that it does not matter how a parser divides the text.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import assert_never

import msgspec
from msgspec import structs

from sansio.content import InvalidToolCall, Message, Part, ToolCall, UnknownPart, Usage
from sansio.errors import (
    APIStatusError,
    LimitExceededError,
    ProviderError,
    StreamTruncatedError,
)
from sansio.events import (
    ContentDelta,
    PartComplete,
    ReasoningDelta,
    RefusalDelta,
    StreamComplete,
    StreamEvent,
    StreamFailed,
    ToolCallDelta,
    ToolCallStarted,
)
from sansio.framing import ServerSentEvent
from sansio.jsontext import JSON, JSONObject


def outcome(events: Iterable[StreamEvent]) -> JSONObject:
    """The meaning of events. The last event must be a `StreamComplete` or a `StreamFailed`."""
    *before, last = events
    match last:
        case StreamComplete(message=message):
            return {"outcome": "complete", "events": joined(before), "answer": _answer(message)}
        case StreamFailed(error=error):
            return {"outcome": "error", "events": joined(before), "error": _error(error)}
        case _:
            raise ValueError(f"the events end in a {type(last).__name__}, which is not a last event")


def framed(events: Sequence[ServerSentEvent]) -> JSONObject:
    """Server-sent events without their offsets."""
    return {
        "outcome": "complete",
        "events": [
            {"event": each.event, "data": each.data, "id": each.id, "retry": each.retry} for each in events
        ],
    }


def lined(lines: Sequence[str]) -> JSONObject:
    """Lines of JSON, as text."""
    return {"outcome": "complete", "events": [{"data": line} for line in lines]}


def joined(events: Iterable[StreamEvent]) -> list[JSON]:
    """The events before the last one, with consecutive pieces of a text as one event."""
    plain: list[JSON] = []
    before: JSONObject = {}
    for event in events:
        made, text = _event(event)
        if text is not None:
            place = {name: value for name, value in before.items() if name != text}
            if place == {name: value for name, value in made.items() if name != text}:
                before[text] = f"{before[text]}{made[text]}"
                continue
        plain.append(made)
        before = made if text is not None else {}
    return plain


def _event(event: StreamEvent) -> tuple[JSONObject, str | None]:
    """An event, and the name of its text field if the event is a piece of a text."""
    match event:
        case ContentDelta(text=text, part=part):
            return {"event": "content_delta", "part": part, "text": text}, "text"
        case ReasoningDelta(text=text, part=part):
            return {"event": "reasoning_delta", "part": part, "text": text}, "text"
        case RefusalDelta(text=text, part=part):
            return {"event": "refusal_delta", "part": part, "text": text}, "text"
        case ToolCallStarted(index=index, id=id, name=name, part=part, kind=kind):
            return {
                "event": "tool_call_started",
                "part": part,
                "call": index,
                "id": id or None,
                "name": name,
                "kind": kind,
            }, None
        case ToolCallDelta(index=index, arguments=arguments):
            return {"event": "tool_call_delta", "call": index, "arguments": arguments}, "arguments"
        case PartComplete(index=index, part=whole):
            return {"event": "part_complete", "part": index, "value": _bare(whole)}, None
        case StreamComplete() | StreamFailed():
            raise ValueError(f"a {type(event).__name__} is not the last event")
        case _:
            assert_never(event)


def _bare(part: Part) -> JSON:
    """A part without the provider's own fields."""
    kept = part if isinstance(part, UnknownPart) else structs.replace(part, extra={})
    plain: JSON = msgspec.json.decode(msgspec.json.encode(kept))  # lists, as a reader of the file has them
    return plain


def _answer(message: Message) -> JSONObject:
    calls: list[JSON] = []
    for call in message.all_tool_calls:
        match call:
            case ToolCall():
                known: JSONObject = {"valid": True, "arguments": call.arguments}
            case InvalidToolCall():
                known = {"valid": False, "raw_arguments": call.raw_arguments}
            case _:
                assert_never(call)
        calls.append({"id": call.id or None, "name": call.name, "kind": call.kind, **known})
    return {
        "text": message.text,
        "reasoning": message.reasoning,
        "refusal": message.refusal,
        "calls": calls,
        "finish_reason": message.finish_reason,
        "usage": None if message.usage is None else _usage(message.usage),
    }


def _usage(usage: Usage) -> JSONObject:
    return {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cached_tokens": usage.cached_tokens,
        "reasoning_tokens": usage.reasoning_tokens,
    }


def _error(error: ProviderError) -> JSONObject:
    match error:
        case APIStatusError():
            return {
                "kind": "provider",
                "status": None if error.status == 200 else error.status,  # of the response, not of the error
                "type": error.error_type,
                "message": error.provider_message,
                "retry_after": error.retry_after,
            }
        case StreamTruncatedError():
            return {"kind": "truncated"}
        case LimitExceededError():
            return {"kind": "limit"}
        case _:
            return {"kind": "malformed"}
