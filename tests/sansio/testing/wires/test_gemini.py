"""The fake's half of Gemini: answers in Google's bytes, and requests that Google would refuse."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from sansio import (
    Citation,
    ContentDelta,
    FinishReason,
    ImagePart,
    InvalidToolCall,
    Message,
    Provider,
    ProviderConfig,
    ReasoningPart,
    RefusalDelta,
    RefusalPart,
    Request,
    Send,
    ServerToolPart,
    StreamComplete,
    StreamEvent,
    StreamFailed,
    StreamParser,
    TextPart,
    ToolCall,
    ToolCallDelta,
    ToolCallStarted,
    Usage,
)
from sansio.providers import dialect_named
from sansio.testing import (
    Answer,
    Broken,
    Failure,
    FakeProvider,
    FakeResponse,
    encode_events,
    encode_stream,
    encode_whole,
)
from tests.sansio.families.gemini.chunks import JSON, SIGNED, call, google
from tests.sansio.wires import ASK, WEATHER, check_agreement

NEW = "gemini-3-pro-preview"
GROUNDS = ServerToolPart(
    "groundingMetadata",
    input=["q"],
    output=[{"web": {"uri": "https://a.example"}}],
    extra={
        "retrievalMetadata": {},
    },
)
PARTS = (
    ReasoningPart("Let me think."),
    TextPart("It is ", extra=SIGNED),
    TextPart("sunny today.", (Citation("https://a.example", "A", start=0, end=5), Citation(start=1))),
    ServerToolPart("executableCode", id="x1", input="1+1", extra={"executableCode": {"language": "PYTHON"}}),
    ImagePart(data=b"\x89PNG", extra=SIGNED),
    TextPart("", extra=SIGNED),
    ToolCall("c1", "get_weather", {"city": "Paris"}, '{"city":"Paris"}', extra=SIGNED),
    ToolCall("c2", "now", {}, "{}"),
    GROUNDS,
    ServerToolPart("urlContextMetadata", output=[{"retrievedUrl": "https://a.example"}]),
    ServerToolPart("citationMetadata", extra={"x": 1}),
)
USAGE = Usage(
    input_tokens=9,
    output_tokens=5,
    cached_tokens=2,
    reasoning_tokens=1,
    extra={"toolUsePromptTokenCount": 3, "serviceTier": "standard"},
)
ANSWER = Answer(
    parts=PARTS,
    usage=USAGE,
    finish_reason=FinishReason.TOOL_CALLS,
    raw_finish_reason="STOP",
    extra={"promptFeedback": {"safetyRatings": []}, "finishMessage": "Done."},
)


def parse(pieces: tuple[bytes, ...]) -> list[StreamEvent]:
    parser = StreamParser("google")
    events = [event for piece in pieces for event in parser.receive_data(piece)] + parser.receive_eof()
    check_agreement(events)
    return events


def message_of(events: list[StreamEvent]) -> Message:
    last = events[-1]
    assert isinstance(last, StreamComplete), last
    return last.message


def test_an_answer_is_read_as_it_was_written_whole_and_as_a_stream() -> None:
    wanted = ANSWER.to_message(model="m", response_id="r")
    for said in (
        message_of(parse(encode_stream("google", ANSWER, model="m", response_id="r"))),
        dialect_named("google").parse_response(
            msgspec.json.decode(encode_whole("google", ANSWER, model="m", response_id="r"))
        ),
    ):
        assert said.parts == wanted.parts
        assert (said.usage, said.extra, said.model) == (USAGE, ANSWER.extra, "m")
        assert (said.finish_reason, said.raw_finish_reason) == (FinishReason.TOOL_CALLS, "STOP")


def test_the_first_call_of_an_answer_is_signed() -> None:
    calls = (ToolCall("c1", "f", {"a": 1}), ToolCall("c2", "f", {"a": 2}))
    for message in (
        message_of(parse(encode_stream("google", Answer(tool_calls=calls)))),
        dialect_named("google").parse_response(
            msgspec.json.decode(encode_whole("google", Answer(tool_calls=calls))),
        ),
    ):
        first, second = message.tool_calls
        assert isinstance(first.extra["thoughtSignature"], str)
        assert second.extra == {}


def both(answer: Answer) -> tuple[JSON, Message, Message]:
    """The whole answer's JSON, and what is read of the answer: whole, and as a stream."""
    body = msgspec.json.decode(encode_whole("google", answer))
    whole = dialect_named("google").parse_response(body)
    return body, whole, message_of(parse(encode_stream("google", answer)))


def test_a_citation_that_names_a_source_is_a_passage_that_it_supports() -> None:
    cited = Citation(
        "https://a.example",
        start=1,
        end=3,
        extra={"groundingChunkIndex": 0, "confidenceScore": 0.5, "segment": {"text": "x"}},
    )
    other = Citation("https://b.example", start=0, extra={"groundingChunkIndex": 7})
    answer = Answer(parts=(TextPart("Sunny.", (other, cited)), GROUNDS))
    body, whole, streamed = both(answer)
    [candidate] = body["candidates"]
    assert candidate["groundingMetadata"]["groundingSupports"] == [
        {
            "segment": {"startIndex": 1, "endIndex": 3, "text": "x"},
            "groundingChunkIndices": [0],
            "confidenceScores": [0.5],
        }
    ]
    assert [each["uri"] for each in candidate["citationMetadata"]["citationSources"]] == [other.url]
    assert whole.parts == streamed.parts == answer.parts


def test_citations_stay_sources_if_the_answer_names_no_source_for_them() -> None:
    cited = Citation("https://a.example", start=0, extra={"groundingChunkIndex": 0})
    for grounds in (ServerToolPart("groundingMetadata", input=["q"]), ServerToolPart("citationMetadata")):
        body, whole, streamed = both(Answer(parts=(TextPart("Sunny.", (cited,)), grounds)))
        [candidate] = body["candidates"]
        assert candidate["citationMetadata"]["citationSources"][0]["uri"] == cited.url
        assert whole.citations == streamed.citations == (cited,)


def test_a_prompt_that_was_blocked_has_no_candidate() -> None:
    answer = Answer(
        finish_reason=FinishReason.CONTENT_FILTER,
        raw_finish_reason="JAILBREAK",
        extra={"promptFeedback": {"blockReasonMessage": "No."}},
        usage=USAGE,
    )
    body, whole, streamed = both(answer)
    assert "candidates" not in body
    assert body["promptFeedback"] == {"blockReasonMessage": "No.", "blockReason": "JAILBREAK"}
    for message in (whole, streamed):
        assert (message.finish_reason, message.raw_finish_reason) == (
            FinishReason.CONTENT_FILTER,
            "JAILBREAK",
        )
        assert (message.extra, message.usage) == (answer.extra, USAGE)


def test_a_call_that_google_does_not_stand_by_is_sent_whole() -> None:
    call = InvalidToolCall("c", "f", '{"a":1}', "unexpected", extra=SIGNED)
    answer = Answer(tool_calls=(call,), raw_finish_reason="UNEXPECTED_TOOL_CALL")
    body, whole, streamed = both(answer)
    [part] = body["candidates"][0]["content"]["parts"]
    assert part["functionCall"] == {"id": "c", "name": "f", "args": {"a": 1}}
    for message in (whole, streamed):
        [read] = message.invalid_tool_calls
        assert (read.id, read.name, read.raw_arguments) == ("c", "f", '{"a":1}')


def test_an_error_inside_a_stream_is_plain_json() -> None:
    broken = Broken(answer=Answer(text="One two."), after=1, failure=Failure(status=503, message="Busy."))
    *events, last = parse(encode_stream("google", broken))
    assert events == [ContentDelta("One ")]
    assert isinstance(last, StreamFailed)
    assert (last.error.status, last.error.error_type) == (503, "UNAVAILABLE")
    cut = parse(encode_stream("google", Broken(answer=Answer(text="One two."), after=1)))
    assert isinstance(cut[-1], StreamFailed)


@pytest.mark.parametrize(
    "answer",
    [
        Answer(refusal="No."),
        Answer(parts=(RefusalPart(""),)),
        Answer(text="x", finish_reason=FinishReason.REFUSAL),
        Answer(tool_calls=(ToolCall("c", "f", {"input": "x"}, kind="custom"),)),
        Answer(tool_calls=(InvalidToolCall("c", "f", "{cut", "cut"),)),
    ],
)
def test_what_google_has_no_place_for_is_no_answer_of_its(answer: Answer) -> None:
    with pytest.raises(ValueError, match="google"):
        encode_stream("google", answer)
    with pytest.raises(ValueError, match="google"):
        encode_whole("google", answer)


def test_events_that_google_cannot_send() -> None:
    with pytest.raises(ValueError, match="follows the end"):
        encode_events("google", [ToolCallStarted(0, "c", "f"), ContentDelta("x", 1), ToolCallDelta(0, "{}")])
    with pytest.raises(ValueError, match="refusal"):
        encode_events("google", [RefusalDelta("No.")])


# Requests.


def ask(body: JSON, model: str = NEW, method: str = "generateContent", key: str = "k") -> FakeResponse:
    headers = (("content-type", "application/json"), ("x-goog-api-key", key))
    request = Request(
        method="POST",
        scheme="https",
        host="g.example",
        port=443,
        target=f"/v1beta/models/{model}:{method}",
        headers=headers,
        body=json.dumps(body).encode(),
    )
    return FakeProvider("google", key="k").respond(request)


def user(*parts: JSON) -> JSON:
    return {"role": "user", "parts": [*parts]}


def model(*parts: JSON) -> JSON:
    return {"role": "model", "parts": [*parts]}


HI = user({"text": "Hi"})
CALL = call("f", args={}) | {"thoughtSignature": "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I="}
RESULT = {"functionResponse": {"name": "f", "response": {"output": "1"}}}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"contents": []}, "contents is not specified"),
        ({"contents": [HI], "stream": True}, 'Unknown name "stream"'),
        ({"contents": [HI], "generationConfig": {"max_tokens": 1}}, 'Unknown name "max_tokens"'),
        ({"contents": [{"role": "system", "parts": [{"text": "Hi"}]}]}, "valid role"),
        ({"contents": [user()]}, "must not be empty"),
        ({"contents": [user({"text": ""})]}, "oneof field"),
        ({"contents": [user({"text": "a", "inlineData": {}})]}, "oneof field"),
        ({"contents": [HI, model(CALL)]}, "followed by"),
        ({"contents": [HI, model(CALL), HI]}, "number of function response"),
        ({"contents": [HI, user(RESULT)]}, "number of function response"),
        ({"contents": [HI, model(CALL), user({"functionResponse": {"name": "f"}})]}, "does not answer"),
        ({"contents": [HI, model(call("f", args={})), user(RESULT)]}, "missing a thought_signature"),
        (
            {
                "contents": [HI],
                "generationConfig": {"thinkingConfig": {"thinkingBudget": 1, "thinkingLevel": "LOW"}},
            },
            "only",
        ),
        ({"contents": [HI], "tools": [{"functionDeclarations": [{"name": "a b"}]}]}, "invalid function name"),
        ({"contents": [HI], "tools": [{"functionDeclarations": [{"name": "f", "strict": True}]}]}, "strict"),
    ],
)
def test_a_request_that_google_would_refuse(body: JSON, words: str) -> None:
    response = ask(body)
    error = dialect_named("google").parse_error(response.status, response.headers, response.body.decode())
    assert (error.status, error.error_type) == (400, "INVALID_ARGUMENT")
    assert words in str(error)


def test_other_refusals_have_googles_form() -> None:
    response = ask({"contents": [HI]}, method="predict")
    assert (response.status, json.loads(response.body)["error"]["status"]) == (404, "NOT_FOUND")
    response = ask({"contents": [HI]}, key="other")
    assert (response.status, json.loads(response.body)["error"]["status"]) == (401, "UNAUTHENTICATED")


def test_results_are_read_and_an_older_model_needs_no_signature() -> None:
    body: JSON = {"contents": [HI, model(call("f", args={})), user(RESULT)]}
    answer = dialect_named("google").parse_response(json.loads(ask(body, "gemini-2.5-flash").body))
    assert answer.text == "The tools answered: f said '1'."
    assert ask({"contents": [model({"text": "Hi"})]}).status == 200


def respond(fake: FakeProvider, fetch: Any) -> Any:
    step = fetch.next_step()
    assert isinstance(step, Send)
    return json.loads(fake.respond(google().authorize(step.request, "k")).body)


def test_models_counts_and_vectors_are_served() -> None:
    fake, provider = FakeProvider("google", models=["gemini-x"]), google("gemini-x")
    listed = provider.dialect.list_models().read(respond(fake, provider.list_models()))
    assert [each.id for each in listed] == ["gemini-x"]  # type: ignore[union-attr]  # it has one page
    assert provider.dialect.count_tokens({}).read(respond(fake, provider.count_tokens(ASK))) == 8
    vectors = provider.dialect.embed(["a", "b"], 3).read(
        respond(fake, provider.embed(["a", "b"], dimensions=3)),
    )
    assert [len(each) for each in vectors.vectors] == [3, 3]  # type: ignore[union-attr]  # it has one page
    assert ask({}, method="countTokens").status == 400


@pytest.mark.parametrize(
    ("options", "name"),
    [({"tool_choice": "none"}, None), ({"tool_choice": "required"}, "get_weather"), ({}, "get_weather")],
)
def test_the_embedded_model_calls_tools(options: JSON, name: str | None) -> None:
    fake = FakeProvider("google", [])
    provider = Provider(ProviderConfig(type="google", model=NEW))
    step = provider.call(
        [Message("user", "get_weather in Paris")], [WEATHER], stream=False, **options
    ).next_step()
    assert isinstance(step, Send)
    message = dialect_named("google").parse_response(
        json.loads(fake.respond(provider.authorize(step.request, "k")).body)
    )
    assert [each.name for each in message.tool_calls] == ([] if name is None else [name])
    scripted = FakeProvider("google", [Failure(status=429, code="RATE_LIMIT_EXCEEDED")])
    refused = scripted.respond(provider.authorize(step.request, "k"))
    assert json.loads(refused.body)["error"]["details"][0]["reason"] == "RATE_LIMIT_EXCEEDED"
