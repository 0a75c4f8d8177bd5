"""Small handwritten streams of responses, and what a reader makes of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sansio import Dialect, Message, StreamComplete, StreamEvent, StreamParser
from sansio.providers import dialect_named
from tests.sansio.wires import Record, check_agreement, failure, sse


def reading() -> Dialect:
    """What reads responses."""
    return dialect_named("openai/responses")


def response(*output: Record, **more: Any) -> Record:
    """A response object."""
    given = {"id": "resp_1", "object": "response", "status": "completed", "model": "m", "output": [*output]}
    return {**given, **more}


def created(**more: Any) -> Record:
    return {"type": "response.created", "response": response(status="in_progress", **more)}


def added(item: Record, at: int = 0) -> Record:
    return {"type": "response.output_item.added", "output_index": at, "item": item}


def done(item: Record, at: int = 0) -> Record:
    return {"type": "response.output_item.done", "output_index": at, "item": item}


def event(name: str, at: int = 0, **fields: Any) -> Record:
    return {"type": f"response.{name}", "output_index": at, **fields}


def text(delta: str, at: int = 0, number: int = 0, **more: Any) -> Record:
    return event("output_text.delta", at, content_index=number, delta=delta, **more)


def completed(*output: Record, **more: Any) -> Record:
    return {"type": "response.completed", "response": response(*output, **more)}


def message(*texts: str, id: str | None = "msg_1", **more: Any) -> Record:
    """A finished message item."""
    blocks = [{"type": "output_text", "text": said, "annotations": []} for said in texts]
    item = {"type": "message", "role": "assistant", "content": blocks, "id": id, **more}
    return {name: value for name, value in item.items() if value is not None}


def reasoning(*summary: str, id: str = "rs_1", **more: Any) -> Record:
    blocks = [{"type": "summary_text", "text": said} for said in summary]
    return {"type": "reasoning", "id": id, "summary": blocks, **more}


def call(arguments: str = "", call_id: str = "call_1", name: str = "f", **more: Any) -> Record:
    return {
        "type": "function_call",
        "id": "fc",
        "call_id": call_id,
        "name": name,
        "arguments": arguments,
        **more,
    }


def parse(records: Iterable[object]) -> list[StreamEvent]:
    """All that a parser gives for these events and their end, checked against the message."""
    parser = StreamParser(reading())
    events = [event for record in records for event in parser.receive_data(sse(record))]
    events += parser.receive_eof()
    check_agreement(events)
    return events


def answer(*records: object) -> Message:
    """The message of a stream that completes."""
    last = parse(records)[-1]
    assert isinstance(last, StreamComplete), last
    return last.message


def whole(*output: Record, **more: Any) -> Message:
    return reading().parse_response(response(*output, **more))


def partial(*records: object) -> Message:
    """What arrived of a stream that fails."""
    found = failure(parse(records)).partial
    assert found is not None
    return found


def deltas(events: Sequence[StreamEvent]) -> list[StreamEvent]:
    """All events but the last."""
    return list(events[:-1])
