"""The framing of the five chat-completions servers: what recorded streams of each show."""

from __future__ import annotations

import json

import pytest

from sansio import ContentDelta, FinishReason, ToolCall, Usage
from sansio.testing import Answer, Broken, Failure, encode_events, encode_stream, encode_whole
from tests.sansio.testing.asking import CHAT, chunks

USAGE = Usage(input_tokens=9, output_tokens=4, cached_tokens=3, cache_write_tokens=2, reasoning_tokens=1)
CALLS = (ToolCall("call_1", "f", {"a": 1}), ToolCall("call_2", "g", {}))


@pytest.mark.parametrize("type", CHAT)
def test_each_piece_is_one_event_or_comment(type: str) -> None:
    for piece in encode_stream(type, Answer(text="one two", tool_calls=CALLS, usage=USAGE)):
        assert piece.endswith(b"\n\n")
        assert piece.count(b"\n\n") == 1


@pytest.mark.parametrize("type", CHAT)
def test_the_stream_ends_with_its_marker(type: str) -> None:
    assert encode_stream(type, Answer(text="one"))[-1] == b"data: [DONE]\n\n"


@pytest.mark.parametrize("type", CHAT)
def test_all_chunks_bear_the_answer_s_id_and_model(type: str) -> None:
    sent = chunks(encode_stream(type, Answer(text="one two"), model="a-model", response_id="an-id"))
    named = [chunk for chunk in sent if "prompt_filter_results" not in chunk]
    assert {(chunk["id"], chunk["model"], chunk["object"]) for chunk in named} == {
        ("an-id", "a-model", "chat.completion.chunk")
    }


@pytest.mark.parametrize(
    ("type", "keys"),
    [
        ("openai", ["id", "object", "created", "model", "service_tier", "system_fingerprint", "choices"]),
        ("azure", ["choices", "created", "id", "model", "object"]),
        ("openrouter", ["id", "provider", "model", "object", "created", "choices"]),
        ("ollama", ["id", "object", "created", "model", "system_fingerprint", "choices"]),
        ("vllm", ["id", "object", "created", "model", "choices"]),
    ],
)
def test_the_keys_of_a_chunk_come_in_the_provider_s_order(type: str, keys: list[str]) -> None:
    last = chunks(encode_stream(type, Answer(text="one"), include_usage=False))[-1]
    assert list(last) == keys


def test_openai_s_first_chunk_names_the_role() -> None:
    first = chunks(encode_stream("openai", Answer(text="one")))[0]
    assert first["choices"][0]["delta"] == {"role": "assistant", "content": "", "refusal": None}
    first = chunks(encode_stream("openai", Answer(tool_calls=CALLS)))[0]
    assert first["choices"][0]["delta"] == {"role": "assistant", "content": None, "refusal": None}


def test_azure_s_first_chunk_has_filter_results_and_no_choice() -> None:
    first, second = chunks(encode_stream("azure", Answer(text="one")))[:2]
    assert first["choices"] == []
    assert "hate" in first["prompt_filter_results"][0]["content_filter_results"]
    assert "content_filter_results" in second["choices"][0]


def test_openrouter_keeps_the_connection_alive_with_comments_first() -> None:
    assert encode_stream("openrouter", Answer(text="one"))[0] == b": OPENROUTER PROCESSING\n\n"


@pytest.mark.parametrize("type", ["openrouter", "ollama"])
def test_openrouter_and_ollama_name_the_role_in_every_delta(type: str) -> None:
    sent = chunks(encode_stream(type, Answer(text="one two", tool_calls=CALLS), include_usage=False))
    assert {chunk["choices"][0]["delta"]["role"] for chunk in sent} == {"assistant"}


@pytest.mark.parametrize("type", ["openai", "azure", "ollama", "vllm"])
def test_usage_comes_last_with_empty_choices_and_only_when_asked_for(type: str) -> None:
    asked = chunks(encode_stream(type, Answer(text="one", usage=USAGE)))[-1]
    assert asked["choices"] == []
    assert (asked["usage"]["prompt_tokens"], asked["usage"]["completion_tokens"]) == (9, 4)
    assert asked["usage"]["total_tokens"] == 13
    unasked = chunks(encode_stream(type, Answer(text="one", usage=USAGE), include_usage=False))
    assert not any(chunk.get("usage") for chunk in unasked)
    assert unasked[-1]["choices"][0]["finish_reason"] == "stop"


@pytest.mark.parametrize("type", ["openai", "azure"])
def test_where_usage_was_asked_for_every_other_chunk_has_a_null_one(type: str) -> None:
    sent = chunks(encode_stream(type, Answer(text="one", usage=USAGE)))
    assert [chunk["usage"] for chunk in sent[:-1] if "prompt_filter_results" not in chunk] == [None] * 3


def test_openrouter_tells_usage_unasked_beside_a_repeated_finish_reason() -> None:
    *_, finish, usage = chunks(
        encode_stream("openrouter", Answer(text="one", usage=USAGE), include_usage=False)
    )
    assert finish["choices"][0]["finish_reason"] == usage["choices"][0]["finish_reason"] == "stop"
    assert usage["usage"]["prompt_tokens_details"] == {"cached_tokens": 3, "cache_write_tokens": 2}


@pytest.mark.parametrize(
    ("type", "field"),
    [
        ("openai", "reasoning_content"),
        ("azure", "reasoning_content"),
        ("openrouter", "reasoning"),
        ("ollama", "reasoning"),
        ("vllm", "reasoning"),
    ],
)
def test_reasoning_has_the_field_that_the_server_calls_it(type: str, field: str) -> None:
    sent = chunks(encode_stream(type, Answer(reasoning="hmm", text="one"), include_usage=False))
    deltas = [choice["delta"] for chunk in sent for choice in chunk["choices"]]
    assert [delta[field] for delta in deltas if field in delta] == ["hmm"]
    assert json.loads(encode_whole(type, Answer(reasoning="hmm")))["choices"][0]["message"][field] == "hmm"


def test_openrouter_s_reasoning_has_its_details_beside_it() -> None:
    sent = chunks(encode_stream("openrouter", Answer(reasoning="hmm")))
    details = sent[0]["choices"][0]["delta"]["reasoning_details"]
    assert [(detail["type"], detail["text"]) for detail in details] == [("reasoning.text", "hmm")]


@pytest.mark.parametrize("type", ["openai", "azure", "openrouter", "vllm"])
def test_a_tool_call_begins_without_arguments_and_goes_on_by_index(type: str) -> None:
    sent = chunks(encode_stream(type, Answer(tool_calls=CALLS), include_usage=False))
    calls = [
        call
        for chunk in sent
        for choice in chunk["choices"]
        for call in choice["delta"].get("tool_calls", ())
    ]
    assert calls == [
        {"index": 0, "id": "call_1", "type": "function", "function": {"name": "f", "arguments": ""}},
        {"index": 0, "function": {"arguments": '{"a":1}'}},
        {"index": 1, "id": "call_2", "type": "function", "function": {"name": "g", "arguments": ""}},
        {"index": 1, "function": {"arguments": "{}"}},
    ]


def test_ollama_gives_a_tool_call_s_arguments_whole() -> None:
    sent = chunks(encode_stream("ollama", Answer(tool_calls=CALLS), include_usage=False))
    calls = [call for chunk in sent for call in chunk["choices"][0]["delta"].get("tool_calls", ())]
    assert [call["function"]["arguments"] for call in calls] == ['{"a":1}', "{}"]


def test_vllm_s_last_choice_has_a_stop_reason() -> None:
    assert "stop_reason" in chunks(encode_stream("vllm", Answer(text="one")))[-1]["choices"][0]


@pytest.mark.parametrize(("type", "word"), [("openrouter", "error"), ("vllm", "abort")])
def test_an_answer_that_was_given_up_has_the_provider_s_word_for_it(type: str, word: str) -> None:
    sent = chunks(encode_stream(type, Answer(text="one", finish_reason=FinishReason.ERROR)))
    assert sent[-1]["choices"][0]["finish_reason"] == word


@pytest.mark.parametrize("type", ["openai", "azure", "openrouter"])
def test_a_refusal_has_a_field_of_its_own_and_the_finish_reason_stop(type: str) -> None:
    answer = Answer(refusal="No.", finish_reason=FinishReason.REFUSAL)
    sent = chunks(encode_stream(type, answer, include_usage=False))
    assert sent[-2]["choices"][0]["delta"]["refusal"] == "No."
    assert sent[-1]["choices"][0]["finish_reason"] == "stop"
    assert json.loads(encode_whole(type, answer))["choices"][0]["message"]["refusal"] == "No."


@pytest.mark.parametrize("type", CHAT)
def test_a_whole_completion_has_a_message_in_place_of_the_delta(type: str) -> None:
    body = json.loads(
        encode_whole(type, Answer(text="one", usage=USAGE), model="a-model", response_id="an-id")
    )
    assert (body["object"], body["id"], body["model"]) == ("chat.completion", "an-id", "a-model")
    (choice,) = body["choices"]
    assert choice["message"]["content"] == "one"
    assert choice["finish_reason"] == "stop"
    assert "delta" not in choice
    assert body["usage"]["total_tokens"] == 13


@pytest.mark.parametrize("type", CHAT)
def test_a_whole_completion_s_tool_calls_have_their_arguments_as_text(type: str) -> None:
    body = json.loads(encode_whole(type, Answer(tool_calls=CALLS)))
    message = body["choices"][0]["message"]
    assert [call["function"]["arguments"] for call in message["tool_calls"]] == ['{"a":1}', "{}"]
    assert message["content"] == ("" if type == "ollama" else None)


def test_events_without_a_message_get_a_made_up_id_and_model() -> None:
    sent = chunks(encode_events("openai", [ContentDelta("a")]))
    assert (sent[0]["id"], sent[0]["model"]) == ("chatcmpl-fake", "fake-model")


@pytest.mark.parametrize("type", CHAT)
@pytest.mark.parametrize(
    ("reason", "word"),
    [
        (FinishReason.STOP, "stop"),
        (FinishReason.LENGTH, "length"),
        (FinishReason.TOOL_CALLS, "tool_calls"),
        (FinishReason.CONTENT_FILTER, "content_filter"),
        (FinishReason.REFUSAL, "stop"),
    ],
)
def test_finish_reasons_have_openai_s_words(type: str, reason: FinishReason, word: str) -> None:
    answer = Answer(text="one", finish_reason=reason)
    assert json.loads(encode_whole(type, answer))["choices"][0]["finish_reason"] == word


@pytest.mark.parametrize("type", CHAT)
@pytest.mark.parametrize("reason", [FinishReason.PAUSE, FinishReason.OTHER])
def test_for_other_reasons_there_is_no_word_but_the_answer_s_own(type: str, reason: FinishReason) -> None:
    with pytest.raises(ValueError, match=f"{type} has no word for the finish reason '{reason.value}'"):
        encode_whole(type, Answer(finish_reason=reason))
    own = json.loads(encode_whole(type, Answer(finish_reason=reason, raw_finish_reason="own")))
    assert own["choices"][0]["finish_reason"] == "own"


def test_openrouter_s_error_comes_in_a_chunk_that_says_so_itself() -> None:
    failure = Failure(status=502, message="Gone.")
    broken = Broken(answer=Answer(text="one two"), after=1, failure=failure)
    last = chunks(encode_stream("openrouter", broken, model="m", response_id="r"))[-1]
    assert (last["id"], last["model"], last["object"]) == ("r", "m", "chat.completion.chunk")
    assert last["error"] == {"message": "Gone.", "code": 502}
    assert last["choices"] == [
        {
            "index": 0,
            "delta": {"role": "assistant", "content": ""},
            "finish_reason": "error",
            "native_finish_reason": "error",
            "logprobs": None,
        }
    ]


@pytest.mark.parametrize(("asked", "named"), [(True, True), (False, False)])
def test_a_stream_that_breaks_off_told_usage_where_it_was_asked_to(asked: bool, named: bool) -> None:
    broken = Broken(answer=Answer(text="one two"), after=1)
    sent = chunks(encode_stream("openai", broken, include_usage=asked))
    assert {"usage" in chunk for chunk in sent} == {named}
