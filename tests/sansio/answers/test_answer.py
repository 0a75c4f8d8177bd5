"""What a stream that broke off leaves: all that came, as what it is."""

from __future__ import annotations

import pytest

from sansio import FinishReason, InvalidToolCall, Message, Role, StreamTruncatedError, Usage
from sansio.dialects import dialect_named
from tests.sansio.wires import (
    Record,
    answer,
    block,
    chunk,
    claude,
    failure,
    parse,
    sse,
    started,
    stopped,
    tool_chunk,
)

USAGE = {"prompt_tokens": 9, "completion_tokens": 5}


def partial(kind: str, stream: bytes) -> Message:
    """What came of a stream that was cut."""
    error = failure(parse(kind, [stream]))
    assert isinstance(error, StreamTruncatedError)
    assert error.partial is not None
    return error.partial


def test_a_partial_answer_is_all_that_came() -> None:
    stream = sse(
        chunk({"reasoning_content": "Hm."}),
        chunk({"content": "Hi"}),
        chunk({"refusal": "N"}),
        chunk({"refusal": "o"}),
        tool_chunk('{"a"', id="call_1", name="f"),
        {"choices": [], "usage": USAGE},
    )
    came = partial("openai", stream)
    (call,) = came.invalid_tool_calls
    assert came == Message(
        Role.ASSISTANT,
        "Hi",
        invalid_tool_calls=(InvalidToolCall("call_1", "f", '{"a"', call.reason),),
        reasoning="Hm.",
        refusal="No",
        usage=Usage(input_tokens=9, output_tokens=5),
        model="m",
        response_id="chat-1",
    )
    assert "broke off" in call.reason


def test_a_partial_answer_of_anthropic_too() -> None:
    begun = block(0, {"type": "text", "text": "Hi"})[:1]
    assert partial("anthropic", claude(started(), *begun)) == Message(
        Role.ASSISTANT,
        "Hi",
        usage=Usage(input_tokens=7, output_tokens=1),
        model="claude",
        response_id="msg_1",
    )


@pytest.mark.parametrize(
    ("reason", "broken"),
    [("stop", False), ("length", True), ("content_filter", True), ("tool_calls", False), ("abort", True)],
)
def test_a_last_call_without_arguments_is_whole_unless_the_answer_was_broken_off(
    reason: str, broken: bool
) -> None:
    message = answer("vllm", sse(tool_chunk("", id="a", name="f"), chunk({}, reason)))
    assert (not message.tool_calls) is broken
    assert (len(message.invalid_tool_calls) == 1) is broken


@pytest.mark.parametrize(
    ("reason", "broken"),
    [("end_turn", False), ("tool_use", False), ("max_tokens", True), ("refusal", True)],
)
def test_so_it_is_with_a_block_of_anthropic_that_was_not_ended(reason: str, broken: bool) -> None:
    begun = block(0, {"type": "tool_use", "id": "a", "name": "f", "input": {}})[:1]
    message = answer("anthropic", claude(started(), *begun, *stopped(reason)))
    assert (len(message.tool_calls), len(message.invalid_tool_calls)) == ((0, 1) if broken else (1, 0))


@pytest.mark.parametrize(
    ("said", "delta", "reason"),
    [
        ("stop", {"refusal": "No."}, FinishReason.REFUSAL),
        ("stop", {"content": "Hi"}, FinishReason.STOP),
        ("tool_calls", {"content": "Hi"}, FinishReason.OTHER),
        ("length", {"refusal": "No."}, FinishReason.LENGTH),
    ],
)
def test_what_came_counts_for_more_than_what_was_said(
    said: str, delta: dict[str, str], reason: FinishReason
) -> None:
    message = answer("openai", sse(chunk(delta), chunk({}, said)))
    assert (message.finish_reason, message.raw_finish_reason) == (reason, said)


@pytest.mark.parametrize("reason", ["max_tokens", "refusal", "tool_use"])
def test_a_block_of_a_whole_message_is_whole_however_the_answer_ended(reason: str) -> None:
    called: Record = {"type": "tool_use", "id": "a", "name": "f", "input": {}}
    message = dialect_named("anthropic").parse_response({"content": [called], "stop_reason": reason})
    assert [(call.id, call.arguments) for call in message.tool_calls] == [("a", {})]
    assert message.invalid_tool_calls == ()
