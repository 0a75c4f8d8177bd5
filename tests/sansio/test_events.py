"""Events are values: frozen, comparable, and told apart when they are written as JSON."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import (
    ContentDelta,
    Message,
    ProviderError,
    ReasoningDelta,
    Role,
    StreamComplete,
    StreamEvent,
    StreamFailed,
    ToolCallDelta,
    ToolCallStarted,
)

EVENTS: list[tuple[StreamEvent, str]] = [
    (ContentDelta("x"), "content_delta"),
    (ReasoningDelta("x"), "reasoning_delta"),
    (ToolCallStarted(0, "a", "f"), "tool_call_started"),
    (ToolCallDelta(0, "{"), "tool_call_delta"),
    (StreamComplete(Message(Role.ASSISTANT, "Hi")), "stream_complete"),
]


@pytest.mark.parametrize(("event", "name"), EVENTS, ids=[name for _, name in EVENTS])
def test_an_event_written_as_json_is_read_back(event: StreamEvent, name: str) -> None:
    data = msgspec.json.encode(event)
    assert json.loads(data)["event"] == name
    kinds = ContentDelta | ReasoningDelta | ToolCallStarted | ToolCallDelta | StreamComplete
    assert msgspec.json.decode(data, type=kinds) == event


@given(st.text(), st.integers(0))
def test_events_are_equal_by_what_they_say(text: str, index: int) -> None:
    kinds: list[StreamEvent] = [ContentDelta(text), ReasoningDelta(text), ToolCallDelta(index, text)]
    assert kinds == [ContentDelta(text), ReasoningDelta(text), ToolCallDelta(index, text)]
    assert len({*kinds, *kinds}) == 3
    assert ToolCallDelta(index, text) != ToolCallDelta(index + 1, text)


@pytest.mark.parametrize("event", [event for event, _ in EVENTS])
def test_events_are_frozen(event: StreamEvent) -> None:
    with pytest.raises(AttributeError):
        event.text = "other"  # type: ignore[union-attr, misc]  # that it is refused is what is tested


def test_a_failed_streams_event_holds_its_error() -> None:
    error = ProviderError("no")
    assert StreamFailed(error).error is error


def test_an_event_is_matched_by_its_fields() -> None:
    match EVENTS[2][0]:
        case ToolCallStarted(index=index, id=call_id, name=name):
            assert (index, call_id, name) == (0, "a", "f")
        case other:
            pytest.fail(f"{other!r} did not match")
