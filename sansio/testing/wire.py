"""Answers in the bytes of each provider: the inverse of what a client's parser does.

For a stream that a provider can give, parsing what `encode_events` made of its events gives those events
back. What a wire has no place for is left out: reasoning tokens and cached tokens on Ollama's, reasoning
tokens on vLLM's and Anthropic's, cache writes on OpenAI's.
"""

from __future__ import annotations

from collections.abc import Sequence

from sansio.content import Message, Role
from sansio.errors import ProviderError, StreamTruncatedError
from sansio.events import StreamComplete, StreamEvent, StreamFailed
from sansio.testing.anthropic_wire import encode_message, encode_message_events
from sansio.testing.openai_wire import encode_chunks, encode_completion
from sansio.testing.script import Answer, Broken, Delta, Failure, ProviderType, provider_type


def encode_stream(
    type: str,
    outcome: Answer | Broken,
    *,
    model: str = "fake-model",
    response_id: str = "fake-response",
    include_usage: bool = True,
) -> tuple[bytes, ...]:
    """An answer, or one that breaks off, as a stream.

    Args:
        type: the provider's type.
        include_usage: as in OpenAI's `stream_options`; OpenRouter and Anthropic tell the usage anyway.

    Returns:
        The stream's bytes, one server-sent event or comment each.

    Raises:
        ValueError: no fake speaks for the type, or the provider has no word for the finish reason.
    """
    answer = outcome if isinstance(outcome, Answer) else outcome.answer
    message = answer.to_message(model=model, response_id=response_id)
    deltas = answer.to_deltas()
    if isinstance(outcome, Broken):
        return _encode(provider_type(type), deltas[: outcome.after], message, outcome.failure, include_usage)
    return _encode(provider_type(type), deltas, message, message, include_usage)


def encode_events(
    type: str, events: Sequence[StreamEvent], *, include_usage: bool = True
) -> tuple[bytes, ...]:
    """Events as a stream, each delta in a server-sent event of its own.

    A list without `StreamComplete` or `StreamFailed` is a stream that breaks off, and so is one with a
    `StreamTruncatedError`; the error of any other `StreamFailed` comes as the provider's own error event.

    Args:
        type: the provider's type.
        include_usage: as for `encode_stream`.

    Raises:
        ValueError: as `encode_stream`; or a delta comes where Anthropic has none, or after the last event.
    """
    deltas: list[Delta] = []
    head = Message(Role.ASSISTANT)
    end: Message | Failure | None = None
    for position, event in enumerate(events, 1):
        match event:
            case StreamComplete(message=message):
                head = end = message
            case StreamFailed(error=error):
                head, end = error.partial or head, _failure(error)
            case _:
                deltas.append(event)
                continue
        if position < len(events):
            raise ValueError(f"{type}: events come after the {event.__class__.__name__} that ends the stream")
    return _encode(provider_type(type), deltas, head, end, include_usage)


def encode_whole(
    type: str, answer: Answer, *, model: str = "fake-model", response_id: str = "fake-response"
) -> bytes:
    """An answer as the body of a whole response.

    Raises:
        ValueError: as `encode_stream`; or cut arguments where Anthropic has objects.
    """
    known = provider_type(type)
    message = answer.to_message(model=model, response_id=response_id)
    return encode_message(message) if known == "anthropic" else encode_completion(known, message)


def _encode(
    type: ProviderType, deltas: Sequence[Delta], head: Message, end: Message | Failure | None, usage: bool
) -> tuple[bytes, ...]:
    if type == "anthropic":
        return encode_message_events(deltas, head, end)
    return encode_chunks(type, deltas, head, end, usage=usage)


def _failure(error: ProviderError) -> Failure | None:
    if isinstance(error, StreamTruncatedError):
        return None
    return Failure(
        status=error.status or 500,
        message=error.provider_message or error.message,
        error_type=error.error_type,
    )
