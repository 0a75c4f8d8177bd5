"""The Anthropic messages dialect.

Wire facts: Anthropic's API reference, "Create a message", "Streaming messages" and "Errors".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, assert_never

from sansio.dialects.anthropic_stream import MessagesStream
from sansio.dialects.base import Dialect, base64_text
from sansio.dialects.checks import SentCall, calls_to_send
from sansio.dialects.toolcalls import wrap_invalid
from sansio.errors import InvalidRequestError
from sansio.messages import (
    ContentPart,
    DocumentPart,
    FinishReason,
    ImagePart,
    JSONObject,
    Message,
    Role,
    TextPart,
    Tool,
    ToolCall,
)

_VERSION = "2023-06-01"
_DEFAULT_MAX_TOKENS = 8192
"""`max_tokens` is required; this is what every current model takes."""
_MIN_THINKING_TOKENS = 1024
_SYSTEM_ROLES = (Role.SYSTEM, Role.DEVELOPER)

_Block = dict[str, object]


class AnthropicDialect(Dialect):
    """Anthropic's messages: system at the top, content in blocks, thinking that goes back unchanged."""

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

    def build_endpoint(self, stream: bool = False) -> str:
        return f"{self.config.base_url}/v1/messages"

    def build_headers(self) -> dict[str, str]:
        return {"anthropic-version": _VERSION, **super().build_headers()}

    def build_request_body(
        self, messages: Sequence[Message], tools: Sequence[Tool], stream: bool, **options: object
    ) -> dict[str, object]:
        turns = next((i for i, m in enumerate(messages) if m.role not in _SYSTEM_ROLES), len(messages))
        if turns == len(messages):
            raise InvalidRequestError("anthropic needs a user's message beside the system's")
        body: dict[str, object] = {
            "model": self.config.model,
            "max_tokens": _DEFAULT_MAX_TOKENS,
            "system": _system(messages[:turns]),
            "messages": self._turns(messages, turns),
        }
        if tools:
            body["tools"] = [_tool(tool) for tool in tools]
        if stream:
            body["stream"] = True
        body |= _translate(options)
        if self.config.reasoning and "thinking" not in options:
            body["thinking"] = _thinking(body["max_tokens"])
        return {name: value for name, value in body.items() if value is not None}

    def _turns(self, messages: Sequence[Message], first: int) -> list[dict[str, object]]:
        """User and assistant in turn; all results of one assistant's turn at the head of one user message."""
        turns: list[dict[str, object]] = []
        after_results: list[_Block] | None = None
        for index in range(first, len(messages)):
            message = messages[index]
            match message.role:
                case Role.SYSTEM | Role.DEVELOPER:
                    raise InvalidRequestError(
                        f"message {index}: anthropic takes system messages only before all others",
                        index=index,
                    )
                case Role.TOOL:
                    if after_results is None:
                        after_results = []
                        turns.append({"role": "user", "content": after_results})
                    after_results.append(_tool_result(message, index))
                case Role.USER if after_results is not None:
                    after_results += _blocks(message, index)
                    after_results = None
                case Role.USER:
                    turns.append({"role": "user", "content": _user_content(message, index)})
                case Role.ASSISTANT:
                    after_results = None
                    turns.append({"role": "assistant", "content": self._assistant(messages, index)})
                case _:
                    assert_never(message.role)
        return turns

    def _assistant(self, messages: Sequence[Message], index: int) -> str | list[_Block]:
        message = messages[index]
        calls = calls_to_send(messages, index)
        state = message.provider_state
        if state is not None and state.dialect == self.config.type:
            return _replay(state.blocks, message, calls, index)
        if not calls and isinstance(message.content, str):
            return _text(message.content, index)
        # Beside its calls an answer may have blank text, which must not go back.
        blank = not message.content or (isinstance(message.content, str) and message.content.isspace())
        blocks = [] if calls and blank else _blocks(message, index)
        return [*blocks, *(_tool_use(call) for call in calls)]

    def open_stream(self) -> MessagesStream:
        return MessagesStream(self)

    def parse_response(self, data: JSONObject) -> Message:
        stream = self.open_stream()
        stream.receive_whole(data)
        return stream.message()


def _system(messages: Sequence[Message]) -> str | list[_Block] | None:
    if not messages:
        return None
    if all(isinstance(message.content, str) for message in messages):
        return "\n\n".join(_text(message.text, index) for index, message in enumerate(messages))
    return [block for index, message in enumerate(messages) for block in _blocks(message, index)]


def _user_content(message: Message, index: int) -> str | list[_Block]:
    if isinstance(message.content, str):
        return _text(message.content, index)
    return _blocks(message, index)


def _text(text: str, index: int) -> str:
    if not text or text.isspace():
        raise _empty(index)
    return text


def _empty(index: int) -> InvalidRequestError:
    return InvalidRequestError(
        f"message {index} has no text, which anthropic refuses; leave the message out or say something",
        index=index,
    )


def _blocks(message: Message, index: int) -> list[_Block]:
    if not message.content:
        raise _empty(index)
    if isinstance(message.content, str):
        return [{"type": "text", "text": _text(message.content, index)}]
    return [_block(part, index) for part in message.content]


def _block(part: ContentPart, index: int) -> _Block:
    match part:
        case TextPart():
            return {"type": "text", "text": _text(part.text, index), **part.extra}
        case ImagePart():
            return {"type": "image", "source": _source(part), **part.extra}
        case DocumentPart():
            title: _Block = {} if part.name is None else {"title": part.name}
            return {"type": "document", "source": _source(part), **title, **part.extra}
        case _:
            assert_never(part)


def _source(part: ImagePart | DocumentPart) -> _Block:
    if part.data is None:
        return {"type": "url", "url": part.url}
    return {"type": "base64", "media_type": part.media_type, "data": base64_text(part)}


def _tool_result(message: Message, index: int) -> _Block:
    block: _Block = {"type": "tool_result", "tool_use_id": message.tool_call_id}
    if not message.content:
        return block
    content = message.content if isinstance(message.content, str) else _blocks(message, index)
    return {**block, "content": content}


def _tool_use(call: SentCall) -> _Block:
    arguments = call.arguments if isinstance(call, ToolCall) else wrap_invalid(call)
    return {"type": "tool_use", "id": call.id, "name": call.name, "input": arguments}


def _replay(
    state: Sequence[JSONObject], message: Message, calls: Sequence[SentCall], index: int
) -> list[_Block]:
    """The answer's own blocks, unchanged and in order; its tool calls from the message."""
    by_id = {call.id: call for call in calls}
    blocks: list[_Block] = []
    said = ""
    for block in state:
        if block.get("type") == "tool_use":
            call = by_id.pop(str(block.get("id")), None)
            if call is not None:
                blocks.append({**block, **_tool_use(call)})
        elif block.get("type") == "text":
            text = block.get("text")
            text = text if isinstance(text, str) else ""
            said += text
            if text.strip():  # an answer may hold a blank block, but a request must not
                blocks.append(dict(block))
        else:
            blocks.append(dict(block))
    if by_id or said != message.text:
        raise InvalidRequestError(
            f"message {index}: its content or tool calls were changed, but not its provider_state, "
            "which would be sent in their place; set provider_state=None with the change",
            index=index,
        )
    if not blocks:
        raise _empty(index)
    return blocks


def _tool(tool: Tool) -> Tool:
    """A tool of OpenAI's format in Anthropic's; any other is Anthropic's own already."""
    function = tool.get("function")
    if not isinstance(function, Mapping):
        return tool
    parameters = function.get("parameters") or {"type": "object", "properties": {}}
    beside = {name: value for name, value in tool.items() if name not in ("type", "function")}
    known = {name: function[name] for name in ("name", "description", "strict") if name in function}
    return {**known, "input_schema": parameters, **beside}


def _translate(options: Mapping[str, object]) -> dict[str, object]:
    """Options that have another name or form here than in OpenAI's requests; others pass as they are."""
    translated = dict(options)
    if "max_completion_tokens" in translated:
        translated["max_tokens"] = translated.pop("max_completion_tokens")
    if "stop" in translated:
        stop = translated.pop("stop")
        translated["stop_sequences"] = [stop] if isinstance(stop, str) else stop
    parallel = translated.pop("parallel_tool_calls", None)
    choice = _tool_choice(translated.pop("tool_choice", None))
    if parallel is False:
        choice = {**(choice or {"type": "auto"}), "disable_parallel_tool_use": True}
    if choice is not None:
        translated["tool_choice"] = choice
    return translated


def _tool_choice(choice: object) -> dict[str, object] | None:
    if isinstance(choice, str):
        return {"type": "any" if choice == "required" else choice}
    if not isinstance(choice, Mapping):
        return None
    function = choice.get("function")
    if isinstance(function, Mapping):
        return {"type": "tool", "name": function.get("name")}
    return dict(choice)


def _thinking(max_tokens: object) -> dict[str, object]:
    """Half of the answer's tokens for thinking: the budget must be below `max_tokens`."""
    if not isinstance(max_tokens, int) or max_tokens <= _MIN_THINKING_TOKENS:
        raise InvalidRequestError(
            f"max_tokens: must be greater than {_MIN_THINKING_TOKENS} with reasoning=True, "
            "since the thinking counts against it"
        )
    return {"type": "enabled", "budget_tokens": max(_MIN_THINKING_TOKENS, max_tokens // 2)}
