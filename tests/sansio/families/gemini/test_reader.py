"""Answers of Gemini: chunks and whole ones."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sansio import (
    APIStatusError,
    Citation,
    ContentDelta,
    FinishReason,
    InvalidToolCall,
    LimitExceededError,
    PartComplete,
    ReasoningDelta,
    ReasoningPart,
    RemoteProtocolError,
    ServerToolPart,
    StreamComplete,
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
from sansio.families.gemini.parts import made_up_id
from sansio.providers import dialect_named
from tests.sansio.families.gemini.chunks import (
    JSON,
    SIGNED,
    call,
    chunk,
    parse,
    piece,
    sse,
    streamed,
    text,
    whole,
)
from tests.sansio.wires import failure

THOUGHT = {"thought": True}
USAGE = {
    "promptTokenCount": 10,
    "toolUsePromptTokenCount": 3,
    "candidatesTokenCount": 5,
    "thoughtsTokenCount": 7,
    "cachedContentTokenCount": 4,
    "totalTokenCount": 25,
    "trafficType": "ON_DEMAND",
}


# Texts.


def test_plain_chunks_go_on_with_the_text_or_the_thought_before_them() -> None:
    events = parse(
        sse(
            chunk([text("Let ", **THOUGHT)]),
            chunk([text("me.", **THOUGHT)]),
            chunk([text("It ")]),
            chunk([text("is.")]),
            chunk([text("Hm.", **THOUGHT)]),
            chunk([], "STOP"),
        )
    )
    assert events[:-1] == [
        ReasoningDelta("Let ", 0),
        ReasoningDelta("me.", 0),
        ContentDelta("It ", 1),
        ContentDelta("is.", 1),
        ReasoningDelta("Hm.", 2),
    ]


def test_a_signed_text_is_not_joined_with_others() -> None:
    message = streamed(
        chunk([text("a")]), chunk([text("b", **SIGNED)]), chunk([text("c"), text("", **SIGNED)], "STOP")
    )
    assert message.parts == (
        TextPart("a"),
        TextPart("b", extra=SIGNED),
        TextPart("c"),
        TextPart("", extra=SIGNED),
    )


def test_a_chunk_may_lack_all_but_its_text() -> None:
    def bare(said: str, **beside: object) -> JSON:
        return {"candidates": [{"content": {"parts": [text(said, **beside)]}}]}

    message = streamed(
        bare("Hm.", **THOUGHT), bare("a"), bare("b"), {"candidates": [{"finishReason": "STOP"}]}
    )
    assert (message.reasoning, message.text) == ("Hm.", "ab")
    assert (message.model, message.response_id, message.usage) == (None, None, None)


def test_a_blank_event_says_nothing_and_a_list_is_its_chunks() -> None:
    assert streamed([chunk([text("a")]), chunk([text("b")], "STOP")]).text == "ab"
    message = parse(b"data: \n\n" + sse(chunk([text("a")], "STOP")))[-1]
    assert isinstance(message, StreamComplete)
    assert message.message.text == "a"


def test_an_empty_text_is_no_part() -> None:
    assert streamed(chunk([text("")]), chunk([{}, text("", **THOUGHT)], "STOP")).parts == ()


def test_a_part_that_is_no_object_is_refused() -> None:
    assert "a part is not an object" in failure(parse(sse(chunk([7])))).message


def test_a_field_that_a_plain_chunk_does_not_have_is_kept() -> None:
    message = streamed(chunk([text("a", thought=False)], safetyRatings=[1]), chunk([], "STOP"))
    assert message.parts == (TextPart("a", extra={"thought": False}),)
    assert message.extra == {"safetyRatings": [1]}


def test_other_candidates_are_not_this_answer() -> None:
    other = {"index": 1, "content": {"parts": [text("no")]}}
    first = {"index": 0, "content": {"parts": [text("yes")]}, "finishReason": "STOP"}
    assert streamed({"candidates": [other, 7]}, {"candidates": [first]}).text == "yes"


def test_a_chunk_that_nests_too_deep_is_refused() -> None:
    error = failure(parse(sse(chunk([text("a", x=[[[[]]]])])), max_json_depth=6))
    assert isinstance(error, LimitExceededError)


# Calls.


def test_a_call_has_its_id_or_one_that_is_made_up_and_its_signature() -> None:
    parts = [
        call("now") | SIGNED,
        call("now", args={}),
        call("rain", id="c1", args={"city": "Paris"}, x=1),
    ]
    message = streamed(chunk(parts, "STOP"))
    first, second, third = message.tool_calls
    assert (third.id, third.arguments, third.extra) == ("c1", {"city": "Paris"}, {"functionCall": {"x": 1}})
    assert first.id != second.id
    assert [made_up_id(each) for each in message.tool_calls] == [True, True, False]
    assert first.extra["thoughtSignature"] == "c2ln"
    assert message.finish_reason is FinishReason.TOOL_CALLS
    assert whole(*parts) == message


def test_arguments_that_are_no_object_make_an_invalid_call() -> None:
    (found,) = whole(call("f", args=[1])).invalid_tool_calls
    assert (found.name, found.raw_arguments) == ("f", "[1]")


def test_arguments_arrive_in_pieces_with_paths() -> None:
    chunks = [
        chunk([call("book", willContinue=True) | SIGNED]),
        chunk([piece("$.who.name", "A")]),
        chunk([piece("$.who.name", "nn") | {"x": 1}]),
        chunk([piece("$.days[0]", 1), piece("$.days[1]", 2.5), piece("$['by train']", True)]),
        chunk([piece('$.who["a\\"b"]', None), piece("$['it\\'s'][0]['']", 3), piece('$[""]["x.y[0]"]', 4)]),
        chunk([call(y=2)]),
        chunk([call("next", partialArgs=[{"jsonPath": "$.a", "stringValue": "b"}])]),
        chunk([call()], "STOP"),
    ]
    message = streamed(*chunks)
    booked, after = message.tool_calls
    assert booked.arguments == {
        "who": {"name": "Ann", 'a"b': None},
        "days": [1, 2.5],
        "by train": True,
        "it's": [{"": 3}],
        "": {"x.y[0]": 4},
    }
    assert booked.extra == {"functionCall": {"id": None, "y": 2}, "x": 1, **SIGNED}
    assert after.arguments == {"a": "b"}


def test_a_call_in_pieces_that_has_an_id_starts_at_once() -> None:
    events = parse(
        sse(
            chunk([call("f", id="c1", willContinue=True)]),
            chunk([piece("$.a", 1)]),
            chunk([text("!")], "STOP"),
        )
    )
    assert events[:-1] == [
        ToolCallStarted(0, "c1", "f"),
        ToolCallDelta(0, '{"a":1}'),
        ContentDelta("!", 1),
    ]


@pytest.mark.parametrize(("reason", "valid"), [("STOP", True), ("MAX_TOKENS", False)])
def test_a_call_in_pieces_that_was_not_ended_is_whole_only_after_stop(reason: str, valid: bool) -> None:
    message = streamed(chunk([call("f", willContinue=True)]), chunk([piece("$.a", "b")]), chunk([], reason))
    assert bool(message.tool_calls) is valid
    assert bool(message.invalid_tool_calls) is not valid
    if not valid:
        assert message.invalid_tool_calls[0].raw_arguments == '{"a":"b"'


@pytest.mark.parametrize("said", [{"stringValue": "x"}, {"numberValue": 1}])
@pytest.mark.parametrize(
    "path", ["a", "$", "$[0]", "$.a[", "$.a[5]", "$.t.u", "$.l.x", 7, "$.a.b[0][1]", "$.l[]", "$.l[7]", None]
)
def test_a_piece_that_has_no_place_is_refused(path: object, said: JSON) -> None:
    begun = chunk([call("f", willContinue=True), piece("$.t", "x"), piece("$.l[0]", 1)])
    wrong = call(partialArgs=["no object", {"jsonPath": path, **said}], willContinue=True)
    error = failure(parse(sse(begun, chunk([wrong]))))
    assert isinstance(error, RemoteProtocolError)
    assert "no place" in error.message
    assert error.message.endswith(f"jsonPath is {path!r}")


def test_a_long_path_is_shown_in_part() -> None:
    wrong = call("f", partialArgs=[{"jsonPath": "$." + "x[" * 999}])
    assert len(failure(parse(sse(chunk([wrong])))).message) < 200


def test_pieces_that_nest_too_deep_are_refused() -> None:
    deep = "$" + ".a" * 13
    error = failure(parse(sse(chunk([call("f", willContinue=True), piece(deep, 1)])), max_json_depth=12))
    assert (type(error), error.field) == (LimitExceededError, "max_json_depth")


def test_a_value_in_pieces_replaces_the_one_before() -> None:
    message = streamed(
        chunk(
            [call("f", willContinue=True), piece("$.a", 1), piece("$.a", "b"), piece("$.a", "c", more=False)]
        ),
        chunk([], "STOP"),
    )
    assert message.tool_calls[0].arguments == {"a": "bc"}
    pieces = [piece("$.a[0]", 1), piece("$.a[1]", 2), piece("$.a[0]", 3), piece("$.a[1]", "b", more=False)]
    listed = streamed(chunk([call("f", willContinue=True), *pieces]), chunk([], "STOP"))
    assert listed.tool_calls[0].arguments == {"a": [3, "b"]}


@pytest.mark.parametrize("args", [{"a": 1}, {}])
@pytest.mark.parametrize("reason", ["UNEXPECTED_TOOL_CALL", "MALFORMED_FUNCTION_CALL"])
def test_a_call_that_google_withdraws_is_invalid(reason: str, args: JSON) -> None:
    message = whole(text("So:"), call("f", args=args), reason=reason)
    found = message.invalid_tool_calls[0]
    assert isinstance(found, InvalidToolCall)
    assert json.loads(found.raw_arguments) == args
    assert reason in found.reason
    assert "withdrew" in found.reason
    assert (message.tool_calls, message.text, message.finish_reason) == ((), "So:", FinishReason.ERROR)


# Tools of Google's, and what an answer is grounded on.


def test_tools_of_googles_and_unknown_parts_are_parts() -> None:
    code = {"executableCode": {"id": "x1", "language": "PYTHON", "code": "1+1"}} | SIGNED
    result = {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "2\n"}}
    new: JSON = {"somethingNew": {"a": [1, None]}}
    message = streamed(chunk([code], "STOP"), chunk([result, new, text("2")], "STOP"))
    assert message.parts == (
        ServerToolPart(
            "executableCode",
            id="x1",
            input="1+1",
            extra={"executableCode": {"language": "PYTHON"}, **SIGNED},
        ),
        ServerToolPart("codeExecutionResult", output="2\n", status="OUTCOME_OK"),
        UnknownPart("somethingNew", new),
        TextPart("2"),
    )


GROUNDS: JSON = {
    "webSearchQueries": ["ggplot2 release"],
    "groundingChunks": [
        {"web": {"uri": "https://a.example", "title": "A"}},
        {"retrievedContext": {"text": "It says so.", "fileSearchStore": "s"}},
        7,
    ],
    "groundingSupports": [
        {
            "segment": {"endIndex": 5, "text": "Grüß"},
            "groundingChunkIndices": [0, 1],
            "confidenceScores": [0.5],
        },
        {"segment": {"startIndex": 9, "endIndex": 12}, "groundingChunkIndices": [9, 2]},
        {"groundingChunkIndices": [], "confidenceScores": [1]},
    ],
    "searchEntryPoint": {"renderedContent": "<div>"},
}


def test_grounds_are_citations_of_the_texts_and_a_part() -> None:
    urls: JSON = {"urlMetadata": [{"retrievedUrl": "https://a.example"}]}
    message = streamed(
        chunk([text("Grüße ")], groundingMetadata={}),
        chunk([text("you", **SIGNED)], "STOP", groundingMetadata=GROUNDS, urlContextMetadata=urls),
    )
    first, second, found, fetched = message.parts
    segment: JSON = {"segment": {"text": "Grüß"}}
    assert isinstance(first, TextPart)
    assert first.citations == (
        Citation(
            "https://a.example",
            "A",
            None,
            0,
            5,
            {**segment, "groundingChunkIndex": 0, "confidenceScore": 0.5},
        ),
        Citation(None, None, "It says so.", 0, 5, {**segment, "groundingChunkIndex": 1}),
        Citation(start=0, extra={"confidenceScores": [1]}),
    )
    assert isinstance(second, TextPart)
    assert second.citations == (
        Citation(start=1, end=4, extra={"groundingChunkIndex": 9}),
        Citation(start=1, end=4, extra={"groundingChunkIndex": 2}),
    )
    assert found == ServerToolPart(
        "groundingMetadata",
        input=GROUNDS["webSearchQueries"],
        output=GROUNDS["groundingChunks"],
        extra={"searchEntryPoint": {"renderedContent": "<div>"}},
    )
    assert fetched == ServerToolPart("urlContextMetadata", output=urls["urlMetadata"])


def test_a_cited_text_is_given_whole_at_the_end() -> None:
    *_, given, _, _ = parse(sse(chunk([text("Grüße you")], "STOP", groundingMetadata=GROUNDS)))
    assert isinstance(given, PartComplete)
    assert isinstance(given.part, TextPart)
    assert len(given.part.citations) == 5


def test_grounds_without_a_text_stay_where_they_were() -> None:
    sources: JSON = {"citationSources": [{"uri": "https://a.example"}], "x": 1}
    message = streamed(chunk([], "STOP", groundingMetadata=GROUNDS, citationMetadata=sources))
    supports = {name: GROUNDS[name] for name in ("groundingSupports", "searchEntryPoint")}
    assert message.parts == (
        ServerToolPart(
            "groundingMetadata",
            input=GROUNDS["webSearchQueries"],
            output=GROUNDS["groundingChunks"],
            extra=supports,
        ),
        ServerToolPart("citationMetadata", output=sources["citationSources"], extra={"x": 1}),
    )


def test_each_chunk_has_its_own_sources() -> None:
    first = {"startIndex": 1, "endIndex": 2, "uri": "https://a.example", "license": "mit"}
    second = {"endIndex": 3, "title": "B", "startIndex": "no number"}
    message = streamed(
        chunk([text("abc")], citationMetadata={"citations": [first]}),
        chunk([], "STOP", citationMetadata={"citations": [first, second, 7]}),
    )
    assert message.citations == (
        Citation("https://a.example", start=1, end=2, extra={"license": "mit"}),
        Citation(title="B", start=0, end=3, extra={"startIndex": "no number"}),
    )


# Ends.


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("STOP", FinishReason.STOP),
        ("MAX_TOKENS", FinishReason.LENGTH),
        ("SAFETY", FinishReason.CONTENT_FILTER),
        ("CONTINUATION", FinishReason.PAUSE),
        ("OTHER", FinishReason.ERROR),
        ("SOMETHING_NEW", FinishReason.OTHER),
    ],
)
def test_finish_reasons(said: str, meant: FinishReason) -> None:
    assert whole(text("Hi"), reason=said).finish_reason is meant


def test_a_prompt_that_is_blocked_is_an_answer_without_parts() -> None:
    message = streamed({"promptFeedback": {"blockReason": "OTHER", "blockReasonMessage": "No."}})
    assert (message.parts, message.finish_reason) == ((), FinishReason.CONTENT_FILTER)
    assert (message.raw_finish_reason, message.extra) == (
        "OTHER",
        {"promptFeedback": {"blockReasonMessage": "No."}},
    )


def test_a_prompt_that_passed_says_only_how_it_was_rated() -> None:
    rated = {"safetyRatings": [{"category": "X"}]}
    message = streamed({**chunk([text("Hi")], "STOP"), "promptFeedback": rated})
    assert (message.text, message.extra) == ("Hi", {"promptFeedback": rated})


def test_without_a_finish_reason_a_stream_was_cut() -> None:
    error = failure(parse(sse(chunk([text("Tw")]), chunk([call("f", willContinue=True)]))))
    assert type(error) is StreamTruncatedError
    assert error.partial is not None
    assert (error.partial.text, error.partial.tool_calls) == ("Tw", ())


def test_parts_may_follow_a_finish_reason() -> None:
    assert streamed(chunk([text("One.")], "STOP"), chunk([text("Two.")], "STOP")).text == "One.Two."


# Counts, and other fields.


def test_usage_counts_thoughts_and_the_prompt_of_tools() -> None:
    message = streamed(
        {**chunk([text("a")]), "usageMetadata": {"promptTokenCount": 99, "candidatesTokenCount": 5}},
        {**chunk([], "STOP"), "usageMetadata": {**USAGE, "candidatesTokenCount": None}},
    )
    assert message.usage == Usage(
        input_tokens=13,
        output_tokens=12,
        cached_tokens=4,
        reasoning_tokens=7,
        extra={"trafficType": "ON_DEMAND", "toolUsePromptTokenCount": 3},
    )


def test_a_total_that_is_no_sum_is_kept() -> None:
    counts = {"promptTokenCount": 1, "totalTokenCount": 9}
    message = streamed({**chunk([text("a")], "STOP"), "usageMetadata": counts})
    assert message.usage == Usage(input_tokens=1, extra={"totalTokenCount": 9})


def test_traffic_alone_is_no_usage() -> None:
    message = streamed({**chunk([text("a")], "STOP"), "usageMetadata": {"trafficType": "ON_DEMAND"}})
    assert (message.usage, message.extra) == (None, {"usageMetadata": {"trafficType": "ON_DEMAND"}})


def test_log_probabilities_grow_and_other_fields_are_replaced() -> None:
    def probabilities(token: str, **more: object) -> JSON:
        return {"chosenCandidates": [{"token": token}], **more}

    message = streamed(
        chunk([text("a")], logprobsResult=probabilities("a"), avgLogprobs=-1),
        chunk([text("b")], logprobsResult=probabilities("b", logProbabilitySum=-2)),
        chunk([], "STOP", logprobsResult={"topCandidates": 7}, avgLogprobs=-2, finishMessage=None),
    )
    assert message.extra == {
        "avgLogprobs": -2,
        "logprobsResult": {
            "chosenCandidates": [{"token": "a"}, {"token": "b"}],
            "logProbabilitySum": -2,
            "topCandidates": 7,
        },
    }


def test_counts_of_a_long_stream_are_joined_now_and_then() -> None:
    chunks = [
        {**chunk([text("x" * 500)]), "usageMetadata": {"candidatesTokenCount": at}} for at in range(300)
    ]
    chunks[0]["usageMetadata"]["promptTokenCount"] = 7
    message = streamed(*chunks, chunk([], "STOP"))
    assert message.usage is not None
    assert (message.usage.input_tokens, message.usage.output_tokens, len(message.text)) == (7, 299, 150_000)


# Errors.

QUOTA: JSON = {
    "code": 429,
    "message": "Slow down.",
    "status": "RESOURCE_EXHAUSTED",
    "details": [
        {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "RATE_LIMIT_EXCEEDED"},
        {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "39.5s"},
    ],
}


@pytest.mark.parametrize("form", [b"%s", b"[%s]\n", b"data: %s\r\n\r\n", b"data: [%s]\n\n"])
def test_an_error_in_a_stream_is_seen_even_as_bare_json(form: bytes) -> None:
    indent = None if form.startswith(b"data") else 2
    error = form % json.dumps({"error": QUOTA}, indent=indent).encode()
    *events, last = parse(sse(chunk([text("Tw")])) + error)
    assert events == [ContentDelta("Tw")]
    assert isinstance(last, StreamFailed)
    found = last.error
    assert isinstance(found, APIStatusError)
    assert (found.status, found.error_type, found.code) == (429, "RESOURCE_EXHAUSTED", "RATE_LIMIT_EXCEEDED")
    assert found.retry_after == 39.5


def test_the_wait_may_be_in_the_text_alone() -> None:
    error = dialect_named("google").error_in(
        {"error": {"code": 429, "message": "Please retry in 48.9s.", "details": [{"retryDelay": "soon"}, 7]}}
    )
    assert error is not None
    assert error.retry_after == 48.9


@pytest.mark.parametrize("record", [{}, {"usageMetadata": {}}, {"candidates": []}])
def test_a_whole_answer_needs_a_candidate(record: JSON) -> None:
    with pytest.raises(RemoteProtocolError, match="no candidates"):
        dialect_named("google").parse_response(record)


def test_bytes_of_another_family_say_which() -> None:
    with pytest.raises(RemoteProtocolError, match="chat"):
        dialect_named("google").parse_response({"choices": []})
    error = failure(parse(sse({}, {"choices": []})))
    assert "chat" in error.message
    parser = StreamParser("openai")
    other = failure(parser.receive_data(sse(chunk([text("a")]))))
    assert "type='google'" in str(other)


def test_a_call_that_was_ended_already_ends_once() -> None:
    assert streamed(chunk([call("f", args={}), call()], "STOP")).all_tool_calls[0].name == "f"
    assert isinstance(whole(call("f", args={"a": 1})).parts[0], ToolCall)
    assert isinstance(whole(text("a", **THOUGHT)).parts[0], ReasoningPart)


def test_a_signature_without_a_text_is_never_cited() -> None:
    cited = {"citationMetadata": {"citationSources": [{"uri": "u", "startIndex": 0}]}}
    blank = text("", **SIGNED)
    first, second = streamed(chunk([blank, text("Said.")]), chunk([], "STOP", **cited)).parts
    assert first == TextPart("", extra=SIGNED)
    assert second == TextPart("Said.", (Citation("u", start=0),))
    [part, sources] = streamed(chunk([blank]), chunk([], "STOP", **cited)).parts
    assert part == TextPart("", extra=SIGNED)
    assert sources == ServerToolPart("citationMetadata", output=[{"uri": "u", "startIndex": 0}])


def test_what_is_read_is_not_kept_a_second_time() -> None:
    said: JSON = {
        **chunk([text("Hi"), text("Hm.", **THOUGHT)], "STOP", groundingMetadata={}, citationMetadata={}),
        "usageMetadata": {"promptTokenCount": 1},
        "createTime": "2026-01-01T00:00:00Z",
    }
    for message in (streamed(said), dialect_named("google").parse_response(said)):
        assert message.extra == {}
        assert (message.model, message.response_id) == ("gemini-x", "r1")
        assert message.origin == "google/gemini"


def test_lists_of_log_probabilities_grow_with_their_chunks() -> None:
    chunks = [
        chunk([text(token)], logprobsResult={"chosenCandidates": [token], "topCandidates": [{"a": token}]})
        for token in "ab"
    ]
    message = streamed(*chunks, chunk([], "STOP", logprobsResult="new"))
    assert message.extra == {"logprobsResult": "new"}
    grown = streamed(*chunks, chunk([], "STOP")).extra["logprobsResult"]
    assert grown == {"chosenCandidates": ["a", "b"], "topCandidates": [{"a": "a"}, {"a": "b"}]}


def test_a_call_that_was_ended_is_whole_whatever_ends_the_answer() -> None:
    begun = chunk([call("f", willContinue=True), piece("$.a", 1)])
    ended = streamed(begun, chunk([call()]), chunk([], "MAX_TOKENS"))
    assert ended.tool_calls[0].arguments == {"a": 1}
    (more,) = streamed(begun, chunk([call()]), chunk([text("b")], "MAX_TOKENS")).tool_calls
    assert more.arguments == {"a": 1}


@pytest.mark.parametrize("start", [9, 10, 99])
def test_a_citation_from_the_end_of_the_answer_on_is_of_its_last_text(start: int) -> None:
    source = {"uri": "https://a.example", "startIndex": start}
    message = streamed(
        chunk([text("Grüße ")]),
        chunk([text("a", **SIGNED)], "STOP", citationMetadata={"citations": [source]}),
    )
    first, last = message.parts
    assert isinstance(first, TextPart)
    assert isinstance(last, TextPart)
    assert (first.citations, [each.start for each in last.citations]) == ((), [start - 8])


@pytest.mark.parametrize("reason", ["", None, 7])
def test_a_prompt_without_a_word_for_a_block_is_not_blocked(reason: object) -> None:
    feedback: JSON = {"blockReason": reason, "safetyRatings": [1]}
    message = streamed({**chunk([text("Hi")], "STOP"), "promptFeedback": feedback})
    assert (message.finish_reason, message.raw_finish_reason) == (FinishReason.STOP, "STOP")
    assert message.extra == {"promptFeedback": feedback}


def test_a_blocked_prompt_is_not_an_answer_that_failed() -> None:
    whole_one = dialect_named("google").parse_response({"promptFeedback": {"blockReason": "SAFETY"}})
    assert (whole_one.finish_reason, whole_one.extra) == (FinishReason.CONTENT_FILTER, {})


def test_the_model_of_the_last_chunk_that_names_one_is_the_answers() -> None:
    named = [chunk([text("a")]) | {"modelVersion": name, "responseId": f"r-{name}"} for name in ("m", "n")]
    message = streamed(*named, {"candidates": [{"finishReason": "STOP"}]})
    assert (message.model, message.response_id) == ("n", "r-n")


def test_calls_of_answers_with_other_ids_have_other_ids_of_ours() -> None:
    ids = [
        streamed(chunk([call("f", args={}), call("f", args={})], "STOP") | {"responseId": name}).tool_calls
        for name in ("r1", "r2", "r1")
    ]
    (one, two), (three, four), again = [[each.id for each in calls] for calls in ids]
    assert len({one, two, three, four}) == 4
    assert again == [one, two]


@pytest.mark.parametrize("wrong", [[], {}, "text", None])
def test_content_of_another_form_says_nothing(wrong: object) -> None:
    odd: JSON = {"candidates": [{"content": wrong, "finishReason": "STOP"}]}
    assert streamed(chunk([text("Hi")]), odd).text == "Hi"


def test_fields_of_the_content_and_of_a_call_in_pieces_are_kept() -> None:
    content = {"role": "model", "parts": [text("a", x=1)], "new": 2}
    message = streamed({"candidates": [{"content": content, "finishReason": "STOP", "newer": 3}]})
    assert (message.parts, message.extra) == ((TextPart("a", extra={"x": 1}),), {"new": 2, "newer": 3})


def test_a_citation_list_of_another_field_is_no_source() -> None:
    """Only citations have sources: the same names elsewhere are other fields."""
    metadata: JSON = {"citations": [{"uri": "https://a.example"}], "webSearchQueries": ["q"]}
    message = streamed(chunk([text("a")], "STOP", groundingMetadata=metadata))
    assert message.citations == ()
    assert message.parts[1] == ServerToolPart(
        "groundingMetadata", input=["q"], extra={"citations": metadata["citations"]}
    )


def test_another_list_beside_the_sources_is_not_a_source() -> None:
    metadata: JSON = {"new": [{"uri": "https://a.example"}]}
    message = streamed(chunk([text("a")], "STOP", citationMetadata=metadata))
    assert message.parts == (TextPart("a"), ServerToolPart("citationMetadata", extra=metadata))


@pytest.mark.parametrize("odd", ["text", {"a": 1}, None])
def test_sources_of_another_form_are_kept_as_they_are(odd: Any) -> None:
    message = streamed(chunk([text("a")], "STOP", citationMetadata={"citations": odd}))
    assert message.citations == ()
    assert message.parts[1] == ServerToolPart("citationMetadata", extra={"citations": odd})


@pytest.mark.parametrize("odd", ["none", 7, [1], {}, None])
def test_counts_of_another_form_say_nothing(odd: Any) -> None:
    message = streamed({**chunk([text("a")], "STOP"), "usageMetadata": odd})
    assert (message.text, message.usage, message.extra) == ("a", None, {})


def test_a_text_ends_a_call_whose_pieces_arrived() -> None:
    begun = [chunk([call("f", id="c1", willContinue=True)]), chunk([piece("$.a", 1)])]
    events = parse(sse(*begun, chunk([text("!")]), chunk([text("?")]), chunk([], "MAX_TOKENS")))
    assert events[:-1] == [
        ToolCallStarted(0, "c1", "f"),
        ToolCallDelta(0, '{"a":1}'),
        ContentDelta("!", 1),
        ContentDelta("?", 1),
    ]


def test_the_sources_of_all_chunks_are_cited() -> None:
    chunks = [
        chunk([text("a")], citationMetadata={"citations": [{"uri": f"https://{name}.example"}]})
        for name in ("a", "b")
    ]
    message = streamed(*chunks, chunk([], "STOP"))
    assert [each.url for each in message.citations] == ["https://a.example", "https://b.example"]


def test_another_call_ends_the_one_whose_pieces_arrived() -> None:
    begun = [chunk([call("f", willContinue=True)]), chunk([piece("$.a", 1)])]
    message = streamed(
        *begun, chunk([call("g", willContinue=True), piece("$.b", 2)]), chunk([], "MAX_TOKENS")
    )
    assert [(each.name, each.arguments) for each in message.tool_calls] == [("f", {"a": 1})]
    assert [each.name for each in message.invalid_tool_calls] == ["g"]


def test_a_passage_names_sources_by_numbers_and_only_those_that_there_are() -> None:
    chunks: list[JSON] = [{"web": {"uri": "https://a.example"}}]
    for number, url in ((0, "https://a.example"), (1, None), (-1, None), (True, None), ("0", None)):
        support = {"segment": {"endIndex": 1}, "groundingChunkIndices": [number]}
        grounds: JSON = {"groundingChunks": chunks, "groundingSupports": [support]}
        (cited,) = streamed(chunk([text("a")], "STOP", groundingMetadata=grounds)).citations
        assert (cited.url, cited.extra) == (url, {"groundingChunkIndex": number})


@pytest.mark.parametrize("odd", [["text"], [{"segment": {}}, 7], "text", {"a": 1}])
def test_passages_of_another_form_are_kept_as_they_are(odd: Any) -> None:
    grounds: JSON = {"groundingChunks": [{"web": {"uri": "u"}}], "groundingSupports": odd}
    message = streamed(chunk([text("a")], "STOP", groundingMetadata=grounds))
    assert message.citations == ()
    assert message.parts[1].extra == {"groundingSupports": odd}


def test_a_chunk_in_a_list_nests_no_deeper_than_others() -> None:
    deep = chunk([text("a", x=[[[[]]]])])
    for wrong in (deep, [deep], [chunk([text("a")]), deep]):
        assert isinstance(failure(parse(sse(wrong), max_json_depth=6)), LimitExceededError)


def test_an_error_is_a_step_of_progress() -> None:
    reader = dialect_named("google").open_stream()
    reader.receive(json.dumps(chunk([text("a")])).encode(), [])
    for number, record in enumerate(({"error": QUOTA}, {"choices": []}), 2):
        with pytest.raises((APIStatusError, RemoteProtocolError)):
            reader.receive(json.dumps(record).encode(), [])
        assert reader.progress == number


@pytest.mark.parametrize("reason", ["", None, 7])
def test_an_answer_without_a_word_for_its_end_was_cut(reason: object) -> None:
    events = parse(sse(chunk([text("a")]) | {}, chunk([], finishReason=reason)))
    assert type(failure(events)) is StreamTruncatedError


def test_nulls_of_a_call_say_nothing_and_what_is_missing_is_empty() -> None:
    nulls = {"id": None, "args": None, "partialArgs": None, "willContinue": None}
    (bare,) = whole(call("f", **nulls)).tool_calls
    assert (bare.name, bare.arguments, bare.extra) == ("f", {}, {"functionCall": {"id": None}})
    (own,) = whole(call("f", id="c1", args={"a": 1})).tool_calls
    assert (own.id, own.extra) == ("c1", {})
    (nameless,) = whole(call(id="c1", args={})).invalid_tool_calls
    assert (nameless.id, nameless.name, nameless.extra) == ("c1", "", {})


def test_calls_without_an_id_stay_apart() -> None:
    for names in ("fgh", "fff"):
        made = [chunk([call(name, args={"n": number})]) for number, name in enumerate(names)]
        calls = streamed(*made, chunk([], "STOP")).tool_calls
        assert [(each.name, each.arguments["n"]) for each in calls] == [*zip(names, range(3), strict=True)]
        assert len({each.id for each in calls}) == 3


def test_nulls_of_a_piece_of_a_call_say_nothing() -> None:
    nulls = {"id": None, "name": None, "args": None, "partialArgs": None}
    begun = chunk([call("f", id="c1", willContinue=True)])
    (found,) = streamed(begun, chunk([piece("$.a", 1)]), chunk([call(**nulls)]), chunk([], "STOP")).tool_calls
    assert (found.arguments, found.extra) == ({"a": 1}, {})
