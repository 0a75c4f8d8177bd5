"""A wire family as an application would add it, by public names only: Google's `generateContent`.

Wire facts: the Gemini API reference, "generateContent" and "streamGenerateContent", and recorded traffic.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import quote

from msgspec import structs, to_builtins

import sansio
from sansio import FinishReason, JSONObject, Message, Part, Read, Role, StreamEvent

Body = dict[str, Any]  # Any: JSON that is written to, or looked at by hand
_BARE = re.compile(rb"(?<=[\r\n])[{\[]")
_BLOCKED = "SAFETY RECITATION BLOCKLIST PROHIBITED_CONTENT SPII LANGUAGE IMAGE_SAFETY MODEL_ARMOR JAILBREAK"
_PARTS: Mapping[
    str, tuple[type[Part], Mapping[str, str]]
] = {  # our part, and where the wire's fields are in it
    "functionCall": (sansio.ToolCall, {"id": "id", "name": "name", "args": "arguments"}),
    "inlineData": (sansio.ImagePart, {"mimeType": "media_type", "data": "data"}),
    "executableCode": (sansio.ServerToolPart, {"id": "id", "code": "input"}),
    "codeExecutionResult": (sansio.ServerToolPart, {"id": "id", "output": "output", "outcome": "status"}),
}
_KINDS = {ours: kind for kind, (ours, _) in _PARTS.items()}


def part_of(wire: Body) -> Part:
    """A part of the wire as one of ours; what no typed field says is in `extra`, a missing id as null."""
    if isinstance(text := wire.get("text"), str):
        if wire.get("thought") is True:
            return sansio.ReasoningPart(text, sansio.rest(wire, "text", "thought"))
        return sansio.TextPart(text, extra=sansio.rest(wire, "text"))
    kind = next((name for name in wire if name not in ("thought", "thoughtSignature")), "")
    ours, fields = _PARTS.get(kind, (sansio.UnknownPart, {}))
    inner: Body = sansio.convert(wire[kind], dict) if fields else {}
    if not fields or not str(inner.get("mimeType", "image/")).startswith("image/"):
        return sansio.UnknownPart(kind, wire)
    needed = {sansio.ToolCall: {"id": ""}, sansio.ServerToolPart: {"kind": kind}}.get(ours, {})
    typed = sansio.without_nulls({name: inner.get(field) for field, name in fields.items()})
    beside = sansio.rest(({"id": None} if ours is sansio.ToolCall else {}) | inner, *fields)
    extra = sansio.rest(wire, kind) | ({kind: beside} if beside else {})
    return sansio.convert({**needed, **typed, "extra": extra}, ours)


def wire_of(part: Part) -> JSONObject | None:
    """The inverse of `part_of`; `None` for a part that has no place here."""
    match part:
        case sansio.TextPart():
            return {"text": part.text, **part.extra}
        case sansio.ReasoningPart():
            return {"text": part.text, "thought": True, **part.extra}
        case sansio.UnknownPart():
            return dict(part.extra)
        case sansio.InvalidToolCall():
            part = sansio.ToolCall(part.id, part.name, sansio.wrap_invalid(part), extra=part.extra)
    kind = part.kind if isinstance(part, sansio.ServerToolPart) else _KINDS.get(type(part), "")
    if kind not in _PARTS or (isinstance(part, sansio.ImagePart) and part.data is None):
        return None
    typed: Body = to_builtins({field: getattr(part, name) for field, name in _PARTS[kind][1].items()})
    beside: Any = part.extra.get(kind) or {}
    return {**part.extra, kind: sansio.without_nulls(typed | beside)}


class GeminiDialect(sansio.Dialect):
    """The model is in the path, the key in a header of Google's, and the parts are in order."""

    TYPE, API = "google-like", "gemini-like"
    SENDS = frozenset((sansio.TextPart, sansio.ToolCall, sansio.InvalidToolCall, sansio.ImagePart))
    SENDS_EMPTY = False
    SENDS_TOOL_ERRORS = True
    FINISH_REASONS: ClassVar[Mapping[str, FinishReason]] = {
        "STOP": FinishReason.STOP,
        "MAX_TOKENS": FinishReason.LENGTH,
        **dict.fromkeys(_BLOCKED.split(), FinishReason.CONTENT_FILTER),
        **dict.fromkeys(("MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL"), FinishReason.ERROR),
    }
    OPTIONS: ClassVar[Mapping[str, sansio.Option]] = {
        **sansio.portable(temperature="generationConfig.temperature", top_k="generationConfig.topK"),
        **sansio.portable(max_tokens="generationConfig.maxOutputTokens"),
        **sansio.portable(stop=sansio.listed("generationConfig.stopSequences")),
        **sansio.portable(reasoning_budget="generationConfig.thinkingConfig.thinkingBudget"),
    }

    def build_endpoint(self, stream: bool = False) -> str:
        verb = "streamGenerateContent?alt=sse" if stream else "generateContent"
        return f"{self.config.base_url}/v1beta/models/{quote(self.config.model or '', safe='')}:{verb}"

    def authorize(
        self, request: sansio.Request, key: sansio.Key | None, *, now: float = 0.0
    ) -> sansio.Request:
        return structs.replace(request, headers=(*request.headers, ("x-goog-api-key", self.usable_key(key))))

    def build_request_body(
        self, messages: Sequence[Message], tools: Sequence[sansio.Tool], stream: bool, **options: object
    ) -> Body:
        body: Body = {"contents": []}
        calls: dict[str | None, Body] = {}
        for index, message in enumerate(messages):
            parts: list[Body] = [*self.write_parts(message, index, wire_of)]
            if message.role is Role.TOOL:  # a result names the tool; and the call, if the server named it
                named = sansio.rest(calls[message.tool_call_id], "args")
                said = {"error" if message.is_error else "output": message.text}
                files = [part for part in parts if "text" not in part]
                parts = [{"functionResponse": {**named, "response": said}}, *files]
            for part, wire in zip(message.parts, parts, strict=False):
                if isinstance(part, sansio.ToolCall | sansio.InvalidToolCall):
                    calls[part.id] = wire["functionCall"]
            role = "model" if message.role is Role.ASSISTANT else "user"
            if message.role in (Role.SYSTEM, Role.DEVELOPER):
                body.setdefault("systemInstruction", {"parts": []})["parts"] += parts
            elif body["contents"] and body["contents"][-1]["role"] == role:  # a turn is one content
                body["contents"][-1]["parts"] += parts
            else:
                body["contents"].append({"role": role, "parts": parts})
        if tools:
            body["tools"] = [{"functionDeclarations": [tool.get("function", tool) for tool in tools]}]
        if self.config.reasoning:
            body["generationConfig"] = {"thinkingConfig": {"includeThoughts": True}}
        sansio.write_options(body, options, self.OPTIONS, self.origin)
        return body

    def framer(self, content_type: str) -> sansio.Framer:
        return BareErrorFramer(self.limits.max_event_bytes)

    def open_stream(self) -> GeminiReader:
        return GeminiReader(self)

    def build_error(self, error: JSONObject, status: int, data: JSONObject) -> sansio.APIStatusError:
        return super().build_error({**error, "type": error.get("status")}, status, data)


class BareErrorFramer(sansio.SSEFramer):
    """Server-sent events; bare JSON behind them, as Google reports a failure, becomes one event more."""

    _before, _is_bare = b"\n", False

    def feed(self, data: bytes, read: Read, events: list[StreamEvent]) -> bool:
        begin = 0 if self._is_bare else len(data)
        if not self._is_bare and (found := _BARE.search(self._before + data)):
            self._is_bare, begin = True, found.start() - 1
            data = data[:begin] + b"\n" + data[begin:]
        self._before = data[-1:] or self._before
        return super().feed(data[:begin] + data[begin:].replace(b"\n", b"\ndata: "), read, events)


class GeminiReader(sansio.AnswerReader):
    """One answer. There is no end marker, and parts may follow a finish reason: the body's end decides."""

    def receive(self, data: bytes, events: list[StreamEvent], name: str = "") -> bool:
        if text := data.decode("utf-8", "replace").strip("[] \r\n"):  # some errors are in an array
            record = sansio.decode_object(text, self._max_depth)
            if error := self._dialect.error_in(record):
                raise error
            self._receive(record, events)
        return False

    def receive_whole(self, data: JSONObject) -> None:
        if not data.get("candidates") and not data.get("promptFeedback"):
            raise sansio.RemoteProtocolError("the response has no candidates, so no answer")
        self._receive(data, [])

    def _receive(self, data: JSONObject, events: list[StreamEvent]) -> None:
        answer = self._answer
        self.progress += 1
        answer.model = sansio.text_or_none(data.get("modelVersion")) or answer.model
        answer.response_id = answer.response_id or sansio.text_or_none(data.get("responseId"))
        answer.calls.id_seed = answer.response_id or ""
        answer.extra |= sansio.rest(data, "candidates", "usageMetadata", "modelVersion", "responseId")
        if isinstance(counts := data.get("usageMetadata"), dict) and counts:
            answer.usage = sansio.usage_of(
                counts,
                input_tokens=("promptTokenCount", "toolUsePromptTokenCount"),
                output_tokens=("candidatesTokenCount", "thoughtsTokenCount"),
                cached_tokens=("cachedContentTokenCount",),
                reasoning_tokens=("thoughtsTokenCount",),
            )
        match data.get("candidates"):
            case [{"content": {"parts": [*parts]}}, *_]:
                for wire in parts:
                    self._receive_part(part_of(wire if isinstance(wire, dict) else {}), events)
        match data:
            case {"candidates": [{"finishReason": str(reason)}, *_]}:
                answer.raw_finish_reason = reason
            case {"promptFeedback": {"blockReason": str(reason)}}:
                answer.raw_finish_reason = reason

    def _receive_part(self, part: Part, events: list[StreamEvent]) -> None:
        if isinstance(part, sansio.TextPart | sansio.ReasoningPart) and not part.extra:
            self._answer.say(type(part), part.text, events)
        else:  # a signature signs its own piece, which is not joined with others
            self._answer.take(part, events)
