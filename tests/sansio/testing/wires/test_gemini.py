"""The fake's half of Gemini: answers in Google's bytes, and requests that Google would refuse."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from sansio import (
    APIStatusError,
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
from tests.sansio.families.gemini.test_faults import MAPPED
from tests.sansio.wires import ASK, WEATHER, check_agreement, failure
from tests.support import for_all
from tests.wire_types import camel, google_fields, google_words, needs_types

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
        Answer(tool_calls=(InvalidToolCall("c", "f", "[1]", "no object"),)),
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
    assert isinstance(listed, tuple)
    assert [(each.id, each.name) for each in listed] == [("gemini-x", "gemini-x")]
    assert all(each.context_window and each.max_output for each in listed)
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
    assert json.loads(refused.body)["error"]["details"] == [
        {
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": "RATE_LIMIT_EXCEEDED",
            "domain": "googleapis.com",
        }
    ]


# Errors.


@for_all(("status", MAPPED))
def test_the_fake_s_error_has_a_word_that_google_maps_to_its_status(status: int) -> None:
    broken = Broken(answer=Answer(text="a b"), after=1, failure=Failure(status=int(status), message="no"))
    error = failure(parse(encode_stream("google", broken)))
    assert isinstance(error, APIStatusError)
    assert error.status == status
    assert error.error_type in MAPPED[status].split()


def test_a_status_that_no_word_is_mapped_to_has_an_unknown_word() -> None:
    broken = Broken(answer=Answer(text="a b"), after=1, failure=Failure(status=418, message="no"))
    error = failure(parse(encode_stream("google", broken)))
    assert isinstance(error, APIStatusError)
    assert (error.status, error.error_type) == (418, "UNKNOWN")


# The fields that Google's SDK lists.


def unknown(body: JSON) -> bool:
    """Whether the fake refuses a request for a name that it does not know."""
    return b"Unknown name" in ask({"contents": [HI], **body}).body


OF_THE_SDK = {"httpOptions", "shouldReturnHttpResponse", "automaticFunctionCalling", "automaticContinuation"}
OF_VERTEX = {
    "routingConfig",
    "modelSelectionConfig",
    "audioTimestamp",
    "enableEnhancedCivicAnswers",
    "audioTranscriptionConfig",
    "generationOutputConfig",
}
"""Fields that the Gemini API does not have, which the fake stands for."""


@needs_types
def test_each_field_of_the_sdks_config_is_known_in_one_place() -> None:
    for field in google_fields("GenerateContentConfig"):
        name = camel(field)
        top, config = unknown({name: None}), unknown({"generationConfig": {name: None}})
        assert (top is not config) is (name not in OF_THE_SDK | OF_VERTEX), name
    assert unknown({"generationConfig": {"nonsense": 1}})


DATA: list[JSON] = [
    {"text": "Hi"},
    {"inlineData": {"mimeType": "image/png", "data": "YQ=="}},
    {"fileData": {"mimeType": "image/png", "fileUri": "https://e.example"}},
    {"executableCode": {"code": "1"}},
    {"codeExecutionResult": {"outcome": "OUTCOME_OK"}},
    {"toolCall": {"toolType": "X"}},
    {"toolResponse": {"toolType": "X"}},
]


def test_a_part_has_exactly_one_kind_of_data() -> None:
    for data in DATA:
        beside: JSON = {"thoughtSignature": "c2ln", "videoMetadata": {}}
        assert ask({"contents": [HI, model(data | beside), HI]}).status == 200, data
        for other in DATA:
            if other != data:
                assert ask({"contents": [user(data | other)]}).status == 400, (data, other)


@needs_types
def test_each_field_of_a_function_is_known_in_both_spellings_of_the_schema() -> None:
    def declared(**fields: Any) -> JSON:
        return {"tools": [{"functionDeclarations": [{"name": "f", **fields}]}]}

    for field in google_fields("FunctionDeclaration"):
        assert not unknown(declared(**{camel(field): "f"})), field
    assert unknown(declared(strict=True))
    shape = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    for name in ("parameters", "parametersJsonSchema", "parameters_json_schema"):
        body = {"contents": [user({"text": "f now"})], **declared(**{name: shape})}
        body["toolConfig"] = {"functionCallingConfig": {"mode": "ANY"}}
        answer = dialect_named("google").parse_response(json.loads(ask(body).body))
        assert answer.tool_calls[0].arguments.keys() == {"a"}


@for_all(("name", ["a", "get_weather", "a.b:c-d", "A1" * 64]))
def test_names_of_functions(name: str) -> None:
    tools = {"tools": [{"functionDeclarations": [{"name": name}]}]}
    assert ask({"contents": [HI], **tools}).status == 200
    longer = {"tools": [{"functionDeclarations": [{"name": name + "é" + "x" * 128}]}]}
    assert ask({"contents": [HI], **longer}).status == 400


def answer_to(body: JSON, **more: Any) -> Message:
    return dialect_named("google").parse_response(json.loads(ask(body, **more).body))


def test_the_model_sees_the_last_text_the_limit_the_schema_and_whether_to_think() -> None:
    said = [user({"text": "2 + 3"}), model({"text": "5"}), user({"inlineData": {"data": "YQ=="}})]
    assert answer_to({"contents": said}).text == answer_to({"contents": said[:1]}).text
    cut = answer_to({"contents": [HI], "generationConfig": {"maxOutputTokens": 1}})
    assert cut.finish_reason is FinishReason.LENGTH
    shape = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    shaped = answer_to({"contents": [HI], "generationConfig": {"responseJsonSchema": shape}})
    assert json.loads(shaped.text) == {"a": 0}
    config = {"thinkingConfig": {"includeThoughts": True, "thinkingLevel": "LOW"}}
    assert answer_to({"contents": [HI], "generationConfig": config}).reasoning
    assert not answer_to({"contents": [HI]}).reasoning


def test_a_forced_tool_is_called_and_allowed_ones_are_among_those() -> None:
    tools = [{"functionDeclarations": [{"name": "f"}, {"name": "g"}]}]
    calling = {"mode": "ANY", "allowedFunctionNames": ["g"]}
    forced = answer_to({"contents": [HI], "tools": tools, "toolConfig": {"functionCallingConfig": calling}})
    assert [each.name for each in forced.tool_calls] == ["g"]
    call_ = forced.tool_calls[0]
    # The signature that the fake gave is one that it takes back, for that call only.
    signed = call("g", args=call_.arguments) | {"thoughtSignature": call_.extra["thoughtSignature"]}
    result = {"functionResponse": {"name": "g", "response": {"error": "no"}}}
    assert "no" in answer_to({"contents": [HI, model(signed), user(result)]}).text
    other = call("f", args=call_.arguments) | {"thoughtSignature": call_.extra["thoughtSignature"]}
    wrong = {"functionResponse": {"name": "f", "response": {"error": "no"}}}
    assert ask({"contents": [HI, model(other), user(wrong)]}).status == 400


def test_results_are_those_of_the_calls_before_by_name_order_and_id() -> None:
    asked = [call("f", id="a", args={}), call("g", id="b", args={})]

    def told(*results: JSON) -> int:
        contents = [HI, model(*asked), user(*({"functionResponse": each} for each in results))]
        return ask({"contents": contents}, model="gemini-2.5-flash").status

    first: JSON = {"id": "a", "name": "f", "response": {}}
    second: JSON = {"id": "b", "name": "g", "response": {}}
    assert told(first, second) == 200
    assert {told(second, first), told(first), told(first, second, second)} == {400}
    assert {told(first | {"name": "g"}, second), told(first, second | {"name": "f"})} == {400}
    assert {told(first | {"id": "b"}, second), told(first | {"response": "x"}, second)} == {400}


def test_counts_grow_with_the_texts_and_vectors_are_those_of_their_texts() -> None:
    def counted(*contents: JSON, **more: Any) -> int:
        body: JSON = {"contents": [*contents], **more}
        whole, inner = ask(body, method="countTokens"), {"generateContentRequest": body}
        assert whole.body == ask(inner, method="countTokens").body
        return int(json.loads(whole.body)["totalTokens"])

    longer = user({"text": "one two three four"})
    assert counted(HI) < counted(longer) < counted(longer, systemInstruction={"parts": [{"text": "a b c"}]})

    def vectors(*texts: str, **more: Any) -> Any:
        requests = [{"content": {"parts": [{"text": text}]}, **more} for text in texts]
        body = json.loads(ask({"requests": requests}, method="batchEmbedContents").body)
        return [each["values"] for each in body["embeddings"]]

    one, other, again = vectors("a", "b", "a")
    assert one == again != other
    assert {len(one), len(other)} == {8}
    assert all(-1 <= number < 1 for number in one)
    assert vectors("a", outputDimensionality=40)[0][:8] == one


@needs_types
def test_each_mode_and_level_that_the_sdk_lists_is_known_and_no_other() -> None:
    for word in (*google_words("FunctionCallingConfigMode"), "SOMETIMES"):
        body: JSON = {"contents": [HI], "toolConfig": {"functionCallingConfig": {"mode": word}}}
        assert (ask(body).status == 200) is (word != "SOMETIMES"), word
    for word in (*google_words("ThinkingLevel"), "MUCH"):
        body = {"contents": [HI], "generationConfig": {"thinkingConfig": {"thinkingLevel": word}}}
        assert (ask(body).status == 200) is (word != "MUCH"), word


def test_sources_that_belong_to_no_text_are_sent() -> None:
    part = ServerToolPart("citationMetadata", output=[{"uri": "u", "endIndex": 3}])
    whole = json.loads(encode_whole("google", Answer(parts=(part,))))
    assert whole["candidates"][0]["citationMetadata"] == {"citationSources": part.output}
