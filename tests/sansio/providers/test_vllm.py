"""vLLM's difference: thinking by chat template, no developer role, flat errors."""

from __future__ import annotations

import json

from sansio import Message, NotFoundError, Provider, Role
from sansio.providers import dialect_named
from tests.sansio.wires import ASK, body_of, config, failure, parse, sent, sse


def test_thinking_is_switched_on_in_the_chat_template() -> None:
    provider = Provider(config("vllm", reasoning=True))
    assert body_of(provider, ASK)["chat_template_kwargs"] == {"enable_thinking": True}
    assert "chat_template_kwargs" not in body_of(provider, ASK, chat_template_kwargs=None)


def test_a_developers_message_is_sent_as_the_systems() -> None:
    messages = sent("vllm", Message(Role.DEVELOPER, "Be brief."), *ASK)
    assert messages[0] == {"role": "system", "content": "Be brief."}


def test_pain_03_the_flat_error_is_no_chunk() -> None:
    record = {"object": "error", "message": "no such model", "type": "NotFoundError", "code": 404}
    error = failure(parse("vllm", [sse(record)]))
    assert isinstance(error, NotFoundError)
    assert error.error_type == "NotFoundError"
    error = dialect_named("vllm").parse_error(404, (), json.dumps(record))
    assert error.provider_message == "no such model"
