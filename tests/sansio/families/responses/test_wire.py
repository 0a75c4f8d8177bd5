"""Events of the usual form, which are read in one step, and the fields that add nothing."""

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
from tests.support import for_all

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
    assert "content_index=0" in repr(read)
    for record, place in ((summary, "summary_index=0"), (raw, "content_index=0")):
        assert place in repr(decode_plain(json.dumps(record).encode()))
        events = parse([added(reasoning()), {**record, "delta": "a"}, record, completed()])
        assert deltas(events) == [ReasoningDelta("a"), ReasoningDelta("b")]


REPEATED = (
    "instructions", "tools", "tool_choice", "parallel_tool_calls", "max_tool_calls", "temperature", "top_p",
    "top_logprobs", "frequency_penalty", "presence_penalty", "max_output_tokens", "text", "truncation",
    "store", "background", "user", "safety_identifier", "prompt", "prompt_cache_key", "access_programs",
    "prompt_cache_retention", "prompt_cache_options", "previous_response_id", "image", "input",
)  # fmt: skip
"""The fields that OpenAI's `Response` has of its request."""
READ: Record = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1_767_225_600,
    "completed_at": 1_767_225_601,
    "status": "completed",
    "error": {"message": "no"},
    "incomplete_details": {"reason": "max_output_tokens"},
    "output_text": "Hi",
    "model": "m",
    "usage": {"input_tokens": 1, "output_tokens": 1},
}
"""Its other fields, which are read or say nothing new."""


@for_all(("name", [*REPEATED, *READ]))
def test_a_response_that_repeats_its_request_or_what_is_read_says_nothing_more(name: str) -> None:
    more: Record = {name: READ.get(name, "x")}
    said = message("Hi")
    for found in (answer(added(message()), done(said), completed(said, **more)), whole(said, **more)):
        assert (found.text, found.extra) == ("Hi", {})
    for other in (f"{name}s", name[1:]):
        assert whole(said, **{other: "x"}).extra[other] == "x"


def test_a_new_field_beside_the_response_is_kept_and_its_number_is_not() -> None:
    last = {"type": "response.completed", "response": response(message("Hi"))}
    assert answer({**last, "sequence_number": 3}).extra == {}
    assert answer({**last, "new": 1}).extra == {"new": 1}
