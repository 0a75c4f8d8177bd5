"""Chat completions: the dialect, and requests."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self, TypeVar

import msgspec

from sansio.answers.toolcalls import is_blank, wrap_invalid
from sansio.config import ProviderConfig
from sansio.content import (
    ASSISTANT,
    TOOL,
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
from sansio.defaults import THINK_TAGS, Profile
from sansio.endpoints import Endpoint, ModelInfo
from sansio.errors import APIStatusError, InvalidRequestError
from sansio.families.beside import OpenAIEndpoints
from sansio.families.chat.options import (
    COMMON_OPTIONS,
    OPENAI_OPTIONS,
    add_fields,
    decides_reasoning,
    has_fields,
    options_of,
)
from sansio.families.chat.parts import (
    CONTENT_FIELD,
    between_tags,
    field_of,
    reasoning_fields,
    sound_format,
    thinking_block,
    unsent_reasoning,
)
from sansio.families.chat.reader import ChatReader
from sansio.families.chat.thinking import ThinkingReader
from sansio.families.chat.tools import check_choice, narrow_choice
from sansio.families.fields import base64_text, rest, with_extra, without_nulls
from sansio.families.forms import check_form
from sansio.families.media import (
    data_url,
    document_text,
    image_url_block,
    is_text_document,
    media_type_of,
    with_true_type,
)
from sansio.families.tools import check_names, is_forced, wire_tool
from sansio.jsontext import JSON, JSONObject
from sansio.limits import DEFAULT_LIMITS, Limits
from sansio.options import Option, UnsupportedOptionError, write_options
from sansio.profiles import COMPATIBLE

_LIMITS = ("max_tokens", "max_completion_tokens")
"""The option names for the limit of the answer's length."""

_MESSAGE_FIELDS = ("role", "content", "tool_calls", "tool_call_id")
"""Fields of a message that belong to typed fields, even if these are empty. `extra` may not have them."""


class ChatDialect(OpenAIEndpoints):
    """OpenAI's chat completions. What differs between servers is in their `Profile`."""

    API = "chat"
    SENDS = frozenset((TextPart, RefusalPart, ToolCall, InvalidToolCall))
    SENDS_DETAIL = True
    FLAT_ERRORS = True
    EVENT_NAMES = True  # some servers send their error object bare, in an `event: error`
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
        "model_length": FinishReason.LENGTH,
        "insufficient_system_resource": FinishReason.ERROR,
        "sensitive": FinishReason.CONTENT_FILTER,
        "network_error": FinishReason.ERROR,
    }
    RETURNED_PARTS: ClassVar[frozenset[type[Part]]] = frozenset((AudioPart, ReasoningPart, UnknownPart))
    """Parts beside `SENDS` that a server accepts back with its own answer; reasoning only if its profile says
    so. DeepSeek, Moonshot and Z.AI refuse a tool loop without its reasoning, or repeat the calls."""
    PROFILE: ClassVar[Profile] = COMPATIBLE
    """How the server differs from others."""
    OPTIONS: ClassVar[Mapping[str, Option]] = {**COMMON_OPTIONS, **OPENAI_OPTIONS}

    @classmethod
    def of(cls, profile: Profile) -> type[Self]:
        """The same dialect for servers that a profile describes. A subclass keeps its own `OPTIONS`."""
        sends = {ReasoningPart} if profile.reasoning_of_others else set()
        fields = {
            "PROFILE": profile,
            "OPTIONS": options_of(profile) if cls.OPTIONS is ChatDialect.OPTIONS else cls.OPTIONS,
            "SENDS": cls.SENDS | sends,
            "SENDS_EMPTY": profile.empty_content,
            "FLAT_ERRORS": "flat" in profile.error_shapes,
            "STATUS_BY_ERROR": {**cls.STATUS_BY_ERROR, **profile.error_statuses},
            "__module__": cls.__module__,
        }
        return type(cls.__name__, (cls,), fields)

    def __init__(self, config: ProviderConfig | None = None, limits: Limits = DEFAULT_LIMITS) -> None:
        super().__init__(config, limits)
        self.profile: Profile = self.PROFILE

    def build_endpoint(self, stream: bool = False) -> str:
        return self.url_of("chat/completions")

    def open_stream(self) -> ChatReader:
        return ThinkingReader(self) if self.profile.think_tags else ChatReader(self)

    def build_request_body(
        self, messages: Sequence[Message], tools: Sequence[Tool], stream: bool, **options: object
    ) -> dict[str, object]:
        profile = self.profile
        body: dict[str, Any] = {"model": self.model_name()}
        body["messages"] = [self.encode_message(message, index) for index, message in enumerate(messages)]
        if tools:
            body["tools"] = self._tools(tools)
        if stream:
            body["stream"] = True
        if stream and profile.stream_options:
            body["stream_options"] = {"include_usage": True}
        add_fields(body, profile.body)
        if self.config.reasoning and not decides_reasoning(options):
            add_fields(body, profile.reasoning_on)
        write_options(body, options, self.options(), self.origin)
        check_choice(body, self.tool_choices())
        if profile.needs_logprobs and body.get("top_logprobs") and body.get("logprobs") is not True:
            raise InvalidRequestError(
                "top_logprobs: needs logprobs=True beside it; add that, or leave it out"
            )
        if not profile.custom_tools:
            narrow_choice(body)
        if is_forced(body.get("tool_choice")):
            self._force(body, options.get("reasoning_effort"))
        if (field := self.max_tokens_field()) is not None:
            for name in _LIMITS:
                if name in body:
                    body[field] = body.pop(name)
        return without_nulls(body)

    def _tools(self, tools: Sequence[Tool]) -> list[Tool]:
        if not self.profile.tools:
            raise InvalidRequestError(f"tool 0: {self.origin} has no tools; leave them out")
        check_names(tools, self.tool_names())
        custom = self.profile.custom_tools
        return [wire_tool(tool, position, custom=custom) for position, tool in enumerate(tools)]

    def _force(self, body: dict[str, Any], effort: object) -> None:
        """Check that the server can be made to call a tool, if the request forces one.

        Args:
            body: the whole request.
            effort: the option `reasoning_effort`.

        Raises:
            InvalidRequestError: this server cannot, or cannot while it thinks. The error names the option
                that forces a tool.
        """
        profile = self.profile
        option = "response_format" if self.output_tool else "tool_choice"
        instead = f" in place of a JSON schema, which {self.origin} does not take" if self.output_tool else ""
        if profile.tool_choice_forced == "never":
            raise UnsupportedOptionError(
                option, f"{self.origin} cannot be made to call a tool{instead}; leave it out"
            )
        if profile.tool_choice_forced == "without thinking":
            if effort not in (None, "none") or has_fields(body, profile.reasoning_on):
                raise InvalidRequestError(
                    f"{option}: {self.origin} cannot be made to call a tool beside thinking{instead}; leave "
                    "out reasoning, or switch it off with reasoning_effort='none'"
                )
            if self.output_tool:  # the caller did not ask for a tool, so the model must not refuse it
                add_fields(body, profile.reasoning_off)
        if body["tool_choice"] == "required":
            body["tool_choice"] = profile.tool_choice_required

    def error_in(self, data: JSON, status: int = 200) -> APIStatusError | None:
        found = super().error_in(data, status)
        if found is not None or not isinstance(data, dict) or "base_resp" not in self.profile.error_shapes:
            return found
        told = data.get("base_resp")
        if not isinstance(told, dict) or not (code := told.get("status_code")):  # 0 is success
            return None
        return self.build_error({"code": str(code), "message": told.get("status_msg")}, status, data)

    def error_message(self, error: JSONObject) -> str | None:
        message, field = super().error_message(error), self.profile.error_detail
        if field is None or not (said := error.get(field)):
            return message
        return f"{message or 'no message'} ({field}: {said})"

    def list_models(self) -> Endpoint[tuple[ModelInfo, ...]]:
        if not self.profile.lists_models:
            raise self.has_no("list_models", "openai")
        return super().list_models()

    def max_tokens_field(self) -> str | None:
        """The request's field for the answer's limit. `None`: the field is named like the given option."""
        return self.profile.max_tokens_field

    def takes_call_kind(self, kind: str) -> bool:
        return super().takes_call_kind(kind) or (kind == "custom" and self.profile.custom_tools)

    def takes_call_id(self, call_id: str) -> bool:
        pattern = self.profile.tool_id
        return pattern is None or re.fullmatch(pattern, call_id) is not None

    def takes_schema(self) -> bool:
        return self.profile.json_schema

    def takes_strict(self) -> bool:
        return self.profile.strict_tools

    def tool_choices(self) -> tuple[str, ...] | None:
        """The words that `tool_choice` may be; `None` to leave the check to the server."""
        return None

    def tool_names(self) -> str | None:
        """The regular expression for tools' names; `None` to leave the check to the server."""
        return None

    def sound_formats(self) -> frozenset[str] | None:
        """The formats of sound that a message may have, by the wire's names; `None` for any."""
        return None

    def refuses(self, part: Part) -> str | None:
        known = type(part) in self.SENDS or type(part) in self.RETURNED_PARTS
        if isinstance(part, ReasoningPart):
            known = self.profile.reasoning_back is not None
        if isinstance(part, AudioPart):  # sound is sent back only by its id
            known = known and isinstance(part.extra.get("id"), str)
        if isinstance(part, ImagePart):
            known = known and image_url_block(part) is not None
        return super().refuses(part) if known else f"{self.origin} does not take it back"

    def unsent(self, part: Part, role: Role) -> Sequence[str]:
        match part:
            case DocumentPart() if part.file_id is not None:
                return ("name",)
            case AudioPart() if role is ASSISTANT:
                return ()  # its id stands for the sound and the transcript
            case _:
                return super().unsent(part, role)

    def unsent_extra(self, part: Part, role: Role) -> Sequence[str]:
        back = self.profile.reasoning_back
        match part:
            case RefusalPart():
                return tuple(part.extra)
            case ReasoningPart() if back is not None:
                return unsent_reasoning(part, back, self.profile.reasoning_in)
            case _:
                return ()

    def takes(self, part: Part, role: Role) -> bool:
        """Whether a system, user or tool message may have such a part here.

        A text document that cannot be sent as a file is sent as text. Any other part is refused.

        Args:
            part: the part.
            role: the role of its message.
        """
        if isinstance(part, ImagePart):
            return self.profile.images
        return not isinstance(part, DocumentPart) or (self.profile.files and not is_text_document(part))

    def encode_message(self, message: Message, index: int) -> dict[str, object]:
        """Write one message in the wire's form.

        Args:
            message: the message.
            index: the index of the message in the conversation, for errors.

        Raises:
            InvalidRequestError: a part of the message cannot be sent here.
        """
        role = self.profile.developer_role if message.role is Role.DEVELOPER else message.role.value
        wire: dict[str, object] = {"role": role}
        if message.role is ASSISTANT:
            wire |= self._encode_answer(message, index)
        elif isinstance(message.content, str):
            wire["content"] = message.content
        else:
            wire["content"] = [
                self._block(self._taken(part, message.role, index, number), message.role, index, number)
                for number, part in enumerate(message.content)
            ]
        if message.role is TOOL:
            wire["tool_call_id"] = message.tool_call_id
        if message.origin is None and message.extra:
            self.check_extra({**dict.fromkeys(_MESSAGE_FIELDS), **wire}, message.extra, index)
            wire |= message.extra
        return wire

    def _taken(self, part: Part, role: Role, index: int, number: int) -> Part:
        """The part, if a message of that role may have it; a text document may become text."""
        if self.takes(part, role):
            return part
        if isinstance(part, DocumentPart) and (text := document_text(part)) is not None:
            return TextPart(text, extra=part.extra)
        raise self.refusal(part, index, number, role)

    def _encode_answer(self, message: Message, index: int) -> dict[str, object]:
        wire: dict[str, object] = {}
        content: list[Mapping[str, object]] = []
        structured = False  # whether the content must be a list of parts
        calls: list[JSONObject] = []
        back = self.profile.reasoning_back
        returned = self.profile.returned
        own = message.origin is None
        withheld = () if own else tuple(name for name in COMPATIBLE.returned if name not in returned)
        for number, part in enumerate(message.parts):
            match part:
                case TextPart() | UnknownPart():
                    content.append(self._block(part, Role.ASSISTANT, index, number, own=own))
                    structured = structured or bool(part.extra)
                case ToolCall() | InvalidToolCall():
                    if message.origin is None and part.extra:
                        self.check_extra(_call(_bare(part), ()), part.extra, index, number)
                    calls.append(_call(part, withheld))
                case AudioPart() if self.refuses(part) is None:
                    wire["audio"] = {"id": part.extra["id"]}
                case _ if self.refuses(part) is not None:
                    raise self.refusal(part, index, number, Role.ASSISTANT)
                case ReasoningPart() if back is not None and field_of(part, back) == CONTENT_FIELD:
                    content.append(thinking_block(part))
                    structured = True
                case ReasoningPart() if part.extra.get("field") == THINK_TAGS:
                    content.append({"type": "text", "text": between_tags(part)})
                case ReasoningPart() if back == THINK_TAGS:
                    content.append({"type": "text", "text": f"<think>\n{part.text}\n</think>\n\n"})
                case ImagePart():
                    if own:
                        self.check_extra(image_url_block(_bare(part)), part.extra, index, number)
                case _:
                    pass  # a refusal follows below; the rest is for `assistant_fields`
        structured = structured or (message.origin is None and len(content) > 1)
        said: object = content if structured else "".join(str(block.get("text", "")) for block in content)
        fields = self.assistant_fields(message)
        if calls:
            wire["tool_calls"] = calls
        if message.refusal:
            wire["refusal"] = message.refusal
        # Content may be null only beside something else, such as calls. Reasoning alone is not enough.
        empty = not said and wire
        wire = {"content": None if empty else said, **wire, **fields}
        if message.origin is not None:
            wire |= {name: message.extra[name] for name in returned if name in message.extra}
        return wire

    def assistant_fields(self, message: Message) -> dict[str, object]:
        """The reasoning fields that the server expects back with its own answer."""
        profile = self.profile
        field = profile.reasoning_back
        if field is None or field == THINK_TAGS:
            return {}
        fields = reasoning_fields(message, field, profile.reasoning_in)
        if profile.reasoning_back_when == "a tool was called" and message.all_tool_calls:
            fields = {field: "", **fields}
        return fields

    def encode_part(self, part: Part) -> JSONObject | None:
        """Write one content part in the wire's form; `None` if the server cannot accept it."""
        match part:
            case TextPart():
                return with_extra({"type": "text", "text": part.text}, part.extra)
            case ImagePart() if part.url is None or self.profile.image_urls:
                return image_url_block(with_true_type(part))
            case AudioPart() if part.data is not None:
                form, known = sound_format(media_type_of(part)), self.sound_formats()
                if known is not None and form not in known:
                    return None
                sound: JSONObject = {"data": base64_text(part.data), "format": form}
                return with_extra({"type": "input_audio", "input_audio": sound}, part.extra)
            case DocumentPart() if part.file_id is not None:
                return with_extra({"type": "file", "file": {"file_id": part.file_id}}, part.extra)
            case DocumentPart() if part.data is not None:
                file: JSONObject = {
                    "filename": part.name or "document",
                    "file_data": data_url(media_type_of(part), part.data),
                }
                return with_extra({"type": "file", "file": file}, part.extra)
            case UnknownPart():
                return dict(part.extra)
            case _:
                return None

    def _block(self, part: Part, role: Role, index: int, number: int, *, own: bool = True) -> JSONObject:
        """One content part in the wire's form.

        Args:
            own: whether the application wrote it.
        """
        if own:
            check_form(part, index, number)
        if own and part.extra and not isinstance(part, UnknownPart):
            self.check_extra(self.encode_part(_bare(part)), part.extra, index, number)
        if (block := self.encode_part(part)) is None:
            raise self.refusal(part, index, number, role)
        return block

    def refusal(self, part: Part, index: int, number: int, role: Role) -> InvalidRequestError:
        """Make the error for a part that cannot be sent.

        Args:
            part: the part.
            index: the index of its message in the conversation.
            number: the index of the part in the message.
            role: the message's role. Some parts are accepted in a user's message only.
        """
        if not isinstance(part, (ImagePart, AudioPart, DocumentPart)):
            return self.cannot_send(part, index, number)
        source = "by file_id " if part.file_id is not None else "by url " if part.url is not None else ""
        kind = "" if source else f"({media_type_of(part)}) "
        remedy = "; give its data instead" if source else "; give what it says as a TextPart"
        returned = role is ASSISTANT and isinstance(part, ImagePart) and ImagePart in self.RETURNED_PARTS
        if returned and not source:
            kind, remedy = "without an address ", "; give its data, or leave it out"
        elif role is not Role.USER and not returned:
            remedy = "; put it into a user's message"
        what = f"{source}{kind}in a message of the role {role.value}{remedy}"
        formats = self.sound_formats()
        if isinstance(part, AudioPart) and role is Role.USER and not source and formats is not None:
            what = f"of {media_type_of(part)}; convert it to one of {', '.join(sorted(formats))}"
        return self.cannot_send(part, index, number, what)


_P = TypeVar("_P", bound=Part)


def _bare(part: _P) -> _P:
    """The part without its `extra`."""
    return msgspec.structs.replace(part, extra={})


def _call(call: ToolCall | InvalidToolCall, withheld: Sequence[str]) -> JSONObject:
    if call.kind == "custom":
        text = call.raw_arguments if isinstance(call, InvalidToolCall) else call.arguments_text()
        inner: JSONObject = {"name": call.name, "input": text}
        return with_extra({"id": call.id, "type": "custom", "custom": inner}, rest(call.extra, *withheld))
    if isinstance(call, InvalidToolCall):
        # Most servers parse the arguments of calls that are sent back, and refuse non-objects.
        arguments = msgspec.json.encode(wrap_invalid(call)).decode()
    else:
        arguments = call.arguments_text()
    function: JSONObject = {"name": call.name, "arguments": "{}" if is_blank(arguments) else arguments}
    return with_extra({"id": call.id, "type": "function", "function": function}, rest(call.extra, *withheld))
