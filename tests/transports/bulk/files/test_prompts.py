"""A row of an input as a request, or with what is wrong with it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import Message, Provider, ProviderConfig, Role
from sansio.content import Tool
from transports.bulk.files.prompts import Malformed, Prompt, PromptReader

TOOL: Tool = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
PROVIDER = Provider(ProviderConfig(type="openai", model="gpt-4o"))
HELLO = [Message(Role.USER, "Hello")]


def read(row: dict[str, Any], **how: Any) -> Prompt:
    given = PromptReader(PROVIDER, **how).read(7, row)
    assert isinstance(given, Prompt), given
    return given


@pytest.mark.parametrize(
    "row",
    [
        {"prompt": "Hello"},
        {"messages": [{"role": "user", "content": "Hello"}]},
        {
            "url": "/v1/chat/completions",
            "body": {"model": "m", "messages": [{"role": "user", "content": "Hello"}], "temperature": 0.5},
        },
        {"url": "/v1/responses", "body": {"model": "m", "input": "Hello", "temperature": 0.5}},
        {"params": {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Hello"}]}},
    ],
)
def test_a_row_is_a_prompt_in_any_of_its_forms(row: dict[str, Any]) -> None:
    prompt = read(row)
    assert (prompt.line, prompt.custom_id) == (7, "7")
    assert list(prompt.request.messages) == HELLO
    asked = PROVIDER.prepare(prompt.request.messages, prompt.request.tools, options=prompt.request.options)
    assert asked.body["model"] == ("m" if "body" in row or "params" in row else "gpt-4o")


def test_a_body_has_its_tools_and_options_and_the_model_may_be_another() -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "Hello"}], "tools": [TOOL], "seed": 4}
    row = {"custom_id": "a", "url": "https://api.openai.com/v1/chat/completions", "body": body}
    prompt = read(row, keep_model=False)
    assert prompt.custom_id == "a"
    assert prompt.request.tools == [TOOL]
    assert prompt.request.options == {"seed": 4}


def test_a_template_makes_a_prompt_of_any_row() -> None:
    prompt = read({"text": "Long.", "n": 2, "prompt": "not this"}, template="Summarise {n}: {text}")
    assert list(prompt.request.messages) == [Message(Role.USER, "Summarise 2: Long.")]


def test_a_system_message_is_for_rows_that_have_none() -> None:
    assert list(read({"prompt": "Hello"}, system="Be brief.").request.messages) == [
        Message(Role.SYSTEM, "Be brief."),
        *HELLO,
    ]
    own = [{"role": "system", "content": "Mine."}, {"role": "user", "content": "Hello"}]
    assert list(read({"messages": own}, system="Be brief.").request.messages) == [
        Message(Role.SYSTEM, "Mine."),
        *HELLO,
    ]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({}, "prompt, messages, body, params"),
        ({"promt": "x"}, "it has promt"),
        ({"prompt": "x", "messages": []}, "has prompt and messages"),
        ({"prompt": 5}, "prompt: must be a text, not int"),
        ({"prompt": "x", "custom_id": 5}, "custom_id: must be a text"),
        ({"prompt": "x", "custom_id": ""}, "custom_id: must be a text"),
        ({"messages": [{"role": "nobody", "content": "x"}]}, "message 0, role"),
        ({"body": {"messages": []}}, "url: a row with a body needs one of /v1/chat/completions"),
        ({"body": [], "url": "/v1/responses"}, "body: must be an object"),
        ({"params": "x"}, "params: must be an object"),
    ],
)
def test_what_is_wrong_with_a_row_names_the_field(row: dict[str, Any], words: str) -> None:
    given = PromptReader(PROVIDER).read(7, row)
    assert isinstance(given, Malformed)
    assert words in given.error
    assert given.line == 7


@pytest.mark.parametrize("template", ["{body}", "{", "{text.nothing}", "{text!x}", "{}", "{text:d}"])
def test_a_template_that_cannot_be_filled_is_an_error_of_the_row(template: str) -> None:
    given = PromptReader(PROVIDER, template=template).read(1, {"text": "x"})
    assert isinstance(given, Malformed)
    assert "template" in given.error


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from(("custom_id", "prompt", "messages", "body", "url", "params", "other"))


@given(st.dictionaries(KEYS, JSON), st.none() | st.text())
def test_no_row_raises(row: dict[str, Any], template: str | None) -> None:
    assert PromptReader(PROVIDER, template=template).read(1, row).line == 1
