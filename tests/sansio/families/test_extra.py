"""What the application puts into an `extra`: sent beside the typed fields, and never in their place."""

from __future__ import annotations

from typing import Any

import pytest

from sansio import (
    DocumentPart,
    ImagePart,
    InvalidRequestError,
    Message,
    MessagesDialect,
    Part,
    Provider,
    ProviderConfig,
    Role,
    TextPart,
    ToolCall,
    register_provider,
)
from sansio.config import PROVIDER_DEFAULTS
from tests.sansio.wires import ASK, body_of, config

BOTH = ("openai", "anthropic")


def refused(kind: str, *messages: Message) -> InvalidRequestError:
    with pytest.raises(InvalidRequestError) as caught:
        Provider(config(kind)).prepare(messages)
    return caught.value


@pytest.mark.parametrize("field", ["role", "content", "tool_calls", "tool_call_id"])
@pytest.mark.parametrize("role", [Role.USER, Role.ASSISTANT])
def test_an_extra_never_replaces_a_typed_field_of_a_message(role: Role, field: str) -> None:
    error = refused("openai", *ASK, Message(role, "u", extra={field: "evil"}))
    assert error.index == 1
    assert f"message 1: {field} is in its extra" in str(error)
    assert "leave it out of extra" in str(error)


@pytest.mark.parametrize("content", ["ok", ""])
@pytest.mark.parametrize("field", ["tool_use_id", "content", "is_error", "type"])
def test_an_extra_never_replaces_a_typed_field_of_a_tools_result(field: str, content: str) -> None:
    result = Message(Role.TOOL, content, tool_call_id="a", extra={field: "evil"})
    error = refused("anthropic", *ASK, Message(Role.ASSISTANT, (ToolCall("a", "f"),)), result)
    assert f"message 2: {field} is in its extra" in str(error)


@pytest.mark.parametrize(
    ("kind", "part", "field"),
    [
        ("openai", TextPart("a", extra={"type": "b"}), "type"),
        ("openai", TextPart("a", extra={"own": 1, "type": "b"}), "type"),
        ("openai", TextPart("a", extra={"text": "b"}), "text"),
        ("openai", ImagePart(url="https://a/b.png", extra={"image_url": {"url": "c"}}), "image_url.url"),
        ("openai", DocumentPart(file_id="a", extra={"file": {"file_id": "b"}}), "file.file_id"),
        ("anthropic", TextPart("a", extra={"text": "b"}), "text"),
        ("anthropic", ImagePart(url="https://a/b.png", extra={"source": {"url": "c"}}), "source.url"),
    ],
)
def test_an_extra_never_replaces_a_typed_field_of_a_part(kind: str, part: Part, field: str) -> None:
    error = refused(kind, Message(Role.USER, (TextPart("a"), part)))
    assert error.index == 0
    assert f"message 0, part 1: {field} is in its extra" in str(error)


@pytest.mark.parametrize(
    ("kind", "extra", "field"),
    [
        ("openai", {"id": "b"}, "id"),
        ("openai", {"function": {"name": "g"}}, "function.name"),
        ("openai", {"function": 5}, "function"),
        ("anthropic", {"input": {}}, "input"),
        ("anthropic", {"name": "g"}, "name"),
    ],
)
def test_an_extra_never_replaces_a_typed_field_of_a_call(kind: str, extra: Any, field: str) -> None:
    said = Message(Role.ASSISTANT, (TextPart("a"), ToolCall("a", "f", {"x": 1}, extra=extra)))
    error = refused(kind, *ASK, said, Message(Role.TOOL, "ok", tool_call_id="a"))
    assert f"message 1, part 1: {field} is in its extra" in str(error)


def test_an_object_in_an_extra_is_merged_into_the_typed_one() -> None:
    image = ImagePart(url="https://a/b.png", detail="low", extra={"image_url": {"format": "png"}, "x": 1})
    file = DocumentPart(file_id="a", extra={"file": {"format": "b"}})
    sent = body_of(Provider(config("openai")), [Message(Role.USER, (image, file))])
    assert sent["messages"][0]["content"] == [
        {
            "type": "image_url",
            "image_url": {"url": "https://a/b.png", "detail": "low", "format": "png"},
            "x": 1,
        },
        {"type": "file", "file": {"file_id": "a", "format": "b"}},
    ]


@pytest.mark.parametrize("role", [Role.USER, Role.ASSISTANT])
def test_the_family_of_messages_guards_its_fields_for_other_makers_servers_too(role: Role) -> None:
    register_provider("relaxed", MessagesDialect, PROVIDER_DEFAULTS["anthropic"])
    try:
        provider = Provider(ProviderConfig(type="relaxed", model="m"))
        with pytest.raises(InvalidRequestError, match="message 1: content is in its extra"):
            provider.prepare([*ASK, Message(role, "u", extra={"content": "evil"})])
    finally:
        del PROVIDER_DEFAULTS["relaxed"]


# What JSON does not have.


@pytest.mark.parametrize("kind", BOTH)
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), {1, 2}, frozenset({1})])
def test_what_json_does_not_have_is_refused_with_message_and_part(kind: str, value: Any) -> None:
    call = Message(Role.ASSISTANT, (TextPart("a"), ToolCall("c", "f", {"a": [value]})))
    result = Message(Role.TOOL, "ok", tool_call_id="c")
    assert "message 1, part 1: its call 'c' has" in str(refused(kind, *ASK, call, result))
    extra: Any = {"x": {"y": value}}
    assert "message 0: its extra has" in str(refused(kind, Message(Role.USER, "u", extra=extra)))
    part = Message(Role.USER, (TextPart("a"), TextPart("u", extra=extra)))
    assert "message 0, part 1: its extra has" in str(refused(kind, part))
    tool = {"type": "function", "function": {"name": "f", "parameters": {"enum": value}}}
    with pytest.raises(InvalidRequestError, match=r"tool 0 has .* JSON does not have; give a"):
        Provider(config(kind)).prepare("Hi", [tool])
