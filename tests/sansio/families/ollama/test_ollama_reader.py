"""Lines of Ollama's own API, and whole answers, as they are read."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest

from sansio import (
    APIStatusError,
    ContentDelta,
    FinishReason,
    ImagePart,
    InvalidToolCall,
    Limits,
    Message,
    PartComplete,
    ReasoningDelta,
    ReasoningPart,
    RemoteProtocolError,
    StreamComplete,
    StreamEvent,
    StreamParser,
    StreamTruncatedError,
    TextPart,
    ToolCall,
    ToolCallDelta,
    ToolCallStarted,
    UnknownPart,
)
from sansio.providers import dialect_named
from tests.sansio.wires import Record, check_agreement, failure
from tests.support import for_all

CREATED = "2026-01-01T00:00:00Z"


def line(message: Record | None = None, **more: Any) -> Record:
    said = {"role": "assistant", "content": "", **(message or {})}
    return {"model": "m", "created_at": CREATED, "message": said, "done": False, **more}


def last(message: Record | None = None, **more: Any) -> Record:
    return line(message, done=True, **{"done_reason": "stop", **more})


def parse(lines: Iterable[object], **limits: int) -> list[StreamEvent]:
    parser = StreamParser(dialect_named("ollama/ollama", Limits(**limits)))
    data = b"".join((one if isinstance(one, bytes) else json.dumps(one).encode()) + b"\n" for one in lines)
    events = parser.receive_data(data) + parser.receive_eof()
    check_agreement(events)
    return events


def answer(*lines: object) -> Message:
    found = parse(lines)[-1]
    assert isinstance(found, StreamComplete), found
    return found.message


def whole(data: Record) -> Message:
    return dialect_named("ollama/ollama").parse_response(data)


def calling(*calls: Record) -> Record:
    return {"tool_calls": [*calls]}


def call(name: str = "f", arguments: object = None, **more: Any) -> Record:
    given = {} if arguments is None else arguments
    return {"function": {"name": name, "arguments": given}, **more}


def test_thinking_and_text_are_one_part_each_where_they_began() -> None:
    events = parse(
        [
            line({"thinking": "Hm"}),
            line({"thinking": "."}),
            line({"content": "Hi"}),
            line({"content": " you", "thinking": "!"}),
            line({"thinking": " More", "content": "."}),
            last({"content": "?"}),
        ]
    )
    assert events[:-1] == [
        ReasoningDelta("Hm"),
        ReasoningDelta("."),
        ContentDelta("Hi", 1),
        ReasoningDelta("!"),
        ContentDelta(" you", 1),
        ReasoningDelta(" More"),
        ContentDelta(".", 1),
        ContentDelta("?", 1),
    ]
    complete = events[-1]
    assert isinstance(complete, StreamComplete)
    assert complete.message.parts == (ReasoningPart("Hm.! More"), TextPart("Hi you.?"))
    assert complete.message.origin == "ollama/ollama"


def test_a_line_may_begin_with_text_and_think_later() -> None:
    assert answer(line(), line({"content": "Hi"}), line({"thinking": "Hm."}), last()).parts == (
        TextPart("Hi"),
        ReasoningPart("Hm."),
    )


def test_calls_are_whole_and_ids_are_made_up_where_there_are_none() -> None:
    lines = [
        line(calling(call(id="a"), call("g", {"x": 1}, id="a"))),
        line(calling({"function": {"index": 0, "name": "g"}, "type": "function", "new": 1})),
        line(calling({"function": {"name": "h", "arguments": '{"y": 2}', "description": "d"}})),
        last(),
    ]
    events = parse(lines)
    assert events[:4] == [
        ToolCallStarted(0, "a", "f"),
        ToolCallDelta(0, "{}"),
        ToolCallStarted(1, str(answer(*lines).tool_calls[1].id), "g", 1),
        ToolCallDelta(1, '{"x":1}'),
    ]
    message = answer(*lines)
    assert [(c.name, c.arguments, c.extra) for c in message.tool_calls] == [
        ("f", {}, {}),
        ("g", {"x": 1}, {}),
        ("g", {}, {"new": 1}),
        ("h", {"y": 2}, {"function": {"description": "d"}}),
    ]
    assert len({c.id for c in message.tool_calls}) == 4
    assert message.finish_reason is FinishReason.TOOL_CALLS
    later = answer(line(calling(call()), created_at="later"), last())
    others = answer(line(calling(call())), last())
    line_of = {**line(calling(call())), "created_at": "later"}
    assert answer(line_of, last()).tool_calls[0].id == later.tool_calls[0].id != others.tool_calls[0].id


def test_a_call_whose_arguments_are_not_an_object_or_that_has_no_name_is_invalid() -> None:
    message = answer(line(calling(call("f", [1]), {"function": None})), last())
    assert [type(part) for part in message.parts] == [InvalidToolCall, InvalidToolCall]
    cut = answer(line(calling(call("f", {"x": 1}), call("g"))), last(done_reason="length"))
    assert [type(part) for part in cut.parts] == [ToolCall, InvalidToolCall]


def test_images_are_bytes_or_unknown() -> None:
    events = parse([line({"images": ["UE5H", "?"]}), last()])
    assert events[:-1] == [
        PartComplete(0, ImagePart(data=b"PNG")),
        PartComplete(1, UnknownPart("image", {"image": "?"})),
    ]


def test_counts_durations_logprobs_and_new_fields_are_kept() -> None:
    token = {"token": "Hi", "logprob": -0.5}
    message = answer(
        line({"content": "Hi", "mood": "good"}, logprobs=[token]),
        line({"content": "!"}, logprobs=[token], remote_model="big"),
        last(prompt_eval_count=3, eval_count=2, total_duration=9, load_duration=None),
    )
    assert message.usage is not None
    assert (message.usage.input_tokens, message.usage.output_tokens) == (3, 2)
    assert message.usage.extra == {"total_duration": 9}
    assert message.logprobs == {"content": [token, token]}
    assert message.extra == {"mood": "good", "remote_model": "big", "logprobs": message.logprobs}
    assert answer(last()).usage is None


@for_all((("reason", "finish"), [("length", "length"), ("stop", "stop"), ("load", "other"), (None, "stop")]))
def test_a_done_line_says_why_or_not(reason: str | None, finish: str) -> None:
    message = answer(line({"content": "Hi"}), last(done_reason=reason))
    assert (message.finish_reason, message.raw_finish_reason) == (finish, reason)
    assert whole(last({"content": "Hi"}, done_reason=reason)) == message
    assert answer(line({"content": "Hi"}), line(done=True)).finish_reason is FinishReason.STOP


def test_a_stream_without_its_done_line_is_cut() -> None:
    for lines in ([line({"content": "Hi"})], [line({"content": "Hi"}, done_reason="")], [b" "], []):
        assert type(failure(parse(lines))) is StreamTruncatedError
    gateway = parse([line({"content": "Hi"}, done_reason="stop")])[-1]
    assert isinstance(gateway, StreamComplete)  # a reason was given, and the connection ended


def test_an_error_in_mid_stream_is_an_error_of_the_server_with_what_had_arrived() -> None:
    error = failure(parse([line({"content": "Hi"}), {"error": "an error was encountered"}]))
    assert isinstance(error, APIStatusError)
    assert (error.status, error.provider_message) == (500, "an error was encountered")
    assert error.partial is not None
    assert error.partial.text == "Hi"
    refused = dialect_named("ollama/ollama").parse_error(404, (), '{"error":"model \'m\' not found"}')
    assert (refused.status, refused.provider_message) == (404, "model 'm' not found")


@for_all(
    (
        "wrong",
        [
            b"{",
            b"[1]",
            line({"content": 5}),
            line({"thinking": []}),
            line(calling()) | {"message": 5},
            line({"tool_calls": [5]}),
        ],
    )
)
def test_a_malformed_line_is_an_error(wrong: object) -> None:
    for lines in ([wrong, last()], [line({"content": "Hi"}), wrong, last()]):
        assert isinstance(failure(parse(lines)), RemoteProtocolError)


def test_a_line_without_a_message_says_nothing_and_blank_ones_are_skipped() -> None:
    assert (
        answer({"status": "loading"}, b"  ", line({"content": "Hi"}), last(None) | {"message": None}).text
        == "Hi"
    )
    sse = StreamParser("ollama/ollama", content_type="text/event-stream")
    data = b"".join(
        b"data: %b\n\ndata: \n\n" % json.dumps(one).encode() for one in (line({"content": "Hi"}), last())
    )
    assert isinstance(sse.receive_data(data)[-1], StreamComplete)


def test_a_long_answer_is_folded() -> None:
    many = [line({"content": "0123456789" * 50}) for _ in range(400)]
    assert len(answer(*many, last()).text) == 200_000


@for_all(("wrong", [{}, {"message": "Hi"}, line({"content": "Hi"}), {"choices": [{"message": {}}]}]))
def test_a_whole_answer_that_is_none_is_an_error(wrong: Record) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        whole(wrong)
    assert ("api='chat'" in str(caught.value)) is ("choices" in wrong)


def test_bytes_of_another_family_are_named() -> None:
    error = failure(parse([{"choices": [{"index": 0, "delta": {"content": "Hi"}}]}]))
    assert "api='chat'" in str(error)
    chat = StreamParser("openai")
    ours = (
        chat.receive_data(b"data: " + json.dumps(line({"content": "Hi"})).encode() + b"\n\n")
        + chat.receive_eof()
    )
    assert "api='ollama'" in str(failure(ours))


def test_the_first_line_that_names_a_model_names_the_answers() -> None:
    message = answer(line({"content": "a"}, model="one"), last(model="two", total=5))
    assert (message.model, message.extra) == ("one", {"total": 5})
    assert answer(line({"content": "a"}, model=None), last(model="two")).model == "two"


def test_what_is_read_is_not_kept_a_second_time() -> None:
    said: Record = {"content": "Hi", "thinking": "Hm.", "images": ["UE5H"], "tool_calls": [call("f", {})]}
    counts = {
        "prompt_eval_count": 3,
        "eval_count": 5,
        "total_duration": 9,
        "load_duration": 8,
        "prompt_eval_duration": 7,
        "eval_duration": 6,
    }
    ended = last(said, logprobs=[], **counts)
    for message in (answer(ended), whole(ended)):
        assert message.extra == {}
        assert message.usage is not None
        assert (message.usage.input_tokens, message.usage.output_tokens) == (3, 5)
        assert message.usage.extra == {name: count for name, count in counts.items() if "duration" in name}


@for_all(("image", [7, None, {"a": 1}, "?"]))
def test_an_image_of_another_form_is_kept_as_it_is(image: object) -> None:
    assert answer(last({"images": [image]})).parts == (UnknownPart("image", {"image": image}),)  # type: ignore[dict-item]  # JSON


def test_nulls_of_a_call_say_nothing() -> None:
    bare: Record = {"id": None, "type": None, "function": {"name": None, "arguments": None, "index": None}}
    (found,) = answer(last(calling(bare))).invalid_tool_calls
    assert (found.name, found.extra, found.id.isascii()) == ("", {}, True)
    calls = answer(last(calling(*(call("f", {"n": number}) for number in range(3))))).tool_calls
    assert [each.arguments for each in calls] == [{"n": 0}, {"n": 1}, {"n": 2}]
    assert len({each.id for each in calls}) == 3
    new: Record = {"id": "a", "new": None, "function": {"name": "f", "arguments": {}, "newer": None}}
    (call_,) = answer(last(calling(new))).tool_calls
    assert call_ == ToolCall("a", "f", {}, "{}", extra={"new": None, "function": {"newer": None}})


def test_an_event_with_an_error_is_a_step_of_progress_and_a_blank_one_is_none() -> None:
    reader = dialect_named("ollama/ollama").open_stream()
    reader.receive(json.dumps(line({"content": "Hi"})).encode(), [])
    for blank in (b"", b" ", b" \t\r"):
        assert reader.receive(blank, []) is False
    with pytest.raises(APIStatusError):
        reader.receive(b'{"error": "no"}', [])
    assert reader.progress == 2


@for_all((("status", "meant"), [(200, 500), (299, 500), (300, 300), (404, 404)]))
def test_an_error_inside_an_answer_is_the_server_s(status: int, meant: int) -> None:
    error = dialect_named("ollama/ollama").error_in({"error": "no"}, status)
    assert error is not None
    assert (error.status, error.provider_message) == (meant, "no")


def test_a_reason_is_kept_until_a_line_gives_another() -> None:
    lines = [line({"content": "Hi"}, done_reason="length"), line(done=True)]
    assert answer(*lines).raw_finish_reason == "length"
    assert answer(lines[0], last()).raw_finish_reason == "stop"
