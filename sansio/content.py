"""Messages and the parts that they are made of.

A message's `content` holds everything, in order; every other view of it (`text`, `tool_calls`, …) is a
property that is computed from it. All structures are frozen. `msgspec.json.encode` writes a conversation,
and `msgspec.json.decode(data, type=list[Message])` reads it back equal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from functools import cache
from types import UnionType
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, TypeVar, get_args, get_origin

import msgspec
from msgspec import Struct
from msgspec.structs import force_setattr

from sansio.jsontext import JSON, JSONObject

_T = TypeVar("_T")
_Field: TypeAlias = tuple[str, tuple[type, ...]]


class Role(StrEnum):
    """The author of a message."""

    SYSTEM = "system"
    DEVELOPER = "developer"
    """OpenAI's newer word for system; sent as system to providers that do not have it."""
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


# Python 3.11 finds a member of an enum ten times slower than a name of a module, and these are compared
# several times for each message of a request.
ASSISTANT: Final = Role.ASSISTANT
TOOL: Final = Role.TOOL


RoleName: TypeAlias = Literal["system", "developer", "user", "assistant", "tool"]
"""A role as plain text, which the constructor of `Message` accepts."""


class FinishReason(StrEnum):
    """Why an answer ended, in one vocabulary for all providers.

    `Message.raw_finish_reason` is the provider's own word.
    """

    STOP = "stop"
    LENGTH = "length"
    TOOL_CALLS = "tool_calls"
    CONTENT_FILTER = "content_filter"
    REFUSAL = "refusal"
    PAUSE = "pause"
    """Anthropic's `pause_turn`: append the answer and ask again to let the model continue."""
    ERROR = "error"
    """The provider gave up, such as vLLM's `abort`."""
    OTHER = "other"
    """No reason, or one that this library does not know; do not treat it as success."""


class Usage(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """How many tokens a request used, as the provider counted them. A count that it did not report is 0.

    Args:
        input_tokens: the whole prompt, including its cached part, for every provider.
        output_tokens: the whole answer, including its reasoning.
        cached_tokens: the part of the prompt that was read from a cache.
        cache_write_tokens: the part of the prompt that was written to a cache.
        reasoning_tokens: the part of the answer that is reasoning.
        cost: the cost in US dollars; `None` if the provider does not state it.
        extra: every other count, under the provider's own names.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    cost: float | None = None
    extra: JSONObject = {}

    @property
    def cost_details(self) -> JSONObject:
        """How the cost is made up, as OpenRouter and Perplexity report it."""
        return _object(self.extra.get("cost_details")) or _object(self.extra.get("cost"))

    @property
    def cache_write_5m_tokens(self) -> int:
        """Anthropic: tokens written to the cache for five minutes."""
        return _count(_object(self.extra.get("cache_creation")).get("ephemeral_5m_input_tokens"))

    @property
    def cache_write_1h_tokens(self) -> int:
        """Anthropic: tokens written to the cache for an hour."""
        return _count(_object(self.extra.get("cache_creation")).get("ephemeral_1h_input_tokens"))

    @property
    def server_tool_counts(self) -> dict[str, int]:
        """How often the provider ran each of its own tools, such as `{"web_search_requests": 2}`."""
        found: dict[str, int] = {}
        for field in ("server_tool_use", "server_tool_use_details"):
            counts = _object(self.extra.get(field))
            found |= {name: value for name, value in counts.items() if type(value) is int}
        return found


class Citation(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A source that the answer's text cites. Any field may be `None` if the provider does not report it.

    Args:
        url: the source's address.
        title: the source's title.
        quote: the cited words of the source.
        start: the position in the part's text at which the passage with the citation begins, counted as the
            provider counts characters.
        end: the position at which that passage ends.
        extra: the provider's other fields.
    """

    url: str | None = None
    title: str | None = None
    quote: str | None = None
    start: int | None = None
    end: int | None = None
    extra: JSONObject = {}


class TextPart(Struct, frozen=True, tag="text", omit_defaults=True, forbid_unknown_fields=True):
    """A piece of a message's text.

    Args:
        text: the text.
        citations: the sources that an answer's text cites, in order.
        extra: provider fields, sent with the part unchanged, such as Anthropic's
            `{"cache_control": {"type": "ephemeral", "ttl": "1h"}}`.
    """

    text: str
    citations: tuple[Citation, ...] = ()
    extra: JSONObject = {}


class ReasoningPart(Struct, frozen=True, tag="reasoning", omit_defaults=True, forbid_unknown_fields=True):
    """The model's reasoning.

    Args:
        text: as much of the reasoning as the provider shows; empty if it shows nothing.
        extra: fields that the provider needs back on the next turn, such as a signature or encrypted content.
    """

    text: str = ""
    extra: JSONObject = {}


class RefusalPart(Struct, frozen=True, tag="refusal", omit_defaults=True, forbid_unknown_fields=True):
    """The model's own explanation of why it does not answer.

    Args:
        text: the explanation.
        extra: provider fields, sent with the part unchanged.
    """

    text: str
    extra: JSONObject = {}


class ToolCall(Struct, frozen=True, tag="tool_call", omit_defaults=True, forbid_unknown_fields=True):
    """A complete tool call, which the application may run.

    Args:
        id: the call's id. The message with the tool's result repeats it as `tool_call_id`.
        name: the tool's name.
        arguments: the parsed JSON object; blank, missing or `null` arguments are `{}`. A custom tool's
            free text is `{"input": text}`.
        raw_arguments: the arguments' text as received. It is sent back only while it is the same JSON as
            `arguments`, so that an edited call is sent as edited. `None` in a call that the application made.
        kind: `"function"`; `"custom"` for a tool that takes free text; or the name of a built-in tool that
            the application runs.
        extra: provider fields, such as Google's thought signatures.
    """

    id: str
    name: str
    arguments: JSONObject = {}
    raw_arguments: str | None = None
    kind: str = "function"
    extra: JSONObject = {}

    def arguments_text(self) -> str:
        """The text that is sent as the call's arguments: JSON, or a custom tool's free text."""
        if self.kind == "custom":
            text = self.arguments.get("input")
            return text if isinstance(text, str) else ""
        raw = self.raw_arguments
        if raw is not None and _says(raw, self.arguments):
            return raw
        return msgspec.json.encode(self.arguments).decode()


class InvalidToolCall(
    Struct, frozen=True, tag="invalid_tool_call", omit_defaults=True, forbid_unknown_fields=True
):
    """A tool call that must not be run: its arguments are truncated or malformed.

    A tool message may answer the call and say what was wrong; call and answer are then sent back together.

    Args:
        id: the call's id; empty if none was received.
        name: the tool's name; empty if none was received.
        raw_arguments: as much of the arguments' text as was received.
        reason: what is wrong with the call.
        kind: as in `ToolCall`.
        extra: provider fields, as in `ToolCall`.
    """

    id: str
    name: str
    raw_arguments: str
    reason: str
    kind: str = "function"
    extra: JSONObject = {}


class ServerToolPart(Struct, frozen=True, tag="server_tool", omit_defaults=True, forbid_unknown_fields=True):
    """A call of a tool that the provider itself ran, or the result of such a call.

    Args:
        kind: the provider's own word, such as `"server_tool_use"` or `"web_search_tool_result"`.
        id: the id that a call and its result share.
        name: the tool's name.
        input: the arguments that the tool received.
        output: the tool's result.
        status: how the call ended, in the provider's own word.
        extra: the provider's other fields, sent with the part unchanged.
    """

    kind: str
    id: str | None = None
    name: str | None = None
    input: JSON = None
    output: JSON = None
    status: str | None = None
    extra: JSONObject = {}


class _Media(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True, tag=True):
    data: bytes | None = None
    url: str | None = None
    file_id: str | None = None


class ImagePart(_Media, frozen=True, kw_only=True, tag="image"):
    """An image: `data` with its `media_type`, a `url`, or a `file_id`; exactly one of the three.

    Args:
        detail: OpenAI's `low`, `high` or `auto`.
        extra: provider fields, sent with the part unchanged.
    """

    media_type: str = "image/png"
    detail: str | None = None
    extra: JSONObject = {}


class AudioPart(_Media, frozen=True, kw_only=True, tag="audio"):
    """Audio: `data` with its `media_type`, a `url`, or a `file_id`. In an answer, it has a transcript.

    An answer's part may have only the transcript, if the provider did not send the sound.

    Args:
        transcript: the spoken words as text.
        extra: provider fields, sent with the part unchanged.
    """

    media_type: str = "audio/wav"
    transcript: str | None = None
    extra: JSONObject = {}


class DocumentPart(_Media, frozen=True, kw_only=True, tag="document"):
    """A document: `data` with its `media_type`, a `url`, or a `file_id`; exactly one of the three.

    Args:
        name: the document's file name or title.
        extra: provider fields, sent with the part unchanged.
    """

    media_type: str = "application/pdf"
    name: str | None = None
    extra: JSONObject = {}


class UnknownPart(Struct, frozen=True, tag="unknown", omit_defaults=True, forbid_unknown_fields=True):
    """A part that this library has no type for.

    Args:
        kind: the provider's own word for the part.
        extra: the whole wire object. It is sent back unchanged.
    """

    kind: str
    extra: JSONObject = {}


Part: TypeAlias = (
    TextPart
    | ReasoningPart
    | RefusalPart
    | ToolCall
    | InvalidToolCall
    | ServerToolPart
    | ImagePart
    | AudioPart
    | DocumentPart
    | UnknownPart
)

PARTS: tuple[type[Part], ...] = (
    TextPart,
    ReasoningPart,
    RefusalPart,
    ToolCall,
    InvalidToolCall,
    ServerToolPart,
    ImagePart,
    AudioPart,
    DocumentPart,
    UnknownPart,
)
"""Every kind of part."""


class ReadParts(tuple[Part, ...]):
    """The parts of an answer that a reader of this library built, as the content of its message.

    The reader has made every field of the right type, so the message skips its checks: for a short answer,
    they would cost more than making the rest of the message. The message keeps the parts as a plain tuple.
    """


class Message(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One message of a conversation, written by the application or answered by a provider.

    Args:
        role: the message's author; a `str` becomes a `Role`.
        content: text, or parts in order; a list becomes a tuple. One plain text is always kept as a `str`, so
            read `text` or `parts`, which have one type whatever the content is.
        tool_call_id: in a tool's message, the id of the call that it answers.
        is_error: in a tool's message, whether the tool failed.
        finish_reason: why an answer ended. This field and those below, except `extra`, are set in answers.
        raw_finish_reason: the same in the provider's own word.
        usage: the answer's tokens; `None` if the provider reported none.
        model: the model that answered, in the provider's words.
        response_id: the provider's name for the answer.
        request_id: the provider's name for the request, to quote to its support.
        origin: the provider type and api that gave the answer, such as `"anthropic/messages"`; `None` in a
            message that the application wrote.
        extra: the provider's other fields. In a message that the application wrote, they are sent with it.

    Raises:
        TypeError: a field of the message, of a part in it or of a citation has a wrong type.
        ValueError: the role is unknown; or an image, a document or audio has more than one of `data`, `url`
            and `file_id`, or none. In an assistant's message it may have none.

    Example:
        >>> Message("user", [TextPart("What is this?"), ImagePart(url="https://example.org/cat.png")]).text
        'What is this?'
    """

    role: Role
    content: str | tuple[Part, ...] = ""
    tool_call_id: str | None = None
    is_error: bool = False
    finish_reason: FinishReason | None = None
    raw_finish_reason: str | None = None
    usage: Usage | None = None
    model: str | None = None
    response_id: str | None = None
    request_id: str | None = None
    origin: str | None = None
    extra: JSONObject = {}

    if TYPE_CHECKING:
        # The constructor accepts more types than the fields have: a role as text, and any list of parts.
        def __init__(
            self,
            role: Role | RoleName,
            content: str | Sequence[Part] = "",
            tool_call_id: str | None = None,
            is_error: bool = False,
            finish_reason: FinishReason | None = None,
            raw_finish_reason: str | None = None,
            usage: Usage | None = None,
            model: str | None = None,
            response_id: str | None = None,
            request_id: str | None = None,
            origin: str | None = None,
            extra: JSONObject = ...,
        ) -> None: ...

    def __post_init__(self) -> None:
        if type(self.content) is ReadParts:
            force_setattr(self, "content", _normal(self.content))
            return
        if type(self.role) is not Role:
            force_setattr(self, "role", _role(self.role))
        if type(self.content) is not str:
            force_setattr(self, "content", _content(self.content, said=self.role is Role.ASSISTANT))
        _check_fields(self, "")
        if self.usage is not None:
            _check_fields(self.usage, "usage.")

    @property
    def parts(self) -> tuple[Part, ...]:
        """The content as parts; empty text gives none."""
        if isinstance(self.content, str):
            return (TextPart(self.content),) if self.content else ()
        return self.content

    @property
    def text(self) -> str:
        """All text, joined."""
        if isinstance(self.content, str):
            return self.content
        return "".join([part.text for part in self.content if type(part) is TextPart])

    @property
    def reasoning(self) -> str:
        """All reasoning that the provider shows, joined."""
        return "".join([part.text for part in self._all(ReasoningPart)])

    @property
    def refusal(self) -> str | None:
        """The model's own explanation of why it does not answer; `None` if it answers."""
        return "".join([part.text for part in self._all(RefusalPart)]) or None

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The complete tool calls, which can be run."""
        return self._all(ToolCall)

    @property
    def invalid_tool_calls(self) -> tuple[InvalidToolCall, ...]:
        """The tool calls that must not be run."""
        return self._all(InvalidToolCall)

    @property
    def all_tool_calls(self) -> tuple[ToolCall | InvalidToolCall, ...]:
        """The tool calls that can be run and those that must not, in the order of the parts."""
        return tuple([part for part in self.parts if isinstance(part, (ToolCall, InvalidToolCall))])

    @property
    def images(self) -> tuple[ImagePart, ...]:
        """The images, in order."""
        return self._all(ImagePart)

    @property
    def citations(self) -> tuple[Citation, ...]:
        """The citations of all texts. Each position counts from the beginning of the part that has it."""
        return tuple([citation for part in self._all(TextPart) for citation in part.citations])

    @property
    def logprobs(self) -> JSONObject:
        """Log probabilities of the answer's tokens, as OpenAI reports them; empty if none were asked for.

        The Responses API reports them with each text; here they are joined, in the form of chat completions.
        """
        own = _object(self.extra.get("logprobs"))
        listed = [part.extra.get("logprobs") for part in self._all(TextPart)]
        joined = [entry for entries in listed if isinstance(entries, list) for entry in entries]
        return own or ({"content": joined} if joined else {})

    @property
    def container(self) -> JSONObject:
        """Anthropic: the container that the answer's code ran in, with `id` and `expires_at`."""
        return _object(self.extra.get("container"))

    @property
    def service_tier(self) -> str | None:
        """The service tier that processed the request, in the provider's own word, if it names one."""
        own = self.extra.get("service_tier")
        if own is None and self.usage is not None:
            own = self.usage.extra.get("service_tier")
        return own if isinstance(own, str) else None

    @property
    def stop_sequence(self) -> str | None:
        """The stop sequence that ended the answer, if the provider says which."""
        found = self.extra.get("stop_sequence", self.extra.get("stop_reason"))
        return found if isinstance(found, str) else None

    @property
    def content_filter(self) -> JSONObject:
        """Azure: what the content filter found in `prompt` and `completion`; empty if not reported."""
        return {
            name: self.extra[field]
            for name, field in (("prompt", "prompt_filter_results"), ("completion", "content_filter_results"))
            if self.extra.get(field)
        }

    @property
    def upstream(self) -> str | None:
        """OpenRouter: the provider that served the request."""
        found = self.extra.get("provider")
        return found if isinstance(found, str) else None

    @property
    def upstream_finish_reason(self) -> str | None:
        """OpenRouter: the finish reason in that provider's own word."""
        found = self.extra.get("native_finish_reason")
        return found if isinstance(found, str) else None

    def _all(self, kind: type[_T]) -> tuple[_T, ...]:
        if type(self.content) is str:  # a text alone holds no part of another kind
            return ()
        # Through a list: a third faster than a generator for the few parts that a message has.
        return tuple([part for part in self.parts if isinstance(part, kind)])


def _role(role: object) -> Role:
    try:
        return Role(role)  # type: ignore[arg-type]  # anything may be here, and Role refuses what it does not know
    except ValueError:
        raise ValueError(f"role: {role!r} is unknown; use one of {', '.join(Role)}") from None


@cache
def _typed_fields(kind: type[Struct]) -> tuple[_Field, ...]:
    """The fields of a structure, and the types that each may have; fields of any type are left out."""
    fields: list[_Field] = []
    for field in msgspec.structs.fields(kind):
        options = get_args(field.type) if isinstance(field.type, UnionType) else (field.type,)
        plain = [get_origin(option) or option for option in options]
        if float in plain:
            plain.append(int)
        if Any not in plain:
            fields.append((field.name, tuple(plain)))
    return tuple(fields)


def _check_fields(value: Struct, where: str) -> None:
    """Refuse a field of a wrong type: msgspec checks types when it decodes, but not in the constructor.

    Args:
        where: put before the field's name in the error, such as `"content[0]."`.
    """
    for name, kinds in _typed_fields(type(value)):
        found = getattr(value, name)
        if not isinstance(found, kinds):
            named = kinds[0].__name__
            allowed = named if kinds[0] is bytes else f"an {named}" if kinds[0] is int else f"a {named}"
            raise TypeError(f"{where}{name} must be {allowed}, not {type(found).__name__}")


def _content(content: object, *, said: bool) -> str | tuple[Part, ...]:
    """Content in its normal form: a single plain text is a `str`.

    Args:
        said: whether the author is the assistant, whose images and audio may lack their bytes.
    """
    if isinstance(content, str):
        return str(content)
    if not isinstance(content, (tuple, list)):
        raise TypeError(f"content: must be a str or a tuple of parts, not {type(content).__name__}")
    for index, part in enumerate(content):
        if not isinstance(part, PARTS):
            raise TypeError(
                f"content[{index}]: must be a part, such as TextPart or ImagePart, not {type(part).__name__}"
            )
        _check_part(part, index, said)
    return _normal(content)


def _normal(content: Sequence[Part]) -> str | tuple[Part, ...]:
    """The parts as a tuple; a `str` instead if there is only one plain text, or no part."""
    if not content:
        return ""
    if len(content) == 1 and type(part := content[0]) is TextPart and not part.citations and not part.extra:
        return part.text
    return tuple(content)


def _check_part(part: Part, index: int, said: bool) -> None:
    _check_fields(part, f"content[{index}].")
    if isinstance(part, TextPart):
        for place, citation in enumerate(part.citations):
            where = f"content[{index}].citations[{place}]"
            if not isinstance(citation, Citation):
                raise TypeError(f"{where} must be a Citation, not {type(citation).__name__}")
            _check_fields(citation, f"{where}.")
    elif isinstance(part, _Media):
        given = [name for name in ("data", "url", "file_id") if getattr(part, name) is not None]
        if len(given) > 1 or not (given or said):
            has = f"; it has {' and '.join(given)}" if given else ""
            raise ValueError(f"content[{index}]: {type(part).__name__} needs one of data, url, file_id{has}")


def _says(raw: str, arguments: JSONObject) -> bool:
    """Whether the text and the object are the same JSON. Compared as JSON, since in Python `True == 1`."""
    try:
        said = msgspec.json.decode(raw or "{}")
        return msgspec.json.encode({} if said is None else said) == msgspec.json.encode(arguments)
    except (ValueError, RecursionError):
        return not raw.strip() and not arguments


def _object(value: object) -> JSONObject:
    return value if isinstance(value, dict) else {}


def _count(value: object) -> int:
    return value if type(value) is int else 0


Tool: TypeAlias = Mapping[str, object]
"""A tool in OpenAI's function format: `{"type": "function", "function": {"name": …, "parameters": …}}`."""
