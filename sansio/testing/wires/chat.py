"""Chat completions as OpenAI, Azure, OpenRouter, Ollama and vLLM write them, whole and as chunks.

Sources: OpenAI's API reference ("Chat completion", "Chat completion chunk", "Audio"); Azure OpenAI's REST
reference; OpenRouter's API reference ("Reasoning tokens", "Image generation"); Ollama's `openai` package;
vLLM's `protocol.py`; and recorded streams of each, for the order of keys and the first and last chunks.
"""

from __future__ import annotations

import binascii
from collections.abc import Sequence
from typing import Literal, TypeAlias, assert_never

import msgspec

from sansio.content import (
    AudioPart,
    DocumentPart,
    FinishReason,
    ImagePart,
    InvalidToolCall,
    Message,
    Part,
    ReasoningPart,
    RefusalPart,
    ServerToolPart,
    TextPart,
    ToolCall,
    UnknownPart,
    Usage,
)
from sansio.events import (
    ContentDelta,
    PartComplete,
    ReasoningDelta,
    RefusalDelta,
    ToolCallDelta,
    ToolCallStarted,
)
from sansio.families.chat.serving import annotation, data_event
from sansio.jsontext import JSON, JSONObject
from sansio.testing.failures import failure_event
from sansio.testing.script import Delta, Failure, arguments_text

ChatType: TypeAlias = Literal["openrouter", "openai", "azure", "ollama", "vllm"]
CHAT_TYPES: tuple[ChatType, ...] = ("openrouter", "openai", "azure", "ollama", "vllm")

CREATED = 1_767_225_600
"""Unix seconds, the first of January 2026: a pure machine has no clock."""

_DONE = b"data: [DONE]\n\n"
_PROCESSING = b": OPENROUTER PROCESSING\n\n"
_REASONING_FIELD: dict[ChatType, str] = {
    # OpenAI shows no reasoning on this endpoint; this is the name in compatible servers. OpenRouter has two.
    "openai": "reasoning_content",
    "azure": "reasoning_content",
    "ollama": "reasoning",
    "vllm": "reasoning",
}
_DETAIL_TEXTS = {"reasoning.text": "text", "reasoning.summary": "summary"}
_REFUSING = ("openrouter", "openai", "azure")
"""Types whose wire has a field for a refusal."""
_FINISH_REASONS = {
    FinishReason.STOP: "stop",
    FinishReason.LENGTH: "length",
    FinishReason.TOOL_CALLS: "tool_calls",
    FinishReason.CONTENT_FILTER: "content_filter",
    FinishReason.REFUSAL: "stop",
}
_SAFE: JSONObject = {
    kind: {"filtered": False, "severity": "safe"} for kind in ("hate", "self_harm", "sexual", "violence")
}
_CHOICE_FIELDS = ("content_filter_results", "native_finish_reason", "logprobs", "stop_reason")
"""Fields of a message's `extra` that are the choice's, not the completion's."""


def chat_type(name: str) -> ChatType:
    """The type of that name; OpenAI for the registered types that speak its wire."""
    return next((known for known in CHAT_TYPES if known == name), "openai")


def always_sent(type: str) -> JSONObject:
    """The fields of a message's `extra` that a type's answers always have, with the fake's own values."""
    known = chat_type(type)
    match known:
        case "openai":
            return {"service_tier": "default", "system_fingerprint": "fp_fake"}
        case "azure":
            prompt: JSONObject = {"prompt_index": 0, "content_filter_results": _SAFE}
            return {"prompt_filter_results": [prompt], "content_filter_results": _SAFE}
        case "openrouter":
            return {"provider": "Fake"}
        case "ollama":
            return {"system_fingerprint": "fp_ollama"}
        case "vllm":
            return {}
        case _:
            assert_never(known)


def encode_chunks(
    type: str, deltas: Sequence[Delta], head: Message, end: Message | Failure | None, usage: bool
) -> tuple[bytes, ...]:
    """A stream as server-sent events.

    Args:
        head: has the answer's id and model; its parts, if known, have what the events lack.
        end: the whole message, an error inside the stream, or `None` for a truncated stream.
        usage: the request asked for it (`stream_options.include_usage`).

    Raises:
        ValueError: the provider has no word for the finish reason, or no place for a part.
    """
    stream = _ChatStream(chat_type(type), deltas, head, usage)
    pieces = stream.begin()
    for position, delta in enumerate(deltas):
        match delta:
            case ContentDelta():
                pieces.append(stream.content(delta))
            case ReasoningDelta():
                pieces += stream.reasoning(position, delta)
            case RefusalDelta(text=text):
                pieces += stream.refusal(text)
            case ToolCallStarted():
                pieces.append(stream.tool_call(delta))
            case ToolCallDelta():
                pieces += stream.arguments(delta)
            case PartComplete(index=index, part=part):
                pieces += stream.part(index, part)
            case _:
                assert_never(delta)
    match end:
        case Message():
            pieces += stream.finish(end)
        case Failure():
            pieces += stream.fail(end)
        case None:
            pass
        case _:
            assert_never(end)
    return tuple(pieces)


def encode_completion(type: str, message: Message) -> bytes:
    """The message as a whole chat completion.

    Raises:
        ValueError: the provider has no word for the finish reason, or no place for a part.
    """
    known = chat_type(type)
    stream = _ChatStream(known, (), message, usage=False)
    choice = stream.choice({}, raw_finish_reason(known, message))
    choice["message"] = _whole_message(known, message)
    del choice["delta"]
    choice |= {name: message.extra[name] for name in ("logprobs",) if name in message.extra}
    if known == "azure":
        choice["content_filter_results"] = stream.extra["content_filter_results"]
    body = {**stream.chunk([choice]), **stream.others()}
    body["object"] = "chat.completion"
    if known == "azure":
        body["prompt_filter_results"] = stream.extra["prompt_filter_results"]
    if message.usage is not None:
        body["usage"] = _usage(known, message.usage)
    return msgspec.json.encode(body)


def raw_finish_reason(type: str, message: Message) -> str | None:
    """The provider's word for how the message ended.

    Raises:
        ValueError: it has none for that reason.
    """
    reason = message.finish_reason
    if message.raw_finish_reason is not None or reason is None:
        return message.raw_finish_reason
    if reason is FinishReason.ERROR and type in ("openrouter", "vllm"):
        return "error" if type == "openrouter" else "abort"
    if reason not in _FINISH_REASONS:
        raise ValueError(f"{type} has no word for the finish reason {reason.value!r}: give raw_finish_reason")
    return _FINISH_REASONS[reason]


class _ChatStream:
    """Makes the chunks of one stream."""

    def __init__(self, type: ChatType, deltas: Sequence[Delta], head: Message, usage: bool) -> None:
        self._type = type
        self._head = head
        self._usage = usage
        self.extra: JSONObject = {**always_sent(type), **head.extra}
        self._names_role = type in ("openrouter", "ollama")  # in every delta
        self._has_text = any(isinstance(delta, ContentDelta) for delta in deltas)
        # Ollama gives a call's arguments whole, in the chunk that begins the call.
        self._arguments: dict[int, list[str]] = {}
        self._custom: set[int] = set()
        self._last_reasoning: dict[int, int] = {}  # by part: the position of its last delta
        self._ordinals: dict[int, int] = {}  # by part: which reasoning detail it is
        for position, delta in enumerate(deltas):
            if isinstance(delta, ToolCallDelta):
                self._arguments.setdefault(delta.index, []).append(delta.arguments)
            elif isinstance(delta, ToolCallStarted) and delta.kind == "custom":
                self._custom.add(delta.index)
            elif isinstance(delta, ReasoningDelta):
                self._last_reasoning[delta.part] = position
        logprobs = self.extra.get("logprobs")
        self._logprobs: JSONObject = dict(logprobs) if isinstance(logprobs, dict) else {}

    def chunk(self, choices: list[JSONObject]) -> JSONObject:
        """The envelope around the choices, in each provider's order of keys."""
        message_id, model = self._head.response_id or "chatcmpl-fake", self._head.model or "fake-model"
        kind, listed = "chat.completion.chunk", list[JSON](choices)
        head: JSONObject = {"id": message_id, "object": kind, "created": CREATED, "model": model}
        match self._type:
            case "openai":
                named = {name: self.extra[name] for name in ("service_tier", "system_fingerprint")}
                return {**head, **named, "choices": listed}
            case "azure":
                return {
                    "choices": listed,
                    "created": CREATED,
                    "id": message_id,
                    "model": model,
                    "object": kind,
                }
            case "openrouter":
                head = {
                    "id": message_id,
                    "provider": self.extra["provider"],
                    "model": model,
                    "object": kind,
                }
                return {**head, "created": CREATED, "choices": listed}
            case "ollama":
                return {**head, "system_fingerprint": self.extra["system_fingerprint"], "choices": listed}
            case "vllm":
                return {**head, "choices": listed}
            case _:
                assert_never(self._type)

    def others(self) -> JSONObject:
        """The answer's own fields that are not in every chunk."""
        placed = {*always_sent(self._type), *_CHOICE_FIELDS}
        return {name: value for name, value in self.extra.items() if name not in placed}

    def choice(
        self, delta: JSONObject, finish: str | None = None, logprobs: JSONObject | None = None
    ) -> JSONObject:
        """One choice of a chunk."""
        choice: JSONObject = {"index": 0, "delta": delta, "finish_reason": finish}
        match self._type:
            case "openai":
                return {"index": 0, "delta": delta, "logprobs": logprobs, "finish_reason": finish}
            case "vllm":
                choice = {"index": 0, "delta": delta, "logprobs": logprobs, "finish_reason": finish}
                return {**choice, "stop_reason": self.extra.get("stop_reason")} if finish else choice
            case "azure":
                found = {} if finish else self.extra["content_filter_results"]
                choice = {"content_filter_results": found, **choice}
                return choice if logprobs is None else {**choice, "logprobs": logprobs}
            case "openrouter":
                native = self.extra.get("native_finish_reason", finish) if finish else None
                return {**choice, "native_finish_reason": native, "logprobs": logprobs}
            case "ollama":
                return choice if logprobs is None else {**choice, "logprobs": logprobs}
            case _:
                assert_never(self._type)

    def begin(self) -> list[bytes]:
        """The chunks before the first delta."""
        match self._type:
            case "openai":
                content = None if self._arguments and not self._has_text else ""
                return [self._say({"role": "assistant", "content": content, "refusal": None})]
            case "azure":
                prompt: JSONObject = {"choices": [], "created": 0, "id": "", "model": "", "object": ""}
                first = data_event({**prompt, "prompt_filter_results": self.extra["prompt_filter_results"]})
                return [first, self._say({"content": "", "refusal": None, "role": "assistant"})]
            case "openrouter":
                return [_PROCESSING, _PROCESSING]
            case "ollama":
                return []
            case "vllm":
                return [self._say({"role": "assistant", "content": ""})]
            case _:
                assert_never(self._type)

    def content(self, delta: ContentDelta) -> bytes:
        """A piece of the answer's text."""
        part = self._part(delta.part)
        content: JSON = delta.text
        if isinstance(part, TextPart) and part.extra:
            content = [{"type": "text", "text": delta.text, **part.extra}]
        return self._say(self._with_role({"content": content}), self._next_logprobs())

    def reasoning(self, position: int, delta: ReasoningDelta) -> list[bytes]:
        """A piece of the reasoning; after a detail's last piece, its signature."""
        part = self._part(delta.part)
        extra = part.extra if isinstance(part, ReasoningPart) else {}
        if self._type != "openrouter":
            if extra.get("field") == "content":
                return [self._say(self._with_role({"content": [_thinking(delta.text, extra)]}))]
            field = str(extra.get("field") or _REASONING_FIELD[self._type])
            return [self._say(self._with_role({"content": "", field: delta.text}))]
        fields = _detail_fields(extra, self._ordinal(delta.part))
        signature = fields.pop("signature", None)
        pieces = [self._say_detail(delta.text, _detail(fields, delta.text))]
        if signature is not None and self._last_reasoning[delta.part] == position:
            pieces.append(self._say_detail(None, {**fields, "signature": signature}))
        return pieces

    def refusal(self, text: str) -> list[bytes]:
        """A piece of the refusal."""
        return [self._say({"refusal": text})] if self._type in _REFUSING else []

    def tool_call(self, started: ToolCallStarted) -> bytes:
        """The beginning of a tool call."""
        part = self._part(started.part)
        extra = part.extra if isinstance(part, ToolCall | InvalidToolCall) else {}
        whole = "".join(self._arguments.get(started.index, ())) if self._type == "ollama" else ""
        call = _call(started.id, started.name, started.kind, whole, extra)
        return self._say_call({"index": started.index, **call})

    def arguments(self, delta: ToolCallDelta) -> list[bytes]:
        """A piece of a tool call's arguments."""
        if self._type == "ollama":
            return []
        if delta.index in self._custom:
            return [self._say_call({"index": delta.index, "custom": {"input": delta.arguments}})]
        return [self._say_call({"index": delta.index, "function": {"arguments": delta.arguments}})]

    def part(self, index: int, part: Part) -> list[bytes]:
        """A part that is given whole."""
        match part:
            case TextPart():
                pieces = []
                if not part.text and part.extra:
                    pieces.append(
                        self._say(self._with_role({"content": [{"type": "text", "text": "", **part.extra}]}))
                    )
                if part.citations:
                    pieces.append(self._say(self._with_role({"annotations": _annotations(part)})))
                return pieces
            case ReasoningPart() if self._type == "openrouter":
                return [self._say_detail(None, _detail_fields(part.extra, self._ordinal(index)))]
            case ImagePart():
                return [self._say(self._with_role({"content": "", "images": [_image(self._type, part)]}))]
            case AudioPart():
                return [self._say(self._with_role({"audio": piece})) for piece in _sound(self._type, part)]
            case UnknownPart():
                return [self._say(self._with_role({"content": [part.extra]}))]
            case _:
                raise _unsayable(self._type, part)

    def finish(self, message: Message) -> list[bytes]:
        """The finish reason, the usage and the end marker."""
        last = self._last(raw_finish_reason(self._type, message))
        body = {**self.chunk([last]), **self.others()}
        if self._usage and self._type in ("openai", "azure"):
            body["usage"] = None
        pieces = [data_event(body)]
        # OpenRouter sends it without being asked, beside a choice that repeats the finish reason.
        if message.usage is not None and self._type == "openrouter":
            again = {**last, "logprobs": None}
            pieces.append(data_event({**self.chunk([again]), "usage": _usage(self._type, message.usage)}))
        elif message.usage is not None and self._usage:
            pieces.append(data_event({**self.chunk([]), "usage": _usage(self._type, message.usage)}))
        return [*pieces, _DONE]

    def fail(self, failure: Failure) -> list[bytes]:
        """The error inside the stream, if the provider has a form for it."""
        envelope = self.chunk([self._last("error")])
        event = failure_event(self._type, failure, self._head.response_id or "", envelope)
        return [event] if event else []

    def _part(self, index: int) -> Part | None:
        parts = self._head.parts
        return parts[index] if index < len(parts) else None

    def _ordinal(self, part: int) -> int:
        return self._ordinals.setdefault(part, len(self._ordinals))

    def _next_logprobs(self) -> JSONObject | None:
        """The log probabilities of one token for each piece of text; the last chunk has the rest."""
        content = self._logprobs.get("content")
        if not isinstance(content, list) or not content:
            return None
        self._logprobs["content"] = content[1:]
        return {"content": content[:1], "refusal": None}

    def _last(self, reason: str | None) -> JSONObject:
        left: JSONObject = {name: value for name, value in self._logprobs.items() if value}
        return self.choice(self._with_role({"content": ""}) if self._names_role else {}, reason, left or None)

    def _with_role(self, delta: JSONObject) -> JSONObject:
        return {"role": "assistant", **delta} if self._names_role else delta

    def _say_call(self, call: JSONObject) -> bytes:
        content: JSONObject = {"content": "" if self._type == "ollama" else None} if self._names_role else {}
        return self._say({**self._with_role(content), "tool_calls": [call]})

    def _say_detail(self, text: str | None, detail: JSONObject) -> bytes:
        return self._say(self._with_role({"content": "", "reasoning": text, "reasoning_details": [detail]}))

    def _say(self, delta: JSONObject, logprobs: JSONObject | None = None) -> bytes:
        body = self.chunk([self.choice(delta, None, logprobs)])
        if self._usage and self._type in ("openai", "azure"):
            body["usage"] = None
        return data_event(body)


def _whole_message(type: ChatType, message: Message) -> JSONObject:
    said: JSONObject = {"role": "assistant", "content": None}
    content: list[JSON] = []
    reasoning: list[ReasoningPart] = []
    calls: list[JSON] = []
    citations: list[JSON] = []
    images: list[JSON] = []
    audio: JSONObject = {}
    structured = False  # content of typed parts, if plain text is not enough
    for part in message.parts:
        match part:
            case TextPart():
                if part.text or part.extra:
                    content.append({"type": "text", "text": part.text, **part.extra})
                structured = structured or bool(part.extra)
                citations += _annotations(part)
            case UnknownPart():
                content.append(part.extra)
                structured = True
            case ReasoningPart() if part.extra.get("field") == "content":
                content.append(_thinking(part.text, part.extra))
                structured = True
            case ReasoningPart():
                reasoning.append(part)
            case RefusalPart():
                pass
            case ToolCall() | InvalidToolCall():
                calls.append(_whole_call(type, len(calls), part))
            case ImagePart():
                images.append(_image(type, part))
            case AudioPart():
                for piece in _sound(type, part):
                    audio |= piece
            case ServerToolPart() | DocumentPart():
                raise _unsayable(type, part)
            case _:
                assert_never(part)
    text = message.text
    if text or not (calls or audio):
        said["content"] = text
    elif type == "ollama":
        said["content"] = ""
    if structured:
        said["content"] = content
    if reasoning:
        said |= _whole_reasoning(type, reasoning)
    if calls:
        said["tool_calls"] = calls
    if type in _REFUSING:
        said["refusal"] = message.refusal
    beside: dict[str, JSON] = {"annotations": citations, "images": images, "audio": audio}
    return said | {name: value for name, value in beside.items() if value}


def _whole_reasoning(type: ChatType, parts: Sequence[ReasoningPart]) -> JSONObject:
    text = "".join(part.text for part in parts)
    if type != "openrouter":
        field = next((str(part.extra["field"]) for part in parts if "field" in part.extra), None)
        return {field or _REASONING_FIELD[type]: text}
    details: list[JSON] = [
        _detail(_detail_fields(part.extra, ordinal), part.text) for ordinal, part in enumerate(parts)
    ]
    return {"reasoning": text or None, "reasoning_details": details}


def _thinking(text: str, extra: JSONObject) -> JSONObject:
    """Reasoning as Mistral's part of the content."""
    inner: JSONObject = {"type": "text", "text": text}
    beside = {name: value for name, value in extra.items() if name != "field"}
    return {"type": "thinking", "thinking": [inner], **beside}


def _detail_fields(extra: JSONObject, ordinal: int) -> JSONObject:
    """The fields of one of OpenRouter's reasoning details, except its text."""
    if "type" in extra:
        return dict(extra)
    return {"type": "reasoning.text", "format": "unknown", "index": ordinal, **extra}


def _detail(fields: JSONObject, text: str) -> JSONObject:
    field = _DETAIL_TEXTS.get(str(fields["type"]))
    if field is None or not text:
        return fields
    return {"type": fields["type"], field: text, **fields}


def _call(call_id: str, name: str, kind: str, arguments: str, extra: JSONObject) -> JSONObject:
    if kind == "custom":
        return {"id": call_id, "type": "custom", "custom": {"name": name, "input": arguments}, **extra}
    function: JSONObject = {"name": name, "arguments": arguments}
    beside = {field: value for field, value in extra.items() if field != "function"}
    inner = extra.get("function")
    if isinstance(inner, dict):
        function |= inner
    return {"id": call_id, "type": "function", "function": function, **beside}


def _whole_call(type: ChatType, index: int, call: ToolCall | InvalidToolCall) -> JSONObject:
    whole = _call(call.id, call.name, call.kind, arguments_text(call), call.extra)
    return {"index": index, **whole} if type in ("ollama", "openrouter") else whole


def _annotations(part: TextPart) -> list[JSON]:
    return [annotation(citation) for citation in part.citations]


def _image(type: ChatType, part: ImagePart) -> JSONObject:
    if part.file_id is not None:
        raise _unsayable(type, part)
    url = part.url or f"data:{part.media_type};base64,{_base64(part.data or b'')}"
    inner = part.extra.get("image_url")
    beside = {name: value for name, value in part.extra.items() if name != "image_url"}
    return {
        "type": "image_url",
        "image_url": {"url": url, **(inner if isinstance(inner, dict) else {})},
        **beside,
    }


def _sound(type: ChatType, part: AudioPart) -> list[JSONObject]:
    """Audio in the pieces of a stream: the transcript first, then the audio, then the other fields."""
    if part.url is not None or part.file_id is not None:
        raise _unsayable(type, part)
    named = {name: value for name, value in part.extra.items() if name == "id"}
    others = {name: value for name, value in part.extra.items() if name != "id"}
    pieces: list[JSONObject] = [{**named, "transcript": part.transcript or ""}]
    if part.data is not None:
        pieces.append({**named, "data": _base64(part.data)})
    return [*pieces, {**named, **others}] if others else pieces


def _base64(data: bytes) -> str:
    return binascii.b2a_base64(data, newline=False).decode()


def _unsayable(type: ChatType, part: Part) -> ValueError:
    return ValueError(f"{type}'s chat completions have no place for this {part.__class__.__name__}")


def _usage(type: ChatType, usage: Usage) -> JSONObject:
    counts: JSONObject = {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
    }
    prompt: JSONObject = {"cached_tokens": usage.cached_tokens}
    completion: JSONObject = {"reasoning_tokens": usage.reasoning_tokens}
    details: JSONObject = {"prompt_tokens_details": prompt, "completion_tokens_details": completion}
    match type:
        case "openai" | "azure":
            prompt["audio_tokens"] = completion["audio_tokens"] = 0
            counts |= details
        case "openrouter":
            prompt["cache_write_tokens"] = usage.cache_write_tokens
            counts |= {"cost": 0 if usage.cost is None else usage.cost, "is_byok": False, **details}
        case "vllm":
            counts["prompt_tokens_details"] = prompt if usage.cached_tokens else None
        case "ollama":
            pass
        case _:
            assert_never(type)
    return _merged(counts, usage.extra)


def _merged(base: JSONObject, extra: JSONObject) -> JSONObject:
    """Both values merged, objects field by field."""
    merged = dict(base)
    for name, value in extra.items():
        known = merged.get(name)
        merged[name] = _merged(known, value) if isinstance(known, dict) and isinstance(value, dict) else value
    return merged
