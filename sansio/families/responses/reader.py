"""The events of a response, and whole responses, read into an answer."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from sansio import jsontext
from sansio.answers import AssembledCall, OpenPart
from sansio.content import ReasoningPart, RefusalPart, TextPart
from sansio.errors import InternalServerError, ProviderError, RemoteProtocolError
from sansio.events import ContentDelta, ReasoningDelta, StreamEvent, ToolCallDelta
from sansio.families.base import AnswerReader
from sansio.families.fields import rest, text_or_none
from sansio.families.foreign import foreign_error
from sansio.families.responses.items import OpenItem
from sansio.families.responses.options import rest_query
from sansio.families.responses.parts import CALLS, CONTENT, SUMMARY, TextualPart, citation_of
from sansio.families.responses.usage import read_usage
from sansio.families.responses.wire import (
    EVENT_FIELDS,
    REQUEST_FIELDS,
    RESPONSE_FIELDS,
    ArgumentsDelta,
    Plain,
    RawDelta,
    SummaryDelta,
    TextDelta,
    decode_plain,
)
from sansio.jsontext import JSON, JSONObject

if TYPE_CHECKING:
    from sansio.families.base import Dialect
    from sansio.http.messages import Request

_DONE = b"[DONE]"

_TEXTS: dict[str, tuple[type[TextualPart], str, str, str]] = {
    "response.output_text": (TextPart, CONTENT, "content_index", "text"),
    "response.refusal": (RefusalPart, CONTENT, "content_index", "refusal"),
    "response.reasoning_summary_text": (ReasoningPart, SUMMARY, "summary_index", "text"),
    "response.reasoning_text": (ReasoningPart, CONTENT, "content_index", "text"),
}
"""Events that add to a text, without `.delta` or `.done`: the part's kind, the item's list, the field with
the position in that list, and the field of the whole text, which the last event has."""
_BLOCKS = {
    "output_text": "response.output_text",
    "refusal": "response.refusal",
    "summary_text": "response.reasoning_summary_text",
    "reasoning_text": "response.reasoning_text",
}
"""The events that add to the text of a block, by the block's type."""
_ARGUMENTS = {
    "response.function_call_arguments": ("function_call", "arguments"),
    "response.custom_tool_call_input": ("custom_tool_call", "input"),
}
"""Events that add to a call's arguments: the item's type, and the field of the whole."""
_INPUTS = {
    "response.mcp_call_arguments": ("mcp_call", "arguments"),
    "response.code_interpreter_call_code": ("code_interpreter_call", "code"),
}
"""Events that add to the input of a provider's tool: the item's type, and its field."""
_BEGINNINGS = frozenset(("response.created", "response.queued", "response.in_progress"))
_ENDS = frozenset(("response.completed", "response.incomplete"))
_ID = re.compile(r"(?!\.+\Z)[!-~]{1,1000}")
"""Ids that can be part of an address: text of a reasonable length, without a step to another folder."""
_MAX_NUMBER = 2**53
"""Numbers of events are smaller: larger ones are not exact in JSON."""


class ResponsesReader(AnswerReader):
    """One response.

    Items are identified by their `output_index`: some servers change all ids from event to event.
    """

    def __init__(self, dialect: Dialect) -> None:
        super().__init__(dialect)
        self._items: list[OpenItem] = []
        self._by_index: dict[tuple[int, str], OpenItem] = {}
        # The parts that plain events add to, by the events' indexes.
        self._texts: dict[tuple[int, int], OpenPart] = {}
        self._summaries: dict[tuple[int, int], OpenPart] = {}
        self._raw: dict[tuple[int, int], OpenPart] = {}
        self._functions: dict[int, AssembledCall] = {}
        self._customs: dict[int, AssembledCall] = {}
        self._sequence = -1  # the number of the last event that was read
        self._kept = False  # the server says that it makes the response in the background
        self._resumed = False
        self._decode: Callable[[bytes], Plain] = decode_plain

    def resume(self, request: Request) -> Request | None:
        """See `AnswerReader.resume`: possible in the background, if the server keeps and numbers its events.

        The rest may begin at any event: events that were read are recognised by their numbers. Source:
        OpenAI's SDK (`ResponseRetrieveParams`) and its page on background mode.
        """
        name = self._answer.response_id
        numbered = 0 <= self._sequence < _MAX_NUMBER
        if not (self._kept and numbered and name is not None and _ID.fullmatch(name)):
            return None
        self._resumed = True
        self._decode = _decode_nothing
        for item in self._items:
            item.fixed = True
        return request.below(name, rest_query(request.body, self._sequence))

    def receive(self, data: bytes, events: list[StreamEvent], name: str = "") -> bool:
        # Most events add text, reasoning or arguments to what is open, and are read in one step. Their fields
        # nest no deeper than an empty list, and what is skipped is not built, so their depth needs no check.
        try:
            record = self._decode(data)
        except (ValueError, RecursionError):
            return self._receive_any(data, events)
        said = record.delta
        if type(record) is TextDelta:
            part = self._texts.get((record.output_index, record.content_index))
            if part is not None and said:
                part.append(said)
                events.append(ContentDelta(said, part.index))
                self._sequence = record.sequence_number
                self.progress += 1
                return False
        elif type(record) is SummaryDelta:
            part = self._summaries.get((record.output_index, record.summary_index))
            if part is not None and said:
                part.append(said)
                events.append(ReasoningDelta(said, part.index))
                self._sequence = record.sequence_number
                self.progress += 1
                return False
        elif type(record) is RawDelta:
            part = self._raw.get((record.output_index, record.content_index))
            if part is not None and said:
                part.append(said)
                events.append(ReasoningDelta(said, part.index))
                self._sequence = record.sequence_number
                self.progress += 1
                return False
        else:
            calls = self._functions if type(record) is ArgumentsDelta else self._customs
            call = calls.get(record.output_index)
            if call is not None and said:
                call.append(said)
                events.append(ToolCallDelta(call.index, said))
                self._sequence = record.sequence_number
                self.progress += 1
                return False
        return self._receive_any(data, events)

    def _receive_any(self, data: bytes, events: list[StreamEvent]) -> bool:
        if not data or data.isspace() or data.strip() == _DONE:
            return False  # some servers add a marker after the end; before it, it ends nothing
        record = jsontext.decode_object(data.decode("utf-8", "replace"), self._max_depth)
        kind, number = record.get("type"), record.get("sequence_number")
        if not isinstance(kind, str) or not kind.startswith("response."):
            self._refuse(record)
            if self._resumed and type(number) is int and number == self._sequence + 1:
                self._sequence = number  # such as `keepalive`: a server may number that too
            return False
        if self._resumed and not self._is_next(record, number):
            return False
        self.progress += 1
        over = self._receive_event(kind, record, events)
        # Last, so that an event that cannot be read, since it may have been cut, is requested again.
        self._sequence = number if type(number) is int else -1
        return over

    def _is_next(self, record: JSONObject, number: JSON) -> bool:
        """Whether an event of a resumed stream is new.

        Raises:
            RemoteProtocolError: it belongs to another response, or does not directly follow what was read.
        """
        response = record.get("response")
        other = text_or_none(response.get("id")) if isinstance(response, dict) else None
        if other not in (None, self._answer.response_id):
            raise RemoteProtocolError(
                f"the rest of {self._answer.response_id} was asked for, and events of {other} received"
            )
        if type(number) is not int or number > self._sequence + 1:
            raise RemoteProtocolError(
                f"the rest of the response has an event with sequence_number {number!r} where "
                f"{self._sequence + 1} is next; without the events between, the answer is not whole"
            )
        return number > self._sequence

    def _receive_event(self, kind: str, record: JSONObject, events: list[StreamEvent]) -> bool:
        at = _index(record, "output_index")
        name, _, step = kind.rpartition(".")
        if step == "delta":
            if name in _TEXTS or name in _ARGUMENTS or name in _INPUTS:
                self._receive_delta(name, at, record, events)
        elif step == "done" and (name in _TEXTS or name in _ARGUMENTS):
            self._receive_whole_text(name, at, record, events)
        elif kind in ("response.output_item.added", "response.output_item.done"):
            if item := _object(record, "item"):
                (self._add if step == "added" else self._end)(at, item, events)
        elif kind == "response.output_text.annotation.added":
            part = self._part("response.output_text", at, record)
            part.citations.append(citation_of(_object(record, "annotation")))
        elif step == "added" and (text := _BLOCKS.get(str(_object(record, "part").get("type")))):
            self._part(text, at, record)
        elif kind == "response.failed":
            response = _object(record, "response")
            self._receive_response(response)
            raise self._failure(response, record)
        elif kind in _ENDS:
            response = _object(record, "response")
            self._receive_response(response)
            self._keep(rest(record, *EVENT_FIELDS))
            self._receive_end(response, text_or_none(response.get("status")) or step, events)
            return True
        elif kind in _BEGINNINGS:
            self._receive_response(_object(record, "response"))
        return False  # other events are progress, or repeated when the item is done, or of new types

    def receive_whole(self, data: JSONObject) -> None:
        if not isinstance(data.get("output"), list):
            raise foreign_error(data, "responses", self._dialect) or RemoteProtocolError(
                "the response holds no output, so no answer"
            )
        status = text_or_none(data.get("status"))
        self._receive_response(data)
        if status == "failed":
            raise self._failure(data, data)
        self._receive_end(data, status or "completed", [])

    def fold(self) -> None:
        super().fold()
        for item in self._items:
            item.fold()

    def _flush(self, events: list[StreamEvent]) -> None:
        for item in self._items:
            if not item.done:
                item.finish(events)
        self._answer.calls.flush(events)
        for item in self._items:
            item.give_sealed(events)

    def _refuse(self, record: JSONObject) -> None:
        """Raise an event's error, which may be an object in it, a text in it, or the event itself."""
        error = record.get("error")
        if isinstance(error, dict):
            error = {"status_code": record.get("status"), **error}
        elif error or record.get("type") == "error":
            error = {"message": error, **rest(record, "type")}
        found = (
            self._dialect.build_error(error, 200, record)
            if isinstance(error, dict)
            else self._dialect.error_in(record) or foreign_error(record, "responses", self._dialect)
        )
        if found is not None:
            self.progress += 1
            raise found

    def _failure(self, response: JSONObject, record: JSONObject) -> ProviderError:
        """The error of a response that failed."""
        error = response.get("error")
        if isinstance(error, dict):
            return self._dialect.build_error(error, 200, record)
        return InternalServerError(
            "the response failed without an explanation", status=500, error_type="failed"
        )

    def _receive_response(self, response: JSONObject) -> None:
        """Read the fields of a response except its items. Later events replace earlier values."""
        answer = self._answer
        if (response_id := text_or_none(response.get("id"))) is not None:
            answer.response_id = response_id
            answer.calls.id_seed = answer.calls.id_seed or response_id
        if isinstance(response.get("background"), bool):
            self._kept = response["background"] is True and response.get("store") is not False
        answer.model = text_or_none(response.get("model")) or answer.model
        usage = response.get("usage")
        if isinstance(usage, dict):
            answer.usage = read_usage(usage)
        self._keep(
            {
                name: value
                for name, value in response.items()
                if name not in RESPONSE_FIELDS and name not in REQUEST_FIELDS
            }
        )
        # An object repeats what the request asked for. The model's own reasoning would be text.
        if isinstance(answer.extra.get("reasoning"), dict):
            del answer.extra["reasoning"]

    def _keep(self, fields: JSONObject) -> None:
        """Keep fields that have no typed field. Null and empty values add nothing."""
        for name, value in fields.items():
            if value not in (None, {}, []):
                self._answer.extra[name] = value

    def _receive_end(self, response: JSONObject, status: str, events: list[StreamEvent]) -> None:
        self._answer.raw_finish_reason = status
        details = response.get("incomplete_details")
        if isinstance(details, dict):
            self._answer.raw_finish_reason = text_or_none(details.get("reason")) or status
            self._keep({"incomplete_details": rest(details, "reason")})
        output = response.get("output")
        items = [item for item in output if isinstance(item, dict)] if isinstance(output, list) else []
        for known, last in self._matched(items):
            if known is None:
                self._end(1 + max([item.at for item in self._items], default=-1), last, events)
            elif not known.done:
                self._end(known.at, last, events)
            else:
                known.reseal(last)
        self._flush(events)

    def _matched(self, output: list[JSONObject]) -> list[tuple[OpenItem | None, JSONObject]]:
        """The items of the last event, each with its open item from earlier events, if there is one.

        They are matched by their order if all their types agree, else by their ids. Finished items take
        precedence: the list may be empty, or numbered in another way.
        """
        known = sorted(self._items, key=lambda item: item.at)
        if [item.kind for item in known] == [str(item.get("type")) for item in output]:
            return list(zip(known, output, strict=True))
        by_id = {str(item.start["id"]): item for item in known if isinstance(item.start.get("id"), str)}
        pairs = [(by_id.get(str(item.get("id"))), item) for item in output]
        if len({id(item) for item, _ in pairs if item is not None}) < len(known):
            return [(item, last) for item, last in pairs if item is not None]
        return [*pairs]

    def _add(self, at: int, start: JSONObject, events: list[StreamEvent]) -> None:
        known = self._by_index.get((at, str(start.get("type"))))
        if known is None or known.start != start:  # an event that is repeated must not double the item
            self._begin(at, start, events)

    def _begin(self, at: int, start: JSONObject, events: list[StreamEvent]) -> OpenItem:
        item = OpenItem(self._answer, at, len(self._items), start, events)
        self._items.append(item)
        if (before := self._by_index.get((at, item.kind))) is not None:
            self._forget(before)  # what follows at this index belongs to the new item
        self._by_index[at, item.kind] = item
        # A call that has not started, since it has no name yet or is the answer's text, takes longer.
        if item.call is not None and item.kind in CALLS and item.call.started:
            (self._functions if item.kind == "function_call" else self._customs)[at] = item.call
        return item

    def _end(self, at: int, item: JSONObject, events: list[StreamEvent]) -> None:
        known = self._by_index.get((at, str(item.get("type"))))
        if known is None or (known.done and known.start != item):
            known = self._begin(at, item, events)
        if not known.done:  # else the event is repeated
            known.end(item, events)
            self._forget(known)

    def _forget(self, item: OpenItem) -> None:
        """Stop plain events from adding to an item: its parts were given, or another has its place."""
        for field, number, kind in item.parts:
            self._open_texts(field, kind).pop((item.at, number), None)
        if item.call is not None and item.kind in CALLS:
            (self._functions if item.kind == "function_call" else self._customs).pop(item.at, None)

    def _part(self, name: str, at: int, record: JSONObject) -> OpenPart:
        """The open part that an event adds to; an item without a start event begins with it.

        The part has its position from now on, even if it never gets a text.
        """
        kind, field, place, _ = _TEXTS[name]
        item = self._by_index.get((at, _item_type(name)))
        if item is None or item.done:
            item = self._begin(at, {"type": _item_type(name)}, [])
        number = _index(record, place)
        part = item.part((field, number, kind))
        self._answer.place(part)
        self._open_texts(field, kind)[at, number] = part
        return part

    def _open_texts(self, field: str, kind: type[TextualPart]) -> dict[tuple[int, int], OpenPart]:
        """The parts that plain events of a kind add to. Refusals have no plain events: they are short."""
        if kind is ReasoningPart:
            return self._summaries if field == SUMMARY else self._raw
        return self._texts if kind is TextPart else {}

    def _receive_delta(self, name: str, at: int, record: JSONObject, events: list[StreamEvent]) -> None:
        delta = record.get("delta")
        if not isinstance(delta, str):
            raise RemoteProtocolError("JSON of an unknown shape: delta is not text")
        if name in _TEXTS:
            part = self._part(name, at, record)
            self._answer.add(part, delta, events)
            logprobs = record.get("logprobs")
            if isinstance(logprobs, list) and logprobs:
                known = part.extra.setdefault("logprobs", [])
                assert isinstance(known, list)
                known += logprobs
        elif name in _ARGUMENTS:
            call = self._call(at, _ARGUMENTS[name][0], events)
            if call is not None:
                self._answer.calls.add(call, delta, events)
        else:
            kind, field = _INPUTS[name]
            item = self._by_index.get((at, kind))
            if item is not None and not item.done:
                item.add_input(field, delta)

    def _call(self, at: int, kind: str, events: list[StreamEvent]) -> AssembledCall | None:
        """The call that an event adds to; `None` if it has ended."""
        item = self._by_index.get((at, kind)) or self._begin(at, {"type": kind}, events)
        return None if item.done else item.call

    def _receive_whole_text(self, name: str, at: int, record: JSONObject, events: list[StreamEvent]) -> None:
        """Take a text, or arguments, that no delta gave: some servers send only the whole."""
        if name in _ARGUMENTS:
            kind, field = _ARGUMENTS[name]
            call = self._call(at, kind, events)
            text = text_or_none(record.get(field))
            if text and call is not None and not (call.parts or call.parts.folded):
                self._answer.calls.add(call, text, events)
            return
        kind, text = _item_type(name), text_or_none(record.get(_TEXTS[name][3]))
        known = self._by_index.get((at, kind))
        if text and (known is None or not known.done):
            part = self._part(name, at, record)
            if not (part.text or part.text.folded):
                self._answer.add(part, text, events)


def _decode_nothing(data: bytes) -> Plain:
    """Refuse all plain events of a resumed stream, since the number of each event must be checked."""
    raise ValueError


def _item_type(name: str) -> str:
    return "reasoning" if _TEXTS[name][0] is ReasoningPart else "message"


def _object(record: JSONObject, name: str) -> JSONObject:
    value = record.get(name)
    if not isinstance(value, dict | None):
        raise RemoteProtocolError(f"JSON of an unknown shape: {name} is not an object")
    return value or {}


def _index(record: JSONObject, name: str) -> int:
    index = record.get(name)
    if index is None:
        return 0
    if type(index) is not int:
        raise RemoteProtocolError(f"JSON of an unknown shape: {name} is not an integer")
    return index
