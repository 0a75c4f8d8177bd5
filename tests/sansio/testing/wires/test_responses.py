"""Responses as the fake writes them: the order of events, and the forms of items."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import (
    APIStatusError,
    AudioPart,
    Citation,
    ContentDelta,
    FinishReason,
    ImagePart,
    InvalidToolCall,
    Message,
    Part,
    PartComplete,
    ReasoningDelta,
    ReasoningPart,
    RefusalDelta,
    RefusalPart,
    Role,
    ServerToolPart,
    StreamComplete,
    StreamEvent,
    StreamFailed,
    StreamParser,
    StreamTruncatedError,
    TextPart,
    ToolCall,
    ToolCallDelta,
    ToolCallStarted,
    UnknownPart,
    Usage,
)
from sansio.providers import dialect_named
from sansio.testing import Answer, Broken, Failure, encode_events, encode_stream, encode_whole
from sansio.testing.strategies import events
from tests.sansio.testing.asking import chunks
from tests.sansio.wires import RESPONSES, Record

KIND = "openai/responses"
for_every_type = pytest.mark.parametrize("kind", RESPONSES)


def parse(kind: str, pieces: Sequence[bytes]) -> list[StreamEvent]:
    parser = StreamParser(kind)
    return parser.receive_data(b"".join(pieces)) + parser.receive_eof()


def types_in(answer: Answer | Broken, kind: str = KIND) -> list[str]:
    return [str(record["type"]) for record in chunks(encode_stream(kind, answer))]


def said(answer: Answer, kind: str = KIND) -> Record:
    whole: Record = json.loads(encode_whole(kind, answer, model="m", response_id="resp_1"))
    return whole


def output(*parts: Part, kind: str = KIND) -> list[Record]:
    """The items of an answer with these parts."""
    found: list[Record] = said(Answer(parts=parts), kind)["output"]
    return found


@given(data=st.data())
def test_a_stream_parses_back_into_its_events(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(RESPONSES))
    wanted = data.draw(events(kind))
    assert parse(kind, encode_events(kind, wanted)) == wanted


@for_every_type
def test_a_whole_answer_says_the_same_as_its_stream(kind: str) -> None:
    answer = Answer(
        reasoning="I think.",
        text="One two.",
        refusal="No.",
        tool_calls=(ToolCall("c1", "f", {"a": 1}), ToolCall("c2", "g", {"input": "x"}, kind="custom")),
        usage=Usage(input_tokens=9, output_tokens=5, cached_tokens=2, reasoning_tokens=1),
    )
    *deltas, last = parse(kind, encode_stream(kind, answer, model="m", response_id="resp_1"))
    assert isinstance(last, StreamComplete)
    assert deltas == answer.to_deltas()
    assert dialect_named(kind).parse_response(said(answer, kind)) == last.message


def test_events_are_in_openai_s_order_and_numbered() -> None:
    answer = Answer(reasoning="a", text="b", tool_calls=(ToolCall("c", "f", {"x": 1}),))
    assert types_in(answer) == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.reasoning_summary_part.added",
        "response.reasoning_summary_text.delta",
        "response.reasoning_summary_text.done",
        "response.reasoning_summary_part.done",
        "response.output_item.done",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.output_item.added",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "response.output_item.done",
        "response.completed",
    ]
    numbers = [record["sequence_number"] for record in chunks(encode_stream(KIND, answer))]
    assert numbers == [*range(19)]


def test_openrouter_names_no_events_and_marks_the_end() -> None:
    stream = b"".join(encode_stream("openrouter/responses", Answer(text="a")))
    assert stream.startswith(b": OPENROUTER PROCESSING\n\ndata: {")
    assert stream.endswith(b"data: [DONE]\n\n")
    assert b"event:" not in stream
    assert b"event: response.created\n" in encode_stream("vllm/responses", Answer(text="a"))[0]


def test_reasoning_is_raw_text_for_vllm_and_a_summary_for_the_others() -> None:
    assert "response.reasoning_text.delta" in types_in(Answer(reasoning="a"), "vllm/responses")
    (item,) = output(ReasoningPart("a"), kind="vllm/responses")
    assert item["content"] == [{"type": "reasoning_text", "text": "a"}]
    (item,) = output(ReasoningPart("a"), kind="ollama/responses")
    assert item["summary"] == [{"type": "summary_text", "text": "a"}]


def test_parts_of_one_item_are_its_texts() -> None:
    own: Record = {"id": "msg_1", "status": "completed", "phase": "final_answer"}
    block: Record = {"type": "a_new_kind", "x": 1}
    parts = (
        TextPart("a", extra={"item": own}),
        RefusalPart("b", {"item": own}),
        UnknownPart("a_new_kind", {"item": own, "content": block}),
        TextPart("c", extra={"item": {**own, "id": "msg_2"}}),
    )
    first, second = output(*parts)
    assert first == {
        "type": "message",
        "role": "assistant",
        **own,
        "content": [
            {"type": "output_text", "text": "a", "annotations": [], "logprobs": []},
            {"type": "refusal", "refusal": "b"},
            block,
        ],
    }
    assert second["id"] == "msg_2"
    last = parse(KIND, encode_stream(KIND, Answer(parts=parts)))[-1]
    assert isinstance(last, StreamComplete)
    assert last.message.parts == parts


CALLS: list[tuple[Part, Record]] = [
    (
        ToolCall("c", "computer", {"type": "click"}, kind="computer"),
        {"type": "computer_call", "action": {"type": "click"}},
    ),
    (
        ToolCall("c", "computer", {"actions": [{"type": "wait"}]}, kind="computer"),
        {"type": "computer_call", "actions": [{"type": "wait"}]},
    ),
    (
        ToolCall("c", "apply_patch", {"type": "create_file"}, kind="apply_patch"),
        {"type": "apply_patch_call", "operation": {"type": "create_file"}},
    ),
    (
        InvalidToolCall("c", "shell", "[1]", "not an object", "shell"),
        {"type": "shell_call", "action": [1]},
    ),
    (InvalidToolCall("c", "shell", "{", "cut", "shell"), {"type": "shell_call", "action": "{"}),
    (
        InvalidToolCall("c", "f", '{"a', "cut"),
        {"type": "function_call", "name": "f", "arguments": '{"a'},
    ),
]


@pytest.mark.parametrize(("call", "item"), CALLS)
def test_calls_of_every_kind(call: Part, item: Record) -> None:
    (found,) = output(call)
    made = {"id": found["id"], "status": "completed"}
    assert found == {**made, "call_id": "c", **item}


TOOLS: list[tuple[Part, list[str]]] = [
    (
        ServerToolPart("web_search_call", "ws_1", input={"type": "search"}, status="completed"),
        ["web_search_call.in_progress", "web_search_call.searching", "web_search_call.completed"],
    ),
    (
        ServerToolPart("code_interpreter_call", "ci_1", input="print(1)\n", output=[]),
        [
            "code_interpreter_call.in_progress",
            "code_interpreter_call_code.delta",
            "code_interpreter_call_code.delta",
            "code_interpreter_call_code.done",
            "code_interpreter_call.interpreting",
            "code_interpreter_call.completed",
        ],
    ),
    (ServerToolPart("tool_search_output", "call_1", output=[]), []),
    (
        ImagePart(data=b"png", extra={"id": "ig_1", "type": "image_generation_call", "status": "completed"}),
        [
            "image_generation_call.in_progress",
            "image_generation_call.generating",
            "image_generation_call.completed",
        ],
    ),
    (UnknownPart("compaction", {"type": "compaction", "id": "cmp_1", "encrypted_content": "x"}), []),
]


@pytest.mark.parametrize(("part", "steps"), TOOLS)
def test_tools_that_the_server_runs_say_how_far_they_are(part: Part, steps: list[str]) -> None:
    names = [name.removeprefix("response.") for name in types_in(Answer(parts=(part,)))]
    assert names == [
        "created",
        "in_progress",
        "output_item.added",
        *steps,
        "output_item.done",
        "completed",
    ]


@pytest.mark.parametrize(
    "part",
    [
        AudioPart(data=b"x"),
        ImagePart(url="https://example.com/a.png"),
        ServerToolPart("server_tool_use", "s"),
    ],
)
def test_a_part_without_a_place_is_refused(part: Part) -> None:
    with pytest.raises(ValueError, match=f"no place for this {type(part).__name__}"):
        encode_stream(KIND, Answer(parts=(part,)))


def test_annotations_and_log_probabilities_are_beside_the_deltas() -> None:
    probability: Record = {"token": "a", "logprob": -0.5, "bytes": [97], "top_logprobs": []}
    file = Citation(None, "a.pdf", extra={"type": "file_citation", "file_id": "f", "index": 1})
    page = Citation("https://example.com", "A page", None, 0, 1)
    part = TextPart("a b", (file, page), {"logprobs": [probability, probability, probability]})
    records = chunks(encode_stream(KIND, Answer(parts=(part,))))
    deltas = [record for record in records if record["type"] == "response.output_text.delta"]
    assert [delta["logprobs"] for delta in deltas] == [[probability], [probability]]
    noted = [record["annotation"] for record in records if "annotation" in record]
    assert noted == [
        {"type": "file_citation", "filename": "a.pdf", "file_id": "f", "index": 1},
        {
            "type": "url_citation",
            "url": "https://example.com",
            "title": "A page",
            "start_index": 0,
            "end_index": 1,
        },
    ]
    last = parse(KIND, encode_stream(KIND, Answer(parts=(part,))))[-1]
    assert isinstance(last, StreamComplete)
    assert last.message.parts[0].extra["logprobs"] == [probability] * 3


@pytest.mark.parametrize(
    ("answer", "status", "reason"),
    [
        (Answer(text="a"), "completed", None),
        (Answer(text="a", finish_reason=FinishReason.LENGTH), "incomplete", "max_output_tokens"),
        (Answer(text="a", finish_reason=FinishReason.CONTENT_FILTER), "incomplete", "content_filter"),
        (Answer(text="a", raw_finish_reason="steered"), "incomplete", "steered"),
        (Answer(text="a", raw_finish_reason="cancelled"), "cancelled", None),
    ],
)
def test_the_status_says_how_a_response_ended(answer: Answer, status: str, reason: str | None) -> None:
    whole = said(answer)
    details = None if reason is None else {"reason": reason}
    assert (whole["status"], whole["incomplete_details"]) == (status, details)
    assert whole["output"][0]["status"] == ("completed" if reason is None else "incomplete")
    ended = "incomplete" if reason else "completed"
    assert types_in(answer)[-1] == f"response.{ended}"


def test_a_finish_reason_without_a_word_is_refused_unless_its_word_is_given() -> None:
    with pytest.raises(ValueError, match="give raw_finish_reason"):
        said(Answer(finish_reason=FinishReason.PAUSE))
    assert said(Answer(finish_reason=FinishReason.PAUSE, raw_finish_reason="x"))["status"] == "incomplete"


def test_further_details_of_an_incomplete_response_are_kept() -> None:
    answer = Answer(finish_reason=FinishReason.LENGTH, extra={"incomplete_details": {"limit": 3}})
    assert said(answer)["incomplete_details"] == {"reason": "max_output_tokens", "limit": 3}
    begun = chunks(encode_stream(KIND, answer))[0]["response"]
    assert begun["incomplete_details"] is None


def test_a_message_without_a_finish_reason_has_no_status() -> None:
    pieces = encode_events(KIND, [StreamComplete(Message(Role.ASSISTANT, "a"))])
    assert chunks(pieces)[-1]["response"]["status"] is None


def test_counts_that_a_server_does_not_know_are_0() -> None:
    usage = Usage(
        input_tokens=9,
        output_tokens=5,
        cached_tokens=2,
        cache_write_tokens=3,
        reasoning_tokens=1,
        cost=0.5,
        extra={"input_tokens_details": {"text_tokens": 4}, "credits": 2},
    )
    found = {kind: said(Answer(usage=usage), kind)["usage"] for kind in RESPONSES}
    full = {"cached_tokens": 2, "cache_write_tokens": 3, "text_tokens": 4}
    assert found[KIND]["input_tokens_details"] == full
    assert found["vllm/responses"]["input_tokens_details"] == {**full, "cache_write_tokens": 0}
    assert found["ollama/responses"]["output_tokens_details"] == {"reasoning_tokens": 0}
    assert found["openrouter/responses"]["cost"] == 0.5
    assert found[KIND]["total_tokens"] == 14
    assert found[KIND]["credits"] == 2
    assert "cost" not in found[KIND]


@for_every_type
def test_an_error_inside_a_stream(kind: str) -> None:
    failure = Failure(status=429, message="Too fast.")
    *deltas, last = parse(
        kind, encode_stream(kind, Broken(answer=Answer(text="a b c"), after=2, failure=failure))
    )
    assert deltas == [ContentDelta("a "), ContentDelta("b ")]
    assert isinstance(last, StreamFailed)
    assert isinstance(last.error, StreamTruncatedError if kind.startswith("ollama") else APIStatusError)


@pytest.mark.parametrize(("status", "code"), [(500, "server_error"), (429, "rate_limit_exceeded")])
def test_an_error_is_an_event_and_then_the_failed_response(status: int, code: str) -> None:
    broken = Broken(answer=Answer(text="a"), after=0, failure=Failure(status=status, message="It broke."))
    *_, error, failed = chunks(encode_stream(KIND, broken))
    assert error["error"]["message"] == "It broke."
    assert failed["type"] == "response.failed"
    assert failed["response"]["status"] == "failed"
    assert failed["response"]["error"] == {"code": code, "message": "It broke."}


def test_a_truncated_stream_leaves_its_last_item_open() -> None:
    answer = Answer(reasoning="a", text="b c")
    names = types_in(Broken(answer=answer, after=2))
    assert names[-2:] == ["response.content_part.added", "response.output_text.delta"]
    assert names.count("response.output_item.done") == 1
    cited = Answer(parts=(TextPart("b", (Citation("https://example.com"),)),))
    assert types_in(Broken(answer=cited, after=2))[-1] == "response.output_item.done"


@for_every_type
def test_events_without_a_message_are_enough_for_a_stream(kind: str) -> None:
    wanted: list[StreamEvent] = [
        ReasoningDelta("a"),
        ReasoningDelta("b"),
        ContentDelta("c", 1),
        RefusalDelta("d", 2),
        ToolCallStarted(0, "c1", "f", 3),
        ToolCallDelta(0, '{"a"'),
        ToolCallStarted(1, "c2", "g", 4),
        ToolCallDelta(1, "{"),
        ToolCallDelta(0, ":1}"),
        PartComplete(5, ServerToolPart("web_search_call", "ws_1", status="completed")),
    ]
    assert parse(kind, encode_events(kind, wanted))[:-1] == wanted


def test_what_has_its_place_before_an_item_is_sent_whole_before_it() -> None:
    hidden = ReasoningPart("", {"item": {"id": "rs_1", "encrypted_content": "x"}})
    text = TextPart("a", extra={"item": {"id": "msg_1", "status": "completed"}})
    message = Answer(parts=(hidden, text)).to_message(model="m", response_id="resp_1")
    pieces = encode_events(KIND, [ContentDelta("a", 1), PartComplete(0, hidden), StreamComplete(message)])
    items = [
        record["item"]["id"] for record in chunks(pieces) if record["type"].startswith("response.output_item")
    ]
    assert items == ["rs_1", "rs_1", "msg_1", "msg_1"]


def test_the_response_repeats_what_the_answer_s_own_fields_say() -> None:
    extra: dict[str, Any] = {"background": True, "service_tier": "flex"}
    records = chunks(encode_stream(KIND, Answer(text="a", extra=extra)))
    assert [record["type"] for record in records[:3]] == [
        "response.created",
        "response.queued",
        "response.in_progress",
    ]
    assert records[1]["response"]["status"] == "queued"
    assert records[-1]["response"]["service_tier"] == "flex"
