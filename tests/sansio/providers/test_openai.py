"""OpenAI's own difference: the name of its token limit."""

from __future__ import annotations

import pytest

from sansio import Provider
from tests.sansio.wires import ASK, Record, body_of, config


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_max_tokens_has_the_name_that_openais_own_models_take(name: str) -> None:
    options: Record = {name: 5, "top_p": 1}
    body = body_of(Provider(config("openai")), ASK, **options)
    assert (body["max_completion_tokens"], body["top_p"]) == (5, 1)
    assert "max_tokens" not in body
