"""Chat-completion chunks, and whole chat completions, made into events."""

from __future__ import annotations

import msgspec

from sansio import jsontext
from sansio.dialects.answer import AnswerStream, convert
from sansio.dialects.base import Dialect
from sansio.dialects.openai_chunks import (
    CHUNK,
    FIRST_CHUNK,
    AnyObject,
    Chunk,
    Delta,
    FirstChunk,
    Function,
    ToolDelta,
    decode_arguments,
    decode_text,
)
from sansio.errors import InternalServerError, RemoteProtocolError
from sansio.events import ContentDelta, StreamEvent, ToolCallDelta
from sansio.framing.sse import ServerSentEvent
from sansio.messages import JSONObject

_DONE = "[DONE]"

_DETAIL_TEXTS = ("text", "summary", "data")


class _Detail:
    """One of OpenRouter's reasoning details under way; its texts come in pieces, joined once, at the end."""

    __slots__ = ("_fields", "_texts")

    def __init__(self) -> None:
        self._fields: AnyObject = {}
        self._texts: dict[str, list[str]] = {}

    def goes_on_with(self, detail: AnyObject) -> bool:
        """Whether `detail` is this one's next piece: of the same type, index and, where both say one, id."""
        known = self._fields
        ids = (known.get("id"), detail.get("id"))
        same_id = None in ids or ids[0] == ids[1]
        return same_id and all(known.get(key) == detail.get(key) for key in ("type", "index"))

    def add(self, detail: AnyObject) -> None:
        for key, value in detail.items():
            if key in _DETAIL_TEXTS and isinstance(value, str):
                self._texts.setdefault(key, []).append(value)
            if value is not None or key not in self._fields:
                self._fields[key] = value

    def whole(self) -> JSONObject:
        return self._fields | {key: "".join(parts) for key, parts in self._texts.items()}


class ChatStream(AnswerStream):
    """One streamed chat completion. Only choice 0 is read: a call asks for one answer."""

    plain_prefix = b"data: "

    def __init__(self, dialect: Dialect) -> None:
        super().__init__(dialect)
        self._details: list[_Detail] = []
        self._text = self._answer.text
        self._shallow = 2 * self._max_depth  # a JSON text of so many characters cannot nest too deep
        self._named = False  # id and model have come, so that later ones need not be read
        self._usual: type[StreamEvent] | None = None  # what the next chunk is expected to give, and no more
        self._refused: type[StreamEvent] | None = (
            None  # a chunk was not as expected, and is read by other means
        )
        self._never: set[type[StreamEvent] | None] = {None}  # what this server's chunks never give alone

    def receive(self, event: ServerSentEvent, events: list[StreamEvent]) -> bool:
        data = event.data
        if data.strip() == _DONE:
            self.progress += 1
            self._answer.calls.flush(events)
            return True
        if not data or data.isspace():
            return False
        self.progress += 1
        chunk: Chunk
        if self._named:
            chunk = jsontext.decode(data, CHUNK, self._max_depth)
        else:
            chunk = first = jsontext.decode(data, FIRST_CHUNK, self._max_depth)
        if chunk.error or not chunk.choices or event.event == "error":
            self._refuse_error(data, event.event == "error")
        if not self._named:
            self._receive_origin(first)
        self._receive_chunk(chunk, events)
        return False

    def receive_plain(self, payload: bytes, events: list[StreamEvent]) -> bool:
        if len(payload) > self._shallow and not jsontext.is_shallow(payload, self._max_depth):
            return False
        usual = self._usual
        try:
            if usual is ContentDelta:
                content = decode_text(payload).choices[0].delta.content
                if content:
                    self._text.append(content)
                    events.append(ContentDelta(content))
            elif usual is ToolCallDelta:
                more = decode_arguments(payload).choices[0].delta.tool_calls[0]
                if not self._answer.calls.add_more(more.index, more.function.arguments, events):
                    self._usual = None
                    return False
            else:
                return self._named and self._receive_any(payload, events)
        except (ValueError, RecursionError):
            self._refused, self._usual = usual, None
            return False
        self.progress += 1
        return True

    def _receive_any(self, payload: bytes, events: list[StreamEvent]) -> bool:
        """Take a chunk of any kind; False, and nothing is done, where it may be none."""
        try:
            chunk = CHUNK.decode(payload)
        except (ValueError, RecursionError):
            return False
        if chunk.error or not chunk.choices:
            return False
        self.progress += 1
        self._receive_chunk(chunk, events)
        return True

    def receive_whole(self, data: JSONObject, events: list[StreamEvent]) -> None:
        """Take a whole completion.

        Raises:
            RemoteProtocolError: it is malformed.
        """
        chunk = convert(data, FirstChunk)
        if not chunk.choices:
            raise RemoteProtocolError("the response holds no choice, so no answer")
        self._receive_origin(chunk)
        self._receive_chunk(chunk, events)
        self._answer.calls.flush(events)

    def _blocks_to_send_back(self) -> list[JSONObject]:
        return [detail.whole() for detail in self._details]

    def _refuse_error(self, data: str, named: bool) -> None:
        """Raise what a record without choices is, if it is an error; `named` is one that says so itself."""
        record = jsontext.decode_object(data, self._max_depth)
        error = self._dialect.error_in(record)
        if error is None and named:
            error = self._dialect.build_error(record, 200, record)
        if error is not None:
            raise error

    def _receive_chunk(self, chunk: Chunk, events: list[StreamEvent]) -> None:
        before = len(events)
        usage = chunk.usage
        if usage is None and chunk.x_groq is not None:
            usage = chunk.x_groq.usage
        if usage is not None:
            self._answer.usage = usage.public()
        for choice in chunk.choices or ():
            if choice.index:
                continue
            delta = choice.delta or choice.message
            if delta is not None:
                self._receive_delta(delta, events)
            if choice.error and (error := self._dialect.error_in({"error": choice.error})):
                raise error
            if choice.finish_reason:
                self._receive_finish(choice.finish_reason)
        self._expect(type(events[-1]) if len(events) == before + 1 else None)

    def _expect(self, kind: type[StreamEvent] | None) -> None:
        """Expect that the next chunk gives what this one gave, unless this one came in a form of its own."""
        if self._refused is kind:
            self._never.add(kind)
        self._refused = None
        self._usual = kind if self._named and kind not in self._never else None

    def _receive_origin(self, chunk: FirstChunk) -> None:
        answer = self._answer
        if answer.response_id is None and chunk.id:
            answer.response_id = answer.calls.id_seed = chunk.id
        if answer.model is None and chunk.model:
            answer.model = chunk.model
        self._named = answer.response_id is not None and answer.model is not None

    def _receive_delta(self, delta: Delta, events: list[StreamEvent]) -> None:
        reasoning = delta.reasoning_content or delta.reasoning
        if delta.reasoning_details:
            self._receive_details(delta.reasoning_details)
            reasoning = reasoning or _details_text(delta.reasoning_details)
        if reasoning:
            self._answer.add_reasoning(reasoning, events)
        content = delta.content
        if content:
            if isinstance(content, str):
                self._answer.text.append(content)
                events.append(ContentDelta(content))
            elif isinstance(content, list):
                self._receive_parts(content, events)
            else:  # Cloudflare gives an answer in JSON mode as the object itself
                self._answer.add_text(msgspec.json.encode(content).decode(), events)
        if delta.refusal:
            self._answer.refusal.append(delta.refusal)
        if delta.tool_calls:
            for call in delta.tool_calls:
                self._receive_call(call, events)
        legacy = delta.function_call
        if legacy is not None and not delta.tool_calls and (legacy.name or legacy.arguments):
            self._receive_call(ToolDelta(0, None, legacy), events)

    def _receive_parts(self, parts: list[AnyObject], events: list[StreamEvent]) -> None:
        """Content as a list of typed parts, as Mistral's reasoning models send it."""
        for part in parts:
            if part.get("type") == "thinking":
                inner = part.get("thinking")
                if reasoning := inner if isinstance(inner, str) else _parts_text(inner):
                    self._answer.add_reasoning(reasoning, events)
            elif text := _parts_text([part]):
                self._answer.add_text(text, events)

    def _receive_call(self, delta: ToolDelta, events: list[StreamEvent]) -> None:
        function = delta.function or Function()
        if delta.custom is not None and delta.custom.name:
            function = Function(delta.custom.name, delta.custom.input)
        arguments = function.arguments or ""
        if not isinstance(arguments, str):
            arguments = msgspec.json.encode(arguments).decode()
        calls = self._answer.calls
        call_id, name = delta.id or "", function.name or ""
        if not (call_id or name or delta.extra_content) and calls.add_more(delta.index, arguments, events):
            return
        call = calls.find(delta.index, call_id, name, arguments)
        if delta.extra_content is not None:
            call.extra_content = delta.extra_content
        calls.add(call, arguments, events)

    def _receive_finish(self, reason: str) -> None:
        self._answer.raw_finish_reason = reason
        if reason == "error":
            raise InternalServerError(
                "the provider broke off the answer with the finish reason 'error' and no explanation",
                status=500,
                error_type="error",
            )

    def _receive_details(self, details: list[AnyObject]) -> None:
        """Take a chunk's reasoning details: the first may be a piece more of the last one before it."""
        for position, detail in enumerate(details):
            if position or not self._details or not self._details[-1].goes_on_with(detail):
                self._details.append(_Detail())
            self._details[-1].add(detail)


def _parts_text(parts: object) -> str:
    if not isinstance(parts, list):
        return ""
    texts = (part.get("text") for part in parts if isinstance(part, dict))
    return "".join(text for text in texts if isinstance(text, str))


def _details_text(details: list[AnyObject]) -> str:
    texts = (detail.get("text") or detail.get("summary") for detail in details)
    return "".join(text for text in texts if isinstance(text, str))
