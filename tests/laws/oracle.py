"""What the laws of all machines are judged by: events compared, joined and counted without the machines."""

from __future__ import annotations

import json
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterable
from types import FrameType
from typing import NamedTuple, TypeAlias, assert_never

import pytest
from hypothesis import strategies as st

from sansio import (
    ContentDelta,
    HTTPExchange,
    LocalProtocolError,
    Message,
    ProviderConfig,
    ProviderError,
    ReasoningDelta,
    SSEDecoder,
    StreamComplete,
    StreamEvent,
    StreamFailed,
    StreamParser,
    ToolCallDelta,
    ToolCallStarted,
)
from sansio.testing import PROVIDER_TYPES

WIRES: dict[str, st.SearchStrategy[str]] = {
    "anthropic": st.just("anthropic"),
    "chat": st.sampled_from([type for type in PROVIDER_TYPES if type != "anthropic"]),
}
"""The two wire families and their dialects."""

for _type in PROVIDER_TYPES:  # what is loaded when it is first used must not count as what a run takes
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
"""The limits of a config, tight, or as they are where left out."""


def config_for(type: str, **fields: object) -> ProviderConfig:
    """A config of the type that is whole; its address and model name nothing real."""
    needed = {"model": "m", "base_url": "http://localhost:1/v1"}
    if type == "azure":
        needed |= {"deployment": "d", "api_version": "2024-10-21"}
    return ProviderConfig.from_dict({"type": type, **needed, **fields})


class Fault(NamedTuple):
    """An error as far as errors are compared: by kind and place, not by the words of a library below."""

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
    """Events that compare equal where they say the same."""
    return [fault(event.error) if isinstance(event, StreamFailed) else event for event in events]


def assert_one_end(events: list[StreamEvent]) -> None:
    """*One end*: the last event is `StreamComplete` or `StreamFailed`, and no other is."""
    ends = [isinstance(event, (StreamComplete, StreamFailed)) for event in events]
    assert ends == [False] * (len(events) - 1) + [True]


def assert_over(machine: SSEDecoder | StreamParser | HTTPExchange) -> None:
    """*One end*: after the end of its bytes a machine takes no more, and says so to its driver alone."""
    with pytest.raises(LocalProtocolError):
        machine.receive_data(b"data: more\n\n")
    with pytest.raises(LocalProtocolError):
        machine.receive_eof()


_Call: TypeAlias = tuple[str, str, str]
"""A tool call's id, name and arguments' text."""


class Said(NamedTuple):
    """What deltas join to; the calls by their index."""

    text: str
    reasoning: str
    calls: dict[int, _Call]


def joined(events: Iterable[StreamEvent]) -> Said:
    """The deltas of a stream, joined. Each call must begin once, before its arguments."""
    text, reasoning = "", ""
    calls: dict[int, _Call] = {}
    for event in events:
        match event:
            case ContentDelta(text=piece):
                text += piece
            case ReasoningDelta(text=piece):
                reasoning += piece
            case ToolCallStarted(index=index, id=call_id, name=name):
                assert index not in calls
                calls[index] = (call_id, name, "")
            case ToolCallDelta(index=index, arguments=piece):
                assert piece
                call_id, name, arguments = calls[index]
                calls[index] = (call_id, name, arguments + piece)
            case StreamComplete() | StreamFailed():
                pass
            case _:
                assert_never(event)
    return Said(text, reasoning, calls)


def assert_nothing_lost(events: list[StreamEvent]) -> None:
    """*Nothing lost*: what the deltas join to stands in the last event's message or its error's `partial`."""
    last = events[-1]
    said = joined(events)
    if isinstance(last, StreamComplete):
        message = last.message
    else:
        assert isinstance(last, StreamFailed)
        if last.error.partial is None:
            assert said == ("", "", {})
            return
        message = last.error.partial
    assert message.content == said.text
    assert message.reasoning == said.reasoning
    if isinstance(last, StreamComplete):
        calls = [(call.id, call.name, call.raw_arguments or "") for call in message.tool_calls]
        calls += [
            (call.id, call.name, call.raw_arguments) for call in message.invalid_tool_calls if call.name
        ]
        assert sorted(calls) == sorted(said.calls.values())
    else:
        cut = [(call.id, call.name, call.raw_arguments) for call in message.invalid_tool_calls]
        assert {index: cut[index] for index in said.calls} == said.calls


def assert_no_lie(message: Message) -> None:
    """*No lie*: whatever stands in `tool_calls` has arguments that are a JSON object."""
    for call in message.tool_calls:
        assert isinstance(call.arguments, dict)
        raw = (call.raw_arguments or "").strip()
        if raw in ("", "null"):
            assert call.arguments == {}
        else:  # parse_int: Python refuses to read integers of more than 4,300 digits
            assert isinstance(json.loads(raw, parse_int=float), dict)


def calls_made(run: Callable[[], object]) -> int:
    """How many calls, of Python and of C functions alike, a run makes: its time, counted."""
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


def seconds(run: Callable[[], object]) -> float:
    """The least processor time that a run takes of three: for ratios alone."""
    times = []
    for _ in range(3):
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
    """*Linear*, for bytes that are copied below Python: the ratio of two times, far from either's bound."""
    run(size)
    ratio = seconds(lambda: run(GROWTH * size)) / seconds(lambda: run(size))
    assert ratio < 2.5 * GROWTH


def assert_memory_linear(run: Callable[[int], object], size: int) -> None:
    """*Linear*, for memory: a run of four times the size holds at most about four times as much."""
    run(size)
    small, large = memory_peak(lambda: run(size)), memory_peak(lambda: run(GROWTH * size))
    assert large <= 1.5 * GROWTH * small + 50_000


def in_pieces(data: bytes, size: int) -> list[bytes]:
    """Bytes cut into equal pieces."""
    return [data[at : at + size] for at in range(0, len(data), size)]
