"""The fuzz entry points: their seeds keep the laws, and a broken law is seen."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import (
    ContentDelta,
    Message,
    ReasoningDelta,
    Role,
    StreamComplete,
    StreamEvent,
    ToolCallDelta,
    ToolCallStarted,
)
from sansio.testing.fuzz import TARGETS, seeds
from sansio.testing.fuzz.targets import check_events


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
        "a tape without inputs",
        "retries and nothing else",
        "a body that is not wanted any more",
    ],
)
def test_inputs_of_every_length_and_in_any_order_keep_the_laws(target: str, data: bytes) -> None:
    result: object = TARGETS[target](data)  # it returns, or a law is broken

    assert result is None


@pytest.mark.parametrize(
    "events",
    [
        [],
        [ContentDelta("a")],
        [StreamComplete(Message(Role.ASSISTANT)), StreamComplete(Message(Role.ASSISTANT))],
        [ContentDelta("a"), StreamComplete(Message(Role.ASSISTANT, "b"))],
        [ReasoningDelta("a"), StreamComplete(Message(Role.ASSISTANT, reasoning="b"))],
        [ToolCallStarted(1, "a", "f"), StreamComplete(Message(Role.ASSISTANT))],
        [ToolCallStarted(0, "a", "f"), ToolCallDelta(0, "{"), StreamComplete(Message(Role.ASSISTANT))],
    ],
    ids=["no event", "no end", "two ends", "joined text", "joined reasoning", "counted from 0", "arguments"],
)
def test_a_broken_law_is_seen_and_named(events: list[StreamEvent], request: pytest.FixtureRequest) -> None:
    with pytest.raises(AssertionError, match=request.node.callspec.id):
        check_events(events)


@pytest.mark.parametrize("target", TARGETS)
def test_two_seconds_under_atheris(target: str, tmp_path: Path) -> None:
    pytest.importorskip("atheris", reason="atheris is not installed: pip install 'sansio-llm[fuzz]'")

    done = subprocess.run(
        [sys.executable, "-m", "sansio.testing.fuzz", target, "2", "-seed=1"],
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
    pytest.importorskip("atheris", reason="atheris is not installed: pip install 'sansio-llm[fuzz]'")

    done = subprocess.run(
        [sys.executable, "-m", "sansio.testing.fuzz", "nonsense"], capture_output=True, text=True, check=False
    )

    assert done.returncode == 2
    assert "sse" in done.stderr
