"""The names that the chat-completions servers know: of tools, roles, content parts and fields."""

from __future__ import annotations

import string
from typing import Any

import pytest

from tests.sansio.testing.asking import CHAT, HELLO, STRICT_CHAT, ask

CHATS = pytest.mark.parametrize("type", CHAT)
ALLOWED = string.ascii_letters + string.digits + "_-"
USER = {"role": "user", "content": "Hi"}


def is_a_tool_name(name: str) -> bool:
    return ask("openai", HELLO, tools=[{"type": "function", "function": {"name": name}}]).status == 200


def test_a_tool_s_name_is_letters_digits_and_two_signs() -> None:
    assert "".join(sign for sign in map(chr, range(256)) if is_a_tool_name(sign)) == "".join(sorted(ALLOWED))


@pytest.mark.parametrize(("length", "taken"), [(0, False), (1, True), (63, True), (64, True), (65, False)])
def test_a_tool_s_name_is_64_long_at_most(length: int, taken: bool) -> None:
    assert is_a_tool_name("a" * length) is taken


@CHATS
@pytest.mark.parametrize("role", ["system", "user", "assistant"])
def test_all_know_three_roles(type: str, role: str) -> None:
    assert ask(type, [{"role": role, "content": "Hi"}]).status == 200


@CHATS
@pytest.mark.parametrize("kind", ["image_url", "input_audio", "file", "refusal"])
def test_a_part_without_text_has_a_type_that_is_known(type: str, kind: str) -> None:
    part: dict[str, Any] = {"type": kind, "image_url": {"url": "data:image/png;base64,AAAA"}}
    assert ask(type, [{"role": "user", "content": [part]}]).status == 200
    for unknown in (f"{kind}s", kind[1:]):
        assert ask(type, [{"role": "user", "content": [{**part, "type": unknown}]}]).status == 400


@pytest.mark.parametrize("type", ["openai", "azure"])
@pytest.mark.parametrize(
    "field", ["name", "tool_calls", "tool_call_id", "refusal", "audio", "function_call", "colour"]
)
def test_a_message_has_the_fields_that_the_reference_names_and_no_other(type: str, field: str) -> None:
    assert ask(type, [{**USER, field: None}]).status == (400 if field == "colour" else 200)


@pytest.mark.parametrize("type", ["openai", "azure"])
@pytest.mark.parametrize(
    "field", ["reasoning", "thinking", "chat_template_kwargs", "system", "stop_sequences"]
)
def test_a_field_of_another_provider_is_unknown_whatever_its_value(type: str, field: str) -> None:
    assert ask(type, HELLO, **{field: False}).status == 400


@pytest.mark.parametrize("type", STRICT_CHAT)
def test_a_tool_s_result_is_for_the_call_right_before_it(type: str) -> None:
    call = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    calling = {"role": "assistant", "content": None, "tool_calls": [call]}
    result = {"role": "tool", "tool_call_id": "a", "content": "done"}
    assert ask(type, [USER, calling, result]).status == 200
    assert ask(type, [USER, calling, {**result, "role": "function"}]).status == 400
