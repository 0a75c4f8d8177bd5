"""Reads events and whole answers of Converse into an `Answer`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from sansio import jsontext
from sansio.answers import AssembledCall, OpenPart
from sansio.content import ReasoningPart, TextPart
from sansio.errors import RemoteProtocolError
from sansio.events import ContentDelta, ReasoningDelta, StreamEvent
from sansio.families.base import AnswerReader
from sansio.families.converse.blocks import OpenBlock
from sansio.families.converse.parts import CLIENT_CALLS, call_extra, citation_of, kind_of, part_of
from sansio.families.converse.usage import read_usage
from sansio.families.converse.wire import PADDING, decode_plain
from sansio.families.fields import rest, text_or_none
from sansio.families.foreign import foreign_error
from sansio.families.runtime import EXCEPTION, read_exception
from sansio.jsontext import JSON, JSONObject

if TYPE_CHECKING:
    from sansio.families.base import Dialect

_TEXTS: dict[str, type[TextPart | ReasoningPart]] = {
    "text": TextPart,
    "citation": TextPart,
    "reasoningContent": ReasoningPart,
}
"""Kinds of deltas whose text arrives in pieces, with the type of their part. Their blocks have no start
event."""


class ConverseReader(AnswerReader):
    """Reads one answer.

    The answer is complete at `messageStop`, but its token counts follow, in `metadata`.
    """

    def __init__(self, dialect: Dialect) -> None:
        super().__init__(dialect)
        self._blocks: list[OpenBlock] = []
        self._by_index: dict[int, OpenBlock] = {}
        # What plain deltas add to, by the index of their block.
        self._texts: dict[int, OpenPart] = {}
        self._thoughts: dict[int, OpenPart] = {}
        self._calls: dict[int, AssembledCall] = {}
        self._stopped = self._counted = False

    def receive(self, data: bytes, events: list[StreamEvent], name: str = "") -> bool:
        # Most events add text, arguments or reasoning to an open block, and are read in one step. All of
        # their fields are known, so their depth needs no check.
        if name == "contentBlockDelta":
            try:
                record = decode_plain(data)
            except (ValueError, RecursionError):
                return self._receive_any(data, events, name)
            delta = record.delta
            said = delta.text
            if said is not None:
                text = self._texts.get(record.contentBlockIndex)
                if text is not None and delta.toolUse is None and delta.reasoningContent is None:
                    if said:
                        if text.index < 0:
                            self._answer.place(text)
                        text.append(said)
                        events.append(ContentDelta(said, text.index))
                    self.progress += 1
                    return False
            elif delta.toolUse is not None:
                call = self._calls.get(record.contentBlockIndex)
                if call is not None and delta.reasoningContent is None:
                    self._answer.calls.add(call, delta.toolUse.input, events)
                    self.progress += 1
                    return False
            elif delta.reasoningContent is not None:
                thought = self._thoughts.get(record.contentBlockIndex)
                if thought is not None:
                    said = delta.reasoningContent.text
                    if said:
                        if thought.index < 0:
                            self._answer.place(thought)
                        thought.append(said)
                        events.append(ReasoningDelta(said, thought.index))
                    self.progress += 1
                    return False
        return self._receive_any(data, events, name)

    def _receive_any(self, data: bytes, events: list[StreamEvent], name: str) -> bool:
        if name.startswith(EXCEPTION):
            error = read_exception(self._dialect, name, data)
            self.progress += 1
            raise error
        record = jsontext.decode_object(data.decode("utf-8", "replace") or "{}", self._max_depth)
        self.progress += 1
        answer = self._answer
        match name:
            case "contentBlockDelta":
                delta = _object(record, "delta")
                index = _index(record)
                for kind, added in delta.items():
                    self._receive_delta(index, kind, added, events)
                self._keep_beside(
                    index, rest(record, "delta", "contentBlockIndex", PADDING, nulls=(PADDING,))
                )
            case "contentBlockStart":
                self._receive_start(_index(record), _object(record, "start"), events)
                self._keep_beside(
                    _index(record), rest(record, "start", "contentBlockIndex", PADDING, nulls=(PADDING,))
                )
            case "contentBlockStop":
                self._end(_index(record), events)
                self._keep(rest(record, "contentBlockIndex", PADDING))
            case "messageStart":
                self._keep(rest(record, "role", PADDING))
            case "messageStop":
                self._flush(events)
                answer.raw_finish_reason = text_or_none(record.get("stopReason"))
                self._stopped = True
                self._keep(rest(record, "stopReason", PADDING))
                return self._counted
            case "metadata":
                self._receive_counts(record)
                return self.receive_eof(events)
            case _:
                # New types of events are added over time, and must be ignored.
                self._refuse(record)
        return False

    def _refuse(self, record: JSONObject) -> None:
        """Raise an error if an unknown event is one, or if it belongs to another wire family."""
        found = self._dialect.error_in(record) or foreign_error(record, "converse", self._dialect)
        if found is not None:
            raise found

    def receive_eof(self, events: list[StreamEvent]) -> bool:
        if self._stopped:
            self._flush(events)  # a server may go on after its `messageStop`
        return self._stopped

    def receive_whole(self, data: JSONObject) -> None:
        output = data.get("output")
        message = output.get("message") if isinstance(output, dict) else None
        blocks = message.get("content") if isinstance(message, dict) else None
        if not isinstance(message, dict) or not isinstance(blocks, list):
            raise foreign_error(data, "converse", self._dialect) or RemoteProtocolError(
                "the response holds no message, so no answer"
            )
        events: list[StreamEvent] = []
        for index, block in enumerate(blocks):
            if not isinstance(block, dict):
                raise RemoteProtocolError("JSON of an unknown shape: a block of the content is not an object")
            use = block.get("toolUse")
            if isinstance(use, dict) and use.get("type") in CLIENT_CALLS:
                call = self._begin_call(index, block, use)
                given = use.get("input")
                text = given if isinstance(given, str) else msgspec.json.encode(given).decode()
                self._answer.calls.add(call, text if given else "", events)
            else:
                self._answer.take(part_of(block), events)
        self._answer.calls.flush(events)
        self._answer.raw_finish_reason = text_or_none(data.get("stopReason"))
        self._keep(rest(message, "role", "content"))
        self._receive_counts(rest(data, "output", "stopReason"))

    def fold(self) -> None:
        super().fold()
        for block in self._blocks:
            block.fold()

    def _flush(self, events: list[StreamEvent]) -> None:
        for index in [*self._by_index]:
            self._end(index, events)
        self._answer.calls.flush(events)

    def _keep(self, fields: JSONObject) -> None:
        """Keep fields of the message that have no typed field. Nulls are dropped."""
        self._answer.extra |= {name: value for name, value in fields.items() if value is not None}

    def _keep_beside(self, index: int, fields: JSONObject) -> None:
        """Keep the other fields of a block's event: in the block if it is open, else in the message."""
        if not fields:
            return
        block = self._by_index.get(index)
        if block is None:
            self._keep(fields)
        else:
            block.beside |= fields

    def _receive_counts(self, record: JSONObject) -> None:
        """Read the usage, and keep the fields beside it."""
        usage = record.get("usage")
        if isinstance(usage, dict):
            self._answer.usage = read_usage(usage)
        self._counted = True
        self._keep(rest(record, *(("usage",) if isinstance(usage, dict) else ()), PADDING))

    def _receive_start(self, index: int, start: JSONObject, events: list[StreamEvent]) -> None:
        """Begin a block, unless its start is empty."""
        if not _TEXTS.keys().isdisjoint(start):
            for kind, said in start.items():
                self._receive_delta(index, kind, said, events)
        elif start:
            self._begin(index, start, events)

    def _begin(self, index: int, start: JSONObject, events: list[StreamEvent]) -> OpenBlock:
        """Begin a block, and end the one that is open at its index."""
        self._end(index, events)
        kind = kind_of(start)
        block = OpenBlock(kind, start)
        use = start.get("toolUse")
        if isinstance(use, dict) and use.get("type") in CLIENT_CALLS:
            block.call = self._calls[index] = self._begin_call(index, start, use)
            given = use.get("input")
            self._answer.calls.add(block.call, msgspec.json.encode(given).decode() if given else "", events)
        elif kind in _TEXTS:
            block.part = self._answer.open(_TEXTS[kind])
            (self._texts if _TEXTS[kind] is TextPart else self._thoughts)[index] = block.part
        self._by_index[index] = block
        self._blocks.append(block)
        return block

    def _begin_call(self, index: int, block: JSONObject, use: JSONObject) -> AssembledCall:
        call_id, name = use.get("toolUseId"), use.get("name")
        if not isinstance(call_id, str | None) or not isinstance(name, str | None):
            raise RemoteProtocolError(
                "JSON of an unknown shape: a toolUse whose toolUseId or name is not text"
            )
        call = self._answer.calls.find(index, call_id or "", name or "")
        call.extra = call_extra(block)
        return call

    def _receive_delta(self, index: int, kind: str, added: JSON, events: list[StreamEvent]) -> None:
        """Add to a block. A block without a start event begins with its first delta."""
        block = self._by_index.get(index)
        if kind in _TEXTS:
            wanted = _TEXTS[kind]
            if block is None or block.part is None or block.part.kind is not wanted:
                block = self._begin(index, {kind: ""}, events)
            assert block.part is not None
            self._add_text(block, block.part, kind, added, events)
            return
        if block is None:
            block = self._begin(index, {kind: {}}, events)
        if block.call is not None and kind == "toolUse" and isinstance(added, dict):
            piece = added.get("input")
            if not isinstance(piece, str | None):
                raise RemoteProtocolError("JSON of an unknown shape: the input of a toolUse is not text")
            self._answer.calls.add(block.call, piece or "", events)
            block.call.extra |= rest(added, "input", nulls=("input",))
        elif block.part is not None:
            block.beside[kind] = added
        else:
            block.add(kind, added)

    def _add_text(
        self, block: OpenBlock, part: OpenPart, kind: str, added: JSON, events: list[StreamEvent]
    ) -> None:
        if kind == "citation":
            if not isinstance(added, dict):
                raise RemoteProtocolError("JSON of an unknown shape: a citation is not an object")
            part.citations.append(citation_of(added))
            return
        said = added
        if kind == "reasoningContent":
            if not isinstance(added, dict):
                raise RemoteProtocolError("JSON of an unknown shape: reasoningContent is not an object")
            said = added.get("text")
            for name, value in rest(added, "text", nulls=("text",)).items():
                block.add_field(name, value)
        if not isinstance(said, str | None):
            raise RemoteProtocolError("JSON of an unknown shape: the text of a delta is not text")
        self._answer.add(part, said or "", events)

    def _end(self, index: int, events: list[StreamEvent]) -> None:
        """End the block at an index, if one is open."""
        block = self._by_index.pop(index, None)
        if block is None:
            return
        for opened in (self._texts, self._thoughts, self._calls):
            opened.pop(index, None)
        if block.part is not None:
            block.part.extra = block.part_extra()
            self._answer.close(block.part, events)
        elif block.call is not None:
            block.call.extra |= block.beside
        else:
            self._answer.take(part_of(block.whole(self._max_depth)), events)


def _object(record: JSONObject, field: str) -> JSONObject:
    value = record.get(field)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise RemoteProtocolError(f"JSON of an unknown shape: {field} is not an object")
    return value


def _index(record: JSONObject) -> int:
    index = record.get("contentBlockIndex", 0)
    if type(index) is not int:
        raise RemoteProtocolError("JSON of an unknown shape: contentBlockIndex is not an integer")
    return index
