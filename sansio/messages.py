"""What is said: messages, their parts, tool calls, usage and finish reasons.

All are frozen. `msgspec.json.encode` writes a conversation, and
`msgspec.json.decode(data, type=list[Message])` reads it back equal, opaque provider state included.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec
from msgspec import Struct

if TYPE_CHECKING:
    JSON: TypeAlias = bool | int | float | str | list["JSON"] | dict[str, "JSON"] | None
    """Any JSON value, as Python has it."""
else:  # msgspec resolves annotations when it makes a decoder, and knows no recursive alias
    JSON = Any

JSONObject: TypeAlias = dict[str, JSON]


class Role(StrEnum):
    """Who speaks."""

    SYSTEM = "system"
    DEVELOPER = "developer"
    """OpenAI's newer word for system; sent as system where a provider knows only that."""
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


class FinishReason(StrEnum):
    """Why an answer ended, one vocabulary for every provider; `Message.raw_finish_reason` has theirs."""

    STOP = "stop"
    LENGTH = "length"
    TOOL_CALLS = "tool_calls"
    CONTENT_FILTER = "content_filter"
    REFUSAL = "refusal"
    PAUSE = "pause"
    """Anthropic's `pause_turn`: append the answer and ask again to let the model go on."""
    ERROR = "error"
    """The provider gave up, such as vLLM's `abort`."""
    OTHER = "other"
    """No reason, or one that this library does not know: never to be read as success."""


class Usage(Struct, frozen=True, kw_only=True):
    """Tokens, as the provider counted them; a count that it does not report is 0.

    `input_tokens` is the whole prompt, its cached part included, for every provider.
    `reasoning_tokens` are part of `output_tokens`.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0


class TextPart(Struct, frozen=True, tag="text"):
    """Text inside a message of several parts.

    Args:
        extra: provider fields sent with the part as they are, such as Anthropic's
            `{"cache_control": {"type": "ephemeral", "ttl": "1h"}}`.
    """

    text: str
    extra: JSONObject = {}


class ImagePart(Struct, frozen=True, kw_only=True, tag="image"):
    """An image, by `url` or as `data` with its `media_type`; exactly one of the two.

    Args:
        detail: OpenAI's `low`, `high` or `auto`.
        extra: provider fields sent with the part as they are.
    """

    url: str | None = None
    data: bytes | None = None
    media_type: str = "image/png"
    detail: str | None = None
    extra: JSONObject = {}


class DocumentPart(Struct, frozen=True, kw_only=True, tag="document"):
    """A document, by `url` (Anthropic only) or as `data` with its `media_type`; exactly one of the two."""

    url: str | None = None
    data: bytes | None = None
    media_type: str = "application/pdf"
    name: str | None = None
    extra: JSONObject = {}


ContentPart: TypeAlias = TextPart | ImagePart | DocumentPart


class ToolCall(Struct, frozen=True):
    """A tool call whose arguments are whole.

    Args:
        id: what the tool's result must name.
        arguments: the parsed JSON object; blank, missing or `null` arguments are `{}`.
        raw_arguments: the arguments' text as received, which goes back to the provider as it came;
            `None` in a call that the application makes up, whose arguments are then encoded.
        extra_content: what an OpenAI-compatible provider needs back verbatim (Google's thought signatures).
    """

    id: str
    name: str
    arguments: JSONObject
    raw_arguments: str | None = None
    extra_content: JSONObject | None = None

    def arguments_text(self) -> str:
        """The arguments as JSON text: as received where they were received."""
        if self.raw_arguments is not None:
            return self.raw_arguments
        return msgspec.json.encode(self.arguments).decode()


class InvalidToolCall(Struct, frozen=True):
    """A tool call that must not be run: its arguments are cut or malformed. `reason` says how.

    A tool result may answer it (to tell the model what was wrong), which sends the call back.
    """

    id: str
    name: str
    raw_arguments: str
    reason: str
    extra_content: JSONObject | None = None


class ProviderState(Struct, frozen=True):
    """What a provider wants back verbatim on the next turn. Opaque: keep it with its message.

    It is sent back only in the dialect that gave it: other providers could not read it.
    """

    dialect: str
    blocks: list[JSONObject]


class Message(Struct, frozen=True):
    """One message of a conversation, given or answered.

    Args:
        role: who speaks.
        content: text, or parts.
        tool_calls: the calls of an assistant's turn.
        tool_call_id: in a tool's message, the call that it answers.

    The other fields are an answer's. `content` is then a `str`.
    """

    role: Role
    content: str | tuple[ContentPart, ...] = ""
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    invalid_tool_calls: tuple[InvalidToolCall, ...] = ()
    reasoning: str = ""
    refusal: str | None = None
    finish_reason: FinishReason | None = None
    raw_finish_reason: str | None = None
    usage: Usage | None = None
    model: str | None = None
    response_id: str | None = None
    request_id: str | None = None
    provider_state: ProviderState | None = None

    @property
    def text(self) -> str:
        """The content's text, its parts joined."""
        if isinstance(self.content, str):
            return self.content
        return "".join(part.text for part in self.content if isinstance(part, TextPart))


Tool: TypeAlias = Mapping[str, object]
"""A tool in OpenAI's function format: `{"type": "function", "function": {"name": …, "parameters": …}}`."""
