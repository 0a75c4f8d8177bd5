"""OpenAI's own difference: the name of its token limit, the key of its prompt cache, its ranges."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from sansio import Message, Provider, Role
from tests.sansio.wires import ASK, WEATHER, Record, body_of, config, refused


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_max_tokens_has_the_name_that_openais_own_models_take(name: str) -> None:
    options: Record = {name: 5, "top_p": 1}
    body = body_of(Provider(config("openai")), ASK, **options)
    assert (body["max_completion_tokens"], body["top_p"]) == (5, 1)
    assert "max_tokens" not in body


SYSTEM = Message(Role.SYSTEM, "Be brief.")


def key_of(*messages: Message, tools: Sequence[Record] | None = None, **options: Any) -> str | None:
    body = body_of(Provider(config("openai")), messages, tools, **{"cache": True, **options})
    assert body.keys() >= {"messages"}
    key = body.get("prompt_cache_key")
    assert isinstance(key, str | None)
    return key


def test_cache_names_what_all_calls_of_one_agent_begin_with() -> None:
    key = key_of(SYSTEM, *ASK, tools=[WEATHER])
    assert key is not None
    assert 0 < len(key) <= 64
    later = Message(Role.ASSISTANT, "Sunny."), Message(Role.USER, "And in Rome?")
    assert key_of(SYSTEM, *ASK, *later, tools=[WEATHER], stream=True) == key
    others = [
        key_of(SYSTEM, *ASK),
        key_of(*ASK, tools=[WEATHER]),
        key_of(Message(Role.DEVELOPER, "Be long."), *ASK, tools=[WEATHER]),
    ]
    assert len({key, *others}) == 4


def test_there_is_no_key_without_such_a_beginning_or_where_the_caller_says_one() -> None:
    assert key_of(*ASK) is None
    assert key_of(SYSTEM, *ASK, cache=False) is None
    assert key_of(SYSTEM, *ASK, prompt_cache_key="mine") == "mine"
    assert key_of(SYSTEM, *ASK, prompt_cache_key=None) is None


@pytest.mark.parametrize(("kind", "fields"), [("azure", {}), ("compatible", {}), ("vllm", {})])
def test_other_servers_get_no_key_that_they_may_not_know(kind: str, fields: Record) -> None:
    assert "prompt_cache_key" not in body_of(Provider(config(kind, **fields)), [SYSTEM, *ASK], cache=True)


def test_a_beginning_that_cannot_be_sent_is_refused_with_its_place_and_not_by_its_key() -> None:
    error = refused("openai", Message(Role.SYSTEM, "\ud800"), *ASK, cache=True)
    assert error.index == 0


@pytest.mark.parametrize(
    "option",
    [
        {"temperature": 2.1},
        {"temperature": -1},
        {"top_p": 1.1},
        {"frequency_penalty": -2.5},
        {"presence_penalty": 3},
        {"max_tokens": 0},
        {"max_completion_tokens": -1},
        {"top_logprobs": 21},
        {"logprobs": 21},
        {"logit_bias": {"1": 101}},
        {"stop": ["a", "b", "c", "d", "e"]},
        {"metadata": {"a": 1}},
        {"metadata": {str(number): "x" for number in range(17)}},
    ],
)
def test_a_value_outside_of_openais_schema_is_refused_with_the_value_and_what_is_allowed(
    option: Record,
) -> None:
    [(name, value)] = option.items()
    for kind in ("openai", "azure"):
        error = str(refused(kind, *ASK, **option))
        assert error.startswith(f"{name}: {value!r}"[:80])
        assert "Expected" in error
    compatible = Provider(config("compatible"))
    beside: Record = {"logprobs": True} if name == "top_logprobs" else {}
    assert compatible.prepare(ASK, **option, **beside).left_out == ()


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("reasoning_effort", ("none", "minimal", "low", "medium", "high", "xhigh", "max")),
        ("verbosity", ("low", "medium", "high")),
    ],
)
def test_a_word_that_openai_s_sdk_does_not_list_is_refused_with_those_that_it_does(
    option: str, words: tuple[str, ...]
) -> None:
    for word in words:
        known: Record = {option: word}
        assert body_of(Provider(config("openai")), ASK, **known)[option] == word
    unknown: Record = {option: "much"}
    error = refused("openai", *ASK, **unknown)
    assert error.message.startswith(f"{option}: 'much' cannot be sent")
    for word in words:
        assert repr(word) in error.message
    for other in ("azure", "compatible"):
        assert body_of(Provider(config(other)), ASK, **unknown)[option] == "much"
