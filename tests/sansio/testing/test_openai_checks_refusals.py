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


def test_a_refusal_of_ollama_names_the_image_that_is_none() -> None:
    image = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
    response = ask("ollama", [{"role": "user", "content": [{"type": "text", "text": "Look:"}, image]}])
    assert response.status == 400
    assert "base64" in said(response)["error"]["message"]
