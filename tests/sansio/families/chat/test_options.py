"""The options of chat completions: what each is on the wire, and what cannot be asked."""

from __future__ import annotations

from typing import Any

import pytest

from sansio import InvalidRequestError, Profile, Provider
from sansio.profiles import BUILT_IN
from tests.sansio.wires import ASK, COMPATIBLE, Record, body_of, config, refused
from tests.support import for_all

OPENAI: dict[str, Any] = {
    "verbosity": "low",
    "modalities": ["text", "audio"],
    "audio": {"voice": "alloy", "format": "wav"},
    "prediction": {"type": "content", "content": "x"},
    "web_search_options": {"search_context_size": "low"},
    "prompt_cache_key": "k",
    "prompt_cache_options": {"mode": "explicit", "ttl": "30m"},
    "prompt_cache_retention": "24h",
    "moderation": {"model": "m"},
    "safety_identifier": "u",
    "store": True,
    "service_tier": "flex",
    "logit_bias": {"50256": -100},
    "metadata": {"a": "b"},
}
OPENROUTER: dict[str, Any] = {
    "models": ["a/b", "c/d"],
    "provider": {"order": ["x"], "zdr": True},
    "plugins": [{"id": "web"}],
    "cache_control": {"type": "ephemeral"},
    "session_id": "s",
    "stop_server_tools_when": [{"type": "x"}],
    "deferred_tools": {"x": 1},
    "min_p": 0.1,
}
VLLM: dict[str, Any] = {
    "top_k": 5,
    "structured_outputs": {"choice": ["a", "b"]},
    "use_beam_search": False,
    "thinking_token_budget": 10,
    "cache_salt": "s",
    "documents": [{"title": "a"}],
    "kv_transfer_params": {"a": 1},
    "logprob_token_ids": [1],
}


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("openai", OPENAI),
        ("azure", OPENAI),
        ("openrouter", OPENAI | OPENROUTER),
        ("vllm", VLLM | {"n": 1, "user": "u", "logit_bias": {"1": 0.5}}),
        ("ollama", {"reasoning": {"effort": "high"}, "reasoning_effort": "high", "seed": 1}),
    ],
)
def test_a_servers_own_options_are_sent_under_their_names(kind: str, options: dict[str, Any]) -> None:
    body = Provider(config(kind)).prepare(ASK, **options).body
    assert {name: body[name] for name in options} == options


@pytest.mark.parametrize(
    ("kind", "option"),
    [
        ("vllm", {"guided_json": {}}),
        ("vllm", {"store": True}),
        ("ollama", {"user": "u"}),
        ("ollama", {"logit_bias": {}}),
        ("openai", {"top_k": 1}),
        ("openai", {"models": ["a"]}),
    ],
)
def test_an_option_that_the_server_would_pass_over_is_refused(kind: str, option: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequestError, match=next(iter(option))):
        Provider(config(kind)).prepare(ASK, **option)


@pytest.mark.parametrize("kind", COMPATIBLE)
def test_logprobs_with_a_number_are_logprobs_with_alternatives(kind: str) -> None:
    provider = Provider(config(kind))
    body = body_of(provider, ASK, logprobs=3)
    assert (body["logprobs"], body["top_logprobs"]) == (True, 3)
    assert body_of(provider, ASK, logprobs=False)["logprobs"] is False
    assert "logprobs" not in body_of(provider, ASK, logprobs=None)


@pytest.mark.parametrize("kind", ["openai", "azure", "openrouter", "vllm"])
def test_several_answers_do_not_fit_one_message(kind: str) -> None:
    provider = Provider(config(kind))
    with pytest.raises(InvalidRequestError, match="n: must be 1"):
        provider.prepare(ASK, n=2)
    assert body_of(provider, ASK, n=1)["n"] == 1
    assert "n" not in body_of(provider, ASK, n=None)


def test_options_of_the_stream_go_beside_the_usage() -> None:
    provider = Provider(config("openai"))
    body = body_of(provider, ASK, stream=True, stream_options={"include_obfuscation": False})
    assert body["stream_options"] == {"include_usage": True, "include_obfuscation": False}
    assert "stream_options" not in body_of(provider, ASK, stream=True, stream_options=None)


def test_a_budget_for_reasoning_has_each_servers_name() -> None:
    assert body_of(Provider(config("vllm")), ASK, reasoning_budget=7)["thinking_token_budget"] == 7
    assert body_of(Provider(config("openrouter")), ASK, reasoning_budget=7)["reasoning"] == {"max_tokens": 7}


@pytest.mark.parametrize(
    ("kind", "option"),
    [
        ("openrouter", {"temperature": 2.1}),
        ("openrouter", {"top_k": -1}),
        ("openrouter", {"top_a": 2}),
        ("openrouter", {"repetition_penalty": 3}),
        ("openrouter", {"top_logprobs": 21}),
        ("openrouter", {"metadata": {"a": 1}}),
        ("vllm", {"top_p": 0}),
        ("vllm", {"top_k": -2}),
        ("vllm", {"min_p": 1.5}),
        ("vllm", {"repetition_penalty": 0}),
        ("vllm", {"min_tokens": -1}),
        ("vllm", {"temperature": 3}),
    ],
)
def test_a_value_outside_of_a_servers_schema_is_refused(kind: str, option: dict[str, Any]) -> None:
    [(name, value)] = option.items()
    with pytest.raises(InvalidRequestError) as caught:
        Provider(config(kind)).prepare(ASK, **option)
    assert str(caught.value).startswith(f"{name}: {value!r} cannot be sent")


@pytest.mark.parametrize("kind", ["openai", "azure", "openrouter", "vllm"])
@pytest.mark.parametrize("option", [{"temperature": 2}, {"temperature": 0}, {"top_p": 1}, {"max_tokens": 1}])
def test_the_ends_of_a_range_are_in_it(kind: str, option: dict[str, Any]) -> None:
    assert (
        body_of(Provider(config(kind)), ASK, **option).items()
        >= {
            ("max_completion_tokens" if name == "max_tokens" and kind in ("openai", "azure") else name): value
            for name, value in option.items()
        }.items()
    )


SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}


@for_all(
    ("kind", COMPATIBLE),
    (
        "given",
        [
            {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA}},
            {"type": "json_schema", "json_schema": {"schema": SCHEMA}},
            {"type": "json_schema", "schema": SCHEMA},
            {"json_schema": {"schema": SCHEMA}},
        ],
    ),
)
def test_a_schema_has_openais_form_whatever_form_it_was_given_in(kind: str, given: dict[str, Any]) -> None:
    body = body_of(Provider(config(kind)), ASK, response_format=given)
    assert body["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "answer", "schema": SCHEMA},
    }


@for_all(
    ("kind", COMPATIBLE),
    ("given", [{"type": "array"}, {"type": "json_schema"}, {"type": "json_schema", "json_schema": 5}, {}]),
)
def test_what_is_no_form_of_an_answer_is_refused_with_the_form_to_use(
    kind: str, given: dict[str, Any]
) -> None:
    with pytest.raises(InvalidRequestError, match=r"^response_format: .*\"json_schema\""):
        Provider(config(kind)).prepare(ASK, response_format=given)


@pytest.mark.parametrize(
    "given", [{"type": "text"}, {"type": "json_object"}, {"type": "grammar", "grammar": "x"}]
)
def test_other_forms_pass_as_they_are(given: dict[str, Any]) -> None:
    assert body_of(Provider(config("openrouter")), ASK, response_format=given)["response_format"] == given
    assert "response_format" not in body_of(Provider(config("openrouter")), ASK, response_format=None)


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({"a": 1}, {"enable_thinking": True, "a": 1}),
        ({"enable_thinking": False}, {"enable_thinking": False}),
        (None, None),
    ],
)
def test_the_configs_reasoning_goes_beside_arguments_of_the_template(given: Any, sent: Any) -> None:
    provider = Provider(config("vllm", reasoning=True))
    assert body_of(provider, ASK, chat_template_kwargs=given).get("chat_template_kwargs") == sent


def test_the_configs_reasoning_goes_beside_the_fields_of_reasoning() -> None:
    sent = body_of(Provider(config("openrouter", reasoning=True)), ASK, reasoning={"exclude": True})
    assert sent["reasoning"] == {"enabled": True, "exclude": True}


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("vllm", {"reasoning_effort": "none"}),
        ("openrouter", {"reasoning_effort": "none"}),
        ("openrouter", {"reasoning": {"effort": "none"}}),
        ("ollama", {"reasoning": {"effort": "low"}}),
    ],
)
def test_a_calls_own_effort_replaces_the_configs_reasoning(kind: str, options: Record) -> None:
    plain = body_of(Provider(config(kind)), ASK)
    assert body_of(Provider(config(kind, reasoning=True)), ASK, **options) == {**plain, **options}


WITH_EFFORTS = [
    type for type, profile in BUILT_IN.items() if isinstance(profile, Profile) and profile.effort_values
]


@for_all(("type", WITH_EFFORTS))
def test_an_unknown_effort_is_refused_with_those_that_the_server_takes(type: str) -> None:
    said = str(refused(type, *ASK, reasoning_effort="much"))
    known = said.partition("use one of ")[2].split(" (")[0].split(", ")
    assert len(known) > 1
    provider = Provider(config(type))
    for effort in known:
        assert body_of(provider, ASK, reasoning_effort=effort) != body_of(provider, ASK)
