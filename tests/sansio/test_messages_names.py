"""The names and defaults of messages: conversations are stored under them, so they must stay as they are."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from sansio import (
    DocumentPart,
    FinishReason,
    ImagePart,
    InvalidToolCall,
    Message,
    ProviderState,
    Role,
    TextPart,
    ToolCall,
    Usage,
)


def stored(value: object) -> Any:
    return json.loads(msgspec.json.encode(value))


def test_each_role_and_finish_reason_has_its_name() -> None:
    assert [role.value for role in Role] == ["system", "developer", "user", "assistant", "tool"]
    assert [reason.value for reason in FinishReason] == [
        "stop", "length", "tool_calls", "content_filter", "refusal", "pause", "error", "other",
    ]  # fmt: skip


def test_a_part_is_stored_under_its_type_with_what_it_has() -> None:
    assert stored(TextPart("Hi")) == {"type": "text", "text": "Hi", "extra": {}}
    assert stored(ImagePart()) == {
        "type": "image", "url": None, "data": None, "media_type": "image/png", "detail": None, "extra": {},
    }  # fmt: skip
    assert stored(DocumentPart(data=b"%PDF")) == {
        "type": "document", "url": None, "data": "JVBERg==", "media_type": "application/pdf", "name": None,
        "extra": {},
    }  # fmt: skip
    assert (DocumentPart().url, DocumentPart().data) == (None, None)


def test_calls_are_stored_with_all_that_they_have() -> None:
    assert stored(ToolCall("a", "f", {})) == {
        "id": "a", "name": "f", "arguments": {}, "raw_arguments": None, "extra_content": None,
    }  # fmt: skip
    assert stored(InvalidToolCall("a", "f", "{", "cut")) == {
        "id": "a", "name": "f", "raw_arguments": "{", "reason": "cut", "extra_content": None,
    }  # fmt: skip


def test_counts_that_are_not_reported_are_0() -> None:
    names = ("input_tokens", "output_tokens", "cached_tokens", "cache_write_tokens", "reasoning_tokens")
    assert stored(Usage()) == dict.fromkeys(names, 0)


def test_a_message_is_empty_but_for_what_it_was_given() -> None:
    assert stored(Message(Role.USER)) == {
        "role": "user",
        "content": "",
        "tool_calls": [],
        "tool_call_id": None,
        "invalid_tool_calls": [],
        "reasoning": "",
        "refusal": None,
        "finish_reason": None,
        "raw_finish_reason": None,
        "usage": None,
        "model": None,
        "response_id": None,
        "request_id": None,
        "provider_state": None,
    }


VALUES: list[Any] = [
    Usage(),
    TextPart("Hi"),
    ImagePart(),
    DocumentPart(),
    ToolCall("a", "f", {}),
    InvalidToolCall("a", "f", "{", "cut"),
    ProviderState("anthropic", []),
    Message(Role.USER),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_nothing_that_was_said_can_be_changed(value: Any) -> None:
    for name in value.__struct_fields__:
        with pytest.raises(AttributeError):
            setattr(value, name, None)


@pytest.mark.parametrize("kind", [Usage, ImagePart, DocumentPart])
def test_what_has_many_like_fields_is_made_by_their_names(kind: Any) -> None:
    with pytest.raises(TypeError):
        kind("x")
