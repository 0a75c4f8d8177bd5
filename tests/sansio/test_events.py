"""Events: values that JSON keeps, and a whole message replayed as events."""

from __future__ import annotations

import json
from typing import Any, TypeAlias, get_args

import msgspec
import pytest
from hypothesis import given

from sansio import (
    Citation,
    ContentDelta,
    ImagePart,
    InvalidToolCall,
    Message,
    PartComplete,
    ProviderError,
    ReasoningDelta,
    ReasoningPart,
    RefusalDelta,
    RefusalPart,
    Role,
    ServerToolPart,
    StreamComplete,
    StreamEvent,
    StreamFailed,
    TextPart,
    ToolCall,
    ToolCallDelta,
    ToolCallStarted,
    UnknownPart,
    replay,
)
from tests.sansio.test_content import MESSAGES
from tests.sansio.wires import bare, told

EVENTS: list[tuple[StreamEvent, str]] = [
    (ContentDelta("x"), "content_delta"),
    (ReasoningDelta("x"), "reasoning_delta"),
    (RefusalDelta("x", 2), "refusal_delta"),
    (ToolCallStarted(0, "a", "f"), "tool_call_started"),
    (ToolCallDelta(0, "{"), "tool_call_delta"),
    (PartComplete(1, ImagePart(url="u")), "part_complete"),
    (StreamComplete(Message(Role.ASSISTANT, "Hi")), "stream_complete"),
]
Stored: TypeAlias = (
    ContentDelta
    | ReasoningDelta
    | RefusalDelta
    | ToolCallStarted
    | ToolCallDelta
    | PartComplete
    | StreamComplete
)


@pytest.mark.parametrize(("event", "name"), EVENTS, ids=[name for _, name in EVENTS])
def test_an_event_written_as_json_is_read_back(event: StreamEvent, name: str) -> None:
    data = msgspec.json.encode(event)
    assert json.loads(data)["event"] == name
    assert msgspec.json.decode(data, type=Stored) == event


@pytest.mark.parametrize("kind", get_args(StreamEvent), ids=lambda kind: kind.__name__)
def test_no_kind_of_event_can_be_changed(kind: Any) -> None:
    event = kind(*range(len(kind.__struct_fields__)))
    for name in kind.__struct_fields__:
        with pytest.raises(AttributeError):
            setattr(event, name, None)


def test_each_kind_of_event_has_its_own_name() -> None:
    names = [kind.__struct_config__.tag for kind in get_args(StreamEvent)]
    assert names == [*(name for _, name in EVENTS), "stream_failed"]


def test_a_failed_streams_event_holds_its_error() -> None:
    error = ProviderError("no")
    assert StreamFailed(error).error is error


def test_an_event_is_matched_by_its_fields() -> None:
    match EVENTS[3][0]:
        case ToolCallStarted(index=index, id=call_id, name=name, kind=kind):
            assert (index, call_id, name, kind) == (0, "a", "f", "function")
        case other:
            pytest.fail(f"{other!r} did not match")


CITED = TextPart("Found.", (Citation("https://example.com"),))
SERVER = ServerToolPart("server_tool_use", "s", "web_search", {"query": "x"})
CASES: list[tuple[Any, list[StreamEvent]]] = [
    ("Hi", [ContentDelta("Hi", 0)]),
    ("", []),
    ((CITED,), [ContentDelta("Found.", 0), PartComplete(0, CITED)]),
    ((TextPart("", extra={"a": 1}),), [PartComplete(0, TextPart("", extra={"a": 1}))]),
    ((ReasoningPart("Hm."), TextPart("Hi")), [ReasoningDelta("Hm.", 0), ContentDelta("Hi", 1)]),
    ((ReasoningPart("", {"data": "x"}),), [PartComplete(0, ReasoningPart("", {"data": "x"}))]),
    ((RefusalPart("No."),), [RefusalDelta("No.", 0)]),
    ((RefusalPart(""),), [PartComplete(0, RefusalPart(""))]),
    ((SERVER, UnknownPart("x")), [PartComplete(0, SERVER), PartComplete(1, UnknownPart("x"))]),
    (
        (TextPart("Hi"), ToolCall("a", "f", {"n": 1}, '{"n":  1}'), InvalidToolCall("b", "g", "{", "cut")),
        [
            ContentDelta("Hi", 0),
            ToolCallStarted(0, "a", "f", 1),
            ToolCallDelta(0, '{"n":  1}'),
            ToolCallStarted(1, "b", "g", 2),
            ToolCallDelta(1, "{"),
        ],
    ),
    ((ToolCall("a", "f"),), [ToolCallStarted(0, "a", "f", 0)]),
    ((ToolCall("a", "f", {}, ""),), [ToolCallStarted(0, "a", "f", 0)]),
    ((ToolCall("a", "f", {"n": 1}),), [ToolCallStarted(0, "a", "f", 0), ToolCallDelta(0, '{"n":1}')]),
    (
        (ToolCall("a", "math", {"input": "4"}, kind="custom"),),
        [ToolCallStarted(0, "a", "math", 0, "custom"), ToolCallDelta(0, "4")],
    ),
    (
        (ToolCall("a", "f"), ToolCall("b", "g"), ToolCall("c", "h")),
        [ToolCallStarted(0, "a", "f", 0), ToolCallStarted(1, "b", "g", 1), ToolCallStarted(2, "c", "h", 2)],
    ),
    (
        (InvalidToolCall("a", "", "{}", "no name"), ToolCall("b", "f")),
        [ToolCallStarted(0, "b", "f", 1)],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("content", "events"), CASES, ids=range(len(CASES)))
def test_a_message_is_replayed_part_by_part(content: Any, events: list[StreamEvent]) -> None:
    assert replay(Message(Role.ASSISTANT, content)) == events


@given(MESSAGES)
def test_a_replay_says_each_part_at_its_place(message: Message) -> None:
    said = told(replay(message))
    for place, part in enumerate(message.parts):
        match part:
            case ToolCall(name="") | InvalidToolCall(name=""):
                assert place not in said
            case ToolCall() | InvalidToolCall():
                assert said[place][:3] == (part.id, part.name, part.kind)
            case TextPart(text=text, citations=()) if text:
                assert said[place] == (ContentDelta, text)
            case ReasoningPart(text=text) if text:
                assert said[place] == (ReasoningDelta, text)
            case RefusalPart(text=text) if text:
                assert said[place] == (RefusalDelta, text)
            case _:
                assert said[place] == (bare(part),)


def test_a_replay_names_the_place_of_each_part_in_any_order() -> None:
    said = (TextPart("a"), RefusalPart("b"), ReasoningPart("c"), TextPart("d"))
    assert replay(Message(Role.ASSISTANT, said)) == [
        ContentDelta("a", 0),
        RefusalDelta("b", 1),
        ReasoningDelta("c", 2),
        ContentDelta("d", 3),
    ]
