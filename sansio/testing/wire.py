"""Answers in the bytes of each provider: the inverse of what a client's parser does.

For a stream that a provider can give, parsing the output of `encode_events` gives the same events
again. Counts and refusals that a wire has no place for are left out: reasoning tokens and cached tokens on
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
    """Encode an answer, complete or truncated, as a provider streams it.

    Args:
        type: a registered provider type, or type and api, such as `"my_type/my_api"`.
        outcome: the answer.
        model: the model's name in the stream.
        response_id: the answer's id in the stream.
        include_usage: as in OpenAI's `stream_options`; OpenRouter and Anthropic always send the usage.

    Returns:
        The stream's bytes; each item is one server-sent event or comment.

    Raises:
        ValueError: there is no fake for the type; or its wire format has no word for the finish reason, or no
            form for a part.

    Example:
        >>> from sansio.testing import Answer
        >>> encode_stream("openai", Answer(text="Hi"))[-1]
        b'data: [DONE]\\n\\n'
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
    """Encode events as a provider streams them, with one server-sent event for each delta.

    A list without `StreamComplete` or `StreamFailed` gives a truncated stream, and so does a `StreamFailed`
    with a `StreamTruncatedError`. Any other error is sent as the provider's own error event.

    Args:
        type: a registered provider type, or type and api, such as `"my_type/my_api"`.
        events: the events, in order.
        include_usage: as for `encode_stream`.

    Returns:
        The stream's bytes; each item is one server-sent event or comment.

    Raises:
        ValueError: as for `encode_stream`; or a delta follows the last event or, for Anthropic, the end of
            its part.
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
            raise ValueError(f"{type}: events follow the {event.__class__.__name__} that ends the stream")
    return _encode(type, deltas, head, end, include_usage)


def encode_whole(
    type: str, answer: Answer, *, model: str = "fake-model", response_id: str = "fake-response"
) -> bytes:
    """Encode an answer as the body of a response that is not streamed.

    Args:
        type: as for `encode_stream`.
        answer: the answer.
        model: the model's name in the response.
        response_id: the answer's id in the response.

    Returns:
        The body.

    Raises:
        ValueError: as for `encode_stream`; or a call's arguments are truncated, which Anthropic's format
            cannot express, since its arguments are objects.
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
