"""A field that no provider is known to send is kept, wherever and whenever in an answer it appears."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, TypeAlias

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import Message, Provider, Role, StreamComplete, StreamParser
from sansio.providers import dialect_named
from sansio.testing import encode_stream, encode_whole
from sansio.testing.strategies import answers
from tests.laws.oracle import WIRES, in_every_dialect
from tests.sansio.wires import (
    ASK,
    DONE,
    block,
    body_of,
    chunk,
    claude,
    config,
    sse,
    started,
    stopped,
    tool_chunk,
)

JSON: TypeAlias = Any  # of every kind

NEW = "never_seen_before"
MARK = "\N{SNOWMAN}"

_DATA = re.compile(rb"(?<=data: )\{.*\}")

REPLACED = ("content_filter_results", "usage")
"""Fields whose own fields are replaced by later values, as a whole."""


def objects(value: JSON) -> Iterator[dict[str, JSON]]:
    """The objects in a JSON value, itself included, but for those that something later takes the place of."""
    if isinstance(value, dict) and value.get("type") != "ping":
        yield value
        for name, inner in value.items():
            if name in REPLACED and isinstance(inner, dict):
                yield inner
            elif name != "input":  # of a server tool: blank until the deltas of its block fill it
                yield from objects(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from objects(inner)


def in_stream(type: str, data: bytes) -> Message:
    parser = StreamParser(type)
    last = [*parser.receive_data(data), *parser.receive_eof()][-1]
    assert isinstance(last, StreamComplete), last
    return last.message


def is_kept(message: Message) -> bool:
    written = msgspec.json.encode(message).decode()
    return NEW in written and MARK in written


@in_every_dialect
@given(data=st.data())
def test_a_new_field_of_any_object_of_a_stream_is_kept(wire: str, data: st.DataObject) -> None:
    type = data.draw(WIRES[wire])
    stream = b"".join(encode_stream(type, data.draw(answers(type))))
    frames = [frame for frame in _DATA.finditer(stream) if list(objects(json.loads(frame[0])))]
    frame = data.draw(st.sampled_from(frames))
    record = json.loads(frame[0])
    data.draw(st.sampled_from(list(objects(record))))[NEW] = MARK
    changed = stream[: frame.start()] + json.dumps(record).encode() + stream[frame.end() :]
    assert is_kept(in_stream(type, changed)), record


@in_every_dialect
@given(data=st.data())
def test_a_new_field_of_any_object_of_a_whole_answer_is_kept(wire: str, data: st.DataObject) -> None:
    type = data.draw(WIRES[wire])
    record = json.loads(encode_whole(type, data.draw(answers(type))))
    data.draw(st.sampled_from(list(objects(record))))[NEW] = MARK
    assert is_kept(dialect_named(type).parse_response(record)), record


USUAL_CHUNKS = {
    "text": chunk({"content": "a"}),
    "reasoning": chunk({"reasoning_content": "a"}),
    "arguments": tool_chunk("1"),
}
USUAL_EVENTS: dict[str, tuple[JSON, JSON]] = {
    "text": ({"type": "text", "text": ""}, {"type": "text_delta", "text": "a"}),
    "thinking": ({"type": "thinking", "thinking": ""}, {"type": "thinking_delta", "thinking": "a"}),
    "arguments": (
        {"type": "tool_use", "id": "t", "name": "f", "input": {}},
        {"type": "input_json_delta", "partial_json": "1"},
    ),
}


def changed(record: JSON) -> Iterator[JSON]:
    """Copies of a record, each with the new field in another of its objects."""
    for place in range(len(list(objects(record)))):
        copy = json.loads(json.dumps(record))
        list(objects(copy))[place][NEW] = MARK
        yield copy


@pytest.mark.parametrize("kind", USUAL_CHUNKS)
def test_a_new_field_of_a_chunk_amid_chunks_of_the_usual_form_is_kept(kind: str) -> None:
    usual = USUAL_CHUNKS[kind]
    for odd in changed(usual):
        before = sse(tool_chunk("", id="c", name="f"), usual, usual, usual)
        message = in_stream("openai", before + sse(odd, usual, chunk({}, "stop")) + DONE)
        assert is_kept(message), odd


@pytest.mark.parametrize("kind", USUAL_EVENTS)
def test_a_new_field_of_an_event_amid_events_of_the_usual_form_is_kept(kind: str) -> None:
    start, delta = USUAL_EVENTS[kind]
    begin, usual, stop = block(0, start, delta)
    for odd in changed(usual):
        stream = claude(started(), begin, usual, usual, odd, usual, stop, *stopped())
        assert is_kept(in_stream("anthropic", stream)), odd


def test_a_later_value_counts_though_chunks_of_the_first_value_s_form_follow() -> None:
    first, second = (chunk({"content": "a"}, service_tier=tier) for tier in ("default", "flex"))
    for chunks in ([first, first, second], [first, second, first, first, second, second]):
        message = in_stream("openai", sse(*chunks, chunk({}, "stop")) + DONE)
        assert message.extra["service_tier"] == "flex"
    message = in_stream("openai", sse(first, second, first, first, chunk({}, "stop")) + DONE)
    assert message.extra["service_tier"] == "default"
    assert message.text == "aaaa"


def test_a_new_field_of_a_custom_call_is_kept_and_goes_home() -> None:
    call = {"index": 0, "id": "c", "type": "custom", "custom": {"name": "f", "input": "x", NEW: MARK}}
    message = in_stream("openai", sse(chunk({"tool_calls": [call]}), chunk({}, "tool_calls")) + DONE)
    assert is_kept(message)
    result = Message(Role.TOOL, "done", tool_call_id="c")
    sent = body_of(Provider(config("openai")), [*ASK, message, result])
    del call["index"]
    assert sent["messages"][1]["tool_calls"] == [call]


@pytest.mark.parametrize("value", ["", "a1", "_-"])
@pytest.mark.parametrize("field", ["obfuscation", "p", "padding"])
def test_padding_is_passed_over_whatever_it_is_and_wherever(field: str, value: str) -> None:
    padded = [chunk({"content": "a"}, **{field: "b" * size}) for size in (3, 0, 5)]
    odd = chunk({"content": "a"}, **{field: value})
    last = chunk({"content": "a"}, meta={field: MARK, NEW: MARK}, **{field: "c"})
    message = in_stream("openai", sse(*padded, odd, odd, last, chunk({}, "stop")) + DONE)
    assert message.text == "a" * 6
    assert message.extra == {"meta": {field: MARK, NEW: MARK}}
