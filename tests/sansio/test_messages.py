"""Messages: JSON storage gives them back equal, and arguments go back as they came."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio.content import (
    ContentPart,
    DocumentPart,
    FinishReason,
    ImagePart,
    InvalidToolCall,
    JSONObject,
    Message,
    ProviderState,
    Role,
    TextPart,
    ToolCall,
    Usage,
)

TEXT = st.text(max_size=12)
NAMES = st.none() | TEXT
COUNTS = st.integers(0, 10**7)
OBJECTS: st.SearchStrategy[JSONObject] = st.dictionaries(
    TEXT,
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
        max_leaves=6,
    ),
    max_size=3,
)
PARTS: st.SearchStrategy[ContentPart] = st.one_of(
    st.builds(TextPart, TEXT, OBJECTS),
    st.builds(ImagePart, url=NAMES, data=st.none() | st.binary(max_size=9), detail=NAMES, extra=OBJECTS),
    st.builds(DocumentPart, url=NAMES, data=st.none() | st.binary(max_size=9), name=NAMES, extra=OBJECTS),
)
MESSAGES = st.builds(
    Message,
    st.sampled_from(Role),
    TEXT | st.lists(PARTS, max_size=3).map(tuple),
    st.lists(st.builds(ToolCall, TEXT, TEXT, OBJECTS, NAMES, st.none() | OBJECTS), max_size=2).map(tuple),
    NAMES,
    st.lists(st.builds(InvalidToolCall, TEXT, TEXT, TEXT, TEXT), max_size=2).map(tuple),
    TEXT,
    NAMES,
    st.none() | st.sampled_from(FinishReason),
    NAMES,
    st.none() | st.builds(Usage, input_tokens=COUNTS, cached_tokens=COUNTS, reasoning_tokens=COUNTS),
    NAMES,
    NAMES,
    NAMES,
    st.none() | st.builds(ProviderState, TEXT, st.lists(OBJECTS, max_size=2)),
)


@given(st.lists(MESSAGES, max_size=3))
def test_a_conversation_survives_json_storage(messages: list[Message]) -> None:
    stored = msgspec.json.encode(messages)
    assert msgspec.json.decode(stored, type=list[Message]) == messages
    assert msgspec.json.encode(messages) == stored


def test_opaque_provider_state_survives_json_storage_in_its_order() -> None:
    blocks: list[JSONObject] = [
        {"type": "thinking", "thinking": "", "signature": "EqQB/+=="},
        {"type": "redacted_thinking", "data": "x"},
        {"z": 2**70, "a": 1e-300},
    ]
    message = Message(Role.ASSISTANT, "hi", provider_state=ProviderState("anthropic", blocks))
    back = msgspec.json.decode(msgspec.json.encode(message), type=Message)
    assert back == message
    assert back.provider_state is not None
    assert json.dumps(back.provider_state.blocks) == json.dumps(blocks)


def test_a_conversation_stored_with_less_or_more_fields_can_be_read() -> None:
    call = '{"id": "1", "name": "f", "arguments": {}}'
    stored = f'[{{"role": "assistant", "content": "hi", "tool_calls": [{call}], "unknown": 1}}]'
    read = msgspec.json.decode(stored, type=list[Message])
    assert read == [Message(Role.ASSISTANT, "hi", (ToolCall("1", "f", {}),))]


@given(arguments=OBJECTS, raw=TEXT)
def test_arguments_go_back_as_they_came_or_encoded_where_they_are_new(
    arguments: JSONObject, raw: str
) -> None:
    assert ToolCall("1", "f", arguments, raw).arguments_text() == raw
    assert json.loads(ToolCall("1", "f", arguments).arguments_text()) == arguments


@given(st.lists(PARTS, max_size=5))
def test_the_text_of_a_message_is_that_of_its_text_parts(parts: list[ContentPart]) -> None:
    joined = "".join(part.text for part in parts if isinstance(part, TextPart))
    assert Message(Role.USER, tuple(parts)).text == joined
    assert Message(Role.USER, joined).text == joined


@pytest.mark.parametrize("value", [Message(Role.USER, "a"), ToolCall("1", "f", {}), TextPart("a"), Usage()])
def test_all_are_frozen(value: msgspec.Struct) -> None:
    field = value.__struct_fields__[0]
    with pytest.raises((AttributeError, FrozenInstanceError)):
        setattr(value, field, "other")


def test_defaults_are_not_shared() -> None:
    first, second = TextPart("a"), TextPart("a")
    first.extra["cache_control"] = {"type": "ephemeral"}
    assert second.extra == {}
