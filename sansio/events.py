"""What a stream gives: deltas as they come, and one last value that says how it ended."""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct

from sansio.errors import ProviderError
from sansio.messages import Message


class ContentDelta(Struct, frozen=True, gc=False, tag_field="event", tag="content_delta"):
    """A piece of the answer's text."""

    text: str


class ReasoningDelta(Struct, frozen=True, gc=False, tag_field="event", tag="reasoning_delta"):
    """A piece of the model's reasoning, where the provider shows it."""

    text: str


class ToolCallStarted(Struct, frozen=True, gc=False, tag_field="event", tag="tool_call_started"):
    """A tool call has begun; `index` counts the answer's tool calls from 0."""

    index: int
    id: str
    name: str


class ToolCallDelta(Struct, frozen=True, gc=False, tag_field="event", tag="tool_call_delta"):
    """A piece of the JSON text of a started call's arguments."""

    index: int
    arguments: str


class StreamComplete(Struct, frozen=True, tag_field="event", tag="stream_complete"):
    """The answer is whole. Last, and exactly once; joined deltas equal what stands in `message`."""

    message: Message


class StreamFailed(Struct, frozen=True, tag_field="event", tag="stream_failed"):
    """The answer did not become whole. Last, and exactly once; `error.partial` is what came.

    The facades raise the error and never yield this.
    """

    error: ProviderError


StreamEvent: TypeAlias = (
    ContentDelta | ReasoningDelta | ToolCallStarted | ToolCallDelta | StreamComplete | StreamFailed
)


def deltas(message: Message) -> list[StreamEvent]:
    """A whole answer as the deltas that a stream would have given."""
    events: list[StreamEvent] = []
    if message.reasoning:
        events.append(ReasoningDelta(message.reasoning))
    if message.text:
        events.append(ContentDelta(message.text))
    started = [(call.id, call.name, call.raw_arguments or "") for call in message.tool_calls]
    started += [(call.id, call.name, call.raw_arguments) for call in message.invalid_tool_calls if call.name]
    for index, (call_id, name, arguments) in enumerate(started):
        events.append(ToolCallStarted(index, call_id, name))
        if arguments:
            events.append(ToolCallDelta(index, arguments))
    return events
