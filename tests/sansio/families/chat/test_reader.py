"""OpenAI's chat completions, answered: all that it and compatible servers are known to send."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import (
    ContentDelta,
    FinishReason,
    InternalServerError,
    Message,
    ProviderError,
    RateLimitError,
    RemoteProtocolError,
    Role,
    StreamComplete,
    ToolCall,
    Usage,
)
from sansio.dialects import dialect_named
from tests.sansio.wires import (
    DONE,
    WHOLES,
    Record,
    answer,
    check_agreement,
    chunk,
    completion,
    failure,
    parse,
    sse,
    tool_chunk,
)


def read(data: Record, kind: str = "openai") -> Message:
    """A whole response, parsed."""
    return dialect_named(kind).parse_response(data)


def test_a_whole_answer_has_all_that_was_said() -> None:
    data = completion(
        {
            "content": "Hi",
            "reasoning_content": "Hm.",
            "refusal": None,
            "tool_calls": [
                {"id": "a", "type": "function", "function": {"name": "f", "arguments": '{"n":1}'}}
            ],
        },
        "tool_calls",
        usage={
            "prompt_tokens": 10,
            "completion_tokens": 20,
            "prompt_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 2},
            "completion_tokens_details": {"reasoning_tokens": 8},
        },
    )
    assert read(data) == Message(
        Role.ASSISTANT,
        "Hi",
        (ToolCall("a", "f", {"n": 1}, '{"n":1}'),),
        reasoning="Hm.",
        finish_reason=FinishReason.TOOL_CALLS,
        raw_finish_reason="tool_calls",
        usage=Usage(
            input_tokens=10, output_tokens=20, cached_tokens=4, cache_write_tokens=2, reasoning_tokens=8
        ),
        model="m",
        response_id="chat-1",
    )


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"id": "x"}, "no choice"),
        ({"choices": []}, "no choice"),
        ({"choices": {}}, "unknown shape"),
        ({"choices": [{"message": {"content": 5}}]}, "unknown shape"),
    ],
)
def test_a_whole_answer_that_is_none_is_malformed(data: Record, words: str) -> None:
    with pytest.raises(RemoteProtocolError, match=words):
        read(data)


@given(st.data())
def test_any_change_of_a_whole_answer_gives_a_message_or_an_error_of_ours(data: st.DataObject) -> None:
    text = json.dumps(WHOLES["openai"])
    at = data.draw(st.integers(0, len(text) - 1))
    cut = text[:at] + data.draw(st.text(max_size=3)) + text[at + data.draw(st.integers(0, 3)) :]
    try:
        changed = json.loads(cut)
    except ValueError:
        return
    try:
        message = read(changed if isinstance(changed, dict) else {"choices": changed})
    except ProviderError:
        return
    assert message.role is Role.ASSISTANT


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("stop", FinishReason.STOP),
        ("eos", FinishReason.STOP),
        ("length", FinishReason.LENGTH),
        ("max_tokens", FinishReason.LENGTH),
        ("content_filter", FinishReason.CONTENT_FILTER),
        ("abort", FinishReason.ERROR),
        ("something new", FinishReason.OTHER),
        ("tool_calls", FinishReason.OTHER),
        ("function_call", FinishReason.OTHER),
    ],
)
def test_pain_02_a_finish_reason_is_kept_as_given_and_an_unknown_one_is_no_success(
    raw: str, reason: FinishReason
) -> None:
    message = answer("openai", sse(chunk({"content": "Hi"}), chunk({}, raw)), DONE)
    assert (message.finish_reason, message.raw_finish_reason) == (reason, raw)
    assert read(completion({"content": "Hi"}, raw)).finish_reason is reason


@pytest.mark.parametrize("said", ["stop", "tool_calls", None])
def test_pain_02_what_was_received_counts_for_more_than_what_was_said(said: str | None) -> None:
    call = tool_chunk("{}", id="a", name="f")
    whole = answer("openai", sse(call, chunk({}, said)), DONE)
    assert whole.finish_reason is (FinishReason.TOOL_CALLS if said else FinishReason.OTHER)
    cut = answer("vllm", sse(tool_chunk('{"a', id="a", name="f"), chunk({}, said)), DONE)
    assert cut.finish_reason is (FinishReason.STOP if said == "stop" else FinishReason.OTHER)
    assert cut.tool_calls == ()
    assert len(cut.invalid_tool_calls) == 1


def test_pain_02_abort_and_then_the_marker_is_no_success() -> None:
    message = answer("vllm", sse(chunk({"content": "Hi"}), chunk({}, "abort")), DONE)
    assert message.finish_reason is FinishReason.ERROR


def test_a_refusal_is_told_from_an_answer() -> None:
    message = answer("openai", sse(chunk({"refusal": "I "}), chunk({"refusal": "won't."}), chunk({}, "stop")))
    assert (message.refusal, message.finish_reason, message.text) == ("I won't.", FinishReason.REFUSAL, "")


def test_the_marker_alone_ends_an_answer_whose_reason_is_unknown() -> None:
    message = answer("openai", sse(chunk({"content": "Hi"})), b"data:  [DONE]  \n\n")
    assert (message.finish_reason, message.raw_finish_reason) == (FinishReason.OTHER, None)


@pytest.mark.parametrize(
    "record",
    [
        {"error": {"message": "slow down", "type": "rate_limit_error"}},
        {"error": {"message": "slow down", "code": 429}},
        {"error": {"message": "slow down", "code": "429"}},
        {"error": {"message": "slow down", "code": "rate_limit_exceeded"}, "choices": []},
        {"error": {"message": "slow down", "status_code": 429, "code": "odd"}},
        {"object": "error", "message": "slow down", "code": 429},
        {"message": "slow down", "code": 429},
        {"choices": [{"error": {"message": "slow down", "code": 429}, "finish_reason": "error"}]},
    ],
)
def test_pain_03_an_error_inside_a_stream_is_the_error_it_names(record: Record) -> None:
    events = parse("openai", [sse(chunk({"content": "Hi"}), record)])
    assert events[0] == ContentDelta("Hi")
    error = failure(events)
    assert isinstance(error, RateLimitError)
    assert (error.status, error.provider_message) == (429, "slow down")
    assert "an error inside the answer, as HTTP 429" in str(error)
    assert error.partial is not None
    assert error.partial.text == "Hi"


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"error": "boom"}, "boom"),
        ({"error": {"message": "boom", "code": 900}}, "boom"),
        ({"error": {"message": "boom", "code": True}}, "boom"),
        ({"error": {"message": {"detail": "odd"}, "code": None}}, "the provider gave no message"),
        ({"error": {"type": "odd_error"}}, "the provider gave no message"),
    ],
)
def test_pain_03_an_error_of_no_known_kind_is_one_still(record: Record, message: str) -> None:
    error = failure(parse("openai", [sse(record)]))
    assert error.provider_message == message
    assert error.status == 200
    assert "an error inside the answer" in str(error)


def test_pain_03_an_event_named_error_is_one_whatever_it_holds() -> None:
    error = failure(parse("openai", [b'event: error\ndata: {"detail": "boom", "code": 503}\n\n']))
    assert isinstance(error, InternalServerError)
    assert error.status == 503


def test_pain_03_a_finish_reason_of_error_is_one_and_may_be_tried_again() -> None:
    error = failure(parse("openai", [sse(chunk({}, "error"))]))
    assert isinstance(error, InternalServerError)
    assert (error.status, error.error_type) == (500, "error")
    with pytest.raises(InternalServerError):
        read(completion({"content": "H"}, "error"))


def test_records_without_choices_that_are_no_errors_are_passed_over() -> None:
    records = [
        {"object": "ping"},
        {"choices": None, "object": "error"},
        {"choices": [], "message": "not flat"},
    ]
    assert answer("openai", sse(*records, chunk({"content": "Hi"}, "stop"))).text == "Hi"


def test_pain_13_azures_empty_first_choices_are_no_fault() -> None:
    first = {"choices": [], "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": {}}]}
    assert answer("azure", sse(first, chunk({"content": "Hi"}, "stop")), DONE).text == "Hi"


def test_pain_16_usage_on_every_chunk_is_replaced_and_never_added() -> None:
    chunks = [
        chunk({"content": "x"}, usage={"prompt_tokens": 5, "completion_tokens": count})
        for count in range(1, 4)
    ]
    message = answer("openai", sse(*chunks, chunk({}, "stop")), DONE)
    assert message.usage == Usage(input_tokens=5, output_tokens=3)


@pytest.mark.parametrize(
    "more", [{"usage": {"prompt_tokens": 5}}, {"x_groq": {"usage": {"prompt_tokens": 5}}}]
)
def test_usage_stands_in_several_places(more: Record) -> None:
    assert answer("openai", sse(chunk({}, "stop", **more)), DONE).usage == Usage(input_tokens=5)
    assert answer("openai", sse(chunk({}, "stop", x_groq={"id": "q"})), DONE).usage is None


@pytest.mark.parametrize(
    ("delta", "reasoning", "text"),
    [
        ({"reasoning_content": "Hm."}, "Hm.", ""),
        ({"reasoning": "Hm."}, "Hm.", ""),
        ({"reasoning_content": "Hm.", "reasoning": "Hm."}, "Hm.", ""),
        ({"reasoning": "Hm.", "reasoning_details": [{"type": "reasoning.text", "text": "Hm."}]}, "Hm.", ""),
        ({"reasoning_details": [{"text": "H"}, {"summary": "m."}, {"data": "x"}, {"text": 5}]}, "Hm.", ""),
        ({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}]}, "Hm.", ""),
        ({"content": [{"type": "thinking", "thinking": "Hm."}, {"type": "thinking"}]}, "Hm.", ""),
        ({"content": [{"type": "text", "text": "a"}, {"type": "image"}, {"text": "b"}]}, "", "ab"),
        ({"content": {"name": "Emily"}}, "", '{"name":"Emily"}'),
        ({"content": None, "role": None}, "", ""),
    ],
)
def test_text_and_reasoning_in_all_the_forms_that_servers_send(
    delta: Record, reasoning: str, text: str
) -> None:
    events = parse("openai", [sse(chunk(delta), chunk({}, "stop"))])
    check_agreement(events)
    message = answer("openai", sse(chunk(delta), chunk({}, "stop")))
    assert (message.reasoning, message.text) == (reasoning, text)
    assert read(completion(delta)).reasoning == reasoning


def test_only_the_first_choice_is_read() -> None:
    other = {"index": 1, "delta": {"content": "other"}, "finish_reason": "length"}
    record = {"choices": [other, {"index": 0, "delta": {"content": "Hi"}}]}
    message = answer("openai", sse(record, chunk({}, "stop")))
    assert (message.text, message.finish_reason) == ("Hi", FinishReason.STOP)


def test_a_chunk_with_a_whole_message_in_place_of_a_delta() -> None:
    record = {"choices": [{"index": 0, "message": {"content": "Hi"}, "finish_reason": "stop"}]}
    assert answer("openai", sse(record)).text == "Hi"
    assert answer("openai", sse({"choices": [{"finish_reason": "stop"}]})).text == ""


def test_the_first_id_and_model_name_the_answer() -> None:
    chunks = [{**chunk({"content": "x"}), "id": f"chat-{at}", "model": f"m{at}"} for at in range(3)]
    message = answer("openai", sse(*chunks, chunk({}, "stop")))
    assert (message.response_id, message.model) == ("chat-0", "m0")


def test_the_older_function_call_is_a_tool_call_with_all_its_pieces() -> None:
    pieces = [{"name": "f", "arguments": ""}, {"arguments": '{"a"'}, {"arguments": ": 1}"}]
    chunks = [chunk({"function_call": piece}) for piece in pieces]
    message = answer("openai", sse(*chunks, chunk({}, "function_call")), DONE)
    assert [(call.name, call.arguments) for call in message.tool_calls] == [("f", {"a": 1})]
    assert message.finish_reason is FinishReason.TOOL_CALLS


def test_the_older_function_call_beside_tool_calls_says_nothing_new() -> None:
    call = {"id": "a", "function": {"name": "f", "arguments": "{}"}, "custom": {"name": "", "input": ""}}
    for legacy in ({"name": "", "arguments": ""}, {"name": "f", "arguments": "{}"}):
        message = read(completion({"tool_calls": [call], "function_call": legacy}))
        assert [call.raw_arguments for call in message.tool_calls] == ["{}"]
        assert message.invalid_tool_calls == ()


def test_a_custom_tools_free_text_is_an_invalid_call_with_that_text() -> None:
    call = {"id": "a", "type": "custom", "custom": {"name": "math", "input": "4 + 4"}}
    (invalid,) = read(completion({"tool_calls": [call]}, "tool_calls")).invalid_tool_calls
    assert (invalid.name, invalid.raw_arguments) == ("math", "4 + 4")


def test_complete_is_last_and_once() -> None:
    events = parse("openai", [sse(chunk({}, "stop"), chunk({}, "stop")) + DONE + DONE])
    assert [type(event) for event in events] == [StreamComplete]
