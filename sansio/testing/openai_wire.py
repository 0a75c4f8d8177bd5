"""Chat completions as OpenAI, Azure, OpenRouter, Ollama and vLLM write them, whole and as chunks.

Sources: OpenAI's API reference ("Chat completion", "Chat completion chunk"); Azure OpenAI's REST reference;
OpenRouter's API reference; Ollama's `openai` package; vLLM's `protocol.py`; and recorded streams of each,
for the order of keys and the first and last chunks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias, assert_never

import msgspec

from sansio.content import JSON, FinishReason, InvalidToolCall, JSONObject, Message, ToolCall, Usage
from sansio.events import ContentDelta, ReasoningDelta, ToolCallDelta, ToolCallStarted
from sansio.testing.failures import failure_event
from sansio.testing.script import Delta, Failure, arguments_text

ChatType: TypeAlias = Literal["openrouter", "openai", "azure", "ollama", "vllm"]

CREATED = 1_767_225_600
"""Unix seconds, the first of January 2026: a pure machine has no clock."""

_DONE = b"data: [DONE]\n\n"
_PROCESSING = b": OPENROUTER PROCESSING\n\n"
_REASONING_FIELD: dict[ChatType, str] = {
    # OpenAI shows no reasoning on this endpoint; compatible servers that do call it so. OpenRouter has two.
    "openai": "reasoning_content",
    "azure": "reasoning_content",
    "ollama": "reasoning",
    "vllm": "reasoning",
}
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


def encode_chunks(
    type: ChatType, deltas: Sequence[Delta], head: Message, end: Message | Failure | None, *, usage: bool
) -> tuple[bytes, ...]:
    """A stream as server-sent events.

    Args:
        head: names the answer's id and model.
        end: the whole message, an error inside the stream, or `None` for a stream that breaks off.
        usage: the request asked for it (`stream_options.include_usage`).

    Raises:
        ValueError: the provider has no word for the finish reason.
    """
    stream = _ChatStream(type, deltas, head, usage)
    pieces = stream.begin()
    for delta in deltas:
        match delta:
            case ContentDelta(text=text):
                pieces.append(stream.content(text))
            case ReasoningDelta(text=text):
                pieces.append(stream.reasoning(text))
            case ToolCallStarted():
                pieces.append(stream.tool_call(delta))
            case ToolCallDelta():
                pieces += stream.arguments(delta)
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


def encode_completion(type: ChatType, message: Message) -> bytes:
    """The message as a whole chat completion."""
    said: JSONObject = {"role": "assistant", "content": message.text}
    if message.reasoning:
        said |= _reasoning(type, message.reasoning)
    calls: list[ToolCall | InvalidToolCall] = [*message.tool_calls, *message.invalid_tool_calls]
    if calls:
        said["content"] = message.text or ("" if type == "ollama" else None)
        said["tool_calls"] = [_whole_call(type, index, call) for index, call in enumerate(calls)]
    if type in ("openai", "azure", "openrouter"):
        said["refusal"] = message.refusal
    stream = _ChatStream(type, (), message, usage=False)
    choice = stream.choice(said, raw_finish_reason(type, message))
    choice["message"] = choice.pop("delta")
    body = stream.chunk([choice])
    body["object"] = "chat.completion"
    if message.usage is not None:
        body["usage"] = _usage(type, message.usage)
    return msgspec.json.encode(body)


def raw_finish_reason(type: ChatType, message: Message) -> str | None:
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
        self._names_role = type in ("openrouter", "ollama")  # in every delta
        self._has_text = any(isinstance(delta, ContentDelta) for delta in deltas)
        # Ollama gives a call's arguments whole, in the chunk that begins the call.
        self._arguments: dict[int, list[str]] = {}
        for delta in deltas:
            if isinstance(delta, ToolCallDelta):
                self._arguments.setdefault(delta.index, []).append(delta.arguments)

    def chunk(self, choices: list[JSONObject]) -> JSONObject:
        """The envelope around the choices, in each provider's order of keys."""
        message_id, model = self._head.response_id or "chatcmpl-fake", self._head.model or "fake-model"
        kind, listed = "chat.completion.chunk", list[JSON](choices)
        head: JSONObject = {"id": message_id, "object": kind, "created": CREATED, "model": model}
        match self._type:
            case "openai":
                return {**head, "service_tier": "default", "system_fingerprint": "fp_fake", "choices": listed}
            case "azure":
                return {
                    "choices": listed,
                    "created": CREATED,
                    "id": message_id,
                    "model": model,
                    "object": kind,
                }
            case "openrouter":
                head = {"id": message_id, "provider": "Fake", "model": model, "object": kind}
                return {**head, "created": CREATED, "choices": listed}
            case "ollama":
                return {**head, "system_fingerprint": "fp_ollama", "choices": listed}
            case "vllm":
                return {**head, "choices": listed}
            case _:
                assert_never(self._type)

    def choice(self, delta: JSONObject, finish: str | None = None) -> JSONObject:
        """One choice of a chunk."""
        choice: JSONObject = {"index": 0, "delta": delta, "finish_reason": finish}
        match self._type:
            case "openai" | "vllm":
                return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
            case "azure":
                return {"content_filter_results": {} if finish else _SAFE, **choice}
            case "openrouter":
                return {**choice, "native_finish_reason": finish, "logprobs": None}
            case "ollama":
                return choice
            case _:
                assert_never(self._type)

    def begin(self) -> list[bytes]:
        """What comes before the first delta."""
        match self._type:
            case "openai":
                content = None if self._arguments and not self._has_text else ""
                return [self._say({"role": "assistant", "content": content, "refusal": None})]
            case "azure":
                results: list[JSON] = [{"prompt_index": 0, "content_filter_results": _SAFE}]
                prompt: JSONObject = {"choices": [], "created": 0, "id": "", "model": "", "object": ""}
                first = _data({**prompt, "prompt_filter_results": results})
                return [first, self._say({"content": "", "refusal": None, "role": "assistant"})]
            case "openrouter":
                return [_PROCESSING, _PROCESSING]
            case "ollama":
                return []
            case "vllm":
                return [self._say({"role": "assistant", "content": ""})]
            case _:
                assert_never(self._type)

    def content(self, text: str) -> bytes:
        """A piece of the answer's text."""
        return self._say(self._with_role({"content": text}))

    def reasoning(self, text: str) -> bytes:
        """A piece of the reasoning."""
        return self._say(self._with_role({"content": "", **_reasoning(self._type, text)}))

    def tool_call(self, started: ToolCallStarted) -> bytes:
        """The beginning of a tool call."""
        whole = "".join(self._arguments.get(started.index, ())) if self._type == "ollama" else ""
        function: JSONObject = {"name": started.name, "arguments": whole}
        return self._say_call(
            {"index": started.index, "id": started.id, "type": "function", "function": function}
        )

    def arguments(self, delta: ToolCallDelta) -> list[bytes]:
        """A piece of a tool call's arguments."""
        if self._type == "ollama":
            return []
        return [self._say_call({"index": delta.index, "function": {"arguments": delta.arguments}})]

    def finish(self, message: Message) -> list[bytes]:
        """The finish reason, the usage and the end marker."""
        pieces = []
        if message.refusal and self._type not in ("ollama", "vllm"):
            pieces.append(self._say({"refusal": message.refusal}))
        last = self._last(raw_finish_reason(self._type, message))
        pieces.append(self._send([last]))
        # OpenRouter tells it unasked, beside a choice that repeats the finish reason.
        if message.usage is not None and self._type == "openrouter":
            pieces.append(_data({**self.chunk([last]), "usage": _usage(self._type, message.usage)}))
        elif message.usage is not None and self._usage:
            pieces.append(_data({**self.chunk([]), "usage": _usage(self._type, message.usage)}))
        return [*pieces, _DONE]

    def fail(self, failure: Failure) -> list[bytes]:
        """The error inside the stream, where the provider has a form for it."""
        envelope = self.chunk([self._last("error")])
        event = failure_event(self._type, failure, self._head.response_id or "", envelope)
        return [event] if event else []

    def _last(self, reason: str | None) -> JSONObject:
        choice = self.choice(self._with_role({"content": ""}) if self._names_role else {}, reason)
        return {**choice, "stop_reason": None} if self._type == "vllm" else choice

    def _with_role(self, delta: JSONObject) -> JSONObject:
        return {"role": "assistant", **delta} if self._names_role else delta

    def _say_call(self, call: JSONObject) -> bytes:
        content: JSONObject = {"content": "" if self._type == "ollama" else None} if self._names_role else {}
        return self._say({**self._with_role(content), "tool_calls": [call]})

    def _say(self, delta: JSONObject) -> bytes:
        return self._send([self.choice(delta)])

    def _send(self, choices: list[JSONObject]) -> bytes:
        body = self.chunk(choices)
        if self._usage and self._type in ("openai", "azure"):
            body["usage"] = None
        return _data(body)


def _reasoning(type: ChatType, text: str) -> JSONObject:
    if type != "openrouter":
        return {_REASONING_FIELD[type]: text}
    detail: JSONObject = {"type": "reasoning.text", "text": text, "format": "unknown", "index": 0}
    return {"reasoning": text, "reasoning_details": [detail]}


def _whole_call(type: ChatType, index: int, call: ToolCall | InvalidToolCall) -> JSONObject:
    function: JSONObject = {"name": call.name, "arguments": arguments_text(call)}
    whole: JSONObject = {"id": call.id, "type": "function", "function": function}
    return {"index": index, **whole} if type in ("ollama", "openrouter") else whole


def _usage(type: ChatType, usage: Usage) -> JSONObject:
    counts: JSONObject = {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
    }
    prompt: JSONObject = {"cached_tokens": usage.cached_tokens}
    completion: JSONObject = {"reasoning_tokens": usage.reasoning_tokens}
    match type:
        case "openai" | "azure":
            prompt["audio_tokens"] = completion["audio_tokens"] = 0
            return {**counts, "prompt_tokens_details": prompt, "completion_tokens_details": completion}
        case "openrouter":
            prompt["cache_write_tokens"] = usage.cache_write_tokens
            details: JSONObject = {"prompt_tokens_details": prompt, "completion_tokens_details": completion}
            return {**counts, "cost": 0, "is_byok": False, **details}
        case "vllm":
            return {**counts, "prompt_tokens_details": prompt if usage.cached_tokens else None}
        case "ollama":
            return counts
        case _:
            assert_never(type)


def _data(value: JSONObject) -> bytes:
    return b"data: " + msgspec.json.encode(value) + b"\n\n"
