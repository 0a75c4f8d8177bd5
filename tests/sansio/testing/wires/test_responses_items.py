"""Items of every kind, written as events and read again; each event has the form of the SDK's types."""

from __future__ import annotations

from typing import Any

import pytest

from sansio import FinishReason, StreamComplete, StreamParser
from sansio.families.responses.parts import items_of, parts_of
from sansio.testing import Answer, encode_stream
from sansio.testing.wires.responses_records import response_events, response_object, write_events
from tests.sansio.families.responses.test_parts import ITEMS as EVERY
from tests.sansio.testing.asking import chunks
from tests.wire_types import events_of, needs_types

Record = dict[str, Any]  # Any: JSON
KIND = "openai/responses"
TEXTS: list[Record] = [
    {
        "type": "message",
        "role": "assistant",
        "content": [{"type": "output_text", "text": "Hi", "annotations": []}],
    },
    {"type": "message", "role": "assistant", "content": [{"type": "refusal", "refusal": "No, not I."}]},
    {"type": "reasoning", "summary": [{"type": "summary_text", "text": "A long thought"}]},
    {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "A raw thought"}]},
]
SEARCH: Record = {"type": "tool_search_call", "call_id": "c", "execution": "server", "arguments": {"a": 1}}
SELDOM = (".failed", ".partial_image", ".compacting")
"""Events of a server's tool that not every call of it has."""
# What only an application sends is no item of an answer.
LEFT_OUT = (None, "message", "reasoning", "mcp_approval_response")
ITEMS = [
    {"status": "completed", "id": f"item_{at}", **item}
    for at, item in enumerate([*TEXTS, SEARCH, *(item for item in EVERY if item.get("type") not in LEFT_OUT)])
]
for_every_item = pytest.mark.parametrize("item", ITEMS, ids=lambda item: str(item["type"]))


def read(data: bytes) -> list[Record]:
    parser = StreamParser(KIND)
    last = [*parser.receive_data(data), *parser.receive_eof()][-1]
    assert isinstance(last, StreamComplete)
    return items_of(last.message.parts)


def events_with(item: Record) -> list[Record]:
    return response_events(response_object([item], response_id="resp_1", model="m"))


@for_every_item
def test_an_item_is_read_as_it_was_written(item: Record) -> None:
    assert read(b"".join(write_events(events_with(item)))) == [item]


@for_every_item
def test_the_pieces_of_an_item_say_what_it_says(item: Record) -> None:
    """Here the events that have it whole are missing."""
    kept = [record for record in events_with(item) if record["type"] not in WHOLE]
    (found,) = read(b"".join(write_events([*kept, {"type": "response.completed", "response": {}}])))
    if any(str(record["type"]).endswith(".delta") for record in kept):
        said = {name: found.get(name) for name in ("arguments", "input", "code", "summary", "content")}
        for name, value in said.items():
            assert texts_in(value) == texts_in(item.get(name))


WHOLE = ("response.output_item.done", "response.content_part.done", "response.completed")


def texts_in(value: object) -> list[str]:
    """The texts of a field: its own, or those of its blocks."""
    if isinstance(value, list):
        return [str(block.get("text", block.get("refusal"))) for block in value]
    return [str(value)] if value else []


@needs_types
@for_every_item
def test_each_event_has_the_fields_of_its_type(item: Record) -> None:
    check_types(events_with(item))


@needs_types
@for_every_item
def test_the_fake_writes_the_parts_of_an_answer_as_such_events(item: Record) -> None:
    parts = parts_of(item)
    stream = encode_stream(KIND, Answer(parts=parts, finish_reason=FinishReason.STOP))
    records = chunks(stream)
    check_types(records)
    written = {record["type"] for record in records}
    for kind in events_of("openai-responses"):
        if kind.startswith(f"response.{item['type']}.") and not kind.endswith(SELDOM):
            assert kind in written
    (found,) = read(b"".join(stream))
    if "web_search" not in item.get("name", ""):  # xAI's own form, which the fake does not write
        assert found.items() >= {name: value for name, value in item.items() if name not in MADE_UP}.items()


MADE_UP = ("id", "status")
"""Fields that the fake gives an item itself."""


def check_types(records: list[Record]) -> None:
    listed = events_of("openai-responses")
    for number, record in enumerate(records):
        known = listed[record["type"]]
        assert record.keys() - {"type"} <= known.keys()
        needed = {field for field, type in known.items() if not type.startswith("?")}
        assert needed - {"sequence_number"} <= record.keys(), (number, record)
