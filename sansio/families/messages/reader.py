"""Anthropic's message events, and whole messages, read into an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from sansio import jsontext
from sansio.answers import AssembledCall, OpenPart, Pieces
from sansio.content import (
    ReasoningPart,
    RefusalPart,
    TextPart,
    Usage,
)
from sansio.errors import RemoteProtocolError
from sansio.events import ContentDelta, ReasoningDelta, StreamEvent
from sansio.families.base import AnswerReader
from sansio.families.fields import convert, rest, usage_of
from sansio.families.foreign import foreign_error
from sansio.families.messages.parts import citations_of, part_of
from sansio.families.messages.wire import (
    EVENT_FIELDS,
    MESSAGE_FIELDS,
    STOP_FIELDS,
    AnyObject,
    ArgumentsDelta,
    Delta,
    Message,
    TextDelta,
    ThinkingDelta,
    decode_plain,
)
from sansio.jsontext import JSONObject

if TYPE_CHECKING:
    from sansio.families.base import Dialect


_CALL = ("type", "id", "name", "input")
"""The fields of a call that are read."""


class MessagesReader(AnswerReader):
    """One message."""

    def __init__(self, dialect: Dialect) -> None:
        super().__init__(dialect)
        self._blocks: list[_Block] = []
        self._by_index: dict[int, _Block] = {}
        self._usage: JSONObject = {}
        self._has_usage = False

    def receive(self, data: bytes, events: list[StreamEvent], name: str = "") -> bool:
        # Most events add text, thinking or arguments to a block that is open, and are read in one step.
        if len(data) <= self._shallow or jsontext.is_shallow(data, self._max_depth):
            try:
                record = decode_plain(data)
            except (ValueError, RecursionError):
                return self._receive_any(data, events, name)
            block = self._by_index.get(record.index)
            if block is not None:
                delta = record.delta
                if type(delta) is TextDelta:
                    if (text := block.text) is not None:
                        if delta.text:
                            if text.index < 0:
                                self._answer.place(text)
                            text.append(delta.text)
                            events.append(ContentDelta(delta.text, text.index))
                        self.progress += 1
                        return False
                elif type(delta) is ArgumentsDelta:
                    if block.call is not None:
                        if delta.partial_json:
                            self._answer.calls.add(block.call, delta.partial_json, events)
                        self.progress += 1
                        return False
                elif type(delta) is ThinkingDelta and (thinking := block.thinking) is not None:
                    if delta.thinking:
                        if thinking.index < 0:
                            self._answer.place(thinking)
                        thinking.append(delta.thinking)
                        events.append(ReasoningDelta(delta.thinking, thinking.index))
                    self.progress += 1
                    return False
        return self._receive_any(data, events, name)

    def _receive_any(self, data: bytes, events: list[StreamEvent], name: str) -> bool:
        if not data or data.isspace():
            return False
        record = jsontext.decode_object(data.decode("utf-8", "replace"), self._max_depth)
        kind = record.get("type") or name
        # Some hosts send the error object bare, in an event that only its name calls an error.
        bare = isinstance(kind, str) and kind in self._dialect.STATUS_BY_ERROR
        if bare or record.get("error") or name == "error":
            kind = "error"
        if kind == "ping":
            return False
        if not kind:
            if (foreign := foreign_error(record, "messages", self._dialect)) is not None:
                raise foreign
            return False
        self.progress += 1
        if isinstance(kind, str) and kind in EVENT_FIELDS:
            self._keep(record, EVENT_FIELDS[kind])
        match kind:
            case "content_block_delta":
                self._receive_delta(record, events)
            case "content_block_start":
                block = record.get("content_block")
                if isinstance(block, dict):
                    self._begin(_index(record), block, events)
                elif block is not None:
                    raise RemoteProtocolError("JSON of an unknown shape: content_block is not an object")
            case "content_block_stop":
                if (open_block := self._by_index.get(_index(record))) is not None:
                    self._end(open_block, events)
            case "message_start":
                message = record.get("message")
                if isinstance(message, dict):
                    self._receive_message(message, events)
            case "message_delta":
                self._receive_message_delta(record, events)
            case "message_stop":
                self._flush(events)
                return True
            case "error":
                raise self._dialect.error_in(record) or self._dialect.build_error(record, 200, record)
            case _:
                # New types of event are added over time, and must be ignored.
                if (foreign := foreign_error(record, "messages", self._dialect)) is not None:
                    raise foreign
        return False

    def receive_whole(self, data: JSONObject) -> None:
        if data.get("content") is None:
            raise foreign_error(data, "messages", self._dialect) or RemoteProtocolError(
                "the response holds no content, so no answer"
            )
        events: list[StreamEvent] = []
        self._receive_message(data, events)
        self._flush(events)

    def fold(self) -> None:
        super().fold()
        for block in self._blocks:
            block.fold()

    def _flush(self, events: list[StreamEvent]) -> None:
        for block in self._blocks:
            self._end(block, events)
        self._answer.calls.flush(events)

    def _receive_message(self, data: JSONObject, events: list[StreamEvent]) -> None:
        message = convert(data, Message)
        answer = self._answer
        if answer.response_id is None and message.id:
            answer.response_id = answer.calls.id_seed = message.id
        elif message.id and message.id != answer.response_id:
            raise RemoteProtocolError("a second answer begins inside the first: two streams were mixed up")
        answer.model = answer.model or message.model
        self._merge_usage(message.usage)
        self._keep(data, MESSAGE_FIELDS)
        if not self._blocks:  # a repeated message_start must not add its content twice
            for index, block in enumerate(message.content or ()):
                self._end(self._begin(index, block, events), events)
        self._receive_stop(message.stop_reason, message.stop_details, events)

    def _receive_message_delta(self, record: JSONObject, events: list[StreamEvent]) -> None:
        usage, data = record.get("usage"), record.get("delta")
        self._merge_usage(usage)
        if isinstance(data, dict):
            delta = convert(data, Delta)
            self._keep(data, STOP_FIELDS)
            self._receive_stop(delta.stop_reason, delta.stop_details, events)

    def _keep(self, fields: JSONObject, read: frozenset[str] = frozenset()) -> None:
        """Keep the message's fields that are not read. Null adds nothing."""
        for name, value in fields.items():
            if name not in read and value is not None:
                self._answer.extra[name] = value

    def _receive_stop(
        self, reason: str | None, details: JSONObject | None, events: list[StreamEvent]
    ) -> None:
        if reason:
            self._answer.raw_finish_reason = reason
        if not details:
            return
        explanation = details.get("explanation")
        if isinstance(explanation, str) and explanation and "stop_details" not in self._answer.extra:
            self._answer.take(RefusalPart(explanation), events)
        self._keep({"stop_details": rest(details, "explanation")})

    def _begin(self, index: int, start: JSONObject, events: list[StreamEvent]) -> _Block:
        block = self._by_index[index] = _Block(start)
        self._blocks.append(block)
        answer = self._answer
        match block.kind:
            case "text":
                block.text = answer.open(TextPart)
                answer.add(block.text, _text(start, "text"), events)
            case "thinking":
                block.thinking = answer.open(ReasoningPart)
                answer.add(block.thinking, _text(start, "thinking"), events)
            case "tool_use":
                call_id, name = start.get("id"), start.get("name")
                if not isinstance(call_id, str | None) or not isinstance(name, str | None):
                    raise RemoteProtocolError("a tool_use block whose id or name is not text")
                block.call = answer.calls.find(index, call_id or "", name or "")
                block.call.extra = rest(start, *_CALL, nulls=_CALL)
                given = start.get("input")
                answer.calls.add(block.call, msgspec.json.encode(given).decode() if given else "", events)
            case "fallback":
                self._receive_fallback(start)
            case _:
                pass
        return block

    def _receive_fallback(self, block: JSONObject) -> None:
        """After a refusal another model answers (beta server-side-fallback); `model` becomes its name.

        The name of the first model is kept as `requested_model`.
        """
        to = block.get("to")
        model = to.get("model") if isinstance(to, dict) else None
        if isinstance(model, str):
            answer = self._answer
            if answer.model is not None and answer.model != model:
                answer.extra.setdefault("requested_model", answer.model)
            answer.model = model

    def _end(self, block: _Block, events: list[StreamEvent]) -> None:
        """End a block, once. The end of the stream ends the blocks that are still open."""
        if block.ended:
            return
        block.ended = True
        if block.text is not None:
            citations, block.text.extra = citations_of(block.whole(self._max_depth))
            block.text.citations += citations
            self._answer.close(block.text, events)
            block.text = None  # more text at this index belongs to another block, on the fast path too
        elif block.thinking is not None:
            block.thinking.extra = rest(block.whole(self._max_depth), "type", "thinking")
            self._answer.close(block.thinking, events)
            block.thinking = None
        elif block.call is not None:
            block.call.extra |= rest(block.whole(self._max_depth), *_CALL, nulls=_CALL)
        elif block.kind:
            self._answer.take(part_of(block.whole(self._max_depth)), events)

    def _receive_delta(self, record: JSONObject, events: list[StreamEvent]) -> None:
        data = record.get("delta")
        if data is None:
            return
        if not isinstance(data, dict):
            raise RemoteProtocolError("JSON of an unknown shape: delta is not an object")
        delta = convert(data, Delta)
        index = _index(record)
        block = self._by_index.get(index)
        match delta.type:
            case "text_delta":
                block = self._block("text", index, events)
                assert block.text is not None
                self._answer.add(block.text, delta.text or "", events)
                block.add_rest(data)  # its type and text are left out when the block ends
            case "thinking_delta":
                block = self._block("thinking", index, events)
                assert block.thinking is not None
                self._answer.add(block.thinking, delta.thinking or "", events)
                block.add_rest(data)
            case "input_json_delta" if block is not None and block.call is not None:
                self._answer.calls.add(block.call, delta.partial_json or "", events)
                block.add_rest(rest(data, "type", "partial_json"))
            case _ if block is None or block.ended:
                pass  # its part has been given, and must not change
            case "input_json_delta":
                block.add("input", delta.partial_json or "")
                block.add_rest(rest(data, "type", "partial_json"))
            case "citations_delta":
                if delta.citation is not None:
                    block.citations.append(delta.citation)
                block.add_rest(rest(data, "type", "citation"))
            case _:
                # Signatures, compaction, and the types that are added over time: each adds to the block's
                # field of the same name.
                for name, value in rest(data, "type").items():
                    if isinstance(value, str):
                        block.add(name, value)
                    elif value is not None:
                        block.start[name] = value

    def _block(self, kind: str, index: int, events: list[StreamEvent]) -> _Block:
        """The open block of a kind. A block without a start event begins with its first delta."""
        block = self._by_index.get(index)
        if block is not None and block.kind == kind and not block.ended:
            return block
        return self._begin(index, {"type": kind, kind: ""}, events)

    def _merge_usage(self, usage: object) -> None:
        """Counts are cumulative: a later one replaces an earlier one. Null and empty objects add nothing."""
        if usage is None:
            return
        if not isinstance(usage, dict):
            raise RemoteProtocolError("JSON of an unknown shape: usage is not an object")
        self._usage |= {name: value for name, value in usage.items() if value is not None and value != {}}
        self._has_usage = True

    def _settle(self) -> None:
        if self._has_usage:
            self._answer.usage = read_usage(self._usage)


class _Block:
    """An unfinished content block: its start, and the content of its deltas."""

    __slots__ = ("call", "citations", "ended", "fields", "kind", "start", "text", "thinking")

    def __init__(self, start: JSONObject) -> None:
        self.start = dict(start)
        kind = start.get("type")
        self.kind = kind if isinstance(kind, str) else ""
        self.text: OpenPart | None = None
        self.thinking: OpenPart | None = None
        self.call: AssembledCall | None = None
        self.fields: dict[str, Pieces] = {}
        self.citations: list[AnyObject] = []
        self.ended = False

    def add(self, field: str, text: str) -> None:
        self.fields.setdefault(field, Pieces()).append(text)

    def add_rest(self, fields: JSONObject) -> None:
        """Keep the unknown fields of a delta; a later value replaces an earlier one."""
        self.start |= {name: value for name, value in fields.items() if value is not None}

    def fold(self) -> None:
        for pieces in self.fields.values():
            pieces.fold()

    def whole(self, max_depth: int) -> JSONObject:
        """The block as it is in a whole message, except for the text of a text or thinking block."""
        block = self.start
        if self.citations:
            known = block.get("citations")
            block["citations"] = [*(known if isinstance(known, list) else ()), *self.citations]
        for field, pieces in self.fields.items():
            joined = pieces.whole()
            if field != "input":
                known = block.get(field)
                block[field] = known + joined if isinstance(known, str) else joined
            elif joined.strip():
                try:
                    block["input"] = jsontext.decode_object(joined, max_depth)
                except RemoteProtocolError:
                    block["input"] = {"INVALID_JSON": joined}
        return block


def read_usage(wire: JSONObject) -> Usage:
    """The counts of one message. Anthropic's `input_tokens` lack the cached parts of the prompt."""
    usage = usage_of(
        wire,
        input_tokens=("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"),
        output_tokens=("output_tokens",),
        cached_tokens=("cache_read_input_tokens",),
        cache_write_tokens=("cache_creation_input_tokens",),
    )
    details = usage.extra.get("output_tokens_details")
    if not isinstance(details, dict):
        return usage
    inner = usage_of(details, reasoning_tokens=("thinking_tokens",))
    extra = {**usage.extra, "output_tokens_details": inner.extra}
    if not inner.extra:
        del extra["output_tokens_details"]
    return msgspec.structs.replace(
        usage,
        output_tokens=max(usage.output_tokens, inner.reasoning_tokens),
        reasoning_tokens=inner.reasoning_tokens,
        extra=extra,
    )


def _text(data: JSONObject, field: str) -> str:
    text = data.get(field)
    return text if isinstance(text, str) else ""


def _index(record: JSONObject) -> int:
    index = record.get("index")
    if index is None:
        return 0
    if type(index) is not int:
        raise RemoteProtocolError("JSON of an unknown shape: index is not an integer")
    return index
