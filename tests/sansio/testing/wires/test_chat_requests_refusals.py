"""The place and the code that a chat-completions server's refusal names."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sansio.testing.asking import ask, said

USER = {"role": "user", "content": "Hi"}
CALL = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
CALLING = {"role": "assistant", "content": None, "tool_calls": [CALL]}


def calling(**changed: Any) -> dict[str, Any]:
    return {**CALLING, "tool_calls": [CALL, {**CALL, "id": "b", **changed}]}


@pytest.mark.parametrize(
    ("messages", "param", "code"),
    [
        ([], "messages", None),
        ([USER, "Hi"], "messages[1]", "invalid_type"),
        ([USER, {"role": "robot", "content": "Hi"}], "messages[1].role", None),
        ([USER, {**USER, "colour": "red"}], "messages[1].colour", "unknown_parameter"),
        ([USER, {"role": "user", "content": 5}], "messages[1].content", None),
        ([USER, {"role": "user", "content": []}], "messages[1].content", None),
        ([USER, {"role": "user", "content": [{"type": "smell"}]}], "messages[1].content", None),
        ([USER, {"role": "user", "content": [{"type": "text"}]}], "messages[1].content", None),
        ([USER, {**USER, "tool_calls": [CALL]}], "messages[1]", None),
        ([USER, {**CALLING, "tool_calls": []}], "messages[1].content", None),
        ([USER, {**CALLING, "content": "Hi", "tool_calls": []}], "messages[1]", None),
        ([USER, calling(id="")], "messages[1].tool_calls[1]", None),
        ([USER, calling(function={"name": "", "arguments": "{}"})], "messages[1].tool_calls[1]", None),
        ([USER, CALLING, {"role": "tool", "content": "1"}], "messages[2].tool_call_id", None),
        ([USER, calling(function={"name": "f"})], "messages[1].tool_calls[1].function.arguments", None),
        ([{"role": "tool", "tool_call_id": "a", "content": "1"}], "messages[0].role", None),
        ([USER, CALLING], "messages[2].role", None),
        ([USER, CALLING, USER], "messages[2].role", None),
    ],
)
def test_a_refusal_of_openai_names_what_is_at_fault(
    messages: list[Any], param: str, code: str | None
) -> None:
    response = ask("openai", messages)
    error = said(response)["error"]
    assert (response.status, error["param"], error["code"]) == (400, param, code)
    assert error["message"][0].isupper()
    assert error["message"][-1] == "."


def test_a_refusal_of_ollama_names_the_invalid_image() -> None:
    image = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
    response = ask("ollama", [{"role": "user", "content": [{"type": "text", "text": "Look:"}, image]}])
    assert response.status == 400
    assert "base64" in said(response)["error"]["message"]


def test_a_call_of_the_old_kind_replaces_content() -> None:
    old = {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}}
    assert ask("openai", [USER, old, USER]).status == 200


@pytest.mark.parametrize("local", ["ollama", "vllm"])
def test_a_refusal_of_arguments_that_are_no_object_names_them(local: str) -> None:
    broken = calling(function={"name": "f", "arguments": "[]"})
    response = ask(local, [USER, broken])
    body = said(response)
    message = body["error"]["message"] if local == "ollama" else body["message"]
    assert (response.status, message) == (400, "The arguments are not a JSON object.")


@pytest.mark.parametrize(
    ("image", "status"),
    [
        ("data:image/png;base64,AAAA", 200),
        ({"url": "data:image/png;base64,AAAA"}, 200),
        ("data:image/png,AAAA", 400),
        ("image/png;base64,AAAA", 400),
        ("https://example.com/a.png", 400),
        ({"uri": "data:image/png;base64,AAAA"}, 400),
        (None, 400),
    ],
)
def test_ollama_takes_an_image_as_base64_data_bare_or_in_an_object(image: object, status: int) -> None:
    part = {"type": "image_url", "image_url": image}
    assert ask("ollama", [{"role": "user", "content": [part]}]).status == status


@pytest.mark.parametrize(
    ("fields", "param", "code"),
    [
        ({"model": ""}, "model", None),
        ({"stream": "yes"}, "stream", None),
        ({"stream_options": {}}, "stream_options", None),
        ({"system": "Hi"}, "system", "unknown_parameter"),
        ({"reasoning_effort": "low", "max_tokens": 5}, "max_tokens", "unsupported_parameter"),
        ({"tools": []}, "tools", None),
        ({"tools": [{"type": "function", "function": {"name": "f"}}, {}]}, "tools[1].function.name", None),
    ],
)
def test_a_refusal_names_the_field_of_the_request(
    fields: dict[str, Any], param: str, code: str | None
) -> None:
    error = said(ask("openai", [USER], **fields))["error"]
    assert (error["param"], error["code"]) == (param, code)
    assert error["message"].endswith(".")
