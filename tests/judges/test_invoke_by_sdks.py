"""Anthropic's SDK and botocore, pointed at the fake, read InvokeModel's answers as we do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from sansio import Message, ProviderConfig, ReasoningPart, TextPart, ToolCall
from sansio.testing import Answer, Broken, Failure, FakeProvider
from sansio.testing.wires.messages import sign
from tests.judges.sdks import package
from tests.judges.test_bedrock_by_botocore import client_of
from transports import create_sync_provider
from transports.testing.loopback import LoopbackThread, loopback_thread

pytestmark = pytest.mark.judges

MODEL = "us.anthropic.claude-sonnet-5-5-v1:0"
ASK = [Message("user", "Hi")]
ANSWER = Answer(
    parts=(
        ReasoningPart("Hm.", {"signature": sign("Hm.")}),
        TextPart("Hello, world."),
        ToolCall("t", "f", {"city": "Paris"}),
    ),
)
BODY: Any = {"max_tokens": 8192, "messages": [{"role": "user", "content": "Hi"}]}


@pytest.fixture
def server() -> Iterator[LoopbackThread]:
    with loopback_thread(FakeProvider("bedrock")) as server:
        yield server


def sdk_of(server: LoopbackThread) -> Any:
    return package("anthropic").AnthropicBedrock(
        api_key="k", aws_region="eu-west-1", base_url=server.url, max_retries=0
    )


def config(server: LoopbackThread) -> ProviderConfig:
    return ProviderConfig(
        type="bedrock",
        api="invoke",
        api_version="2026-10-21",  # as the SDK sends
        model=MODEL,
        region="eu-west-1",
        base_url=server.url,
    )


def content(message: Any) -> list[Any]:
    return [block.model_dump(exclude_none=True) for block in message.content]


def test_anthropics_sdk_reads_what_we_read_and_sends_what_we_send(server: LoopbackThread) -> None:
    sdk = sdk_of(server)
    server.provider.script.extend([ANSWER] * 4)
    with create_sync_provider(config(server), api_key="k") as provider:
        whole = provider.complete(ASK)
        with provider.stream(ASK) as stream:
            for _ in stream:
                pass
        assert stream.result().parts == whole.parts
    theirs = content(sdk.messages.create(model=MODEL, **BODY))
    with sdk.messages.stream(model=MODEL, **BODY) as streamed:
        again = content(streamed.get_final_message())
    for blocks in (theirs, again):
        assert [block["type"] for block in blocks] == ["thinking", "text", "tool_use"]
        assert blocks[0]["signature"] == whole.parts[0].extra["signature"]
        assert (blocks[1]["text"], blocks[2]["input"]) == (whole.text, whole.tool_calls[0].arguments)
    ours = server.provider.requests[:2]
    for our, their in zip(ours, server.provider.requests[2:], strict=True):
        assert our.target.replace("%3A", ":") == their.target
        assert json.loads(our.body) == json.loads(their.body)


def test_both_clients_see_the_errors_of_the_fake_as_bedrocks(server: LoopbackThread) -> None:
    failed = Broken(answer=ANSWER, after=1, failure=Failure(status=429, message="Busy."))
    server.provider.script.extend([failed, failed])
    with (
        pytest.raises(package("anthropic").APIError, match="Busy"),
        sdk_of(server).messages.stream(model=MODEL, **BODY) as streamed,
    ):
        streamed.get_final_message()
    body = json.dumps({"anthropic_version": "bedrock-2023-05-31", **BODY})
    response = client_of(server).invoke_model_with_response_stream(
        modelId=MODEL, body=body, contentType="application/json"
    )
    with pytest.raises(package("botocore.exceptions").EventStreamError) as caught:
        [*response["body"]]
    assert caught.value.response["Error"] == {"Code": "throttlingException", "Message": "Busy."}


def test_botocore_counts_the_tokens_of_the_same_body(server: LoopbackThread) -> None:
    body = json.dumps({"anthropic_version": "bedrock-2023-05-31", **BODY})
    counted = client_of(server).count_tokens(modelId=MODEL, input={"invokeModel": {"body": body}})
    with create_sync_provider(config(server), api_key="k") as provider:
        assert provider.count_tokens(ASK) == counted["inputTokens"]
