"""Whatever the fields of an event hold, it means the same read in one step as line by line."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.sansio.wires import Record, block, chunk, claude, comparable, parse, sse, started, tool_chunk

FIELDS = [
    "choices", "usage", "x_groq", "error", "id", "model", "index", "delta", "message",
    "finish_reason", "role", "content", "reasoning", "reasoning_content", "reasoning_details",
    "refusal", "tool_calls", "function_call", "function", "custom", "extra_content", "name",
    "arguments", "input", "logprobs", "type", "text", "thinking", "partial_json", "signature",
    "citation", "stop_reason", "stop_details", "content_block", "encrypted_content",
]  # fmt: skip
VALUES: list[object] = [
    None, "", "a", "stop", "text_delta", 0, 1, -1, 2**70, 0.5, True, [], {}, [None], ["a"], [{}], {"a": 1},
    {"name": "f"}, [{"index": 0, "delta": {"content": "b"}}], [{"index": 1, "function": {"name": "g"}}],
]  # fmt: skip

USUAL: dict[str, list[Record]] = {
    "openai": [
        chunk({"content": "Hi"}),
        tool_chunk("{}", index=1, id="c1", name="g"),
        tool_chunk("[1]", index=0),
        chunk({"reasoning": "so"}),
    ],
    "anthropic": [
        {"type": "content_block_delta", "index": index, "delta": delta}
        for index, delta in enumerate(
            (
                {"type": "text_delta", "text": "Hi"},
                {"type": "thinking_delta", "thinking": "so"},
                {"type": "input_json_delta", "partial_json": "{}"},
            )
        )
    ],
}
BLOCKS = (
    {"type": "text", "text": ""},
    {"type": "thinking", "thinking": ""},
    {"type": "tool_use", "id": "t", "name": "f"},
)
START = {
    "openai": sse(chunk({"content": "Hello"}), tool_chunk("", index=0, id="c0", name="f")),
    "anthropic": claude(started(), *(block(index, start)[0] for index, start in enumerate(BLOCKS))),
}


def objects(value: object) -> Iterator[Record]:
    """Every JSON object within a value, itself included."""
    if isinstance(value, dict):
        yield value
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from objects(inner)


def changes(record: Record) -> Iterator[Record]:
    """The record with each field of each of its objects set to each value, or left out; one at a time."""
    for within in list(objects(record)):
        for name in {*FIELDS, *within}:
            before = dict(within)
            within.pop(name, None)
            yield record
            for value in VALUES:
                within[name] = value
                yield record
            within.clear()
            within |= before


def wire(kind: str, record: Record) -> bytes:
    return sse(record) if kind == "openai" else b"event: content_block_delta\n" + sse(record)


@pytest.mark.parametrize(
    ("kind", "record"), [(kind, record) for kind, records in USUAL.items() for record in records]
)
def test_no_field_means_another_thing_when_its_event_is_read_in_one_step(kind: str, record: Record) -> None:
    usual = wire(kind, record)
    for changed in changes(json.loads(json.dumps(record))):
        pieces = [START[kind], usual, wire(kind, changed), usual]
        literal = comparable(parse(kind, pieces, record=True))
        assert comparable(parse(kind, pieces)) == literal, changed
        assert comparable(parse(kind, [b"".join(pieces)])) == literal, changed
