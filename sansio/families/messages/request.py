"""Anthropic's messages: the dialect, and requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, assert_never

from sansio.content import (
    AudioPart,
    DocumentPart,
    FinishReason,
    ImagePart,
    InvalidToolCall,
    Message,
    Part,
    RefusalPart,
    Role,
    TextPart,
    Tool,
    ToolCall,
    UnknownPart,
)
from sansio.errors import InvalidRequestError
from sansio.families.base import Dialect, without_nulls
from sansio.families.messages.parts import block_of
from sansio.families.messages.reader import MessagesReader
from sansio.jsontext import JSONObject
from sansio.options import Body, Option, listed, own, portable, write_options

_VERSION = "2023-06-01"
_DEFAULT_MAX_TOKENS = 8192
"""`max_tokens` is required; this is what every current model takes."""
_MIN_THINKING_TOKENS = 1024
_NEVER_SAID = (ImagePart, AudioPart, DocumentPart, RefusalPart)
"""Parts that no assistant's message can have here."""
_SYSTEM_ROLES = (Role.SYSTEM, Role.DEVELOPER)

_Block = dict[str, object]


def _write_tool_choice(body: Body, value: str | Mapping[str, Any] | None) -> None:
    """OpenAI's forms in Anthropic's; Anthropic's own pass unchanged."""
    known = body.get("tool_choice") or {}
    if value is None:
        return
    if isinstance(value, str):
        choice: JSONObject = {"type": "any" if value == "required" else value}
    elif isinstance(function := value.get("function"), Mapping):
        choice = {"type": "tool", "name": function.get("name")}
    else:
        choice = dict(value)
    body["tool_choice"] = {**{name: flag for name, flag in known.items() if name != "type"}, **choice}


def _write_parallel(body: Body, value: bool | None) -> None:
    if value is False:
        body["tool_choice"] = {
            **(body.get("tool_choice") or {"type": "auto"}),
            "disable_parallel_tool_use": True,
        }


def _write_user(body: Body, value: str | None) -> None:
    if value is not None:
        body["metadata"] = {**(body.get("metadata") or {}), "user_id": value}


def _write_budget(body: Body, value: int | None) -> None:
    if value is not None:
        body["thinking"] = {"type": "enabled", "budget_tokens": value}


def _write_format(body: Body, value: Mapping[str, Any] | None) -> None:
    """OpenAI's form of a JSON schema in Anthropic's `output_config.format`."""
    schema = (value or {}).get("json_schema")
    if isinstance(schema, Mapping):
        output = body.setdefault("output_config", {})
        output["format"] = {"type": "json_schema", "schema": schema.get("schema")}
    elif value is not None and value.get("type") != "text":
        raise InvalidRequestError(
            "response_format: anthropic takes a JSON schema only: "
            '{"type": "json_schema", "json_schema": {"schema": {...}}}'
        )


def _write_output(body: Body, value: Mapping[str, Any] | None) -> None:
    if value is not None:
        body["output_config"] = {**(body.get("output_config") or {}), **value}


class MessagesDialect(Dialect):
    """Anthropic's messages: system at the top, content in blocks, thinking that goes back unchanged."""

    API = "messages"
    SENDS = frozenset((TextPart, ToolCall, InvalidToolCall))
    SENDS_EMPTY = False
    SENDS_CITATIONS = True
    SENDS_TOOL_ERRORS = True
    STATUS_BY_ERROR: ClassVar[Mapping[str, int]] = {
        "invalid_request_error": 400,
        "authentication_error": 401,
        "billing_error": 402,
        "permission_error": 403,
        "not_found_error": 404,
        "request_too_large": 413,
        "rate_limit_error": 429,
        "api_error": 500,
        "timeout_error": 504,
        "overloaded_error": 529,
    }
    FINISH_REASONS: ClassVar[Mapping[str, FinishReason]] = {
        "end_turn": FinishReason.STOP,
        "stop_sequence": FinishReason.STOP,
        "max_tokens": FinishReason.LENGTH,
        "model_context_window_exceeded": FinishReason.LENGTH,
        "tool_use": FinishReason.TOOL_CALLS,
        "pause_turn": FinishReason.PAUSE,
        "compaction": FinishReason.PAUSE,
        "refusal": FinishReason.REFUSAL,
    }
    OPTIONS: ClassVar[Mapping[str, Option]] = {
        **portable(
            temperature="temperature",
            top_p="top_p",
            top_k="top_k",
            max_tokens="max_tokens",
            stop=listed("stop_sequences"),
            tool_choice=_write_tool_choice,
            parallel_tool_calls=_write_parallel,
            response_format=_write_format,
            reasoning_effort="output_config.effort",
            reasoning_budget=_write_budget,
            user=_write_user,
            metadata="metadata",
            service_tier="service_tier",
        ),
        "max_completion_tokens": Option(int, "max_tokens"),
        "output_config": Option(dict[str, Any], _write_output),
        "container": Option(str | dict[str, Any], "container"),
        "fallbacks": Option(str | list[dict[str, Any]], "fallbacks"),
        **own("stop_sequences", type=list[str]),
        **own("mcp_servers", type=list[dict[str, Any]]),
        **own("thinking", "cache_control", "diagnostics", "context_management", type=dict[str, Any]),
        **own("compaction", "thread", "billing_policy", type=dict[str, Any]),
        **own("speed", "inference_geo", "user_profile_id", "workspace_id", type=str),
        **own("fallback_credit_token", type=str),
    }

    def build_endpoint(self, stream: bool = False) -> str:
        return f"{self.config.base_url}/v1/messages"

    def build_headers(self) -> dict[str, str]:
        return {"anthropic-version": _VERSION, **super().build_headers()}

    def open_stream(self) -> MessagesReader:
        return MessagesReader(self)

    def refuses(self, part: Part) -> str | None:
        if isinstance(part, TextPart) and not part.text.strip():
            return "a blank text block is refused"
        if isinstance(part, RefusalPart):
            return "the explanation of a refusal is not part of the conversation"
        if isinstance(part, AudioPart):
            return "sound is refused"
        return None

    def build_request_body(
        self, messages: Sequence[Message], tools: Sequence[Tool], stream: bool, **options: object
    ) -> dict[str, object]:
        turns = next((i for i, m in enumerate(messages) if m.role not in _SYSTEM_ROLES), len(messages))
        if turns == len(messages):
            raise InvalidRequestError(f"{self.TYPE} needs a user's message beside the system's")
        body: dict[str, Any] = {
            "model": self.config.model,
            "max_tokens": _DEFAULT_MAX_TOKENS,
            "system": self._system(messages[:turns]),
            "messages": self._turns(messages, turns),
        }
        if tools:
            body["tools"] = [_tool(tool) for tool in tools]
        if stream:
            body["stream"] = True
        write_options(body, options, self.OPTIONS, self.origin)
        if self.config.reasoning and not {"thinking", "reasoning_budget"} & options.keys():
            body["thinking"] = _thinking(body.get("max_tokens"))
        return without_nulls(body)

    def _turns(self, messages: Sequence[Message], first: int) -> list[_Block]:
        """User and assistant in turn; all results of one assistant's turn at the head of one user message."""
        turns: list[_Block] = []
        after_results: list[_Block] | None = None
        for index in range(first, len(messages)):
            message = messages[index]
            match message.role:
                case Role.SYSTEM | Role.DEVELOPER:
                    raise InvalidRequestError(
                        f"message {index}: {self.TYPE} takes system messages only before all others",
                        index=index,
                    )
                case Role.TOOL:
                    if after_results is None:
                        after_results = []
                        turns.append({"role": "user", "content": after_results})
                    after_results.append(self._tool_result(message, index))
                case Role.USER if after_results is not None:
                    after_results += self._blocks(message, index)
                    after_results = None
                case Role.USER:
                    turns.append({"role": "user", "content": self._content(message, index), **message.extra})
                case Role.ASSISTANT:
                    after_results = None
                    extra = message.extra if message.origin is None else {}
                    turns.append({"role": "assistant", "content": self._assistant(message, index), **extra})
                case _:
                    assert_never(message.role)
        return turns

    def _assistant(self, message: Message, index: int) -> str | list[_Block]:
        if isinstance(message.content, str):
            return _text(message.content, index)
        blocks: list[_Block] = []
        for number, part in enumerate(message.content):
            if isinstance(part, _NEVER_SAID) and message.origin is None:
                raise self.cannot_send(part, index, number)
            block = block_of(part)
            if block is not None:
                blocks.append({**block})
        if not blocks:
            raise _empty(index)
        return blocks

    def _system(self, messages: Sequence[Message]) -> str | list[_Block] | None:
        if not messages:
            return None
        for index, message in enumerate(messages):
            if message.extra:
                raise InvalidRequestError(
                    f"message {index}: a system message has no extra fields here; give them to a part, "
                    "such as TextPart(text, extra={'cache_control': ...})",
                    index=index,
                )
        if all(isinstance(message.content, str) for message in messages):
            return "\n\n".join(_text(message.text, index) for index, message in enumerate(messages))
        return [block for index, message in enumerate(messages) for block in self._blocks(message, index)]

    def _content(self, message: Message, index: int) -> str | list[_Block]:
        if isinstance(message.content, str):
            return _text(message.content, index)
        return self._blocks(message, index)

    def _blocks(self, message: Message, index: int) -> list[_Block]:
        if isinstance(message.content, str):
            return [{"type": "text", "text": _text(message.content, index)}]
        for part in message.content:
            if isinstance(part, TextPart):
                _text(part.text, index)
        return [{**block} for block in self.write_parts(message, index, _asked)]

    def _tool_result(self, message: Message, index: int) -> _Block:
        block: _Block = {"type": "tool_result", "tool_use_id": message.tool_call_id}
        if message.content:
            text = message.content
            block["content"] = text if isinstance(text, str) else self._blocks(message, index)
        if message.is_error:
            block["is_error"] = True
        return {**block, **message.extra}


def _asked(part: Part) -> JSONObject | None:
    """A part of a message that is not an answer."""
    return block_of(part) if isinstance(part, (TextPart, ImagePart, DocumentPart, UnknownPart)) else None


def _text(text: str, index: int) -> str:
    if not text or text.isspace():
        raise _empty(index)
    return text


def _empty(index: int) -> InvalidRequestError:
    return InvalidRequestError(
        f"message {index} has no text, which anthropic refuses; leave the message out or say something",
        index=index,
    )


def _tool(tool: Tool) -> Tool:
    """A tool of OpenAI's format in Anthropic's; any other is Anthropic's own already."""
    function = tool.get("function")
    custom = tool.get("custom")
    if tool.get("type") == "custom" and isinstance(custom, Mapping):
        return _custom_tool(custom)
    if not isinstance(function, Mapping):
        return tool
    parameters = function.get("parameters") or {"type": "object", "properties": {}}
    beside = {name: value for name, value in tool.items() if name not in ("type", "function")}
    known = {name: function[name] for name in ("name", "description", "strict") if name in function}
    return {**known, "input_schema": parameters, **beside}


def _custom_tool(custom: Mapping[str, object]) -> Tool:
    """OpenAI's tool that takes free text, as one that takes an object with that text, as calls of it have."""
    known = {name: custom[name] for name in ("name", "description") if name in custom}
    schema = {"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"]}
    return {**known, "input_schema": schema}


def _thinking(max_tokens: object) -> dict[str, object]:
    """Half of the answer's tokens for thinking: the budget must be below `max_tokens`."""
    if not isinstance(max_tokens, int) or max_tokens <= _MIN_THINKING_TOKENS:
        raise InvalidRequestError(
            f"max_tokens: must be greater than {_MIN_THINKING_TOKENS} with reasoning=True, "
            "since the thinking counts against it"
        )
    return {"type": "enabled", "budget_tokens": max(_MIN_THINKING_TOKENS, max_tokens // 2)}
