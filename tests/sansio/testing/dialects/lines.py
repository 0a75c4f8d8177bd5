"""A small made-up wire, its dialect, and samples of all that it has: what the broken dialects are made of."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, ClassVar

import sansio
from sansio import FinishReason, JSONObject, Message, Part, StreamEvent
from sansio.testing import Sample

LINES = "application/x-ndjson"
IGNORED = {".sent": "it is the time of the answer, which the caller knows"}


def block_of(part: Part) -> JSONObject | None:
    """A part as a block of the wire; `None` for a part that has no place here."""
    match part:
        case sansio.TextPart():
            return {"say": part.text, **part.extra}
        case sansio.ReasoningPart():
            return {"think": part.text, **part.extra}
        case sansio.ToolCall():
            return {"call": part.id, "name": part.name, "with": part.arguments_text(), **part.extra}
        case sansio.InvalidToolCall():
            given = json.dumps(sansio.wrap_invalid(part))
            return {"call": part.id, "name": part.name, "with": given, **part.extra}
        case sansio.UnknownPart():
            return dict(part.extra)
    return None


class LineReader(sansio.AnswerReader):
    """One answer: `say`, `think` and the arguments of a call in pieces, then `end`."""

    def receive(self, data: bytes, events: list[StreamEvent], name: str = "") -> bool:
        record = sansio.decode_object(data.decode("utf-8", "replace"), self._max_depth)
        if error := self._dialect.error_in(record):
            raise error
        self.progress += 1
        return self.read(record, events)

    def read(self, record: JSONObject, events: list[StreamEvent]) -> bool:
        """Read one line. Returns True if it is the last one."""
        answer = self._answer
        match record:
            case {"end": str(reason)}:
                answer.raw_finish_reason = reason
                self.count(record)
                answer.extra |= sansio.rest(record, "end", "tokens", "sent")
                return True
            case {"say": str(text)}:
                answer.say(sansio.TextPart, text, events).extra |= sansio.rest(record, "say")
            case {"think": str(text)}:
                answer.say(sansio.ReasoningPart, text, events).extra |= sansio.rest(record, "think")
            case {"call": str(id), "name": str(name)}:
                answer.end(events)
                call = answer.calls.find(None, id, name)
                call.extra = sansio.rest(record, "call", "name", "with")
                answer.calls.add(call, sansio.text_or_none(record.get("with")) or "", events)
            case {"with": str(piece)}:
                answer.calls.add(answer.calls.find(None, "", ""), piece, events)
            case {"model": str(model)}:
                answer.model, answer.response_id = model, sansio.text_or_none(record.get("id"))
                answer.extra |= sansio.rest(record, "model", "id", "sent")
            case _:
                answer.take(sansio.UnknownPart(next(iter(record), ""), record), events)
        return False

    def count(self, record: JSONObject) -> None:
        """Read the counts of tokens."""
        match record.get("tokens"):
            case [int(read), int(written)] if read >= 0 and written >= 0:
                self._answer.usage = sansio.Usage(input_tokens=read, output_tokens=written)

    def receive_whole(self, data: JSONObject) -> None:
        match data:
            case {"parts": [*parts], "end": str(reason)}:
                for part in parts:
                    self.read(part if isinstance(part, dict) else {"none": part}, [])
                    self._answer.end([])
                self._answer.raw_finish_reason = reason
                self.count(data)
                self._answer.model = sansio.text_or_none(data.get("model"))
                self._answer.response_id = sansio.text_or_none(data.get("id"))
                typed = ("parts", "end", "tokens", "model", "id", "sent")
                self._answer.extra = sansio.rest(data, *typed)
            case _:
                raise sansio.RemoteProtocolError("the response has no parts, so no answer")


class LineDialect(sansio.Dialect):
    """The whole dialect."""

    TYPE, API = "lines", "lines"
    SENDS = frozenset((sansio.TextPart, sansio.ToolCall, sansio.InvalidToolCall))
    FINISH_REASONS: ClassVar = {"done": FinishReason.STOP, "called": FinishReason.TOOL_CALLS}

    def build_endpoint(self, stream: bool = False) -> str:
        return f"{self.config.base_url}/ask"

    def build_request_body(
        self, messages: Sequence[Message], tools: Sequence[sansio.Tool], stream: bool, **options: object
    ) -> dict[str, object]:
        talk = []
        for index, message in enumerate(messages):
            turn: dict[str, Any] = {
                "from": message.role.value,
                "parts": self.write_parts(message, index, self.block),
            }
            talk.append(turn if message.tool_call_id is None else {**turn, "call": message.tool_call_id})
        return {"model": self.config.model, "talk": talk, "tools": list(tools)}

    def block(self, part: Part) -> JSONObject | None:
        """A part as it is sent."""
        return block_of(part)

    def open_stream(self) -> LineReader:
        return LineReader(self)


RECORDS: list[JSONObject] = [
    {"model": "m1", "id": "a1", "sent": 1},
    {"think": "Hm. "},
    {"think": "Yes.", "sign": "c2ln"},
    {"say": "It is "},
    {"say": "sunny."},
    {"map": {"x": [1, None]}},
    {"call": "call_1", "name": "look", "why": "asked"},
    {"with": '{"city": "Pa'},
    {"with": 'ris", "days": 2}'},
    {"call": "call_2", "name": "now"},
    {"end": "called", "tokens": [3, 9], "sent": 2, "site": "eu"},
]
PARTS: list[sansio.JSON] = [
    {"think": "Hm. Yes.", "sign": "c2ln"},
    {"say": "It is sunny."},
    {"map": {"x": [1, None]}},
    {"call": "call_1", "name": "look", "with": '{"city": "Paris", "days": 2}', "why": "asked"},
    {"call": "call_2", "name": "now", "with": ""},
]


def lines(*records: JSONObject) -> bytes:
    """Records as a stream."""
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def body(*parts: sansio.JSON) -> bytes:
    """Blocks as a whole answer."""
    whole = {"model": "m1", "id": "a1", "sent": 1, "parts": list(parts), "end": "called", "tokens": [3, 9]}
    return json.dumps({**whole, "site": "eu"}).encode()


STREAM = Sample(name="all.ndjson", data=lines(*RECORDS), content_type=LINES)
_ERROR = b'{"error": {"message": "Busy.", "type": "busy"}}\n'
SAMPLES = [
    STREAM,
    Sample(name="text.ndjson", data=lines({"say": "Hi."}, {"end": "done"}), content_type=LINES),
    Sample(
        name="all.json",
        data=body(*PARTS),
        content_type="application/json",
        request={"from": "assistant", "parts": PARTS},
    ),
    Sample(name="error.ndjson", data=_ERROR, content_type=LINES, fails=True),
]
CUT = Sample(name="cut.ndjson", data=lines(*RECORDS[:8]), content_type=LINES, fails=True)
FAILING = [
    CUT,
    Sample(name="error.json", data=_ERROR, content_type="application/json", fails=True),
]
