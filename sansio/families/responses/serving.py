"""Responses from the server's side, in OpenAI's own form.

Source: the types of OpenAI's SDK (`Response`, `ResponseStreamEvent`, `ResponseInputItemParam`).
"""

from __future__ import annotations

from typing import ClassVar

import msgspec
from msgspec import Struct

from sansio.content import (
    FinishReason,
    InvalidToolCall,
    Message,
    Part,
    ReasoningPart,
    RefusalPart,
    TextPart,
    ToolCall,
)
from sansio.errors import ProviderError
from sansio.events import (
    ContentDelta,
    PartComplete,
    ReasoningDelta,
    RefusalDelta,
    StreamEvent,
    ToolCallDelta,
    ToolCallStarted,
)
from sansio.families.fields import text_or_none
from sansio.families.responses.inputs import read_choice, read_input, read_options, read_tools
from sansio.families.responses.parts import BUILT_IN, item_of
from sansio.families.responses.records import (
    ARGUMENTS,
    begun,
    block_added,
    block_done,
    block_place,
    failure,
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
from sansio.families.serving import (
    AnswerHead,
    Lost,
    Serving,
    StreamWriter,
    WireRequest,
    as_openai_error,
    objects_in,
    openai_ending,
    status_of,
)
from sansio.jsontext import JSON, JSONObject

_NOT_OPTIONS = ("model", "input", "tools", "stream")
_PREFIXES = {
    "message": "msg",
    "reasoning": "rs",
    "function_call": "fc",
    "custom_tool_call": "ctc",
}
"""How the ids of items begin, by their types."""
_BEGINNINGS: dict[type[StreamEvent], Part] = {
    ContentDelta: TextPart(""),
    ReasoningDelta: ReasoningPart(""),
    RefusalDelta: RefusalPart(""),
}
"""What an item begins with, by the event that begins it."""


class ResponsesServing(Serving):
    """Responses for servers."""

    def read_request(self, body: JSONObject, same: bool) -> WireRequest:
        lost: list[Lost] = []
        options: dict[str, object]
        if same:
            options = {name: value for name, value in body.items() if name not in _NOT_OPTIONS}
            if "tool_choice" in options:
                options["tool_choice"] = read_choice(body["tool_choice"])
            # The client counts on its server's default, so this library's own must not take its place.
            options.setdefault("store", None)
        else:
            options = read_options(body, lost)
        return WireRequest(
            messages=read_input(body, same),
            tools=read_tools(objects_in(body.get("tools")), same, lost),
            options=options,
            model=text_or_none(body.get("model")),
            stream=body.get("stream") is True,
            lost=lost,
        )

    def writer(self, head: AnswerHead) -> ResponsesWriter:
        return ResponsesWriter(head)

    def whole(self, head: AnswerHead, message: Message) -> JSONObject:
        parts = [part for part in message.parts if is_said(part)]
        items = [output_item(head, part, at) for at, part in enumerate(parts)]
        return finished(head, message, items)

    def error(self, status: int, error: ProviderError) -> JSONObject:
        return as_openai_error(status, error)


class ResponsesWriter(StreamWriter):
    """Writes events. Items may be open at the same time, so nothing waits; each is a part of the answer."""

    SAYS: ClassVar[frozenset[type[Part]]] = frozenset(
        (TextPart, ReasoningPart, RefusalPart, ToolCall, InvalidToolCall)
    )
    FINISH_REASONS: ClassVar[dict[FinishReason, str]] = {
        FinishReason.STOP: "completed",
        FinishReason.LENGTH: "max_output_tokens",
        FinishReason.TOOL_CALLS: "completed",
        FinishReason.CONTENT_FILTER: "content_filter",
        FinishReason.REFUSAL: "content_filter",
        # The answer is to be continued, and this is the wire's only word for an unfinished one.
        FinishReason.PAUSE: "max_output_tokens",
    }
    SENT_AS_CUT: ClassVar[str | None] = "max_output_tokens"

    def __init__(self, head: AnswerHead) -> None:
        super().__init__(head)
        self._number = 0  # of the next event
        self._items: list[_Open] = []
        self._by_part: dict[int, _Open] = {}
        self._calls: dict[int, _Open] = {}  # by the number of the call
        self._output: dict[int, JSONObject] = {}  # the items that are finished, by their places

    @classmethod
    def lost_of_citations(cls, part: TextPart) -> list[Lost]:
        lost = super().lost_of_citations(part)
        if any(citation.url and citation.quote is not None for citation in part.citations):
            lost.append(Lost("citations: quote", "the wire says where the text cites, not what"))
        return lost

    def _begin(self) -> bytes:
        response = envelope(self._head)
        return self._write(
            {"type": "response.created", "response": response},
            {"type": "response.in_progress", "response": response},
        )

    def _delta(self, event: StreamEvent) -> bytes:
        match event:
            case ContentDelta(text=text, part=part):
                return self._say(part, event, "output_text", text, logprobs=[])
            case ReasoningDelta(text=text, part=part):
                return self._say(part, event, "summary_text", text)
            case RefusalDelta(text=text, part=part):
                return self._say(part, event, "refusal", text)
            case ToolCallStarted(index=index, id=id, name=name, kind=kind, part=part):
                call = InvalidToolCall(id, name, "", "it has only begun", kind)
                found, begin = self._open(part, call)
                self._calls[index] = found
                return begin
            case ToolCallDelta(index=index, arguments=text):
                call_item = self._calls[index]
                if call_item.kind not in ARGUMENTS:
                    return b""  # the action of a built-in tool is in the finished item
                call_item.blank = call_item.blank and not text.strip()
                return self._write(input_delta(call_item.kind, call_item.place, text))
            case PartComplete(index=index, part=TextPart() as part) if is_said(part):
                found, begin = self._open(index, part)
                return begin + self._close(found, part)
            case _:
                return b""  # what has no place here is reported

    def _say(self, part: int, event: StreamEvent, kind: str, text: str, **beside: list[JSON]) -> bytes:
        found, begin = self._open(part, _BEGINNINGS[type(event)])
        return begin + self._write(text_delta(kind, found.block, text, **beside))

    def _open(self, number: int, part: Part) -> tuple[_Open, bytes]:
        """Find the item of a part; if it begins now, also give the events of its beginning."""
        if (known := self._by_part.get(number)) is not None:
            return known, b""
        at = len(self._items)
        item = output_item(self._head, part, at)
        found = _Open(at=at, part=number, kind=str(item["type"]), place=place_of(item, at))
        self._items.append(found)
        self._by_part[number] = found
        records = [item_added(begun(item), at)]
        if (field := _BLOCKS.get(found.kind)) is not None:
            found.block = block_place(found.place, field, 0)
            records.append(block_added(found.block, _first_block(item, field)))
        return found, self._write(*records)

    def _close(self, found: _Open, part: Part) -> bytes:
        """The end of an item, and of its text."""
        item = self._output[found.at] = output_item(self._head, part, found.at)
        records: list[JSONObject] = []
        if (field := _BLOCKS.get(found.kind)) is not None:
            records += block_done(found.block, _first_block(item, field))
        elif (field := ARGUMENTS.get(found.kind)) is not None:
            text = str(item[field])
            if found.blank and text.strip():
                records.append(input_delta(found.kind, found.place, "{}"))
            records.append(input_done(found.kind, found.place, field, text))
        return self._write(*records, item_done(item, found.at))

    def _finish(self, message: Message) -> bytes:
        end = b""
        for found in self._items:
            if found.at not in self._output:
                end += self._close(found, message.parts[found.part])
        items = [self._output[at] for at in sorted(self._output)]
        response = finished(self._head, message, items)
        return end + self._write({"type": f"response.{response['status']}", "response": response})

    def _fail(self, error: ProviderError) -> bytes:
        status = status_of(error)
        body = as_openai_error(status, error)["error"]
        assert isinstance(body, dict)
        return self._write(*failure(envelope(self._head), body, status))

    def _write(self, *records: JSONObject) -> bytes:
        written = [numbered(record, self._number + at) for at, record in enumerate(records)]
        self._number += len(written)
        return b"".join(written)


class _Open(Struct, kw_only=True):
    """An unfinished item.

    Args:
        at: its position in the output.
        part: the position of its part in the message.
        kind: its type.
        place: the fields by which its events name it.
        block: the fields by which the events of its text name the block.
        blank: whether it is a call whose arguments are blank so far.
    """

    at: int
    part: int
    kind: str
    place: JSONObject
    block: JSONObject = {}
    blank: bool = True


_BLOCKS = {"message": "content", "reasoning": "summary"}
"""Items with a text in a block: the list that holds the block."""


def _first_block(item: JSONObject, field: str) -> JSONObject:
    listed = item[field]
    assert isinstance(listed, list)
    block = listed[0]
    assert isinstance(block, dict)
    return block


def is_said(part: Part) -> bool:
    """Whether an answer here has an item for a part: empty texts have none."""
    match part:
        case TextPart():
            return bool(part.text or cited(part).citations)
        case ReasoningPart() | RefusalPart():
            return bool(part.text)
        case ToolCall() | InvalidToolCall():
            return bool(part.name)
        case _:
            return False


def output_item(head: AnswerHead, part: Part, at: int) -> JSONObject:
    """A part of an answer as a finished item.

    Args:
        head: its id becomes a part of the item's id.
        at: the item's position in the output.
    """
    item: JSONObject = {}
    match part:
        case ToolCall(kind=kind) | InvalidToolCall(kind=kind) if kind not in BUILT_IN:
            text = part.arguments_text() if isinstance(part, ToolCall) else part.raw_arguments
            named: JSONObject = {"call_id": part.id, "name": part.name}
            if kind == "custom":
                item = {"type": "custom_tool_call", **named, "input": text}
            else:
                if isinstance(part, ToolCall) and not text.strip():
                    text += "{}"  # OpenAI's own calls always have an object, and clients decode it
                item = {"type": "function_call", **named, "arguments": text}
        case InvalidToolCall():
            # Without an action: one that is invalid would be read as a valid one.
            item = {name: value for name, value in _written(part).items() if name in ("type", "call_id")}
        case TextPart():
            item = _written(cited(part))
            block = _first_block(item, "content")
            block["logprobs"] = []
        case ReasoningPart():
            item = _written(ReasoningPart(part.text, {"type": "summary_text"}))
        case _:
            item = _written(msgspec.structs.replace(part, extra={}))
    kind = str(item["type"])
    prefix = _PREFIXES.get(kind, "item")
    own: JSONObject = {"id": f"{prefix}_{head.response_id}_{at}"}
    if kind != "reasoning":
        own["status"] = "incomplete" if isinstance(part, InvalidToolCall) else "completed"
    return {**own, **item}


def _written(part: Part) -> JSONObject:
    item = item_of(part)
    assert item is not None
    return item


def cited(part: TextPart) -> TextPart:
    """A text with its citations of addresses, each with its position in the text, as in OpenAI's answers."""
    return TextPart(
        part.text,
        tuple(
            msgspec.structs.replace(
                citation,
                title=citation.title or "",
                start=citation.start or 0,
                end=len(part.text) if citation.end is None else citation.end,
                extra={},
            )
            for citation in part.citations
            if citation.url is not None
        ),
    )


def envelope(head: AnswerHead) -> JSONObject:
    """A response without output yet."""
    return response_object(head.response_id, head.model, head.created)


def finished(head: AnswerHead, message: Message, items: list[JSONObject]) -> JSONObject:
    """A whole response.

    Args:
        items: the response's output.
    """
    output: list[JSON] = [*items]
    word = openai_ending(ResponsesWriter.FINISH_REASONS, message)
    response: JSONObject = {**envelope(head), "status": "completed", "output": output}
    if word == "completed":
        response["completed_at"] = head.created
    else:
        response |= {"status": "incomplete", "incomplete_details": {"reason": word}}
    if message.usage is not None:
        response["usage"] = usage_object(message.usage)
    return response
