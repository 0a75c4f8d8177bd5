"""Responses by provider: addresses, models, token counts, prompt caches, and errors."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from sansio import (
    ConfigError,
    InvalidRequestError,
    Message,
    ModelInfo,
    Provider,
    ProviderConfig,
    Role,
    Send,
)
from sansio.providers import dialect_for
from tests.sansio.wires import ASK, RESPONSES, WEATHER, Record, body_of, config

CLASSIC: Record = {"api_version": "2025-04-01-preview", "deployment": "my gpt"}
V1: Record = {
    "base_url": "https://res.openai.azure.com/openai/v1",
    "deployment": "my gpt",
    "api_version": None,
}


@pytest.mark.parametrize(
    ("kind", "fields", "where"),
    [
        ("openai/responses", {}, "https://api.openai.com/v1/responses"),
        ("compatible/responses", {"base_url": "https://api.x.ai/v1"}, "https://api.x.ai/v1/responses"),
        ("azure/responses", V1, "https://res.openai.azure.com/openai/v1/responses"),
        (
            "azure/responses",
            CLASSIC,
            "https://res.openai.azure.com/openai/responses?api-version=2025-04-01-preview",
        ),
        ("openrouter/responses", {}, "https://openrouter.ai/api/v1/responses"),
        ("ollama/responses", {}, "http://localhost:11434/v1/responses"),
        ("vllm/responses", {}, "http://localhost:8000/v1/responses"),
    ],
)
def test_the_address_is_the_servers_and_the_same_for_streams(kind: str, fields: Record, where: str) -> None:
    provider = Provider(config(kind, **fields))
    assert {provider.prepare(ASK, stream=stream).url for stream in (False, True)} == {where}


@pytest.mark.parametrize("fields", [V1, CLASSIC])
def test_azures_deployment_is_the_model_on_both_surfaces(fields: Record) -> None:
    provider = Provider(config("azure/responses", **fields))
    assert body_of(provider, ASK)["model"] == "my gpt"
    assert body_of(provider, ASK, model="other")["model"] == "other"
    assert "my gpt" not in provider.prepare(ASK).url


@pytest.mark.parametrize("kind", RESPONSES)
def test_the_key_is_sent_as_for_chat(kind: str) -> None:
    def signed(provider: Provider) -> object:
        step = provider.call(ASK).next_step()
        assert isinstance(step, Send)
        headers = provider.authorize(step.request, "sk").headers
        return [(name, value) for name, value in headers if name != "content-length"]

    type_ = kind.partition("/")[0]
    assert signed(Provider(config(kind))) == signed(Provider(config(type_)))


@pytest.mark.parametrize(
    ("type_", "known"),
    [("anthropic", "messages"), ("openai", "chat, responses"), ("ollama", "chat, responses")],
)
def test_an_api_that_a_type_does_not_speak_is_refused_with_those_that_it_does(type_: str, known: str) -> None:
    with pytest.raises(
        ConfigError, match=rf"api: {type_} has no api 'respones'; use one of .*{known}"
    ) as caught:
        ProviderConfig(type=type_, api="respones", model="m")
    assert caught.value.field == "api"


def test_the_models_are_those_of_chat() -> None:
    for kind in RESPONSES:
        step = Provider(config(kind)).list_models().next_step()
        chat = Provider(config(kind.partition("/")[0])).list_models().next_step()
        assert isinstance(step, Send)
        assert isinstance(chat, Send)
        assert step.request.url == chat.request.url
    endpoint = dialect_for(config("openai/responses")).list_models()
    assert endpoint.read({"data": [{"id": "gpt-5.6", "created": 1}]}) == (
        ModelInfo(id="gpt-5.6", created=1.0),
    )


def test_texts_become_vectors_as_for_chat() -> None:
    step = Provider(config("openai/responses")).embed("a", model="text-embedding-3-small").next_step()
    assert isinstance(step, Send)
    assert step.request.url == "https://api.openai.com/v1/embeddings"


def test_openai_counts_the_tokens_of_what_it_would_be_sent() -> None:
    provider = Provider(config("openai/responses"))
    options: Record = {"instructions": "Be brief.", "max_tokens": 50, "temperature": 0, "verbosity": "low"}
    step = provider.count_tokens(ASK, [WEATHER], **options).next_step()
    assert isinstance(step, Send)
    assert step.request.url == "https://api.openai.com/v1/responses/input_tokens"
    whole = body_of(provider, ASK, [WEATHER], **options)
    names = ("model", "input", "instructions", "tools", "text")
    assert json.loads(step.request.body) == {name: whole[name] for name in names}


@pytest.mark.parametrize("kind", RESPONSES[2:])
def test_other_servers_count_no_tokens(kind: str) -> None:
    with pytest.raises(InvalidRequestError, match=f"count_tokens: {kind} has no endpoint for it"):
        Provider(config(kind)).count_tokens(ASK)


# Prompts are cached by a key of what all calls of one agent begin with.

SYSTEM = Message(Role.SYSTEM, "Be brief.")


def key_of(
    *messages: Message,
    type: str = "openai",
    tools: Sequence[Record] = (),
    **options: Any,
) -> str | None:
    provider = Provider(config(f"{type}/responses"))
    key = body_of(provider, messages, tools, **{"cache": True, **options}).get("prompt_cache_key")
    assert isinstance(key, str | None)
    return key


def test_cache_names_what_all_calls_of_one_agent_begin_with() -> None:
    key = key_of(SYSTEM, *ASK, tools=[WEATHER])
    assert key is not None
    assert key_of(SYSTEM, *ASK, Message(Role.ASSISTANT, "Sunny."), *ASK, tools=[WEATHER]) == key
    others = [
        key_of(SYSTEM, *ASK),
        key_of(*ASK, tools=[WEATHER]),
        key_of(*ASK, instructions="Be brief."),
        key_of(Message(Role.DEVELOPER, "Be long."), *ASK),
    ]
    assert len({key, *others}) == 5
    assert None not in others


def test_there_is_no_key_without_such_a_beginning_or_where_the_caller_says_one() -> None:
    assert key_of(*ASK) is None
    assert key_of(SYSTEM, *ASK, cache=False) is None
    assert key_of(SYSTEM, *ASK, prompt_cache_key="mine") == "mine"
    assert key_of(SYSTEM, *ASK, prompt_cache_key=None) is None
    assert key_of(SYSTEM, *ASK, type="compatible") is None


# Errors say what the server behind them says.


def test_errors_have_what_their_server_adds() -> None:
    azure = dialect_for(config("azure/responses"))
    blocked: Record = {"code": "content_filter", "innererror": {"content_filter_result": {"hate": {}}}}
    error = azure.error_in({"error": blocked}, 400)
    assert error is not None
    assert error.content_filter == {"hate": {}}
    router = dialect_for(config("openrouter/responses"))
    error = router.error_in({"error": {"message": "m", "metadata": {"raw": "r", "provider_name": "p"}}}, 502)
    assert error is not None
    assert "(from p: r)" in str(error)
    openai = dialect_for(config("openai/responses", base_url="http://localhost:8000/v1"))
    error = openai.error_in({"error": {"message": "m", "type": "NotFoundError", "code": 404}}, 404)
    assert error is not None
    assert "type='vllm'" in str(error)


def test_all_is_counted_that_adds_to_the_prompt_and_nothing_else() -> None:
    made = Provider(config("openai/responses"))
    options: Record = {
        "reasoning_effort": "low",
        "tool_choice": "auto",
        "parallel_tool_calls": True,
        "verbosity": "low",
    }
    beside: Record = {"max_tokens": 50, "temperature": 0.5, "metadata": {"a": "b"}}
    prepared = made.prepare(ASK, [WEATHER], **options, **beside, extra_body={"truncation": "auto"})
    counted: Any = made.dialect.count_tokens(prepared.body).body
    asked = {
        "model",
        "input",
        "tools",
        "reasoning",
        "tool_choice",
        "parallel_tool_calls",
        "text",
        "truncation",
    }
    assert counted.keys() == asked
    assert counted == {name: prepared.body[name] for name in asked}
