"""A call of the output tool is the answer's text: in streams and whole answers, whole and cut."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import (
    ContentDelta,
    Dialect,
    FinishReason,
    Message,
    Provider,
    ReasoningDelta,
    StreamComplete,
    StreamEvent,
    StreamParser,
    TextPart,
    ToolCallDelta,
    ToolCallStarted,
)
from tests.sansio.wires import (
    DONE,
    Record,
    block,
    check_agreement,
    chunk,
    claude,
    completion,
    config,
    failure,
    sse,
    started,
    stopped,
    tool_chunk,
)

TOOL = "Invoice"
TEXT = '{"number": 1, "of": "März"}'


def dialect(kind: str) -> Dialect:
    return Provider(config(kind)).dialect.with_output_tool(TOOL)


def events_of(kind: str, data: bytes) -> list[StreamEvent]:
    parser = StreamParser(dialect(kind))
    events = [*parser.receive_data(data), *parser.receive_eof()]
    check_agreement(events)
    return events


def message_of(kind: str, data: bytes) -> Message:
    last = events_of(kind, data)[-1]
    assert isinstance(last, StreamComplete)
    return last.message


def use(index: int, name: str, *pieces: str) -> list[Record]:
    start = {"type": "tool_use", "id": f"toolu_{index}", "name": name, "input": {}}
    return block(index, start, *({"type": "input_json_delta", "partial_json": piece} for piece in pieces))


def stream(kind: str, pieces: list[str]) -> bytes:
    if kind == "anthropic":
        return claude(started(), *use(0, TOOL, *pieces), *stopped("tool_use"))
    first = tool_chunk("", id="call_1", name=TOOL)
    return sse(first, *map(tool_chunk, pieces), chunk({}, "tool_calls")) + DONE


@pytest.mark.parametrize("kind", ["openai", "anthropic"])
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), min_size=1))
def test_the_arguments_are_the_text_however_they_are_cut(kind: str, pieces: list[str]) -> None:
    *deltas, last = events_of(kind, stream(kind, pieces))
    assert deltas == [ContentDelta(piece, 0) for piece in pieces]
    assert isinstance(last, StreamComplete)
    assert last.message.parts == (TextPart("".join(pieces)),)
    assert last.message.finish_reason is FinishReason.STOP


@pytest.mark.parametrize(
    ("kind", "whole"),
    [
        (
            "openai",
            completion(
                {
                    "tool_calls": [
                        {"id": "c", "type": "function", "function": {"name": TOOL, "arguments": TEXT}}
                    ]
                },
                "stop",
            ),
        ),
        (
            "anthropic",
            started(
                content=[{"type": "tool_use", "id": "t", "name": TOOL, "input": json.loads(TEXT)}],
                stop_reason="tool_use",
            )["message"],
        ),
    ],
)
def test_a_whole_answer_says_the_same(kind: str, whole: Record) -> None:
    message = dialect(kind).parse_response(whole)
    assert json.loads(message.text) == json.loads(TEXT)
    assert (message.tool_calls, message.invalid_tool_calls) == ((), ())
    assert message.finish_reason is FinishReason.STOP


def test_a_call_whose_name_is_late_begins_with_all_that_arrived() -> None:
    data = sse(tool_chunk('{"a"', id="c"), tool_chunk(": 1}", name=TOOL), chunk({}, "stop")) + DONE
    assert events_of("openai", data)[0] == ContentDelta('{"a": 1}', 0)


def test_a_piece_without_text_gives_nothing() -> None:
    pieces = [tool_chunk("{", id="c", name=TOOL), tool_chunk(""), tool_chunk("}")]
    events = events_of("openai", sse(*pieces, chunk({}, "tool_calls")) + DONE)
    assert events[:-1] == [ContentDelta("{", 0), ContentDelta("}", 0)]


def test_the_text_has_its_place_among_the_parts() -> None:
    pieces = [tool_chunk("{", id="c", name=TOOL), tool_chunk("}")]
    data = sse(chunk({"reasoning_content": "Hm."}), *pieces, chunk({}, "tool_calls")) + DONE
    assert events_of("openai", data)[:-1] == [
        ReasoningDelta("Hm.", 0),
        ContentDelta("{", 1),
        ContentDelta("}", 1),
    ]


def test_other_calls_remain_calls_and_are_numbered_without_it() -> None:
    ours = tool_chunk(TEXT, id="c", name=TOOL)
    other = tool_chunk("{", index=1, id="d", name="look"), tool_chunk("}", index=1)
    data = sse(ours, *other, chunk({}, "tool_calls")) + DONE
    events = events_of("openai", data)
    assert events[1:-1] == [
        ToolCallStarted(0, "d", "look", 1),
        ToolCallDelta(0, "{"),
        ToolCallDelta(0, "}"),
    ]
    message = message_of("openai", data)
    assert (message.text, [call.name for call in message.tool_calls]) == (TEXT, ["look"])
    assert message.finish_reason is FinishReason.TOOL_CALLS


def test_a_call_without_arguments_says_nothing() -> None:
    message = message_of("anthropic", claude(started(), *use(0, TOOL), *stopped("tool_use")))
    assert (message.parts, message.finish_reason) == ((), FinishReason.OTHER)


def test_what_arrived_of_a_cut_answer_is_text_in_its_partial() -> None:
    error = failure(events_of("openai", sse(tool_chunk('{"num', id="c", name=TOOL))))
    assert error.partial is not None
    assert error.partial.text == '{"num'


def test_an_answer_at_the_token_limit_keeps_its_reason() -> None:
    data = sse(tool_chunk('{"num', id="c", name=TOOL), chunk({}, "length")) + DONE
    message = message_of("openai", data)
    assert (message.text, message.finish_reason) == ('{"num', FinishReason.LENGTH)


def test_a_long_answer_is_folded_and_whole() -> None:
    pieces = ["x" * 1000] * 300  # more than the bytes after which pieces are joined
    assert message_of("anthropic", stream("anthropic", pieces)).text == "".join(pieces)
