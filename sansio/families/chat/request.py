"""Chat completions: the dialect, and requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, TypeVar

import msgspec

from sansio.answers.toolcalls import is_blank, wrap_invalid
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
from sansio.errors import InvalidRequestError
from sansio.families.beside import OpenAIEndpoints
from sansio.families.chat.options import COMMON_OPTIONS, OPENAI_OPTIONS, decides_reasoning
from sansio.families.chat.parts import (
    CONTENT_FIELD,
    image_block,
    reasoning_fields,
    sound_format,
    thinking_block,
)
from sansio.families.chat.reader import ChatReader
from sansio.families.chat.tools import check_choice, narrow_choice, wire_tool
from sansio.families.fields import base64_text, rest, with_extra, without_nulls
from sansio.families.forms import check_form
from sansio.families.media import (
    data_url,
    document_text,
    is_text_document,
    media_type_of,
    with_true_type,
)
from sansio.families.tools import check_names
from sansio.jsontext import JSONObject
from sansio.options import Option, write_options

_MESSAGE_FIELDS = ("role", "content", "tool_calls", "tool_call_id")
"""Fields of a message that typed fields say, also where they say nothing."""


class ChatDialect(OpenAIEndpoints):
    """OpenAI's chat completions. Compatible servers are subclasses that hold their difference."""

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
    }
    ROLES: ClassVar[Mapping[Role, str]] = {role: role.value for role in Role}
    """Each role in the server's own word."""
    RETURNED_PARTS: ClassVar[frozenset[type[Part]]] = frozenset((AudioPart, ReasoningPart, UnknownPart))
    """Parts beside `SENDS` that the server takes back with its own answer. DeepSeek, Moonshot and Z.AI refuse
    or repeat a tool loop whose reasoning does not go back; OpenAI's own service does not take it."""
    REASONING_FIELD: ClassVar[str] = "reasoning_content"
    """The message's field for reasoning that does not say which field it arrived in."""
    OPENAI_TOOLS: ClassVar[bool] = True
    """Whether the server knows custom tools and the tool choice `allowed_tools`. If not, a custom tool is a
    function with one text, `input`, and only the allowed tools are offered."""
    NEEDS_LOGPROBS: ClassVar[bool] = True
    """Whether the server refuses `top_logprobs` without `logprobs`."""
    RETURNED: ClassVar[frozenset[str]] = frozenset(("extra_content",))
    """Fields of an answer and of its calls that Google's servers sign, and need back."""
    OPTIONS: ClassVar[Mapping[str, Option]] = {**COMMON_OPTIONS, **OPENAI_OPTIONS}

    def build_endpoint(self, stream: bool = False) -> str:
        return self.url_of("chat/completions")

    def open_stream(self) -> ChatReader:
        return ChatReader(self)

    def build_request_body(
        self, messages: Sequence[Message], tools: Sequence[Tool], stream: bool, **options: object
    ) -> dict[str, object]:
        body: dict[str, Any] = {"model": self.model_name()}
        body["messages"] = [self.encode_message(message, index) for index, message in enumerate(messages)]
        if tools:
            check_names(tools, self.tool_names())
            body["tools"] = [
                wire_tool(tool, position, custom=self.OPENAI_TOOLS) for position, tool in enumerate(tools)
            ]
        if stream:
            body["stream"] = True
            body["stream_options"] = {"include_usage": True}
        if self.config.reasoning and not decides_reasoning(options):
            body |= self.reasoning_options()
        write_options(body, options, self.options(), self.origin)
        check_choice(body, self.tool_choices())
        if self.NEEDS_LOGPROBS and body.get("top_logprobs") and body.get("logprobs") is not True:
            raise InvalidRequestError(
                "top_logprobs: needs logprobs=True beside it; add that, or leave it out"
            )
        if not self.OPENAI_TOOLS:
            narrow_choice(body)
        if "max_tokens" in body:
            body[self.max_tokens_field()] = body.pop("max_tokens")
        return without_nulls(body)

    def max_tokens_field(self) -> str:
        """The request's field for the answer's limit: compatible servers mostly know `max_tokens` only."""
        return "max_tokens"

    def returned(self) -> frozenset[str]:
        """Those of `RETURNED` that this server takes."""
        return self.RETURNED

    def reasoning_options(self) -> dict[str, object]:
        """What asks for extended thinking."""
        return {"reasoning_effort": "medium"}

    def takes_call_kind(self, kind: str) -> bool:
        return super().takes_call_kind(kind) or (kind == "custom" and self.OPENAI_TOOLS)

    def tool_choices(self) -> tuple[str, ...] | None:
        """The words that `tool_choice` may be; `None` if the server is left to say what it takes."""
        return None

    def tool_names(self) -> str | None:
        """The pattern of the names that tools may have; `None` if the server is left to say."""
        return None

    def sound_formats(self) -> frozenset[str] | None:
        """The formats of sound that a message may have, by the wire's names; `None` for any."""
        return None

    def refuses(self, part: Part) -> str | None:
        known = type(part) in self.SENDS or type(part) in self.RETURNED_PARTS
        # Of sound, only its name goes back.
        if known and not (isinstance(part, AudioPart) and not isinstance(part.extra.get("id"), str)):
            return super().refuses(part)
        return f"{self.origin} does not take it back"

    def takes(self, part: Part, role: Role) -> bool:
        """Whether a message of the system, the user or a tool may have such a part here.

        A text document is sent as text where it is not taken as a file; everything else is refused.
        """
        return not is_text_document(part)

    def encode_message(self, message: Message, index: int) -> dict[str, object]:
        """One message in the wire's form.

        Args:
            index: its place in the conversation, for errors.

        Raises:
            InvalidRequestError: a part of it cannot be sent here.
        """
        wire: dict[str, object] = {"role": self.ROLES[message.role]}
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
        structured = False  # content that a text alone cannot say
        calls: list[JSONObject] = []
        returned = self.returned()
        withheld = () if message.origin is None else tuple(ChatDialect.RETURNED - returned)
        for number, part in enumerate(message.parts):
            match part:
                case TextPart() | UnknownPart():
                    own = message.origin is None
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
                case ReasoningPart() if part.extra.get("field") == CONTENT_FIELD:
                    content.append(thinking_block(part))
                    structured = True
                case _:
                    pass  # a refusal follows below; the rest is for `assistant_fields`
        structured = structured or (message.origin is None and len(content) > 1)
        said: object = content if structured else "".join(str(block.get("text", "")) for block in content)
        fields = self.assistant_fields(message)
        if calls:
            wire["tool_calls"] = calls
        if message.refusal:
            wire["refusal"] = message.refusal
        # Null means no text only beside something else to say; reasoning alone is not that.
        empty = not said and wire
        wire = {"content": None if empty else said, **wire, **fields}
        if message.origin is not None:
            wire |= {name: message.extra[name] for name in returned if name in message.extra}
        return wire

    def assistant_fields(self, message: Message) -> dict[str, object]:
        """What the server wants back with its own answer, beside content and calls: its reasoning."""
        return reasoning_fields(message, self.REASONING_FIELD)

    def encode_part(self, part: Part) -> JSONObject | None:
        """One content part in the wire's form; `None` if the server cannot take it."""
        match part:
            case TextPart():
                return with_extra({"type": "text", "text": part.text}, part.extra)
            case ImagePart() if part.file_id is None:
                return {**image_block(with_true_type(part))}
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
        """What is raised for a part that cannot be sent.

        Args:
            index: the message's place in the conversation.
            number: the part's place in the message.
            role: the message's; a user's may have what others may not.
        """
        if not isinstance(part, (ImagePart, AudioPart, DocumentPart)):
            return self.cannot_send(part, index, number)
        source = "by file_id " if part.file_id is not None else "by url " if part.url is not None else ""
        kind = f"({part.media_type}) " if isinstance(part, DocumentPart) and not source else ""
        remedy = "; give its data instead" if source else "; give what it says as a TextPart"
        if role is not Role.USER:
            remedy = "; put it into a user's message"
        what = f"{source}{kind}in a message of the role {role.value}{remedy}"
        formats = self.sound_formats()
        if isinstance(part, AudioPart) and role is Role.USER and not source and formats is not None:
            what = f"of {media_type_of(part)}; convert it to one of {', '.join(sorted(formats))}"
        return self.cannot_send(part, index, number, what)


_P = TypeVar("_P", bound=Part)


def _bare(part: _P) -> _P:
    """The part as its typed fields say it."""
    return msgspec.structs.replace(part, extra={})


def _call(call: ToolCall | InvalidToolCall, withheld: Sequence[str]) -> JSONObject:
    if call.kind == "custom":
        text = call.raw_arguments if isinstance(call, InvalidToolCall) else call.arguments_text()
        inner: JSONObject = {"name": call.name, "input": text}
        return with_extra({"id": call.id, "type": "custom", "custom": inner}, rest(call.extra, *withheld))
    if isinstance(call, InvalidToolCall):
        # Most servers parse the arguments of calls that come back, and refuse what is not an object.
        arguments = msgspec.json.encode(wrap_invalid(call)).decode()
    else:
        arguments = call.arguments_text()
    function: JSONObject = {"name": call.name, "arguments": "{}" if is_blank(arguments) else arguments}
    return with_extra({"id": call.id, "type": "function", "function": function}, rest(call.extra, *withheld))
