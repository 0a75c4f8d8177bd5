"""Chat-completion chunks, and whole chat completions, read into an answer."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

import msgspec

from sansio import jsontext
from sansio.answers import OpenPart
from sansio.content import (
    FinishReason,
    Message,
    ReasoningPart,
    RefusalPart,
    TextPart,
    UnknownPart,
)
from sansio.errors import InternalServerError, ProviderError, RemoteProtocolError
from sansio.events import ContentDelta, ReasoningDelta, StreamEvent
from sansio.families.base import AnswerReader
from sansio.families.chat.forms import Form, form_of
from sansio.families.chat.parts import CONTENT_FIELD, DETAIL_TEXTS, SoundPieces, citation_of, image_of
from sansio.families.chat.usage import read_usage
from sansio.families.chat.wire import (
    CALL_FIELDS,
    CHOICE_FIELDS,
    CHUNK_FIELDS,
    CUSTOM_FIELDS,
    DELTA_FIELDS,
    FUNCTION_FIELDS,
    PADDING,
    AnyObject,
    Choice,
    Chunk,
    Delta,
    Function,
    ToolDelta,
)
from sansio.families.fields import convert, rest
from sansio.families.foreign import foreign_error
from sansio.jsontext import JSON, JSONObject

if TYPE_CHECKING:
    from sansio.families.chat.request import ChatDialect

_DONE = b"[DONE]"
_GROWING = frozenset(("token_ids",))
"""Lists that a stream sends in pieces. A later value of any other field replaces the earlier one."""
_decode_string = msgspec.json.Decoder(str).decode


class ChatReader(AnswerReader):
    """One chat completion. Only the first choice is read: a call asks for one answer.

    The wire has one field for text and one for reasoning, so the message has at most one text part and one
    plain reasoning part, each at the place where it began.
    """

    def __init__(self, dialect: ChatDialect) -> None:
        super().__init__(dialect)
        self._profile = dialect.profile
        self._reasoning_in = self._profile.reasoning_in
        self._delta_fields = _fields_of_a_delta(self._reasoning_in)
        self._text = self._answer.open(TextPart)
        self._append = self._text.append
        self._place = 0  # of the text part, which is placed before chunks with text are expected
        self._reasoning = self._answer.open(ReasoningPart)
        self._reasoning_field = ""
        self._refusal = self._answer.open(RefusalPart)
        self._details: list[_Detail] = []
        self._sound = SoundPieces()
        self._usage: JSONObject | None = None
        self._chosen = False  # the first choice was seen: these are chat completions, with an answer
        self._blank_finish = False
        self._form: Form | None = None  # of the last chunk

    def receive(self, data: bytes, events: list[StreamEvent], name: str = "") -> bool:
        # A stream's chunks mostly have the form of the one before them: then a string is all that is new.
        form = self._form
        if form is not None and not name:
            shared = data
            if form.padding:
                shared, _, rest = data.rpartition(form.padding)
                hidden = rest[form.hides]
                if rest[form.closes] != form.rest or not (hidden.isalnum() or not hidden):
                    return self._receive_any(data, events, name)
            if shared[form.begins] != form.head or shared[form.ends] != form.tail:
                return self._receive_any(data, events, name)
            try:
                text = _decode_string(shared[form.inside])
            except ValueError:
                return self._receive_any(data, events, name)
            kind = form.kind
            if kind is ContentDelta:
                if text:
                    self._append(text)
                    events.append(ContentDelta(text, self._place))
                self.progress += 1
                return False
            if kind is ReasoningDelta:
                self._answer.add(self._reasoning, text, events)
                self.progress += 1
                return False
            if self._answer.calls.add_more(form.index, text, events):
                self.progress += 1
                return False
        return self._receive_any(data, events, name)

    def _receive_any(self, data: bytes, events: list[StreamEvent], name: str) -> bool:
        if data.strip() == _DONE:
            self.progress += 1
            if not self._chosen:
                raise RemoteProtocolError("the stream ended without any choice: it holds no chat completion")
            self._flush(events)
            return True
        if not data or data.isspace():
            return False
        self.progress += 1
        self._form = None
        record = jsontext.decode_object(data.decode("utf-8", "replace"), self._max_depth)
        if record.get("error") or not record.get("choices") or name == "error":
            self._receive_usage(record)  # what a failed answer cost is known only here
            self._refuse_error(record, name == "error")
        before = len(events)
        self._receive_chunk(record, events, whole=False)
        if len(events) == before + 1 and not name:
            self._form = form_of(data, type(events[-1]))
            self._place = self._text.index
        return False

    def receive_whole(self, data: JSONObject) -> None:
        events: list[StreamEvent] = []
        self._receive_chunk(data, events, whole=True)
        if not self._chosen:
            raise foreign_error(data, "chat", self._dialect) or RemoteProtocolError(
                "the response holds no choice, so no answer"
            )
        self._flush(events)

    def message(self) -> Message:
        answer = self._answer
        said = self._dialect.finish_reason(answer.raw_finish_reason)
        if said is None and self._blank_finish:
            said = FinishReason.TOOL_CALLS  # the answer checks it against its calls
        self._settle()
        return answer.message(said, self._dialect.origin)

    def _settle(self) -> None:
        # Some servers send the usage with each chunk, and only the last one counts.
        if self._usage is not None:
            self._answer.usage = read_usage(self._usage, self._profile.usage_reasoning_outside)

    def _flush(self, events: list[StreamEvent]) -> None:
        answer = self._answer
        answer.calls.flush(events)
        for part in (self._text, self._reasoning, self._refusal):
            answer.close(part, events)
        for detail in self._details:
            answer.close(detail.part, events)
        sound = self._sound.whole()
        if sound is not None:
            answer.take(sound, events)
            self._sound = SoundPieces()

    def _refuse_error(self, record: JSONObject, named: bool) -> None:
        """Raise if a record without choices is an error; `named`: the event's name says that it is."""
        error: ProviderError | None = self._dialect.error_in(record)
        if error is None and named:
            error = self._dialect.build_error(record, 200, record)
        error = error or foreign_error(record, "chat", self._dialect)
        if error is not None:
            raise error

    def _receive_chunk(self, record: AnyObject, events: list[StreamEvent], *, whole: bool) -> None:
        chunk = convert(record, Chunk)
        self._receive_origin(chunk)
        self._receive_usage(record)
        self._keep_rest(record, CHUNK_FIELDS)
        for choice, data in zip(chunk.choices or (), record.get("choices") or (), strict=True):
            if not choice.index:
                self._chosen = True
                self._receive_choice(choice, data, events, whole)

    def _receive_choice(
        self, choice: Choice, data: AnyObject, events: list[StreamEvent], whole: bool
    ) -> None:
        # Perplexity sends a `message` with the answer so far beside each delta, and in a whole answer an
        # empty delta beside the message.
        field = "message" if choice.delta is None or (whole and choice.message is not None) else "delta"
        delta = choice.message if field == "message" else choice.delta
        if delta is not None:
            self._receive_delta(delta, data[field], events)
        self._keep_rest(data, CHOICE_FIELDS)
        if isinstance(choice.logprobs, dict):
            self._receive_logprobs(choice.logprobs)
        else:
            self._keep("logprobs", choice.logprobs)
        if choice.error and (error := self._dialect.error_in({"error": choice.error})):
            raise error
        if choice.finish_reason:
            self._receive_finish(choice.finish_reason)
        elif choice.finish_reason == "":
            self._blank_finish = True  # xAI, with tool calls

    def _keep_rest(self, data: AnyObject, known: frozenset[str]) -> None:
        """Keep the fields that have no typed field."""
        for name in data.keys() - known:
            self._keep(name, data[name])

    def _keep(self, name: str, value: JSON) -> None:
        """Keep a field. Null and empty values add nothing."""
        if value is None or name in PADDING or (not value and isinstance(value, (dict, list))):
            return
        extra = self._answer.extra
        known = extra.get(name)
        if isinstance(known, dict) and isinstance(value, dict):
            extra[name] = known | value
        elif name in _GROWING and isinstance(known, list) and isinstance(value, list):
            known.extend(value)
        else:
            extra[name] = list(value) if isinstance(value, list) else value

    def _receive_logprobs(self, logprobs: JSONObject) -> None:
        extra = self._answer.extra
        kept = extra.get("logprobs")
        if not isinstance(kept, dict):  # absent, or of a form that is not logprobs: the later value counts
            kept = extra["logprobs"] = {}
        for name, value in logprobs.items():
            known = kept.get(name)
            if isinstance(known, list) and isinstance(value, list):
                known.extend(value)
            elif value is not None:
                kept[name] = list(value) if isinstance(value, list) else value

    def _receive_origin(self, chunk: Chunk) -> None:
        answer = self._answer
        if answer.response_id is None and chunk.id:
            answer.response_id = answer.calls.id_seed = chunk.id
        if answer.model is None and chunk.model:
            answer.model = chunk.model

    def _receive_usage(self, record: JSONObject) -> None:
        usage = record.get("usage")
        groq = record.get("x_groq")
        if isinstance(groq, dict):
            inner = groq.get("usage")
            if usage is None:
                usage = inner
            self._keep("x_groq", rest(groq, "usage") if inner == usage else groq)
        elif groq is not None:
            self._keep("x_groq", groq)
        if isinstance(usage, dict):
            self._usage = usage
        else:
            self._keep("usage", usage)

    def _receive_delta(self, delta: Delta, data: AnyObject, events: list[StreamEvent]) -> None:
        self._keep_rest(data, self._delta_fields)
        said: dict[str, str] = {}
        for name in self._reasoning_in:
            if (text := data.get(name)) and isinstance(text, str):
                said[name] = text
        if isinstance(delta.reasoning_details, list) and delta.reasoning_details:
            self._receive_details(delta.reasoning_details, said, events)
        elif said:
            self._receive_reasoning(said, events)
        content = delta.content
        if content:
            if isinstance(content, str):
                self._say(content, events)
            elif isinstance(content, list):
                self._receive_parts(content, events)
            else:  # Cloudflare sends an answer in JSON mode as the object itself, not as its text
                self._answer.add(self._text, msgspec.json.encode(content).decode(), events)
        if delta.refusal:
            self._answer.add(self._refusal, delta.refusal, events)
        self._receive_listed(delta.annotations, "annotations", self._receive_annotation, events)
        self._receive_listed(delta.images, "images", self._receive_image, events)
        if isinstance(delta.audio, dict):
            self._sound.add(delta.audio)
        elif delta.audio is not None:
            self._keep("audio", delta.audio)
        calls = data.get("tool_calls")
        for call, fields in zip(delta.tool_calls or (), calls or (), strict=True):
            self._receive_call(call, fields, events)
        legacy = delta.function_call
        if legacy is not None and (legacy.name or legacy.arguments):
            if delta.tool_calls:
                self._keep("function_call", data["function_call"])
            else:
                self._receive_call(ToolDelta(0, None, legacy), {"function": data["function_call"]}, events)

    def _say(self, text: str, events: list[StreamEvent]) -> None:
        """Add a piece of the text."""
        self._answer.add(self._text, text, events)

    def _receive_listed(
        self,
        value: JSON,
        field: str,
        receive: Callable[[JSONObject, list[StreamEvent]], None],
        events: list[StreamEvent],
    ) -> None:
        """Read a list of objects; a value of another shape is kept."""
        if value is None:
            return
        if isinstance(value, list) and all(isinstance(item, dict) for item in value):
            for item in value:
                receive(item, events)  # type: ignore[arg-type]  # mypy does not see through all()
        else:
            self._keep(field, value)

    def _receive_annotation(self, annotation: JSONObject, events: list[StreamEvent]) -> None:
        self._text.citations.append(citation_of(annotation))

    def _receive_image(self, image: JSONObject, events: list[StreamEvent]) -> None:
        self._answer.take(image_of(image), events)

    def _receive_reasoning(self, said: dict[str, str], events: list[StreamEvent]) -> None:
        """Read the reasoning fields that are not empty. If two differ, both are kept.

        Args:
            said: the text of each field, in the order of the profile.
            events: the events are added to it.
        """
        part = self._reasoning
        first = ""
        for name, text in said.items():
            if not first:
                first = text
                self._answer.add(part, text, events)
                if not self._reasoning_field:
                    # Servers accept reasoning back only under the name that they sent it in.
                    self._reasoning_field = part.extra["field"] = name
            elif text != first:
                part.extra[name] = str(part.extra.get(name) or "") + text

    def _receive_details(self, details: list[JSON], said: dict[str, str], events: list[StreamEvent]) -> None:
        """Read OpenRouter's reasoning details: a part each, with the detail's own text.

        The plain field usually repeats those texts. If it differs, it is the reasoning, and the details keep
        their texts in `extra`.

        Args:
            details: the details.
            said: the text of each plain field that has one.
            events: the events are added to it.
        """
        objects = [detail for detail in details if isinstance(detail, dict) and detail]
        if len(objects) < len(details):
            self._keep("reasoning_details", details)
        texts = [detail.get(DETAIL_TEXTS.get(str(detail.get("type")), "")) or "" for detail in objects]
        joined = "".join(text for text in texts if isinstance(text, str))
        own = all(text == joined for text in said.values())
        if not own:
            self._receive_reasoning(said, events)
        for position, detail in enumerate(objects):
            if position or not self._details or not self._details[-1].goes_on_with(detail):
                part = self._answer.open(ReasoningPart)
                self._answer.place(part)  # details are sent back in their order, also those without a text
                self._details.append(_Detail(part))
            if text := self._details[-1].add(detail, own):
                self._answer.add(self._details[-1].part, text, events)

    def _receive_parts(self, parts: list[AnyObject], events: list[StreamEvent]) -> None:
        """Read content that is a list of typed parts, as Mistral's reasoning models send it."""
        for part in parts:
            kind = part.get("type")
            inner = part.get("thinking")
            if kind == "thinking" and (reasoning := _thinking(inner)) is not None:
                self._answer.add(self._reasoning, reasoning, events)
                self._reasoning.extra |= {"field": CONTENT_FIELD, **rest(part, "type", "thinking")}
            elif kind in (None, "text") and isinstance(text := part.get("text"), str):
                self._answer.add(self._text, text, events)
                self._text.extra |= rest(part, "type", "text")
            else:
                self._answer.take(UnknownPart(str(kind), part), events)

    def _receive_call(self, delta: ToolDelta, data: AnyObject, events: list[StreamEvent]) -> None:
        function = delta.function or Function()
        custom = delta.custom
        if custom is not None and (custom.name or custom.input):
            function = Function(custom.name, custom.input)
        arguments = function.arguments or ""
        if not isinstance(arguments, str):
            arguments = msgspec.json.encode(arguments).decode()
        calls = self._answer.calls
        call_id, name = delta.id or "", function.name or ""
        extra = rest_of(data, CALL_FIELDS)
        for field, known in (("function", FUNCTION_FIELDS), ("custom", CUSTOM_FIELDS)):
            if beside := rest_of(data.get(field) or {}, known):
                extra[field] = beside
        if not (call_id or name or extra) and calls.add_more(delta.index, arguments, events):
            return
        call = calls.find(delta.index, call_id, name, arguments)
        if custom is not None and custom.name:
            call.kind = "custom"
        call.extra |= {field: value for field, value in extra.items() if value is not None}
        calls.add(call, arguments, events)

    def _receive_finish(self, reason: str) -> None:
        self._answer.raw_finish_reason = reason
        if reason == "error":
            raise InternalServerError(
                "the provider broke off the answer with the finish reason 'error' and no explanation",
                status=500,
                error_type="error",
            )


class _Detail:
    """One of OpenRouter's reasoning details, not yet finished; its texts arrive in pieces."""

    __slots__ = ("fields", "part")

    def __init__(self, part: OpenPart) -> None:
        self.fields = part.extra
        self.part = part

    def goes_on_with(self, detail: JSONObject) -> bool:
        """Whether `detail` is the next piece of this one: same type, index and (if both have one) id."""
        known = self.fields
        ids = (known.get("id"), detail.get("id"))
        same_id = None in ids or ids[0] == ids[1]
        return same_id and all(known.get(key) == detail.get(key) for key in ("type", "index"))

    def add(self, detail: JSONObject, own: bool) -> str:
        """Read a piece. Returns its text for the part: empty unless the part has the text (`own`)."""
        field = DETAIL_TEXTS.get(str(detail.get("type"))) if own else None
        said = ""
        for key, value in detail.items():
            if key == field and isinstance(value, str):
                said = value
            elif key in ("text", "summary", "data") and isinstance(value, str):
                self.fields[key] = str(self.fields.get(key) or "") + value
            elif value is not None or key not in self.fields:
                self.fields[key] = value
        return said


@cache
def _fields_of_a_delta(reasoning_in: tuple[str, ...]) -> frozenset[str]:
    """The fields of a delta that are read. Cached: each stream needs it, and only the profile changes it."""
    return DELTA_FIELDS.union(reasoning_in)


def rest_of(data: AnyObject, known: frozenset[str]) -> JSONObject:
    """The fields that are not known. Usually there are none."""
    return {name: data[name] for name in unknown} if (unknown := data.keys() - known) else {}


def _thinking(inner: object) -> str | None:
    """The text of Mistral's thinking, a str or a list of text parts; `None` for any other shape."""
    if isinstance(inner, str):
        return inner
    if not isinstance(inner, list):
        return None
    texts = [part.get("text") for part in inner if isinstance(part, dict) and part.get("type") == "text"]
    if len(texts) < len(inner) or not all(isinstance(text, str) for text in texts):
        return None
    return "".join(map(str, texts))
