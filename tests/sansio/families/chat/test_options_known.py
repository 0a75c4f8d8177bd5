"""Every option of OpenAI's own type is one that its service knows: its fake refuses any other field."""

from __future__ import annotations

from typing import Any

import pytest

from sansio import Provider, Send
from sansio.providers import dialect_named
from sansio.testing import FakeProvider
from tests.sansio.wires import ASK, WEATHER, Record, config
from tests.support import for_all

FORM = {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}}
VALUES: dict[str, Any] = {
    "temperature": 1,
    "top_p": 1,
    "stop": ["x"],
    "seed": 7,
    "frequency_penalty": 0.5,
    "presence_penalty": 0.5,
    "logprobs": True,
    "top_logprobs": 2,
    "response_format": FORM,
    "reasoning_effort": "low",
    "cache": True,
    "max_tokens": 5,
    "max_completion_tokens": 5,
    "stream_options": {"include_obfuscation": False},
    "tool_choice": "auto",
    "parallel_tool_calls": False,
    "user": "u",
    "logit_bias": {"5": 1},
    "n": 1,
    "metadata": {"a": "b"},
    "service_tier": "flex",
    "store": True,
    "safety_identifier": "s",
    "prompt_cache_key": "k",
    "prompt_cache_retention": "24h",
    "prompt_cache_options": {"mode": "explicit"},
    "verbosity": "low",
    "audio": {"voice": "alloy", "format": "wav"},
    "prediction": {"type": "content", "content": "x"},
    "web_search_options": {"search_context_size": "low"},
    "moderation": {"model": "m"},
    "modalities": ["text"],
    "functions": [{"name": "f", "parameters": {"type": "object"}}],
    "function_call": "auto",
}
"""A valid value of each option (OpenAI's SDK, `CompletionCreateParams`)."""
BESIDE: dict[str, Record] = {
    "top_logprobs": {"logprobs": True},
    "function_call": {"functions": [{"name": "f"}]},
}


@pytest.mark.parametrize("kind", ["openai", "azure"])
def test_each_option_has_a_value_here(kind: str) -> None:
    assert dialect_named(kind).options().keys() == VALUES.keys()


@for_all(("kind", ["openai", "azure"]), ("name", VALUES))
def test_each_option_is_a_field_that_the_service_knows(kind: str, name: str) -> None:
    provider = Provider(config(kind))
    options = {**BESIDE.get(name, {}), name: VALUES[name]}
    call = provider.call(ASK, [WEATHER], stream=name == "stream_options", options=options)
    step = call.next_step()
    assert isinstance(step, Send)
    response = FakeProvider(kind).respond(provider.authorize(step.request, "k"))
    assert response.status == 200, response.body
