"""The fuzz entry points: their seeds keep the laws, and a broken law is seen."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import (
    Citation,
    ContentDelta,
    InvalidToolCall,
    Message,
    PartComplete,
    ReasoningDelta,
    ReasoningPart,
    RefusalDelta,
    Role,
    ServerToolPart,
    StreamComplete,
    StreamEvent,
    StreamFailed,
    StreamTruncatedError,
    TextPart,
    ToolCallDelta,
    ToolCallStarted,
)
from sansio.testing.fuzz import TARGETS, seeds
from sansio.testing.fuzz.targets import KINDS, check_events
from sansio.testing.strategies import histories

SAYS_A = Message(Role.ASSISTANT, "a")
OTHER_TEXT = Message(Role.ASSISTANT, (TextPart("b"),))
TWO_TEXTS = Message(Role.ASSISTANT, (TextPart("a"), TextPart("b")))
CITED = Message(Role.ASSISTANT, (TextPart("a", (Citation("https://example.com/"),)),))
WAITING = Message(Role.ASSISTANT, (TextPart("a"), InvalidToolCall("b", "f", "{", "cut")))
UNSHOWN = Message(Role.ASSISTANT, (TextPart("a"), ReasoningPart("", {"signature": "c2ln"})))


@pytest.mark.parametrize("target", TARGETS)
def test_seeds_are_there_and_keep_the_laws(target: str) -> None:
    given = seeds(target)

    assert given
    for seed in given:
        TARGETS[target](seed)


@pytest.mark.parametrize("target", TARGETS)
@given(data=st.binary(max_size=200))
def test_any_bytes_keep_the_laws(target: str, data: bytes) -> None:
    result: object = TARGETS[target](data)  # it returns, or a law is broken

    assert result is None


OPENROUTER, WANTS_STREAM, STATUS_429, BROTLI = 0, 1, 34, 3
LOST, TIMED_OUT, BODY = 0, 2, 60


@pytest.mark.parametrize(
    ("target", "data"),
    [
        ("sse", b""),
        ("exchange", b""),
        ("openai", b""),
        ("whole", b"abc"),
        ("tape", b"a"),
        ("port", b""),
        ("port", b"\0{"),
        ("port", b"\0[]"),
        ("port", b'\0[{"role":"tool","tool_call_id":"a"}]'),
        ("tape", bytes([OPENROUTER, WANTS_STREAM])),
        ("tape", bytes([OPENROUTER, WANTS_STREAM, LOST, TIMED_OUT, LOST])),
        ("tape", bytes([OPENROUTER, WANTS_STREAM, STATUS_429, 0, BROTLI, BODY]) + b"{" * BODY),
    ],
    ids=[
        "no bytes, framing",
        "no bytes, exchange",
        "no bytes, stream",
        "too short for a head",
        "too short for a call",
        "no bytes, history",
        "no history",
        "a history without messages",
        "a result without a call",
        "a tape without inputs",
        "retries and nothing else",
        "a body that is not wanted any more",
    ],
)
def test_inputs_of_every_length_and_in_any_order_keep_the_laws(target: str, data: bytes) -> None:
    result: object = TARGETS[target](data)  # it returns, or a law is broken

    assert result is None


@pytest.mark.parametrize("kind", range(len(KINDS)))
@given(history=histories())
def test_every_history_keeps_the_laws_of_porting(kind: int, history: list[Message]) -> None:
    TARGETS["port"](bytes([kind]) + msgspec.json.encode(history))


SERVER_TOOL = ServerToolPart("server_tool_use", "a", "search", {})
OTHER = "the events and the message differ"


@pytest.mark.parametrize(
    ("words", "events"),
    [
        ("no event", []),
        ("no end", [ContentDelta("a")]),
        ("two ends", [StreamComplete(Message(Role.ASSISTANT)), StreamComplete(Message(Role.ASSISTANT))]),
        (OTHER, [ContentDelta("a"), StreamComplete(Message(Role.ASSISTANT, "b"))]),
        (OTHER, [ContentDelta("a", 1), StreamComplete(Message(Role.ASSISTANT, "a"))]),
        (OTHER, [ReasoningDelta("a"), StreamComplete(Message(Role.ASSISTANT, (ReasoningPart("b"),)))]),
        (OTHER, [RefusalDelta("a"), StreamComplete(Message(Role.ASSISTANT, "a"))]),
        ("a part has two kinds", [ContentDelta("a"), RefusalDelta("a"), StreamComplete(SAYS_A)]),
        ("counted from 0", [ToolCallStarted(1, "a", "f"), StreamComplete(Message(Role.ASSISTANT))]),
        (
            "the same index",
            [ContentDelta("a"), ToolCallStarted(0, "a", "f"), StreamComplete(SAYS_A)],
        ),
        (
            OTHER,
            [ToolCallStarted(0, "a", "f"), ToolCallDelta(0, "{"), StreamComplete(Message(Role.ASSISTANT))],
        ),
        (
            "differs from its deltas",
            [ContentDelta("a"), PartComplete(0, SERVER_TOOL), StreamComplete(SAYS_A)],
        ),
        (
            "differs from its deltas",
            [ContentDelta("a"), PartComplete(0, TextPart("b")), StreamComplete(SAYS_A)],
        ),
        (OTHER, [PartComplete(0, SERVER_TOOL), StreamComplete(Message(Role.ASSISTANT))]),
        (OTHER, [ContentDelta("a"), StreamFailed(StreamTruncatedError("cut", partial=OTHER_TEXT))]),
        (OTHER, [ContentDelta("a"), StreamFailed(StreamTruncatedError("cut", partial=TWO_TEXTS))]),
    ],
)
def test_a_broken_law_is_seen_and_named(words: str, events: list[StreamEvent]) -> None:
    with pytest.raises(AssertionError, match=words):
        check_events(events)


@pytest.mark.parametrize(
    "events",
    [
        [ContentDelta("a"), StreamFailed(StreamTruncatedError("cut", partial=CITED))],
        [ContentDelta("a"), StreamFailed(StreamTruncatedError("cut", partial=WAITING))],
        [ContentDelta("a"), StreamFailed(StreamTruncatedError("cut", partial=UNSHOWN))],
    ],
    ids=["a text that is still to be cited", "a call that waits for its id", "reasoning without text"],
)
def test_a_stream_that_broke_off_has_parts_that_were_not_closed(events: list[StreamEvent]) -> None:
    assert check_events(events)


# One target, since starting takes ten seconds of a processor, and all share what is started.
@pytest.mark.judges
def test_a_second_under_atheris(tmp_path: Path) -> None:
    pytest.importorskip("atheris", reason="atheris is not installed: pip install 'sansio-llm[fuzz]'")

    done = subprocess.run(
        [sys.executable, "-m", "sansio.testing.fuzz", "anthropic", "1", "-seed=1"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(Path(__file__).parents[3])},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stderr[-2000:]
    assert "stat::number_of_executed_units" in done.stderr


def test_usage_names_the_targets() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sansio.testing.fuzz", "nonsense"], capture_output=True, text=True, check=False
    )

    assert done.returncode == 2
    assert "sse" in done.stderr
