"""Ollama's difference: `max_tokens`, images as data, reasoning in and out, no key."""

from __future__ import annotations

import pytest

from sansio import (
    ImagePart,
    InvalidRequestError,
    Message,
    Provider,
    Role,
    Send,
    StreamTruncatedError,
    TextPart,
)
from tests.sansio.wires import ASK, DONE, answer, body_of, chunk, config, failure, parse, sse


def test_reasoning_goes_back_with_the_answer() -> None:
    message = answer("ollama", sse(chunk({"reasoning": "Hm."}), chunk({"content": "Hi"}, "stop")), DONE)
    provider = Provider(config("ollama"))
    messages = body_of(provider, [*ASK, message, *ASK])["messages"]
    assert isinstance(messages, list)
    assert messages[1] == {"role": "assistant", "content": "Hi", "reasoning": "Hm."}
    messages = body_of(provider, [*ASK, Message(Role.ASSISTANT, "Hi"), *ASK])["messages"]
    assert isinstance(messages, list)
    assert messages[1] == {"role": "assistant", "content": "Hi"}


def test_it_knows_max_tokens_only_and_no_developer() -> None:
    body = body_of(
        Provider(config("ollama")), [Message(Role.DEVELOPER, "Be brief."), *ASK], max_completion_tokens=5
    )
    assert body["max_tokens"] == 5
    assert "max_completion_tokens" not in body
    assert isinstance(body["messages"], list)
    assert body["messages"][0]["role"] == "system"


def test_an_image_by_url_is_refused_and_one_as_data_is_sent() -> None:
    provider = Provider(config("ollama"))
    with pytest.raises(InvalidRequestError, match="message 0: ollama takes images as data only") as caught:
        provider.call([Message(Role.USER, (ImagePart(url="https://example.com/a.png"),))])
    assert caught.value.index == 0
    parts = (TextPart("Look:"), ImagePart(data=b"\x89PNG"))
    messages = body_of(provider, [Message(Role.USER, parts)])["messages"]
    assert isinstance(messages, list)
    assert messages[0]["content"][1]["image_url"]["url"] == "data:image/png;base64,iVBORw=="


def test_no_key_is_sent_and_none_is_needed() -> None:
    provider = Provider(config("ollama"))
    step = provider.call(ASK).next_step()
    assert isinstance(step, Send)
    assert provider.authorize(step.request, None) == step.request
    assert step.request.url == "http://localhost:11434/v1/chat/completions"


def test_pain_01_a_fault_in_mid_stream_that_shows_only_as_an_end_is_no_success() -> None:
    error = failure(parse("ollama", [sse(chunk({"content": "Hi"}))]))
    assert isinstance(error, StreamTruncatedError)
    assert error.partial is not None
    assert error.partial.text == "Hi"
