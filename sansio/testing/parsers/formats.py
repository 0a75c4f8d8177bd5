"""The formats of streams: the answers of a dialect, or server-sent events alone.

Each knows what its streams mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from sansio.content import FinishReason, InvalidToolCall, ToolCall, Usage
from sansio.events import StreamComplete
from sansio.framing import ServerSentEvent, SSEDecoder
from sansio.parser import StreamParser
from sansio.testing.judging.sample import Sample
from sansio.testing.parsers.parser import Heard
from sansio.testing.script import Answer, Broken, Failure
from sansio.testing.wire import encode_stream

SSE = "sse"
"""The format of parsers that only split a stream into its events."""

FAILING = "error"
"""The name of the sample that is an error inside a stream."""
CUT = "length"
"""The name of the sample that `max_tokens` cut inside the arguments of a call."""


class Format(Protocol):
    """What the streams of one format mean."""

    @property
    def answers(self) -> bool:
        """Whether a stream is an answer, which may be cut or fail, and not just events."""
        ...

    def samples(self) -> list[Sample]:
        """Valid streams, the smallest first."""
        ...

    def meaning(self, data: bytes) -> Heard | None:
        """The meaning of any bytes; `None` if they are an error."""
        ...

    def agrees(self, found: Heard, wanted: Heard) -> bool:
        """Whether a parser's result agrees with the stream's meaning."""
        ...

    def shape(self, found: object) -> object:
        """A parser's result in a form that can be compared.

        Raises:
            ValueError: the result does not have the form that a parser must return.
        """
        ...


def format_of(name: str) -> Format:
    """The format of that name: a dialect, or `sse`.

    Raises:
        ValueError: there is none.
    """
    if name == SSE:
        return Events()
    encode_stream(name, Answer(text="Hello."))
    return Answers(name)


_PARIS = ToolCall("call_1", "weather", {"city": "Paris", "days": 2})
_ROME = ToolCall("call_2", "weather", {"city": "Rome", "days": 1})
_ANSWERS: dict[str, Answer | Broken] = {
    "text": Answer(text="Hello there."),
    "letters": Answer(text='Grüße 🌍 "quoted" \\ \u2028 \x85\ndata: [DONE]\n\n日本'),
    "usage": Answer(text="Hello.", usage=Usage(input_tokens=3, output_tokens=5)),
    "reasoning": Answer(text="Hello.", reasoning="They greet me."),
    "call": Answer(tool_calls=(_PARIS,)),
    "calls": Answer(text="I look.", tool_calls=(_PARIS, _ROME)),
    "no arguments": Answer(tool_calls=(ToolCall("call_1", "now", {}),)),
    CUT: Answer(
        tool_calls=(InvalidToolCall("call_1", "weather", '{"city": "Par', "cut"),),
        finish_reason=FinishReason.LENGTH,
    ),
    FAILING: Broken(
        answer=Answer(text="Hello there."), after=1, failure=Failure(status=529, message="Overloaded.")
    ),
}


class Answers(msgspec.Struct, frozen=True):
    """The streamed answers of a dialect, as this library's parser reads them.

    Args:
        dialect: a type, or type and api, that has an encoder.
    """

    dialect: str
    answers: bool = True

    def samples(self) -> list[Sample]:
        """Answers of every kind, and one that is an error."""
        return sorted(
            (
                Sample(name=name, data=b"".join(encode_stream(self.dialect, said)), fails=name == FAILING)
                for name, said in _ANSWERS.items()
            ),
            key=lambda sample: len(sample.data),
        )

    def meaning(self, data: bytes) -> Heard | None:
        """Its text and calls."""
        parser = StreamParser(self.dialect)
        last = [*parser.receive_data(data), *parser.receive_eof()][-1]
        if not isinstance(last, StreamComplete):
            return None
        calls = [(call.name, call.arguments) for call in last.message.tool_calls]
        return Heard(self.shape((last.message.text, calls)))

    def agrees(self, found: Heard, wanted: Heard) -> bool:
        """They are equal."""
        return found == wanted

    def shape(self, found: object) -> object:
        """The text, and the calls with their arguments decoded."""
        match found:
            case str(text), [*calls]:
                return text, [_call(call) for call in calls]
        raise ValueError(f"close() gave {found!r:.100}; it must give (text, calls), with a list of calls")


def _call(found: object) -> tuple[str, object]:
    match found:
        case str(name), str(text):
            try:
                arguments = msgspec.json.decode(text) if text.strip() else {}
            except ValueError:
                return name, text
            return name, {} if arguments is None else arguments
        case str(name), arguments:
            return name, {} if arguments is None else arguments
    raise ValueError(f"close() gave the call {found!r:.100}; a call is (name, arguments)")


_EVENTS: Sequence[tuple[str, bytes]] = (
    ("one", b"data: hello\n\n"),
    ("two lines", b"data: one\ndata: two\n\n"),
    ("named", b"event: x\ndata: 1\n\ndata: 2\n\n"),
    ("no data", b"event: x\n\ndata: 1\n\n"),
    ("empty data", b"data\n\ndata:\n\ndata: 1\n\n"),
    ("ids", b"id: 7\ndata: 1\n\ndata: 2\n\nid\ndata: 3\n\nid: 8\0\ndata: 4\n\n"),
    ("fields", b"retry: 5\nunknown: x\nDATA: x\n data: x\ndata:  two spaces\n\n"),
    ("letters", "data: Grüße 🌍 \u2028 \x85 \x0b : 日本\n\ndata: {}\n\n".encode()),
)


class Events(msgspec.Struct, frozen=True):
    """Server-sent events, as this library's decoder reads them by the standard."""

    answers: bool = False

    def samples(self) -> list[Sample]:
        """Events with every field."""
        return [Sample(name=name, data=data) for name, data in _EVENTS]

    def meaning(self, data: bytes) -> Heard:
        """Its events. Any bytes are an event stream."""
        events = [item for item in SSEDecoder().receive_data(data) if isinstance(item, ServerSentEvent)]
        return Heard(tuple((event.event, event.data, event.id) for event in events))

    def agrees(self, found: Heard, wanted: Heard) -> bool:
        """They have the same names and data, and the same ids where the parser gives them."""
        ours, theirs = wanted.value, found.value
        assert isinstance(ours, tuple)
        assert isinstance(theirs, tuple)
        return len(ours) == len(theirs) and all(a[: len(b)] == b for a, b in zip(ours, theirs, strict=True))

    def shape(self, found: object) -> object:
        """The events as tuples."""
        match found:
            case [*events]:
                return tuple(_event(event) for event in events)
        raise ValueError(f"close() gave {found!r:.100}; it must give a list of events")


def _event(found: object) -> tuple[str, ...]:
    match found:
        case [str(name), str(data)]:
            return name, data
        case [str(name), str(data), str(last)]:
            return name, data, last
    raise ValueError(f"close() gave the event {found!r:.100}; an event is (event, data) or (event, data, id)")
