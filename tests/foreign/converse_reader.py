"""Converse's answers: the frames of a stream, and whole ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, json

import sansio
from sansio import JSONObject
from tests.foreign.converse_parts import citation_of, is_call, part_of

_EXCEPTION = "exception:"
_COUNTS = ("inputTokens", "outputTokens", "cacheReadInputTokens", "cacheWriteInputTokens")


class _Frame(Struct, rename="camel"):
    content_block_index: int = 0
    start: dict[str, Any] | None = None  # Any: JSON that is looked at by hand, here and below
    delta: dict[str, Any] | None = None


class _Block:
    """A block under way: a text, a call, or the fields of something that is read when it is whole."""

    def __init__(self) -> None:
        self.part: sansio.OpenPart | None = None
        self.call: sansio.AssembledCall | None = None
        self.wire: dict[str, Any] = {}
        self.input = ""


class ConverseReader(sansio.AnswerReader):
    """One answer. It is whole at `messageStop`; the usage follows, in a frame that may be missing."""

    def __init__(self, dialect: sansio.Dialect) -> None:
        super().__init__(dialect)
        self._blocks: dict[int, _Block] = {}
        self._seen: set[str] = set()

    def receive(self, data: bytes, events: list[sansio.StreamEvent], name: str = "") -> bool:
        record: Any = sansio.decode_object(data.decode("utf-8", "replace"), self._max_depth)
        if name.startswith(_EXCEPTION):
            error = {
                **record,
                "type": name.removeprefix(_EXCEPTION),
                "code": record.get("originalStatusCode"),
            }
            raise self._dialect.build_error(error, 200, record)
        self.progress += 1
        self._seen.add(name)
        found = sansio.convert(record, _Frame)
        match name:
            case "contentBlockStart":
                self._begin(found.content_block_index, found.start or {}, events)
            case "contentBlockDelta":
                self._receive_delta(found.content_block_index, found.delta or {}, events)
            case "contentBlockStop":
                self._end(found.content_block_index, events)
            case "messageStop":
                self._flush(events)
                self._receive_end(record)
            case "metadata":
                self._receive_end(record)
            case _:
                pass  # new kinds of frame are added over time
        return self._seen >= {"messageStop", "metadata"}

    def receive_whole(self, data: JSONObject) -> None:
        output: Any = data.get("output")
        if not isinstance(output, dict) or not isinstance(output.get("message"), dict):
            raise sansio.RemoteProtocolError("the response holds no message, so no answer")
        events: list[sansio.StreamEvent] = []
        for at, block in enumerate(output["message"].get("content") or ()):
            part = part_of(sansio.convert(block, dict))
            match part:
                case sansio.ToolCall():
                    self._begin(at, {"toolUse": block["toolUse"]}, events)
                    self._receive_delta(
                        at, {"toolUse": {"input": json.encode(part.arguments).decode()}}, events
                    )
                case sansio.TextPart() | sansio.ReasoningPart():
                    opened = self._answer.open(type(part))
                    opened.extra = part.extra
                    opened.citations += part.citations if isinstance(part, sansio.TextPart) else ()
                    self._answer.add(opened, part.text, events)
                    self._answer.close(opened, events)
                case _:
                    self._answer.take(part, events)
        self._receive_end(data)
        self._answer.calls.flush(events)

    def receive_eof(self, events: list[sansio.StreamEvent]) -> bool:
        return "messageStop" in self._seen

    def _flush(self, events: list[sansio.StreamEvent]) -> None:
        for at in list(self._blocks):
            self._end(at, events)
        self._answer.calls.flush(events)

    def _block(self, at: int) -> _Block:
        return self._blocks.setdefault(at, _Block())

    def _begin(self, at: int, start: dict[str, Any], events: list[sansio.StreamEvent]) -> None:
        self._end(at, events)
        block, use = self._block(at), start.get("toolUse")
        if isinstance(use, dict) and is_call(use):
            call_id, name = str(use.get("toolUseId") or ""), str(use.get("name") or "")
            block.call = self._answer.calls.find(at, call_id, name)
            block.call.extra = sansio.rest(use, "toolUseId", "name", "input")
            self._answer.calls.add(block.call, "", events)
        else:
            block.wire = {kind: dict(sansio.convert(inner, dict)) for kind, inner in start.items()}

    def _receive_delta(self, at: int, delta: dict[str, Any], events: list[sansio.StreamEvent]) -> None:
        block, answer = self._block(at), self._answer
        for kind, inner in delta.items():
            if kind == "text" and isinstance(inner, str):
                answer.add(self._open(block, sansio.TextPart), inner, events)
            elif kind == "citation" and isinstance(inner, dict):
                self._open(block, sansio.TextPart).citations.append(citation_of(inner))
            elif kind == "reasoningContent" and isinstance(inner, dict):
                part = self._open(block, sansio.ReasoningPart)
                answer.add(part, str(inner.get("text") or ""), events)
                part.extra |= sansio.rest(inner, "text")
            elif kind == "toolUse" and isinstance(inner, dict):
                if block.call is not None:
                    answer.calls.add(block.call, str(inner.get("input") or ""), events)
                else:
                    block.input += str(inner.get("input") or "")
            elif isinstance(inner, list):
                block.wire.setdefault(kind, {}).setdefault("content", []).extend(inner)
            elif isinstance(inner, dict):
                block.wire.setdefault(kind, {}).update(inner)

    def _open(self, block: _Block, kind: Any) -> sansio.OpenPart:
        if block.part is None:
            block.part = self._answer.open(kind)
        return block.part

    def _end(self, at: int, events: list[sansio.StreamEvent]) -> None:
        block = self._blocks.pop(at, None)
        if block is None or block.call is not None:
            return
        if block.part is not None:
            self._answer.close(block.part, events)
        elif block.wire:
            if block.input:
                given = sansio.decode_object(block.input, self._max_depth)
                block.wire.setdefault("toolUse", {})["input"] = given
            self._answer.take(part_of(block.wire), events)

    def _receive_end(self, data: dict[str, Any]) -> None:
        answer, usage = self._answer, data.get("usage")
        reason = data.get("stopReason")
        if isinstance(reason, str):
            answer.raw_finish_reason = reason
        if isinstance(usage, dict):
            answer.usage = _usage(usage)
        answer.extra |= sansio.rest(data, "output", "stopReason", "usage", "p", nulls=("trace",))


def _usage(wire: Mapping[str, Any]) -> sansio.Usage:
    """The counts; the cached parts of the prompt are counted beside `inputTokens`."""
    prompt, output, read, written = (value if type(value := wire.get(name)) is int else 0 for name in _COUNTS)
    return sansio.Usage(
        input_tokens=prompt + read + written,
        output_tokens=output,
        cached_tokens=read,
        cache_write_tokens=written,
        extra=sansio.rest(wire, *_COUNTS),
    )
