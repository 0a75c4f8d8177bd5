"""Laws about truth: nothing that was cut is whole, and all views of an answer agree."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import assert_never

import msgspec

from sansio.config import PROVIDER_DEFAULTS
from sansio.content import Message, Part, ReasoningPart, RefusalPart, TextPart, UnknownPart
from sansio.events import (
    ContentDelta,
    PartComplete,
    ReasoningDelta,
    RefusalDelta,
    StreamComplete,
    StreamEvent,
    StreamFailed,
    ToolCallDelta,
    ToolCallStarted,
    replay,
)
from sansio.jsontext import JSON
from sansio.testing.dialects.bench import Bench
from sansio.testing.dialects.reading import Reading
from sansio.testing.judging.law import applies, demand, law
from sansio.testing.judging.sample import WHOLE, Sample
from sansio.testing.script import PROVIDER_TYPES, Answer
from sansio.testing.wire import encode_stream, encode_whole
from sansio.testing.wires.registry import wire_names


@law(
    "an answer that was cut is an error, unless all of it had arrived",
    "set raw_finish_reason only where the wire says that the answer has ended, and return True from "
    "receive() only at its end marker",
    shrinks=False,
)
def no_lie(bench: Bench, sample: Sample) -> None:
    whole = bench.read(sample).message
    applies(whole is not None, "no sample is an answer")
    assert whole is not None
    choices = bench.choices("no-lie", sample)
    places = {0, *(choices.below(len(sample.data)) for _ in range(bench.tries))}
    for frame in bench.frames(sample):
        places |= {frame.end - 1, frame.end}
    for place in sorted(places - {len(sample.data)}):
        cut = msgspec.structs.replace(sample, data=sample.data[:place])
        found = bench.read(cut).message
        if found is not None:
            demand(
                (found.parts, found.finish_reason) == (whole.parts, whole.finish_reason),
                f"the first {place} of {len(sample.data)} bytes are an answer that ended with "
                f"{found.raw_finish_reason!r}: {found.parts!r:.200}",
                cut.data,
            )


@law(
    "a tool call whose arguments were cut or do not arrive whole is not in tool_calls",
    "add the arguments to self._answer.calls, which judges them; never make a ToolCall of unfinished text",
)
def cut_calls(bench: Bench, sample: Sample) -> None:
    frames = bench.frames(sample)
    whole = bench.read(sample)
    message = whole.message
    applies(message and message.tool_calls and not sample.is_whole, "no stream of an answer has a tool call")
    assert message is not None
    # An id that is made up here may be another call's where a frame is missing.
    given = [
        call for call in message.tool_calls if call.kind == "function" and call.id.encode() in sample.data
    ]
    for place, frame in enumerate(frames):
        what = f"cut before {frame.data[:200]!r}"
        error = bench.read_frames(sample, frames[:place]).error
        if error is not None and error.partial is not None:
            calls = error.partial.tool_calls
            demand(not calls, f"{what}, the stream fails, and {calls!r:.200} is still in partial.tool_calls")
        without = bench.read_frames(sample, [*frames[:place], *frames[place + 1 :]]).message
        found = {} if without is None else {call.id: call.arguments for call in without.tool_calls}
        for call in given:
            arguments = found.get(call.id, call.arguments)
            left = _without(call.arguments_text(), frame.value)
            demand(
                arguments == call.arguments or not left or _packed(_text(arguments)) in left,
                f"without {frame.data[:200]!r}, which holds a piece of its arguments, {call.name} is still "
                f"called, with {arguments!r:.100}",
            )


def _without(arguments: str, frame: JSON) -> set[str]:
    """The packed text of a call's arguments without the piece that a frame has; none if it has none."""
    whole = _packed(arguments)
    pieces = {packed for text in _texts_in(frame) if (packed := _packed(text))}
    return {
        # Blank arguments are an empty object.
        whole[: match.start()] + whole[match.end() :] or "{}"
        for piece in pieces
        for match in re.finditer(re.escape(piece), whole)
    }


def _packed(text: str) -> str:
    """A text without white space: a dialect may write JSON in another way than it was."""
    return "".join(text.split())


def _text(value: JSON) -> str:
    return msgspec.json.encode(value).decode()


def _texts_in(value: JSON) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts_in(inner)


_HELLO = Answer(text="Hello.")
_STRANGERS: tuple[tuple[str, str, bytes], ...] = (
    ("an empty stream", "text/event-stream", b""),
    ("a page of HTML", "text/event-stream", b"<!DOCTYPE html><html><body>502 Bad Gateway</body></html>\n\n"),
    ("a stream of other events", "text/event-stream", b'data: {"hello": "world"}\n\n'),
    ("lines of other JSON", "application/x-ndjson", b'{"hello": "world"}\n{}\n'),
    ("other JSON", WHOLE, b'{"hello": "world"}'),
    ("an empty object", WHOLE, b"{}"),
)


def _strangers(bench: Bench) -> Sequence[Sample]:
    """Bytes that are not an answer, and answers of each family with the content that they have."""
    samples = [Sample(name=name, content_type=kind, data=data) for name, kind, data in _STRANGERS]
    for api in wire_names():
        type = next((t for t in PROVIDER_TYPES if api in PROVIDER_DEFAULTS[t].apis), None)
        if type is not None:
            named = f"{type}/{api}"
            stream = b"".join(encode_stream(named, _HELLO))
            samples.append(Sample(name=f"a stream of {named}", data=stream))
            whole = encode_whole(named, _HELLO)
            samples.append(Sample(name=f"an answer of {named}", data=whole, content_type=WHOLE))
    return samples


@law(
    "bytes that are no answer of this wire are an error, never an empty success",
    "raise RemoteProtocolError from receive_whole() where the answer's own fields are missing, and do not "
    "set raw_finish_reason before the wire says it",
    samples=_strangers,
    shrinks=False,
)
def foreign(bench: Bench, sample: Sample) -> None:
    message = bench.read(sample).message
    # Its own family, or one built on it, may accept it. Then it must read the right content.
    demand(
        message is None or message.text == _HELLO.text,
        f"{sample.name} is read as an answer: {message!r:.200}",
    )


@law(
    "the events say the same as replay(message), part by part",
    "add to self._answer with add(), say(), take(), close() and calls.add(), with the same events list; do "
    "not append events yourself",
)
def events(bench: Bench, sample: Sample) -> None:
    _agree(bench.read(sample), None)
    for shown, reading in bench.damaged_readings(sample):
        _agree(reading, shown)


def _agree(reading: Reading, shown: bytes | None) -> None:
    message = reading.message
    if message is not None:
        found, wanted = _said(reading.events), _said(replay(message))
        for place in sorted(found.keys() | wanted.keys()):
            demand(
                found.get(place) == wanted.get(place),
                f"part {place}: the events say {found.get(place)!r:.200}, the message says "
                f"{wanted.get(place)!r:.200}",
                shown,
            )
        return
    error = reading.error
    assert error is not None
    partial = error.partial or Message("assistant")
    found, wanted = _said(reading.events), _said(replay(partial))
    for place, said in found.items():
        known = wanted.get(place)
        # A cited text that is still open is whole in `partial`, and as deltas in the events.
        same = said == known or (known is not None and _texts(said) == _texts(known))
        demand(same, f"part {place}: the events say {said!r:.200}, the error's partial {known!r:.200}", shown)


def _said(events: Iterable[StreamEvent]) -> dict[int, tuple[object, ...]]:
    """The content of each part by the events: deltas joined, `extra` left out."""
    parts: dict[int, tuple[object, ...]] = {}
    places: dict[int, int] = {}
    for event in events:
        match event:
            case ContentDelta() | ReasoningDelta() | RefusalDelta():
                before = parts.get(event.part, (type(event).__name__, ""))
                parts[event.part] = type(event).__name__, f"{before[-1]}{event.text}"
            case ToolCallStarted():
                places[event.index] = event.part
                parts[event.part] = event.id, event.name, event.kind, ""
            case ToolCallDelta():
                place = places.get(event.index, -1)
                *call, arguments = parts.get(place, ("",))
                parts[place] = *call, f"{arguments}{event.arguments}"
            case PartComplete():
                before = parts.get(event.index, ())
                parts[event.index] = (_bare(event.part), *before[1:])
            case StreamComplete() | StreamFailed():
                pass
            case _:
                assert_never(event)
    return parts


def _bare(part: Part) -> Part:
    return part if isinstance(part, UnknownPart) else msgspec.structs.replace(part, extra={})


def _texts(said: tuple[object, ...]) -> object:
    """What a part says: the text of the whole part, if it is there, or else its deltas."""
    first = said[0]
    return first.text if isinstance(first, (TextPart, ReasoningPart, RefusalPart)) else said[-1]


@law(
    "a message that is stored as JSON and read again is the same",
    "use the typed fields as they are typed, and put nothing but JSON into extra",
)
def storage(bench: Bench, sample: Sample) -> None:
    _stored(bench.read(sample), None)
    for shown, reading in bench.damaged_readings(sample):
        _stored(reading, shown)


def _stored(reading: Reading, shown: bytes | None) -> None:
    message = reading.message or (reading.error and reading.error.partial)
    if message is None:
        return
    try:
        again = msgspec.json.decode(msgspec.json.encode(message), type=Message)
    except (msgspec.MsgspecError, TypeError, ValueError, OverflowError) as error:
        demand(False, f"it cannot be stored: {error}", shown)
    demand(again == message, f"stored as {message!r:.300}, read as {again!r:.300}", shown)
