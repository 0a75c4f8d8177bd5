"""Events of the usual form, which are read in one step, and the fields that say nothing of their own."""

from __future__ import annotations

import json

import pytest

from sansio import ContentDelta, ReasoningDelta, StreamEvent, ToolCallDelta
from sansio.families.responses.wire import decode_plain
from tests.sansio.families.responses.frames import (
    added,
    answer,
    call,
    completed,
    deltas,
    done,
    event,
    message,
    parse,
    reasoning,
    response,
    text,
    whole,
)
from tests.sansio.wires import Record

PLAIN: dict[str, tuple[Record, Record, StreamEvent]] = {
    "output_text.delta": (message(), {"content_index": 0}, ContentDelta("b")),
    "reasoning_summary_text.delta": (reasoning(), {"summary_index": 0}, ReasoningDelta("b")),
    "reasoning_text.delta": (reasoning(), {"content_index": 0}, ReasoningDelta("b")),
    "function_call_arguments.delta": (call(), {}, ToolCallDelta(0, "b")),
    "custom_tool_call_input.delta": (
        {"type": "custom_tool_call", "id": "ct", "call_id": "call_1", "name": "f", "input": ""},
        {},
        ToolCallDelta(0, "b"),
    ),
}
"""Each event that adds to what is open: the item that it is for, its place, and what it gives."""


@pytest.mark.parametrize("name", PLAIN)
def test_an_event_that_adds_is_read_in_one_step_and_under_its_own_name_only(name: str) -> None:
    item, place, given = PLAIN[name]
    record = event(name, delta="b", sequence_number=7, item_id="i", obfuscation="xyz", **place)
    read = decode_plain(json.dumps(record).encode())
    assert (read.delta, read.output_index, read.sequence_number) == ("b", 0, 7)
    first = event(name, delta="a", **place)
    events = parse([added(item), first, record, completed()])
    assert given in events
    for other in (name[1:], f"{name}s"):
        events = parse([added(item), first, {**record, "type": f"response.{other}"}, completed()])
        assert given not in events
        with pytest.raises(ValueError, match="Invalid value"):
            decode_plain(json.dumps({**record, "type": f"response.{other}"}).encode())


def test_places_and_numbers_that_are_left_out_are_the_first() -> None:
    bare = {"type": "response.output_text.delta", "delta": "b"}
    read = decode_plain(json.dumps(bare).encode())
    assert (read.output_index, read.sequence_number) == (0, -1)
    summary = {"type": "response.reasoning_summary_text.delta", "delta": "b"}
    raw = {"type": "response.reasoning_text.delta", "delta": "b"}
    assert deltas(parse([added(message()), text("a"), bare, completed()]))[1:] == [ContentDelta("b")]
    for record in (summary, raw):
        events = parse([added(reasoning()), {**record, "delta": "a"}, record, completed()])
        assert deltas(events) == [ReasoningDelta("a"), ReasoningDelta("b")]


REPEATED = (
    "instructions", "tools", "tool_choice", "parallel_tool_calls", "max_tool_calls", "temperature", "top_p",
    "top_logprobs", "frequency_penalty", "presence_penalty", "max_output_tokens", "text", "truncation",
    "store", "background", "user", "safety_identifier", "prompt", "prompt_cache_key", "access_programs",
    "prompt_cache_retention", "prompt_cache_options", "previous_response_id", "image", "input",
)  # fmt: skip
"""The fields that OpenAI's `Response` has of its request."""
SILENT = ("object", "created_at", "completed_at", "incomplete_details", "output_text")


@pytest.mark.parametrize("name", [*REPEATED, *SILENT])
def test_a_response_that_repeats_its_request_says_nothing_more(name: str) -> None:
    more: Record = {name: None if name in SILENT else "x"}
    said = message("Hi")
    plain = answer(added(message()), text("Hi"), done(said), completed(said))
    assert answer(added(message()), text("Hi"), done(said), completed(said, **more)) == plain
    assert whole(said, **more) == plain
    for other in (f"{name}s", name[1:]):
        assert whole(said, **{other: "x"}).extra[other] == "x"


@pytest.mark.parametrize("name", ["error", "id", "model", "output", "status", "usage"])
def test_what_is_read_of_a_response_is_not_kept_twice(name: str) -> None:
    last = {"type": "response.completed", "response": response(**({name: None} if name == "error" else {}))}
    assert name not in answer({**last, "sequence_number": 3}).extra
    assert not answer({**last, "sequence_number": 3}).extra.keys() & {"type", "sequence_number", "response"}
    assert answer({**last, "new": 1}).extra["new"] == 1
