"""The lines of Ollama's `/api/chat`, and whole responses, read into an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sansio import jsontext
from sansio.content import ReasoningPart, TextPart
from sansio.errors import RemoteProtocolError
from sansio.events import ContentDelta, ReasoningDelta, StreamEvent
from sansio.families.base import AnswerReader
from sansio.families.fields import rest, text_or_none, usage_of
from sansio.families.foreign import foreign_error
from sansio.families.ollama.parts import call_fields, image_of
from sansio.families.ollama.wire import COUNTS, LINE_FIELDS, MESSAGE_FIELDS, decode_plain
from sansio.jsontext import JSON, JSONObject

if TYPE_CHECKING:
    from sansio.families.base import Dialect


class OllamaReader(AnswerReader):
    """One answer. It has at most one text part and one reasoning part: the wire has one field for each.

    Each is placed where it began, among the calls. A call always arrives whole.
    """

    def __init__(self, dialect: Dialect) -> None:
        super().__init__(dialect)
        self._text = self._answer.open(TextPart)
        self._thinking = self._answer.open(ReasoningPart)
        self._calls = 0
        self._begun = False  # the first line, which names the model, was read
        self._counts: JSONObject = {}
        self._logprobs: list[JSON] = []

    def receive(self, data: bytes, events: list[StreamEvent], name: str = "") -> bool:
        # Most lines add text or thinking. They nest no deeper than their message, so their depth needs no
        # check.
        if self._begun:
            try:
                line = decode_plain(data)
            except (ValueError, RecursionError):
                return self._receive_any(data, events)
            if not line.done:
                message = line.message
                if said := message.thinking:
                    if self._thinking.index < 0:
                        self._answer.place(self._thinking)
                    self._thinking.append(said)
                    events.append(ReasoningDelta(said, self._thinking.index))
                if said := message.content:
                    if self._text.index < 0:
                        self._answer.place(self._text)
                    self._text.append(said)
                    events.append(ContentDelta(said, self._text.index))
                self.progress += 1
                return False
        return self._receive_any(data, events)

    def _receive_any(self, data: bytes, events: list[StreamEvent]) -> bool:
        if not data or data.isspace():
            return False
        line = jsontext.decode_object(data.decode("utf-8", "replace"), self._max_depth)
        if (
            error := self._dialect.error_in(line) or foreign_error(line, "ollama", self._dialect)
        ) is not None:
            self.progress += 1
            raise error
        self.progress += 1
        self._receive_line(line, events)
        if line.get("done") is not True:
            return False
        self._flush(events)
        return True

    def receive_whole(self, data: JSONObject) -> None:
        if not isinstance(data.get("message"), dict):
            raise foreign_error(data, "ollama", self._dialect) or RemoteProtocolError(
                "the response holds no message, so no answer"
            )
        if data.get("done") is not True:
            raise RemoteProtocolError(
                "the response does not say that it is done, so it is not a whole answer"
            )
        self._receive_line(data, [])
        self._flush([])

    def _flush(self, events: list[StreamEvent]) -> None:
        self._answer.close(self._thinking, events)
        self._answer.close(self._text, events)
        super()._flush(events)

    def _receive_line(self, line: JSONObject, events: list[StreamEvent]) -> None:
        answer = self._answer
        if not self._begun:
            self._begun = True
            # Answers have no id, and calls of older servers have none either. The time makes the generated
            # ids of calls differ between answers.
            answer.calls.id_seed = text_or_none(line.get("created_at")) or ""
        answer.model = answer.model or text_or_none(line.get("model"))
        message = line.get("message")
        if isinstance(message, dict):
            self._receive_message(message, events)
        elif message is not None:
            raise RemoteProtocolError("JSON of an unknown shape: message is not an object")
        answer.raw_finish_reason = text_or_none(line.get("done_reason")) or answer.raw_finish_reason
        self._counts |= {name: line[name] for name in COUNTS if line.get(name) is not None}
        self._logprobs += _list(line.get("logprobs"))
        self._keep(rest(line, *LINE_FIELDS))

    def _receive_message(self, message: JSONObject, events: list[StreamEvent]) -> None:
        answer = self._answer
        answer.add(self._thinking, _text(message, "thinking"), events)
        answer.add(self._text, _text(message, "content"), events)
        for image in _list(message.get("images")):
            answer.take(image_of(image), events)
        for call in _list(message.get("tool_calls")):
            if not isinstance(call, dict):
                raise RemoteProtocolError("JSON of an unknown shape: a tool call is not an object")
            call_id, name, arguments, extra = call_fields(call)
            # Each item is one more whole call, even if its id or index repeats an earlier one.
            begun = answer.calls.find(self._calls, call_id, name)
            self._calls += 1
            begun.extra = extra
            answer.calls.add(begun, arguments, events)
        self._keep(rest(message, *MESSAGE_FIELDS))

    def _keep(self, fields: JSONObject) -> None:
        """Keep the fields that have no typed field. Null adds nothing."""
        for name, value in fields.items():
            if value is not None:
                self._answer.extra[name] = value

    def _settle(self) -> None:
        if self._logprobs:  # in the form of chat completions, which `Message.logprobs` has
            self._answer.extra["logprobs"] = {"content": self._logprobs}
        if self._counts:
            self._answer.usage = usage_of(
                self._counts, input_tokens=("prompt_eval_count",), output_tokens=("eval_count",)
            )


def _text(message: JSONObject, field: str) -> str:
    text = message.get(field)
    if not isinstance(text, str | None):
        raise RemoteProtocolError(f"JSON of an unknown shape: {field} is not text")
    return text or ""


def _list(value: JSON) -> list[JSON]:
    return value if isinstance(value, list) else []
