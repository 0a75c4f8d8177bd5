"""How the command line shows an answer: what holds for every text."""

from __future__ import annotations

import json
import re
import sys
from io import StringIO

import msgspec
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
    StreamFailed,
    StreamTruncatedError,
    ToolCallDelta,
    ToolCallStarted,
)
from tests.transports.cli.command import (
    TOLD,
)
from transports.cli.display import TextDisplay, json_line, summary
from transports.cli.terminal import harmless

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
DELTA = st.one_of(
    st.builds(ContentDelta, TEXT),
    st.builds(ReasoningDelta, TEXT),
    st.builds(ToolCallStarted, st.integers(0, 9), TEXT, TEXT),
    st.builds(ToolCallDelta, st.integers(0, 9), TEXT),
)


@given(TEXT)
def test_harmless_text_has_no_control_characters(text: str) -> None:
    shown = harmless(text)
    assert not [char for char in shown if char not in "\t\n" and (char < " " or "\x7f" <= char <= "\x9f")]
    assert harmless(shown) == shown
    assert "".join(map(harmless, text)) == shown


@given(DELTA | st.builds(Message, st.just(Role.ASSISTANT), TEXT).map(StreamComplete))
def test_a_json_line_is_one_line_that_decodes_to_its_event(event: StreamEvent) -> None:
    line = json_line(event)
    assert line.splitlines() == [line.removesuffix("\n")]
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", line)
    assert msgspec.json.decode(line, type=TOLD) == event


def test_an_answer_without_usage_is_summed_up_too() -> None:
    told = summary("openai gpt-4o", Message(Role.ASSISTANT, "Hi"), 0.25, 1.0)
    assert told == "openai gpt-4o: no usage reported, first token after 0.25 s, 1.00 s in all"


def test_a_failure_in_json_has_its_kind_and_its_context() -> None:
    error = StreamTruncatedError(
        "it broke off", offset=7, attempts=1, partial=Message(Role.ASSISTANT, "so far")
    )
    told = json.loads(json_line(StreamFailed(error)))
    assert told["event"] == "stream_failed"
    assert told["error"]["kind"] == "StreamTruncatedError"
    assert told["error"]["message"] == "it broke off"
    assert told["error"]["offset"] == 7
    assert told["error"]["partial"]["content"] == "so far"
    assert "status" not in told["error"]


@given(st.lists(DELTA))
def test_standard_output_is_the_answer_and_nothing_else(deltas: list[StreamEvent]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        out, err = StringIO(), StringIO()
        patch.setattr(sys, "stdout", out)
        patch.setattr(sys, "stderr", err)
        display = TextDisplay()
        for event in deltas:
            display.show(event)
        display.show(StreamComplete(Message(Role.ASSISTANT)))
    text = "".join(event.text for event in deltas if isinstance(event, ContentDelta))
    assert out.getvalue() in (text, text + "\n")
    assert out.getvalue()[-1:] in ("", "\n")
    assert err.getvalue()[-1:] in ("", "\n")
