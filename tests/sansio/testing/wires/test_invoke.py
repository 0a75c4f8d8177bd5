"""The fake's half of Bedrock's InvokeModel: what it writes, and what it refuses as Bedrock does."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from sansio import (
    AWSChunkFramer,
    ContentDelta,
    FinishReason,
    JSONObject,
    RefusalPart,
    Request,
    StreamComplete,
    StreamFailed,
    StreamParser,
    StreamTruncatedError,
    TextPart,
    UnknownPart,
)
from sansio.testing import Answer, Broken, Failure, FakeProvider, encode_stream, encode_whole
from sansio.testing.wires.invoke import METRICS
from tests.support import for_each

KIND = "bedrock/invoke"
TURN = {"role": "user", "content": "Hi"}
BODY: dict[str, Any] = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 100, "messages": [TURN]}
HEADERS = (("authorization", "Bearer k"),)
URL_IMAGE = {"type": "image", "source": {"type": "url", "url": "https://e/i.png"}}
COUNTS: JSONObject = {"inputTokenCount": 1, "outputTokenCount": 2}


def request(body: Any, verb: str = "invoke", model: str = "a%2Fb") -> Request:
    return Request.post(f"http://localhost/model/{model}/{verb}", HEADERS, json.dumps(body).encode())


def told(changes: dict[str, Any], model: str = "m", **more: Any) -> tuple[int, str]:
    body = {name: value for name, value in {**BODY, **changes}.items() if value is not None}
    given = FakeProvider("bedrock").respond(request(body, model=model, **more))
    return given.status, given.body.decode()


def records(pieces: tuple[bytes, ...]) -> list[tuple[str, dict[str, Any]]]:
    """The names of frames, and their JSON, or that of the chunks in them."""
    found: list[tuple[str, dict[str, Any]]] = []

    def read(payload: bytes, events: list[Any], name: str) -> bool:
        found.append((name, json.loads(payload)))
        return False

    AWSChunkFramer().feed(b"".join(pieces), read, [])
    return found


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"anthropic_version": None}, "anthropic_version"),
    ({"anthropic_version": "2023-06-01"}, "anthropic_version"),
    ({"anthropic_beta": "a"}, "anthropic_beta"),
    ({"max_tokens": None}, "max_tokens"),
    ({"messages": []}, "messages"),
    *(({name: "x"}, name) for name in ("model", "stream", "container", "inference_geo", "service_tier")),
    *(({name: "x"}, name) for name in ("mcp_servers", "speed", "workspace_id")),
    ({"fallbacks": []}, "fallbacks"),
    ({"messages": [{"role": "user", "content": [URL_IMAGE]}]}, "messages.0.content.0.source"),
    (
        {"messages": [{"role": "user", "content": [{"type": "document", "source": {"type": "file"}}]}]},
        "messages.0.content.0.source",
    ),
    (
        {
            "messages": [
                TURN,
                {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "f", "input": {}}]},
                {
                    "role": "user",
                    "content": [{"type": "tool_result", "tool_use_id": "t", "content": [URL_IMAGE]}],
                },
            ]
        },
        "messages.2.content.0.content.0.source",
    ),
]


@for_each(REFUSED)
def test_what_bedrock_refuses_the_fake_refuses(case: tuple[dict[str, Any], str]) -> None:
    changes, words = case
    status, message = told(changes)
    assert status == 400
    assert words in message
    assert "message" in json.loads(message)


def test_a_good_request_is_answered_in_its_form() -> None:
    status, message = told({"system": "Be brief.", "thinking": {"type": "adaptive"}})
    assert status == 200
    assert json.loads(message)["type"] == "message"
    assert told({"anthropic_beta": ["a"], "context_management": {}})[0] == 200
    given = FakeProvider("bedrock").respond(request(BODY, "invoke-with-response-stream"))
    assert dict(given.headers)["content-type"] == "application/vnd.amazon.eventstream"
    names = [(name, record["type"]) for name, record in records(given.pieces)]
    assert names[0] == ("", "message_start")
    assert names[-1] == ("", "message_stop")
    assert ("", "ping") not in names


def test_the_later_version_is_for_later_models_and_has_no_sampling() -> None:
    later = {"anthropic_version": "2026-10-21"}
    assert told(later)[0] == told(later, model="anthropic.claude-opus-5-5")[0] == 200
    assert told(later, model="anthropic.claude-sonnet-4-5")[0] == 400
    assert "temperature" in told({**later, "temperature": 0.5})[1]
    assert told({"temperature": 0.5})[0] == 200


def test_a_model_is_named_in_the_path_and_tokens_are_counted_of_either_body() -> None:
    known = FakeProvider("bedrock", models=["a/b"])
    assert known.respond(request(BODY)).status == 200
    unknown = FakeProvider("bedrock", models=["other"]).respond(request(BODY))
    assert unknown.status == 404
    assert dict(unknown.headers)["x-amzn-errortype"].startswith("ResourceNotFoundException:")
    encoded = base64.b64encode(json.dumps(BODY).encode()).decode()
    for fake in (known, FakeProvider(KIND), FakeProvider(None)):
        counted = fake.respond(request({"input": {"invokeModel": {"body": encoded}}}, "count-tokens"))
        assert counted.body == b'{"inputTokens":2}'
    for wrong in ("e30", "W10=", "e30=", 1):
        refused = known.respond(request({"input": {"invokeModel": {"body": wrong}}}, "count-tokens"))
        assert refused.status == 400
    both = {"converse": {"messages": [TURN]}, "invokeModel": {"body": encoded}}
    assert known.respond(request({"input": both}, "count-tokens")).status == 400


def test_a_server_of_one_family_serves_that_alone_and_a_server_of_all_serves_it_too() -> None:
    only = FakeProvider(KIND)
    assert only.respond(request(BODY)).status == 200
    refused = only.respond(request({"messages": [TURN]}, "converse"))
    assert refused.status == 404
    assert FakeProvider(None).respond(request(BODY)).status == 200
    assert FakeProvider(KIND, key="other").respond(request(BODY)).status == 401


def parsed(pieces: tuple[bytes, ...]) -> Any:
    parser = StreamParser("bedrock", api="invoke")
    return [event for piece in pieces for event in parser.receive_data(piece)] + parser.receive_eof()


@for_each([(429, "throttlingException"), (500, "internalServerException"), (400, "validationException")])
def test_an_error_inside_a_stream_is_an_exception(case: tuple[int, str]) -> None:
    status, kind = case
    said = Broken(answer=Answer(text="One two"), after=1, failure=Failure(status=status, message="no"))
    first, last = parsed(encode_stream(KIND, said))
    assert isinstance(first, ContentDelta)
    assert isinstance(last, StreamFailed)
    assert (last.error.error_type, last.error.provider_message) == (kind, "no")


def test_a_stream_may_break_off() -> None:
    last = parsed(encode_stream(KIND, Broken(answer=Answer(text="One two"), after=1)))[-1]
    assert isinstance(last, StreamFailed)
    assert isinstance(last.error, StreamTruncatedError)


def test_the_metrics_are_in_the_last_event_and_read_again() -> None:
    pieces = encode_stream(KIND, Answer(text="Hi", extra={METRICS: COUNTS}))
    (_, stop) = records(pieces)[-1]
    assert stop == {"type": "message_stop", METRICS: COUNTS}
    last = parsed(pieces)[-1]
    assert isinstance(last, StreamComplete)
    assert last.message.extra == {METRICS: COUNTS}
    plain = records(encode_stream(KIND, Answer(text="Hi")))[-1]
    assert plain == ("", {"type": "message_stop"})


def test_answers_are_claudes() -> None:
    parts = (TextPart("Hi"), UnknownPart("new", {"type": "new", "a": 1}), RefusalPart("No."))
    said = Answer(parts=parts, finish_reason=FinishReason.REFUSAL)
    whole = json.loads(encode_whole(KIND, said))
    assert [block["type"] for block in whole["content"]] == ["text", "new"]
    last = parsed(encode_stream(KIND, said))[-1]
    assert isinstance(last, StreamComplete)
    assert last.message.parts == parts
    with pytest.raises(ValueError, match="finish reason"):
        encode_stream(KIND, Answer(text="Hi", finish_reason=FinishReason.ERROR))
