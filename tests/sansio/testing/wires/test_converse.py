"""The fake's half of Converse: what it writes, and what it refuses as Bedrock does."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sansio import (
    AudioPart,
    Citation,
    Credentials,
    FinishReason,
    ImagePart,
    InvalidToolCall,
    Message,
    Part,
    Provider,
    ProviderConfig,
    ReasoningPart,
    RefusalPart,
    Request,
    Send,
    ServerToolPart,
    StreamComplete,
    StreamFailed,
    StreamParser,
    TextPart,
    ToolCall,
    UnknownPart,
    Usage,
)
from sansio.events import PartComplete, RefusalDelta, ToolCallDelta, ToolCallStarted
from sansio.providers import dialect_named
from sansio.testing import Answer, Broken, Failure, FakeProvider, encode_events, encode_stream, encode_whole
from sansio.testing.wires.converse import sign
from tests.support import for_each
from tests.wire_types import amazon_fields, amazon_statuses, amazon_words, needs_types

MODEL = "anthropic.claude-sonnet-5-5"
TURN = {"role": "user", "content": [{"text": "Hi"}]}
USE = {"toolUse": {"toolUseId": "t", "name": "f", "input": {}}}
RESULT = {"toolResult": {"toolUseId": "t", "content": [{"text": "x"}, {"json": [{"a": 1}]}]}}
TOOLS = {"tools": [{"toolSpec": {"name": "f", "inputSchema": {"json": {"type": "object"}}}}]}
SIGNED = {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": sign("Hm.")}}}


def request(body: Any, verb: str = "converse", **more: Any) -> Request:
    headers = (("authorization", "Bearer k"),)
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Request.post(f"http://localhost/model/a%2Fb/{verb}", more.get("headers", headers), data)


def turn(role: str, *blocks: Any) -> dict[str, Any]:
    return {"role": role, "content": list(blocks)}


def told(body: dict[str, Any], verb: str = "converse") -> tuple[int, str]:
    given = FakeProvider("bedrock").respond(request({"messages": [TURN], **body}, verb))
    return given.status, given.body.decode()


def doc(**fields: Any) -> dict[str, Any]:
    return {"document": {"format": "txt", "name": "n", "source": {"text": "x"}, **fields}}


def spec(**fields: Any) -> dict[str, Any]:
    return {"tools": [{"toolSpec": {"name": "f", "inputSchema": {"json": {"type": "object"}}, **fields}}]}


REFUSED: list[tuple[dict[str, Any], str]] = [
        ({"messages": []}, "user message"),
        ({"model": "m"}, "model"),
        ({"system": [{"image": {}}]}, "system.0"),
        ({"messages": [turn("tool", {"text": "a"})]}, "neither user"),
        ({"messages": [turn("assistant", {"text": "a"})]}, "user message"),
        ({"messages": [turn("user")]}, "empty"),
        ({"messages": [turn("user", {"text": " "})]}, "blank"),
        ({"messages": [turn("user", {"text": "a", "image": {}})]}, "required"),
        ({"messages": [turn("user", {"image": 1})]}, "object"),
        ({"messages": [turn("user", doc(format="exe"))]}, "format"),
        ({"messages": [turn("user", doc(source={}))]}, "source"),
        ({"messages": [turn("user", doc(source={"url": "x"}))]}, "source"),
        ({"messages": [turn("user", doc(name="a.b"))]}, "name"),
        ({"messages": [TURN, turn("assistant", {"toolUse": {"name": "f"}}), TURN]}, "toolUseId"),
        ({"messages": [TURN, turn("assistant", {"toolUse": {"name": "f", "input": {}}}), TURN]}, "toolUseId"),
        ({"messages": [TURN, turn("assistant", {"toolUse": {**USE["toolUse"], "name": 1}}), TURN]}, "a name"),
        ({"messages": [TURN, turn("assistant", {"reasoningContent": {"reasoningText": {"text": "a"}}})]},
         "signature"),
        ({"messages": [TURN, turn("assistant", {"reasoningContent": {}})]}, "redactedContent"),
        ({"messages": [turn("user", {"toolResult": {"content": []}})]}, "toolUseId"),
        ({"messages": [turn("user", {"toolResult": {"toolUseId": "t", "content": [{"toolUse": {}}]}})]},
         "content.0"),
        ({"messages": [TURN, turn("assistant", USE), TURN]}, "Expected toolResult"),
        ({"messages": [TURN, turn("assistant", USE)]}, "Expected toolResult"),
        ({"messages": [TURN, turn("assistant", USE, USE), turn("user", RESULT, RESULT)]}, "unique"),
        ({"messages": [TURN, turn("assistant", USE), turn("user", RESULT)]}, "toolConfig"),
        ({"messages": [turn("user", doc(), {"cachePoint": {"type": "default"}})]}, "document"),
        ({"messages": [turn("user", *[{"text": "a"}, {"cachePoint": {}}] * 5)]}, "at most 4"),
        ({"toolConfig": spec(name="a b")}, "name"),
        ({"toolConfig": spec(description="")}, "description"),
        ({"toolConfig": spec(inputSchema={})}, "inputSchema"),
        ({"toolConfig": {"tools": TOOLS["tools"] * 2}}, "unique"),
        ({"toolConfig": {**TOOLS, "toolChoice": {"tool": {"name": "g"}}}}, "toolChoice"),
        ({"inferenceConfig": {"temperature": 2}}, "temperature"),
        ({"outputConfig": {"textFormat": {"type": "json"}}}, "json_schema"),
        ({"outputConfig": {"textFormat": {
            "type": "json_schema", "structure": {"jsonSchema": {"schema": "["}}}}}, "JSON object"),
]  # fmt: skip


@for_each(REFUSED)
def test_what_bedrock_refuses_the_fake_refuses(case: tuple[dict[str, Any], str]) -> None:
    body, words = case
    status, message = told(body)
    assert status == 400
    assert words in message


def test_a_good_request_is_answered_in_its_form() -> None:
    system = [{"text": "Be brief."}, {"cachePoint": {"type": "default"}}]
    tools = {"tools": [*TOOLS["tools"], {"cachePoint": {"type": "default"}}], "toolChoice": {"any": {}}}
    history = [TURN, turn("assistant", SIGNED, USE), turn("user", RESULT), turn("system", {"text": "x"})]
    status, message = told({"system": system, "toolConfig": tools, "messages": history})
    assert status == 200
    assert '"toolUse"' in message
    assert told({"toolConfig": {**TOOLS, "toolChoice": {"tool": {"name": "f"}}}})[0] == 200
    schema = {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": {"schema": "{}"}}}}
    assert (
        told({"outputConfig": schema, "additionalModelRequestFields": {"thinking": {"type": "adaptive"}}})[0]
        == 200
    )
    redacted = turn("assistant", {"reasoningContent": {"redactedContent": "eA=="}}, {"text": "a"})
    assert told({"messages": [TURN, redacted, turn("user", {"toolResult": RESULT["toolResult"]})]})[0] == 400
    given = FakeProvider("bedrock").respond(request({"messages": [TURN]}, "converse-stream"))
    assert dict(given.headers)["content-type"] == "application/vnd.amazon.eventstream"


def test_a_model_is_named_in_the_path_and_tokens_are_counted() -> None:
    known = FakeProvider("bedrock", models=["a/b"])
    assert known.respond(request({"messages": [TURN]})).status == 200
    unknown = FakeProvider("bedrock", models=["other"]).respond(request({"messages": [TURN]}))
    assert unknown.status == 404
    assert dict(unknown.headers)["x-amzn-errortype"].startswith("ResourceNotFoundException:")
    counted = known.respond(request({"input": {"converse": {"messages": [TURN]}}}, "count-tokens"))
    assert counted.body == b'{"inputTokens":2}'
    assert known.respond(request({"input": {"invokeModel": {}}}, "count-tokens")).status == 400
    listed = known.respond(
        Request.get("http://localhost/foundation-models", (("authorization", "Bearer k"),))
    )
    assert b'"modelId":"a/b"' in listed.body
    (row,) = json.loads(listed.body)["modelSummaries"]
    assert row.keys() >= {"modelArn", "modelName", "providerName", "responseStreamingSupported"}


def test_a_signature_or_a_bearer_key_is_needed() -> None:
    config = ProviderConfig(type="bedrock", model=MODEL, region="eu-west-1", base_url="https://a.example")
    made = Provider(config)
    step = made.call([Message("user", "Hi")]).next_step()
    assert isinstance(step, Send)
    signed = made.authorize(step.request, Credentials("AKID", "secret"), now=1e9)
    assert FakeProvider("bedrock").respond(signed).status == 200
    assert FakeProvider("bedrock", key="only").respond(signed).status == 401
    assert FakeProvider(None).respond(signed).status == 200
    odd = (("authorization", "AWS4-HMAC-SHA256 Credential=x"),)
    for headers in (odd, ()):
        given = FakeProvider("bedrock").respond(request({"messages": [TURN]}, headers=headers))
        assert given.status == 401
        assert dict(given.headers)["x-amzn-errortype"].startswith("UnrecognizedClientException:")


@for_each(
    [
        (429, "throttlingException"),
        (400, "validationException"),
        (503, "serviceUnavailableException"),
        (529, "internalServerException"),
        (418, "validationException"),
    ]
)
def test_an_error_inside_a_stream_is_an_exception(case: tuple[int, str]) -> None:
    status, kind = case
    said = Broken(answer=Answer(text="One two"), after=1, failure=Failure(status=status, message="no"))
    parser = StreamParser("bedrock")
    last = [event for piece in encode_stream("bedrock", said) for event in parser.receive_data(piece)][-1]
    assert isinstance(last, StreamFailed)
    assert (last.error.error_type, last.error.provider_message) == (kind, "no")


NO_PLACE: list[Part] = [
    RefusalPart("No."),
    AudioPart(transcript="Hi"),
    ToolCall("t", "f", {"input": "x"}, kind="custom"),
]


@for_each(NO_PLACE)
def test_a_part_that_has_no_place_is_an_error(part: Part) -> None:
    for encode in (encode_whole, encode_stream):
        with pytest.raises(ValueError, match="no place"):
            encode("bedrock", Answer(parts=(part,)))


def test_what_only_a_stream_or_no_answer_can_say_is_an_error() -> None:
    with pytest.raises(ValueError, match="as objects"):
        encode_whole("bedrock", Answer(tool_calls=(InvalidToolCall("t", "f", "{", "cut"),)))
    with pytest.raises(ValueError, match="ImagePart"):
        encode_whole("bedrock", Answer(parts=(ImagePart(data=b"BM", media_type="image/bmp"),)))
    with pytest.raises(ValueError, match="RefusalPart"):
        encode_events("bedrock", [PartComplete(0, RefusalPart("No."))])
    cut_off = encode_stream("bedrock", Broken(answer=Answer(text="One two"), after=1))
    assert b"messageStop" not in b"".join(cut_off)
    with pytest.raises(ValueError, match="finish reason"):
        encode_whole("bedrock", Answer(text="Hi", finish_reason=FinishReason.PAUSE))
    with pytest.raises(ValueError, match="interleaved"):
        encode_events("bedrock", [ToolCallStarted(0, "t", "f"), ToolCallDelta(1, "{}")])
    with pytest.raises(ValueError, match="RefusalPart"):
        encode_events("bedrock", [RefusalDelta("No.")])


def test_reasoning_is_signed_and_blank_texts_are_kept() -> None:
    whole = encode_whole("bedrock", Answer(parts=(ReasoningPart("Hm."), TextPart(" "))))
    assert sign("Hm.").encode() in whole
    assert b'{"text":" "}' in whole
    assert sign("Hm.").encode() in b"".join(encode_stream("bedrock", Answer(reasoning="Hm.", text="Hi")))


# The fields and the words that botocore lists.


def known(body: dict[str, Any], name: str) -> bool:
    """Whether the fake knows a name, which the body has somewhere; it refuses each unknown one alike."""
    text = json.dumps(body)
    assert name in text
    other = json.loads(text.replace(f'"{name}"', '"nonsense"'))
    return told(body)[1] != told(other)[1].replace("nonsense", name)


@needs_types
def test_each_field_of_a_request_is_known_and_no_other() -> None:
    for field in amazon_fields("ConverseRequest").keys() - {"messages"}:
        assert known({field: None if field == "system" else {}}, field), field
        assert "nonsense" in told({"nonsense": {}})[1]
    for field in amazon_fields("InferenceConfiguration"):
        assert known({"inferenceConfig": {field: "x"}}, field), field
    for field in amazon_fields("ToolConfiguration"):
        assert known({"toolConfig": {field: "x"}}, field), field


PLACES: list[tuple[str, Any]] = [
    ("ContentBlock", lambda block: {"messages": [turn("user", block)]}),
    ("ContentBlock", lambda block: {"messages": [TURN, turn("assistant", block)]}),
    ("SystemContentBlock", lambda block: {"system": [block]}),
    (
        "ToolResultContentBlock",
        lambda block: {
            "messages": [turn("user", {"toolResult": {"toolUseId": "t", "content": [block]}})],
        },
    ),
]
ONLY_SAID = {"toolUse", "reasoningContent", "citationsContent"}
"""Blocks of answers alone."""
OF_ANSWERS = {"text", "image", "toolResult", "cachePoint", *ONLY_SAID}


@needs_types
@pytest.mark.parametrize("place", range(len(PLACES)))
def test_each_kind_of_block_is_known_where_it_may_be(place: int) -> None:
    shape, body = PLACES[place]
    kinds = amazon_fields(shape).keys()
    refused = {kind for kind in kinds if "is required, not" in told(body({kind: {"a": 1}}))[1]}
    assert refused == {0: ONLY_SAID, 1: kinds - OF_ANSWERS}.get(place, set())
    assert "is required, not nonsense" in told(body({"nonsense": {}}))[1]


@needs_types
def test_each_format_of_a_file_is_known_and_no_other() -> None:
    for kind in ("image", "document", "video", "audio"):
        words = amazon_words(f"{kind.title()}Format")
        for word in (*words, "exe"):
            file = {"format": word, "name": "n", "source": {"bytes": "YQ=="}}
            assert (told({"messages": [turn("user", {kind: file})]})[0] == 200) is (word in words), word
    for source in amazon_fields("DocumentSource"):
        assert told({"messages": [turn("user", doc(source={source: "x"}))]})[0] == 200


@needs_types
def test_each_status_of_an_error_has_a_type_that_is_listed_with_it() -> None:
    statuses = amazon_statuses()
    for status in set(statuses.values()):
        failing = FakeProvider("bedrock", [Failure(status=status, message="no")])
        given = failing.respond(request({"messages": [TURN]}))
        kind = dict(given.headers)["x-amzn-errortype"].partition(":")[0]
        assert (given.status, statuses[kind]) == (status, status)


SOURCE = Citation("https://e", "T", "words", extra={"location": {"web": {"domain": "e"}}})
ANSWER = Answer(
    parts=(
        ReasoningPart("Let me think.", {"signature": "s"}),
        ReasoningPart("", {"redactedContent": "eA=="}),
        TextPart("It is "),
        TextPart("sunny.", (SOURCE, Citation(title="U"))),
        ServerToolPart("server_tool_use", "t1", "search", {"query": "weather in Paris"}),
        ServerToolPart("r", "t1", output=[{"text": "x"}, {"json": {"a": 1}}], status="success"),
        ImagePart(data=b"\x89PNG\r\n\x1a\n", extra={"error": None}),
        UnknownPart("aNewKind", {"aNewKind": {"a": 1}}),
        ToolCall("t", "f", {"a": 1}, '{"a":1}', extra={"type": "tool_use"}),
        ToolCall("u", "g", {"b": 2}, '{"b":2}'),
    ),
    usage=Usage(
        input_tokens=9,
        output_tokens=5,
        cached_tokens=2,
        cache_write_tokens=3,
        extra={"cacheDetails": []},
    ),
    extra={"additionalModelResponseFields": {"a": 1}, "metrics": {"latencyMs": 5}},
)


def test_an_answer_is_read_as_it_was_meant_whole_and_streamed() -> None:
    whole = json.loads(encode_whole("bedrock", ANSWER))
    parser = StreamParser("bedrock")
    last = [event for piece in encode_stream("bedrock", ANSWER) for event in parser.receive_data(piece)][-1]
    assert isinstance(last, StreamComplete)
    for message in (dialect_named("bedrock").parse_response(whole), last.message):
        assert message.parts == ANSWER.parts
        assert (message.usage, message.extra) == (ANSWER.usage, ANSWER.extra)
        assert (message.finish_reason, message.raw_finish_reason) == (FinishReason.TOOL_CALLS, "tool_use")
    assert whole["output"]["message"]["role"] == "assistant"
    stops = [piece for piece in encode_stream("bedrock", ANSWER) if b"contentBlockStop" in piece]
    indexes = [int(piece.partition(b'"contentBlockIndex":')[2].partition(b",")[0]) for piece in stops]
    assert indexes == [*range(len(ANSWER.to_message().parts))]
    counts = whole["usage"]
    assert counts["totalTokens"] == 14
    assert sum(count for name, count in counts.items() if name.endswith("putTokens")) == 14


@needs_types
def test_answers_end_in_words_that_are_listed() -> None:
    for reason in (FinishReason.STOP, FinishReason.LENGTH, FinishReason.CONTENT_FILTER, FinishReason.ERROR):
        whole = dialect_named("bedrock").parse_response(
            json.loads(encode_whole("bedrock", Answer(text="Hi", finish_reason=reason)))
        )
        assert whole.finish_reason is reason
        assert whole.raw_finish_reason in amazon_words("StopReason")


def test_frames_are_padded_and_each_text_is_a_block_with_its_end() -> None:
    pieces = encode_stream("bedrock", Answer(parts=(TextPart("One two"), TextPart("three"))))
    assert all(b'"p":"' in piece for piece in pieces)
    assert b'"role":"assistant"' in pieces[0]
    ends = [piece for piece in pieces if b"contentBlockStop" in piece]
    assert [b'"contentBlockIndex":%d' % at in end for at, end in enumerate(ends)] == [True, True]


def test_each_frame_has_the_headers_that_amazon_gives_it() -> None:
    failing = Broken(answer=Answer(text="One two"), after=1, failure=Failure(status=503, message="no"))
    *events, last = encode_stream("bedrock", failing)
    for frames, kind in ((events, b"event"), ([last], b"exception")):
        for frame_is in frames:
            size = len(kind).to_bytes(2, "big")
            assert b"\x0d:message-type\x07" + size + kind in frame_is
            assert b"\x0d:content-type\x07\x00\x10application/json" in frame_is
            assert b":" + kind + b"-type\x07" in frame_is


def test_the_names_of_tools_and_documents() -> None:
    for name in ("a", "Z9_-", "x" * 64):
        assert told({"toolConfig": spec(name=name)})[0] == 200
    for name in ("", "a.b", "x" * 65):
        assert told({"toolConfig": spec(name=name)})[0] == 400
    for name in ("My report (1) [b]-_c", "x" * 200):
        assert told({"messages": [turn("user", doc(name=name))]})[0] == 200
    for name in ("", "a  b", "abc  d", "a.b", "x" * 201):
        assert told({"messages": [turn("user", doc(name=name))]})[0] == 400


def test_a_block_may_name_its_type_beside_its_kind() -> None:
    assert told({"messages": [turn("user", {"type": "text", "text": "Hi"})]})[0] == 200


def test_calls_and_results_of_any_tool_need_tools() -> None:
    served = {**USE["toolUse"], "type": "server_tool_use"}
    result = {"toolUseId": "t", "content": [{"text": "x"}], "type": "r"}
    for block in ({"toolUse": served}, {"toolResult": result}):
        history = {"messages": [TURN, turn("assistant", block), TURN]}
        assert "toolConfig" in told(history)[1]
        assert told({**history, "toolConfig": TOOLS})[0] == 200


def test_the_last_text_of_the_user_is_answered_and_a_result_of_another_turn_is_not() -> None:
    def text(*messages: Any) -> str:
        return str(
            json.loads(told({"messages": [*messages], "toolConfig": TOOLS})[1])["output"]["message"][
                "content"
            ]
        )

    asked, said = turn("user", {"text": "2 + 3"}), turn("assistant", {"text": "5"})
    image = turn("user", {"image": {"format": "png", "source": {"bytes": "YQ=="}}})
    assert "5" in text(asked)
    assert text(asked, said, image) == text(asked)
    called = [TURN, turn("assistant", USE), turn("user", RESULT)]
    assert "f said 'x'" in text(*called)
    assert text(*called, said, asked) == text(asked)
