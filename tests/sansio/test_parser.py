"""A stream's bytes, cut anywhere, end in one last event, which agrees with the events before it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import (
    APIStatusError,
    ChatDialect,
    ContentDelta,
    InternalServerError,
    LimitExceededError,
    LocalProtocolError,
    ProviderError,
    RemoteProtocolError,
    Role,
    StreamComplete,
    StreamEvent,
    StreamFailed,
    StreamParser,
    StreamTruncatedError,
)
from sansio.families.chat.reader import ChatReader
from sansio.providers import dialect_named
from tests.sansio.wires import (
    DONE,
    STREAMS,
    TYPES,
    Record,
    answer,
    block,
    check_agreement,
    chunk,
    claude,
    comparable,
    failure,
    parse,
    sse,
    started,
    stopped,
    told,
    tool_chunk,
)
from tests.support import chunkings, every_split

TEXT = {"type": "text", "text": ""}
HI = {"type": "text_delta", "text": "Hi"}
ENDINGS = (
    ("marker", DONE),
    ("finish reason", sse(chunk({}, "stop"))),
    ("finish reason, its event unfinished", sse(chunk({}, "stop")).rstrip()),
    ("nothing", b""),
    ("error", sse({"error": {"message": "no", "code": 529}})),
    ("malformed JSON", b"data: {nope\n\n"),
    ("wrong shape", sse({"choices": 5})),
)


@pytest.mark.parametrize("kind", TYPES)
def test_the_events_do_not_depend_on_how_the_bytes_were_cut(kind: str) -> None:
    stream = STREAMS[kind]
    expected = comparable(parse(kind, [stream]))
    assert isinstance(expected[-1], StreamComplete)
    for pieces in every_split(stream):
        assert comparable(parse(kind, pieces)) == expected


@pytest.mark.parametrize("kind", ["openrouter", "anthropic"])
@given(data=st.data())
def test_nor_on_any_other_cut(kind: str, data: st.DataObject) -> None:
    pieces = data.draw(chunkings(STREAMS[kind]))
    assert comparable(parse(kind, pieces)) == comparable(parse(kind, [STREAMS[kind]]))


@pytest.mark.parametrize(("name", "ending"), ENDINGS, ids=[name for name, _ in ENDINGS])
@pytest.mark.parametrize("kind", ["openai", "anthropic"])
def test_however_a_stream_ends_the_cut_changes_nothing(kind: str, name: str, ending: bytes) -> None:
    begun = sse(chunk({"content": "Hi"})) if kind == "openai" else claude(started(), *block(0, TEXT, HI))
    expected = comparable(parse(kind, [begun + ending]))
    assert len(expected) == 2
    for pieces in every_split(begun + ending):
        assert comparable(parse(kind, pieces)) == expected


@pytest.mark.parametrize("kind", TYPES)
def test_joined_deltas_equal_the_message(kind: str) -> None:
    events = parse(kind, [STREAMS[kind]])
    last = events[-1]
    assert isinstance(last, StreamComplete)
    check_agreement(events)
    assert last.message.role is Role.ASSISTANT
    assert len(last.message.tool_calls) == (1 if kind == "anthropic" else 2)
    assert last.message.reasoning.startswith("Höhe")
    assert "世界" in last.message.text


@pytest.mark.parametrize("kind", TYPES)
def test_pain_01_no_prefix_of_a_stream_passes_for_success_before_its_finish_reason(kind: str) -> None:
    stream = STREAMS[kind]
    end = stream.index(b'"stop_reason": "' if kind == "anthropic" else b'"finish_reason": "')
    for at in range(end):
        events = parse(kind, [stream[:at]])
        assert isinstance(failure(events), StreamTruncatedError), at
        check_agreement(events)


@pytest.mark.parametrize("kind", TYPES)
def test_every_prefix_ends_once_and_agrees_with_what_was_handed_out(kind: str) -> None:
    stream = STREAMS[kind]
    full = parse(kind, [stream])[:-1]
    for at in range(len(stream) + 1):
        events = parse(kind, [stream[:at]])
        assert full[: len(events) - 1] == events[:-1]
        check_agreement(events)


@given(st.binary(max_size=300), st.sampled_from(TYPES))
def test_any_bytes_end_in_exactly_one_last_event(data: bytes, kind: str) -> None:
    check_agreement(parse(kind, [data]))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


CHUNKS: list[Record] = [
    chunk({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "a"}]}, {"text": "b"}]}),
    chunk({"content": {"name": "Emily"}, "refusal": "no", "reasoning_content": "c"}),
    chunk({"reasoning_details": [{"type": "reasoning.text", "index": 0, "id": "r", "text": "d"}]}),
    chunk({"reasoning_details": [{"type": "reasoning.text", "index": 0, "signature": "e"}, {"data": "f"}]}),
    tool_chunk("", id="call_1", name="get_weather"),
    tool_chunk('{"city": "Paris"}'),
    chunk({"tool_calls": [{"index": 1, "custom": {"name": "g", "input": "h"}, "extra_content": {"i": {}}}]}),
    chunk({"function_call": {"name": "k", "arguments": {}}}),
    chunk({}, "stop", x_groq={"usage": {"prompt_tokens": 1, "completion_tokens": 2}}),
    {"choices": [], "usage": {"prompt_tokens": 1, "prompt_tokens_details": {"cached_tokens": 1},
                              "completion_tokens_details": {"reasoning_tokens": 0}}},
]  # fmt: skip
EVENTS: list[Record] = [
    started(content=[{"type": "text", "text": "a", "citations": []}], usage={"cache_read_input_tokens": 1}),
    *block(0, {"type": "thinking", "thinking": "b"}, {"type": "signature_delta", "signature": "c"}),
    *block(1, TEXT, HI, {"type": "citations_delta", "citation": {"url": "d"}}),
    *block(2, {"type": "server_tool_use", "id": "e", "name": "f", "input": {}},
           {"type": "input_json_delta", "partial_json": "{}"}),
    *block(3, {"type": "tool_use", "id": "g", "name": "h", "input": {"i": 1}}),
    *block(4, {"type": "compaction"}, {"type": "compaction_delta", "content": "j", "encrypted_content": "k"}),
    {"type": "message_delta", "delta": {"stop_reason": "refusal", "stop_details": {"explanation": "l"}},
     "usage": {"output_tokens": 3, "output_tokens_details": {"thinking_tokens": 1}}},
    {"type": "message_stop"},
]  # fmt: skip
RICH = {"openrouter": CHUNKS, "anthropic": EVENTS}
"""Records with every field that is read."""


def places(value: object, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of each value in a JSON value."""
    found = [path]
    if isinstance(value, dict):
        for key, inner in value.items():
            found += places(inner, (*path, key))
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            found += places(inner, (*path, at))
    return found


def replaced(value: Any, path: tuple[Any, ...], by: object) -> Any:
    """A copy of a JSON value with one of its values replaced."""
    if not path:
        return by
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(value[path[0]], path[1:], by)
    return copy


@pytest.mark.parametrize("kind", ["openrouter", "anthropic"])
@given(data=st.data())
def test_any_json_in_any_place_ends_in_an_error_of_ours_or_in_an_answer(
    kind: str, data: st.DataObject
) -> None:
    hostile = list(RICH[kind])
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(hostile) - 1))
        hostile[at] = replaced(hostile[at], data.draw(st.sampled_from(places(hostile[at]))), data.draw(JSON))
    check_agreement(parse(kind, [b"data: %b\n\n" % json.dumps(record).encode() for record in hostile]))


@pytest.mark.parametrize("kind", ["openrouter", "anthropic"])
def test_each_wrong_type_in_each_place_ends_in_an_error_of_ours_or_in_an_answer(kind: str) -> None:
    good = RICH[kind]
    wrong: list[object] = [None, True, -1, 1.5, 2**70, "", "x", [], [None], ["x"], [{}], {}, {"": None}]
    for at, record in enumerate(good):
        for path in places(record):
            for value in wrong:
                hostile = [*good[:at], replaced(record, path, value), *good[at + 1 :]]
                check_agreement(parse(kind, [sse(*hostile)]))


def test_events_before_a_fault_in_the_same_piece_are_given_first() -> None:
    data = (
        sse(chunk({"content": "one"}), chunk({"content": "two"}))
        + b"data: {\n\n"
        + sse(chunk({"content": "x"}))
    )
    events = parse("openai", [data])
    assert events[:2] == [ContentDelta("one"), ContentDelta("two")]
    error = failure(events)
    assert type(error) is RemoteProtocolError
    assert error.partial is not None
    assert error.partial.text == "onetwo"
    assert error.offset == data.index(b"data: {\n")


def test_content_before_a_fault_in_the_same_event_is_given_first() -> None:
    delta = {
        "content": "one",
        "tool_calls": [{"index": i, "id": f"c{i}", "function": {"name": "f"}} for i in (0, 1)],
    }
    events = parse("openai", [sse(chunk(delta))], max_tool_calls=1)
    assert events[0] == ContentDelta("one")
    assert told(events) == {0: (ContentDelta, "one"), 1: ("c0", "f", "function", "")}
    assert failure(events).field == "max_tool_calls"


def test_an_error_that_the_finish_reason_announces_comes_after_its_text() -> None:
    events = parse("openrouter", [sse(chunk({"content": "one"}, "error"))])
    assert events[0] == ContentDelta("one")
    error = failure(events)
    assert isinstance(error, InternalServerError)
    assert error.status == 500


def test_the_marker_ends_a_stream_and_nothing_is_read_after_it() -> None:
    parser = StreamParser("openai")
    events = parser.receive_data(sse(chunk({"content": "Hi"}, "stop")) + DONE + b"data: {nope\n\n")
    assert isinstance(events[-1], StreamComplete)
    assert parser.finished
    assert parser.receive_data(sse(chunk({"content": "more"}))) == []
    assert parser.receive_eof() == []
    assert parser.fail(ProviderError("late")) == []


def test_a_parser_serves_one_stream() -> None:
    parser = StreamParser("anthropic")
    assert isinstance(parser.receive_eof()[0], StreamFailed)
    with pytest.raises(LocalProtocolError, match="one stream"):
        parser.receive_data(b"")
    with pytest.raises(LocalProtocolError, match="one stream"):
        parser.receive_eof()


def test_a_parser_is_made_with_a_types_name_or_a_dialect() -> None:
    named = StreamParser("ollama").receive_data(sse(chunk({"content": "Hi"})))
    bound = StreamParser(dialect_named("ollama")).receive_data(sse(chunk({"content": "Hi"})))
    assert named == bound == [ContentDelta("Hi")]


def test_a_stream_ended_from_outside_keeps_what_arrived() -> None:
    parser = StreamParser("openai")
    parser.receive_data(sse(chunk({"content": "Hi"})))
    error = failure(parser.fail(ProviderError("enough")))
    assert error.message == "enough"
    assert error.partial is not None
    assert error.partial.text == "Hi"
    assert parser.finished
    assert parser.receive_data(b"data: x\n\n") == []


def test_the_end_after_a_finish_reason_is_an_end_though_the_usage_was_cut() -> None:
    whole = sse(chunk({"content": "Hi"}, "stop"), {"choices": [], "usage": {"prompt_tokens": 1}})
    end = len(sse(chunk({"content": "Hi"}, "stop")))
    for at in range(end, len(whole) + 1):
        message = answer("openai", whole[:at])
        assert (message.text, message.raw_finish_reason) == ("Hi", "stop")


def test_an_event_cut_by_the_end_is_a_truncation_and_not_malformed_json() -> None:
    error = failure(parse("openai", [b'data: {"choices": [{"del']))
    assert isinstance(error, StreamTruncatedError)
    assert "inside an event" in str(error)


def test_an_unfinished_event_that_is_whole_counts() -> None:
    events = parse("openai", [sse(chunk({"content": "Hi"})).rstrip()])
    assert events[0] == ContentDelta("Hi")
    assert "without its end marker" in str(failure(events))
    error = failure(parse("openai", [sse({"error": {"message": "no", "code": 503}}).rstrip()]))
    assert isinstance(error, APIStatusError)
    assert error.status == 503


@pytest.mark.parametrize(
    ("field", "stream"),
    [
        ("max_event_bytes", b"data: " + b"x" * 200 + b"\n\n"),
        ("max_event_bytes", b"data: x\n" * 200),
        ("max_answer_bytes", sse(*[chunk({"content": "x"})] * 10)),
        ("max_tool_calls", sse(*[tool_chunk("{}", index=i, id=f"c{i}", name="f") for i in range(9)])),
        ("max_json_depth", b"data: " + b"[" * 30 + b"]" * 30 + b"\n\n"),
    ],
)
def test_each_limit_is_an_error_that_names_its_field(field: str, stream: bytes) -> None:
    allowed = {"max_event_bytes": 150, "max_answer_bytes": 800, "max_tool_calls": 8, "max_json_depth": 20}
    limits: Record = {field: allowed[field]}
    whole = comparable(parse("openai", [stream], **limits))
    assert comparable(parse("openai", [stream[i : i + 1] for i in range(len(stream))], **limits)) == whole
    error = failure(parse("openai", [stream], **limits))
    assert isinstance(error, LimitExceededError)
    assert error.field == field
    assert f"raise limits.{field}" in str(error)
    assert error.offset is not None


def test_a_limit_passed_in_an_event_that_the_end_dispatches_is_still_a_limit() -> None:
    error = failure(parse("openai", [b"data: " + b"[" * 30 + b"]" * 30], max_json_depth=20))
    assert isinstance(error, LimitExceededError)


def test_an_answer_as_long_as_its_limit_passes() -> None:
    records = [chunk({"content": "x"})] * 3
    stream = sse(*records) + DONE
    assert answer("openai", stream, max_answer_bytes=len(stream)).text == "xxx"
    events = parse("openai", [stream], max_answer_bytes=len(stream) - 1)
    assert events[:-1] == [ContentDelta("x")] * 3
    error = failure(events)
    assert (error.field, error.offset) == ("max_answer_bytes", len(stream) - 1)


def test_comments_count_towards_the_limit_of_an_answer() -> None:
    assert failure(parse("openai", [b": wait\n\n"] * 100, max_answer_bytes=500)).field == "max_answer_bytes"


@pytest.mark.parametrize("kind", ["openai", "anthropic"])
def test_progress_counts_records_and_no_pings(kind: str) -> None:
    parser = StreamParser(kind)
    parser.receive_data(b": keep-alive\n\n:\n\nretry: 5\n\nid: 3\n\ndata:\n\ndata:  \n\n")
    parser.receive_data(b"event: ping\ndata: {}\n\n" if kind == "anthropic" else b"")
    assert parser.progress == 0
    parser.receive_data(claude(started()) if kind == "anthropic" else sse(chunk({"content": "x"})))
    assert parser.progress == 1
    parser.receive_data(claude(*stopped()) if kind == "anthropic" else DONE)
    assert parser.progress == (3 if kind == "anthropic" else 2)


def test_chunks_are_kept_for_logs_on_request() -> None:
    parser = StreamParser("openai", record=True)
    parser.receive_data(sse(chunk({"content": "Hi"})))
    assert parser.take_chunks() == [chunk({"content": "Hi"})]
    parser.receive_data(b": comment\n\ndata: nope\n\n")
    assert parser.take_chunks() == [{"text": "nope"}]
    assert parser.take_chunks() == []
    silent = StreamParser("openai")
    silent.receive_data(sse(chunk({"content": "Hi"})))
    assert silent.take_chunks() == []


class Strict(ChatDialect):
    """A family that refuses what the end of the body leaves open."""

    TYPE = "strict"

    def open_stream(self) -> ChatReader:
        return StrictReader(self)


class StrictReader(ChatReader):
    def receive_eof(self, events: list[StreamEvent]) -> bool:
        raise RemoteProtocolError("a block is malformed")


def test_an_error_at_the_end_of_the_body_is_the_last_event() -> None:
    parser = StreamParser(Strict())
    assert parser.receive_data(sse(chunk({"content": "Hi"}, "stop"))) == [ContentDelta("Hi")]
    error = failure(parser.receive_eof())
    assert "a block is malformed" in str(error)
    assert error.partial is not None
    assert error.partial.text == "Hi"


@pytest.mark.parametrize(
    "content_type",
    ["application/x-ndjson", "Application/X-NDJSON; charset=utf-8", " application/x-ndjson ;a=b"],
)
def test_the_content_type_selects_the_framing_whatever_its_parameters(content_type: str) -> None:
    line = b'{"model":"m","message":{"role":"assistant","content":"Hi"},"done":true,"done_reason":"stop"}\n'
    events = StreamParser("ollama", api="ollama", content_type=content_type).receive_data(line)
    last = events[-1]
    assert isinstance(last, StreamComplete)
    assert last.message.text == "Hi"
