"""Cohere's chat events, and whole answers, as they are read."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest

from sansio import (
    APIStatusError,
    BadRequestError,
    Citation,
    ContentDelta,
    FinishReason,
    InternalServerError,
    InvalidToolCall,
    JSONObject,
    Limits,
    Message,
    PartComplete,
    ReasoningDelta,
    ReasoningPart,
    RemoteProtocolError,
    StreamComplete,
    StreamEvent,
    StreamParser,
    StreamTruncatedError,
    TextPart,
    ToolCall,
    ToolCallDelta,
    ToolCallStarted,
    UnknownPart,
)
from sansio.providers import dialect_named
from tests.sansio.wires import Record, check_agreement, failure, sse
from tests.support import for_all

PLAN: JSONObject = {"field": "tool_plan"}
EMPTY: Record = {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}


def event(kind: str, message: Record | None = None, **more: Any) -> Record:
    return {"type": kind, **({} if message is None else {"delta": {"message": message}}), **more}


def start(**message: Any) -> Record:
    return event("message-start", {**EMPTY, **message}, id="1")


def end(reason: str | None = "COMPLETE", **more: Any) -> Record:
    return {"type": "message-end", "delta": {"finish_reason": reason, **more}}


def begun(kind: str, index: int = 0, **more: Any) -> Record:
    return event("content-start", {"content": {"type": kind, **more}}, index=index)


def piece(index: int = 0, /, **content: Any) -> Record:
    return event("content-delta", {"content": content}, index=index)


def planned(text: object) -> Record:
    return event("tool-plan-delta", {"tool_plan": text})


def called(call: object, index: int = 0) -> Record:
    return event("tool-call-start", {"tool_calls": call}, index=index)


def arguments(text: object, index: int = 0) -> Record:
    return event("tool-call-delta", {"tool_calls": {"function": {"arguments": text}}}, index=index)


def cited(index: int = 0, **citation: Any) -> Record:
    return event("citation-start", {"citations": citation}, index=index)


def one(name: str = "f", id: str | None = "a", given: object = "") -> Record:
    return {"id": id, "type": "function", "function": {"name": name, "arguments": given}}


def parse(records: Iterable[object], **limits: int) -> list[StreamEvent]:
    parser = StreamParser(dialect_named("cohere", Limits(**limits)))
    events = parser.receive_data(sse(*records)) + parser.receive_eof()
    check_agreement(events)
    return events


def answer(*records: object) -> Message:
    found = parse(records)[-1]
    assert isinstance(found, StreamComplete), found
    return found.message


def whole(message: Record, **more: Any) -> Message:
    data = {"id": "1", "finish_reason": "COMPLETE", "message": {"role": "assistant", **message}, **more}
    return dialect_named("cohere").parse_response(data)


def test_thinking_text_plan_and_calls_are_parts_in_their_order() -> None:
    records = [
        start(),
        begun("thinking"),
        piece(thinking="Hm"),
        piece(thinking="."),
        event("content-end", index=0),
        planned("I will "),
        planned("call f."),
        called(one()),
        arguments('{"x"'),
        arguments(": 1}"),
        event("tool-call-end", index=0),
        called([one("g", "b")], 1),
        event("tool-call-end", index=1),
        begun("text", 1, text="D"),
        piece(1, text="one"),
        piece(1, text="."),
        end("TOOL_CALL"),
        "[DONE]",
    ]
    events = parse(records)
    assert events[:-1] == [
        ReasoningDelta("Hm"),
        ReasoningDelta("."),
        ReasoningDelta("I will ", 1),
        ReasoningDelta("call f.", 1),
        ToolCallStarted(0, "a", "f", 2),
        ToolCallDelta(0, '{"x"'),
        ToolCallDelta(0, ": 1}"),
        ToolCallStarted(1, "b", "g", 3),
        ContentDelta("D", 4),
        ContentDelta("one", 4),
        ContentDelta(".", 4),
    ]
    message = answer(*records)
    assert message.parts == (
        ReasoningPart("Hm."),
        ReasoningPart("I will call f.", PLAN),
        ToolCall("a", "f", {"x": 1}, '{"x": 1}'),
        ToolCall("b", "g", {}, ""),
        TextPart("Done."),
    )
    assert (message.response_id, message.origin) == ("1", "cohere/cohere")
    assert (message.finish_reason, message.raw_finish_reason) == (FinishReason.TOOL_CALLS, "TOOL_CALL")


def test_a_whole_answer_says_the_same() -> None:
    message = whole(
        {
            "tool_plan": "I will.",
            "content": [{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "Hi"}],
            "tool_calls": [one(given='{"x": 1}'), one("g", "b", None), one("h", "c", {"y": 2})],
        },
        finish_reason="TOOL_CALL",
        usage={"billed_units": {"input_tokens": 1}, "tokens": {"input_tokens": 9, "output_tokens": 5}},
    )
    assert message.parts == (
        ReasoningPart("I will.", PLAN),
        ReasoningPart("Hm."),
        TextPart("Hi"),
        ToolCall("a", "f", {"x": 1}, '{"x": 1}'),
        ToolCall("b", "g", {}, ""),
        ToolCall("c", "h", {"y": 2}, '{"y":2}'),
    )
    assert (message.extra, message.response_id) == ({}, "1")
    assert message.usage is not None
    assert (message.usage.input_tokens, message.usage.output_tokens) == (9, 5)
    found = whole({"content": "Hi", "citations": [{"start": 0, "end": 2}]})
    assert (found.text, found.citations) == ("Hi", (Citation(start=0, end=2),))
    assert whole({"content": None}).content == ""


@for_all(("given", ["", "null", None]))
def test_a_call_without_arguments_may_say_so_in_any_way(given: object) -> None:
    message = answer(start(), called(one(given=given)), end("TOOL_CALL"))
    assert message.tool_calls[0].arguments == {}


def test_pieces_with_more_fields_add_as_others_do() -> None:
    records = [
        start(),
        planned("I "),
        planned("will.") | {"new": 1},
        called(one()),
        arguments("{}") | {"more": 2},
    ]
    message = answer(*records, end("TOOL_CALL"))
    assert message.parts == (ReasoningPart("I will.", PLAN), ToolCall("a", "f", {}, "{}"))
    assert message.extra == {"new": 1, "more": 2}


def test_a_call_that_the_limit_of_tokens_cut_is_invalid() -> None:
    message = answer(start(), called(one()), arguments('{"x": '), end("MAX_TOKENS"))
    assert isinstance(message.parts[0], InvalidToolCall)
    assert message.finish_reason is FinishReason.LENGTH


def test_citations_are_of_the_text_that_they_name_and_follow_it() -> None:
    sources: list[Any] = [{"type": "document", "id": "d", "document": {"title": "T"}}]
    records = [
        start(),
        begun("thinking"),
        piece(thinking="Hm."),
        begun("text", 1),
        piece(1, text="Paris."),
        event("content-end", index=1),
        cited(0, start=0, end=5, text="Paris", sources=sources, content_index=1, type="TEXT_CONTENT"),
        event("citation-end", index=0),
        cited(1, start=0, end=2, text="Hm", sources=[], content_index=0, type="THINKING_CONTENT"),
        end(),
    ]
    events = parse(records)
    extra: Record = {"text": "Paris", "sources": sources, "type": "TEXT_CONTENT"}
    text = TextPart("Paris.", (Citation(start=0, end=5, extra=extra),))
    assert events[-2] == PartComplete(1, text)
    of_thinking: Record = {"start": 0, "end": 2, "text": "Hm", "sources": [], "type": "THINKING_CONTENT"}
    assert answer(*records).parts == (ReasoningPart("Hm.", {"citations": [of_thinking]}), text)


def test_a_citation_without_a_place_is_of_the_first_text_of_the_plan_or_of_the_message() -> None:
    lost: Record = {"start": 0, "end": 1, "text": "x"}
    first = answer(start(), piece(text="a"), cited(**lost), piece(1, text="b"), end())
    assert [len(part.citations) for part in first.parts if isinstance(part, TextPart)] == [1, 0]
    plan = answer(start(), planned("I will."), cited(type="PLAN", **lost), end())
    assert plan.parts == (ReasoningPart("I will.", {**PLAN, "citations": [{"type": "PLAN", **lost}]}),)
    for citation in (
        lost,
        {"type": "PLAN", **lost},
        {"content_index": 7, **lost},
        {"content_index": "0", **lost},
    ):
        none = answer(start(), cited(**citation), cited(**citation), end())
        assert none.extra == {"citations": [citation, citation]}
    odd = answer(start(), piece(text="a"), cited(start="0", text="x"), end())
    assert odd.citations == (Citation(extra={"start": "0", "text": "x"}),)


def test_what_no_typed_field_says_is_kept() -> None:
    logprobs = {"text": "Hi", "token_ids": [1], "logprobs": [-0.5]}
    message = answer(
        start(mood="good"),
        begun("text", 0, style="plain"),
        piece(text="Hi") | {"logprobs": logprobs},
        piece(text="!") | {"logprobs": logprobs, "new": 1},
        called(
            {"id": "a", "new": 2, "function": {"name": "f", "arguments": "", "strict": True, "none": None}}
        ),
        event("debug", prompt="<BOS>"),
        end("COMPLETE", newer=3, error="a warning"),
    )
    assert message.extra == {
        "mood": "good",
        "logprobs": [logprobs, logprobs],
        "new": 1,
        "prompt": "<BOS>",
        "newer": 3,
        "error": "a warning",
    }
    text, call = message.parts
    assert (text.extra, call.extra) == ({"style": "plain"}, {"new": 2, "function": {"strict": True}})
    assert whole({"content": "Hi", "mood": "good"}, logprobs=[logprobs]).extra == {
        "mood": "good",
        "logprobs": [logprobs],
    }


def test_blocks_of_new_types_are_kept_whole() -> None:
    block: Record = {"type": "image", "url": "https://e/"}
    expected = UnknownPart("image", {**block, "alt": "ab"})
    message = answer(
        start(),
        begun("image", 0, url="https://e/"),
        piece(0, alt="a"),
        piece(0, alt="b"),
        event("content-end", index=0),
        begun("image", 1, url="https://e/"),
        end(),
    )
    assert message.parts == (expected, UnknownPart("image", block))
    assert whole({"content": [block]}).parts == (UnknownPart("image", block),)


def test_pieces_whose_beginning_was_left_out_begin_their_part() -> None:
    message = answer(piece(text="a"), piece(thinking="b"), piece(text="c"), arguments("{}"), end())
    assert [type(part) for part in message.parts] == [TextPart, ReasoningPart, TextPart, InvalidToolCall]
    both = answer(start(), piece(text="a"), piece(thinking="b", text="c"), end())
    assert both.parts == (TextPart("ac"), ReasoningPart("b")) or both.text == "ac"


def test_new_events_and_blank_ones_are_passed_over() -> None:
    assert (
        answer(start(), "", "[DONE]", {"type": "new-event", "x": 1}, {}, piece(text="Hi"), end()).text == "Hi"
    )


@for_all(
    (
        ("reason", "finish"),
        [
            ("STOP_SEQUENCE", "stop"),
            ("MAX_TOKENS", "length"),
            ("NEW", "other"),
            (None, "other"),
            ("TOOL_CALL", "other"),  # without a call
        ],
    )
)
def test_finish_reasons_in_the_librarys_words(reason: str | None, finish: str) -> None:
    assert answer(start(), piece(text="Hi"), end(reason)).finish_reason == finish
    assert whole({"content": "Hi"}, finish_reason=reason).finish_reason == finish


@for_all(
    (
        ("delta", "status", "words"),
        [
            ({"error": "no tool", "error_type": "INVALID_TOOL_GENERATION", "usage": {}}, 500, "no tool"),
            ({"error": "odd", "error_type": "NEW_TYPE"}, 500, "odd"),
            ({"error": "too many", "error_type": "TOO_MANY_TOKENS"}, 400, "too many"),
            ({}, 500, "without an explanation"),
        ],
    )
)
def test_an_answer_that_failed_is_an_error_though_its_status_was_200(
    delta: Record, status: int, words: str
) -> None:
    error = failure(parse([start(), piece(text="Hi"), end("ERROR", **delta)]))
    assert isinstance(error, APIStatusError)
    assert (error.status, error.error_type) == (status, delta.get("error_type", "ERROR"))
    assert words in str(error.provider_message)
    assert error.partial is not None
    assert error.partial.text == "Hi"
    with pytest.raises(APIStatusError, match=words):
        whole({"content": "Hi"}, **{**delta, "finish_reason": "ERROR"})


def test_a_generation_that_took_too_long_is_a_timeout() -> None:
    error = failure(parse([start(), end("TIMEOUT")]))
    assert isinstance(error, InternalServerError)
    assert error.status == 504


def test_a_stream_without_its_end_is_cut() -> None:
    for records in ([start(), piece(text="Hi")], [start(), piece(text="Hi"), "[DONE]"], []):
        assert type(failure(parse(records))) is StreamTruncatedError


def test_an_error_body_has_its_type_and_the_requests_id() -> None:
    dialect = dialect_named("cohere")
    error = dialect.parse_error(400, (), '{"id":"r","message":"too many","error_type":"TOO_MANY_TOKENS"}')
    assert isinstance(error, BadRequestError)
    assert (error.error_type, error.request_id, error.provider_message) == (
        "TOO_MANY_TOKENS",
        "r",
        "too many",
    )
    plain = dialect.parse_error(429, (), '{"message":"slow down"}')
    assert (plain.status, plain.provider_message, plain.request_id) == (429, "slow down", None)
    inside = failure(parse([start(), {"message": "internal server error"}]))
    assert "internal server error" in str(inside)


@for_all(
    (
        "wrong",
        [
            "hello",
            "[1]",
            event("content-delta", index=0) | {"delta": 5},
            event("content-delta", index=0) | {"delta": {"message": 5}},
            piece(text=5),
            piece(text="Hi") | {"index": "0"},
            planned(5),
            event("content-delta", {"content": "Hi"}, index=0),
            start() | {"id": "2"},
            start(content=[5]),
        ],
    )
)
def test_a_malformed_event_is_an_error(wrong: object) -> None:
    assert isinstance(failure(parse([start(), wrong, end()])), RemoteProtocolError)


def test_an_index_may_be_null_and_an_id_missing() -> None:
    records = [event("message-start", EMPTY), begun("text") | {"index": None}, piece(text="Hi"), end()]
    message = answer(*records)
    assert (message.text, message.response_id) == ("Hi", None)
    begins = begun("text", text="a") | {"index": None}
    assert answer(start(), begins, piece(text="b"), end()).parts == (TextPart("ab"),)


BILLED = {"input_tokens": 1, "output_tokens": 2}
MORE_TOKENS = {"reasoning_tokens": 3, "image_tokens": 4}


@for_all(
    (
        ("usage", "counts"),
        [
            (
                {
                    "billed_units": {"input_tokens": 1, "output_tokens": 2},
                    "tokens": {
                        "input_tokens": 9.0,
                        "output_tokens": 5,
                        "reasoning_tokens": 3,
                        "image_tokens": 4,
                    },
                    "cached_tokens": 6.0,
                },
                (
                    9,
                    5,
                    6,
                    3,
                    {"billed_units": {"input_tokens": 1, "output_tokens": 2}, "tokens": {"image_tokens": 4}},
                ),
            ),
            (
                {"billed_units": {"input_tokens": 1, "search_units": 2}},
                (1, 0, 0, 0, {"billed_units": {"search_units": 2}}),
            ),
            ({"tokens": {"output_tokens": 1, "reasoning_tokens": 3}, "billed_units": None}, (0, 3, 0, 3, {})),
            (
                {"tokens": {"output_tokens": 1}, "billed_units": {}, "new": {"a": 1}},
                (0, 1, 0, 0, {"new": {"a": 1}}),
            ),
            ({"cached_tokens": 3}, (0, 0, 3, 0, {})),
            (
                {"tokens": {}, "billed_units": {"input_tokens": 1.5}},
                (0, 0, 0, 0, {"billed_units": {"input_tokens": 1.5}}),
            ),
        ],
    )
)
def test_the_counts_are_what_the_model_read_and_wrote(usage: Record, counts: tuple[Any, ...]) -> None:
    found = answer(start(), piece(text="Hi"), end(usage=usage)).usage
    assert found is not None
    given = found.input_tokens, found.output_tokens, found.cached_tokens, found.reasoning_tokens, found.extra
    assert given == counts


def test_no_usage_is_none() -> None:
    assert answer(start(), end(usage={})).usage is None
    assert whole({"content": "Hi"}, usage=None).usage is None


@for_all(("wrong", [{}, {"message": "Hi"}, {"type": "message", "content": [], "stop_reason": None}]))
def test_a_whole_answer_that_is_none_is_an_error(wrong: Record) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        dialect_named("cohere").parse_response(wrong)
    assert ("api='messages'" in str(caught.value)) is ("type" in wrong)


def test_bytes_of_another_family_are_named() -> None:
    assert "api='chat'" in str(failure(parse([{"choices": []}])))
    chat = StreamParser("openai")
    assert "api='cohere'" in str(failure(chat.receive_data(sse(start())) + chat.receive_eof()))
    with pytest.raises(RemoteProtocolError, match="api='cohere'"):
        dialect_named("openai").parse_response({"finish_reason": "COMPLETE", "message": {"content": []}})


def test_a_long_answer_is_folded() -> None:
    many = [piece(text="0123456789" * 50) for _ in range(400)]
    assert len(answer(start(), *many, end()).text) == 200_000


def test_each_piece_of_a_plan_is_a_step_of_progress() -> None:
    reader = dialect_named("cohere").open_stream()
    for number, record in enumerate((start(), *(planned(word) for word in "abcd")), 1):
        reader.receive(json.dumps(record).encode(), [])
        assert reader.progress == number
    assert reader.message().reasoning == "abcd"


@for_all(("odd", ["text", 7.5, [5], {}]))
def test_an_end_of_a_citation_of_another_form_is_no_number(odd: object) -> None:
    (citation,) = answer(start(), piece(text="a"), cited(start=0, end=odd), end()).citations
    assert (citation.start, citation.end) == (0, None)
    assert citation.extra == {"end": odd}


def test_a_block_that_ended_is_added_to_no_more() -> None:
    ended = answer(
        start(), begun("text"), piece(text="a"), event("content-end", index=0), piece(text="b"), end()
    )
    assert ended.parts == (TextPart("a"), TextPart("b"))
    again = answer(start(), begun("text"), piece(text="a"), begun("text"), piece(text="b"), end())
    assert again.parts == (TextPart("a"), TextPart("b"))
    called_ = [called(one()), arguments("{}"), event("tool-call-end", index=0), arguments('{"a"')]
    message = answer(start(), *called_, end("TOOL_CALL"))
    assert [type(part) for part in message.parts] == [ToolCall, InvalidToolCall]
    twice = answer(
        start(), called(one()), arguments("{}"), called(one("g", "b")), arguments("{}"), end("TOOL_CALL")
    )
    assert [call.name for call in twice.tool_calls] == ["f", "g"]


def test_an_event_of_one_kind_of_thing_adds_to_that_alone() -> None:
    message = answer(start(), begun("text"), piece(type="thinking", text="a"), piece(text="b"), end())
    assert message.text == "ab"
    assert message.reasoning == ""
    assert all(part.extra == {} for part in message.parts)


@for_all(("kind", ["new", "thinking", "", None, 7]))
def test_only_the_start_of_a_block_says_its_kind(kind: object) -> None:
    message = answer(start(), begun("text"), piece(type=kind, text="a"), piece(1, type=kind, text="b"), end())
    assert message.parts == (TextPart("a"), TextPart("b"))


@for_all(("kind", [None, 7, ["new"]]))
def test_a_start_of_no_kind_begins_what_its_fields_say(kind: object) -> None:
    begins = event("content-start", {"content": {"type": kind, "text": "a"}}, index=0)
    assert answer(start(), begins, piece(text="b"), end()).parts == (TextPart("ab"),)


def test_other_values_of_a_new_block_are_replaced() -> None:
    pieces = [piece(url=5), piece(url="b", alt=[1])]
    message = answer(start(), begun("image", url="a"), *pieces, end())
    assert message.parts == (UnknownPart("image", {"type": "image", "url": "b", "alt": [1]}),)


def test_calls_with_one_index_and_no_id_stay_apart() -> None:
    for names in ("fgh", "fff"):
        given = [f'{{"n": {number}}}' for number in range(3)]
        calls = [called(one(name, id=None, given=said)) for name, said in zip(names, given, strict=True)]
        found = answer(start(), *calls, end("TOOL_CALL")).tool_calls
        assert [call.name for call in found] == [*names]
        assert [call.arguments for call in found] == [{"n": 0}, {"n": 1}, {"n": 2}]
        assert len({call.id for call in found}) == 3


def test_fields_of_all_pieces_of_a_call_are_kept() -> None:
    more = event("tool-call-delta", {"tool_calls": {"new": 2, "function": {"arguments": "{}"}}}, index=0)
    (call,) = answer(start(), called({**one(), "first": 1}), more, end("TOOL_CALL")).tool_calls
    assert call.extra == {"first": 1, "new": 2}


@for_all(("index", [True, 1.0, "1", [1]]))
def test_a_citation_of_no_block_is_of_the_message(index: object) -> None:
    citation: Record = {"start": 0, "content_index": index}
    message = answer(start(), piece(text="a"), piece(1, text="b"), cited(**citation), end())
    assert (message.citations, message.extra) == ((), {"citations": [citation]})


def test_a_citation_of_thinking_without_a_place_is_of_the_first_thinking() -> None:
    citation: Record = {"start": 0, "type": "THINKING_CONTENT"}
    message = answer(start(), piece(text="a"), piece(1, thinking="b"), cited(**citation), end())
    assert message.parts == (TextPart("a"), ReasoningPart("b", {"citations": [citation]}))


def test_nulls_of_a_call_say_nothing_and_what_is_missing_is_empty() -> None:
    call = {"id": None, "type": None, "function": {"name": "f", "arguments": "{}"}}
    (found,) = whole({"tool_calls": [call]}, finish_reason="TOOL_CALL").tool_calls
    assert (found.name, found.extra, found.id.isascii()) == ("f", {}, True)
    (bare,) = whole({"tool_calls": [{"id": "a", "function": None}]}).invalid_tool_calls
    assert (bare.id, bare.name, bare.extra) == ("a", "", {})
    (first, second) = whole({"tool_calls": [one("f", ""), one("g", None)]}).tool_calls
    assert len({first.id, second.id, ""}) == 3


def test_what_is_said_of_an_error_in_an_answer_that_did_not_fail_is_kept() -> None:
    said = {"error": "a warning", "error_type": "X"}
    assert answer(start(), piece(text="Hi"), end(**said)).extra == said
    assert whole({"content": "Hi"}, **said).extra == said


@for_all(("kind", ["text", "thinking"]))
def test_a_piece_of_two_kinds_adds_to_both(kind: str) -> None:
    message = answer(start(), begun(kind), piece(thinking="b", text="c"), end())
    assert (message.text, message.reasoning) == ("c", "b")


def test_the_first_event_may_hold_the_beginning_of_an_answer() -> None:
    blocks = [{"type": "text", "text": "a"}, {"type": "new", "x": 1}]
    holds = start(tool_plan="I will.", content=blocks, tool_calls=[one(given="{}")])
    events = parse([holds, arguments('{"x"'), end("TOOL_CALL")])
    assert events[:-1] == [
        ReasoningDelta("I will."),
        ContentDelta("a", 1),
        PartComplete(2, UnknownPart("new", {"type": "new", "x": 1})),
        ToolCallStarted(0, "a", "f", 3),
        ToolCallDelta(0, "{}"),
    ]
    complete = events[-1]
    assert isinstance(complete, StreamComplete)
    assert [type(part) for part in complete.message.parts[3:]] == [ToolCall, InvalidToolCall]


def test_an_event_with_an_error_is_a_step_of_progress() -> None:
    reader = dialect_named("cohere").open_stream()
    wrongs: list[Record] = [{"message": "internal server error"}, {"choices": []}]
    for wrong in wrongs:
        before = reader.progress
        with pytest.raises((APIStatusError, RemoteProtocolError)):
            reader.receive(json.dumps(wrong).encode(), [])
        assert reader.progress == before + 1
    reader.receive(b'{"type": "new-event"}', [])
    assert reader.progress == before + 1
