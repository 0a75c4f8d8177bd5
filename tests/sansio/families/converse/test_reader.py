"""Answers of Converse, read from frames made by hand; each test is named after the fact that it pins."""

from __future__ import annotations

import pytest

from sansio import (
    APIStatusError,
    Citation,
    ContentDelta,
    ConverseDialect,
    FinishReason,
    ImagePart,
    InternalServerError,
    InvalidToolCall,
    PartComplete,
    RateLimitError,
    ReasoningPart,
    RemoteProtocolError,
    ServerToolPart,
    StreamComplete,
    StreamTruncatedError,
    TextPart,
    ToolCall,
    ToolCallDelta,
    ToolCallStarted,
    UnknownPart,
)
from sansio.testing.eventstream import encode_frame
from tests.sansio.families.converse.frames import (
    Record,
    answer,
    delta,
    ended,
    fault,
    frame,
    parse,
    read,
    start,
    stop,
    whole,
)
from tests.support import for_each

CALL = {"toolUse": {"toolUseId": "t", "name": "f", "type": "tool_use"}}


def test_a_text_begins_with_its_first_delta_and_an_empty_one_is_no_part() -> None:
    message = read(delta({"text": ""}), stop(), delta({"text": ""}, 1), delta({"text": "Hi"}, 1), stop(1))
    assert message.content == "Hi"


def test_a_citation_may_come_before_its_text_or_without_one() -> None:
    cited = {"title": "T", "location": {"documentChunk": {"start": 1}}}
    events = parse(delta({"citation": cited}), delta({"text": "Hi"}), stop(),
                   delta({"citation": cited}, 1), stop(1), ended())  # fmt: skip
    assert [type(event) for event in events[:-1]] == [ContentDelta, PartComplete, PartComplete]
    parts = [event.part for event in events if isinstance(event, PartComplete)]
    assert [isinstance(part, TextPart) and len(part.citations) for part in parts] == [1, 1]


def test_redacted_reasoning_in_pieces_is_joined_as_bytes() -> None:
    pieces = [delta({"reasoningContent": {"redactedContent": text}}) for text in ("YQ==", "Yg==")]
    assert read(*pieces, stop()).parts == (ReasoningPart("", {"redactedContent": "YWI="}),)
    odd = [delta({"reasoningContent": {"redactedContent": text}}) for text in ("YQ==", "?")]
    assert read(*odd).parts == (ReasoningPart("", {"redactedContent": "YQ==?"}),)
    # Such a block of bytes may arrive beside a text.
    mixed = delta({"reasoningContent": {"text": "a", "new": 1}}, p="x") + odd[0]
    assert read(mixed).parts == (ReasoningPart("a", {"new": 1, "redactedContent": "YQ=="}),)


def test_reasoning_may_begin_with_an_empty_piece() -> None:
    pieces = [delta({"reasoningContent": {"text": text}}) for text in ("", "Hm", ".")]
    assert read(*pieces, stop()).parts == (ReasoningPart("Hm."),)


def test_a_signature_in_pieces_is_one() -> None:
    pieces = [delta({"reasoningContent": {"signature": text}}) for text in ("ab", "cd")]
    message = read(delta({"reasoningContent": {"text": "Hm."}}), *pieces, stop())
    assert message.parts == (ReasoningPart("Hm.", {"signature": "abcd"}),)


def test_a_tool_of_the_provider_is_no_call_and_its_input_is_decoded() -> None:
    use = {"toolUse": {"toolUseId": "t", "name": "n", "type": "server_tool_use"}}
    result = {"toolResult": {"toolUseId": "t", "type": "r", "status": "success"}}
    message = read(
        start(use), delta({"toolUse": {"input": '{"a"'}}), delta({"toolUse": {"input": ":1}"}}), stop(),
        start(result, 1), delta({"toolResult": [{"text": "x"}]}, 1), delta({"toolResult": [{"json": 1}]}, 1),
        stop(1), start(use, 2), delta({"toolUse": {"input": "{"}}, 2), stop(2), start(use, 3), stop(3),
    )  # fmt: skip
    assert message.parts == (
        ServerToolPart("server_tool_use", "t", "n", {"a": 1}),
        ServerToolPart("r", "t", output=[{"text": "x"}, {"json": 1}], status="success"),
        ServerToolPart("server_tool_use", "t", "n", {"INVALID_JSON": "{"}),
        ServerToolPart("server_tool_use", "t", "n", {}),
    )


def test_the_input_of_a_tool_of_the_provider_may_be_in_its_start_or_blank() -> None:
    use = {"toolUse": {"toolUseId": "t", "name": "n", "type": "server_tool_use"}}
    given = {"toolUse": {**use["toolUse"], "input": {"a": 1}}}
    message = read(
        start(given, z=3), stop(),
        start(given, 1), delta({"toolUse": {"input": " "}}, 1), stop(1),
        start(use, 2), delta({"toolUse": {"input": "", "new": 5}}, 2), stop(2),
        start(given, 3), delta({"toolUse": {"input": '{"b":2}'}}, 3), stop(3),
    )  # fmt: skip
    assert message.parts == (
        ServerToolPart("server_tool_use", "t", "n", {"a": 1}, extra={"beside": {"z": 3}}),
        ServerToolPart("server_tool_use", "t", "n", {"a": 1}),
        ServerToolPart("server_tool_use", "t", "n", {}, extra={"new": 5}),
        ServerToolPart("server_tool_use", "t", "n", {"b": 2}),
    )


def test_an_image_may_arrive_in_pieces() -> None:
    image = {"image": {"format": "png"}}
    pieces = [delta({"image": {"source": {"bytes": text}}}) for text in ("iVBORw0K", "Ggo=")]
    assert read(start(image), *pieces, stop()).parts == (ImagePart(data=b"\x89PNG\r\n\x1a\n"),)


def test_blocks_of_a_new_kind_are_kept() -> None:
    message = read(
        start({"new": {"a": 1}}, p="pad"), delta({"new": {"b": 2}}), delta({"other": "x"}), stop(),
        delta({"first": 5}, 1), stop(1), start({"new": 1}, 2), delta({"new": {"a": 2}}, 2),
    )  # fmt: skip
    assert message.parts == (
        UnknownPart("new", {"new": {"a": 1, "b": 2}, "other": "x"}),
        UnknownPart("first", {"first": 5}),
        UnknownPart("new", {"new": {"a": 2}}),
    )


def test_what_an_event_has_beside_its_block_is_kept() -> None:
    message = read(
        start({"text": "Hi", "type": "text"}), delta({"text": "!"}, x=1), stop(y=2),
        start(CALL, 1, z=3), delta({"toolUse": {"input": "{}", "w": 4}}, 1), stop(1),
        delta({"reasoningContent": {"text": "Hm."}}, 2, v=5), stop(2),
        frame("contentBlockStop", {"contentBlockIndex": 9, "u": 6, "p": "abc"}),
        start({}, 8, t=7),
    )  # fmt: skip
    assert message.parts == (
        TextPart("Hi!", extra={"type": "text", "x": 1}),
        ToolCall("t", "f", {}, "{}", extra={"type": "tool_use", "z": 3, "w": 4}),
        ReasoningPart("Hm.", {"beside": {"v": 5}}),
    )
    assert message.extra == {"y": 2, "u": 6, "t": 7}


def test_a_call_begins_with_its_block_and_one_that_was_cut_is_invalid() -> None:
    events = parse(start(CALL), delta({"toolUse": {"input": '{"a": '}}), ended("max_tokens"))
    assert isinstance(events[0], ToolCallStarted)
    message = read(start(CALL), delta({"toolUse": {"input": '{"a": '}}), ended("max_tokens"))
    assert [type(part) for part in message.parts] == [InvalidToolCall]
    assert message.finish_reason is FinishReason.LENGTH
    assert read(start({"toolUse": {**CALL["toolUse"], "input": {"a": 1}}})).tool_calls[0].arguments == {
        "a": 1
    }


def test_two_kinds_of_delta_at_one_index_are_two_parts() -> None:
    both = delta({"text": "Hi", "toolUse": {"input": "{}"}})
    message = read(delta({"text": "a"}), delta({"reasoningContent": {"text": "b"}}), both)
    assert [type(part) for part in message.parts] == [TextPart, ReasoningPart, TextPart]
    assert message.parts[2] == TextPart("Hi", extra={"toolUse": {"input": "{}"}})


def test_counts_may_come_before_the_end_and_the_answer_is_then_whole_with_it() -> None:
    counts = frame("metadata", {"usage": {"inputTokens": 1, "outputTokens": 2}, "trace": None})
    *_, last = parse(delta({"text": "Hi"}), counts, frame("messageStop", {"stopReason": "end_turn"}), b"more")
    assert last.message.usage.input_tokens == 1  # type: ignore[union-attr]  # it is the last event


def test_a_count_under_two_names_is_one_until_they_differ() -> None:
    counts = {"inputTokens": 1, "outputTokens": 2, "totalTokens": 6, "cacheReadInputTokens": 3,
              "cacheReadInputTokenCount": 3, "serverToolUsage": {}}  # fmt: skip
    usage = answer({"text": "Hi"}, usage=counts).usage
    assert usage is not None
    assert (usage.input_tokens, usage.cached_tokens, usage.extra) == (4, 3, {})
    usage = answer({"text": "Hi"}, usage={**counts, "cacheReadInputTokenCount": 9, "totalTokens": 7}).usage
    assert usage is not None
    assert usage.extra == {"cacheReadInputTokenCount": 9, "totalTokens": 7}


def test_a_whole_answer_s_calls_are_judged_like_those_of_a_stream() -> None:
    use = {"toolUseId": "t", "name": "f"}
    calls = [{"toolUse": {**use, "input": given}} for given in ({"a": 1}, "[1]", None)]
    message = answer(*calls, usage="none", reason=None)
    assert [type(part) for part in message.parts] == [ToolCall, InvalidToolCall, ToolCall]
    assert (message.raw_finish_reason, message.finish_reason) == (None, FinishReason.OTHER)
    assert message.extra == {"usage": "none"}


@pytest.mark.parametrize("counts", [b"", frame("metadata", {"usage": {}})])
def test_a_part_after_the_end_is_complete_before_the_answer_is(counts: bytes) -> None:
    source = delta({"citation": {"title": "a"}})
    stopped = frame("messageStop", {"stopReason": "end_turn"})
    *_, told, last = parse(stopped, delta({"text": "Hi"}), source, counts)
    assert isinstance(last, StreamComplete)
    assert isinstance(told, PartComplete)
    assert last.message.parts == (told.part,)


@pytest.mark.parametrize("record", [{}, {"stopReason": None}])
@pytest.mark.parametrize("counts", [b"", frame("metadata", {"usage": {}})])
def test_an_answer_that_ends_without_a_reason_has_none(record: Record, counts: bytes) -> None:
    *_, last = parse(delta({"text": "Hi"}), frame("messageStop", record), counts)
    assert isinstance(last, StreamComplete)
    assert last.message.text == "Hi"
    assert (last.message.raw_finish_reason, last.message.finish_reason) == (None, FinishReason.OTHER)


@pytest.mark.parametrize(
    ("kind", "status", "error_class"),
    [
        ("throttlingException", 429, RateLimitError),
        ("internalServerException", 500, InternalServerError),
        ("modelStreamErrorException", 424, APIStatusError),
    ],
)
def test_an_exception_is_the_error_that_it_names(
    kind: str, status: int, error_class: type[APIStatusError]
) -> None:
    headers = {":message-type": "exception", ":exception-type": kind}
    *events, _ = parse(delta({"text": "Hi"}), encode_frame(headers, b'{"message": "no"}'))
    assert events == [ContentDelta("Hi")]
    error = fault(encode_frame(headers, b'{"message": "no", "originalMessage": "gone"}'))
    assert type(error) is error_class
    assert (error.status, error.error_type) == (status, kind)
    assert error.provider_message == "no (from the model: gone)"
    assert fault(encode_frame(headers)).status == status


def test_an_exception_whose_payload_is_not_json_has_the_payload_as_its_message() -> None:
    headers = {":message-type": "exception", ":exception-type": "throttlingException"}
    for payload in (b"Too many requests", b" Too many\nrequests\n"):
        error = fault(encode_frame(headers, payload))
        assert isinstance(error, RateLimitError)
        assert (error.error_type, error.provider_message) == ("throttlingException", "Too many requests")
    long = fault(encode_frame(headers, b"x" * 100_000))
    assert isinstance(long, RateLimitError)
    assert len(str(long)) < 1_000


def test_a_bad_checksum_is_an_error_with_its_place_and_what_was_before_it_is_kept() -> None:
    sound = delta({"text": "Hi"})
    error = fault(sound, sound[:-1] + b"\0")
    assert type(error) is RemoteProtocolError
    assert error.offset == len(sound)
    assert error.partial is not None
    assert error.partial.text == "Hi"


def test_events_that_nobody_knows_are_passed_over_but_for_errors_and_other_families() -> None:
    assert read(frame("new", {"a": 1}), delta({"text": "Hi"})).text == "Hi"
    assert fault(frame("new", {"error": {"message": "no"}})).provider_message == "no"
    assert "messages API" in fault(frame("new", {"type": "message_stop"})).message


def test_the_end_of_the_connection_after_the_stop_is_an_end_and_before_it_a_cut() -> None:
    stopped = frame("messageStop", {"stopReason": "end_turn"})
    assert not isinstance(parse(delta({"text": "Hi"}), stopped)[-1], StreamTruncatedError)
    assert isinstance(fault(delta({"text": "Hi"})), StreamTruncatedError)


@for_each(
    [
        delta("text"),
        delta({"text": 1}),
        delta({"reasoningContent": 1}),
        delta({"reasoningContent": {"text": 1}}),
        delta({"citation": 1}),
        delta({"text": "a"}, at="x"),  # type: ignore[arg-type]  # it is what is tested
        start("text"),  # type: ignore[arg-type]  # the same
        start({"toolUse": {"toolUseId": 1, "name": "f"}}),
        start(CALL) + delta({"toolUse": {"input": 1}}),
        encode_frame({":event-type": "contentBlockDelta"}, b"["),
    ]
)
def test_a_shape_that_cannot_be_is_an_error(data: bytes) -> None:
    assert type(fault(data)) is RemoteProtocolError


NO_ANSWERS: list[Record] = [
    {},
    {"output": 1},
    {"output": {}},
    {"output": {"message": {"content": 1}}},
    whole(1),
]


@for_each(NO_ANSWERS)
def test_a_whole_answer_without_a_message_is_an_error(body: Record) -> None:
    with pytest.raises(RemoteProtocolError):
        ConverseDialect().parse_response(body)


def test_a_whole_answer_of_another_family_is_named() -> None:
    with pytest.raises(RemoteProtocolError, match="chat"):
        ConverseDialect().parse_response({"choices": []})


def test_a_long_answer_is_folded_and_says_the_same() -> None:
    dialect = ConverseDialect()
    reader = dialect.open_stream()
    use = {"toolUse": {"toolUseId": "t", "name": "n", "type": "server_tool_use"}}
    for name, payload in (
        ("contentBlockStart", b'{"start":{"toolUse":{"toolUseId":"t","name":"n","type":"server_tool_use"}}}'),
        ("contentBlockDelta", b'{"delta":{"toolUse":{"input":"{\\"a\\""}}}'),
        ("contentBlockDelta", b'{"contentBlockIndex":1,"delta":{"reasoningContent":{"signature":"a"}}}'),
        ("contentBlockDelta", b'{"delta":{"toolUse":{"input":":1}"}}}'),
        ("contentBlockDelta", b'{"contentBlockIndex":1,"delta":{"reasoningContent":{"signature":"b"}}}'),
        ("messageStop", b'{"stopReason":"end_turn"}'),
    ):
        reader.receive(payload, [], name)
        reader.fold()
    assert reader.message().parts == (
        ServerToolPart("server_tool_use", use["toolUse"]["toolUseId"], "n", {"a": 1}),
        ReasoningPart("", {"signature": "ab"}),
    )


@for_each([None, "", "abc", 5])
def test_the_padding_of_an_event_is_not_kept(padding: object) -> None:
    message = read(
        frame("messageStart", {"role": "assistant", "p": padding}),
        start(CALL, p=padding),
        delta({"toolUse": {"input": "{}"}}, p=padding),
        frame("contentBlockStop", {"contentBlockIndex": 0, "p": padding}),
        delta({"text": "Hi"}, 1, p=padding),
        delta({"reasoningContent": {"text": "Hm."}}, 2, p=padding),
        delta({"citation": {"title": "T"}}, 3, p=padding),
        frame("messageStop", {"stopReason": "end_turn", "p": padding}),
        frame("metadata", {"usage": {"inputTokens": 1}, "p": padding}),
    )
    assert message.extra == {}
    assert [part.extra for part in message.parts] == [{"type": "tool_use"}, {}, {}, {}]


def test_a_null_in_a_piece_of_reasoning_says_nothing() -> None:
    pieces = [delta({"reasoningContent": {"text": None, "signature": text}}) for text in ("ab", "cd")]
    message = read(delta({"reasoningContent": {"text": "Hm."}}), *pieces, stop())
    assert message.parts == (ReasoningPart("Hm.", {"signature": "abcd"}),)


def test_a_delta_without_an_index_is_of_the_first_block() -> None:
    bare = frame("contentBlockDelta", {"delta": {"text": "c"}})
    assert read(delta({"text": "a"}), delta({"text": "b"}, 1), bare).parts == (TextPart("ac"), TextPart("b"))


def test_an_exception_is_a_step_of_progress_and_an_event_without_a_payload_says_nothing() -> None:
    reader = ConverseDialect().open_stream()
    for number, name in enumerate(("messageStart", "contentBlockStart", "contentBlockDelta", "new"), 1):
        assert reader.receive(b"", [], name) is False
        assert reader.progress == number
    with pytest.raises(RateLimitError):
        reader.receive(b"{}", [], "exception:throttlingException")
    assert (reader.progress, reader.message().parts) == (5, ())


def test_new_fields_of_events_about_the_whole_answer_are_kept() -> None:
    message = read(
        frame("messageStart", {"role": "assistant", "a": 1, "none": None}),
        delta({"text": "Hi"}),
        frame("messageStop", {"stopReason": "end_turn", "b": 2, "none": None}),
        frame("metadata", {"usage": {"inputTokens": 1}, "metrics": {"latencyMs": 3}, "none": None}),
    )
    assert message.extra == {"a": 1, "b": 2, "metrics": {"latencyMs": 3}}
    assert answer({"text": "Hi"}, metrics={"latencyMs": 3}).extra == {"metrics": {"latencyMs": 3}}


def test_a_start_ends_the_block_that_is_open_at_its_index() -> None:
    use = {"toolUse": {"toolUseId": "t", "name": "n", "type": "server_tool_use", "input": {}}}
    events = parse(start(use), start(CALL), delta({"toolUse": {"input": "{}"}}), start(use), stop(), ended())
    assert [type(event) for event in events[:-1]] == [
        PartComplete,
        ToolCallStarted,
        ToolCallDelta,
        PartComplete,
    ]
    complete = events[-1]
    assert isinstance(complete, StreamComplete)
    assert [type(part) for part in complete.message.parts] == [ServerToolPart, ToolCall, ServerToolPart]


def test_pieces_of_calls_that_are_open_together_are_assigned_by_their_index() -> None:
    for ids, names in ((("t", "u"), "fg"), ((None, None), "fg"), ((None, None), "ff")):
        calls = [{"toolUse": {"toolUseId": id, "name": name}} for id, name in zip(ids, names, strict=True)]
        message = read(
            start(calls[0]), start(calls[1], 1),
            delta({"toolUse": {"input": '{"a"'}}), delta({"toolUse": {"input": '{"b"'}}, 1),
            delta({"toolUse": {"input": ":1}"}}), delta({"toolUse": {"input": ":2}"}}, 1),
        )  # fmt: skip
        assert [call.name for call in message.tool_calls] == [*names]
        assert [call.arguments for call in message.tool_calls] == [{"a": 1}, {"b": 2}]
        bare = answer({"toolUse": {**calls[0]["toolUse"], "input": {}}}, {"toolUse": {**calls[1]["toolUse"]}})
        assert [call.name for call in bare.tool_calls] == [*names]


def test_an_answer_is_over_at_its_stop_if_its_counts_were_before_it() -> None:
    for counted in (True, False):
        reader = ConverseDialect().open_stream()
        if counted:
            assert reader.receive(b'{"usage": {}}', [], "metadata") is False
        assert reader.receive(b'{"stopReason": "end_turn"}', [], "messageStop") is counted
        assert reader.receive(b'{"usage": {}}', [], "metadata") is True


def test_a_delta_without_a_start_begins_its_block() -> None:
    (call,) = read(delta({"toolUse": {"input": "{}"}}), stop()).invalid_tool_calls
    assert (call.name, call.raw_arguments, call.id.isascii()) == ("", "{}", True)
    source = {"title": "T"}
    (cited,) = read(delta({"citation": source}), delta({"text": "a"}), delta({"text": "b"}), stop()).parts
    assert cited == TextPart("ab", (Citation(title="T"),))


def test_a_piece_of_a_call_may_have_no_input() -> None:
    pieces = [
        delta({"toolUse": {"new": 1}}),
        delta({"toolUse": {"input": None}}),
        delta({"toolUse": {"input": "{}"}}),
    ]
    (call,) = read(start(CALL), *pieces, stop()).tool_calls
    assert call == ToolCall("t", "f", {}, "{}", extra={"type": "tool_use", "new": 1})


def test_all_counts_of_an_answer_are_read_and_those_of_the_cache_are_part_of_the_input() -> None:
    counts: Record = {
        "inputTokens": 1, "outputTokens": 2, "totalTokens": 14,
        "cacheReadInputTokens": 3, "cacheReadInputTokenCount": 3,
        "cacheWriteInputTokens": 8, "cacheWriteInputTokenCount": 8,
    }  # fmt: skip
    usage = answer({"text": "Hi"}, usage=counts).usage
    assert usage is not None
    assert (usage.input_tokens, usage.output_tokens) == (12, 2)
    assert (usage.cached_tokens, usage.cache_write_tokens, usage.extra) == (3, 8, {})
    other: Record = {"cacheWriteInputTokenCount": 9, "serverToolUsage": {"searches": 1}, "totalTokens": 13}
    usage = answer({"text": "Hi"}, usage={**counts, **other}).usage
    assert usage is not None
    assert usage.extra == other


def test_an_error_may_have_its_message_under_a_name_with_a_capital() -> None:
    headers = {":message-type": "exception", ":exception-type": "throttlingException"}
    assert fault(encode_frame(headers, b'{"Message": "no"}')).provider_message == "no"
    new = {":message-type": "exception", ":exception-type": "newException"}
    assert fault(encode_frame(new, b"{}")).status == 200  # it is inside an answer that began well
    both = fault(encode_frame(headers, b'{"Message": "no", "message": "yes"}'))
    assert both.provider_message == "yes"


def test_the_input_of_a_tool_of_the_provider_may_arrive_as_an_object() -> None:
    use = {"toolUse": {"toolUseId": "t", "name": "n", "type": "server_tool_use"}}
    message = read(start(use), delta({"toolUse": {"input": {"a": 1}}}), stop())
    assert message.parts == (ServerToolPart("server_tool_use", "t", "n", {"a": 1}),)
