"""What is read of each event is not kept beside it, and what is not read is."""

from __future__ import annotations

import json

import pytest

from sansio.families.messages.wire import decode_plain
from tests.sansio.wires import Record, answer, block, claude, started, stopped

EVENTS: list[Record] = [
    started(),
    *block(0, {"type": "text", "text": ""}, {"type": "text_delta", "text": "Hi"}),
    *stopped(),
]
"""One event of each name, with all the fields that Anthropic's SDK gives it (`RawMessageStreamEvent`)."""
NAMES = [record["type"] for record in EVENTS]


def test_an_answer_keeps_nothing_that_is_read_of_its_events() -> None:
    message = answer("anthropic", claude(*EVENTS))
    assert (message.text, message.extra) == ("Hi", {})


@pytest.mark.parametrize("at", range(len(EVENTS)), ids=NAMES)
def test_an_answer_keeps_a_new_field_of_any_event(at: int) -> None:
    records = [*EVENTS[:at], {**EVENTS[at], "new": 1}, *EVENTS[at + 1 :]]
    assert answer("anthropic", claude(*records)).extra == {"new": 1}


def test_why_a_message_ended_is_said_by_typed_fields_and_its_details_are_kept() -> None:
    details = {"type": "refusal", "category": "cyber"}
    records = [*EVENTS[:-2], *stopped("refusal", stop_details=details, new=1)]
    assert answer("anthropic", claude(*records)).extra == {"stop_details": details, "new": 1}


@pytest.mark.parametrize(
    "delta",
    [
        {"type": "text_delta", "text": "Hi"},
        {"type": "thinking_delta", "thinking": "Hi"},
        {"type": "input_json_delta", "partial_json": "Hi"},
    ],
)
def test_a_delta_of_the_usual_form_is_read_in_one_step_and_any_other_is_not(delta: Record) -> None:
    record: Record = {"type": "content_block_delta", "index": 3, "delta": delta}
    read = decode_plain(json.dumps(record).encode())
    assert read.index == 3
    assert "Hi" in repr(read.delta)
    first = {name: value for name, value in record.items() if name != "index"}
    assert decode_plain(json.dumps(first).encode()).index == 0
    for odd in (
        {**record, "new": 1},
        {**record, "delta": {**delta, "new": 1}},
        {**record, "delta": {**delta, "type": "citations_delta"}},
        {**record, "type": "content_block_deltas"},
        {name: value for name, value in record.items() if name != "type"},
    ):
        with pytest.raises(ValueError, match=r"\$|field"):
            decode_plain(json.dumps(odd).encode())
