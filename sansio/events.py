"""The events of a stream: deltas as they arrive, and one last event that says how it ended."""

from __future__ import annotations

from typing import TypeAlias

import msgspec
from msgspec import Struct

from sansio.content import (
    InvalidToolCall,
    Message,
    Part,
    ReasoningPart,
    RefusalPart,
    TextPart,
    ToolCall,
)
from sansio.errors import ProviderError


class ContentDelta(Struct, frozen=True, gc=False, omit_defaults=True, tag_field="event", tag="content_delta"):
    """A piece of the answer's text.

    Args:
        text: the piece.
        part: the index in `message.parts` of the part that it belongs to.
    """

    text: str
    part: int = 0


class ReasoningDelta(
    Struct, frozen=True, gc=False, omit_defaults=True, tag_field="event", tag="reasoning_delta"
):
    """A piece of the model's reasoning, if the provider shows it. The fields are those of `ContentDelta`."""

    text: str
    part: int = 0


class RefusalDelta(Struct, frozen=True, gc=False, omit_defaults=True, tag_field="event", tag="refusal_delta"):
    """A piece of the model's explanation of why it does not answer, with the fields of `ContentDelta`."""

    text: str
    part: int = 0


class ToolCallStarted(
    Struct, frozen=True, gc=False, omit_defaults=True, tag_field="event", tag="tool_call_started"
):
    """A tool call has begun.

    Args:
        index: which of the answer's tool calls it is, counted from 0.
        id: the call's id.
        name: the tool's name.
        part: the index of the call in `message.parts`.
        kind: as in `ToolCall`.
    """

    index: int
    id: str
    name: str
    part: int = 0
    kind: str = "function"


class ToolCallDelta(Struct, frozen=True, gc=False, tag_field="event", tag="tool_call_delta"):
    """A piece of the JSON text of a tool call's arguments, or of a custom tool's free text.

    Args:
        index: the `index` of the call's `ToolCallStarted`.
        arguments: the piece.
    """

    index: int
    arguments: str


class PartComplete(Struct, frozen=True, tag_field="event", tag="part_complete"):
    """A complete part that deltas do not fully describe.

    Examples are a server tool's call, media, reasoning without text, and text with citations.

    Args:
        index: the index of the part in `message.parts`.
        part: the part, final and equal to `message.parts[index]`.
    """

    index: int
    part: Part


class StreamComplete(Struct, frozen=True, tag_field="event", tag="stream_complete"):
    """The answer is complete. Always the last event.

    Args:
        message: the whole answer. Its texts equal the joined deltas.
    """

    message: Message


class StreamFailed(Struct, frozen=True, tag_field="event", tag="stream_failed"):
    """The answer failed before it was complete. Always the last event.

    The facades raise the error and never yield this event.

    Args:
        error: what happened. Its `partial` is the part of the answer that arrived.
    """

    error: ProviderError


StreamEvent: TypeAlias = (
    ContentDelta
    | ReasoningDelta
    | RefusalDelta
    | ToolCallStarted
    | ToolCallDelta
    | PartComplete
    | StreamComplete
    | StreamFailed
)


def replay(message: Message) -> list[StreamEvent]:
    """Turn a whole answer into the events that a stream would have given before its `StreamComplete`.

    Args:
        message: any message.

    Returns:
        Events in the order of the parts, each part in one piece.

    Example:
        >>> replay(Message("assistant", "Hello"))
        [ContentDelta(text='Hello', part=0)]
    """
    events: list[StreamEvent] = []
    calls = 0
    for index, part in enumerate(message.parts):
        match part:
            case TextPart():
                if part.text:
                    events.append(ContentDelta(part.text, index))
                if part.citations or not part.text:
                    events.append(PartComplete(index, part))
            case ReasoningPart():
                events.append(ReasoningDelta(part.text, index) if part.text else PartComplete(index, part))
            case RefusalPart():
                events.append(RefusalDelta(part.text, index) if part.text else PartComplete(index, part))
            case ToolCall() | InvalidToolCall():
                if part.name:  # a call without a name has no start event
                    events.append(ToolCallStarted(calls, part.id, part.name, index, part.kind))
                    if arguments := _arguments(part):
                        events.append(ToolCallDelta(calls, arguments))
                    calls += 1
            case _:
                events.append(PartComplete(index, part))
    return events


def _arguments(call: ToolCall | InvalidToolCall) -> str:
    """The call's arguments as the text of deltas: as received, or empty for a call without arguments."""
    if isinstance(call, InvalidToolCall) or call.raw_arguments is not None:
        return call.raw_arguments or ""
    if call.kind == "custom":
        return call.arguments_text()
    return msgspec.json.encode(call.arguments).decode() if call.arguments else ""
