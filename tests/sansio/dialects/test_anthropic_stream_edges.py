"""What Anthropic's stream may bring besides the usual: calls without an id, deep JSON, unknown kinds."""

from __future__ import annotations

import json
import re

import pytest

from sansio import (
    APIStatusError,
    LimitExceededError,
    RemoteProtocolError,
    StreamComplete,
    ToolCallDelta,
    ToolCallStarted,
    Usage,
)
from sansio.dialects import dialect_named
from tests.sansio.wires import WHOLES, Record, answer, block, claude, failure, parse, started, stopped


@pytest.mark.parametrize("arguments", ['{"a":1}', None])
def test_a_call_that_never_had_an_id_starts_at_the_end_of_its_answer_at_the_latest(
    arguments: str | None,
) -> None:
    pieces = [{"type": "input_json_delta", "partial_json": arguments}] if arguments else []
    stream = claude(started(), *block(0, {"type": "tool_use", "name": "f"}, *pieces), *stopped("tool_use"))
    begun, *deltas, last = parse("anthropic", [stream])
    assert isinstance(begun, ToolCallStarted)
    assert (begun.index, begun.name) == (0, "f")
    assert deltas == ([ToolCallDelta(0, arguments)] if arguments else [])
    assert isinstance(last, StreamComplete)
    assert [call.id for call in last.message.tool_calls] == [begun.id]
    assert re.fullmatch("[0-9a-z]{9}", begun.id)


def input_of(text: str, **limits: int) -> object:
    """What goes back of a server tool's input, which came as this text."""
    start = {"type": "server_tool_use", "id": "s", "name": "search", "input": {}}
    piece = {"type": "input_json_delta", "partial_json": text}
    message = answer("anthropic", claude(started(), *block(0, start, piece), *stopped()), **limits)
    assert message.provider_state is not None
    (sent,) = message.provider_state.blocks
    return sent["input"]


def test_a_server_tools_input_goes_back_as_an_object_or_else_as_its_text() -> None:
    assert input_of('{"query": "x"}') == {"query": "x"}
    assert input_of('{"query": ') == {"INVALID_JSON": '{"query": '}
    assert input_of("[1]") == {"INVALID_JSON": "[1]"}
    assert input_of(" ") == {}


def test_a_server_tools_input_nests_as_deep_as_the_config_allows() -> None:
    deep = '{"a":' * 6 + "1" + "}" * 6
    assert input_of(deep, max_json_depth=6) == json.loads(deep)
    assert input_of(deep, max_json_depth=5) == {"INVALID_JSON": deep}


def test_an_event_of_an_unknown_kind_is_passed_over_unless_it_nests_too_deep() -> None:
    unknown = {"type": "weather", "index": "none", "delta": [[[]]]}
    stream = claude(started(), unknown, *block(0, {"type": "text", "text": "Hi"}), *stopped())
    assert answer("anthropic", stream, max_json_depth=4).text == "Hi"
    error = failure(parse("anthropic", [stream], max_json_depth=3))
    assert isinstance(error, LimitExceededError)
    assert error.field == "max_json_depth"


def test_a_block_whose_type_is_no_text_is_passed_over() -> None:
    odd: list[Record] = [{"type": 5, "text": "x"}, {"text": "y"}, {"type": None}, {"type": ["text"]}]
    blocks = [piece for index, start in enumerate(odd) for piece in block(index, start)]
    stream = claude(started(), *blocks, *block(9, {"type": "text", "text": "Hi"}), *stopped())
    message = answer("anthropic", stream)
    assert (message.text, message.provider_state) == ("Hi", None)


def test_the_calls_of_a_whole_message_are_told_apart_without_ids() -> None:
    calls = [{"type": "tool_use", "name": "f", "input": {"a": number}} for number in range(2)]
    bare = [{"type": "tool_use", "name": "f", "input": {}}] * 2
    for content, arguments in ((calls, [{"a": 0}, {"a": 1}]), (bare, [{}, {}])):
        message = dialect_named("anthropic").parse_response(WHOLES["anthropic"] | {"content": content})
        assert [call.arguments for call in message.tool_calls] == arguments
        assert len({call.id for call in message.tool_calls}) == 2


def test_a_refusal_says_why_in_a_whole_message_too() -> None:
    why = {"stop_reason": "refusal", "stop_details": {"type": "refusal", "explanation": "No."}}
    message = dialect_named("anthropic").parse_response(WHOLES["anthropic"] | {"content": []} | why)
    assert (message.refusal, message.raw_finish_reason) == ("No.", "refusal")


KINDS = ["content_block_delta", "content_block_start", "content_block_stop", "message_start", "message_delta",
         "message_stop", "error"]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_each_known_kind_of_an_unknown_shape_is_malformed(kind: str) -> None:
    error = failure(parse("anthropic", [claude(started(), {"type": kind, "index": "none"})]))
    assert type(error) is RemoteProtocolError
    assert error.offset == len(claude(started()))


@pytest.mark.parametrize("kind", KINDS[:-2])
def test_each_known_kind_that_holds_nothing_says_nothing(kind: str) -> None:
    stream = claude(started(), {"type": kind}, *block(0, {"type": "text", "text": "Hi"}), *stopped())
    assert answer("anthropic", stream).text == "Hi"


PLAIN: list[Record] = [
    {"type": "text", "text": "Hi"},
    {"type": "tool_use", "id": "a", "name": "f", "input": {"n": 1}},
]


def test_text_and_then_calls_say_all_that_goes_back() -> None:
    for content in (PLAIN, [{**each, "citations": None, "caller": {}} for each in PLAIN]):
        message = dialect_named("anthropic").parse_response(WHOLES["anthropic"] | {"content": content})
        assert message.provider_state is None


@pytest.mark.parametrize(
    "content",
    [
        PLAIN[::-1],
        [PLAIN[0], {**PLAIN[1], "caller": "x"}],
        [{**PLAIN[0], "citations": [{}]}],
        [*PLAIN, {"type": "thinking"}],
    ],
)
def test_what_text_and_calls_do_not_say_goes_back_in_blocks(content: list[Record]) -> None:
    message = dialect_named("anthropic").parse_response(WHOLES["anthropic"] | {"content": content})
    assert message.provider_state is not None
    assert message.provider_state.blocks == content


def test_a_compaction_that_says_nothing_goes_back_as_nothing() -> None:
    stream = claude(started(), *block(0, {"type": "compaction"}, {"type": "compaction_delta"}), *stopped())
    message = answer("anthropic", stream)
    assert message.provider_state is not None
    assert message.provider_state.blocks == [
        {"type": "compaction", "content": None, "encrypted_content": None}
    ]


def test_counts_that_never_came_are_none() -> None:
    message = answer("anthropic", claude(started(usage={}), *stopped()[1:]))
    assert message.usage == Usage()


COUNTS = {
    "input_tokens": 3,
    "cache_read_input_tokens": 10,
    "cache_creation_input_tokens": 100,
    "output_tokens": 1_000,
    "output_tokens_details": {"thinking_tokens": 500},
}


@pytest.mark.parametrize("told", [{}, {"output_tokens": 1_001}, *({name: None} for name in COUNTS)])
def test_a_count_that_a_later_usage_does_not_tell_stays(told: Record) -> None:
    last = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": told}
    message = answer("anthropic", claude(started(usage=COUNTS), last, {"type": "message_stop"}))
    assert message.usage == Usage(
        input_tokens=113,
        output_tokens=told.get("output_tokens") or 1_000,
        cached_tokens=10,
        cache_write_tokens=100,
        reasoning_tokens=500,
    )


def test_what_names_no_index_is_of_the_first_block() -> None:
    events = block(0, {"type": "tool_use", "id": "a", "name": "f", "input": {}})
    delta = {"type": "content_block_delta", "delta": {"type": "input_json_delta", "partial_json": '{"a":1}'}}
    begun = {name: value for name, value in events[0].items() if name != "index"}
    for start in (begun, events[0]):
        message = answer("anthropic", claude(started(), start, delta, *stopped("tool_use")))
        assert [call.arguments for call in message.tool_calls] == [{"a": 1}]


def test_an_error_event_that_says_nothing_has_the_status_of_its_stream() -> None:
    error = failure(parse("anthropic", [b'event: error\ndata: {"odd":1}\n\n']))
    assert type(error) is APIStatusError
    assert (error.status, error.offset) == (200, 0)
    assert "an error inside the answer" in str(error)
