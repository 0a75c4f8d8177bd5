"""Answers of Anthropic's messages: streams and whole ones, in all their forms."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import (
    APIStatusError,
    Citation,
    ContentDelta,
    FinishReason,
    InternalServerError,
    JSONObject,
    LimitExceededError,
    Message,
    Part,
    PartComplete,
    ProviderError,
    ReasoningDelta,
    ReasoningPart,
    RefusalPart,
    RemoteProtocolError,
    Role,
    ServerToolPart,
    StreamTruncatedError,
    TextPart,
    ToolCall,
    ToolCallDelta,
    ToolCallStarted,
    UnknownPart,
    Usage,
)
from sansio.providers import dialect_named
from tests.sansio.wires import (
    ASK,
    WHOLES,
    Record,
    answer,
    block,
    check_agreement,
    claude,
    failure,
    parse,
    read,
    sent,
    sse,
    started,
    stopped,
)

TEXT: Record = {"type": "text", "text": ""}


def text(piece: str) -> Record:
    return {"type": "text_delta", "text": piece}


def json_piece(piece: str) -> Record:
    return {"type": "input_json_delta", "partial_json": piece}


def parts(*blocks: list[Record], **limits: Any) -> tuple[Part, ...]:
    """The parts of a stream of these blocks, whose events must agree with them."""
    stream = claude(started(), *(event for events in blocks for event in events), *stopped())
    check_agreement(parse("anthropic", [stream], **limits))
    return answer("anthropic", stream, **limits).parts


def test_a_whole_answer_has_all_that_was_said() -> None:
    data = WHOLES["anthropic"] | {
        "usage": {
            "input_tokens": 3,
            "cache_read_input_tokens": 10,
            "cache_creation_input_tokens": 100,
            "cache_creation": {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 0},
            "output_tokens": 20,
            "output_tokens_details": {"thinking_tokens": 8},
            "server_tool_use": {"web_search_requests": 1},
            "service_tier": "standard",
        },
        "container": {"id": "c"},
        "stop_sequence": None,
    }
    message = read("anthropic", data)
    assert message.usage is not None
    assert message == Message(
        Role.ASSISTANT,
        (
            ReasoningPart("Hm.", {"signature": "c2ln"}),
            TextPart("Two cities."),
            ToolCall("toolu_1", "f", {"a": 1}, '{"a":1}'),
        ),
        finish_reason=FinishReason.TOOL_CALLS,
        raw_finish_reason="tool_use",
        usage=Usage(
            input_tokens=113,
            output_tokens=20,
            cached_tokens=10,
            cache_write_tokens=100,
            reasoning_tokens=8,
            extra=message.usage.extra,
        ),
        model="claude",
        response_id="msg_1",
        origin="anthropic/messages",
        extra={"container": {"id": "c"}},
    )
    assert message.usage.cache_write_5m_tokens == 100
    assert message.usage.server_tool_counts == {"web_search_requests": 1}
    assert message.service_tier == "standard"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"id": "x"}, "no content"),
        ({"content": {}}, "unknown shape"),
        ({"content": [{"type": "tool_use", "id": 5, "name": "f"}]}, "id or name is not text"),
        ({"content": [{"type": "tool_use", "id": "a", "name": []}]}, "id or name is not text"),
        ({"content": [], "usage": 5}, "unknown shape"),
    ],
)
def test_a_response_that_is_no_answer_is_malformed(data: Record, words: str) -> None:
    with pytest.raises(RemoteProtocolError, match=words):
        read("anthropic", data)


@given(st.data())
def test_any_change_of_a_whole_answer_gives_a_message_or_an_error_of_ours(data: st.DataObject) -> None:
    said = json.dumps(WHOLES["anthropic"])
    at = data.draw(st.integers(0, len(said) - 1))
    cut = said[:at] + data.draw(st.text(max_size=3)) + said[at + data.draw(st.integers(0, 3)) :]
    try:
        changed = json.loads(cut)
    except ValueError:
        return
    try:
        message = read("anthropic", changed if isinstance(changed, dict) else {"content": changed})
    except ProviderError:
        return
    assert message.role is Role.ASSISTANT


# Usage.

COUNTS = {
    "input_tokens": 3,
    "cache_read_input_tokens": 10,
    "cache_creation_input_tokens": 100,
    "output_tokens": 1_000,
    "output_tokens_details": {"thinking_tokens": 500},
}


@pytest.mark.parametrize("more", [{}, {"output_tokens": 1_001}, *({name: None} for name in COUNTS), None])
def test_pain_16_counts_are_cumulative_and_the_cached_part_counts_in(more: Record | None) -> None:
    last = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": more}
    message = answer("anthropic", claude(started(usage=COUNTS), last, {"type": "message_stop"}))
    assert message.usage == Usage(
        input_tokens=113,
        output_tokens=(more or {}).get("output_tokens") or 1_000,
        cached_tokens=10,
        cache_write_tokens=100,
        reasoning_tokens=500,
    )


def test_an_answer_is_at_least_as_long_as_its_reasoning() -> None:
    usage = {"output_tokens": 5, "output_tokens_details": {"thinking_tokens": 8, "x": 1}}
    found = read("anthropic", {"content": [], "usage": usage}).usage
    assert found == Usage(output_tokens=8, reasoning_tokens=8, extra={"output_tokens_details": {"x": 1}})


@pytest.mark.parametrize("odd", [-1, True, "5", None, [], 1.5])
def test_an_invalid_count_is_0(odd: object) -> None:
    usage = read("anthropic", {"content": [], "usage": {"input_tokens": odd, "output_tokens": 1}}).usage
    assert usage is not None
    assert (usage.input_tokens, usage.output_tokens) == (0, 1)


def test_no_usage_is_none_and_an_empty_one_is_not() -> None:
    assert answer("anthropic", claude(started(usage=None), {"type": "message_stop"})).usage is None
    assert answer("anthropic", claude(started(usage={}), {"type": "message_stop"})).usage == Usage()


# Finish reasons and refusals.


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


def test_a_stop_sequence_is_kept() -> None:
    message = answer("anthropic", claude(started(), *stopped("stop_sequence", stop_sequence="END")))
    assert (message.stop_sequence, message.finish_reason) == ("END", FinishReason.STOP)


def test_a_refusal_has_its_explanation_streamed_and_whole() -> None:
    details = {"type": "refusal", "category": "cyber", "explanation": "Not this."}
    streamed = answer("anthropic", claude(started(), *stopped("refusal", stop_details=details)))
    whole = read("anthropic", {"content": [], "stop_reason": "refusal", "stop_details": details})
    for message in (streamed, whole):
        assert message.parts == (RefusalPart("Not this."),)
        assert message.finish_reason is FinishReason.REFUSAL
        assert message.extra["stop_details"] == {"type": "refusal", "category": "cyber"}


def test_a_refusal_that_says_nothing_has_no_explanation() -> None:
    message = read(
        "anthropic", {"content": [], "stop_reason": "refusal", "stop_details": {"explanation": None}}
    )
    assert (message.refusal, message.finish_reason) == (None, FinishReason.REFUSAL)


def test_after_a_fallback_the_model_that_answers_is_named_and_the_first_is_kept() -> None:
    fallback: Record = {"type": "fallback", "from": {"model": "claude"}, "to": {"model": "other"}}
    stream = claude(started(), *block(0, fallback), *block(1, TEXT, text("Hi")), *stopped())
    message = answer("anthropic", stream)
    assert (message.model, message.extra["requested_model"]) == ("other", "claude")
    assert message.parts == (UnknownPart("fallback", fallback), TextPart("Hi"))
    for to in (5, {}, {"model": "m"}):
        message = read("anthropic", {"content": [{"type": "fallback", "to": to}], "model": "m"})
        assert (message.model, message.extra) == ("m", {})


# Errors.


@pytest.mark.parametrize(
    ("error_type", "status"),
    [("billing_error", 402), ("request_too_large", 413), ("overloaded_error", 529), ("timeout_error", 504)],
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
    assert type(error) is APIStatusError
    assert (error.status, error.offset) == (200, 0)
    assert error.provider_message == "the provider gave no message"


def test_the_name_of_a_frame_counts_if_its_record_has_no_type() -> None:
    reader = dialect_named("anthropic").open_stream()
    assert reader.receive(b"{}", [], "ping") is False
    assert reader.progress == 0
    with pytest.raises(APIStatusError, match="slow"):
        reader.receive(b'{"message": "slow"}', [], "error")
    assert reader.receive(b"{}", [], "message_stop") is True


def test_a_spliced_second_answer_is_an_error() -> None:
    stream = claude(started(), *block(0, TEXT, text("Hi")), started(id="msg_2"))
    error = failure(parse("anthropic", [stream]))
    assert isinstance(error, RemoteProtocolError)
    assert "second answer" in str(error)
    assert error.partial is not None
    assert error.partial.text == "Hi"


def test_a_repeated_message_start_doubles_nothing() -> None:
    content = [{"type": "text", "text": "Hi"}]
    stream = claude(started(content=content), started(content=content, model="m"), *stopped())
    message = answer("anthropic", stream)
    assert (message.text, message.response_id, message.model) == ("Hi", "msg_1", "claude")


# Events of all kinds.


NEW_EVENTS: list[Record] = [
    {"type": "something_new"},
    {"type": "something_new", "delta": "text", "index": "first", "usage": 5, "content_block": []},
    {"type": "status", "message": "Searching"},
    {"type": "content_block_delta", "index": 9, "delta": {"type": "signature_delta", "signature": "?"}},
    {"type": "content_block_delta", "index": 0},
    {"type": "content_block_start", "index": 8},
    {"type": "content_block_start"},
    {"type": "content_block_stop", "index": 7},
    {"type": "content_block_delta"},
    {"type": "message_start"},
    {"type": "message_start", "message": "odd"},
    {"type": "message_delta"},
]


@pytest.mark.parametrize("record", NEW_EVENTS, ids=range(len(NEW_EVENTS)))
def test_unknown_events_and_those_that_hold_nothing_are_passed_over(record: Record) -> None:
    hi = block(0, TEXT, text("H"))[:-1]
    more = {"type": "content_block_delta", "index": 0, "delta": text("i")}
    message = answer("anthropic", claude(started(), *hi, record, more, *stopped()))
    assert (message.text, message.finish_reason) == ("Hi", FinishReason.STOP)


def test_an_event_of_an_unknown_kind_is_passed_over_unless_it_nests_too_deep() -> None:
    unknown = {"type": "weather", "index": "none", "delta": [[[]]]}
    stream = claude(started(), unknown, *block(0, {"type": "text", "text": "Hi"}), *stopped())
    assert answer("anthropic", stream, max_json_depth=4).text == "Hi"
    error = failure(parse("anthropic", [stream], max_json_depth=3))
    assert isinstance(error, LimitExceededError)
    assert error.field == "max_json_depth"


@pytest.mark.parametrize(
    "record",
    [
        {"type": "content_block_delta", "index": "none", "delta": text("x")},
        {"type": "content_block_delta", "delta": "x"},
        {"type": "content_block_delta", "delta": {"type": 5}},
        {"type": "content_block_start", "index": "none", "content_block": TEXT},
        {"type": "content_block_start", "content_block": "x"},
        {"type": "content_block_stop", "index": "none"},
        {"type": "message_start", "message": {"id": 5}},
        {"type": "message_start", "message": {"content": "x"}},
        {"type": "message_delta", "delta": {"stop_reason": 5}},
        {"type": "message_delta", "usage": 5},
    ],
)
def test_a_known_event_of_an_unknown_shape_is_malformed_at_its_byte(record: Record) -> None:
    error = failure(parse("anthropic", [claude(started(), record)]))
    assert type(error) is RemoteProtocolError
    assert "unknown shape" in str(error)
    assert error.offset == len(claude(started()))


@pytest.mark.parametrize("data", [b"data: {\n\n", b"data: []\n\n"])
def test_what_is_no_event_at_all_is_malformed(data: bytes) -> None:
    assert type(failure(parse("anthropic", [claude(started()) + data]))) is RemoteProtocolError


def test_a_whole_answer_inside_message_start() -> None:
    content = [
        {"type": "text", "text": "Hi"},
        {"type": "tool_use", "id": "a", "name": "f", "input": {"n": 1}},
    ]
    stream = claude(started(content=content, stop_reason="tool_use"), {"type": "message_stop"})
    events = parse("anthropic", [stream])
    assert events[:3] == [ContentDelta("Hi"), ToolCallStarted(0, "a", "f", 1), ToolCallDelta(0, '{"n":1}')]
    check_agreement(events)


def test_deltas_without_their_start_begin_their_block() -> None:
    deltas = [{"type": "thinking_delta", "thinking": "Hm."}, text("Hi"), text("!")]
    events = [{"type": "content_block_delta", "index": at and 1, "delta": d} for at, d in enumerate(deltas)]
    assert answer("anthropic", claude(started(), *events, *stopped())).parts == (
        ReasoningPart("Hm."),
        TextPart("Hi!"),
    )


def test_empty_deltas_are_no_events() -> None:
    deltas = [text(""), {"type": "thinking_delta", "thinking": ""}, json_piece(""), {"type": "text_delta"}]
    events = parse("anthropic", [claude(started(), *block(0, TEXT, *deltas), *stopped())])
    assert len(events) == 1


def test_an_event_without_an_index_is_of_the_first_block() -> None:
    events = block(0, {"type": "tool_use", "id": "a", "name": "f", "input": {}})
    delta = {"type": "content_block_delta", "delta": json_piece('{"a":1}')}
    begun = {name: value for name, value in events[0].items() if name != "index"}
    for start in (begun, events[0]):
        message = answer("anthropic", claude(started(), start, delta, *stopped("tool_use")))
        assert [call.arguments for call in message.tool_calls] == [{"a": 1}]


def test_pain_01_the_end_without_message_stop_counts_only_after_a_stop_reason() -> None:
    begun = claude(started(), *block(0, TEXT, text("Hi")))
    assert isinstance(failure(parse("anthropic", [begun])), StreamTruncatedError)
    assert answer("anthropic", begun + claude(stopped()[0])).finish_reason is FinishReason.STOP


def test_a_stream_may_do_without_event_names() -> None:
    assert answer("anthropic", sse(started(), *block(0, TEXT, text("Hi")), *stopped())).text == "Hi"


# Blocks as parts.


def test_each_block_is_one_part() -> None:
    server = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}
    result = {"type": "web_search_tool_result", "tool_use_id": "s", "content": [{"url": "u"}], "caller": None}
    mcp = {"type": "mcp_tool_use", "id": "m", "name": "f", "server_name": "x", "input": {"a": 1}}
    found = parts(
        block(
            0,
            {"type": "thinking", "thinking": "", "signature": ""},
            {"type": "thinking_delta", "thinking": "Hm."},
            {"type": "signature_delta", "signature": "c2ln"},
        ),
        block(1, {"type": "redacted_thinking", "data": "x"}),
        block(2, server, json_piece('{"query"'), json_piece(': "x"}')),
        block(3, result),
        block(4, mcp),
        block(
            5,
            TEXT,
            text("Found."),
            {"type": "citations_delta", "citation": {"url": "u", "cited_text": "q", "title": None}},
        ),
        block(6, {"type": "new", "x": None}),
    )
    assert found == (
        ReasoningPart("Hm.", {"signature": "c2ln"}),
        ReasoningPart("", {"type": "redacted_thinking", "data": "x"}),
        ServerToolPart("server_tool_use", "s", "web_search", {"query": "x"}),
        ServerToolPart("web_search_tool_result", "s", output=[{"url": "u"}], extra={"caller": None}),
        ServerToolPart("mcp_tool_use", "m", "f", {"a": 1}, extra={"server_name": "x"}),
        TextPart("Found.", (Citation("u", quote="q", extra={"title": None}),)),
        UnknownPart("new", {"type": "new", "x": None}),
    )


@pytest.mark.parametrize(
    "odd",
    [
        {"type": "server_tool_use", "id": 5, "name": "f"},
        {"type": "server_tool_use", "id": "s"},
        {"type": "web_search_tool_result", "content": []},
    ],
)
def test_a_server_tools_block_without_its_names_is_kept_as_unknown(odd: Record) -> None:
    assert read("anthropic", {"content": [odd]}).parts == (UnknownPart(odd["type"], odd),)


@pytest.mark.parametrize("odd", [{"type": 5, "text": "x"}, {"text": "y"}, {"type": None}, {"type": ["text"]}])
def test_a_block_whose_type_is_not_text_is_passed_over(odd: Record) -> None:
    assert parts(block(0, odd), block(9, {"type": "text", "text": "Hi"})) == (TextPart("Hi"),)


@pytest.mark.parametrize(
    ("said", "limits", "input"),
    [
        ('{"query": "x"}', {}, {"query": "x"}),
        ('{"query": ', {}, {"INVALID_JSON": '{"query": '}),
        ("[1]", {}, {"INVALID_JSON": "[1]"}),
        (" ", {}, {}),
        ('{"a":{"a":1}}', {"max_json_depth": 4}, {"a": {"a": 1}}),
        (
            '{"a":{"a":{"a":{"a":{"a":1}}}}}',
            {"max_json_depth": 4},
            {"INVALID_JSON": '{"a":{"a":{"a":{"a":{"a":1}}}}}'},
        ),
    ],
)
def test_a_server_tools_input_is_an_object_or_else_its_text(
    said: str, limits: dict[str, int], input: object
) -> None:
    start = {"type": "server_tool_use", "id": "s", "name": "search", "input": {}}
    (part,) = parts(block(0, start, json_piece(said)), **limits)
    assert isinstance(part, ServerToolPart)
    assert part.input == input


def test_deltas_of_a_new_kind_add_to_the_fields_of_their_names() -> None:
    new: list[Record] = [
        {"type": "compaction_delta", "content": "a", "encrypted_content": "b", "n": None},
        {"type": "compaction_delta", "content": "c", "n": 5},
        {"type": "new_delta", "n": 6},
    ]
    assert parts(block(0, {"type": "compaction", "content": "-"}, *new)) == (
        UnknownPart("compaction", {"type": "compaction", "content": "-ac", "encrypted_content": "b", "n": 6}),
    )


def test_other_fields_of_known_deltas_are_kept_with_their_block() -> None:
    found = parts(
        block(0, TEXT, {**text("Hi"), "x": 1}),
        block(1, {"type": "thinking", "thinking": ""}, {"type": "thinking_delta", "thinking": "Hm.", "y": 2}),
        block(
            2,
            {"type": "tool_use", "id": "a", "name": "f", "input": {}, "caller": {"type": "direct"}},
            {**json_piece("{}"), "z": 3},
        ),
        block(3, {**TEXT, "citations": [{"url": "u"}]}, {"type": "citations_delta", "w": 4}, text("b")),
    )
    assert found == (
        TextPart("Hi", extra={"x": 1}),
        ReasoningPart("Hm.", {"y": 2}),
        ToolCall("a", "f", {}, "{}", extra={"caller": {"type": "direct"}, "z": 3}),
        TextPart("b", (Citation("u"),), {"w": 4}),
    )


def test_citations_of_another_shape_are_kept_as_they_are() -> None:
    content = [{"type": "text", "text": "Hi", "citations": 5}]
    assert read("anthropic", {"content": content}).parts == (TextPart("Hi", extra={"citations": 5}),)


def test_a_documents_citation_has_its_title() -> None:
    cited = {"type": "char_location", "document_title": "t", "cited_text": "q", "start_char_index": 0}
    (part,) = read("anthropic", {"content": [{"type": "text", "text": "Hi", "citations": [cited]}]}).parts
    extra: JSONObject = {"type": "char_location", "start_char_index": 0}
    assert part == TextPart("Hi", (Citation(title="t", quote="q", extra=extra),))


def test_a_delta_of_a_kind_that_its_block_is_not_begins_another_block() -> None:
    found = parts(block(0, {"type": "thinking", "thinking": "a"}, text("b")))
    assert found == (ReasoningPart("a"), TextPart("b"))


def test_deltas_of_open_blocks_in_turn_each_add_to_their_own() -> None:
    first, second = block(0, TEXT, text("a")), block(1, {"type": "thinking", "thinking": "H"})
    thinking = {
        "type": "content_block_delta",
        "index": 1,
        "delta": {"type": "thinking_delta", "thinking": "m"},
    }
    more = {"type": "content_block_delta", "index": 0, "delta": text("b")}
    events = parse("anthropic", [claude(started(), *first[:2], second[0], thinking, more, *stopped())])
    assert events[:-1] == [
        ContentDelta("a", 0),
        ReasoningDelta("H", 1),
        ReasoningDelta("m", 1),
        ContentDelta("b", 0),
    ]


def test_a_part_without_text_is_given_whole() -> None:
    events = parse(
        "anthropic", [claude(started(), *block(0, {"type": "redacted_thinking", "data": "x"}), *stopped())]
    )
    assert events[0] == PartComplete(0, ReasoningPart("", {"type": "redacted_thinking", "data": "x"}))


def test_the_calls_of_a_whole_message_are_distinguished_without_ids() -> None:
    calls = [{"type": "tool_use", "name": "f", "input": {"a": number}} for number in range(2)]
    bare = [{"type": "tool_use", "name": "f", "input": {}}] * 2
    for content, arguments in ((calls, [{"a": 0}, {"a": 1}]), (bare, [{}, {}])):
        message = read("anthropic", WHOLES["anthropic"] | {"content": content})
        assert [call.arguments for call in message.tool_calls] == arguments
        assert len({call.id for call in message.tool_calls}) == 2


def test_a_server_that_numbers_every_block_0_loses_none() -> None:
    call = {"type": "tool_use", "id": "a", "name": "f", "input": {}}
    found = parts(
        block(0, {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}),
        block(0, TEXT, text("Hi")),
        block(0, call, json_piece('{"n": 1}')),
        block(0, {**call, "id": "b"}, json_piece('{"n": 2}')),
    )
    assert [type(part) for part in found] == [ReasoningPart, TextPart, ToolCall, ToolCall]
    assert [part.arguments for part in found if isinstance(part, ToolCall)] == [{"n": 1}, {"n": 2}]


@pytest.mark.parametrize("odd", [["char_location"], {"a": 1}, None, 7])
def test_a_citation_whose_type_is_not_text_is_kept_as_it_is(odd: Any) -> None:
    cited = {
        "type": "text",
        "text": "Hi.",
        "citations": [{"type": odd, "title": "A page", "cited_text": "Hi"}],
    }
    message = read("anthropic", {**WHOLES["anthropic"], "content": [cited]})
    (found,) = message.citations
    assert (found.title, found.quote, found.extra["type"]) == ("A page", "Hi", odd)
    assert sent("anthropic", *ASK, message)[1]["content"][0]["citations"] == cited["citations"]


EVENTS = [
    started(),
    *block(0, {"type": "thinking", "thinking": ""}, {"type": "signature_delta", "signature": "c2ln"}),
    *stopped(),
]
"""One event of each type that says something."""


@pytest.mark.parametrize("event", [None, *range(len(EVENTS))])
def test_a_field_beside_those_of_an_event_is_kept_and_those_are_not(event: int | None) -> None:
    events = [{**each, "beside": 1} if at == event else each for at, each in enumerate(EVENTS)]
    message = answer("anthropic", claude(*events))
    assert message.extra == ({} if event is None else {"beside": 1})
