"""Cohere's chat events, and whole responses, read into an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sansio import jsontext
from sansio.answers import AssembledCall, OpenPart
from sansio.content import ReasoningPart, TextPart, UnknownPart
from sansio.errors import APIStatusError, RemoteProtocolError
from sansio.events import ContentDelta, ReasoningDelta, StreamEvent
from sansio.families.base import AnswerReader
from sansio.families.cohere.parts import CITATIONS, PLAN, call_fields, citation_of
from sansio.families.cohere.usage import read_usage
from sansio.families.cohere.wire import (
    END_FIELDS,
    EVENT_FIELDS,
    MESSAGE_FIELDS,
    RESPONSE_FIELDS,
    ArgumentsPiece,
    ContentPiece,
    PlanPiece,
    decode_plain,
)
from sansio.families.fields import rest, text_or_none
from sansio.families.foreign import foreign_error
from sansio.jsontext import JSON, JSONObject

if TYPE_CHECKING:
    from sansio.families.base import Dialect

_DONE = b"[DONE]"
_KINDS: dict[str, type[TextPart | ReasoningPart]] = {"text": TextPart, "thinking": ReasoningPart}
_FAILED = {"ERROR": "the answer failed without an explanation", "TIMEOUT": "the generation took too long"}
"""Finish reasons of failed answers, each with the error's text if the provider sends none."""


class CohereReader(AnswerReader):
    """One answer: content blocks, a plan for tools, tool calls, and citations of all of them.

    Blocks and calls are numbered separately. A block's citations arrive after its end, so its part is
    complete only at the end of the answer.
    """

    def __init__(self, dialect: Dialect) -> None:
        super().__init__(dialect)
        self._blocks: list[OpenPart] = []
        self._open: dict[int, OpenPart] = {}  # the blocks to which more may be added
        self._by_index: dict[int, OpenPart] = {}
        self._firsts: dict[type[TextPart | ReasoningPart], OpenPart] = {}
        self._others: dict[int, JSONObject] = {}  # blocks of unknown types
        self._plan: OpenPart | None = None
        self._calls: dict[int, AssembledCall] = {}
        self._begun = 0  # how many calls have begun

    def receive(self, data: bytes, events: list[StreamEvent], name: str = "") -> bool:
        # Most events add to what is open, and are read in one step. Their fields nest no deeper than the
        # shapes that they must have, so their depth needs no check.
        try:
            record = decode_plain(data)
        except (ValueError, RecursionError):
            return self._receive_any(data, events)
        if type(record) is ContentPiece:
            content = record.delta.message.content
            part = self._open.get(record.index)
            if part is not None and part.index >= 0:
                if part.kind is TextPart:
                    if (said := content.text) and not content.thinking:
                        part.append(said)
                        events.append(ContentDelta(said, part.index))
                        self.progress += 1
                        return False
                elif (said := content.thinking) and not content.text:
                    part.append(said)
                    events.append(ReasoningDelta(said, part.index))
                    self.progress += 1
                    return False
        elif type(record) is ArgumentsPiece:
            call = self._calls.get(record.index)
            said = record.delta.message.tool_calls.function.arguments
            if call is not None:
                self._answer.calls.add(call, said, events)
                self.progress += 1
                return False
        elif (
            type(record) is PlanPiece
            and (plan := self._plan) is not None
            and (said := record.delta.message.tool_plan)
        ):
            plan.append(said)
            events.append(ReasoningDelta(said, plan.index))
            self.progress += 1
            return False
        return self._receive_any(data, events)

    def _receive_any(self, data: bytes, events: list[StreamEvent]) -> bool:
        if not data or data.isspace() or data.strip() == _DONE:
            return False  # the marker follows the last event, or is missing; anywhere else it ends nothing
        record = jsontext.decode_object(data.decode("utf-8", "replace"), self._max_depth)
        kind = record.get("type")
        message = _object(_object(record, "delta"), "message")
        index = _index(record)
        match kind:
            case "content-start" | "content-delta":
                begins = kind == "content-start"
                self._receive_content(index, _object(message, "content"), events, begins=begins)
            case "content-end":
                self._open.pop(index, None)
                self._end_other(index, events)
            case "tool-plan-delta":
                self._receive_plan(_text(message, PLAN), events)
            case "tool-call-start" | "tool-call-delta":
                for call in _objects(message.get("tool_calls")):
                    self._receive_call(index, call, events, begins=kind == "tool-call-start")
            case "tool-call-end":
                self._calls.pop(index, None)
            case "citation-start":
                for citation in _objects(message.get(CITATIONS)):
                    self._cite(citation)
            case "message-start":
                self._receive_id(record)
                self._receive_message(message, events)
            case "message-end":
                self._receive_end(record, _object(record, "delta"), events)
            case _:
                # New types of event are added over time, and must be ignored.
                if (
                    error := self._dialect.error_in(record) or foreign_error(record, "cohere", self._dialect)
                ) is not None:
                    self.progress += 1
                    raise error
                if kind != "debug":
                    return False
        self.progress += 1
        self._keep(rest(record, *EVENT_FIELDS))
        if record.get("logprobs") is not None:
            listed = self._answer.extra.setdefault("logprobs", [])
            assert isinstance(listed, list)
            listed.append(record["logprobs"])
        return kind == "message-end"

    def receive_whole(self, data: JSONObject) -> None:
        if not isinstance(data.get("message"), dict):
            raise foreign_error(data, "cohere", self._dialect) or RemoteProtocolError(
                "the response holds no message, so no answer"
            )
        self._receive_id(data)
        self._receive_message(_object(data, "message"), [])
        self._keep(rest(data, *RESPONSE_FIELDS))
        self._receive_end(data, data, [])

    def _flush(self, events: list[StreamEvent]) -> None:
        for index in list(self._others):
            self._end_other(index, events)
        for part in self._blocks:
            self._answer.close(part, events)
        self._blocks = []
        super()._flush(events)

    def _receive_id(self, record: JSONObject) -> None:
        answer, name = self._answer, text_or_none(record.get("id"))
        if name is None:
            return
        if answer.response_id not in (None, name):
            raise RemoteProtocolError("a second answer begins inside the first: two streams were mixed up")
        answer.response_id = answer.calls.id_seed = name

    def _receive_message(self, message: JSONObject, events: list[StreamEvent]) -> None:
        """Read a message; the one at a stream's beginning is empty."""
        self._receive_plan(_text(message, PLAN), events)
        content = message.get("content")
        blocks: list[JSON] = (
            [{"type": "text", "text": content}] if isinstance(content, str) else _list(content)
        )
        for index, block in enumerate(blocks):
            if not isinstance(block, dict):
                raise RemoteProtocolError("JSON of an unknown shape: a content block is not an object")
            self._receive_content(index, block, events, begins=True)
            self._end_other(index, events)
        for index, call in enumerate(_objects(message.get("tool_calls"))):
            self._receive_call(index, call, events, begins=True)
            self._calls.pop(index, None)
        for citation in _objects(message.get(CITATIONS)):
            self._cite(citation)
        self._keep(rest(message, *MESSAGE_FIELDS))

    def _receive_content(
        self, index: int, content: JSONObject, events: list[StreamEvent], *, begins: bool
    ) -> None:
        kind = content.get("type")
        if begins and isinstance(kind, str) and kind not in _KINDS:
            self._others[index] = dict(content)
            return
        if not begins and (other := self._others.get(index)) is not None:
            for name, value in content.items():
                known = other.get(name)
                other[name] = known + value if isinstance(known, str) and isinstance(value, str) else value
            return
        if begins:
            self._open.pop(index, None)
        said = {name: _text(content, name) for name in _KINDS}
        for name, kind_of in _KINDS.items():
            if said[name] or kind == name:
                part = self._part(index, kind_of)
                self._answer.add(part, said[name], events)
                part.extra |= {n: v for n, v in rest(content, "type", *_KINDS).items() if v is not None}

    def _part(self, index: int, kind: type[TextPart | ReasoningPart]) -> OpenPart:
        """The open block of a kind; a block without a start event begins with its first piece."""
        part = self._open.get(index)
        if part is None or part.kind is not kind:
            part = self._open[index] = self._by_index[index] = self._answer.open(kind)
            self._blocks.append(part)
            self._firsts.setdefault(kind, part)
        return part

    def _end_other(self, index: int, events: list[StreamEvent]) -> None:
        if (block := self._others.pop(index, None)) is not None:
            self._answer.take(UnknownPart(str(block.get("type")), block), events)

    def _receive_plan(self, text: str, events: list[StreamEvent]) -> None:
        if not text:
            return
        if self._plan is None:
            self._plan = self._answer.open(ReasoningPart)
            self._plan.extra["field"] = PLAN
        self._answer.add(self._plan, text, events)

    def _receive_call(self, index: int, call: JSONObject, events: list[StreamEvent], *, begins: bool) -> None:
        call_id, name, arguments, extra = call_fields(call)
        known = None if begins else self._calls.get(index)
        if known is None:
            known = self._calls[index] = self._answer.calls.find(self._begun, call_id, name)
            self._begun += 1
        known.extra |= extra
        self._answer.calls.add(known, arguments, events)

    def _cite(self, data: JSONObject) -> None:
        """Keep a citation with its part or, if there is none, with the message."""
        index, kind = data.get("content_index"), data.get("type")
        wanted = ReasoningPart if kind == "THINKING_CONTENT" else TextPart
        part = self._plan
        if kind != "PLAN":
            part = self._firsts.get(wanted)
            if index is not None:
                part = self._by_index.get(index) if type(index) is int else None
        if part is not None and part.kind is TextPart:
            part.citations.append(citation_of(data))
            return
        extra = self._answer.extra if part is None else part.extra
        if part is not None:
            data = rest(data, "content_index")
        listed = extra.setdefault(CITATIONS, [])
        assert isinstance(listed, list)
        listed.append(data)

    def _receive_end(self, record: JSONObject, end: JSONObject, events: list[StreamEvent]) -> None:
        """Read how an answer ended.

        Raises:
            APIStatusError: the answer failed, though the status was 200.
        """
        answer = self._answer
        usage = end.get("usage")
        if isinstance(usage, dict) and usage:
            answer.usage = read_usage(usage)
        reason = text_or_none(end.get("finish_reason"))
        if reason in _FAILED:
            self.progress += 1
            raise self._failure(record, end, reason)
        answer.raw_finish_reason = reason
        if end is not record:
            self._keep(rest(end, *END_FIELDS))
        self._flush(events)

    def _failure(self, record: JSONObject, end: JSONObject, reason: str) -> APIStatusError:
        said = text_or_none(end.get("error")) or _FAILED[reason]
        kind = text_or_none(end.get("error_type")) or reason
        error: JSONObject = {"message": said, "type": kind}
        if kind not in self._dialect.STATUS_BY_ERROR:
            error["status_code"] = 500
        return self._dialect.build_error(error, 200, record)

    def _keep(self, fields: JSONObject) -> None:
        """Keep fields that have no typed field. Null adds nothing."""
        for name, value in fields.items():
            if value is not None:
                self._answer.extra[name] = value


def _object(record: JSONObject, name: str) -> JSONObject:
    value = record.get(name)
    if not isinstance(value, dict | None):
        raise RemoteProtocolError(f"JSON of an unknown shape: {name} is not an object")
    return value or {}


def _text(record: JSONObject, name: str) -> str:
    value = record.get(name)
    if not isinstance(value, str | None):
        raise RemoteProtocolError(f"JSON of an unknown shape: {name} is not text")
    return value or ""


def _index(record: JSONObject) -> int:
    index = record.get("index")
    if index is None:
        return 0
    if type(index) is not int:
        raise RemoteProtocolError("JSON of an unknown shape: index is not an integer")
    return index


def _list(value: JSON) -> list[JSON]:
    return value if isinstance(value, list) else []


def _objects(value: JSON) -> list[JSONObject]:
    """The objects of a list; a stream may have a single object instead, which is then a list of one."""
    listed = [value] if isinstance(value, dict) else _list(value)
    return [item for item in listed if isinstance(item, dict)]
