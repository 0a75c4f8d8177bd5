"""The judges of all laws: events compared, joined and counted independently of the machines."""

from __future__ import annotations

import json
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterable
from types import FrameType
from typing import NamedTuple

import pytest
from hypothesis import strategies as st
from msgspec import structs

from sansio import (
    ContentDelta,
    HTTPExchange,
    ImagePart,
    Limits,
    LocalProtocolError,
    Message,
    Part,
    PartComplete,
    ProviderConfig,
    ProviderError,
    RefusalDelta,
    SSEDecoder,
    StreamComplete,
    StreamEvent,
    StreamFailed,
    StreamParser,
    ToolCall,
    UnknownPart,
)
from sansio.providers import dialect_named
from sansio.testing import PROVIDER_TYPES
from tests.sansio.wires import check_agreement, told

WIRES: dict[str, st.SearchStrategy[str]] = {
    "anthropic": st.just("anthropic"),
    "chat": st.sampled_from([type for type in PROVIDER_TYPES if type != "anthropic"]),
}
"""The two wire families and their dialects."""

for _type in PROVIDER_TYPES:  # loaded before: lazy imports must not count as time of a run
    StreamParser(_type)

in_every_dialect = pytest.mark.parametrize("wire", WIRES)
"""A law is tested with as many examples for each family, shared by the family's dialects."""

LIMITS = st.fixed_dictionaries(
    {},
    optional={
        "max_event_bytes": st.integers(1, 2_000),
        "max_answer_bytes": st.integers(1, 5_000),
        "max_error_bytes": st.integers(1, 100),
        "max_tool_calls": st.integers(1, 3),
        "max_json_depth": st.integers(1, 9),
    },
)
"""The limits of a config: tight ones, or the defaults for those left out."""


def config_for(type: str, **fields: object) -> ProviderConfig:
    """A complete config of the type, or of type and api; its address and model are not real."""
    name, _, api = type.partition("/")
    needed = {"model": "m", "base_url": "http://localhost:1/v1", **({"api": api} if api else {})}
    if name == "azure":
        needed |= {"deployment": "d", "api_version": "2024-10-21"}
    return ProviderConfig.from_dict({"type": name, **needed, **fields})


class Fault(NamedTuple):
    """The compared parts of an error: its kind and place, not the message of a library below."""

    kind: type[ProviderError]
    offset: int | None
    status: int | None
    field: str | None
    attempts: int | None
    partial: Message | None


def fault(error: ProviderError) -> Fault:
    """The error as a value."""
    return Fault(type(error), error.offset, error.status, error.field, error.attempts, error.partial)


def plain(events: Iterable[StreamEvent]) -> list[object]:
    """Events in a form that compares equal if they mean the same."""
    return [fault(event.error) if isinstance(event, StreamFailed) else event for event in events]


def assert_one_end(events: list[StreamEvent]) -> None:
    """*One end*: the last event is `StreamComplete` or `StreamFailed`, and no other is."""
    ends = [isinstance(event, (StreamComplete, StreamFailed)) for event in events]
    assert ends == [False] * (len(events) - 1) + [True]


def assert_over(machine: SSEDecoder | StreamParser | HTTPExchange) -> None:
    """***One end*: after the end of its bytes a machine takes no more, and raises a `LocalProtocolError`."""
    with pytest.raises(LocalProtocolError):
        machine.receive_data(b"data: more\n\n")
    with pytest.raises(LocalProtocolError):
        machine.receive_eof()


def assert_nothing_lost(events: list[StreamEvent]) -> None:
    """*Nothing lost*: what the events say is in the last event's message or its error's `partial`."""
    last = events[-1]
    if isinstance(last, StreamFailed) and last.error.partial is None:
        assert told(events) == {}
    else:
        check_agreement(events)


def text_of(events: Iterable[StreamEvent]) -> str:
    """The pieces of text, joined."""
    return "".join(event.text for event in events if isinstance(event, ContentDelta))


def at_once(type: str, events: Iterable[StreamEvent]) -> list[StreamEvent]:
    """The events that a parser gives when their bytes arrive.

    A chat completion may add to most parts until its end, so that they are complete only then; Anthropic
    has a refusal's words beside the stop reason.
    """
    if type == "anthropic":
        return [event for event in events if not isinstance(event, RefusalDelta)]
    return [
        event
        for event in events
        if not isinstance(event, PartComplete) or isinstance(event.part, ImagePart | UnknownPart)
    ]


def written(message: Message) -> Message:
    """The message without mere spelling, such as the white space of arguments."""
    parts = [
        structs.replace(part, raw_arguments=None) if isinstance(part, ToolCall) else part
        for part in message.parts
    ]
    return structs.replace(message, content=tuple(parts))


def sorted_parts(type: str, parts: Iterable[Part]) -> list[Part]:
    """Parts in an order that whole and streamed answers share: the fields of a chat completion have none."""
    if type == "anthropic":
        return list(parts)
    return sorted(parts, key=lambda part: part.__class__.__name__.replace("InvalidToolCall", "ToolCall"))


def assert_no_lie(message: Message) -> None:
    """**No lie*: every call in `tool_calls` has arguments that are a JSON object."""
    for call in message.tool_calls:
        assert isinstance(call.arguments, dict)
        if call.kind == "custom":
            assert set(call.arguments) == {"input"}
            continue
        raw = (call.raw_arguments or "").strip()
        if raw in ("", "null"):
            assert call.arguments == {}
        else:  # parse_int: Python refuses to read integers of more than 4,300 digits
            assert isinstance(json.loads(raw, parse_int=float), dict)


def calls_made(run: Callable[[], object]) -> int:
    """How many Python and C calls a run makes: a measure of time that does not depend on the machine."""
    made = 0

    def count(frame: FrameType, event: str, argument: object) -> None:
        nonlocal made
        made += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        run()
    finally:
        sys.setprofile(before)
    return made


def memory_peak(run: Callable[[], object]) -> int:
    """The most bytes that a run holds at once beyond what was held before."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        run()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def seconds(run: Callable[[], object], *, runs: int) -> float:
    """The least processor time of some runs; only for ratios."""
    times = []
    for _ in range(runs):
        start = time.thread_time()
        run()
        times.append(time.thread_time() - start)
    return min(times)


GROWTH = 4
"""How many times larger the second run of a comparison is."""


def assert_linear(run: Callable[[int], object], size: int) -> None:
    """*Linear*: a run of four times the size makes at most about four times the calls.

    Quadratic work would make sixteen times as many. What a call below Python copies is not counted here.
    """
    small, large = calls_made(lambda: run(size)), calls_made(lambda: run(GROWTH * size))
    assert large <= 1.25 * GROWTH * small + 500


def assert_copies_linear(run: Callable[[int], object], size: int) -> None:
    """*Linear*, for bytes that are copied below Python: a ratio of two times, with a wide margin.

    A busy machine can spoil any one ratio, so five are tried. Quadratic work fails all of them: a large run
    that was disturbed takes longer still, and of the small ones the least disturbed counts.
    """

    def ratio() -> float:
        return seconds(lambda: run(GROWTH * size), runs=1) / seconds(lambda: run(size), runs=3)

    assert any(ratio() < 2.5 * GROWTH for _ in range(5))


def assert_memory_linear(run: Callable[[int], object], size: int) -> None:
    """*Linear*, for memory: a run of four times the size holds at most about four times as much."""
    run(size)
    small, large = memory_peak(lambda: run(size)), memory_peak(lambda: run(GROWTH * size))
    assert large <= 1.5 * GROWTH * small + 50_000


def in_pieces(data: bytes, size: int) -> list[bytes]:
    """Bytes cut into equal pieces."""
    return [data[at : at + size] for at in range(0, len(data), size)]


def parser_for(kind: str, record: bool = False, /, **limits: int) -> StreamParser:
    """A parser of a type, or of type and api."""
    return StreamParser(dialect_named(kind, Limits(**limits)), record=record)


def events_of(pieces: Iterable[bytes], parser: StreamParser) -> list[StreamEvent]:
    """All that a parser gives for the pieces of a whole stream."""
    return [event for piece in pieces for event in parser.receive_data(piece)] + parser.receive_eof()


def message_of(events: list[StreamEvent]) -> Message:
    """The message of a stream that is whole."""
    last = events[-1]
    assert isinstance(last, StreamComplete), last
    return last.message


def check_parts(events: list[StreamEvent]) -> None:
    """Assert that a part that was given is the message's, its `extra` included."""
    message = message_of(events)
    for event in events:
        if isinstance(event, PartComplete):
            assert event.part == message.parts[event.index]
