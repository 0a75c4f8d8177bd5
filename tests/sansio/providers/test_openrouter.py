"""OpenRouter's difference: reasoning by switch, its details sent back, the upstream's own error."""

from __future__ import annotations

import json

import msgspec
import pytest

from sansio import BadRequestError, Message, Provider, ProviderState, RateLimitError, Role
from sansio.dialects import dialect_named
from tests.sansio.wires import (
    ASK,
    DONE,
    Record,
    answer,
    body_of,
    chunk,
    completion,
    config,
    failure,
    parse,
    sse,
)


def test_the_default_type_needs_nothing_but_itself() -> None:
    provider = Provider(config("openrouter"))
    assert provider.dialect.build_endpoint() == "https://openrouter.ai/api/v1/chat/completions"
    assert Provider(type(provider.config)()).dialect.config.model == "x-ai/grok-code-fast-1"


def test_reasoning_is_switched_on_and_an_option_wins() -> None:
    provider = Provider(config("openrouter", reasoning=True))
    assert body_of(provider, ASK)["reasoning"] == {"enabled": True}
    assert body_of(provider, ASK, reasoning={"effort": "high"})["reasoning"] == {"effort": "high"}
    assert "reasoning" not in body_of(Provider(config("openrouter")), ASK)


def _details(*chunks: list[Record]) -> list[Record]:
    message = answer("openrouter", sse(*(chunk({"reasoning_details": details}) for details in chunks)), DONE)
    assert message.provider_state is not None
    return message.provider_state.blocks


def test_reasoning_details_are_joined_and_go_back_unchanged() -> None:
    encrypted = {"type": "reasoning.encrypted", "id": "rs_1", "format": "openai-responses-v1", "index": 1}
    message = answer(
        "openrouter",
        sse(
            chunk({"reasoning_details": [{"type": "reasoning.text", "text": "Hm", "index": 0, "id": None}]}),
            chunk({"reasoning_details": [{"type": "reasoning.text", "text": "…", "index": 0}]}),
            chunk({"reasoning_details": [{"type": "reasoning.text", "signature": "c2ln", "index": 0}]}),
            chunk({"reasoning_details": [{**encrypted, "data": "b3Bh"}]}),
            chunk({"reasoning_details": [{**encrypted, "data": "cXVl"}]}),
            chunk({"content": "18 °C"}, "stop"),
        ),
    )
    blocks: list[Record] = [
        {"type": "reasoning.text", "text": "Hm…", "index": 0, "id": None, "signature": "c2ln"},
        {**encrypted, "data": "b3BhcXVl"},
    ]
    assert message.provider_state == ProviderState("openrouter", blocks)
    assert message.reasoning == "Hm…"
    stored = msgspec.json.decode(msgspec.json.encode(message), type=Message)
    for kept in (message, stored):
        sent = body_of(Provider(config("openrouter")), [*ASK, kept, *ASK])["messages"]
        assert isinstance(sent, list)
        assert sent[1] == {"role": "assistant", "content": "18 °C", "reasoning_details": blocks}


def test_details_of_another_id_type_or_index_are_others() -> None:
    base = {"type": "reasoning.encrypted", "index": 0, "id": "rs_1", "data": "a"}
    for other in ({"id": "rs_2"}, {"index": 1}, {"type": "reasoning.text"}):
        assert _details([base], [{**base, **other}]) == [base, {**base, **other}]


def test_the_details_of_one_list_are_never_joined() -> None:
    details: list[Record] = [{"type": "reasoning.text", "text": "a"}, {"type": "reasoning.text", "text": "b"}]
    assert _details(details) == details
    whole = dialect_named("openrouter").parse_response(completion({"reasoning_details": details}))
    assert whole.provider_state == ProviderState("openrouter", details)


def test_a_text_that_begins_as_none_is_the_text() -> None:
    start = {"type": "reasoning.summary", "summary": None, "index": 0}
    assert _details([start], [{**start, "summary": "a"}], [{**start, "summary": "b"}]) == [
        {**start, "summary": "ab"}
    ]


def test_a_field_that_a_later_piece_leaves_empty_stays() -> None:
    start = {"type": "reasoning.text", "index": 0, "signature": "c2ln"}
    assert _details([start], [{**start, "signature": None, "text": "a"}]) == [{**start, "text": "a"}]


def test_details_of_another_provider_are_not_sent() -> None:
    foreign = Message(Role.ASSISTANT, "Hi", provider_state=ProviderState("anthropic", [{"type": "thinking"}]))
    sent = body_of(Provider(config("openrouter")), [*ASK, foreign, *ASK])["messages"]
    assert isinstance(sent, list)
    assert sent[1] == {"role": "assistant", "content": "Hi"}


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        ({"raw": "quota of the day", "provider_name": "Google"}, "no (from Google: quota of the day)"),
        ({"raw": "quota of the day"}, "no (from upstream: quota of the day)"),
        ({"raw": ""}, "no"),
        ({}, "no"),
        (None, "no"),
    ],
)
def test_pain_03_the_upstreams_own_error_is_told(metadata: object, said: str) -> None:
    record = {"error": {"code": 429, "message": "no", "metadata": metadata}}
    error = failure(parse("openrouter", [sse(record)]))
    assert isinstance(error, RateLimitError)
    assert error.provider_message == said
    error = dialect_named("openrouter").parse_error(429, (("x-generation-id", "gen-1"),), json.dumps(record))
    assert (error.provider_message, error.request_id) == (said, "gen-1")


def test_an_upstreams_error_without_a_message_is_told_too() -> None:
    record = {"error": {"code": 400, "metadata": {"raw": "too long"}}}
    error = failure(parse("openrouter", [sse(record)]))
    assert isinstance(error, BadRequestError)
    assert error.provider_message == "no message (from upstream: too long)"


def test_pain_03_an_error_under_200_with_empty_choices() -> None:
    data: Record = {"id": "gen-1", "choices": [], "error": {"code": 502, "message": "no backend"}}
    error = dialect_named("openrouter").error_in(data)
    assert error is not None
    assert error.status == 502
