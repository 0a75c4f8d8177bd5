"""Answers in the bytes of each provider: the inverse of what a client's parser does.

For a stream that a provider can give, parsing what `encode_events` made of its events gives those events
back. Counts and refusals that a wire has no place for are left out: reasoning tokens and cached tokens on
Ollama's, reasoning tokens on vLLM's, cache writes on OpenAI's. A part that has no place is a `ValueError`.
"""

from __future__ import annotations

from collections.abc import Sequence

from sansio.content import Message, Role
from sansio.errors import ProviderError, StreamTruncatedError
from sansio.events import StreamComplete, StreamEvent, StreamFailed
from sansio.testing.script import Answer, Broken, Delta, Failure
from sansio.testing.wires.registry import wire_for


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
        type: a registered provider type, or type and api, such as `"my_type/my_api"`.
        include_usage: as in OpenAI's `stream_options`; OpenRouter and Anthropic tell the usage anyway.

    Returns:
        The stream's bytes, one server-sent event or comment each.

    Raises:
        ValueError: no fake speaks for the type, or the provider has no word for the finish reason, or no
            place for a part.
    """
    answer = outcome if isinstance(outcome, Answer) else outcome.answer
    message = answer.to_message(model=model, response_id=response_id)
    deltas = answer.to_deltas()
    if isinstance(outcome, Broken):
        return _encode(type, deltas[: outcome.after], message, outcome.failure, include_usage)
    return _encode(type, deltas, message, message, include_usage)


def encode_events(
    type: str, events: Sequence[StreamEvent], *, include_usage: bool = True
) -> tuple[bytes, ...]:
    """Events as a stream, each delta in a server-sent event of its own.

    A list without `StreamComplete` or `StreamFailed` is a stream that breaks off, and so is one with a
    `StreamTruncatedError`; the error of any other `StreamFailed` comes as the provider's own error event.

    Args:
        type: a registered provider type, or type and api, such as `"my_type/my_api"`.
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
    return _encode(type, deltas, head, end, include_usage)


def encode_whole(
    type: str, answer: Answer, *, model: str = "fake-model", response_id: str = "fake-response"
) -> bytes:
    """An answer as the body of a whole response.

    Raises:
        ValueError: as `encode_stream`; or cut arguments where Anthropic has objects.
    """
    wire = wire_for(type)
    message = answer.to_message(model=model, response_id=response_id)
    return wire.encode_whole(_type(type), message)


def _encode(
    name: str, deltas: Sequence[Delta], head: Message, end: Message | Failure | None, usage: bool
) -> tuple[bytes, ...]:
    return wire_for(name).encode_stream(_type(name), deltas, head, end, usage)


def _type(name: str) -> str:
    return name.partition("/")[0]


def _failure(error: ProviderError) -> Failure | None:
    if isinstance(error, StreamTruncatedError):
        return None
    return Failure(
        status=error.status or 500,
        message=error.provider_message or error.message,
        error_type=error.error_type,
    )
