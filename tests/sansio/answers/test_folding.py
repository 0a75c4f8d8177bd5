"""A long answer is folded from time to time: its pieces lose their objects, and nothing else changes."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import AnswerReader, Message, SSEFramer, StreamComplete, StreamEvent, StreamParser
from sansio.providers import dialect_named
from tests.sansio.wires import (
    DONE,
    STREAMS,
    Record,
    block,
    check_agreement,
    chunk,
    claude,
    parse,
    sse,
    started,
    stopped,
    tool_chunk,
)

RAW = r'{"a": {"b": "}\"\\", "c": [{}, [1]]}}'
PIECES = [RAW[at : at + 3] for at in range(0, len(RAW), 3)]
REPEATED_NAMES = sse(*(tool_chunk(piece, name="f") for piece in [*PIECES, *PIECES])) + DONE
LATE_NAMES = (
    sse(
        tool_chunk("", id="a", name="f"),
        *(tool_chunk(piece) for piece in PIECES),
        *(tool_chunk(piece, name="f") for piece in PIECES),
    )
    + DONE
)


def read(reader: AnswerReader, wire: bytes, folds: set[int]) -> list[StreamEvent]:
    """Read each frame of a stream, and fold after some of them."""
    given: list[StreamEvent] = []
    numbers = iter(range(1_000))

    def read_frame(data: bytes, events: list[StreamEvent], name: str) -> bool:
        ended = reader.receive(data, events, name)
        if next(numbers) in folds:
            reader.fold()
        return ended

    SSEFramer(1 << 20).feed(wire, read_frame, given)
    return given


@given(
    stream=st.sampled_from(
        [("openai", REPEATED_NAMES), ("openai", LATE_NAMES), *((kind, STREAMS[kind]) for kind in STREAMS)]
    ),
    folds=st.sets(st.integers(0, 2 * len(PIECES))),
)
def test_a_folded_answer_is_the_same(stream: tuple[str, bytes], folds: set[int]) -> None:
    kind, wire = stream
    folded, plain = (dialect_named(kind).open_stream() for _ in range(2))
    assert read(folded, wire, folds) == read(plain, wire, set())
    assert folded.message() == plain.message()
    assert folded.partial() == plain.partial()


TEXT = "Grüße, 世界. "
COUNT = 20_000
LONG_DELTAS: dict[str, tuple[str, Record, bytes]] = {
    "openai text": ("openai", chunk({"content": TEXT}), sse(chunk({}, "stop")) + DONE),
    "openai reasoning": ("openai", chunk({"reasoning_content": TEXT}), sse(chunk({}, "stop")) + DONE),
    "openai arguments": ("openai", tool_chunk(TEXT), sse(tool_chunk('"}'), chunk({}, "tool_calls")) + DONE),
    "anthropic text": ("anthropic", {"type": "text_delta", "text": TEXT}, claude(*stopped())),
    "anthropic reasoning": ("anthropic", {"type": "thinking_delta", "thinking": TEXT}, claude(*stopped())),
    "anthropic arguments": (
        "anthropic",
        {"type": "input_json_delta", "partial_json": TEXT},
        claude(block(0, {}, {"type": "input_json_delta", "partial_json": '"}'})[1], *stopped("tool_use")),
    ),
}
BLOCKS: dict[str, Record] = {
    "text": {"type": "text", "text": ""},
    "reasoning": {"type": "thinking", "thinking": "", "signature": "sig"},
    "arguments": {"type": "tool_use", "id": "a", "name": "f", "input": {}},
}


def long_stream(name: str) -> tuple[str, bytes, bytes, bytes]:
    """The type, and the bytes of a beginning, of one delta, and of an end."""
    kind, delta, end = LONG_DELTAS[name]
    what = name.partition(" ")[2]
    opening = '{"a": "' if what == "arguments" else TEXT
    if kind == "openai":
        first = tool_chunk(opening, id="a", name="f") if what == "arguments" else delta
        return kind, sse(first), sse(delta), end
    first = delta | {"partial_json": opening} if what == "arguments" else delta
    begin = claude(started(), *block(0, BLOCKS[what], first)[:2])
    return kind, begin, claude(block(0, {}, delta)[1]), end


def said(message: Message) -> str:
    return message.text or message.reasoning or message.tool_calls[0].arguments_text()


@pytest.mark.parametrize("name", LONG_DELTAS)
@pytest.mark.parametrize("size", [1, 700])
def test_a_long_answer_is_whole(name: str, size: int) -> None:
    kind, begin, delta, end = long_stream(name)
    events = parse(kind, [begin, *[delta * size] * (COUNT // size), end])
    check_agreement(events)
    expected = (1 + COUNT // size * size) * TEXT
    if name.endswith("arguments"):
        expected = '{"a": "' + expected[len(TEXT) :] + '"}'
    last = events[-1]
    assert isinstance(last, StreamComplete)
    assert said(last.message) == expected


@pytest.mark.parametrize("name", LONG_DELTAS)
def test_no_object_is_kept_for_each_delta(name: str) -> None:
    """A text of eleven letters beyond Latin-1 takes 22 bytes, and as a separate object about 100."""
    kind, begin, delta, _ = long_stream(name)
    parser = StreamParser(kind)
    parser.receive_data(begin)
    tracemalloc.start()
    try:
        for _ in range(COUNT):
            parser.receive_data(delta)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < COUNT * 2 * len(TEXT) * 1.5
