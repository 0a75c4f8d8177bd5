"""Anthropic's messages from the server's side.

Sources: Anthropic's API reference ("Create a message", "Streaming messages", "Errors", "Citations").
"""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from sansio.content import (
    Citation,
    DocumentPart,
    FinishReason,
    ImagePart,
    InvalidToolCall,
    Message,
    Part,
    ReasoningPart,
    RefusalPart,
    Role,
    TextPart,
    Tool,
    ToolCall,
    UnknownPart,
    Usage,
)
from sansio.errors import InvalidRequestError, ProviderError
from sansio.events import (
    ContentDelta,
    PartComplete,
    ReasoningDelta,
    StreamEvent,
    ToolCallDelta,
    ToolCallStarted,
)
from sansio.families.fields import base64_bytes, rest, text_or_none
from sansio.families.messages.parts import part_of
from sansio.families.serving import (
    AnswerHead,
    Lost,
    Serving,
    StreamWriter,
    WireRequest,
    objects_in,
    status_of,
    words_of,
)
from sansio.jsontext import JSON, JSONObject
from sansio.partial import PartialJSON

_TYPES = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_SAME_NAMES = ("max_tokens", "temperature", "top_p", "top_k")
_NOT_OPTIONS = ("model", "messages", "system", "tools", "stream")


class MessagesServing(Serving):
    """Anthropic's messages for servers."""

    def read_request(self, body: JSONObject, same: bool) -> WireRequest:
        lost: list[Lost] = []
        tools = objects_in(body.get("tools"))
        options: dict[str, object]
        if same:
            options = {name: value for name, value in body.items() if name not in _NOT_OPTIONS}
        else:
            options = _options(body, lost)
        return WireRequest(
            messages=_messages(body),
            tools=[*tools] if same else _tools(tools, lost),
            options=options,
            model=text_or_none(body.get("model")),
            stream=body.get("stream") is True,
            lost=lost,
        )

    def writer(self, head: AnswerHead) -> MessagesWriter:
        return MessagesWriter(head)

    def whole(self, head: AnswerHead, message: Message) -> JSONObject:
        blocks: list[JSON] = []
        for part in message.parts:
            match part:
                case TextPart() if part.text:
                    block: JSONObject = {"type": "text", "text": part.text}
                    if citations := citations_of(part):
                        block["citations"] = citations
                    blocks.append(block)
                case ReasoningPart() if part.text:
                    blocks.append({"type": "thinking", "thinking": part.text, "signature": ""})
                case ToolCall():
                    blocks.append(
                        {"type": "tool_use", "id": part.id, "name": part.name, "input": part.arguments}
                    )
                case _:
                    pass  # a refusal is next to the stop reason; the rest is reported
        return {
            **envelope(head),
            "content": blocks,
            **ending(message),
            "usage": usage_object(message.usage or Usage()),
        }

    def lost_in_whole(self, message: Message) -> list[Lost]:
        why = "arguments must be objects in this API, so a call whose arguments were cut would look complete"
        return [
            Lost("InvalidToolCall", why, part=number)
            for number, part in enumerate(message.parts)
            if isinstance(part, InvalidToolCall) and part.name
        ]

    def error(self, status: int, error: ProviderError) -> JSONObject:
        return error_object(status, words_of(error), error.error_type, error.request_id)


class MessagesWriter(StreamWriter):
    """Writes events, one block after the other.

    If tool calls are interleaved, they are put in order: each waits until the one before it is complete.
    """

    SAYS: ClassVar[frozenset[type[Part]]] = frozenset(
        (TextPart, ReasoningPart, RefusalPart, ToolCall, InvalidToolCall)
    )
    FINISH_REASONS: ClassVar[dict[FinishReason, str]] = {
        FinishReason.STOP: "end_turn",
        FinishReason.LENGTH: "max_tokens",
        FinishReason.TOOL_CALLS: "tool_use",
        FinishReason.CONTENT_FILTER: "refusal",
        FinishReason.REFUSAL: "refusal",
        FinishReason.PAUSE: "pause_turn",
    }

    def __init__(self, head: AnswerHead) -> None:
        super().__init__(head)
        self._index = -1  # the index of the last block, open or closed
        self._open: object = None  # what the open block is: a kind and part, or a call
        self._call: ToolCallStarted | None = None  # the call whose block is open
        self._arguments = PartialJSON()
        self._text: list[str] = []  # of the open call, if it takes free text
        self._cut: set[str] = set()  # the calls that turned out to be invalid
        self._waiting: list[StreamEvent] = []  # events after the open call, which may still get pieces

    def _begin(self) -> bytes:
        usage = usage_object(Usage())
        return event({"type": "message_start", "message": {**envelope(self._head), "usage": usage}})

    def _delta(self, said: StreamEvent) -> bytes:
        call = self._call
        if call is not None:
            if isinstance(said, ToolCallDelta) and said.index == call.index:
                return self._say_arguments(said.arguments)
            if self._waiting or not self._arguments.finished:
                self._waiting.append(said)
                return b""
        return self._say(said)

    def _say(self, said: StreamEvent) -> bytes:
        match said:
            case ContentDelta(text=text, part=part):
                begin = self._block((TextPart, part), {"type": "text", "text": ""})
                return begin + self._piece({"type": "text_delta", "text": text})
            case ReasoningDelta(text=text, part=part):
                block: JSONObject = {"type": "thinking", "thinking": "", "signature": ""}
                begin = self._block((ReasoningPart, part), block)
                return begin + self._piece({"type": "thinking_delta", "thinking": text})
            case ToolCallStarted(id=id, name=name):
                begin = self._block(said, {"type": "tool_use", "id": id, "name": name, "input": {}})
                self._call, self._arguments, self._text = said, PartialJSON(), []
                return begin
            case ToolCallDelta(arguments=text):
                return self._say_arguments(text)
            case PartComplete(index=index, part=TextPart() as part) if citations := citations_of(part):
                if self._open != (TextPart, index):
                    self.lost.append(
                        Lost("citations", "the block with their text has already ended", part=index)
                    )
                    return b""
                pieces = [self._piece({"type": "citations_delta", "citation": each}) for each in citations]
                return b"".join(pieces)
            case _:
                return b""  # a refusal is next to the stop reason; the rest is reported

    def _say_arguments(self, text: str) -> bytes:
        if self._call is not None and self._call.kind == "custom":
            self._text.append(text)
            return b""
        self._arguments.feed(text)
        return self._piece({"type": "input_json_delta", "partial_json": text})

    def _block(self, what: object, block: JSONObject) -> bytes:
        """Begin a block, unless it is open; the block before it ends."""
        if self._open == what:
            return b""
        end = self._close()
        self._open = what
        self._index += 1
        return end + event({"type": "content_block_start", "index": self._index, "content_block": block})

    def _close(self) -> bytes:
        if self._open is None:
            return b""
        said = b""
        if self._call is not None and self._call.kind == "custom":
            text = msgspec.json.encode({"input": "".join(self._text)}).decode()
            if self._call.id in self._cut:  # free text cannot show that it was cut; JSON without its end can
                text = text[:-2]
            said = self._piece({"type": "input_json_delta", "partial_json": text})
        self._open = self._call = None
        return said + event({"type": "content_block_stop", "index": self._index})

    def _piece(self, delta: JSONObject) -> bytes:
        return event({"type": "content_block_delta", "index": self._index, "delta": delta})

    def _drain(self) -> bytes:
        """Write what waited for the open call: other calls, each with all of its pieces, and the rest."""
        waiting, self._waiting = self._waiting, []
        pieces: dict[int, list[StreamEvent]] = {}
        for each in waiting:
            if isinstance(each, ToolCallDelta):
                pieces.setdefault(each.index, []).append(each)
        said = b""
        for each in waiting:
            if not isinstance(each, ToolCallDelta):
                said += self._say(each)
            if isinstance(each, ToolCallStarted):
                said += b"".join(map(self._say, pieces.get(each.index, ())))
        return said

    def _finish(self, message: Message) -> bytes:
        self._cut = {call.id for call in message.invalid_tool_calls}
        said = self._drain() + self._close()
        usage = usage_object(message.usage or Usage())
        delta = event({"type": "message_delta", "delta": ending(message), "usage": usage})
        return said + delta + event({"type": "message_stop"})

    def _fail(self, error: ProviderError) -> bytes:
        return event(error_object(status_of(error), words_of(error), error.error_type, error.request_id))


def envelope(head: AnswerHead) -> JSONObject:
    """The fields around the content."""
    return {
        "id": head.response_id,
        "type": "message",
        "role": "assistant",
        "model": head.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
    }


def ending(message: Message) -> JSONObject:
    """The fields that say how an answer ended; a refusal's text is next to the reason."""
    word = MessagesWriter.FINISH_REASONS[message.finish_reason or FinishReason.STOP]
    said: JSONObject = {"stop_reason": word, "stop_sequence": None}
    if message.refusal:
        if message.finish_reason is FinishReason.STOP:
            said["stop_reason"] = "refusal"
        said["stop_details"] = {"type": "refusal", "category": None, "explanation": message.refusal}
    return said


def citations_of(part: TextPart) -> list[JSON]:
    """A text's citations of addresses, in the form that a web search gives."""
    return [
        {
            "type": "web_search_result_location",
            "url": citation.url,
            "title": citation.title,
            "cited_text": citation.quote if citation.quote is not None else _cited(part, citation),
            "encrypted_index": "",
        }
        for citation in part.citations
        if citation.url is not None
    ]


def _cited(part: TextPart, citation: Citation) -> str:
    return part.text[citation.start or 0 : citation.end]


def usage_object(usage: Usage) -> JSONObject:
    """Token counts in Anthropic's form, which counts the cached parts of the prompt separately."""
    counts: JSONObject = {
        "input_tokens": max(0, usage.input_tokens - usage.cached_tokens - usage.cache_write_tokens),
        "cache_creation_input_tokens": usage.cache_write_tokens,
        "cache_read_input_tokens": usage.cached_tokens,
        "output_tokens": usage.output_tokens,
    }
    if usage.reasoning_tokens:
        counts["output_tokens_details"] = {"thinking_tokens": usage.reasoning_tokens}
    return counts


def error_object(status: int, message: str, error_type: str | None, request_id: str | None) -> JSONObject:
    """An error in Anthropic's form, with its usual type for the status."""
    usual = "api_error" if status >= 500 else "invalid_request_error"
    inner: JSONObject = {"type": error_type or _TYPES.get(status, usual), "message": message}
    return {"type": "error", "error": inner, "request_id": request_id}


def event(value: JSONObject) -> bytes:
    """An event, named by its type."""
    return b"event: " + str(value["type"]).encode() + b"\ndata: " + msgspec.json.encode(value) + b"\n\n"


def _options(body: JSONObject, lost: list[Lost]) -> dict[str, object]:
    """The request's options under portable names."""
    options: dict[str, object] = {}
    for name, value in body.items():
        if name in _NOT_OPTIONS or value is None:
            continue
        match name, value:
            case _ if name in _SAME_NAMES:
                options[name] = value
            case "stop_sequences", list():
                options["stop"] = value
            case "metadata", {"user_id": str(user)}:
                options["user"] = user
            case "tool_choice", dict(choice):
                kind = str(choice.get("type"))
                if kind == "tool":
                    options["tool_choice"] = {"type": "function", "function": {"name": choice.get("name")}}
                else:
                    options["tool_choice"] = "required" if kind == "any" else kind
                if choice.get("disable_parallel_tool_use") is True:
                    options["parallel_tool_calls"] = False
            case "thinking", {"type": "enabled", "budget_tokens": int(budget)}:
                options["reasoning_budget"] = budget
            case "thinking", {"type": "disabled"}:
                pass  # thinking is off unless it is requested
            case "output_config", dict(config):
                _output(config, options, lost)
            case _:
                lost.append(Lost(name, "only Anthropic's API has it", option=True))
    return options


def _output(config: JSONObject, options: dict[str, object], lost: list[Lost]) -> None:
    for name, value in config.items():
        match name, value:
            case "effort", str():
                options["reasoning_effort"] = value
            case "format", {"type": "json_schema", "schema": dict(schema)}:
                asked: JSONObject = {"name": "answer", "schema": schema}
                options["response_format"] = {"type": "json_schema", "json_schema": asked}
            case _:
                lost.append(Lost(f"output_config.{name}", "only Anthropic's API has it", option=True))


def _tools(tools: list[JSONObject], lost: list[Lost]) -> list[Tool]:
    """Tools in OpenAI's format; those that Anthropic runs itself are left out."""
    found: list[Tool] = []
    for tool in tools:
        if tool.get("type") not in (None, "custom"):
            lost.append(Lost(f"tool {tool.get('name')}", "only Anthropic can run it", option=True))
            continue
        function: dict[str, Any] = {"name": tool.get("name"), "parameters": tool.get("input_schema")}
        function |= {name: tool[name] for name in ("description", "strict") if name in tool}
        found.append({"type": "function", "function": function})
        if beside := rest(tool, "type", "name", "input_schema", "description", "strict"):
            words = f"tool {tool.get('name')}: {', '.join(beside)}"
            lost.append(Lost(words, "only Anthropic's API has it", option=True))
    return found


def _messages(body: JSONObject) -> list[Message]:
    turns = body.get("messages")
    if not isinstance(turns, list) or not turns:
        raise InvalidRequestError("messages: a list with at least one message is required")
    messages: list[Message] = []
    if body.get("system"):
        messages.append(Message(Role.SYSTEM, tuple(_parts(body["system"], "system", 0))))
    for index, turn in enumerate(turns):
        where = f"messages.{index}"
        match turn:
            case {"role": "user", "content": content}:
                messages += _user(content, where, index)
            case {"role": "assistant", "content": content}:
                blocks = _blocks(content, where, index)
                messages.append(Message(Role.ASSISTANT, tuple(map(_answer_part, blocks))))
            case {"role": "system", "content": content}:
                messages.append(Message(Role.SYSTEM, tuple(_parts(content, where, index))))
            case _:
                raise InvalidRequestError(
                    f"{where}: needs a role (user, assistant or system) and its content", index=index
                )
    return messages


def _user(content: JSON, where: str, index: int) -> list[Message]:
    """A user's turn: each tool result in it is a separate message, before the rest of it."""
    messages: list[Message] = []
    others: list[JSONObject] = []
    for block in _blocks(content, where, index):
        if block.get("type") != "tool_result":
            others.append(block)
            continue
        call_id, inner = block.get("tool_use_id"), block.get("content")
        if not isinstance(call_id, str):
            raise InvalidRequestError(f"{where}: a tool_result needs a tool_use_id", index=index)
        parts = () if inner is None else tuple(_parts(inner, where, index))
        extra = rest(block, "type", "tool_use_id", "content", "is_error")
        failed = block.get("is_error") is True
        messages.append(Message(Role.TOOL, parts, call_id, is_error=failed, extra=extra))
    if others or not messages:
        messages.append(Message(Role.USER, tuple(map(_part, others))))
    return messages


def _parts(content: JSON, where: str, index: int) -> list[Part]:
    return [_part(block) for block in _blocks(content, where, index)]


def _blocks(content: JSON, where: str, index: int) -> list[JSONObject]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    if isinstance(content, list):
        blocks = [block for block in content if isinstance(block, dict)]
        if len(blocks) == len(content):
            return blocks
    raise InvalidRequestError(f"{where}: the content must be a text or a list of blocks", index=index)


def _answer_part(block: JSONObject) -> Part:
    match block:
        case {"type": "tool_use", "id": str(id), "name": str(name), "input": dict(given)}:
            return ToolCall(id, name, given, extra=rest(block, "type", "id", "name", "input"))
        case _:
            return part_of(block)


def _part(block: JSONObject) -> Part:
    """A block of a user's message."""
    source = block.get("source")
    if block.get("type") not in ("image", "document") or not isinstance(source, dict):
        return part_of(block)
    given: dict[str, Any] = {}
    match source:
        case {"type": "base64", "media_type": str(kind), "data": str(text)} if data := base64_bytes(text):
            given = {"data": data, "media_type": kind}
        case {"type": "text", "data": str(text)}:
            given = {"data": text.encode(), "media_type": "text/plain"}
        case {"type": "url", "url": str(url)}:
            given = {"url": url}
        case {"type": "file", "file_id": str(file_id)}:
            given = {"file_id": file_id}
    if not given:
        return UnknownPart(str(block["type"]), block)
    if block["type"] == "image":
        return ImagePart(**given, extra=rest(block, "type", "source"))
    title = block.get("title")
    name = title if isinstance(title, str) else None
    return DocumentPart(**given, name=name, extra=rest(block, "type", "source", "title"))
