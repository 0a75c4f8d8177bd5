"""Anthropic's message events, and whole messages, made into events."""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec
from msgspec import Struct

from sansio import jsontext
from sansio.dialects.answer import AnswerStream, convert
from sansio.dialects.base import Dialect
from sansio.dialects.pieces import Pieces
from sansio.dialects.toolcalls import AssembledCall
from sansio.errors import RemoteProtocolError
from sansio.events import ContentDelta, StreamEvent
from sansio.framing.sse import ServerSentEvent
from sansio.messages import JSONObject, Usage

# Any: JSON objects that are kept as they are, or read where they are of a known form.
_Object: TypeAlias = dict[str, Any]

_PLAIN_FIELDS = {"text": ("type", "text"), "tool_use": ("type", "id", "name", "input")}
"""Blocks that a message says whole, if they have no other fields."""
_KINDS = (
    "content_block_delta",
    "content_block_start",
    "content_block_stop",
    "message_start",
    "message_delta",
    "message_stop",
    "error",
)


class _OutputDetails(Struct, gc=False):
    thinking_tokens: int | None = None


class _Usage(Struct):
    """Every count is cumulative: a later one replaces an earlier one."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    output_tokens_details: _OutputDetails | None = None


class _Message(Struct):
    id: str | None = None
    model: str | None = None
    content: list[_Object] | None = None
    stop_reason: str | None = None
    stop_details: _Object | None = None
    usage: _Usage | None = None


class _Delta(Struct):
    type: str = ""
    text: str | None = None
    partial_json: str | None = None
    thinking: str | None = None
    signature: str | None = None
    citation: _Object | None = None
    content: Any = None
    encrypted_content: Any = None
    stop_reason: str | None = None
    stop_details: _Object | None = None


class _Event(Struct):
    type: str = ""
    index: int = 0
    delta: _Delta | None = None
    content_block: _Object | None = None
    message: _Message | str | None = None
    usage: _Usage | None = None
    error: _Object | str | None = None


class _PlainDelta(Struct, tag_field="type", gc=False):
    """Most events are deltas of three types; whatever is not null where `None` stands is refused."""

    signature: None = None
    citation: None = None
    stop_reason: None = None
    stop_details: None = None


class _TextDelta(_PlainDelta, tag="text_delta", gc=False, kw_only=True):
    text: str
    partial_json: None = None
    thinking: None = None


class _ThinkingDelta(_PlainDelta, tag="thinking_delta", gc=False, kw_only=True):
    thinking: str
    text: None = None
    partial_json: None = None


class _ArgumentsDelta(_PlainDelta, tag="input_json_delta", gc=False, kw_only=True):
    partial_json: str
    text: None = None
    thinking: None = None


class _PlainEvent(Struct, tag_field="type", tag="content_block_delta", gc=False):
    delta: _TextDelta | _ThinkingDelta | _ArgumentsDelta
    index: int = 0
    content_block: None = None
    message: None = None
    usage: None = None
    error: None = None


_decode_plain = msgspec.json.Decoder(_PlainEvent).decode
_EVENT = msgspec.json.Decoder(_Event)


class _OpenBlock:
    """A content block under way: what began it, and the parts that its deltas add."""

    __slots__ = ("call", "citations", "kind", "parts", "start", "text")

    def __init__(self, start: _Object) -> None:
        self.start = dict(start)
        self.citations: list[_Object] = []
        kind = start.get("type")
        self.kind = kind if isinstance(kind, str) else ""
        self.text = Pieces()
        """Of the field that is named as its kind."""
        self.parts: dict[str, Pieces] = {}
        """Of its other fields."""
        self.call: AssembledCall | None = None

    def add(self, field: str, text: str) -> None:
        self.parts.setdefault(field, Pieces()).append(text)

    def is_plain(self) -> bool:
        """Whether the message's text and tool calls say all that the block holds."""
        fields = _PLAIN_FIELDS.get(self.kind)
        if fields is None or self.citations or self.parts:
            return False
        return all(name in fields or not value for name, value in self.start.items())

    def whole(self, max_depth: int) -> _Object:
        """The block as the provider wants it back."""
        block = dict(self.start)
        if self.call is not None:
            block["id"] = self.call.id
        if self.citations:
            block["citations"] = self.citations
        own = {self.kind: text} if (text := self.text.whole()) else {}
        for field, joined in (own | {name: parts.whole() for name, parts in self.parts.items()}).items():
            if field != "input":
                block[field] = str(block.get(field) or "") + joined
            elif self.kind != "tool_use" and joined.strip():
                try:
                    block["input"] = jsontext.decode_object(joined, max_depth)
                except RemoteProtocolError:
                    block["input"] = {"INVALID_JSON": joined}
        return block


class MessagesStream(AnswerStream):
    """One streamed message."""

    plain_prefix = b"event: content_block_delta\ndata: "

    def __init__(self, dialect: Dialect) -> None:
        super().__init__(dialect)
        self._shallow = 2 * self._max_depth  # a JSON text of so many characters cannot nest too deep
        self._blocks: list[_OpenBlock] = []
        self._by_index: dict[int, _OpenBlock] = {}
        self._usage = _Usage()

    def receive_plain(self, payload: bytes, events: list[StreamEvent]) -> bool:
        if len(payload) > self._shallow and not jsontext.is_shallow(payload, self._max_depth):
            return False
        try:
            record = _decode_plain(payload)
        except (ValueError, RecursionError):
            return False
        block, delta = self._by_index.get(record.index), record.delta
        if block is None:
            return False
        if type(delta) is _TextDelta and block.kind == "text":
            if delta.text:
                block.text.append(delta.text)
                self._answer.text.append(delta.text)
                events.append(ContentDelta(delta.text))
        elif type(delta) is _ArgumentsDelta and block.call is not None:
            if delta.partial_json:
                self._answer.calls.add(block.call, delta.partial_json, events)
        elif type(delta) is _ThinkingDelta and block.kind == "thinking":
            if delta.thinking:
                block.text.append(delta.thinking)
                self._answer.add_reasoning(delta.thinking, events)
        else:
            return False
        self.progress += 1
        return True

    def receive(self, event: ServerSentEvent, events: list[StreamEvent]) -> bool:
        data = event.data
        if not data or data.isspace():
            return False
        record = self._decode(data)
        kind = record.type or event.event
        if kind == "ping":
            return False
        self.progress += 1
        if record.error or event.event == "error":
            kind = "error"
        match kind:
            case "content_block_delta":
                self._receive_delta(record, events)
            case "content_block_start":
                if record.content_block is not None:
                    self._begin_block(record.index, record.content_block, events)
            case "content_block_stop":
                self._end_block(record.index)
            case "message_start":
                if isinstance(record.message, _Message):
                    self._receive_message(record.message, events)
            case "message_delta":
                self._merge_usage(record.usage)
                if record.delta is not None:
                    self._receive_stop(record.delta.stop_reason, record.delta.stop_details)
            case "message_stop":
                self._answer.calls.flush(events)
                return True
            case "error":
                self._raise_error(data)
            case _:
                pass  # new kinds of event are added over time, and must be passed over
        return False

    def _decode(self, data: str) -> _Event:
        try:
            return jsontext.decode(data, _EVENT, self._max_depth)
        except RemoteProtocolError:
            kind = jsontext.decode_object(data, self._max_depth).get("type")
            if not isinstance(kind, str) or kind in _KINDS:
                raise
            return _Event(kind)  # of an unknown kind, so what it holds may have any shape

    def receive_whole(self, data: JSONObject) -> None:
        """Take a whole message.

        Raises:
            RemoteProtocolError: it is malformed.
        """
        message = convert(data, _Message)
        if message.content is None:
            raise RemoteProtocolError("the response holds no content, so no answer")
        events: list[StreamEvent] = []
        self._receive_message(message, events)
        self._answer.calls.flush(events)

    def fold(self) -> None:
        super().fold()
        for block in self._blocks:
            block.text.fold()

    def _blocks_to_send_back(self) -> list[JSONObject]:
        """The blocks, where text and tool calls in their usual order would not say it all."""
        blocks = [block for block in self._blocks if block.kind]
        kinds = [block.kind for block in blocks]
        if kinds == sorted(kinds) and all(block.is_plain() for block in blocks):
            return []
        return [block.whole(self._max_depth) for block in blocks]

    def _receive_message(self, message: _Message, events: list[StreamEvent]) -> None:
        answer = self._answer
        if answer.response_id is None and message.id:
            answer.response_id = answer.calls.id_seed = message.id
        answer.model = answer.model or message.model
        self._merge_usage(message.usage)
        if not self._blocks:  # a repeated message_start must not double what it holds
            for index, block in enumerate(message.content or ()):
                self._begin_block(index, block, events)
                self._end_block(index)
        self._receive_stop(message.stop_reason, message.stop_details)

    def _receive_stop(self, reason: str | None, details: _Object | None) -> None:
        if reason:
            self._answer.raw_finish_reason = reason
        explanation = details.get("explanation") if details else None
        if isinstance(explanation, str):
            self._answer.refusal[:] = [explanation]

    def _begin_block(self, index: int, start: _Object, events: list[StreamEvent]) -> _OpenBlock:
        block = self._by_index[index] = _OpenBlock(start)
        self._blocks.append(block)
        answer = self._answer
        if block.kind == "text" and isinstance(text := start.get("text"), str) and text:
            answer.add_text(text, events)
        elif block.kind == "thinking" and isinstance(text := start.get("thinking"), str) and text:
            answer.add_reasoning(text, events)
        elif block.kind == "tool_use":
            call_id, name = start.get("id"), start.get("name")
            if not isinstance(call_id, str | None) or not isinstance(name, str | None):
                raise RemoteProtocolError("a tool_use block whose id or name is no text")
            block.call = answer.calls.find(index, call_id or "", name or "")
            given = start.get("input")
            answer.calls.add(block.call, msgspec.json.encode(given).decode() if given else "", events)
        return block

    def _block(self, kind: str, index: int, events: list[StreamEvent]) -> _OpenBlock:
        """The open block of a kind; one whose start was left out begins with its first delta."""
        block = self._by_index.get(index)
        if block is not None and block.kind == kind:
            return block
        return self._begin_block(index, {"type": kind, kind: ""}, events)

    def _end_block(self, index: int) -> None:
        block = self._by_index.get(index)
        if block is not None and block.call is not None:
            block.call.ended = True

    def _receive_delta(self, record: _Event, events: list[StreamEvent]) -> None:
        delta = record.delta
        if delta is None:
            return
        block = self._by_index.get(record.index)
        match delta.type:
            case "text_delta" if delta.text:
                self._block("text", record.index, events).text.append(delta.text)
                self._answer.add_text(delta.text, events)
            case "thinking_delta" if delta.thinking:
                self._block("thinking", record.index, events).text.append(delta.thinking)
                self._answer.add_reasoning(delta.thinking, events)
            case _ if block is None:
                pass
            case "input_json_delta" if delta.partial_json:
                if block.call is not None:
                    self._answer.calls.add(block.call, delta.partial_json, events)
                else:
                    block.add("input", delta.partial_json)
            case "signature_delta" if delta.signature:
                block.add("signature", delta.signature)
            case "citations_delta" if delta.citation:
                block.citations.append(delta.citation)
            case "compaction_delta":
                block.start |= {"content": delta.content, "encrypted_content": delta.encrypted_content}
            case _:
                pass  # new kinds of delta are added over time, and must be passed over

    def _merge_usage(self, usage: _Usage | None) -> None:
        if usage is None:
            return
        merged = self._usage
        for field in usage.__struct_fields__:
            value = getattr(usage, field)
            if value is not None:
                setattr(merged, field, value)
        cached = merged.cache_read_input_tokens or 0
        written = merged.cache_creation_input_tokens or 0
        details = merged.output_tokens_details or _OutputDetails()
        self._answer.usage = Usage(
            input_tokens=(merged.input_tokens or 0) + cached + written,
            output_tokens=merged.output_tokens or 0,
            cached_tokens=cached,
            cache_write_tokens=written,
            reasoning_tokens=details.thinking_tokens or 0,
        )

    def _raise_error(self, data: str) -> None:
        record = jsontext.decode_object(data, self._max_depth)
        raise self._dialect.error_in(record) or self._dialect.build_error(record, 200, record)
