"""What all readers share: the order and numbers of parts, finish reasons, and truncated calls."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import (
    Answer,
    AudioPart,
    Citation,
    ContentDelta,
    FinishReason,
    ImagePart,
    InvalidToolCall,
    Message,
    PartComplete,
    ReasoningDelta,
    ReasoningPart,
    RefusalDelta,
    RefusalPart,
    Role,
    ServerToolPart,
    StreamEvent,
    StreamTruncatedError,
    TextPart,
    ToolCall,
    ToolCallDelta,
    ToolCallStarted,
    UnknownPart,
    Usage,
    replay,
)
from tests.sansio.wires import (
    Record,
    answer,
    block,
    chunk,
    claude,
    completion,
    failure,
    parse,
    read,
    sse,
    started,
    stopped,
    told,
    tool_chunk,
)
from tests.support import for_all

IMAGE = ImagePart(url="https://example.com/a.png")


# Order and numbers.


def test_a_part_is_numbered_at_its_first_event() -> None:
    made, events = Answer(), list[StreamEvent]()
    text, reasoning = made.open(TextPart), made.open(ReasoningPart)
    assert (text.index, reasoning.index) == (-1, -1)
    made.add(reasoning, "Hm.", events)
    made.add(text, "H", events)
    made.add(reasoning, "…", events)
    made.add(text, "i", events)
    assert events == [
        ReasoningDelta("Hm.", 0),
        ContentDelta("H", 1),
        ReasoningDelta("…", 0),
        ContentDelta("i", 1),
    ]
    assert made.message(FinishReason.STOP, None).parts == (ReasoningPart("Hm.…"), TextPart("Hi"))


def test_an_empty_part_takes_no_number() -> None:
    made, events = Answer(), list[StreamEvent]()
    empty, refusal = made.open(TextPart), made.open(RefusalPart)
    made.add(empty, "", events)
    made.close(empty, events)
    made.add(refusal, "No.", events)
    assert events == [RefusalDelta("No.", 0)]
    assert made.message(FinishReason.STOP, None).parts == (RefusalPart("No."),)


def test_closing_gives_a_part_whole_unless_its_deltas_said_all_but_its_extra() -> None:
    made, events = Answer(), list[StreamEvent]()
    cited, plain, hidden = made.open(TextPart), made.open(TextPart), made.open(ReasoningPart)
    made.add(cited, "Found.", events)
    made.add(plain, "Hi", events)
    cited.citations.append(Citation("u"))
    plain.extra["a"] = 1
    hidden.extra["data"] = "x"
    del events[:]
    for part in (cited, plain):
        made.close(part, events)
    made.close(hidden, events)
    parts = (
        TextPart("Found.", (Citation("u"),)),
        TextPart("Hi", extra={"a": 1}),
        ReasoningPart("", {"data": "x"}),
    )
    assert events == [PartComplete(0, parts[0]), PartComplete(2, parts[2])]
    assert made.message(FinishReason.STOP, None).parts == parts


def test_a_part_that_arrives_whole_takes_the_next_place() -> None:
    made, events = Answer(), list[StreamEvent]()
    made.add(made.open(TextPart), "Look:", events)
    made.take(IMAGE, events)
    assert events[-1] == PartComplete(1, IMAGE)
    assert made.message(FinishReason.STOP, None).parts == (TextPart("Look:"), IMAGE)


def test_pieces_that_name_no_part_go_on_with_the_one_before_them() -> None:
    made, events = Answer(), list[StreamEvent]()
    made.say(ReasoningPart, "Hm", events)
    made.say(ReasoningPart, ".", events).extra["a"] = 1
    made.say(TextPart, "Look:", events).citations.append(Citation("u"))
    made.take(IMAGE, events)
    made.say(TextPart, "A", events)
    made.end(events)
    made.end(events)
    made.say(TextPart, "B", events)
    cited = TextPart("Look:", (Citation("u"),))
    parts = (ReasoningPart("Hm.", {"a": 1}), cited, IMAGE, TextPart("A"), TextPart("B"))
    assert made.message(FinishReason.STOP, None).parts == parts
    assert [event for event in events if isinstance(event, PartComplete)] == [
        PartComplete(1, cited),
        PartComplete(2, IMAGE),
    ]


def test_text_and_calls_that_arrive_whole_are_given_like_those_in_pieces() -> None:
    made, events = Answer(), list[StreamEvent]()
    cited = TextPart("Found.", (Citation("u"),), {"a": 1})
    for part in (cited, RefusalPart("No."), ToolCall("a", "f", {"n": 1}, extra={"b": 2}), ToolCall("a", "f")):
        made.take(part, events)
    message = made.message(FinishReason.STOP, None)
    first, second = message.tool_calls
    assert message.parts == (cited, RefusalPart("No."), first, second)
    assert (first.id, first.arguments, first.extra, second.arguments) == ("a", {"n": 1}, {"b": 2}, {})
    assert second.id not in ("", "a")
    assert told(events) == told(replay(message))


def test_a_call_that_arrives_whole_gets_an_id_if_it_has_none() -> None:
    made = Answer()
    made.take(ToolCall("", "f"), [])
    (call,) = made.message(FinishReason.STOP, None).tool_calls
    assert call.id


def test_a_call_takes_its_place_when_it_starts() -> None:
    made, events = Answer(), list[StreamEvent]()
    call = made.calls.find(0, "a", "")
    made.calls.add(call, '{"n":', events)
    made.add(made.open(TextPart), "Hi", events)
    made.calls.add(made.calls.find(0, "", "f"), " 1}", events)
    assert events == [ContentDelta("Hi", 0), ToolCallStarted(0, "a", "f", 1), ToolCallDelta(0, '{"n": 1}')]
    assert [type(part) for part in made.message(None, None).parts] == [TextPart, ToolCall]


def test_fields_of_the_message_are_the_answers() -> None:
    made = Answer()
    made.usage, made.model, made.response_id = Usage(input_tokens=1), "m", "r"
    made.raw_finish_reason, made.extra = "stop", {"provider": "x"}
    expected = Message(
        Role.ASSISTANT,
        finish_reason=FinishReason.STOP,
        raw_finish_reason="stop",
        usage=Usage(input_tokens=1),
        model="m",
        response_id="r",
        origin="my_provider/mine",
        extra={"provider": "x"},
    )
    assert made.message(FinishReason.STOP, "my_provider/mine") == expected
    assert made.partial("my_provider/mine").finish_reason is None


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["text", "reasoning", "refusal", "call", "take", "fold", "close"]),
        st.text(max_size=3),
    ),
    max_size=12,
)


@given(STEPS)
def test_whatever_is_added_the_events_say_what_the_message_says(steps: list[tuple[str, str]]) -> None:
    made, events = Answer(), list[StreamEvent]()
    text, reasoning, refusal = made.open(TextPart), made.open(ReasoningPart), made.open(RefusalPart)
    for number, (step, piece) in enumerate(steps):
        match step:
            case "text":
                made.add(text, piece, events)
            case "reasoning":
                made.add(reasoning, piece, events)
            case "refusal":
                made.add(refusal, piece, events)
            case "call":
                made.calls.add(made.calls.find(number, f"c{number}", "f"), piece, events)
            case "take":
                made.take(ServerToolPart(piece), events)
                made.take(TextPart(piece), events)
                made.take(ToolCall(piece, "g", {"n": 1}), events)
            case "fold":
                made.fold()
            case _:
                made.close(made.open(TextPart), events)
                made.say(TextPart, piece, events)
    made.calls.flush(events)
    message = made.message(FinishReason.STOP, None)
    assert told(events) == told(replay(message))
    assert told(events) == told(replay(made.partial(None)))


# Finish reasons: the received content counts for more.


@pytest.mark.parametrize("said", ["stop", "tool_calls"])
def test_pain_02_a_whole_call_is_a_tool_call_whatever_the_finish_reason(said: str) -> None:
    whole_call = answer("openai", sse(tool_chunk("{}", id="a", name="f"), chunk({}, said)))
    assert (whole_call.finish_reason, whole_call.raw_finish_reason) == (FinishReason.TOOL_CALLS, said)


@pytest.mark.parametrize(
    ("said", "delta", "reason"),
    [
        ("stop", {"refusal": "No."}, FinishReason.REFUSAL),
        ("stop", {"content": "Hi"}, FinishReason.STOP),
        ("tool_calls", {"content": "Hi"}, FinishReason.OTHER),
        ("length", {"refusal": "No."}, FinishReason.LENGTH),
    ],
)
def test_pain_02_a_finish_reason_without_its_content_is_not_a_success(
    said: str, delta: dict[str, str], reason: FinishReason
) -> None:
    message = answer("openai", sse(chunk(delta), chunk({}, said)))
    assert (message.finish_reason, message.raw_finish_reason) == (reason, said)


@pytest.mark.parametrize("said", ["stop", "tool_calls"])
def test_pain_02_truncated_calls_are_not_finished_tool_calls(said: str) -> None:
    cut = answer("vllm", sse(tool_chunk('{"path": "/t', id="a", name="rm"), chunk({}, said)))
    assert cut.finish_reason is (FinishReason.STOP if said == "stop" else FinishReason.OTHER)
    assert cut.tool_calls == ()
    assert cut.invalid_tool_calls[0].raw_arguments == '{"path": "/t'


def test_no_reason_at_all_is_no_success_even_with_whole_calls() -> None:
    message = answer("openai", sse(tool_chunk("{}", id="a", name="f")), b"data: [DONE]\n\n")
    assert (message.finish_reason, len(message.tool_calls)) == (FinishReason.OTHER, 1)


# The last call of a truncated answer.


@for_all(
    ("arguments", ["", "null", "{}", " {} "]),
    (
        ("reason", "broken"),
        [("stop", False), ("length", True), ("content_filter", True), ("tool_calls", False), ("abort", True)],
    ),
)
def test_vllms_call_that_was_cut_behind_its_name_is_invalid_though_the_server_fills_in_an_object(
    arguments: str, reason: str, broken: bool
) -> None:
    calls = [tool_chunk(arguments, id=id, name="f", index=at) for at, id in enumerate("ab")]
    message = answer("vllm", sse(*calls, chunk({}, reason)))
    assert [call.id for call in message.tool_calls] == (["a"] if broken else ["a", "b"])
    assert [call.id for call in message.invalid_tool_calls] == (["b"] if broken else [])


@pytest.mark.parametrize("ended", [True, False])
@pytest.mark.parametrize(
    ("reason", "broken"),
    [("end_turn", False), ("tool_use", False), ("max_tokens", True), ("refusal", True)],
)
def test_so_is_a_call_of_anthropic_without_a_delta_even_in_a_closed_block(
    ended: bool, reason: str, broken: bool
) -> None:
    called: Record = {"type": "tool_use", "id": "a", "name": "f", "input": {}}
    events = block(0, called)[: None if ended else -1]
    answers = [
        answer("anthropic", claude(started(), *events, *stopped(reason))),
        read("anthropic", {"content": [called], "stop_reason": reason}),
    ]
    for message in answers:
        assert (len(message.tool_calls), len(message.invalid_tool_calls)) == ((0, 1) if broken else (1, 0))


def test_a_call_with_whole_arguments_stays_valid_when_the_answer_is_cut_after_it() -> None:
    message = answer("openai", sse(tool_chunk('{"n":1}', id="a", name="f"), chunk({}, "length")))
    assert [call.arguments for call in message.tool_calls] == [{"n": 1}]


@pytest.mark.parametrize(("reason", "broken"), [("length", True), ("tool_calls", False)])
def test_the_last_custom_call_of_a_cut_answer_is_invalid_since_free_text_shows_no_end(
    reason: str, broken: bool
) -> None:
    calls = [{"id": id, "type": "custom", "custom": {"name": "math", "input": "4 + 4"}} for id in "ab"]
    message = read("openai", completion({"tool_calls": calls}, reason))
    assert [(call.id, call.kind) for call in message.tool_calls] == [("a", "custom"), ("b", "custom")][
        : 1 if broken else 2
    ]
    cut = [(call.id, call.kind, call.raw_arguments) for call in message.invalid_tool_calls]
    assert cut == ([("b", "custom", "4 + 4")] if broken else [])


# The partial answer of a truncated stream.


def partial(kind: str, stream: bytes) -> Message:
    """The received part of a truncated stream."""
    error = failure(parse(kind, [stream]))
    assert isinstance(error, StreamTruncatedError)
    assert error.partial is not None
    return error.partial


def test_a_partial_answer_is_all_that_was_received() -> None:
    stream = sse(
        chunk({"reasoning_content": "Hm."}),
        chunk({"content": "Hi"}),
        chunk({"refusal": "N"}),
        chunk({"refusal": "o"}),
        tool_chunk('{"a": 1}', id="call_1", name="f"),
        {"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 5}},
    )
    left = partial("openai", stream)
    (call,) = left.invalid_tool_calls
    assert left == Message(
        Role.ASSISTANT,
        (
            ReasoningPart("Hm.", {"field": "reasoning_content"}),
            TextPart("Hi"),
            RefusalPart("No"),
            InvalidToolCall("call_1", "f", '{"a": 1}', call.reason),
        ),
        usage=Usage(input_tokens=9, output_tokens=5),
        model="m",
        response_id="chat-1",
        origin="openai/chat",
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
        origin="anthropic/messages",
    )


def test_a_partial_answer_has_the_sound_and_the_images_that_arrived() -> None:
    stream = sse(
        chunk({"images": [{"type": "image_url", "image_url": {"url": "https://x.org/a.png"}}]}),
        chunk({"audio": {"id": "audio_1", "transcript": "Good "}}),
        chunk({"audio": {"transcript": "day"}}),
        chunk({"audio": {"data": "AAEC"}}),
        chunk({"audio": {"data": "AwQF"}}),
    )
    assert partial("openai", stream).parts == (
        ImagePart(url="https://x.org/a.png"),
        AudioPart(data=bytes(range(6)), transcript="Good day", extra={"id": "audio_1"}),
    )


def test_a_partial_answer_has_the_citations_of_a_text_that_is_yet_to_come() -> None:
    note = {"type": "url_citation", "url_citation": {"url": "https://x.org"}}
    left = partial("openai", sse(chunk({"annotations": [note]})))
    assert [citation.url for citation in left.citations] == ["https://x.org"]


def test_a_partial_answer_has_the_open_blocks_of_anthropic() -> None:
    cited = {"type": "char_location", "cited_text": "a", "document_title": "b"}
    signed = {"type": "signature_delta", "signature": "c2ln"}
    blocks: list[list[Record]] = [
        [{"type": "thinking", "thinking": "", "signature": ""}, {"type": "thinking_delta", "thinking": "Hm"}],
        [{"type": "text", "text": "Hi"}, {"type": "citations_delta", "citation": cited}],
        [{"type": "image_of_a_new_kind", "data": "AAEC"}],
        [
            {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}},
            {"type": "input_json_delta", "partial_json": '{"query": "a'},
        ],
    ]
    begun = [record for index, parts in enumerate(blocks) for record in block(index, *parts)[:-1]]
    begun.insert(2, {"type": "content_block_delta", "index": 0, "delta": signed})
    reasoning, text, image, search = partial("anthropic", claude(started(), *begun)).parts
    assert reasoning == ReasoningPart("Hm", {"signature": "c2ln"})
    assert isinstance(text, TextPart)
    assert [(text.text, citation.quote) for citation in text.citations] == [("Hi", "a")]
    assert image == UnknownPart("image_of_a_new_kind", {"type": "image_of_a_new_kind", "data": "AAEC"})
    assert isinstance(search, ServerToolPart)
    assert search.input == {"INVALID_JSON": '{"query": "a'}


def test_the_parts_of_a_partial_answer_are_as_they_are_without_their_end() -> None:
    made, events = Answer(), list[StreamEvent]()
    text: Any = made.open(TextPart)
    made.add(text, "Found", events)
    text.citations.append(Citation("u"))
    assert made.partial(None).citations == (Citation("u"),)
