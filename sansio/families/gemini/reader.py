"""Reads the chunks of an answer, and whole answers."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import msgspec

from sansio import jsontext
from sansio.answers import AssembledCall, OpenPart
from sansio.content import (
    FinishReason,
    Message,
    ReasoningPart,
    TextPart,
)
from sansio.errors import RemoteProtocolError
from sansio.events import ContentDelta, ReasoningDelta, StreamEvent
from sansio.families.base import AnswerReader
from sansio.families.fields import rest, text_or_none
from sansio.families.foreign import foreign_error
from sansio.families.gemini.arguments import PartialArguments
from sansio.families.gemini.faults import UNUSABLE_CALLS, unusable
from sansio.families.gemini.grounding import FIELDS, Grounds
from sansio.families.gemini.parts import CALL, part_of
from sansio.families.gemini.usage import read_usage
from sansio.families.gemini.wire import decode_plain
from sansio.jsontext import JSON, JSONObject

if TYPE_CHECKING:
    from sansio.families.base import Dialect

_READ = ("candidates", "usageMetadata", "modelVersion", "responseId", "createTime")
"""The fields of a chunk that are read, and the answer's time, which is not kept: the caller knows it."""
_READ_OF_CANDIDATE = frozenset(("content", "finishReason", "index", *FIELDS))
_CALL_FIELDS = ("id", "name", "args", "partialArgs", "willContinue")
_GROWING = ("chosenCandidates", "topCandidates")
"""Lists of `logprobsResult`. Each chunk has only the entries for its own tokens, so they are joined."""
_CHUNKS = msgspec.json.Decoder(list[JSONObject])


class GeminiReader(AnswerReader):
    """One answer: that of the first candidate.

    It ends with the body, not with a finish reason, since chunks with more parts may follow that.
    """

    ENDS_WITH_BODY = True

    def __init__(self, dialect: Dialect) -> None:
        super().__init__(dialect)
        self._open: OpenPart | None = None  # the text or the thought that the next chunk may continue
        self._texts: list[OpenPart] = []
        self._counts: list[dict[str, Any]] = []
        self._grounds = Grounds()
        self._calls = 0
        self._partial: tuple[AssembledCall, PartialArguments] | None = None  # a call whose pieces arrive
        self._blocked = False

    def receive(self, data: bytes, events: list[StreamEvent], name: str = "") -> bool:
        # Most chunks add to a text or to a thought, and are read in one step.
        if len(data) <= self._shallow or jsontext.is_shallow(data, self._max_depth):
            try:
                record = decode_plain(data)
            except (ValueError, RecursionError):
                return self._receive_any(data, events)
            part = record.candidates[0].content.parts[0]
            text, thought = part.text, part.thought
            if text and thought is not False and self._partial is None:
                answer = self._answer
                open_part = self._open
                if thought is True:
                    if open_part is None or open_part.kind is not ReasoningPart:
                        open_part = self._begin(ReasoningPart)
                    open_part.append(text)
                    events.append(ReasoningDelta(text, open_part.index))
                else:
                    if open_part is None or open_part.kind is not TextPart:
                        open_part = self._begin(TextPart)
                    open_part.append(text)
                    events.append(ContentDelta(text, open_part.index))
                if record.model_version is not None:
                    answer.model = record.model_version
                if record.response_id is not None:
                    answer.response_id = answer.calls.id_seed = record.response_id
                if record.usage_metadata is not None:
                    self._counts.append(record.usage_metadata)
                self.progress += 1
                return False
        return self._receive_any(data, events)

    def _receive_any(self, data: bytes, events: list[StreamEvent]) -> bool:
        text = data.decode("utf-8", "replace").strip()
        if text.startswith("["):  # such as an error between the events of a stream
            for record in jsontext.decode(text, _CHUNKS, self._max_depth):
                self._receive_record(record, events)
        elif text:
            self._receive_record(jsontext.decode_object(text, self._max_depth), events)
        return False

    def _receive_record(self, record: JSONObject, events: list[StreamEvent]) -> None:
        error = self._dialect.error_in(record) or foreign_error(record, "gemini", self._dialect)
        if error is not None:
            self.progress += 1
            raise error
        if record:
            self.progress += 1
            self._receive_chunk(record, events)

    def receive_whole(self, data: JSONObject) -> None:
        if not (_listed(data.get("candidates")) or data.get("promptFeedback")):
            raise foreign_error(data, "gemini", self._dialect) or RemoteProtocolError(
                "the response has no candidates, so no answer"
            )
        events: list[StreamEvent] = []
        self._receive_chunk(data, events)
        self._flush(events)

    def fold(self) -> None:
        super().fold()
        self._counts = [self._merged_counts()]

    def message(self) -> Message:
        self._settle()
        reason = self._answer.raw_finish_reason
        said = FinishReason.CONTENT_FILTER if self._blocked else self._dialect.finish_reason(reason)
        if reason is None or reason not in UNUSABLE_CALLS:
            return self._answer.message(said, self._dialect.origin)
        # Google withdrew the calls, and cut none of them: `{}` is the whole of its arguments.
        message = self._answer.message(FinishReason.STOP, self._dialect.origin)
        parts = [unusable(part, reason) for part in message.parts]
        return msgspec.structs.replace(message, content=tuple(parts), finish_reason=FinishReason.ERROR)

    def _settle(self) -> None:
        counts = self._merged_counts()
        if any(type(value) is int for value in counts.values()):
            self._answer.usage = read_usage(counts)
        elif counts:  # a blocked prompt has only the kind of traffic
            self._answer.extra["usageMetadata"] = counts

    def _merged_counts(self) -> dict[str, Any]:
        """The counts of all chunks: the last value of each. A chunk may lack what an earlier one had."""
        merged: dict[str, Any] = {}
        for counts in self._counts:
            merged |= {name: value for name, value in counts.items() if value is not None}
        return merged

    def _flush(self, events: list[StreamEvent]) -> None:
        cut = self._dialect.finish_reason(self._answer.raw_finish_reason) is not FinishReason.STOP
        self._end_call(events, closed=not cut)
        self._answer.calls.flush(events)
        self._cite(events)
        for part in self._grounds.parts(cited=bool(self._texts)):
            self._answer.take(part, events)

    def _cite(self, events: list[StreamEvent]) -> None:
        """Give each citation to its text: positions are counted over all texts."""
        citations = [*self._grounds.citations()] if self._texts else []
        ends = [*accumulate(_size(part) for part in self._texts)] if citations else []
        for citation in citations:
            start = citation.start or 0
            place = min(bisect_right(ends, start), len(ends) - 1)
            before = ends[place - 1] if place else 0
            end = None if citation.end is None else citation.end - before
            moved = msgspec.structs.replace(citation, start=start - before, end=end)
            self._texts[place].citations.append(moved)
        for part in self._texts:
            if part.citations:
                self._answer.close(part, events)

    def _begin(self, kind: type[TextPart] | type[ReasoningPart]) -> OpenPart:
        """Begin a text or a thought, whose first piece follows."""
        part = self._open = self._answer.open(kind)
        self._answer.place(part)
        if kind is TextPart:
            self._texts.append(part)
        return part

    def _receive_chunk(self, data: JSONObject, events: list[StreamEvent]) -> None:
        answer = self._answer
        answer.model = text_or_none(data.get("modelVersion")) or answer.model
        if (name := text_or_none(data.get("responseId"))) is not None:
            answer.response_id = answer.calls.id_seed = name
        if isinstance(counts := data.get("usageMetadata"), dict) and counts:
            self._counts.append(counts)
        for candidate in _listed(data.get("candidates")):
            if isinstance(candidate, dict) and candidate.get("index") in (None, 0):
                self._receive_candidate(candidate, events)
        feedback = data.get("promptFeedback")
        if isinstance(feedback, dict):
            if isinstance(reason := feedback.get("blockReason"), str) and reason:
                answer.raw_finish_reason = reason
                self._blocked = True
                feedback = rest(feedback, "blockReason")
            data = {**data, "promptFeedback": feedback or None}
        self._keep(rest(data, *_READ))

    def _receive_candidate(self, candidate: JSONObject, events: list[StreamEvent]) -> None:
        content = candidate.get("content")
        if isinstance(content, dict):
            for wire in _listed(content.get("parts")):
                if not isinstance(wire, dict):
                    raise RemoteProtocolError("JSON of an unknown shape: a part is not an object")
                self._receive_part(wire, events)
            self._keep(rest(content, "parts", "role"))
        self._grounds.take(candidate)
        if isinstance(reason := candidate.get("finishReason"), str) and reason:
            self._answer.raw_finish_reason = reason
        self._keep({name: candidate[name] for name in candidate.keys() - _READ_OF_CANDIDATE})

    def _keep(self, fields: JSONObject) -> None:
        """Keep fields that have no typed field. Null adds nothing."""
        extra = self._answer.extra
        for name, value in fields.items():
            known = extra.get(name)
            if name == "logprobsResult" and isinstance(known, dict) and isinstance(value, dict):
                for field, new in value.items():
                    before = known.get(field)
                    if field in _GROWING and isinstance(before, list) and isinstance(new, list):
                        before += new
                    else:
                        known[field] = new
            elif value is not None:
                extra[name] = value

    def _receive_part(self, wire: JSONObject, events: list[StreamEvent]) -> None:
        if isinstance(call := wire.get(CALL), dict):
            self._receive_call(call, wire, events)
            return
        if not wire:
            return
        part = part_of(wire)
        self._end_call(events, closed=True)
        if not isinstance(part, (TextPart, ReasoningPart)):
            self._open = None
            self._answer.take(part, events)
        elif part.extra:
            # A signed part must be sent back unchanged, so it is not joined with its neighbours.
            self._open = None
            own = self._answer.open(type(part))
            own.extra = part.extra
            self._answer.add(own, part.text, events)
            if not part.text:  # it is whole now, and has nothing that could be cited
                self._answer.close(own, events)
            elif isinstance(part, TextPart):
                self._texts.append(own)
        elif part.text:
            open_part = self._open
            if open_part is None or open_part.kind is not type(part):
                open_part = self._begin(type(part))
            self._answer.add(open_part, part.text, events)

    def _receive_call(self, wire: JSONObject, beside: JSONObject, events: list[StreamEvent]) -> None:
        """A whole call; or, if its arguments arrive in pieces, its beginning, a piece or its end."""
        self._open = None
        name, pieces = text_or_none(wire.get("name")) or "", _listed(wire.get("partialArgs"))
        more = wire.get("willContinue") is True
        begins = bool(name) or self._partial is None
        if begins and not wire:
            return  # the end of a call that has ended already
        if begins:
            self._end_call(events, closed=True)
            call_id = text_or_none(wire.get("id")) or ""
            call = self._answer.calls.find(self._calls, call_id, name)
            self._calls += 1
            # Only ids of the wire are sent back. `None` marks a call whose id is made up here.
            inner = rest(wire, *_CALL_FIELDS, nulls=_CALL_FIELDS) | ({} if call_id else {"id": None})
            call.extra = {**({CALL: inner} if inner else {}), **rest(beside, CALL)}
            if not (more or pieces):
                given = wire.get("args")
                text = "{}" if given is None else msgspec.json.encode(given).decode()
                self._answer.calls.add(call, text, events)
                return
            self._answer.calls.add(call, "", events)
            self._partial = call, PartialArguments(self._max_depth)
        assert self._partial is not None
        call, arguments = self._partial
        if not begins:
            known = call.extra.get(CALL)
            inner = rest(wire, *_CALL_FIELDS, nulls=_CALL_FIELDS)
            kept = {**(known if isinstance(known, dict) else {}), **inner}
            call.extra |= {**rest(beside, CALL), **({CALL: kept} if kept else {})}
        for piece in pieces:
            if isinstance(piece, dict):
                arguments.add(piece)
        if not more:
            self._end_call(events, closed=True)

    def _end_call(self, events: list[StreamEvent], *, closed: bool) -> None:
        if self._partial is not None:
            call, arguments = self._partial
            self._partial = None
            self._answer.calls.add(call, arguments.text(closed=closed), events)


def _listed(value: JSON) -> list[JSON]:
    return value if isinstance(value, list) else []


def _size(part: OpenPart) -> int:
    """The bytes of a text so far."""
    return len(part.text.whole().encode("utf-8", "replace"))
