"""Anthropic's messages, answered: streams and whole ones, in all the forms that they come in."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import (
    APIStatusError,
    ContentDelta,
    FinishReason,
    InternalServerError,
    Message,
    ProviderError,
    ProviderState,
    RemoteProtocolError,
    Role,
    StreamTruncatedError,
    ToolCall,
    ToolCallDelta,
    ToolCallStarted,
    Usage,
)
from sansio.dialects import dialect_named
from tests.sansio.wires import (
    WHOLES,
    Record,
    answer,
    block,
    check_agreement,
    claude,
    failure,
    parse,
    sse,
    started,
    stopped,
)

TEXT: Record = {"type": "text", "text": ""}


def text(piece: str) -> Record:
    return {"type": "text_delta", "text": piece}


def json_piece(piece: str) -> Record:
    return {"type": "input_json_delta", "partial_json": piece}


def read(data: Record) -> Message:
    return dialect_named("anthropic").parse_response(data)


def test_a_whole_answer_has_all_that_was_said() -> None:
    data = WHOLES["anthropic"] | {
        "usage": {
            "input_tokens": 3,
            "cache_read_input_tokens": 10,
            "cache_creation_input_tokens": 100,
            "output_tokens": 20,
            "output_tokens_details": {"thinking_tokens": 8},
        }
    }
    message = read(data)
    assert isinstance(data["content"], list)
    assert message == Message(
        Role.ASSISTANT,
        "Two cities.",
        (ToolCall("toolu_1", "f", {"a": 1}, '{"a":1}'),),
        reasoning="Hm.",
        finish_reason=FinishReason.TOOL_CALLS,
        raw_finish_reason="tool_use",
        usage=Usage(
            input_tokens=113, output_tokens=20, cached_tokens=10, cache_write_tokens=100, reasoning_tokens=8
        ),
        model="claude",
        response_id="msg_1",
        provider_state=ProviderState("anthropic", data["content"]),
    )


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"id": "x"}, "no content"),
        ({"content": {}}, "unknown shape"),
        ({"content": [{"type": "tool_use", "id": 5, "name": "f"}]}, "id or name is no text"),
        ({"content": [{"type": "tool_use", "id": "a", "name": []}]}, "id or name is no text"),
    ],
)
def test_a_whole_answer_that_is_none_is_malformed(data: Record, words: str) -> None:
    with pytest.raises(RemoteProtocolError, match=words):
        read(data)


@given(st.data())
def test_any_change_of_a_whole_answer_gives_a_message_or_an_error_of_ours(data: st.DataObject) -> None:
    text = json.dumps(WHOLES["anthropic"])
    at = data.draw(st.integers(0, len(text) - 1))
    cut = text[:at] + data.draw(st.text(max_size=3)) + text[at + data.draw(st.integers(0, 3)) :]
    try:
        changed = json.loads(cut)
    except ValueError:
        return
    try:
        message = read(changed if isinstance(changed, dict) else {"content": changed})
    except ProviderError:
        return
    assert message.role is Role.ASSISTANT


def test_pain_16_cumulative_counts_replace_and_the_cached_part_counts_in() -> None:
    stream = claude(
        started(usage={"input_tokens": 3, "cache_read_input_tokens": 10, "output_tokens": 1}),
        {"type": "message_delta", "delta": {}, "usage": {"output_tokens": 5, "input_tokens": None}},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 9}},
        {"type": "message_stop"},
    )
    usage = answer("anthropic", stream).usage
    assert usage == Usage(input_tokens=13, output_tokens=9, cached_tokens=10)
    assert answer("anthropic", claude(started(usage=None), {"type": "message_stop"})).usage is None


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("end_turn", FinishReason.STOP),
        ("stop_sequence", FinishReason.STOP),
        ("max_tokens", FinishReason.LENGTH),
        ("model_context_window_exceeded", FinishReason.LENGTH),
        ("tool_use", FinishReason.OTHER),
        ("pause_turn", FinishReason.PAUSE),
        ("compaction", FinishReason.PAUSE),
        ("refusal", FinishReason.REFUSAL),
        ("something_new", FinishReason.OTHER),
        (None, FinishReason.OTHER),
    ],
)
def test_finish_reasons(raw: str | None, reason: FinishReason) -> None:
    message = answer("anthropic", claude(started(), *block(0, TEXT, text("Hi")), *stopped(raw)))
    assert (message.finish_reason, message.raw_finish_reason) == (reason, raw)


def test_a_refusal_has_its_explanation() -> None:
    details = {"type": "refusal", "category": "cyber", "explanation": "Not this."}
    message = answer("anthropic", claude(started(), *stopped("refusal", stop_details=details)))
    assert (message.refusal, message.finish_reason) == ("Not this.", FinishReason.REFUSAL)


@pytest.mark.parametrize(
    ("error_type", "status"),
    [
        ("invalid_request_error", 400),
        ("authentication_error", 401),
        ("billing_error", 402),
        ("permission_error", 403),
        ("not_found_error", 404),
        ("request_too_large", 413),
        ("rate_limit_error", 429),
        ("api_error", 500),
        ("timeout_error", 504),
        ("overloaded_error", 529),
    ],
)
def test_pain_03_an_error_event_is_its_own_kind_and_not_the_200s(error_type: str, status: int) -> None:
    record = {"type": "error", "error": {"type": error_type, "message": "no"}, "request_id": "req_1"}
    events = parse("anthropic", [claude(started(), *block(0, TEXT, text("Hi")), record)])
    assert events[0] == ContentDelta("Hi")
    error = failure(events)
    assert isinstance(error, APIStatusError)
    assert (error.status, error.error_type, error.request_id) == (status, error_type, "req_1")
    assert type(error) is type(dialect_named("anthropic").parse_error(status, (), json.dumps(record)))


@pytest.mark.parametrize(
    "data",
    [
        b'event: error\ndata: {"type": "overloaded_error", "message": "no"}\n\n',
        b'data: {"error": {"type": "overloaded_error", "message": "no"}}\n\n',
        b'data: {"type": "error", "error": {"type": "overloaded_error", "message": "no"}}\n\n',
        b'event: error\ndata: {"error": {"type": "overloaded_error", "message": "no"}}\n\n',
    ],
)
def test_pain_03_an_error_in_any_of_its_forms_is_one(data: bytes) -> None:
    error = failure(parse("anthropic", [claude(started()) + data]))
    assert isinstance(error, InternalServerError)
    assert (error.status, error.provider_message) == (529, "no")


def test_pain_03_an_error_event_without_an_error_is_one_still() -> None:
    error = failure(parse("anthropic", [claude({"type": "error"})]))
    assert isinstance(error, APIStatusError)
    assert error.provider_message == "the provider gave no message"


NEW_EVENTS: list[Record] = [
    {"type": "something_new"},
    {"type": "something_new", "delta": "text", "index": "first", "usage": 5, "content_block": []},
    {"type": "status", "message": "Searching"},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "new_delta", "text": "?"}},
    {"type": "content_block_delta", "index": 9, "delta": {"type": "signature_delta", "signature": "?"}},
    {"type": "content_block_delta", "index": 0},
    {"type": "content_block_start", "index": 8},
    {"type": "content_block_stop", "index": 7},
    {"type": "message_start"},
    {"type": "message_start", "message": "odd"},
    {"type": "message_delta"},
]


@pytest.mark.parametrize("record", NEW_EVENTS, ids=range(len(NEW_EVENTS)))
def test_unknown_events_and_deltas_are_passed_over(record: Record) -> None:
    hi = block(0, TEXT, text("H"))[:-1]
    more = {"type": "content_block_delta", "index": 0, "delta": text("i")}
    message = answer("anthropic", claude(started(), *hi, record, more, *stopped()))
    assert (message.text, message.finish_reason) == ("Hi", FinishReason.STOP)


@pytest.mark.parametrize("data", [b"data: {\n\n", b"data: []\n\n", b'data: {"type": 5}\n\n'])
def test_what_is_no_event_at_all_is_malformed(data: bytes) -> None:
    assert type(failure(parse("anthropic", [claude(started()) + data]))) is RemoteProtocolError


def test_a_known_event_of_an_unknown_shape_is_malformed() -> None:
    record = {"type": "content_block_delta", "index": "first", "delta": text("x")}
    assert "unknown shape" in str(failure(parse("anthropic", [claude(record)])))


def test_the_events_name_counts_where_the_record_has_no_type() -> None:
    data = claude(started()).replace(b'"type": "message_start", ', b"") + b"event: message_stop\ndata: {}\n\n"
    assert answer("anthropic", data).response_id == "msg_1"


def test_a_whole_answer_inside_message_start() -> None:
    content = [
        {"type": "text", "text": "Hi"},
        {"type": "tool_use", "id": "a", "name": "f", "input": {"n": 1}},
    ]
    stream = claude(started(content=content, stop_reason="tool_use"), {"type": "message_stop"})
    events = parse("anthropic", [stream])
    assert events[:3] == [ContentDelta("Hi"), ToolCallStarted(0, "a", "f"), ToolCallDelta(0, '{"n":1}')]
    check_agreement(events)


def test_a_repeated_message_start_doubles_nothing() -> None:
    content = [{"type": "text", "text": "Hi"}]
    stream = claude(started(content=content), started(content=content, id="msg_2", model="m"), *stopped())
    message = answer("anthropic", stream)
    assert (message.text, message.response_id, message.model) == ("Hi", "msg_1", "claude")


def test_deltas_without_their_start_begin_their_block() -> None:
    deltas = [{"type": "thinking_delta", "thinking": "Hm."}, text("Hi"), text("!")]
    events = [{"type": "content_block_delta", "index": at and 1, "delta": d} for at, d in enumerate(deltas)]
    message = answer("anthropic", claude(started(), *events, *stopped()))
    assert (message.reasoning, message.text) == ("Hm.", "Hi!")
    assert message.provider_state is not None
    assert [part["type"] for part in message.provider_state.blocks] == ["thinking", "text"]


def test_empty_deltas_are_no_events() -> None:
    deltas = [text(""), {"type": "thinking_delta", "thinking": ""}, json_piece(""), {"type": "text_delta"}]
    events = parse("anthropic", [claude(started(), *block(0, TEXT, *deltas), *stopped())])
    assert len(events) == 1


def test_a_call_cut_for_length_before_its_end_is_invalid_though_blank_arguments_are_whole() -> None:
    call = {"type": "tool_use", "id": "a", "name": "f", "input": {}}
    for ends, valid in ((None, 1), (-1, 0)):
        stream = claude(started(), *block(0, call)[:ends], *stopped("max_tokens"))
        message = answer("anthropic", stream)
        assert (len(message.tool_calls), len(message.invalid_tool_calls)) == (valid, 1 - valid)


def test_pain_01_the_end_without_message_stop_counts_only_after_a_stop_reason() -> None:
    begun = claude(started(), *block(0, TEXT, text("Hi")))
    assert isinstance(failure(parse("anthropic", [begun])), StreamTruncatedError)
    assert answer("anthropic", begun + claude(stopped()[0])).finish_reason is FinishReason.STOP


def test_a_ping_after_the_end_is_nothing() -> None:
    assert answer("anthropic", claude(started(), *stopped(), {"type": "ping"})).text == ""
    assert answer("anthropic", sse(started(), *stopped())).text == ""
