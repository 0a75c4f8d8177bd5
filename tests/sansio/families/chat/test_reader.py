"""Answers of chat completions: everything that OpenAI and compatible servers are known to send."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import (
    AudioPart,
    Citation,
    ContentDelta,
    FinishReason,
    ImagePart,
    InternalServerError,
    JSONObject,
    Message,
    Part,
    PartComplete,
    ProviderError,
    RateLimitError,
    ReasoningPart,
    RefusalPart,
    RemoteProtocolError,
    Role,
    StreamComplete,
    TextPart,
    ToolCall,
    ToolCallDelta,
    ToolCallStarted,
    UnknownPart,
    Usage,
)
from tests.sansio.wires import (
    ASK,
    DONE,
    WHOLES,
    Record,
    answer,
    check_agreement,
    chunk,
    completion,
    failure,
    json_text,
    parse,
    read,
    sent,
    sse,
    tool_chunk,
)


def both(delta: Record, kind: str = "openai") -> tuple[Part, ...]:
    """The parts that a delta means, streamed and whole alike."""
    events = parse(kind, [sse(chunk(delta), chunk({}, "stop"))])
    check_agreement(events)
    last = events[-1]
    assert isinstance(last, StreamComplete)
    assert read(kind, completion(delta)).parts == last.message.parts
    return last.message.parts


def test_a_whole_answer_has_all_that_was_said() -> None:
    data = completion(
        {
            "content": "Hi",
            "reasoning_content": "Hm.",
            "refusal": None,
            "tool_calls": [
                {"id": "a", "type": "function", "function": {"name": "f", "arguments": '{"n":1}'}}
            ],
        },
        "tool_calls",
        usage={"prompt_tokens": 10, "completion_tokens": 20},
        system_fingerprint="fp",
        created=5,
    )
    assert read("openai", data) == Message(
        Role.ASSISTANT,
        (
            ReasoningPart("Hm.", {"field": "reasoning_content"}),
            TextPart("Hi"),
            ToolCall("a", "f", {"n": 1}, '{"n":1}'),
        ),
        finish_reason=FinishReason.TOOL_CALLS,
        raw_finish_reason="tool_calls",
        usage=Usage(input_tokens=10, output_tokens=20),
        model="m",
        response_id="chat-1",
        origin="openai/chat",
        extra={"system_fingerprint": "fp"},
    )


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"id": "x"}, "no choice"),
        ({"choices": []}, "no choice"),
        ({"choices": [{"index": 1, "message": {"content": "Hi"}, "finish_reason": "stop"}]}, "no choice"),
        ({"choices": {"a": 1}}, "unknown shape"),
        ({"choices": [{"message": {"content": 5}}]}, "unknown shape"),
    ],
)
def test_a_response_that_is_no_answer_is_malformed(data: Record, words: str) -> None:
    with pytest.raises(RemoteProtocolError, match=words):
        read("openai", data)


@given(st.data())
def test_any_change_of_a_whole_answer_gives_a_message_or_an_error_of_ours(data: st.DataObject) -> None:
    text = json.dumps(WHOLES["openai"])
    at = data.draw(st.integers(0, len(text) - 1))
    cut = text[:at] + data.draw(st.text(max_size=3)) + text[at + data.draw(st.integers(0, 3)) :]
    try:
        changed = json.loads(cut)
    except ValueError:
        return
    try:
        message = read("openai", changed if isinstance(changed, dict) else {"choices": changed})
    except ProviderError:
        return
    assert message.role is Role.ASSISTANT


# Finish reasons.


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("stop", FinishReason.STOP),
        ("eos", FinishReason.STOP),
        ("length", FinishReason.LENGTH),
        ("max_tokens", FinishReason.LENGTH),
        ("content_filter", FinishReason.CONTENT_FILTER),
        ("abort", FinishReason.ERROR),
        ("something new", FinishReason.OTHER),
        ("function_call", FinishReason.OTHER),
    ],
)
def test_pain_02_a_finish_reason_is_kept_as_given_and_an_unknown_one_is_no_success(
    raw: str, reason: FinishReason
) -> None:
    message = answer("openai", sse(chunk({"content": "Hi"}), chunk({}, raw)), DONE)
    assert (message.finish_reason, message.raw_finish_reason) == (reason, raw)
    assert read("openai", completion({"content": "Hi"}, raw)).finish_reason is reason


def test_the_marker_alone_ends_an_answer_whose_reason_is_unknown() -> None:
    message = answer("openai", sse(chunk({"content": "Hi"})), b"data:  [DONE]  \n\n")
    assert (message.finish_reason, message.raw_finish_reason) == (FinishReason.OTHER, None)


def test_xais_blank_finish_reason_with_whole_calls_is_tool_calls() -> None:
    call = tool_chunk("{}", id="a", name="f")
    for message in (
        answer("openai", sse(call, chunk({}, "")), DONE),
        read("openai", completion(call["choices"][0]["delta"], "")),
    ):
        assert (message.finish_reason, message.raw_finish_reason) == (FinishReason.TOOL_CALLS, None)
    assert answer("openai", sse(chunk({"content": "Hi"}), chunk({}, "")), DONE).finish_reason is (
        FinishReason.OTHER
    )
    cut = answer("openai", sse(tool_chunk("{", id="a", name="f"), chunk({}, "")), DONE)
    assert cut.finish_reason is FinishReason.OTHER


# Errors inside a stream.


@pytest.mark.parametrize(
    "record",
    [
        {"error": {"message": "slow down", "type": "rate_limit_error"}},
        {"error": {"message": "slow down", "code": 429}},
        {"error": {"message": "slow down", "code": "rate_limit_exceeded"}, "choices": []},
        {"object": "error", "message": "slow down", "code": 429},
        {"object": "error", "message": "slow down", "code": 429, "choices": []},
        {"message": "slow down", "code": 429},
        {"choices": [{"error": {"message": "slow down", "code": 429}, "finish_reason": "error"}]},
    ],
)
def test_pain_03_an_error_inside_a_stream_is_the_error_it_names(record: Record) -> None:
    events = parse("openai", [sse(chunk({"content": "Hi"}), record)])
    assert events[0] == ContentDelta("Hi")
    error = failure(events)
    assert isinstance(error, RateLimitError)
    assert (error.status, error.provider_message) == (429, "slow down")
    assert "an error inside the answer, as HTTP 429" in str(error)
    assert error.partial is not None
    assert error.partial.text == "Hi"


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"error": "boom"}, "boom"),
        ({"error": {"message": "boom", "code": 900}}, "boom"),
        ({"error": {"message": {"detail": "odd"}, "code": None}}, "the provider gave no message"),
    ],
)
def test_pain_03_an_error_of_no_known_kind_is_one_still(record: Record, message: str) -> None:
    error = failure(parse("openai", [sse(record)]))
    assert error.provider_message == message
    assert error.status == 200
    assert "an error inside the answer" in str(error)


@pytest.mark.parametrize(
    "record",
    [
        {"detail": "boom", "code": 503},
        chunk({"content": "Hi"}) | {"object": "error", "message": "boom", "code": 503},
        chunk({"content": "Hi"}) | {"code": 503},
    ],
)
def test_pain_03_an_event_named_error_is_one_whatever_it_holds(record: Record) -> None:
    for before in (b"", sse(*[chunk({"content": "Hi"})] * 3)):
        error = failure(parse("openai", [before + b"event: error\n" + sse(record)]))
        assert isinstance(error, InternalServerError)
        assert error.status == 503


def test_pain_03_a_finish_reason_of_error_is_one_and_may_be_tried_again() -> None:
    error = failure(parse("openai", [sse(chunk({}, "error"))]))
    assert isinstance(error, InternalServerError)
    assert (error.status, error.error_type) == (500, "error")
    with pytest.raises(InternalServerError):
        read("openai", completion({"content": "H"}, "error"))


# Unusual chunks.


def test_records_without_choices_that_are_no_errors_are_passed_over() -> None:
    records = [
        {"object": "ping"},
        {"choices": None, "object": "error"},
        {"choices": [], "message": "not flat"},
    ]
    assert answer("openai", sse(*records, chunk({"content": "Hi"}, "stop"))).text == "Hi"


def test_pain_13_azures_empty_first_choices_are_no_fault() -> None:
    found = [{"prompt_index": 0, "content_filter_results": {"hate": {"filtered": False}}}]
    last = chunk({}, "stop")
    last["choices"][0]["content_filter_results"] = {"violence": {"filtered": False}}
    stream = sse({"choices": [], "prompt_filter_results": found}, chunk({"content": "Hi"}), last)
    message = answer("azure", stream, DONE)
    assert message.text == "Hi"
    assert message.content_filter == {"prompt": found, "completion": {"violence": {"filtered": False}}}


@pytest.mark.parametrize(
    "records",
    [
        [{"alternatives": [{"content": {"parts": [{"text": "Hi"}]}}]}],
        [{"choices": []}],
        [{"choices": [{"index": 1, "delta": {"content": "Hi"}, "finish_reason": "stop"}]}],
        [],
    ],
)
def test_foreign_chunks_that_end_in_the_marker_are_an_error(records: list[Record]) -> None:
    error = failure(parse("openai", [sse(*records) + DONE]))
    assert isinstance(error, RemoteProtocolError)
    assert "choice" in str(error)


def test_only_the_first_choice_is_read() -> None:
    other = {"index": 1, "delta": {"content": "other"}, "finish_reason": "length"}
    record = {"choices": [other, {"index": 0, "delta": {"content": "Hi"}}]}
    message = answer("openai", sse(record, chunk({}, "stop")))
    assert (message.text, message.finish_reason) == ("Hi", FinishReason.STOP)


def test_a_chunk_with_a_whole_message_in_place_of_a_delta() -> None:
    record = {"choices": [{"index": 0, "message": {"content": "Hi"}, "finish_reason": "stop"}]}
    assert answer("openai", sse(record)).text == "Hi"
    assert answer("openai", sse({"choices": [{"finish_reason": "stop"}]})).text == ""


def test_perplexitys_whole_choice_with_a_message_and_an_empty_delta_is_its_message() -> None:
    choice = {"index": 0, "message": {"content": "Hi"}, "delta": {"content": ""}, "finish_reason": "stop"}
    assert read("openai", {"choices": [choice]}).text == "Hi"


def test_perplexitys_stream_with_the_answer_so_far_beside_each_delta_is_its_deltas() -> None:
    records = []
    for piece, so_far in (("Hi ", "Hi "), ("there", "Hi there")):
        records.append(chunk({"content": piece}))
        records[-1]["choices"][0]["message"] = {"content": so_far}
    assert answer("openai", sse(*records, chunk({}, "stop"))).text == "Hi there"


@pytest.mark.parametrize(
    "origins",
    [
        [{"id": "chat-1", "model": "m"}, {"id": "chat-2", "model": "n"}],
        [{"id": "chat-1"}, {"model": "m"}, {"id": "chat-2", "model": "n"}],
        [{"model": "m"}, {"id": "chat-1", "model": "n"}, {"id": "chat-2", "model": "o"}],
        [{}, {"id": "", "model": ""}, {"id": "chat-1"}, {"id": "chat-2", "model": "m"}],
    ],
)
@pytest.mark.parametrize("joined", [True, False])
def test_the_first_id_and_the_first_model_name_an_answer(origins: list[dict[str, str]], joined: bool) -> None:
    bare = chunk({"content": "x"})
    del bare["id"], bare["model"]
    records = [bare | origin for origin in origins] + [bare | {"choices": chunk({}, "stop")["choices"]}]
    events = [sse(record) for record in records]
    message = answer("openai", *([b"".join(events)] if joined else events), DONE)
    assert (message.response_id, message.model) == ("chat-1", "m")
    assert message.text == "x" * len(origins)


def test_what_a_record_nests_is_counted_from_its_own_object() -> None:
    deep = json_text(chunk({"content": "Hi"}, "stop"))  # an object, its choices, a choice, its delta
    assert answer("openai", sse(deep) + DONE, max_json_depth=4).text == "Hi"
    assert failure(parse("openai", [sse(deep)], max_json_depth=3)).field == "max_json_depth"


def test_complete_is_last_and_once() -> None:
    events = parse("openai", [sse(chunk({}, "stop"), chunk({}, "stop")) + DONE + DONE])
    assert [type(event) for event in events] == [StreamComplete]


# Text, reasoning and refusals.


@pytest.mark.parametrize(
    ("delta", "parts"),
    [
        ({"reasoning_content": "Hm."}, [ReasoningPart("Hm.", {"field": "reasoning_content"})]),
        ({"reasoning": "Hm."}, [ReasoningPart("Hm.", {"field": "reasoning"})]),
        (
            {"reasoning_content": "Hm.", "reasoning": "Hm."},
            [ReasoningPart("Hm.", {"field": "reasoning_content"})],
        ),
        (
            {"reasoning_content": "Hm.", "reasoning": "So."},
            [ReasoningPart("Hm.", {"field": "reasoning_content", "reasoning": "So."})],
        ),
        (
            {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}]},
            [ReasoningPart("Hm.", {"field": "content"})],
        ),
        (
            {"content": [{"type": "thinking", "thinking": "Hm."}, {"type": "thinking"}]},
            [ReasoningPart("Hm.", {"field": "content"}), UnknownPart("thinking", {"type": "thinking"})],
        ),
        (
            {"content": [{"type": "thinking", "thinking": "Hm.", "signature": "s"}]},
            [ReasoningPart("Hm.", {"field": "content", "signature": "s"})],
        ),
        (
            {"content": [{"type": "text", "text": "a"}, {"type": "new", "x": 1}, {"text": "b"}]},
            [TextPart("ab"), UnknownPart("new", {"type": "new", "x": 1})],
        ),
        ({"content": {"name": "Emily"}}, [TextPart('{"name":"Emily"}')]),
        ({"content": None, "role": None}, []),
        ({"refusal": "No."}, [RefusalPart("No.")]),
        ({"reasoning": 5, "reasoning_content": []}, []),
    ],
)
def test_text_and_reasoning_in_all_the_forms_that_servers_send(delta: Record, parts: list[Part]) -> None:
    assert both(delta) == tuple(parts)


def test_text_and_reasoning_are_one_part_each_where_they_began() -> None:
    deltas = [{"reasoning": "H"}, {"content": "a"}, {"reasoning": "m"}, {"content": "b"}, {"refusal": "No"}]
    message = answer("openai", sse(*map(chunk, deltas), chunk({}, "stop")))
    assert message.parts == (
        ReasoningPart("Hm", {"field": "reasoning"}),
        TextPart("ab"),
        RefusalPart("No"),
    )


# Citations, images and audio.

CITED: JSONObject = {
    "type": "url_citation",
    "url_citation": {"url": "u", "title": "t", "content": "c", "start_index": 0, "end_index": 5},
}


@pytest.mark.parametrize(
    ("annotation", "citation"),
    [
        (CITED, Citation("u", "t", "c", 0, 5, {"type": "url_citation"})),
        (
            {"type": "url_citation", "url": "u", "start_index": 1},
            Citation("u", start=1, extra={"type": "url_citation"}),
        ),
        (
            {"type": "file", "file": {"name": "n", "hash": None}, "x": 1},
            Citation(extra={"type": "file", "x": 1, "name": "n", "hash": None}),
        ),
        ({"url": 5, "start_index": True}, Citation(extra={"url": 5, "start_index": True})),
    ],
)
def test_an_annotation_is_a_citation_of_the_text(annotation: JSONObject, citation: Citation) -> None:
    assert both({"content": "Found.", "annotations": [annotation]}) == (TextPart("Found.", (citation,)),)


def test_a_cited_text_is_given_whole_after_its_deltas() -> None:
    events = parse("openai", [sse(chunk({"content": "Found.", "annotations": [CITED]}), chunk({}, "stop"))])
    assert events[0] == ContentDelta("Found.", 0)
    assert isinstance(events[1], PartComplete)


@pytest.mark.parametrize(
    ("image", "part"),
    [
        ({"type": "image_url", "image_url": {"url": "https://e/a.png"}}, ImagePart(url="https://e/a.png")),
        (
            {"type": "image_url", "image_url": "https://e/a.png", "index": 0},
            ImagePart(url="https://e/a.png", extra={"index": 0}),
        ),
        (
            {"image_url": {"url": "data:image/jpeg;base64,iVBORw=="}},
            ImagePart(data=b"\x89PNG", media_type="image/jpeg"),
        ),
        (
            {"image_url": {"url": "data:image/jpeg;base64,?", "w": 5}},
            ImagePart(url="data:image/jpeg;base64,?", extra={"image_url": {"w": 5}}),
        ),
        ({"image_url": {"url": "data:image/png;base64,"}}, ImagePart(url="data:image/png;base64,")),
        ({"type": "image_url"}, UnknownPart("image_url", {"type": "image_url"})),
    ],
)
def test_an_image_of_an_answer_is_a_part(image: JSONObject, part: Part) -> None:
    assert both({"images": [image]}, "openrouter") == (part,)


@pytest.mark.parametrize("field", ["images", "annotations"])
@pytest.mark.parametrize("odd", [5, "x", [5], {"a": 1}])
def test_a_list_of_another_shape_is_kept_as_it_is(field: str, odd: Any) -> None:
    assert read("openai", completion({"content": "Hi", field: odd})).extra == {field: odd}


@pytest.mark.parametrize(
    ("pieces", "part"),
    [
        (
            [{"id": "audio_1"}, {"data": "UklG"}, {"data": "Rg=="}, {"transcript": "Hi"}, {"expires_at": 5}],
            AudioPart(data=b"RIFF", transcript="Hi", extra={"id": "audio_1", "expires_at": 5}),
        ),
        ([{"data": "Ug=="}, {"data": ""}, {"data": "SUZG"}], AudioPart(data=b"RIFF")),
        ([{"data": "UklGRg"}], AudioPart(extra={"data": "UklGRg"})),
        ([{"transcript": "Hi"}], AudioPart(transcript="Hi")),
    ],
)
def test_sound_is_one_part_of_all_its_pieces(pieces: list[Record], part: AudioPart) -> None:
    events = parse("openai", [sse(*(chunk({"audio": piece}) for piece in pieces), chunk({}, "stop"))])
    assert events[0] == PartComplete(0, part)
    check_agreement(events)


@pytest.mark.parametrize("blank", [{}, {"id": "", "data": "", "transcript": ""}, {"id": None}])
def test_blank_audio_gives_no_part(blank: Record) -> None:
    assert read("openai", completion({"content": "Hi", "audio": blank})).content == "Hi"


def test_audio_that_is_not_an_object_is_kept_unchanged() -> None:
    assert read("openai", completion({"content": "Hi", "audio": "x"})).extra == {"audio": "x"}


# Fields without a typed field.


def test_every_other_field_is_kept_and_a_later_value_replaces_the_one_before() -> None:
    first, second = chunk({"content": "a"}), chunk({"content": "b"})
    first |= {"system_fingerprint": "fp", "provider": "X", "timings": {"a": 1, "b": 1}}
    second |= {"provider": "Y", "timings": {"b": 2}, "empty": None}
    second["choices"][0] |= {"native_finish_reason": "STOP", "stop_reason": "</s>"}
    second["choices"][0]["delta"]["new"] = [1]
    message = answer("openai", sse(first, second, chunk({}, "stop")))
    assert message.extra == {
        "system_fingerprint": "fp",
        "provider": "Y",
        "timings": {"a": 1, "b": 2},
        "native_finish_reason": "STOP",
        "stop_reason": "</s>",
        "new": [1],
    }
    assert (message.upstream, message.upstream_finish_reason, message.stop_sequence) == ("Y", "STOP", "</s>")


def test_only_lists_that_are_sent_in_pieces_grow() -> None:
    chunks = [chunk({"content": "x"}) for _ in range(2)]
    for number, record in enumerate(chunks):
        record["choices"][0] |= {"token_ids": [number], "other": [number]}
        record["choices"][0]["logprobs"] = {"content": [{"token": str(number)}], "refusal": None}
    message = answer("vllm", sse(*chunks, chunk({}, "stop")))
    assert message.extra["token_ids"] == [0, 1]
    assert message.extra["other"] == [1]
    assert message.logprobs == {"content": [{"token": "0"}, {"token": "1"}]}


@pytest.mark.parametrize("odd", ["x", 5, True, ["x"]])
def test_logprobs_of_another_form_give_way_to_those_that_follow(odd: object) -> None:
    first, second = chunk({"content": "x"}), chunk({"content": "y"}, "stop")
    first["choices"][0]["logprobs"] = odd
    second["choices"][0]["logprobs"] = {"content": [{"token": "y"}]}

    assert answer("openai", sse(first, second)).logprobs == {"content": [{"token": "y"}]}


def test_padding_is_kept_nowhere() -> None:
    for field in ("obfuscation", "p", "padding"):
        assert answer("openai", sse(chunk({"content": "Hi"}, "stop", **{field: "xxxx"}))).extra == {}


@pytest.mark.parametrize(
    ("groq", "kept"),
    [
        ({"id": "q", "usage": {"prompt_tokens": 1}}, {"id": "q"}),
        ("q", "q"),
    ],
)
def test_groqs_own_fields_are_kept_beside_their_usage(groq: object, kept: object) -> None:
    assert answer("openai", sse(chunk({}, "stop", x_groq=groq)), DONE).extra == {"x_groq": kept}


def test_groqs_usage_that_differs_from_the_answers_is_kept() -> None:
    groq = {"usage": {"prompt_tokens": 2}}
    message = answer("openai", sse(chunk({}, "stop", usage={"prompt_tokens": 1}, x_groq=groq)), DONE)
    assert (message.usage, message.extra) == (Usage(input_tokens=1), {"x_groq": groq})


# Tool calls of other forms; `answers/test_toolcalls.py` has the usual ones.


def test_the_older_function_call_is_a_tool_call_with_all_its_pieces() -> None:
    pieces = [{"name": "f", "arguments": ""}, {"arguments": '{"a"'}, {"arguments": ": 1}"}]
    chunks = [chunk({"function_call": piece}) for piece in pieces]
    message = answer("openai", sse(*chunks, chunk({}, "function_call")), DONE)
    assert [(call.name, call.arguments) for call in message.tool_calls] == [("f", {"a": 1})]
    assert message.finish_reason is FinishReason.TOOL_CALLS


def test_the_older_function_call_beside_tool_calls_says_nothing_new() -> None:
    call = {"id": "a", "function": {"name": "f", "arguments": "{}"}, "custom": {"name": "", "input": ""}}
    for legacy in ({"name": "", "arguments": ""}, {"name": "f", "arguments": "{}"}):
        message = read("openai", completion({"tool_calls": [call], "function_call": legacy}))
        assert [(call.kind, call.raw_arguments) for call in message.tool_calls] == [("function", "{}")]
        assert message.invalid_tool_calls == ()


def test_a_custom_tools_call_is_valid_and_its_deltas_are_its_text() -> None:
    custom = {"index": 0, "id": "a", "type": "custom", "custom": {"name": "math", "input": "4 +"}}
    more = {"index": 0, "custom": {"input": " 4"}}
    stream = sse(chunk({"tool_calls": [custom]}), chunk({"tool_calls": [more]}), chunk({}, "tool_calls"))
    *events, last = parse("openai", [stream])
    assert events == [
        ToolCallStarted(0, "a", "math", 0, "custom"),
        ToolCallDelta(0, "4 +"),
        ToolCallDelta(0, " 4"),
    ]
    assert isinstance(last, StreamComplete)
    assert last.message.parts == (ToolCall("a", "math", {"input": "4 + 4"}, kind="custom"),)


def test_other_fields_of_a_call_go_back_with_it() -> None:
    call: Record = {
        "id": "a",
        "type": "function",
        "function": {"name": "f", "arguments": "{}", "x": 1},
        "y": 2,
    }
    message = read("openai", completion({"tool_calls": [call]}, "tool_calls"))
    assert message.tool_calls[0].extra == {"function": {"x": 1}, "y": 2}
    result = Message(Role.TOOL, "ok", tool_call_id="a")
    assert sent("openai", *ASK, message, result)[1]["tool_calls"] == [call]
