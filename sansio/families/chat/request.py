"""Chat completions: the dialect, and requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import msgspec

from sansio.answers.toolcalls import is_blank, wrap_invalid
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
    Role,
    TextPart,
    Tool,
    ToolCall,
    UnknownPart,
)
from sansio.errors import APIStatusError, InvalidRequestError
from sansio.families.base import Dialect, base64_text, rest, without_nulls
from sansio.families.chat.parts import data_url, image_block
from sansio.families.chat.reader import ChatReader
from sansio.framing.base import Framer
from sansio.framing.sse import SSEFramer
from sansio.jsontext import JSONObject
from sansio.options import Option, own, portable, write_options


class ChatDialect(Dialect):
    """OpenAI's chat completions. Compatible servers are subclasses that hold their difference."""

    API = "chat"
    SENDS = frozenset((TextPart, RefusalPart, ToolCall, InvalidToolCall))
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
    """Each role in the server's own word."""
    RETURNED_PARTS: ClassVar[frozenset[type[Part]]] = frozenset((AudioPart, UnknownPart))
    """Parts beside `SENDS` that the server takes back with its own answer."""
    RETURNED: ClassVar[frozenset[str]] = frozenset(("extra_content",))
    """Fields of an answer's `extra` that go back with it. Google's servers need their thought signature."""
    OPTIONS: ClassVar[Mapping[str, Option]] = {
        **portable(
            temperature="temperature",
            top_p="top_p",
            max_tokens="max_tokens",
            stop="stop",
            seed="seed",
            frequency_penalty="frequency_penalty",
            presence_penalty="presence_penalty",
            logprobs="logprobs",
            tool_choice="tool_choice",
            parallel_tool_calls="parallel_tool_calls",
            response_format="response_format",
            reasoning_effort="reasoning_effort",
            user="user",
            metadata="metadata",
            service_tier="service_tier",
        ),
        **own("max_completion_tokens", "n", "top_logprobs", type=int),
        **own("store", type=bool),
        **own("safety_identifier", "prompt_cache_key", "prompt_cache_retention", "verbosity", type=str),
        **own(
            "logit_bias", "audio", "prediction", "stream_options", "web_search_options", type=dict[str, Any]
        ),
        **own("moderation", "prompt_cache_options", type=dict[str, Any]),
        **own("modalities", type=list[str]),
        **own("functions", type=list[dict[str, Any]]),
        **own("function_call", type=str | dict[str, Any]),
    }

    def build_endpoint(self, stream: bool = False) -> str:
        return f"{self.config.base_url}/chat/completions"

    def framer(self, content_type: str) -> Framer:
        framer = super().framer(content_type)
        if not isinstance(framer, SSEFramer):
            return framer
        # `event: error` says what the data may not: some servers send their error object bare.
        return SSEFramer(self.limits.max_event_bytes, names=True)

    def open_stream(self) -> ChatReader:
        return ChatReader(self)

    def error_in(self, data: JSONObject, status: int = 200) -> APIStatusError | None:
        """As every dialect, and the flat `{"object": "error", "message": ...}` of vLLM and Mistral."""
        error = super().error_in(data, status)
        if error is not None:
            return error
        flat = data.get("object") == "error" or ("choices" not in data and "message" in data)
        if flat and isinstance(data.get("message"), str):
            return self.build_error(data, status, data)
        return None

    def build_request_body(
        self, messages: Sequence[Message], tools: Sequence[Tool], stream: bool, **options: object
    ) -> dict[str, object]:
        body: dict[str, Any] = {"model": self.model_name()}
        body["messages"] = [self.encode_message(message, index) for index, message in enumerate(messages)]
        if tools:
            body["tools"] = list(tools)
        if stream:
            body["stream"] = True
            body["stream_options"] = {"include_usage": True}
        if self.config.reasoning:
            body |= self.reasoning_options()
        write_options(body, options, self.OPTIONS, self.origin)
        return without_nulls(body)

    def model_name(self) -> str | None:
        """The request's `model`, or `None` where the address names it."""
        return self.config.model

    def reasoning_options(self) -> dict[str, object]:
        """What asks for extended thinking."""
        return {"reasoning_effort": "medium"}

    def refuses(self, part: Part) -> str | None:
        return None if self._takes(part) else f"{self.origin} does not take it back"

    def _takes(self, part: Part) -> bool:
        """Whether an answer that goes back may have such a part; of sound, only its name goes back."""
        if isinstance(part, AudioPart) and not isinstance(part.extra.get("id"), str):
            return False
        return type(part) in self.SENDS or type(part) in self.RETURNED_PARTS

    def encode_message(self, message: Message, index: int) -> dict[str, object]:
        """One message in the wire's form.

        Args:
            index: its place in the conversation, for errors.

        Raises:
            InvalidRequestError: a part of it cannot be sent here.
        """
        wire: dict[str, object] = {"role": self.ROLES[message.role]}
        if message.role is Role.ASSISTANT:
            wire |= self._encode_answer(message, index)
        elif isinstance(message.content, str):
            wire["content"] = message.content
        else:
            wire["content"] = [
                self.encode_part(part, index, number) for number, part in enumerate(message.content)
            ]
        if message.role is Role.TOOL:
            wire["tool_call_id"] = message.tool_call_id
        if message.origin is None:
            wire |= message.extra
        return wire

    def _encode_answer(self, message: Message, index: int) -> dict[str, object]:
        wire: dict[str, object] = {}
        texts: list[TextPart | UnknownPart] = []
        calls: list[dict[str, object]] = []
        for number, part in enumerate(message.parts):
            match part:
                case TextPart() | UnknownPart():
                    texts.append(part)
                case ToolCall() | InvalidToolCall():
                    calls.append(_call(part))
                case AudioPart() if isinstance(part.extra.get("id"), str):
                    wire["audio"] = {"id": part.extra["id"]}
                case _ if self._takes(part):
                    pass  # a refusal follows below; the rest is for `assistant_fields`
                case _:
                    raise _refused(self, part, index, number)
        structured = any(part.extra for part in texts) or (message.origin is None and len(texts) > 1)
        content: object = "".join(part.text for part in texts if isinstance(part, TextPart))
        if structured:
            content = [self.encode_part(part, index, number) for number, part in enumerate(texts)]
        fields = self.assistant_fields(message)
        if calls:
            wire["tool_calls"] = calls
        if message.refusal:
            wire["refusal"] = message.refusal
        # Null means no text only beside something else to say; reasoning alone is not that.
        empty = not content and wire
        wire = {"content": None if empty else content, **wire, **fields}
        if message.origin is not None:
            wire |= {name: message.extra[name] for name in self.RETURNED if name in message.extra}
        return wire

    def assistant_fields(self, message: Message) -> dict[str, object]:
        """What the server wants back with its own answer."""
        return {}

    def encode_part(self, part: Part, index: int, number: int) -> dict[str, object]:
        """One content part in the wire's form.

        Args:
            index: the message's place in the conversation, for errors.
            number: the part's place in the message, for errors.

        Raises:
            InvalidRequestError: the server cannot take it.
        """
        match part:
            case TextPart():
                return {"type": "text", "text": part.text, **part.extra}
            case ImagePart() if part.file_id is None:
                return {**image_block(part)}
            case AudioPart() if part.data is not None:
                sound = {"data": base64_text(part.data), "format": _sound_format(part.media_type)}
                return {"type": "input_audio", "input_audio": sound, **part.extra}
            case DocumentPart() if part.file_id is not None:
                return {"type": "file", "file": {"file_id": part.file_id}, **part.extra}
            case DocumentPart() if part.data is not None:
                file = {
                    "filename": part.name or "document",
                    "file_data": data_url(part.media_type, part.data),
                }
                return {"type": "file", "file": file, **part.extra}
            case UnknownPart():
                return dict(part.extra)
            case _:
                raise _refused(self, part, index, number)


def _refused(dialect: Dialect, part: Part, index: int, number: int) -> InvalidRequestError:
    how = ""
    if isinstance(part, (ImagePart, AudioPart, DocumentPart)):
        how = " by file_id" if part.file_id is not None else " by url" if part.url is not None else ""
    return InvalidRequestError(
        f"message {index}, part {number}: {dialect.origin} takes no {type(part).__name__}{how} here",
        index=index,
    )


def _sound_format(media_type: str) -> str:
    """OpenAI's word for a media type: `wav` or `mp3`."""
    name = media_type.partition("/")[2].removeprefix("x-")
    return {"mpeg": "mp3", "wave": "wav"}.get(name, name)


def _call(call: ToolCall | InvalidToolCall) -> dict[str, object]:
    if call.kind == "custom":
        text = call.raw_arguments if isinstance(call, InvalidToolCall) else call.arguments_text()
        custom: JSONObject = {"name": call.name, "input": text}
        return {
            "id": call.id,
            "type": "custom",
            "custom": custom | _beside(call, "custom"),
            **rest(call.extra, "custom"),
        }
    if isinstance(call, InvalidToolCall):
        # Most servers parse the arguments of calls that come back, and refuse what is not an object.
        arguments = msgspec.json.encode(wrap_invalid(call)).decode()
    else:
        arguments = call.arguments_text()
    function: JSONObject = {"name": call.name, "arguments": "{}" if is_blank(arguments) else arguments}
    return {
        "id": call.id,
        "type": "function",
        "function": function | _beside(call, "function"),
        **rest(call.extra, "function"),
    }


def _beside(call: ToolCall | InvalidToolCall, field: str) -> JSONObject:
    """The fields beside a call's name and arguments, inside `field`."""
    beside = call.extra.get(field)
    return beside if isinstance(beside, dict) else {}


def reasoning_field(message: Message) -> dict[str, object]:
    """Plain reasoning, under the name that it arrived in."""
    texts = [part for part in message.parts if isinstance(part, ReasoningPart) and part.text]
    if not texts:
        return {}
    name = next((str(part.extra["field"]) for part in texts if "field" in part.extra), "reasoning")
    return {name: "".join(part.text for part in texts)}
