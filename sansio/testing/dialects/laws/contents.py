"""Laws about content: each field of the wire is in the message once, and is sent back with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress

import msgspec
from msgspec import structs

from sansio.content import Message, Role, Tool, UnknownPart
from sansio.errors import InvalidRequestError
from sansio.jsontext import JSONObject
from sansio.porting import LeftOut, port
from sansio.testing.dialects.bench import Bench
from sansio.testing.dialects.fields import MARK, another, change_at, holds, paths_in
from sansio.testing.dialects.reading import Frame, Reading
from sansio.testing.judging.law import BrokenLawError, applies, demand, law
from sansio.testing.judging.sample import Sample


def _changed(bench: Bench, sample: Sample) -> Iterator[tuple[str, Reading, bytes]]:
    """The sample read with one field changed in all its frames, for each field: path, reading and bytes."""
    frames = bench.frames(sample)
    values = [frame.value for frame in frames]
    paths = {path for value in values if value is not None for path in paths_in(value)}
    for path in sorted(paths - bench.ignored.keys()):
        others: list[Frame] = []
        for frame, value in zip(frames, values, strict=True):
            other = value if value is None else change_at(value, path, another)
            same = other == value
            others.append(frame if same else structs.replace(frame, data=msgspec.json.encode(other)))
        yield path, bench.read_frames(sample, others), b"\n".join(frame.data for frame in others)


@law(
    "nothing is lost: a field that is changed changes what is given",
    "read it into a typed field or into an extra (rest() keeps what has no other place); or write it on the "
    "list of ignored fields, with the reason",
    shrinks=False,  # all of the fields are named
)
def nothing_lost(bench: Bench, sample: Sample) -> None:
    before = bench.read(sample).comparable
    lost = [path for path, reading, _ in _changed(bench, sample) if reading.comparable == before]
    demand(not lost, f"{', '.join(lost)} may be anything, and what is given stays the same")


@law(
    "no value is in a typed field and in an extra both",
    "leave out of the extra what a typed field says: rest(wire, 'the', 'typed', 'fields')",
)
def one_place(bench: Bench, sample: Sample) -> None:
    for path, reading, shown in _changed(bench, sample):
        if (message := reading.message) is not None:
            # An unknown part is the whole wire object, and its kind a word of it.
            known = [part for part in message.parts if not isinstance(part, UnknownPart)]
            whole = msgspec.to_builtins(structs.replace(message, content=tuple(known)))
            places = {inside for inside, text in _texts(whole) if text.endswith(MARK)}
            demand(len(places) < 2, f"{path} is in a typed field and in an extra", shown)


def _texts(value: object, inside_extra: bool = False) -> Iterator[tuple[bool, str]]:
    """The texts in a message, each with whether an `extra` holds it."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _texts(inner, inside_extra or name == "extra")
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _texts(inner, inside_extra)
    elif isinstance(value, str):
        yield inside_extra, value


@law(
    "what an answer holds goes back in the next request, or is reported as left out",
    "write each part in build_request_body as the wire had it, its extra included; leave a part out by SENDS "
    "or refuses(), so that it is reported; or write the field on the list not_returned, with the reason",
    shrinks=False,
)
def goes_back(bench: Bench, sample: Sample) -> None:
    applies(bench.config, "no config was given, and the dialect's type is not registered with whole defaults")
    message = bench.read(sample).message
    applies(message is not None, "no sample is an answer")
    assert message is not None
    names = [call.name for call in message.all_tool_calls if call.name]
    try:
        body, left_out = _sent(bench, message, names)
    except InvalidRequestError as error:
        raise BrokenLawError(f"the dialect refuses its own answer: {error}") from None
    if sample.request is not None:
        demand(
            holds(body, sample.request),
            f"the request has no {msgspec.json.encode(sample.request).decode():.300}; it is "
            f"{msgspec.json.encode(body).decode():.500}",
        )
    reported = {one.part for one in left_out if one.message == 1}
    for path, reading, shown in _changed(bench, sample):
        other = reading.message
        if path in bench.not_returned or other is None or len(other.parts) != len(message.parts):
            continue
        pairs = zip(message.parts, other.parts, strict=True)
        places = {at for at, (one, another) in enumerate(pairs) if one != another}
        if places - reported:
            with suppress(InvalidRequestError):  # what was changed may be what the server would refuse
                again, _ = _sent(bench, other, names)
                demand(again != body, f"{path} is in the message, and not in the next request", shown)


def _sent(bench: Bench, answer: Message, names: Sequence[str]) -> tuple[JSONObject, Sequence[LeftOut]]:
    """The request that sends an answer back with results for its tool calls; and what was left out."""
    assert bench.config is not None
    dialect = bench.kind(bench.config)
    conversation = [
        Message(Role.USER, "Hello."),
        structs.replace(answer, origin=dialect.origin),
        *(Message(Role.TOOL, "done", tool_call_id=call.id) for call in answer.all_tool_calls),
        Message(Role.USER, "Go on."),
    ]
    schema: JSONObject = {"type": "object", "properties": {}}
    tools: list[Tool] = [
        {"type": "function", "function": {"name": name, "parameters": schema}}
        for name in dict.fromkeys(names)
    ]
    ported, left_out = port(conversation, dialect)
    body = dialect.build_request_body(ported, tools, True)
    decoded: JSONObject = msgspec.json.decode(msgspec.json.encode(body))
    return decoded, left_out
