"""Ollama's difference: `max_tokens`, images as data, reasoning in and out, no key."""

from __future__ import annotations

import pytest

from sansio import ImagePart, Message, Provider, ReasoningPart, Role, Send, StreamTruncatedError, TextPart
from tests.sansio.wires import ASK, DONE, answer, body_of, chunk, config, failure, parse, refused, sent, sse


@pytest.mark.parametrize("field", ["reasoning", "reasoning_content"])
def test_reasoning_goes_back_with_the_answer_under_the_name_that_it_had(field: str) -> None:
    message = answer("ollama", sse(chunk({field: "Hm."}), chunk({"content": "Hi"}, "stop")), DONE)
    wire = sent("ollama", *ASK, message, *ASK)[1]
    assert wire == {"role": "assistant", "content": "Hi", field: "Hm."}


def test_reasoning_of_the_application_goes_under_the_usual_name() -> None:
    message = Message(Role.ASSISTANT, (ReasoningPart("Hm."), TextPart("Hi")))
    assert sent("ollama", *ASK, message, *ASK)[1]["reasoning"] == "Hm."


def test_it_knows_max_tokens_only_and_no_developer() -> None:
    messages = [Message(Role.DEVELOPER, "Be brief."), *ASK]
    body = body_of(Provider(config("ollama")), messages, max_completion_tokens=5)
    assert body["max_tokens"] == 5
    assert "max_completion_tokens" not in body
    assert body["messages"][0]["role"] == "system"


def test_an_image_by_url_is_refused_and_one_as_data_is_sent() -> None:
    error = refused("ollama", *ASK, Message(Role.USER, (ImagePart(url="https://example.com/a.png"),)))
    assert error.index == 1
    assert "message 1, part 0: ollama/chat takes no ImagePart by url" in str(error)
    assert "give its data" in str(error)
    parts = (TextPart("Look:"), ImagePart(data=b"\x89PNG"))
    wire = sent("ollama", Message(Role.USER, parts))[0]
    assert wire["content"][1]["image_url"]["url"] == "data:image/png;base64,iVBORw=="


def test_no_key_is_sent_and_none_is_needed() -> None:
    provider = Provider(config("ollama"))
    step = provider.call(ASK).next_step()
    assert isinstance(step, Send)
    assert provider.authorize(step.request, None) == step.request


def test_pain_01_a_fault_in_mid_stream_that_shows_only_as_an_end_is_no_success() -> None:
    error = failure(parse("ollama", [sse(chunk({"content": "Hi"}))]))
    assert isinstance(error, StreamTruncatedError)
    assert error.partial is not None
    assert error.partial.text == "Hi"
