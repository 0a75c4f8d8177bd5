"""The outcomes that a fake provider can be given: answers, failures, and truncated streams."""

from __future__ import annotations

import re
from enum import Enum
from typing import Literal, Protocol, TypeAlias

from msgspec import Struct

from sansio.config import PROVIDER_DEFAULTS
from sansio.content import (
    FinishReason,
    InvalidToolCall,
    Message,
    Part,
    ReasoningPart,
    RefusalPart,
    Role,
    TextPart,
    ToolCall,
    Usage,
)
from sansio.events import (
    ContentDelta,
    PartComplete,
    ReasoningDelta,
    RefusalDelta,
    StreamComplete,
    StreamEvent,
    ToolCallDelta,
    ToolCallStarted,
)
from sansio.http import Headers, Request
from sansio.jsontext import JSONObject
from sansio.profiles import RESPONSES

ProviderType: TypeAlias = Literal["openrouter", "openai", "azure", "anthropic", "ollama", "vllm"]
PROVIDER_TYPES: tuple[ProviderType, ...] = ("openrouter", "openai", "azure", "anthropic", "ollama", "vllm")
"""The types that a fake provider can imitate."""

Delta: TypeAlias = (
    ContentDelta | ReasoningDelta | RefusalDelta | ToolCallStarted | ToolCallDelta | PartComplete
)
"""Every event of a stream except its last."""

_WORD = re.compile(r"\s*\S+\s*|\s+")
_ARGUMENT_PIECE = 8  # characters of a tool call's arguments in one delta


def provider_type(name: str) -> ProviderType:
    """The built-in type of that name.

    Raises:
        ValueError: there is no such type.
    """
    for known in PROVIDER_TYPES:
        if name == known:
            return known
    raise ValueError(f"{name!r}: no fake provider of this type; use one of {', '.join(PROVIDER_TYPES)}")


OWN_TYPES = ("cohere", "bedrock", "google", "vertex")
"""Types beside those, whose answers there are strategies for."""


def spoken(name: str) -> tuple[str, str]:
    """The built-in type, and the wire family that it speaks.

    Args:
        name: a type, which then speaks its default family, or type and api, such as `"openai/responses"`.

    Raises:
        ValueError: there is no such type, or it does not speak that family.
    """
    kind, _, api = name.partition("/")
    if kind not in OWN_TYPES:
        provider_type(kind)
    apis = PROVIDER_DEFAULTS[kind].apis
    if api and api not in apis:
        raise ValueError(f"{name!r}: {kind} does not speak {api!r}; use one of {', '.join(apis)}")
    return kind, api or default_api(kind)


def model_type(name: str) -> ProviderType:
    """The type that the fake of any type imitates: itself, or the maker of its wire.

    Args:
        name: a type, or type and api. A server of Responses whose reasoning is plain is like vLLM: OpenAI
            refuses reasoning that is not encrypted.
    """
    kind, _, api = name.partition("/")
    if kind in PROVIDER_TYPES:
        return provider_type(kind)
    if api == "responses" and kind in RESPONSES and not RESPONSES[kind].sealed:
        return "vllm"
    return "anthropic" if default_api(kind) == "messages" else "openai"


def default_api(name: str) -> str:
    """The wire family that a registered provider type speaks if none is named."""
    defaults = PROVIDER_DEFAULTS[name]
    return defaults.api or defaults.apis[0]


class Ending(Enum):
    """What the server does after it has sent all pieces of a response."""

    FINISH = "finish"
    """It ends the response correctly."""
    DROP = "drop"
    """It closes the connection before the response is whole."""
    HOLD = "hold"
    """It sends nothing more and keeps the connection open until the client closes it."""


class Answer(Struct, frozen=True, kw_only=True, repr_omit_defaults=True):
    """A model's answer, independent of any dialect. `Answer(text="Hello.")` is a plain one.

    Args:
        parts: the answer's parts, in order. `reasoning`, `text`, `refusal` and `tool_calls` are short forms
            for plain parts, which follow them in this order.
        text: plain text.
        reasoning: the text of the reasoning, sent if the wire format has a field for it.
        tool_calls: tool calls; their `raw_arguments`, if given, are sent unchanged.
        refusal: the model's explanation of why it does not answer.
        finish_reason: why the answer ended. Default: `tool_calls` if there are calls, else `stop`.
        raw_finish_reason: the provider's own word, in place of the one for `finish_reason`.
        usage: the counts of tokens. `None`: no usage is sent, but a `FakeProvider` fills in its own count.
        extra: the provider's own fields of the answer, such as `service_tier`, `container` or `logprobs`.
            The encoder puts each into its place. Fields that a provider always sends have a default.
        headers: headers that are sent in addition to the provider's own.
    """

    parts: tuple[Part, ...] = ()
    text: str = ""
    reasoning: str = ""
    tool_calls: tuple[ToolCall | InvalidToolCall, ...] = ()
    refusal: str | None = None
    finish_reason: FinishReason | None = None
    raw_finish_reason: str | None = None
    usage: Usage | None = None
    extra: JSONObject = {}
    headers: Headers = ()

    def to_message(self, *, model: str | None = None, response_id: str | None = None) -> Message:
        """The message that a client makes of the answer, without the fields that depend on the dialect.

        Args:
            model: the model's name in the message.
            response_id: the answer's id in the message.
        """
        parts: list[Part] = list(self.parts)
        if self.reasoning:
            parts.append(ReasoningPart(self.reasoning))
        if self.text:
            parts.append(TextPart(self.text))
        if self.refusal:
            parts.append(RefusalPart(self.refusal))
        parts += self.tool_calls
        called = any(isinstance(part, ToolCall | InvalidToolCall) for part in parts)
        return Message(
            Role.ASSISTANT,
            tuple(parts),
            finish_reason=self.finish_reason or (FinishReason.TOOL_CALLS if called else FinishReason.STOP),
            raw_finish_reason=self.raw_finish_reason,
            usage=self.usage,
            model=model,
            response_id=response_id,
            extra=self.extra,
        )

    def to_deltas(self) -> list[Delta]:
        """The events of the answer's stream except the last: text by words, arguments in short pieces."""
        deltas: list[Delta] = []
        calls = 0
        for place, part in enumerate(self.to_message().parts):
            match part:
                case TextPart():
                    deltas += [ContentDelta(piece, place) for piece in _WORD.findall(part.text)]
                    if part.citations or not part.text:
                        deltas.append(PartComplete(place, part))
                case ReasoningPart() if part.text:
                    deltas += [ReasoningDelta(piece, place) for piece in _WORD.findall(part.text)]
                case RefusalPart() if part.text:
                    deltas += [RefusalDelta(piece, place) for piece in _WORD.findall(part.text)]
                case ToolCall() | InvalidToolCall():
                    deltas.append(ToolCallStarted(calls, part.id, part.name, place, part.kind))
                    raw = arguments_text(part)
                    deltas += [
                        ToolCallDelta(calls, raw[at : at + _ARGUMENT_PIECE])
                        for at in range(0, len(raw), _ARGUMENT_PIECE)
                    ]
                    calls += 1
                case _:
                    deltas.append(PartComplete(place, part))
        return deltas

    def to_events(self, *, model: str | None = None, response_id: str | None = None) -> list[StreamEvent]:
        """All events of the answer's stream: the deltas, then `StreamComplete`.

        Args:
            model: as for `to_message`.
            response_id: as for `to_message`.
        """
        return [*self.to_deltas(), StreamComplete(self.to_message(model=model, response_id=response_id))]


def arguments_text(call: ToolCall | InvalidToolCall) -> str:
    """The call's arguments as they are on the wire; a custom tool's own text."""
    if isinstance(call, ToolCall) and (call.raw_arguments is None or call.kind == "custom"):
        return call.arguments_text()
    return call.raw_arguments or ""


class Failure(Struct, frozen=True, kw_only=True):
    """An error in the provider's own form: a response with an error status, or an error inside a stream.

    Args:
        status: the HTTP status; inside a stream it is part of the error if the provider puts it there.
        message: the provider's words.
        error_type: the provider's name for the error. Default: its usual one for the status.
        code: OpenAI's and vLLM's `code`.
        param: the name of the faulty field, as OpenAI reports it.
        headers: headers that are sent with the status, such as `(("retry-after", "2"),)`.
        gateway: whether the gateway refuses before the API sees the request; many gateways answer in another
            form.
    """

    status: int
    message: str = "The script of the fake provider asks for a failure."
    error_type: str | None = None
    code: str | None = None
    param: str | None = None
    headers: Headers = ()
    gateway: bool = False


class Broken(Struct, frozen=True, kw_only=True):
    """A response with status 200 whose answer is cut.

    Args:
        answer: the answer that is cut.
        after: how many of its deltas are sent at most.
        failure: an error inside the stream, in the provider's form; `None` to cut without an error.
        ending: what the server does after the last piece.
    """

    answer: Answer
    after: int
    failure: Failure | None = None
    ending: Ending = Ending.FINISH


class FakeResponse(Struct, frozen=True, kw_only=True):
    """A response as it is sent over HTTP. In a script, it can send any bytes.

    Args:
        status: the HTTP status.
        headers: names in lower case. The sender adds the framing headers.
        pieces: the body: each piece is one event of a stream, or the only piece is a whole body.
        ending: what the server does after the last piece.
        silent: whether nothing is sent, not even the head; only `ending` happens.
    """

    status: int = 200
    headers: Headers = ()
    pieces: tuple[bytes, ...] = ()
    ending: Ending = Ending.FINISH
    silent: bool = False

    @property
    def body(self) -> bytes:
        """All the pieces joined."""
        return b"".join(self.pieces)


Outcome: TypeAlias = Answer | Failure | Broken | FakeResponse
"""The outcome of one well-formed request."""


class Responder(Protocol):
    """The interface of a server behind a `FakeConnection` or a `MemoryTransport`, such as `FakeProvider`."""

    def respond(self, request: Request) -> FakeResponse:
        """Answer one request.

        Args:
            request: the request.

        Returns:
            The response.
        """
        ...
