"""Responses as OpenAI, Azure, OpenRouter, Ollama and vLLM write them, whole and as events.

Sources: the types of OpenAI's SDK (`Response`, `ResponseStreamEvent`); recorded streams, for the order of
events and for errors inside a stream; vLLM's and Ollama's sources.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import assert_never

import msgspec
from msgspec import structs

from sansio.content import (
    FinishReason,
    InvalidToolCall,
    Message,
    Part,
    ReasoningPart,
    RefusalPart,
    TextPart,
    Usage,
)
from sansio.events import (
    ContentDelta,
    PartComplete,
    ReasoningDelta,
    RefusalDelta,
    ToolCallDelta,
    ToolCallStarted,
)
from sansio.families.responses.records import (
    ARGUMENTS,
    block_added,
    block_done,
    block_place,
    input_delta,
    input_done,
    item_added,
    item_done,
    numbered,
    place_of,
    response_object,
    text_delta,
    usage_object,
)
from sansio.families.responses.records import failure as written_failure
from sansio.jsontext import JSON, JSONObject
from sansio.testing.failures import failure_event, failure_object
from sansio.testing.script import Delta, Failure
from sansio.testing.wires.chat import CREATED
from sansio.testing.wires.responses_items import Item, begun, write_items

_PROCESSING = b": OPENROUTER PROCESSING\n\n"
_DONE = b"data: [DONE]\n\n"
_REASONS = {FinishReason.LENGTH: "max_output_tokens", FinishReason.CONTENT_FILTER: "content_filter"}
"""Why a response is incomplete."""
_COMPLETE = (FinishReason.STOP, FinishReason.TOOL_CALLS, FinishReason.REFUSAL)
_STATUSES = ("completed", "cancelled", "queued", "in_progress")
"""Words that are a status, not a reason for which a response is incomplete."""

_STEPS = {
    "web_search_call": ("in_progress", "searching", "completed"),
    "file_search_call": ("in_progress", "searching", "completed"),
    "code_interpreter_call": ("in_progress", "interpreting", "completed"),
    "image_generation_call": ("in_progress", "generating", "completed"),
    "mcp_call": ("in_progress", "completed"),
    "mcp_list_tools": ("in_progress", "completed"),
}
"""The events that report the progress of a tool that the server runs."""
_INPUTS = {"code_interpreter_call": "code", "mcp_call": "arguments"}
"""Tools of the server's whose input arrives in pieces, and the field that has it."""
_INPUT_PIECE = 8  # characters of a server tool's input in one delta


def always_sent(type: str) -> JSONObject:
    """The fields of a message's `extra` that a type's responses always have, with the fake's own values."""
    return {"service_tier": "default"} if type in ("openai", "azure") else {}


def encode_response_events(
    type: str, deltas: Sequence[Delta], head: Message, end: Message | Failure | None, usage: bool
) -> tuple[bytes, ...]:
    """A stream as server-sent events.

    An item is finished when its last delta was sent. Before an item begins, all items before it are sent, as
    a whole if necessary.

    Args:
        head: has the answer's id and model; its parts, if known, have what the events lack.
        end: the whole message, an error inside the stream, or `None` for a truncated stream.
        usage: ignored, since a response always has its usage.

    Raises:
        ValueError: a response has no word for the finish reason, or no place for a part.
    """
    stream = _ResponseStream(type, deltas, head, end)
    pieces = [_PROCESSING] if type == "openrouter" else []
    pieces += stream.begin()
    for position, delta in enumerate(deltas):
        pieces += stream.encode(position, delta)
    match end:
        case Message():
            pieces += stream.finish(end)
        case Failure():
            pieces += stream.fail(end)
        case None:
            pass
        case _:
            assert_never(end)
    return tuple(piece for piece in pieces if piece)


def encode_response(type: str, message: Message) -> bytes:
    """The message as a whole response.

    Raises:
        ValueError: a response has no word for the finish reason, or no place for a part.
    """
    return msgspec.json.encode(_finished(type, message))


def raw_finish_reason(message: Message) -> str | None:
    """The status of a response that is complete, or the reason for which it is not.

    Raises:
        ValueError: there is no word for that finish reason.
    """
    reason = message.finish_reason
    if message.raw_finish_reason is not None or reason is None:
        return message.raw_finish_reason
    if reason in _COMPLETE:
        return "completed"
    if reason not in _REASONS:
        raise ValueError(
            f"a response has no word for the finish reason {reason.value!r}: give raw_finish_reason"
        )
    return _REASONS[reason]


class _ResponseStream:
    """Makes the events of one stream, and numbers them."""

    def __init__(
        self, type: str, deltas: Sequence[Delta], head: Message, end: Message | Failure | None
    ) -> None:
        self._type = type
        self._head = head
        self._number = 0  # of the next event
        said = _said_in(deltas)
        parts = (*head.parts, *said[len(head.parts) :])
        incomplete = isinstance(end, Message) and raw_finish_reason(end) not in _STATUSES
        self._items = write_items(type, parts, _id(head), incomplete=incomplete)
        self._item_at = _item_places(self._items, len(parts))
        self._calls = {delta.index: delta.part for delta in deltas if isinstance(delta, ToolCallStarted)}
        self._last = {self._item_at[self._place(delta)]: position for position, delta in enumerate(deltas)}
        if not isinstance(end, Message) and deltas and not isinstance(deltas[-1], PartComplete):
            self._last.pop(self._item_at[self._place(deltas[-1])])  # it is cut, and stays open
        self._begun = 0  # items
        self._open: dict[int, list[int]] = {}  # the places of its texts that have begun, by item
        self._logprobs: dict[int, list[JSON]] = {}

    def begin(self) -> list[bytes]:
        """The events before the first item."""
        queued = self._head.extra.get("background") is True
        steps = [("created", "queued"), ("queued", "queued")] if queued else [("created", "in_progress")]
        pieces = []
        for step, status in (*steps, ("in_progress", "in_progress")):
            response = {**_envelope(self._type, self._head), "status": status}
            pieces += self._write({"type": f"response.{step}", "response": response})
        return pieces

    def encode(self, position: int, delta: Delta) -> list[bytes]:
        """One event of the answer, after the beginning of its item; and the item's end, if it is the last."""
        place = self._place(delta)
        at = self._item_at[place]
        pieces = self._reach(at)
        if at in self._open:  # else it was sent whole, before an item behind it
            pieces += self._say(at, place, delta)
            if self._last.get(at) == position:
                pieces += self._close(at)
        return pieces

    def finish(self, message: Message) -> list[bytes]:
        """The rest of the items, and the whole response."""
        pieces = self._reach(len(self._items))
        response = _finished(self._type, message)
        step = "incomplete" if response["status"] == "incomplete" else "completed"
        pieces += self._write({"type": f"response.{step}", "response": response})
        return [*pieces, _DONE] if self._type == "openrouter" else pieces

    def fail(self, failure: Failure) -> list[bytes]:
        """The error inside the stream, in the server's form."""
        if self._type in ("ollama", "vllm"):
            return [
                failure_event("ollama" if self._type == "ollama" else "vllm", failure, _id(self._head), {})
            ]
        error = failure_object("openai", failure, "")["error"]
        assert isinstance(error, dict)
        return self._write(*written_failure(_envelope(self._type, self._head), error, failure.status))

    def _place(self, delta: Delta) -> int:
        match delta:
            case ToolCallDelta():
                return self._calls[delta.index]
            case PartComplete():
                return delta.index
            case _:
                return delta.part

    def _reach(self, at: int) -> list[bytes]:
        """Begin an item, after those before it. Those whose deltas are not before it are sent whole."""
        pieces: list[bytes] = []
        while self._begun <= min(at, len(self._items) - 1):
            index = self._begun
            self._begun += 1
            self._open[index] = []
            pieces += self._write(item_added(begun(self._items[index].whole), index))
            if index < at:
                pieces += self._close(index)
        return pieces

    def _say(self, at: int, place: int, delta: Delta) -> list[bytes]:
        item = self._items[at]
        match delta:
            case ContentDelta(text=text):
                pieces = self._begin_block(at, place)
                logprobs = self._logprobs[place][:1]
                del self._logprobs[place][:1]
                return pieces + self._write(
                    text_delta("output_text", self._block_place(at, place), text, logprobs=logprobs)
                )
            case RefusalDelta(text=text):
                pieces = self._begin_block(at, place)
                return pieces + self._write(text_delta("refusal", self._block_place(at, place), text))
            case ReasoningDelta(text=text):
                pieces = self._begin_block(at, place)
                kind = "summary_text" if item.blocks[place][0] == "summary" else "reasoning_text"
                return pieces + self._write(text_delta(kind, self._block_place(at, place), text))
            case ToolCallDelta() if item.kind in ARGUMENTS:
                return self._write(input_delta(item.kind, place_of(item.whole, at), delta.arguments))
            case ToolCallStarted() | ToolCallDelta():
                return []  # the action of a built-in tool is in the finished item
            case PartComplete():
                return self._begin_block(at, place) if place in item.blocks else []
            case _:
                assert_never(delta)

    def _begin_block(self, at: int, place: int) -> list[bytes]:
        opened = self._open[at]
        if place in opened:
            return []
        pieces = self._end_block(at, opened[-1]) if opened else []
        opened.append(place)
        block = self._block(at, place)
        logprobs = block.get("logprobs")
        self._logprobs[place] = list(logprobs) if isinstance(logprobs, list) else []
        return pieces + self._write(block_added(self._block_place(at, place), block))

    def _end_block(self, at: int, place: int) -> list[bytes]:
        return self._write(*block_done(self._block_place(at, place), self._block(at, place)))

    def _close(self, at: int) -> list[bytes]:
        """The end of an item, and of its texts."""
        item = self._items[at]
        pieces: list[bytes] = []
        opened = self._open[at]
        for place in item.blocks:
            pieces += self._begin_block(at, place)
        del self._open[at]
        if opened:
            pieces += self._end_block(at, opened[-1])
        if (field := ARGUMENTS.get(item.kind)) is not None:
            whole = str(item.whole[field])
            pieces += self._write(input_done(item.kind, place_of(item.whole, at), field, whole))
        return pieces + self._write(*self._progress(at), item_done(item.whole, at))

    def _progress(self, at: int) -> Iterator[JSONObject]:
        """The input and the progress of a tool that the server runs."""
        item = self._items[at]
        where = place_of(item.whole, at)
        steps: list[JSONObject] = [
            {"type": f"response.{item.kind}.{step}", **where} for step in _STEPS.get(item.kind, ())
        ]
        yield from steps[:1]
        field = _INPUTS.get(item.kind, "")
        given = item.whole.get(field)
        if isinstance(given, str):
            for start in range(0, len(given), _INPUT_PIECE):
                yield input_delta(item.kind, where, given[start : start + _INPUT_PIECE])
            yield input_done(item.kind, where, field, given)
        yield from steps[1:]

    def _block(self, at: int, place: int) -> JSONObject:
        field, number = self._items[at].blocks[place]
        listed = self._items[at].whole[field]
        assert isinstance(listed, list)
        block = listed[number]
        assert isinstance(block, dict)
        return block

    def _block_place(self, at: int, place: int) -> JSONObject:
        item = self._items[at]
        return block_place(place_of(item.whole, at), *item.blocks[place])

    def _write(self, *records: JSONObject) -> list[bytes]:
        named = self._type != "openrouter"
        first = self._number
        self._number += len(records)
        return [numbered(record, first + place, named=named) for place, record in enumerate(records)]


def _said_in(deltas: Sequence[Delta]) -> list[Part]:
    """The parts that result from deltas, if no message has more of them."""
    parts: dict[int, Part] = {}
    calls: dict[int, int] = {}
    for delta in deltas:
        match delta:
            case ContentDelta(text, place):
                parts[place] = TextPart(_text_in(parts, place) + text)
            case ReasoningDelta(text, place):
                parts[place] = ReasoningPart(_text_in(parts, place) + text)
            case RefusalDelta(text, place):
                parts[place] = RefusalPart(_text_in(parts, place) + text)
            case ToolCallStarted():
                calls[delta.index] = delta.part
                parts[delta.part] = InvalidToolCall(
                    delta.id, delta.name, "", "it is not finished", delta.kind
                )
            case ToolCallDelta():
                call = parts[calls[delta.index]]
                assert isinstance(call, InvalidToolCall)
                raw = call.raw_arguments + delta.arguments
                parts[calls[delta.index]] = msgspec.structs.replace(call, raw_arguments=raw)
            case PartComplete():
                parts[delta.index] = delta.part
            case _:
                assert_never(delta)
    return [parts[place] for place in sorted(parts)]


def _text_in(parts: dict[int, Part], place: int) -> str:
    part = parts.get(place)
    return part.text if isinstance(part, TextPart | ReasoningPart | RefusalPart) else ""


def _item_places(items: Sequence[Item], parts: int) -> list[int]:
    """The item of each part. A part that is not a text of an item is an item itself."""
    places: list[int] = []
    for at, item in enumerate(items):
        places += [at] * max(1, len(item.blocks))
    assert len(places) == parts
    return places


def _id(message: Message) -> str:
    return message.response_id or "resp_fake"


def _envelope(type: str, message: Message) -> JSONObject:
    """A response that has said nothing yet. What a request asked for is in the message's `extra`."""
    return {
        **response_object(_id(message), message.model or "fake-model", CREATED),
        "background": False,
        "max_output_tokens": None,
        "previous_response_id": None,
        "reasoning": {"effort": None, "summary": None},
        "store": True,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}},
        "top_p": 1.0,
        "truncation": "disabled",
        **always_sent(type),
        **{name: value for name, value in message.extra.items() if name != "incomplete_details"},
    }


def _finished(type: str, message: Message) -> JSONObject:
    word = raw_finish_reason(message)
    complete = word is None or word in _STATUSES
    response = _envelope(type, message)
    response["status"] = word if complete else "incomplete"
    response["completed_at"] = CREATED if response["status"] == "completed" else None
    if not complete:
        details = message.extra.get("incomplete_details")
        response["incomplete_details"] = {"reason": word, **(details if isinstance(details, dict) else {})}
    items = write_items(type, message.parts, _id(message), incomplete=not complete)
    response["output"] = [item.whole for item in items]
    if message.usage is not None:
        response["usage"] = _usage(type, message.usage)
    return response


def _usage(type: str, usage: Usage) -> JSONObject:
    """The counts that the server gives: Ollama counts no cached tokens and no reasoning, vLLM no writes."""
    if type == "ollama":
        usage = structs.replace(usage, cached_tokens=0, reasoning_tokens=0)
    if type in ("ollama", "vllm"):
        usage = structs.replace(usage, cache_write_tokens=0)
    counts = usage_object(usage)
    if type == "openrouter" and usage.cost is not None:
        counts["cost"] = usage.cost
    for name, value in usage.extra.items():
        known = counts.get(name)
        counts[name] = {**known, **value} if isinstance(known, dict) and isinstance(value, dict) else value
    return counts
