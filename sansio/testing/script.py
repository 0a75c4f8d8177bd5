"""What a fake provider is told to say: answers, failures, and streams that break off."""

from __future__ import annotations

import re
from enum import Enum
from typing import Literal, Protocol, TypeAlias

from msgspec import Struct

from sansio.content import FinishReason, InvalidToolCall, Message, Role, ToolCall, Usage
from sansio.events import (
    ContentDelta,
    ReasoningDelta,
    StreamComplete,
    StreamEvent,
    ToolCallDelta,
    ToolCallStarted,
)
from sansio.http import Headers, Request

ProviderType: TypeAlias = Literal["openrouter", "openai", "azure", "anthropic", "ollama", "vllm"]
PROVIDER_TYPES: tuple[ProviderType, ...] = ("openrouter", "openai", "azure", "anthropic", "ollama", "vllm")
"""The types that a fake provider can speak for."""

Delta: TypeAlias = ContentDelta | ReasoningDelta | ToolCallStarted | ToolCallDelta
"""Every event of a stream but its last."""

_WORD = re.compile(r"\s*\S+\s*|\s+")
_ARGUMENT_PIECE = 8  # characters of a tool call's arguments in one delta


def provider_type(name: str) -> ProviderType:
    """The type of that name.

    Raises:
        ValueError: there is none; registered types have no fake of their own.
    """
    for known in PROVIDER_TYPES:
        if name == known:
            return known
    raise ValueError(f"{name!r}: no fake provider speaks for it; use one of {', '.join(PROVIDER_TYPES)}")


class Ending(Enum):
    """What the server does once it has sent what it had to say."""

    FINISH = "finish"
    """It ends the response as HTTP wants it."""
    DROP = "drop"
    """It closes the connection before the response is whole."""
    HOLD = "hold"
    """It sends nothing more and keeps the connection open until the client closes it."""


class Answer(Struct, frozen=True, kw_only=True):
    """A model's answer, in no dialect yet.

    Args:
        text: the content.
        reasoning: sent where the wire has a place for it.
        tool_calls: their `raw_arguments` are sent as they are, where given.
        refusal: OpenAI's own field for it.
        finish_reason: `None`: `tool_calls` where there are calls, else `stop`.
        raw_finish_reason: the provider's own word, in place of the one that `finish_reason` stands for.
        usage: `None`: no usage is told, but a `FakeProvider` fills in its own count.
        headers: sent beside the provider's own.
    """

    text: str = ""
    reasoning: str = ""
    tool_calls: tuple[ToolCall | InvalidToolCall, ...] = ()
    refusal: str | None = None
    finish_reason: FinishReason | None = None
    raw_finish_reason: str | None = None
    usage: Usage | None = None
    headers: Headers = ()

    def to_message(self, *, model: str | None = None, response_id: str | None = None) -> Message:
        """The message that a client makes of the answer, but for what only its dialect knows."""
        default = FinishReason.TOOL_CALLS if self.tool_calls else FinishReason.STOP
        return Message(
            Role.ASSISTANT,
            self.text,
            tuple(call for call in self.tool_calls if isinstance(call, ToolCall)),
            invalid_tool_calls=tuple(call for call in self.tool_calls if isinstance(call, InvalidToolCall)),
            reasoning=self.reasoning,
            refusal=self.refusal,
            finish_reason=self.finish_reason or default,
            raw_finish_reason=self.raw_finish_reason,
            usage=self.usage,
            model=model,
            response_id=response_id,
        )

    def to_deltas(self) -> list[Delta]:
        """The deltas that a stream of it gives: text word by word, arguments in short pieces."""
        deltas: list[Delta] = [ReasoningDelta(piece) for piece in _WORD.findall(self.reasoning)]
        deltas += [ContentDelta(piece) for piece in _WORD.findall(self.text)]
        for index, call in enumerate(self.tool_calls):
            deltas.append(ToolCallStarted(index, call.id, call.name))
            raw = arguments_text(call)
            deltas += [
                ToolCallDelta(index, raw[at : at + _ARGUMENT_PIECE])
                for at in range(0, len(raw), _ARGUMENT_PIECE)
            ]
        return deltas

    def to_events(self, *, model: str | None = None, response_id: str | None = None) -> list[StreamEvent]:
        """The deltas, and the `StreamComplete` that ends them."""
        return [*self.to_deltas(), StreamComplete(self.to_message(model=model, response_id=response_id))]


def arguments_text(call: ToolCall | InvalidToolCall) -> str:
    """The call's arguments as they stand on the wire."""
    return call.arguments_text() if isinstance(call, ToolCall) else call.raw_arguments


class Failure(Struct, frozen=True, kw_only=True):
    """An error, answered in the provider's own shape: as a status, or inside a stream.

    Args:
        status: the HTTP status; inside a stream it goes into the error where the provider puts it there.
        message: the provider's words.
        error_type: the provider's name for the error; its usual one for the status, where left out.
        code: OpenAI's and vLLM's `code`.
        param: OpenAI's name of the faulty field.
        headers: sent with the status, such as `(("retry-after", "2"),)`.
        gateway: the server's front refuses, before its API has looked: many answer in another shape then.
    """

    status: int
    message: str = "The fake provider was told to fail."
    error_type: str | None = None
    code: str | None = None
    param: str | None = None
    headers: Headers = ()
    gateway: bool = False


class Broken(Struct, frozen=True, kw_only=True):
    """A 200 whose answer does not become whole.

    Args:
        answer: what it would have been.
        after: how many of its deltas come; all of them, where it has no more.
        failure: an error inside the stream, in the provider's shape; `None` for a cut without a word.
        ending: what follows.
    """

    answer: Answer
    after: int
    failure: Failure | None = None
    ending: Ending = Ending.FINISH


class FakeResponse(Struct, frozen=True, kw_only=True):
    """What goes out over HTTP; as an outcome in a script, bytes of any kind.

    Args:
        status: the HTTP status.
        headers: names in lower case. What frames the body is added by who sends it.
        pieces: the body: one event of a stream each, or a whole body as one.
        ending: what follows the last piece.
        silent: not even the head is sent, only `ending` happens.
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
"""What one well-formed request meets."""


class Responder(Protocol):
    """What answers requests, such as `FakeProvider`: behind a `FakeConnection`, or in a `MemoryTransport`."""

    def respond(self, request: Request) -> FakeResponse:
        """The response to one request."""
        ...
