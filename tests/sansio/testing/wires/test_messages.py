"""The framing of Anthropic's messages: what recorded streams show."""

from __future__ import annotations

import json

import pytest

from sansio import ContentDelta, FinishReason, InvalidToolCall, ToolCall, Usage
from sansio.testing import Answer, Broken, Failure, encode_events, encode_stream, encode_whole
from sansio.testing.wires.messages import sign
from tests.sansio.testing.asking import Object, chunks

USAGE = Usage(input_tokens=9, output_tokens=4, cached_tokens=3, cache_write_tokens=2)
WHOLE = Answer(
    reasoning="I think.",
    text="Two words",
    tool_calls=(ToolCall("toolu_1", "f", {"a": 1}), ToolCall("toolu_2", "g", {})),
    usage=USAGE,
)


def of_type(events: list[Object], kind: str) -> list[Object]:
    return [event for event in events if event["type"] == kind]


def test_each_event_s_name_is_its_data_s_type() -> None:
    for piece in encode_stream("anthropic", WHOLE):
        name, data, *rest = piece.decode().split("\n")
        assert rest == ["", ""]
        assert name == f"event: {json.loads(data.removeprefix('data: '))['type']}"


def test_the_stream_begins_with_the_message_and_ends_with_its_stop() -> None:
    events = chunks(encode_stream("anthropic", WHOLE, model="a-model", response_id="msg_1"))
    message = events[0]["message"]
    assert (message["id"], message["model"], message["content"]) == ("msg_1", "a-model", [])
    assert message["usage"]["output_tokens"] == 1
    assert [event["type"] for event in events[-2:]] == ["message_delta", "message_stop"]
    assert events[-2]["delta"] == {"stop_reason": "tool_use", "stop_sequence": None}


def test_blocks_are_numbered_and_come_one_after_the_other() -> None:
    events = chunks(encode_stream("anthropic", WHOLE))
    marks = [
        (event["type"][len("content_block_") :], event["index"])
        for event in events
        if event["type"] in ("content_block_start", "content_block_stop")
    ]
    assert marks == [(what, index) for index in range(4) for what in ("start", "stop")]
    starts = of_type(events, "content_block_start")
    assert [event["content_block"]["type"] for event in starts] == [
        "thinking",
        "text",
        "tool_use",
        "tool_use",
    ]


def test_a_ping_comes_after_the_first_block_began() -> None:
    kinds = [event["type"] for event in chunks(encode_stream("anthropic", WHOLE))]
    assert kinds[:3] == ["message_start", "content_block_start", "ping"]
    assert kinds.count("ping") == 1


def test_a_thinking_block_ends_with_its_signature() -> None:
    deltas = of_type(chunks(encode_stream("anthropic", WHOLE)), "content_block_delta")
    thinking = [event["delta"] for event in deltas if event["index"] == 0]
    assert "".join(delta.get("thinking", "") for delta in thinking) == "I think."
    assert thinking[-1] == {"type": "signature_delta", "signature": sign("I think.")}


def test_tool_input_comes_as_partial_json_the_first_piece_empty() -> None:
    events = chunks(encode_stream("anthropic", WHOLE))
    start = next(event for event in of_type(events, "content_block_start") if event["index"] == 2)
    assert start["content_block"] == {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}
    deltas = [e["delta"]["partial_json"] for e in of_type(events, "content_block_delta") if e["index"] == 2]
    assert deltas[0] == ""
    assert json.loads("".join(deltas)) == {"a": 1}


def test_input_tokens_leave_the_cached_parts_out() -> None:
    events = chunks(encode_stream("anthropic", WHOLE))
    assert of_type(events, "message_delta")[0]["usage"] == {
        "input_tokens": 4,
        "cache_creation_input_tokens": 2,
        "cache_read_input_tokens": 3,
        "output_tokens": 4,
    }


def test_an_empty_answer_has_no_block() -> None:
    kinds = [event["type"] for event in chunks(encode_stream("anthropic", Answer()))]
    assert kinds == ["message_start", "message_delta", "message_stop"]
    assert json.loads(encode_whole("anthropic", Answer()))["content"] == []


def test_a_whole_message_has_the_same_blocks() -> None:
    body = json.loads(encode_whole("anthropic", WHOLE, model="a-model", response_id="msg_1"))
    assert (body["id"], body["model"], body["stop_reason"]) == ("msg_1", "a-model", "tool_use")
    assert body["content"] == [
        {"type": "thinking", "thinking": "I think.", "signature": sign("I think.")},
        {"type": "text", "text": "Two words"},
        {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1}},
        {"type": "tool_use", "id": "toolu_2", "name": "g", "input": {}},
    ]


def test_cut_arguments_are_refused_whole_and_sent_in_a_stream() -> None:
    answer = Answer(tool_calls=(InvalidToolCall("toolu_1", "f", '{"a', "cut"),))
    deltas = of_type(chunks(encode_stream("anthropic", answer)), "content_block_delta")
    assert "".join(event["delta"]["partial_json"] for event in deltas) == '{"a'
    with pytest.raises(ValueError, match="cut ones come in streams only"):
        encode_whole("anthropic", answer)


@pytest.mark.parametrize(
    ("reason", "word"),
    [
        (FinishReason.STOP, "end_turn"),
        (FinishReason.LENGTH, "max_tokens"),
        (FinishReason.TOOL_CALLS, "tool_use"),
        (FinishReason.CONTENT_FILTER, "refusal"),
        (FinishReason.REFUSAL, "refusal"),
        (FinishReason.PAUSE, "pause_turn"),
    ],
)
def test_finish_reasons_have_anthropic_s_words(reason: FinishReason, word: str) -> None:
    assert (
        json.loads(encode_whole("anthropic", Answer(text="a", finish_reason=reason)))["stop_reason"] == word
    )


def test_a_signature_depends_on_the_thinking_alone() -> None:
    assert sign("a") == sign("a")
    assert sign("a") != sign("b")


def test_events_without_a_message_get_a_made_up_id_and_model() -> None:
    first = chunks(encode_events("anthropic", [ContentDelta("a")]))[0]
    assert first["message"] == {
        "model": "fake-model",
        "id": "msg_fake",
        "type": "message",
        "role": "assistant",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {
            "input_tokens": 0,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": 1,
        },
    }


def test_an_error_inside_a_stream_is_an_event_of_its_own() -> None:
    broken = Broken(answer=Answer(text="one"), after=1, failure=Failure(status=529, message="No."))
    last = encode_stream("anthropic", broken)[-1]
    assert last.startswith(b"event: error\ndata: ")
    assert chunks((last,)) == [
        {
            "type": "error",
            "error": {"type": "overloaded_error", "message": "No."},
            "request_id": "req_fake",
        }
    ]
