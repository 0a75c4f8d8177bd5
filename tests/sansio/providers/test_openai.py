"""OpenAI's own difference: the name of its token limit."""

from __future__ import annotations

import pytest

from sansio import InvalidRequestError, Provider
from tests.sansio.wires import ASK, Record, body_of, config


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_max_tokens_has_the_name_that_openais_own_models_take(name: str) -> None:
    options: Record = {name: 5, "top_p": 1}
    body = body_of(Provider(config("openai")), ASK, **options)
    assert (body["max_completion_tokens"], body["top_p"]) == (5, 1)
    assert "max_tokens" not in body


DEEPSEEK = {"base_url": "https://api.deepseek.com", "model": "deepseek-v4-flash"}
FORM = {"type": "json_schema", "json_schema": {"name": "Invoice", "schema": {"type": "object"}}}


def test_deepseek_does_not_think_where_its_answer_is_a_forced_tool() -> None:
    provider = Provider(config("openai", **DEEPSEEK))
    assert body_of(provider, ASK, response_format=FORM)["thinking"] == {"type": "disabled"}
    assert "thinking" not in body_of(provider, ASK)


@pytest.mark.parametrize(
    ("fields", "options"), [({"reasoning": True}, {}), ({}, {"reasoning_effort": "high"})]
)
def test_deepseek_cannot_think_and_be_held_to_a_form(fields: Record, options: Record) -> None:
    provider = Provider(config("openai", **DEEPSEEK, **fields))
    with pytest.raises(InvalidRequestError, match=r"response_format: .*leave out reasoning"):
        provider.call(ASK, response_format=FORM, **options)
