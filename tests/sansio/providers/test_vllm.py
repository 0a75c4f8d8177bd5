"""vLLM's difference: thinking by chat template, no developer role, flat errors."""

from __future__ import annotations

import json

import pytest

from sansio import AudioPart, InvalidRequestError, Message, NotFoundError, Provider, Role
from sansio.providers import dialect_named
from tests.sansio.wires import ASK, Record, body_of, config, failure, parse, sent, sse
from tests.support import for_all


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


OPTIONS: Record = {
    "top_k": 5,
    "min_p": 0.1,
    "repetition_penalty": 1.1,
    "length_penalty": 1.5,
    "min_tokens": 1,
    "truncate_prompt_tokens": 100,
    "prompt_logprobs": 1,
    "priority": 2,
    "thinking_token_budget": 10,
    "use_beam_search": True,
    "ignore_eos": True,
    "include_stop_str_in_output": True,
    "skip_special_tokens": False,
    "spaces_between_special_tokens": False,
    "add_special_tokens": True,
    "add_generation_prompt": False,
    "continue_final_message": True,
    "echo": True,
    "include_reasoning": False,
    "return_token_ids": True,
    "chat_template": "{{ messages }}",
    "truncation_side": "left",
    "request_id": "r",
    "session_id": "s",
    "cache_salt": "c",
    "structured_outputs": {"choice": ["a", "b"]},
    "kv_transfer_params": {"a": 1},
    "chat_template_kwargs": {"a": 1},
    "media_io_kwargs": {"video": {"num_frames": 4}},
    "mm_processor_kwargs": {"a": 1},
    "stop_token_ids": [1],
    "allowed_token_ids": [1],
    "logprob_token_ids": [1],
    "bad_words": ["x"],
    "documents": [{"title": "a"}],
}


@for_all(("name", OPTIONS))
def test_its_own_options_are_those_of_its_protocol(name: str) -> None:
    """vLLM's `protocol.py`, `ChatCompletionRequest`."""
    option = {name: OPTIONS[name]}
    assert body_of(Provider(config("vllm")), ASK, **option)[name] == OPTIONS[name]
    with pytest.raises(InvalidRequestError, match=f"^{name}: "):
        Provider(config("vllm")).prepare(ASK, options={name: object()})


def test_a_budget_for_reasoning_has_vllm_s_own_name() -> None:
    budget: Record = {"reasoning_budget": 7}
    assert body_of(Provider(config("vllm")), ASK, **budget)["thinking_token_budget"] == 7


def test_sound_may_be_given_by_its_address() -> None:
    sound = AudioPart(url="https://example.com/a.wav", extra={"x": 1})
    (message,) = sent("vllm", Message(Role.USER, (sound,)))
    address = {"url": "https://example.com/a.wav"}
    assert message["content"] == [{"type": "audio_url", "audio_url": address, "x": 1}]
