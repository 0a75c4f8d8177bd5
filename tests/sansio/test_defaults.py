"""What a type is where its row says nothing: how the key is sent, and what any compatible server takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from sansio import (
    PROVIDER_DEFAULTS,
    ImagePart,
    Message,
    Profile,
    Provider,
    ProviderConfig,
    ReasoningPart,
    Role,
    Send,
    TextPart,
    ToolCall,
    register_provider,
)
from tests.sansio.wires import ASK, WEATHER, Record, body_of, completion, config


@pytest.mark.parametrize(
    ("word", "header"),
    [
        ("bearer", ("authorization", "Bearer k")),
        ("api-key", ("api-key", "k")),
        ("x-api-key", ("x-api-key", "k")),
        ("none", None),
    ],
)
def test_a_word_of_the_config_says_which_header_has_the_key(
    word: str, header: tuple[str, str] | None
) -> None:
    made = ProviderConfig.from_dict({"type": "groq", "model": "m", "auth_method": word})
    assert made.auth_method == word
    assert made.auth_method.header == (None if header is None else header[0])
    step = Provider(made).call(ASK).next_step()
    assert isinstance(step, Send)
    sent = Provider(made).authorize(step.request, None if header is None else "k").headers
    assert [pair for pair in sent if "k" in pair[1].split()] == ([] if header is None else [header])


@pytest.fixture
def provider() -> Iterator[Provider]:
    """A type of which nothing is known but its address."""
    register_provider("mine", Profile(base_url="https://api.example.com/v1"))
    yield Provider(ProviderConfig.from_dict({"type": "mine", "model": "m"}))
    PROVIDER_DEFAULTS.pop("mine", None)


def test_an_unknown_server_gets_the_fields_that_most_take(provider: Provider) -> None:
    options: Record = {"max_completion_tokens": 5, "seed": 7, "reasoning_effort": "xhigh", "logprobs": 2}
    assert (
        body_of(provider, ASK, **options).items()
        >= {
            "max_tokens": 5,
            "seed": 7,
            "reasoning_effort": "xhigh",
            "logprobs": True,
            "top_logprobs": 2,
        }.items()
    )
    assert body_of(provider, ASK, stream=True)["stream_options"] == {"include_usage": True}
    assert body_of(provider, ASK, [WEATHER], tool_choice="required")["tool_choice"] == "required"


def test_an_unknown_server_thinks_by_effort(provider: Provider) -> None:
    thinking = Provider(provider.config.replace(reasoning=True))
    assert body_of(thinking, ASK)["reasoning_effort"] == "medium"


def test_an_unknown_server_gets_a_developer_s_message_as_the_system_s(provider: Provider) -> None:
    messages = body_of(provider, [Message(Role.DEVELOPER, "Be brief."), *ASK])["messages"]
    assert messages[0] == {"role": "system", "content": "Be brief."}


def test_an_unknown_server_gets_reasoning_and_signatures_back(provider: Provider) -> None:
    said = provider.dialect.parse_response(
        completion({"content": "Hi", "reasoning_content": "Hm.", "extra_content": {"a": 1}})
    )
    assert said.parts == (ReasoningPart("Hm.", said.parts[0].extra), TextPart("Hi"))
    turn = body_of(provider, [*ASK, said, *ASK])["messages"][1]
    assert (turn["reasoning_content"], turn["extra_content"]) == ("Hm.", {"a": 1})
    spare = Message(Role.ASSISTANT, (ReasoningPart("Hm."), TextPart("Hi")))
    assert body_of(provider, [*ASK, spare, *ASK])["messages"][1]["reasoning_content"] == "Hm."
    silent = Message(Role.ASSISTANT, (ToolCall("a", "f"),))
    history = [*ASK, silent, Message(Role.TOOL, "ok", tool_call_id="a")]
    assert "reasoning_content" not in body_of(provider, history)["messages"][1]


def test_an_unknown_server_gets_pictures_by_address(provider: Provider) -> None:
    picture = Message(Role.USER, (ImagePart(url="https://example.com/a.png"),))
    assert body_of(provider, [picture])["messages"][0]["content"][0]["type"] == "image_url"


def test_reasoning_may_go_back_between_tags() -> None:
    any_profile: Any = Profile(base_url="https://api.example.com/v1", reasoning_back="<think>")
    register_provider("mine", any_profile)
    try:
        provider = Provider(ProviderConfig.from_dict({"type": "mine", "model": "m"}))
        thought = Message(Role.ASSISTANT, (ReasoningPart("Hm."), TextPart("Hi")))
        blocks = body_of(provider, [*ASK, thought, *ASK])["messages"][1]["content"]
        assert "".join(block["text"] for block in blocks) == "<think>\nHm.\n</think>\n\nHi"
    finally:
        PROVIDER_DEFAULTS.pop("mine", None)


def test_messages_are_below_v1_where_a_host_says_nothing_else() -> None:
    assert Provider(config("deepseek/messages")).prepare(ASK).url.endswith("/anthropic/v1/messages")
