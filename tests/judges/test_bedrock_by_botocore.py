"""botocore, pointed at the fake, reads Converse's answers as we do, and signs as we do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from sansio import (
    Citation,
    Credentials,
    Message,
    ProviderConfig,
    ReasoningPart,
    Request,
    ServerToolPart,
    TextPart,
    ToolCall,
    Usage,
)
from sansio.testing import Answer, Broken, Failure, FakeProvider
from sansio.testing.wires.converse import sign
from tests.judges.sdks import package
from transports import create_sync_provider
from transports.testing.loopback import LoopbackThread, loopback_thread

pytestmark = pytest.mark.judges

MODEL = "us.anthropic.claude-sonnet-5-5-v1:0"
KEYS = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "token")
ASK = [{"role": "user", "content": [{"text": "Hi"}]}]
ANSWERS = [
    Answer(text="Hello, world.", usage=Usage(input_tokens=9, output_tokens=3, cached_tokens=4)),
    Answer(
        parts=(
            ReasoningPart("Hm.", {"signature": sign("Hm.")}),
            TextPart("It says so.", (Citation("https://e", "T"),)),
            ServerToolPart("server_tool_use", "s", "nova_grounding", {"q": "x"}),
            ToolCall("t", "f", {"city": "Paris"}),
            ToolCall("u", "g", {}),
        ),
    ),
]


@pytest.fixture
def server() -> Iterator[LoopbackThread]:
    with loopback_thread(FakeProvider("bedrock")) as server:
        yield server


def client_of(server: LoopbackThread) -> Any:
    session = package("botocore.session").Session()
    config = package("botocore.config").Config(retries={"total_max_attempts": 1})
    return session.create_client(
        "bedrock-runtime",
        region_name="eu-west-1",
        endpoint_url=server.url,
        aws_access_key_id=KEYS.access_key_id,
        aws_secret_access_key=KEYS.secret_access_key,
        aws_session_token=KEYS.session_token,
        config=config,
    )


def streamed(response: Any) -> dict[str, Any]:
    """What a stream says, put together as botocore's users do."""
    said: dict[str, Any] = {"text": "", "reasoning": "", "calls": {}, "arguments": {}}
    for event in response["stream"]:
        start = event.get("contentBlockStart", {}).get("start", {}).get("toolUse")
        if start and start.get("type") != "server_tool_use":
            at = event["contentBlockStart"]["contentBlockIndex"]
            said["calls"][at] = (start["toolUseId"], start["name"])
            said["arguments"][at] = ""
        delta = event.get("contentBlockDelta", {}).get("delta", {})
        at = event.get("contentBlockDelta", {}).get("contentBlockIndex")
        said["text"] += delta.get("text", "")
        said["reasoning"] += delta.get("reasoningContent", {}).get("text", "")
        if "toolUse" in delta and at in said["arguments"]:
            said["arguments"][at] += delta["toolUse"]["input"]
        if "messageStop" in event:
            said["stop"] = event["messageStop"]["stopReason"]
        if "metadata" in event:
            said["usage"] = event["metadata"]["usage"]
    return said


@pytest.mark.parametrize("answer", ANSWERS, ids=["text", "parts"])
def test_botocore_reads_what_we_read(server: LoopbackThread, answer: Answer) -> None:
    client = client_of(server)
    server.provider.script.extend([answer] * 4)
    config = ProviderConfig(type="bedrock", model=MODEL, region="eu-west-1", base_url=server.url)
    with create_sync_provider(config, api_key=KEYS) as provider:
        ours = provider.complete([Message("user", "Hi")])
        with provider.stream([Message("user", "Hi")]) as stream:
            for _ in stream:
                pass
            assert [part for part in stream.result().parts if not isinstance(part, ToolCall)] == [
                part for part in ours.parts if not isinstance(part, ToolCall)
            ]
    whole = client.converse(modelId=MODEL, messages=ASK)
    said = streamed(client.converse_stream(modelId=MODEL, messages=ASK))
    blocks = whole["output"]["message"]["content"]
    texts = [block.get("text") or "" for block in blocks]
    texts += [c["text"] for b in blocks for c in b.get("citationsContent", {}).get("content", ())]
    assert "".join(texts) == said["text"] == ours.text
    assert said["reasoning"] == ours.reasoning
    assert said["stop"] == whole["stopReason"] == ours.raw_finish_reason
    assert [*said["calls"].values()] == [(call.id, call.name) for call in ours.tool_calls]
    assert [json.loads(text or "{}") for text in said["arguments"].values()] == [
        call.arguments for call in ours.tool_calls
    ]
    assert ours.usage is not None
    assert said["usage"] == whole["usage"]
    assert said["usage"]["totalTokens"] == ours.usage.input_tokens + ours.usage.output_tokens


def test_botocore_sees_our_errors_as_bedrock_s(server: LoopbackThread) -> None:
    client = client_of(server)
    errors = package("botocore.exceptions")
    server.provider.script.append(Failure(status=429, message="Busy."))
    with pytest.raises(errors.ClientError) as caught:
        client.converse(modelId=MODEL, messages=ASK)
    assert caught.value.response["Error"] == {"Code": "ThrottlingException", "Message": "Busy."}
    failed = Broken(answer=ANSWERS[0], after=1, failure=Failure(status=503, message="Gone."))
    server.provider.script.append(failed)
    with pytest.raises(errors.EventStreamError) as broken:
        streamed(client.converse_stream(modelId=MODEL, messages=ASK))
    assert broken.value.response["Error"] == {"Code": "serviceUnavailableException", "Message": "Gone."}


def test_both_send_the_same_request_apart_from_the_time(server: LoopbackThread) -> None:
    client_of(server).converse(modelId=MODEL, messages=ASK)
    config = ProviderConfig(type="bedrock", model=MODEL, region="eu-west-1", base_url=server.url)
    with create_sync_provider(config, api_key=KEYS) as provider:
        provider.complete([Message("user", "Hi")])
    theirs, ours = server.provider.requests
    assert theirs.target == ours.target
    assert json.loads(theirs.body) == json.loads(ours.body)
    assert scope(theirs) == scope(ours)


def scope(request: Request) -> str:
    return dict(request.headers)["authorization"].partition(", ")[0]
