"""The framing of the five chat-completions servers: what recorded streams of each show."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import structs

from sansio import (
    AudioPart,
    Citation,
    ContentDelta,
    DocumentPart,
    FinishReason,
    ImagePart,
    InvalidToolCall,
    Part,
    ReasoningPart,
    RefusalPart,
    ServerToolPart,
    StreamComplete,
    StreamParser,
    TextPart,
    ToolCall,
    UnknownPart,
    Usage,
)
from sansio.jsontext import JSON, JSONObject
from sansio.providers import dialect_named
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
def test_all_chunks_have_the_answer_s_id_and_model(type: str) -> None:
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


def test_openrouter_sends_usage_without_being_asked_beside_a_repeated_finish_reason() -> None:
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
def test_a_truncated_stream_has_usage_if_it_was_requested(asked: bool, named: bool) -> None:
    broken = Broken(answer=Answer(text="one two"), after=1)
    sent = chunks(encode_stream("openai", broken, include_usage=asked))
    assert {"usage" in chunk for chunk in sent} == {named}


def deltas(type: str, *parts: Part, **fields: Any) -> list[dict[str, Any]]:
    """The chunks of an answer of these parts, without the usual beginning and end of a stream."""
    sent = chunks(encode_stream(type, Answer(parts=parts, **fields), include_usage=False))
    added = [choice["delta"] for chunk in sent for choice in chunk["choices"]]
    begin = {"openai": 1, "azure": 1, "vllm": 1}.get(type, 0)
    return added[begin:-1]


def whole(type: str, *parts: Part, **fields: Any) -> dict[str, Any]:
    """The message of a whole completion."""
    (choice,) = json.loads(encode_whole(type, Answer(parts=parts, **fields)))["choices"]
    message = choice["message"]
    assert isinstance(message, dict)
    return message


CITED = TextPart("One", (Citation("https://a.test", "A", None, 0, 3, {"type": "url_citation", "x": 1}),))
ANNOTATION = {
    "type": "url_citation",
    "url_citation": {"url": "https://a.test", "title": "A", "start_index": 0, "end_index": 3, "x": 1},
}


def test_citations_are_annotations_behind_the_text() -> None:
    assert deltas("openai", CITED) == [{"content": "One"}, {"annotations": [ANNOTATION]}]
    said = whole("openai", CITED)
    assert (said["content"], said["annotations"]) == ("One", [ANNOTATION])


def test_parts_are_sent_in_their_order() -> None:
    added = deltas("openai", TextPart("a"), ReasoningPart("b"), RefusalPart("c d"), TextPart("e"))
    assert added == [
        {"content": "a"},
        {"content": "", "reasoning_content": "b"},
        {"refusal": "c "},
        {"refusal": "d"},
        {"content": "e"},
    ]
    said = whole("openai", TextPart("a"), ReasoningPart("b"), RefusalPart("c d"), TextPart("e"))
    assert (said["content"], said["reasoning_content"], said["refusal"]) == ("ae", "b", "c d")


@pytest.mark.parametrize("type", ["ollama", "vllm"])
def test_a_refusal_has_no_place_at_local_servers(type: str) -> None:
    assert deltas(type, RefusalPart("No.")) == []
    assert "refusal" not in whole(type, RefusalPart("No."))


DETAILS = (
    ReasoningPart("a b", {"type": "reasoning.text", "index": 0, "format": "f", "signature": "s"}),
    ReasoningPart("c", {"type": "reasoning.summary", "index": 1}),
    ReasoningPart("", {"type": "reasoning.encrypted", "index": 2, "data": "d"}),
)


def test_openrouter_s_details_are_signed_at_their_end_and_may_be_encrypted() -> None:
    added = deltas("openrouter", *DETAILS)
    assert [(each["reasoning"], *each["reasoning_details"]) for each in added] == [
        ("a ", {"type": "reasoning.text", "text": "a ", "index": 0, "format": "f"}),
        ("b", {"type": "reasoning.text", "text": "b", "index": 0, "format": "f"}),
        (None, {"type": "reasoning.text", "index": 0, "format": "f", "signature": "s"}),
        ("c", {"type": "reasoning.summary", "summary": "c", "index": 1}),
        (None, {"type": "reasoning.encrypted", "index": 2, "data": "d"}),
    ]
    said = whole("openrouter", *DETAILS)
    assert said["reasoning"] == "a bc"
    assert [detail.get("signature") for detail in said["reasoning_details"]] == ["s", None, None]
    assert [detail["type"] for detail in said["reasoning_details"]] == [
        "reasoning.text",
        "reasoning.summary",
        "reasoning.encrypted",
    ]
    assert whole("openrouter", DETAILS[2])["reasoning"] is None


def test_reasoning_goes_under_the_name_that_the_part_gives() -> None:
    part = ReasoningPart("a", {"field": "reasoning"})
    assert deltas("openai", part) == [{"content": "", "reasoning": "a"}]
    assert whole("openai", part)["reasoning"] == "a"


CUSTOM = ToolCall("c", "shell", {"input": "ls -l /tmp"}, kind="custom", extra={"x": 1})


def test_a_custom_tool_is_called_with_text() -> None:
    begun, *pieces = deltas("openai", CUSTOM)
    custom = {"name": "shell", "input": ""}
    assert begun == {"tool_calls": [{"index": 0, "id": "c", "type": "custom", "custom": custom, "x": 1}]}
    texts = [piece["tool_calls"][0]["custom"]["input"] for piece in pieces]
    assert texts == ["ls -l /t", "mp"]
    (call,) = whole("openai", CUSTOM)["tool_calls"]
    assert call == {
        "id": "c",
        "type": "custom",
        "custom": {"name": "shell", "input": "ls -l /tmp"},
        "x": 1,
    }


def test_a_call_s_own_fields_are_beside_it_and_inside_its_function() -> None:
    extra = {"extra_content": {"google": {"thought_signature": "s"}}, "function": {"y": 2}}
    call = ToolCall("c", "f", {}, extra=extra)  # type: ignore[arg-type]  # mypy widens the values to object
    function = {"name": "f", "arguments": "", "y": 2}
    (begun, _) = deltas("openrouter", call)
    assert begun["tool_calls"] == [
        {
            "index": 0,
            "id": "c",
            "type": "function",
            "function": function,
            "extra_content": extra["extra_content"],
        }
    ]
    (sent,) = whole("openrouter", call)["tool_calls"]
    assert sent == {**begun["tool_calls"][0], "function": {**function, "arguments": "{}"}}


def test_cut_arguments_are_sent_as_they_are_cut() -> None:
    cut = InvalidToolCall("c", "f", '{"a', "cut")
    assert deltas("openai", cut)[1]["tool_calls"] == [{"index": 0, "function": {"arguments": '{"a'}}]
    assert whole("openai", cut)["tool_calls"][0]["function"]["arguments"] == '{"a'


IMAGE = ImagePart(data=b"png", media_type="image/jpeg", extra={"index": 0, "image_url": {"detail": "low"}})
IMAGE_BLOCK = {
    "type": "image_url",
    "image_url": {"url": "data:image/jpeg;base64,cG5n", "detail": "low"},
    "index": 0,
}


def test_an_image_is_in_a_field_of_its_own() -> None:
    assert deltas("openrouter", IMAGE) == [{"role": "assistant", "content": "", "images": [IMAGE_BLOCK]}]
    assert whole("openrouter", IMAGE)["images"] == [IMAGE_BLOCK]
    linked = whole("openrouter", ImagePart(url="https://a.test/a.png"))["images"]
    assert linked == [{"type": "image_url", "image_url": {"url": "https://a.test/a.png"}}]


SOUND = AudioPart(data=b"wav", transcript="Hi", extra={"id": "audio_1", "expires_at": 5})


def test_sound_comes_as_transcript_data_and_the_rest() -> None:
    assert deltas("openai", SOUND) == [
        {"audio": {"id": "audio_1", "transcript": "Hi"}},
        {"audio": {"id": "audio_1", "data": "d2F2"}},
        {"audio": {"id": "audio_1", "expires_at": 5}},
    ]
    said = whole("openai", SOUND)
    assert said["audio"] == {"id": "audio_1", "transcript": "Hi", "data": "d2F2", "expires_at": 5}
    assert said["content"] is None
    unheard = AudioPart(transcript="Hi", extra={"id": "audio_1"})
    assert deltas("openai", unheard) == [{"audio": {"id": "audio_1", "transcript": "Hi"}}]


def test_typed_content_is_a_list() -> None:
    block: JSONObject = {"type": "reference", "reference_ids": [1]}
    parts = (TextPart("a", extra={"x": 1}), UnknownPart("reference", block))
    typed = {"type": "text", "text": "a", "x": 1}
    assert deltas("vllm", *parts) == [{"content": [typed]}, {"content": [block]}]
    assert whole("vllm", *parts)["content"] == [typed, block]
    silent = TextPart("", extra={"x": 1})
    assert deltas("vllm", silent) == [{"content": [{"type": "text", "text": "", "x": 1}]}]
    assert deltas("vllm", TextPart("")) == []
    assert whole("vllm", TextPart("", CITED.citations), parts[1])["content"] == [block]


@pytest.mark.parametrize(
    "part",
    [
        ServerToolPart("server_tool_use", "a", "search"),
        DocumentPart(data=b"pdf"),
        ImagePart(file_id="a"),
        AudioPart(url="https://a.test"),
        AudioPart(file_id="a"),
    ],
)
def test_a_part_without_a_place_is_refused(part: Part) -> None:
    answer = Answer(parts=(part,))
    for encode in (encode_stream, encode_whole):
        with pytest.raises(
            ValueError, match=f"openai's chat completions have no place for this {type(part).__name__}"
        ):
            encode("openai", answer)


@pytest.mark.parametrize("type", ["openai", "azure", "ollama", "vllm"])
def test_reasoning_without_text_has_a_place_at_openrouter_only(type: str) -> None:
    with pytest.raises(ValueError, match="no place for this ReasoningPart"):
        encode_stream(type, Answer(parts=(DETAILS[2],)))


ENTRIES: list[JSON] = [
    {"token": token, "logprob": -0.5, "bytes": None, "top_logprobs": []} for token in "abc"
]
LOGPROBS: JSONObject = {"content": [*ENTRIES], "refusal": [ENTRIES[0]]}


@pytest.mark.parametrize("type", CHAT)
def test_each_piece_of_text_has_the_logprobs_of_a_token_and_the_last_chunk_the_rest(type: str) -> None:
    sent = chunks(encode_stream(type, Answer(text="a b", extra={"logprobs": LOGPROBS}), include_usage=False))
    given = [choice["logprobs"] for chunk in sent for choice in chunk["choices"] if choice.get("logprobs")]
    assert given == [
        {"content": ENTRIES[:1], "refusal": None},
        {"content": ENTRIES[1:2], "refusal": None},
        {"content": ENTRIES[2:], "refusal": [ENTRIES[0]]},
    ]
    (choice,) = json.loads(encode_whole(type, Answer(text="a b", extra={"logprobs": LOGPROBS})))["choices"]
    assert choice["logprobs"] == LOGPROBS
    plain = chunks(encode_stream(type, Answer(text="a b"), include_usage=False))
    for chunk in (*sent, *plain):
        chunk.pop("id")
        for choice in chunk["choices"]:
            choice.pop("logprobs", None)
    assert sent == plain


@pytest.mark.parametrize(
    ("type", "extra", "in_chunks", "in_choices"),
    [
        ("openai", {"service_tier": "flex"}, {"service_tier": "flex", "system_fingerprint": "fp_fake"}, {}),
        ("ollama", {"system_fingerprint": "x"}, {"system_fingerprint": "x"}, {}),
        ("openrouter", {"provider": "P"}, {"provider": "P"}, {"native_finish_reason": "stop"}),
        (
            "openrouter",
            {"native_finish_reason": "end"},
            {"provider": "Fake"},
            {"native_finish_reason": "end"},
        ),
        ("vllm", {"stop_reason": 7}, {}, {"stop_reason": 7}),
        ("openai", {"x": 1}, {"x": 1}, {}),
    ],
)
def test_the_answer_s_own_fields_have_their_places(
    type: str, extra: JSONObject, in_chunks: JSONObject, in_choices: JSONObject
) -> None:
    answer = Answer(text="a", extra=extra)
    last = chunks(encode_stream(type, answer, include_usage=False))[-1]
    for body in (last, json.loads(encode_whole(type, answer))):
        assert {name: body[name] for name in in_chunks} == in_chunks
        assert {name: body["choices"][0][name] for name in in_choices} == in_choices
        assert not set(in_choices) & set(body)


def test_azure_s_filter_results_are_the_answer_s_or_safe() -> None:
    found: JSONObject = {"hate": {"filtered": True, "severity": "high"}}
    answer = Answer(text="a", extra={"content_filter_results": found, "prompt_filter_results": []})
    first, *_, text, last = chunks(encode_stream("azure", answer, include_usage=False))
    assert first["prompt_filter_results"] == []
    assert text["choices"][0]["content_filter_results"] == found
    assert last["choices"][0]["content_filter_results"] == {}
    body = json.loads(encode_whole("azure", answer))
    assert (body["choices"][0]["content_filter_results"], body["prompt_filter_results"]) == (found, [])
    safe = json.loads(encode_whole("azure", Answer(text="a")))
    assert safe["choices"][0]["content_filter_results"]["hate"] == {"filtered": False, "severity": "safe"}


def test_other_counts_are_merged_into_the_usage() -> None:
    extra: JSONObject = {"prompt_tokens_details": {"audio_tokens": 2}, "x": 1}
    usage = json.loads(encode_whole("openai", Answer(usage=structs.replace(USAGE, extra=extra))))["usage"]
    assert usage["prompt_tokens_details"] == {"cached_tokens": 3, "audio_tokens": 2}
    assert usage["x"] == 1
    priced = Usage(cost=0.25, extra={"cost_details": {"upstream_inference_cost": 0.2}})
    usage = json.loads(encode_whole("openrouter", Answer(usage=priced)))["usage"]
    assert (usage["cost"], usage["cost_details"]) == (0.25, {"upstream_inference_cost": 0.2})


@pytest.mark.parametrize("whole", [True, False])
def test_reasoning_as_a_part_of_the_content_is_mistrals(whole: bool) -> None:
    reasoning = ReasoningPart("Hm.", {"field": "content", "closed": True})
    answer = Answer(parts=(reasoning, TextPart("Hi")))
    if whole:
        parts = dialect_named("openai").parse_response(json.loads(encode_whole("openai", answer))).parts
    else:
        [*_, complete] = StreamParser("openai").receive_data(b"".join(encode_stream("openai", answer)))
        assert isinstance(complete, StreamComplete)
        parts = complete.message.parts
    assert parts == (reasoning, TextPart("Hi"))
