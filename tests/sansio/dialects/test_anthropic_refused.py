"""What Anthropic would refuse is refused before it is sent, and the error names the message."""

from __future__ import annotations

import pytest

from sansio import InvalidRequestError, Message, Provider, Role, TextPart, ToolCall
from tests.sansio.wires import body_of, config

ASK = Message(Role.USER, "?")
CALLS = Message(Role.ASSISTANT, "", (ToolCall("a", "f", {}), ToolCall("b", "f", {})))
RESULTS = [Message(Role.TOOL, "1", tool_call_id="a"), Message(Role.TOOL, "2", tool_call_id="b")]
BLANK = (TextPart(" "),)


@pytest.mark.parametrize(
    ("messages", "index"),
    [
        ([Message(Role.USER, " ")], 0),
        ([Message(Role.USER, BLANK)], 0),
        ([Message(Role.USER, ())], 0),
        ([Message(Role.SYSTEM, "Hi"), Message(Role.SYSTEM, ""), ASK], 1),
        ([Message(Role.SYSTEM, "Hi"), Message(Role.SYSTEM, BLANK), ASK], 1),
        ([ASK, Message(Role.ASSISTANT, "\n")], 1),
        ([ASK, Message(Role.ASSISTANT, BLANK)], 1),
        ([ASK, CALLS, RESULTS[0], Message(Role.TOOL, BLANK, tool_call_id="b")], 3),
        ([ASK, CALLS, *RESULTS, Message(Role.USER, " ")], 4),
        ([ASK, CALLS, *RESULTS, Message(Role.USER, BLANK)], 4),
        ([ASK, Message(Role.SYSTEM, "Later.")], 1),
        ([ASK, Message(Role.DEVELOPER, "Later.")], 1),
    ],
)
def test_the_message_at_fault_is_named(messages: list[Message], index: int) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        body_of(Provider(config("anthropic")), messages)
    assert caught.value.index == index
    assert f"message {index}" in caught.value.message


@pytest.mark.parametrize(
    ("tokens", "budget"), [(1_025, 1_024), (2_049, 1_024), (2_050, 1_025), (8_192, 4_096)]
)
def test_half_of_the_answers_tokens_are_for_thinking(tokens: int, budget: int) -> None:
    sent = body_of(Provider(config("anthropic", reasoning=True)), [ASK], max_tokens=tokens)
    assert sent["thinking"] == {"type": "enabled", "budget_tokens": budget}


@pytest.mark.parametrize("tokens", [1, 1_024])
def test_too_few_tokens_for_thinking_are_refused(tokens: int) -> None:
    with pytest.raises(InvalidRequestError, match="greater than 1024"):
        body_of(Provider(config("anthropic", reasoning=True)), [ASK], max_tokens=tokens)
