"""The place and the code that a chat-completions server's refusal names."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from sansio.testing import FakeProvider
from tests.sansio.testing.asking import ask, body_for, message_in, request_for, said
from tests.support import for_all

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


TOOL = {"type": "function", "function": {"name": "f"}}
OTHER = {"type": "function", "function": {"name": "g"}}
CUSTOM = {"type": "custom", "custom": {"name": "f"}}


@pytest.mark.parametrize(
    ("fields", "param", "code"),
    [
        ({"model": ""}, "model", None),
        ({"stream": "yes"}, "stream", "invalid_value"),
        ({"temperature": 3}, "temperature", "invalid_value"),
        ({"n": 2}, "n", "invalid_value"),
        ({"stop": ["a"] * 5}, "stop", "invalid_value"),
        ({"logit_bias": {"1": 101}}, "logit_bias[...]", "invalid_value"),
        ({"top_logprobs": 2}, "top_logprobs", None),
        ({"colour": 1}, "colour", "unknown_parameter"),
        ({"tool_choice": "auto"}, "tool_choice", None),
        ({"stream_options": {}}, "stream_options", None),
        ({"system": "Hi"}, "system", "unknown_parameter"),
        ({"reasoning_effort": "low", "max_tokens": 5}, "max_tokens", "unsupported_parameter"),
        ({"tools": []}, "tools", None),
        ({"tools": [TOOL, {}]}, "tools[1].type", None),
        ({"tools": [TOOL, {"type": "custom", "custom": {}}]}, "tools[1].custom.name", None),
        ({"tools": [TOOL], "tool_choice": "any"}, "tool_choice", None),
        ({"tools": [TOOL], "tool_choice": OTHER}, "tool_choice", None),
        ({"tools": [TOOL], "tool_choice": CUSTOM}, "tool_choice", None),
        (
            {"tools": [TOOL], "tool_choice": {"type": "allowed_tools", "allowed_tools": {"tools": [TOOL]}}},
            "tool_choice.allowed_tools.mode",
            None,
        ),
    ],
)
def test_a_refusal_names_the_field_of_the_request(
    fields: dict[str, Any], param: str, code: str | None
) -> None:
    error = said(ask("openai", [USER], **fields))["error"]
    assert (error["param"], error["code"]) == (param, code)
    assert error["message"].endswith(".")


def test_a_compatible_server_takes_fields_of_its_own_and_reasoning_back() -> None:
    answered = {"role": "assistant", "content": "Hi", "reasoning_content": "Hm."}
    body = body_for("openai", [USER, answered, USER], thinking={"type": "enabled"})
    request = request_for("openai", body)
    assert FakeProvider("openai").respond(request).status == 400
    elsewhere = msgspec.structs.replace(request, host="api.deepseek.com")
    assert FakeProvider("openai").respond(elsewhere).status == 200


@pytest.mark.parametrize(
    ("type", "fields", "status"),
    [
        ("vllm", {"temperature": -1}, 400),
        ("vllm", {"top_k": "a"}, 400),
        ("vllm", {"colour": 1}, 200),
        ("vllm", {"tools": [{"type": "custom", "custom": {"name": "f"}}]}, 400),
        ("openrouter", {"models": "a"}, 400),
        ("openrouter", {"tools": [{"type": "openrouter:web_search", "parameters": {}}]}, 200),
        ("ollama", {"temperature": "warm"}, 400),
        ("ollama", {"temperature": 5, "tool_choice": 5, "n": 7}, 200),
    ],
)
def test_each_server_looks_at_the_fields_that_it_knows(
    type: str, fields: dict[str, Any], status: int
) -> None:
    assert ask(type, [USER], **fields).status == status


def test_openrouters_choice_of_its_own_tool_forces_none_of_the_applications() -> None:
    own = {"type": "openrouter:web_search"}
    response = ask("openrouter", [USER], tools=[TOOL, own], tool_choice=own)
    assert said(response)["choices"][0]["finish_reason"] == "stop"


@pytest.mark.parametrize(
    ("type", "choice"),
    [
        ("openai", None),
        ("openai", "auto"),
        ("openai", {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [TOOL]}}),
        ("openrouter", {"type": "openrouter:web_search"}),
        ("ollama", "none"),
    ],
)
def test_a_choice_that_is_left_to_the_model_calls_what_is_named(type: str, choice: object) -> None:
    chosen = {} if choice is None else {"tool_choice": choice}
    response = ask(type, [{"role": "user", "content": "call f"}], tools=[TOOL, OTHER], **chosen)
    (call,) = said(response)["choices"][0]["message"]["tool_calls"]
    assert call["function"]["name"] == "f"


@pytest.mark.parametrize("mode", ["auto", "required"])
def test_only_an_allowed_tool_is_called(mode: str) -> None:
    other = {"type": "custom", "custom": {"name": "g"}}
    choice = {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": [other]}}
    asking = [{"role": "user", "content": "call f"}]
    message = said(ask("openai", asking, tools=[TOOL, other], tool_choice=choice))["choices"][0]["message"]
    called = [call["custom"] for call in message.get("tool_calls", ())]
    assert called == ([] if mode == "auto" else [{"name": "g", "input": "call f"}])


@pytest.mark.parametrize(
    ("format", "content"),
    [
        ({"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "array"}}}, []),
        ({"type": "json_schema", "json_schema": {"name": "a"}}, None),
        ({"type": "json_object"}, {}),
    ],
)
def test_an_answer_follows_the_schema_that_was_asked_for(format: object, content: object) -> None:
    message = said(ask("openai", [USER], response_format=format))["choices"][0]["message"]
    assert json.loads(message["content"]) == content


@for_all(
    ("type", ["openai", "azure", "openrouter", "vllm"]),
    (
        "format",
        [
            {"type": "xml"},
            {},
            {"type": "json_schema"},
            {"type": "json_schema", "json_schema": {"schema": {"type": "object"}}},
            {"type": "json_schema", "json_schema": {"name": "a b"}},
        ],
    ),
)
def test_a_format_that_is_none_of_the_servers_own_is_refused(type: str, format: object) -> None:
    response = ask(type, [USER], response_format=format)
    assert response.status == 400
    assert "response_format" in message_in(type, said(response))


@pytest.mark.parametrize(
    ("type", "format"),
    [
        ("openrouter", {"type": "grammar", "grammar": "root ::= 'a'"}),
        ("openrouter", {"type": "python"}),
        ("vllm", {"type": "structural_tag"}),
        ("openai", {"type": "text"}),
    ],
)
def test_a_servers_own_format_is_taken(type: str, format: object) -> None:
    assert ask(type, [USER], response_format=format).status == 200


@pytest.mark.parametrize("image", [{}, {"url": ""}, {"url": 5}, None])
def test_an_image_without_a_url_is_refused(image: object) -> None:
    content = [{"type": "image_url", "image_url": image}]
    response = ask("openai", [{"role": "user", "content": content}])
    assert response.status == 400
    assert "image_url needs a url" in message_in("openai", said(response))


MEDIA: list[dict[str, Any]] = [
    {"type": "text", "text": "Hi"},
    {"type": "image_url", "image_url": {"url": "https://e/i"}},
    {"type": "image_url", "image_url": "https://e/i"},
    {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
    {"type": "file", "file": {"file_id": "f"}},
]


@for_all(("type", ["openai", "azure", "openrouter", "vllm"]), ("part", MEDIA))
def test_each_kind_of_part_is_taken(type: str, part: dict[str, Any]) -> None:
    assert ask(type, [{"role": "user", "content": [part]}]).status == 200


@for_all(
    ("type", ["openai", "azure"]),
    ("field", ["name", "tool_calls", "tool_call_id", "refusal", "audio", "function_call"]),
)
def test_each_field_of_a_message_is_known(type: str, field: str) -> None:
    assert ask(type, [{**USER, field: None}]).status == 200
    assert ask(type, [{**USER, f"{field}s": None}]).status == 400


@for_all(
    ("type", ["openai", "azure", "openrouter"]), ("said", ["tool_calls", "refusal", "function_call", "audio"])
)
def test_an_answer_may_have_no_content_beside_what_it_is(type: str, said: str) -> None:
    called = {"name": "f", "arguments": "{}"}
    values = {"tool_calls": [CALL], "refusal": "No.", "function_call": called, "audio": {"id": "a"}}
    answer = {"role": "assistant", "content": None, said: values[said]}
    result = [{"role": "tool", "tool_call_id": "a", "content": "1"}] if said == "tool_calls" else []
    assert ask(type, [USER, answer, *result, USER]).status == 200
    assert ask(type, [USER, {**answer, said: None}, USER]).status == 400
    assert ask(type, [{**answer, "role": "user"}]).status == 400


def test_the_model_sees_the_last_words_of_the_user_and_the_results_behind_them() -> None:
    parts = [{"type": "text", "text": "three"}, {"type": "text", "text": "four"}]
    messages = [{"role": "user", "content": "one two"}, {"role": "user", "content": parts}]
    answered = said(ask("openai", messages))["choices"][0]["message"]["content"]
    assert answered.startswith("You said, in 2 words: 'three four'")
    named = [CALL, {"id": "b", "type": "custom", "custom": {"name": "g", "input": "x"}}]
    results = [
        {"role": "tool", "tool_call_id": "b", "content": [{"type": "text", "text": "late"}]},
        {"role": "tool", "tool_call_id": "a", "content": "early"},
    ]
    talk = [USER, {"role": "assistant", "content": None, "tool_calls": named}, *results]
    reported = said(ask("openai", talk))["choices"][0]["message"]["content"]
    assert reported == "The tools answered: g said 'late'; f said 'early'."
    again = said(ask("openai", [*talk, USER]))["choices"][0]["message"]["content"]
    assert again.startswith("Hello!")
