"""Chat completions from the server's side, in OpenAI's own form.

Sources: OpenAI's API reference ("Create chat completion", "Chat completion chunk", "Error codes"). Reasoning
is in `reasoning_content`, which compatible servers and their clients know; OpenAI's SDK passes it on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import msgspec

from sansio.content import (
    Citation,
    FinishReason,
    InvalidToolCall,
    Message,
    Part,
    ReasoningPart,
    RefusalPart,
    TextPart,
    ToolCall,
    Usage,
)
from sansio.errors import InvalidRequestError, ProviderError
from sansio.events import (
    ContentDelta,
    PartComplete,
    ReasoningDelta,
    RefusalDelta,
    StreamEvent,
    ToolCallDelta,
    ToolCallStarted,
)
from sansio.families.chat.dicts import from_openai
from sansio.families.fields import text_or_none
from sansio.families.serving import (
    AnswerHead,
    Serving,
    StreamWriter,
    WireRequest,
    as_openai_error,
    objects_in,
    openai_ending,
    status_of,
)
from sansio.jsontext import JSON, JSONObject

_NOT_OPTIONS = ("messages", "model", "tools", "stream", "stream_options")
_OLD = {"functions": "tools", "function_call": "tool_choice"}
"""Fields from before the API had tools, and the fields that replace them."""


class ChatServing(Serving):
    """Chat completions for servers."""

    def read_request(self, body: JSONObject, same: bool) -> WireRequest:
        messages = body.get("messages")
        if not isinstance(messages, list) or not messages:
            raise InvalidRequestError("messages: a list with at least one message is required")
        for old, new in _OLD.items():
            if body.get(old) is not None and not same:
                raise InvalidRequestError(f"{old}: this is the old form; use {new}")
        asked = body.get("stream_options")
        options: dict[str, object] = {
            name: value for name, value in body.items() if name not in _NOT_OPTIONS and value is not None
        }
        if options.get("n") == 1 and not same:
            del options["n"]  # every API gives one answer by default
        return WireRequest(
            messages=[from_openai(_object(message, index), index) for index, message in enumerate(messages)],
            tools=[*objects_in(body.get("tools"))],
            options=options,
            model=text_or_none(body.get("model")),
            stream=body.get("stream") is True,
            include_usage=isinstance(asked, dict) and asked.get("include_usage") is True,
        )

    def writer(self, head: AnswerHead) -> ChatWriter:
        return ChatWriter(head)

    def whole(self, head: AnswerHead, message: Message) -> JSONObject:
        said: JSONObject = {"role": "assistant", "content": message.text or None, "refusal": message.refusal}
        if message.reasoning:
            said["reasoning_content"] = message.reasoning
        at = 0
        annotations: list[JSON] = []
        calls: list[JSON] = []
        for part in message.parts:
            if isinstance(part, TextPart):
                annotations += annotations_of(part, at)
                at += len(part.text)
            elif isinstance(part, (ToolCall, InvalidToolCall)) and part.name:
                text = part.arguments_text() if isinstance(part, ToolCall) else part.raw_arguments
                if isinstance(part, ToolCall) and part.kind == "function" and not text.strip():
                    text = "{}"
                calls.append({"id": part.id, **call_object(part.kind, part.name, text)})
        if annotations:
            said["annotations"] = annotations
        if calls:
            said["tool_calls"] = calls
        choice: JSONObject = {
            "index": 0,
            "message": said,
            "logprobs": None,
            "finish_reason": openai_ending(ChatWriter.FINISH_REASONS, message),
        }
        body: JSONObject = {**envelope(head, "chat.completion"), "choices": [choice]}
        if message.usage is not None:
            body["usage"] = usage_object(message.usage)
        return body

    def error(self, status: int, error: ProviderError) -> JSONObject:
        return as_openai_error(status, error)


class ChatWriter(StreamWriter):
    """Writes events as chunks."""

    SAYS: ClassVar[frozenset[type[Part]]] = frozenset(
        (TextPart, ReasoningPart, RefusalPart, ToolCall, InvalidToolCall)
    )
    FINISH_REASONS: ClassVar[dict[FinishReason, str]] = {
        FinishReason.STOP: "stop",
        FinishReason.LENGTH: "length",
        FinishReason.TOOL_CALLS: "tool_calls",
        FinishReason.CONTENT_FILTER: "content_filter",
        FinishReason.REFUSAL: "content_filter",
        # The answer should be continued, and this is the only word for an unfinished answer here.
        FinishReason.PAUSE: "length",
    }
    SENT_AS_CUT: ClassVar[str | None] = "length"

    def __init__(self, head: AnswerHead) -> None:
        super().__init__(head)
        self._kinds: dict[int, str] = {}  # of each call
        self._blank: set[int] = set()  # the calls whose arguments are blank so far
        self._starts: dict[int, int] = {}  # of each text part: where it begins in the joined text
        self._length = 0

    def _begin(self) -> bytes:
        return self._chunk({"role": "assistant", "content": "", "refusal": None})

    def _delta(self, event: StreamEvent) -> bytes:
        match event:
            case ContentDelta(text=text, part=part):
                self._starts.setdefault(part, self._length)
                self._length += len(text)
                return self._chunk({"content": text})
            case ReasoningDelta(text=text):
                return self._chunk({"reasoning_content": text})
            case RefusalDelta(text=text):
                return self._chunk({"refusal": text})
            case ToolCallStarted(index=index, id=id, name=name, kind=kind):
                self._kinds[index] = kind
                self._blank.add(index)
                return self._call(index, {"id": id, **call_object(kind, name, "")})
            case ToolCallDelta(index=index, arguments=text) if self._kinds[index] == "custom":
                return self._call(index, {"custom": {"input": text}})
            case ToolCallDelta(index=index, arguments=text):
                if text.strip():
                    self._blank.discard(index)
                return self._call(index, {"function": {"arguments": text}})
            case PartComplete(index=index, part=TextPart() as part):
                annotations = annotations_of(part, self._starts.get(index, self._length))
                return self._chunk({"annotations": annotations}) if annotations else b""
            case _:
                return b""

    def _finish(self, message: Message) -> bytes:
        end = b""
        named = [call for call in message.all_tool_calls if call.name]
        for index, call in enumerate(named):
            # OpenAI's own calls always have an object, and clients decode it.
            if isinstance(call, ToolCall) and call.kind == "function" and index in self._blank:
                end += self._call(index, {"function": {"arguments": "{}"}})
        end += self._chunk({}, openai_ending(self.FINISH_REASONS, message))
        if message.usage is not None and self._head.include_usage:
            body: JSONObject = {**envelope(self._head, _CHUNK), "choices": []}
            end += data_event({**body, "usage": usage_object(message.usage)})
        return end + b"data: [DONE]\n\n"

    def _fail(self, error: ProviderError) -> bytes:
        return data_event(as_openai_error(status_of(error), error))

    def _call(self, index: int, call: JSONObject) -> bytes:
        return self._chunk({"tool_calls": [{"index": index, **call}]})

    def _chunk(self, delta: JSONObject, finish: str | None = None) -> bytes:
        choice: JSONObject = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return data_event({**envelope(self._head, _CHUNK), "choices": [choice]})


_CHUNK = "chat.completion.chunk"


def envelope(head: AnswerHead, kind: str) -> JSONObject:
    """The fields around the choices."""
    return {"id": head.response_id, "object": kind, "created": head.created, "model": head.model}


def call_object(kind: str, name: str, text: str) -> JSONObject:
    """A tool call without its id: of a function, or of a tool that takes free text."""
    if kind == "custom":
        return {"type": "custom", "custom": {"name": name, "input": text}}
    return {"type": "function", "function": {"name": name, "arguments": text}}


def annotations_of(part: TextPart, start: int) -> list[JSON]:
    """A text's citations of addresses, with their places in the answer's whole text.

    Args:
        start: where the part begins there.
    """
    return [
        annotation(
            msgspec.structs.replace(
                citation,
                start=start + (citation.start or 0),
                end=start + (len(part.text) if citation.end is None else citation.end),
                extra={},
            )
        )
        for citation in part.citations
        if citation.url is not None
    ]


def annotation(citation: Citation) -> JSONObject:
    """A citation in OpenAI's form: the inverse of `citation_of`."""
    kind = str(citation.extra.get("type") or "url_citation")
    known: JSONObject = {
        "url": citation.url,
        "title": citation.title,
        "content": citation.quote,
        "start_index": citation.start,
        "end_index": citation.end,
    }
    inner: JSONObject = {name: value for name, value in known.items() if value is not None}
    inner |= {name: value for name, value in citation.extra.items() if name != "type"}
    return {"type": kind, kind: inner}


def usage_object(usage: Usage) -> JSONObject:
    """Token counts in OpenAI's form."""
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
        "prompt_tokens_details": {
            "cached_tokens": usage.cached_tokens,
            "cache_write_tokens": usage.cache_write_tokens,
            "audio_tokens": 0,
        },
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens, "audio_tokens": 0},
    }


def data_event(value: JSONObject) -> bytes:
    """An event without a name."""
    return b"data: " + msgspec.json.encode(value) + b"\n\n"


def _object(message: JSON, index: int) -> Mapping[str, object]:
    if not isinstance(message, dict):
        raise InvalidRequestError(f"message {index}: must be an object", index=index)
    return message
