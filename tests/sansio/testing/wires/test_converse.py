"""The fake's half of Converse: what it writes, and what it refuses as Bedrock does."""

from __future__ import annotations

from typing import Any

import pytest

from sansio import (
    AudioPart,
    Credentials,
    FinishReason,
    Message,
    Part,
    Provider,
    ProviderConfig,
    ReasoningPart,
    RefusalPart,
    Request,
    Role,
    Send,
    StreamFailed,
    StreamParser,
    TextPart,
    ToolCall,
)
from sansio.events import RefusalDelta, ToolCallDelta, ToolCallStarted
from sansio.testing import Answer, Broken, Failure, FakeProvider, encode_events, encode_stream, encode_whole
from sansio.testing.wires.converse import sign
from tests.support import for_each

MODEL = "anthropic.claude-sonnet-5-5"
TURN = {"role": "user", "content": [{"text": "Hi"}]}
USE = {"toolUse": {"toolUseId": "t", "name": "f", "input": {}}}
RESULT = {"toolResult": {"toolUseId": "t", "content": [{"text": "x"}]}}
TOOLS = {"tools": [{"toolSpec": {"name": "f", "inputSchema": {"json": {"type": "object"}}}}]}
SIGNED = {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": sign("Hm.")}}}


def request(body: Any, verb: str = "converse", **more: Any) -> Request:
    import json

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
    cut = Answer(tool_calls=(ToolCall("t", "f", {}, '{"a"'),))
    invalid = Message(Role.ASSISTANT, cut.to_message().parts)
    assert invalid.tool_calls
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
