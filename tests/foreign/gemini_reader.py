"""Gemini's answers, streamed and whole: a reader as an application would write it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, json, structs

import sansio
from sansio import JSONObject, Message
from tests.foreign.gemini_parts import part_of


class _Content(Struct):
    parts: list[dict[str, Any]] | None = None  # Any: JSON that is looked at by hand, here and below


class _Candidate(Struct, rename="camel"):
    content: _Content | None = None
    finish_reason: str | None = None


class _Chunk(Struct, rename="camel"):
    candidates: list[JSONObject] | None = None
    usage_metadata: dict[str, Any] | None = None
    prompt_feedback: JSONObject | None = None
    model_version: str | None = None
    response_id: str | None = None


class GeminiReader(sansio.AnswerReader):
    """One answer. There is no end marker, and parts may follow a finish reason: the body's end decides."""

    def __init__(self, dialect: sansio.Dialect) -> None:
        super().__init__(dialect)
        self._open: sansio.OpenPart | None = None
        self._usage: dict[str, Any] = {}
        self._calls = 0

    def receive(self, data: bytes, events: list[sansio.StreamEvent], name: str = "") -> bool:
        if data.strip():
            record = sansio.decode_object(data.decode("utf-8", "replace"), self._max_depth)
            if (error := self._dialect.error_in(record)) is not None:
                raise error
            self._receive(record, events)
        return False

    def receive_whole(self, data: JSONObject) -> None:
        if not data.get("candidates") and not data.get("promptFeedback"):
            raise sansio.RemoteProtocolError("the response has no candidates, so no answer")
        self._receive(data, [])
        self._answer.calls.flush([])

    def message(self) -> Message:
        message = super().message()
        if message.raw_finish_reason == "UNEXPECTED_TOOL_CALL":  # it was never offered: it must not be run
            return structs.replace(self.partial(), finish_reason=message.finish_reason)
        return message

    def _receive(self, data: JSONObject, events: list[sansio.StreamEvent]) -> None:
        chunk, answer = sansio.convert(data, _Chunk), self._answer
        self.progress += 1
        answer.model = chunk.model_version or answer.model
        if answer.response_id is None and chunk.response_id:
            answer.response_id = answer.calls.id_seed = chunk.response_id
        if chunk.usage_metadata:  # the later count is right, even if it is smaller
            self._usage |= sansio.without_nulls(chunk.usage_metadata)
            answer.usage = _usage(self._usage)
        answer.extra |= sansio.rest(data, "candidates", "usageMetadata", "modelVersion", "responseId")
        if chunk.prompt_feedback and not chunk.candidates:
            answer.raw_finish_reason = str(chunk.prompt_feedback.get("blockReason") or "OTHER")
        for fields in (chunk.candidates or ())[:1]:
            candidate = sansio.convert(fields, _Candidate)
            for part in (candidate.content and candidate.content.parts) or ():
                self._receive_part(part, events)
            answer.extra |= sansio.rest(fields, "content", "finishReason", "index")
            answer.raw_finish_reason = candidate.finish_reason or answer.raw_finish_reason

    def _receive_part(self, wire: dict[str, Any], events: list[sansio.StreamEvent]) -> None:
        part, answer, still_open = part_of(wire), self._answer, self._open
        self._open = None
        match part:
            case sansio.TextPart() | sansio.ReasoningPart():
                # Pieces are joined, but not across a signature: that signs its own piece.
                if still_open is None or still_open.kind is not type(part) or part.extra:
                    still_open = answer.open(type(part))
                still_open.extra = part.extra
                answer.add(still_open, part.text, events)
                answer.close(still_open, events)
                self._open = None if part.extra else still_open
            case sansio.ToolCall():  # found by number: ids are often missing, and names repeated
                call = answer.calls.find(self._calls, part.id, part.name)
                call.extra = part.extra
                self._calls += 1
                answer.calls.add(call, json.encode(part.arguments).decode(), events)
            case _:
                answer.take(part, events)


def _usage(left: Mapping[str, Any]) -> sansio.Usage:
    counts = {name: value for name, value in left.items() if type(value) is int}
    thoughts = counts.pop("thoughtsTokenCount", 0)
    return sansio.Usage(
        input_tokens=counts.pop("promptTokenCount", 0) + counts.pop("toolUsePromptTokenCount", 0),
        output_tokens=counts.pop("candidatesTokenCount", 0) + thoughts,
        cached_tokens=counts.pop("cachedContentTokenCount", 0),
        reasoning_tokens=thoughts,
        extra={name: value for name, value in left.items() if name in counts or type(value) is not int},
    )
