"""vLLM's difference: thinking by chat template, no developer role, flat errors."""

from __future__ import annotations

import json

from sansio import FinishReason, Message, NotFoundError, Provider, Role
from sansio.dialects import dialect_named
from tests.sansio.wires import ASK, DONE, answer, body_of, chunk, config, failure, parse, sse, tool_chunk


def test_thinking_is_switched_on_in_the_chat_template() -> None:
    provider = Provider(config("vllm", reasoning=True))
    assert body_of(provider, ASK)["chat_template_kwargs"] == {"enable_thinking": True}
    assert "chat_template_kwargs" not in body_of(provider, ASK, chat_template_kwargs=None)


def test_a_developers_message_is_sent_as_the_systems() -> None:
    messages = body_of(Provider(config("vllm")), [Message(Role.DEVELOPER, "Be brief."), *ASK])["messages"]
    assert isinstance(messages, list)
    assert messages[0] == {"role": "system", "content": "Be brief."}


def test_pain_03_the_flat_error_does_not_pass_for_a_chunk() -> None:
    record = {"object": "error", "message": "no such model", "type": "NotFoundError", "code": 404}
    error = failure(parse("vllm", [sse(record)]))
    assert isinstance(error, NotFoundError)
    assert error.error_type == "NotFoundError"
    error = dialect_named("vllm").parse_error(404, (), json.dumps(record))
    assert error.provider_message == "no such model"


def test_pain_02_tool_calls_said_of_calls_that_were_cut_are_none() -> None:
    message = answer(
        "vllm", sse(tool_chunk('{"path": "/t', id="a", name="rm"), chunk({}, "tool_calls")), DONE
    )
    assert message.tool_calls == ()
    assert message.finish_reason is FinishReason.OTHER
    assert message.invalid_tool_calls[0].raw_arguments == '{"path": "/t'
