"""The OpenAI chat-completions dialect, and the base of every server that is compatible with it.

Wire facts: OpenAI's API reference, "Create chat completion" and "Chat completion chunk".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, assert_never

import msgspec

from sansio.dialects.base import Dialect, base64_text
from sansio.dialects.checks import SentCall, calls_to_send
from sansio.dialects.openai_stream import ChatStream
from sansio.dialects.toolcalls import is_blank, wrap_invalid
from sansio.errors import InvalidRequestError
from sansio.events import StreamEvent
from sansio.messages import (
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


class OpenAICompatDialect(Dialect):
    """OpenAI's chat completions. Compatible servers are subclasses that hold their difference."""

    STATUS_BY_ERROR: ClassVar[Mapping[str, int]] = {
        "invalid_request_error": 400,
        "authentication_error": 401,
        "invalid_api_key": 401,
        "permission_error": 403,
        "not_found_error": 404,
        "model_not_found": 404,
        "insufficient_quota": 429,
        "rate_limit_exceeded": 429,
        "rate_limit_error": 429,
        "tokens": 429,
        "requests": 429,
        "api_error": 500,
        "internal_error": 500,
        "internal_server_error": 500,
        "server_error": 500,
        "overloaded_error": 503,
        "service_unavailable": 503,
        "timeout": 504,
    }
    FINISH_REASONS: ClassVar[Mapping[str, FinishReason]] = {
        "stop": FinishReason.STOP,
        "eos": FinishReason.STOP,
        "length": FinishReason.LENGTH,
        "max_tokens": FinishReason.LENGTH,
        "tool_calls": FinishReason.TOOL_CALLS,
        "function_call": FinishReason.TOOL_CALLS,
        "content_filter": FinishReason.CONTENT_FILTER,
        "abort": FinishReason.ERROR,
    }
    ROLES: ClassVar[Mapping[Role, str]] = {role: role.value for role in Role}
    """Each role in the server's own words."""
    PARSES_ARGUMENTS: ClassVar[bool] = False
    """Whether the server parses the arguments of calls that come back, and refuses what is no object."""
    OPTION_NAMES: ClassVar[Mapping[str, str]] = {}
    """Options that the server knows under another name."""

    def build_endpoint(self, stream: bool = False) -> str:
        return f"{self.config.base_url}/chat/completions"

    def build_request_body(
        self, messages: Sequence[Message], tools: Sequence[Tool], stream: bool, **options: object
    ) -> dict[str, object]:
        body: dict[str, object] = {"model": self.model_name()}
        body["messages"] = [self.encode_message(messages, index) for index in range(len(messages))]
        if tools:
            body["tools"] = list(tools)
        if stream:
            body["stream"] = True
            body["stream_options"] = {"include_usage": True}
        if self.config.reasoning:
            body |= self.reasoning_options()
        body |= {self.OPTION_NAMES.get(name, name): value for name, value in options.items()}
        return {name: value for name, value in body.items() if value is not None}

    def model_name(self) -> str | None:
        """The request's `model`, or `None` where the address names it."""
        return self.config.model

    def reasoning_options(self) -> dict[str, object]:
        """What asks for extended thinking."""
        return {"reasoning_effort": "medium"}

    def encode_message(self, messages: Sequence[Message], index: int) -> dict[str, object]:
        """One message in the wire's form.

        Raises:
            InvalidRequestError: a part of it cannot be sent here.
        """
        message = messages[index]
        wire: dict[str, object] = {"role": self.ROLES[message.role]}
        content = message.content
        if isinstance(content, str):
            wire["content"] = content
        else:
            wire["content"] = [self.encode_part(part, index) for part in content]
        if message.role is Role.TOOL:
            wire["tool_call_id"] = message.tool_call_id
        elif message.role is Role.ASSISTANT:
            calls = calls_to_send(messages, index)
            if calls:
                wire["content"] = wire["content"] or None
                wire["tool_calls"] = [self._encode_call(call) for call in calls]
            if message.refusal:
                wire["content"] = wire["content"] or None
                wire["refusal"] = message.refusal
            wire |= self.assistant_fields(message)
        return wire

    def assistant_fields(self, message: Message) -> dict[str, object]:
        """What the server wants back with its own answer."""
        return {}

    def _encode_call(self, call: SentCall) -> dict[str, object]:
        if isinstance(call, ToolCall):
            arguments = call.arguments_text()
        elif self.PARSES_ARGUMENTS:
            arguments = msgspec.json.encode(wrap_invalid(call)).decode()
        else:
            arguments = call.raw_arguments
        function = {"name": call.name, "arguments": "{}" if is_blank(arguments) else arguments}
        wire: dict[str, object] = {"id": call.id, "type": "function", "function": function}
        if call.extra_content is not None:
            wire["extra_content"] = call.extra_content
        return wire

    def encode_part(self, part: TextPart | ImagePart | DocumentPart, index: int) -> dict[str, object]:
        """One content part in the wire's form.

        Raises:
            InvalidRequestError: the server cannot take it; `index` is the message's.
        """
        match part:
            case TextPart():
                return {"type": "text", "text": part.text, **part.extra}
            case ImagePart():
                image: dict[str, object] = {"url": part.url or data_url(part)}
                if part.detail is not None:
                    image["detail"] = part.detail
                return {"type": "image_url", "image_url": image, **part.extra}
            case DocumentPart():
                if part.data is None:
                    raise InvalidRequestError(
                        f"message {index}: {self.config.type} takes documents as data only, not by url",
                        index=index,
                    )
                file = {"filename": part.name or "document", "file_data": data_url(part)}
                return {"type": "file", "file": file, **part.extra}
            case _:
                assert_never(part)

    def open_stream(self) -> ChatStream:
        return ChatStream(self)

    def parse_response(self, data: JSONObject) -> Message:
        stream = self.open_stream()
        events: list[StreamEvent] = []
        stream.receive_whole(data, events)
        return stream.message()


class OpenAIDialect(OpenAICompatDialect):
    """OpenAI itself: its reasoning models know `max_completion_tokens` only, and all others take it."""

    PARSES_ARGUMENTS: ClassVar[bool] = False
    """Whether the server parses the arguments of calls that come back, and refuses what is no object."""
    OPTION_NAMES: ClassVar[Mapping[str, str]] = {"max_tokens": "max_completion_tokens"}


def data_url(part: ImagePart | DocumentPart) -> str:
    """The part's data as a `data:` URL."""
    return f"data:{part.media_type};base64,{base64_text(part)}"
