"""Answers as the encoders of this library write them, for each dialect: the plain cases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from sansio.content import FinishReason, InvalidToolCall, ReasoningPart, ToolCall, Usage
from sansio.errors import APIStatusError, StreamTruncatedError
from sansio.events import StreamComplete, StreamEvent, StreamFailed
from sansio.jsontext import JSONObject
from sansio.testing.corpus.case import JSON_BODY, Case
from sansio.testing.corpus.plain import outcome
from sansio.testing.script import Answer, Broken, Failure
from sansio.testing.wire import encode_stream, encode_whole

DIALECTS: Mapping[str, Sequence[str]] = {
    "chat": ("openai", "azure", "openrouter", "ollama", "vllm"),
    "messages": ("anthropic",),
    "responses": ("openai/responses", "openrouter/responses", "vllm/responses"),
}
"""The dialects of each family whose bytes differ."""

_PARIS = ToolCall("call_1", "weather", {"city": "Paris", "days": 2})
_ROME = ToolCall("call_2", "weather", {"city": "Rome"})
_CUT = InvalidToolCall("call_1", "weather", '{"city": "Par', "cut")
_USAGE = Usage(input_tokens=31, output_tokens=7)


class _Said(Struct, frozen=True):
    """An answer, and what a parser must do with it."""

    shows: str
    answer: Answer
    whole: bool = True
    """Whether a response that is not streamed can hold it."""


_ANSWERS: Mapping[str, _Said] = {
    "text": _Said(
        "A plain text is given in its order, and the counts of the tokens with it.",
        Answer(text="Hello there. How can I help?", usage=_USAGE),
    ),
    "letters": _Said(
        "Letters beyond ASCII, emoji, quotes and the separators U+2028 and U+0085 are text like any other.",
        Answer(text='Grüße 🌍 "quoted" \\ \u2028 \x85 日本\n\ndata: [DONE]', usage=_USAGE),
    ),
    "reasoning": _Said(
        "Reasoning is kept apart from the answer.",
        Answer(parts=(ReasoningPart("They greet me."),), text="Hello.", usage=_USAGE),
    ),
    "call": _Said(
        "A tool call has its arguments as one object, whatever pieces they arrive in.",
        Answer(tool_calls=(_PARIS,), usage=_USAGE),
    ),
    "calls": _Said(
        "Two calls behind a text have their own ids and arguments.",
        Answer(text="I look.", tool_calls=(_PARIS, _ROME), usage=_USAGE),
    ),
    "call-without-arguments": _Said(
        "A call whose arguments are blank has an empty object.",
        Answer(tool_calls=(ToolCall("call_1", "now", raw_arguments=""),), usage=_USAGE),
    ),
    "length": _Said(
        "An answer that the limit of tokens ended is complete, and says so.",
        Answer(text="Hello there. How", finish_reason=FinishReason.LENGTH, usage=_USAGE),
    ),
    "length-in-call": _Said(
        "A call that the limit of tokens cut must not be run, and its arguments are not repaired.",
        Answer(tool_calls=(_CUT,), finish_reason=FinishReason.LENGTH, usage=_USAGE),
        whole=False,
    ),
}
_REFUSAL = _Said(
    "A refusal is not the answer's text.",
    Answer(refusal="I cannot help with that.", finish_reason=FinishReason.REFUSAL, usage=_USAGE),
)
_REFUSING = ("openai", "openai/responses")


def encoded(family: str) -> Iterator[Case]:
    """The plain cases of a family."""
    for dialect in DIALECTS[family]:
        prefix = dialect.partition("/")[0]
        said = {**_ANSWERS, "refusal": _REFUSAL} if dialect in _REFUSING else _ANSWERS
        for name, each in said.items():
            yield _streamed(f"{prefix}-{name}", dialect, each)
        for name in ("text", "call", "reasoning"):
            yield _whole(f"{prefix}-whole-{name}", dialect, said[name])
        yield from _broken(prefix, dialect)


def _streamed(name: str, dialect: str, said: _Said) -> Case:
    body = b"".join(encode_stream(dialect, said.answer))
    return Case(name=name, dialect=dialect, shows=said.shows, body=body, expected=complete(said.answer))


def _whole(name: str, dialect: str, said: _Said) -> Case:
    return Case(
        name=name,
        dialect=dialect,
        shows=f"Not streamed. {said.shows}",
        body=encode_whole(dialect, said.answer),
        expected=unstreamed(said.answer),
        headers=JSON_BODY,
        stream=False,
    )


def _broken(prefix: str, dialect: str) -> Iterator[Case]:
    text, call = _ANSWERS["text"].answer, _ANSWERS["call"].answer
    yield Case(
        name=f"{prefix}-cut-text",
        dialect=dialect,
        shows="A stream that ends before its answer does is an error, and what arrived is given.",
        body=b"".join(encode_stream(dialect, Broken(answer=text, after=2))),
        expected=truncated(text, 2),
    )
    yield Case(
        name=f"{prefix}-cut-call",
        dialect=dialect,
        shows="A stream that ends inside the arguments of a call is an error, and gives no call to run.",
        body=b"".join(encode_stream(dialect, Broken(answer=call, after=3))),
        expected=truncated(call, 3),
    )
    if dialect == "ollama":
        return  # its stream just ends
    failure = Failure(
        status=500, message="The model crashed.", error_type=_CRASHES.get(dialect, "server_error")
    )
    yield Case(
        name=f"{prefix}-error-inside",
        dialect=dialect,
        shows="An error inside a stream is an error, though the status is 200.",
        body=b"".join(encode_stream(dialect, Broken(answer=text, after=2, failure=failure))),
        expected=failed(text.to_deltas()[:2], 500, failure.message, type=failure.error_type),
    )


_CRASHES: Mapping[str, str | None] = {"anthropic": "api_error", "openrouter": None}
"""The words of the dialects for a fault of the server's that are not OpenAI's."""


def complete(answer: Answer) -> JSONObject:
    """The meaning of a stream of this answer."""
    return outcome(answer.to_events())


def unstreamed(answer: Answer) -> JSONObject:
    """The meaning of a whole response with this answer: the same as of a stream, without events."""
    return outcome(answer.to_events()[-1:])


def truncated(answer: Answer, after: int) -> JSONObject:
    """The meaning of a stream that ends after this many of the answer's deltas."""
    return outcome([*answer.to_deltas()[:after], StreamFailed(StreamTruncatedError("the stream ended"))])


def failed(
    events: Sequence[StreamEvent],
    status: int | None,
    message: str,
    *,
    type: str | None = None,
    retry_after: float | None = None,
) -> JSONObject:
    """The meaning of a stream in which the provider reports a failure after these events.

    Args:
        events: the events before the failure.
        status: the error's status, or that of its kind; `None` if it has none.
        message: the provider's words.
        type: the provider's type of the error.
        retry_after: seconds after which the provider says to retry.
    """
    error = APIStatusError(
        message, status=status, error_type=type, provider_message=message, retry_after=retry_after
    )
    return outcome([*events, StreamFailed(error)])


def ended(events: Sequence[StreamEvent], answer: Answer) -> JSONObject:
    """The meaning of a stream that gives these events and ends as this answer."""
    return outcome([*events, StreamComplete(answer.to_message())])
