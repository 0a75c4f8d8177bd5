"""A wire family of binary frames and signed requests, added from outside: Amazon Bedrock's Converse."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import (
    APIStatusError,
    Citation,
    ConfigError,
    ContentDelta,
    FinishReason,
    ImagePart,
    InternalServerError,
    InvalidRequestError,
    InvalidToolCall,
    Message,
    Provider,
    ProviderConfig,
    ProviderDefaults,
    RateLimitError,
    ReasoningPart,
    RefusalPart,
    RemoteProtocolError,
    Request,
    Role,
    StreamFailed,
    StreamTruncatedError,
    TextPart,
    ToolCall,
    UnknownPart,
)
from sansio.testing import FakeResponse, Sample, check_dialect
from sansio.testing.eventstream import encode_frame
from tests.foreign import converse_like
from tests.foreign.converse_like import ConverseDialect, block_of, part_of, sign
from tests.foreign.gemini_like import GeminiDialect
from tests.foreign.helpers import (
    ASK,
    SHARED,
    WEATHER,
    Canned,
    answered,
    body_of,
    corpus,
    finished,
    golden,
    read,
    registered,
    request_of,
)
from tests.support import for_each
from transports import create_provider, create_sync_provider
from transports.testing.loopback import loopback_thread, serve_loopback

JSON: TypeAlias = dict[str, Any]  # Any: JSON as the provider might send it

EVENTSTREAM = "application/vnd.amazon.eventstream"
FOLDER = "corpus-bedrock"
BASE = "https://bedrock-runtime.eu-west-1.amazonaws.com"
MODEL = "anthropic.claude-x-v1:0"
DEFAULTS = ProviderDefaults(base_url=BASE, api_key_env="AWS_KEY", api="mine")
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
KEY = f"AKIDEXAMPLE:{SECRET}"
"""The keys of AWS's own examples."""
NOW = datetime(2015, 8, 30, 12, 36, tzinfo=UTC).timestamp()

BLOCKS: list[JSON] = [
    {"reasoningContent": {"reasoningText": {"text": "Let me think.", "signature": "c2ln"}}},
    {"reasoningContent": {"redactedContent": "c2VjcmV0"}},
    {"text": "It is sunny."},
    {"citationsContent": {
        "content": [{"text": "As they say."}],
        "citations": [{"title": "They", "location": {"documentChunk": {"start": 1}}, "source": None}],
    }},
    {"toolUse": {"toolUseId": "s1", "name": "search", "input": {"q": "x"}, "type": "server_tool_use"}},
    {"toolResult": {"toolUseId": "s1", "content": [{"text": "[HIDDEN]"}], "status": "success", "type": "r"}},
    {"toolUse": {"toolUseId": "t1", "name": "get_weather", "input": {"city": "Paris"}, "type": "tool_use"}},
    {"toolUse": {"toolUseId": "t2", "name": "now", "input": {}}},
    {"somethingNew": {"a": [1, None]}},
]  # fmt: skip
READ_IN_STREAMS = [*BLOCKS[:4], *BLOCKS[6:]]
USAGE = {
    "inputTokens": 10,
    "outputTokens": 5,
    "cacheReadInputTokens": 3,
    "cacheWriteInputTokens": 2,
    "totalTokens": 20,
}
LAST = {"usage": USAGE, "metrics": {"latencyMs": 7}, "p": "abc"}


def frame(kind: str, payload: JSON) -> bytes:
    headers = {":event-type": kind, ":content-type": "application/json", ":message-type": "event"}
    return encode_frame(headers, json.dumps(payload).encode())


def block_frames(at: int, block: JSON, size: int = 4) -> list[tuple[str, JSON]]:
    """The frames of one block, its text in pieces."""
    kind, inner = next(iter(block.items()))
    start: JSON | None = None
    deltas: list[JSON]
    if kind == "text":
        deltas = [{"text": piece} for piece in cut(inner, size)]
    elif kind == "citationsContent":
        deltas = [{"citation": one} for one in inner["citations"]]
        deltas += [{"text": piece} for piece in cut(inner["content"][0]["text"], size)]
    elif "reasoningText" in inner:
        thought = inner["reasoningText"]
        deltas = [{"reasoningContent": {"text": piece}} for piece in cut(thought["text"], size)]
        deltas += (
            [{"reasoningContent": {"signature": thought["signature"]}}] if "signature" in thought else []
        )
    elif kind == "reasoningContent":
        deltas = [{"reasoningContent": inner}]
    elif kind == "toolUse":
        start = {"toolUse": {name: value for name, value in inner.items() if name != "input"}}
        pieces = cut(json.dumps(inner["input"]), size) if inner["input"] else []
        deltas = [{"toolUse": {"input": piece}} for piece in pieces]
    elif kind == "toolResult":
        start = {"toolResult": {name: value for name, value in inner.items() if name != "content"}}
        deltas = [{"toolResult": [one]} for one in inner["content"]]
    else:
        start, deltas = block, []
    frames = [("contentBlockStart", {"start": start, "p": "ab"})] if start is not None else []
    frames += [("contentBlockDelta", {"delta": delta, "p": "abcd"}) for delta in deltas]
    return [(name, {"contentBlockIndex": at, **data}) for name, data in [*frames, ("contentBlockStop", {})]]


def cut(text: str, size: int) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]


def frames_of(*blocks: JSON, reason: str = "tool_use") -> list[tuple[str, JSON]]:
    inner = [each for at, block in enumerate(blocks) for each in block_frames(at, block)]
    return [
        ("messageStart", {"role": "assistant"}),
        *inner,
        ("messageStop", {"stopReason": reason}),
        ("metadata", LAST),
    ]


def stream_of(*blocks: JSON, reason: str = "tool_use") -> bytes:
    return b"".join(frame(kind, payload) for kind, payload in frames_of(*blocks, reason=reason))


def whole(*blocks: JSON, reason: str = "tool_use") -> JSON:
    message = {"role": "assistant", "content": list(blocks)}
    return {"output": {"message": message}, "stopReason": reason, "usage": USAGE, "metrics": {"latencyMs": 7}}


@pytest.fixture(autouse=True)
def bedrock() -> Iterator[None]:
    """One provider type with two wire families at once."""
    with registered("my-bedrock", {"mine": ConverseDialect, "gemini": GeminiDialect}, DEFAULTS):
        yield


def provider(**fields: Any) -> Provider:
    return Provider(ProviderConfig(type="my-bedrock", model=MODEL, **fields))


# Laws.

TEXTS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=9).filter(lambda text: bool(text.strip()))
WIRE_BLOCKS = st.one_of(
    st.builds(lambda text: {"text": text}, TEXTS),
    st.builds(
        lambda text, signed: {"reasoningContent": {"reasoningText": {"text": text, **signed}}},
        TEXTS,
        st.sampled_from([{}, {"signature": "c2ln"}]),
    ),
    st.builds(
        lambda name, args, i: {"toolUse": {"toolUseId": i.hex, "name": name, "input": args}},
        st.sampled_from("fg"),
        st.dictionaries(st.text(max_size=3), st.none() | st.integers() | st.text(max_size=3), max_size=2),
        st.uuids(),
    ),
    st.sampled_from([BLOCKS[1], BLOCKS[3], BLOCKS[8]]),
)


SAMPLES = [
    Sample(name="all.bin", data=stream_of(*READ_IN_STREAMS), content_type=EVENTSTREAM),
    Sample(name="all.json", data=json.dumps(whole(*BLOCKS)).encode(), content_type="application/json"),
    Sample(name="cut.bin", data=stream_of(BLOCKS[2])[:200], content_type=EVENTSTREAM, fails=True),
    Sample(name="broken.bin", data=b"no frame at all", content_type=EVENTSTREAM, fails=True),
]


def test_the_family_keeps_every_law() -> None:
    report = check_dialect(
        ConverseDialect,
        SAMPLES,
        config=ProviderConfig(type="my-bedrock", model=MODEL),
        ignored={
            ".p": "it is padding that hides lengths",
            ".role": "it is the same for every answer",
            ".output.message.role": "it is the same for every answer",
            ".contentBlockIndex": "it numbers blocks, whose order says the same",
        },
        tries=4,
    )
    assert report.ok, str(report)


@given(st.lists(WIRE_BLOCKS, min_size=1, max_size=6))
def test_a_stream_is_the_whole_answer(blocks: list[JSON]) -> None:
    message = finished(read(ConverseDialect(), stream_of(*blocks), EVENTSTREAM))
    assert without_raw(message) == without_raw(ConverseDialect().parse_response(whole(*blocks)))


def without_raw(message: Message) -> list[object]:
    return [
        (part.id, part.name, part.arguments, part.extra) if isinstance(part, ToolCall) else part
        for part in message.parts
    ]


@given(st.lists(WIRE_BLOCKS | st.sampled_from(BLOCKS[4:6]), min_size=1, max_size=6))
def test_blocks_go_back_as_they_were(blocks: list[JSON]) -> None:
    message = ConverseDialect().parse_response(whole(*blocks))
    assert body_of(provider(), answered(message))["messages"][1]["content"] == blocks
    assert [part_of(block_of(part) or {}) for part in message.parts] == [part_of(block) for block in blocks]


# Reading.


def test_all_blocks_of_a_stream_are_in_order() -> None:
    message = finished(read(ConverseDialect(), stream_of(*READ_IN_STREAMS), EVENTSTREAM))
    source: JSON = {"title": "They", "location": {"documentChunk": {"start": 1}}, "source": None}
    assert message.parts == (
        ReasoningPart("Let me think.", {"signature": "c2ln"}),
        UnknownPart("reasoningContent", BLOCKS[1]),
        TextPart("It is sunny."),
        TextPart("As they say.", (Citation(extra=source),)),
        ToolCall("t1", "get_weather", {"city": "Paris"}, '{"city": "Paris"}', extra={"type": "tool_use"}),
        ToolCall("t2", "now", {}, ""),
        UnknownPart("somethingNew", {"somethingNew": {"a": [1, None]}}),
    )
    assert (message.finish_reason, message.raw_finish_reason) == (FinishReason.TOOL_CALLS, "tool_use")
    assert message.extra == {"metrics": {"latencyMs": 7}}
    usage = message.usage
    assert usage is not None
    assert (usage.input_tokens, usage.output_tokens) == (15, 5)
    assert (usage.cached_tokens, usage.cache_write_tokens) == (3, 2)
    assert usage.extra == {"totalTokens": 20}


def test_the_end_is_message_stop_and_the_usage_may_be_missing() -> None:
    stopped = stream_of({"text": "Hi"}, reason="end_turn")[: -len(frame("metadata", LAST))]
    message = finished(read(ConverseDialect(), stopped, EVENTSTREAM))
    assert (message.text, message.usage, message.finish_reason) == ("Hi", None, FinishReason.STOP)
    last = read(ConverseDialect(), stopped[:-1], EVENTSTREAM)[-1]
    assert isinstance(last, StreamFailed)
    assert isinstance(last.error, StreamTruncatedError)


def test_a_call_that_was_cut_is_invalid() -> None:
    start = {"contentBlockIndex": 0, "start": {"toolUse": {"toolUseId": "t", "name": "f"}}}
    piece = {"contentBlockIndex": 0, "delta": {"toolUse": {"input": '{"a": '}}}
    stream = frame("contentBlockStart", start) + frame("contentBlockDelta", piece)
    stream += frame("messageStop", {"stopReason": "max_tokens"}) + frame("metadata", {"usage": USAGE})
    message = finished(read(ConverseDialect(), stream, EVENTSTREAM))
    assert (message.tool_calls, len(message.invalid_tool_calls)) == ((), 1)
    assert message.finish_reason is FinishReason.LENGTH


# Errors.


@pytest.mark.parametrize(
    ("kind", "status", "error_class"),
    [
        ("throttlingException", 429, RateLimitError),
        ("internalServerException", 500, InternalServerError),
    ],
)
def test_an_exception_in_a_stream_is_the_error_with_its_name(
    kind: str, status: int, error_class: type[APIStatusError]
) -> None:
    headers = {":exception-type": kind, ":message-type": "exception"}
    stream = frame("contentBlockDelta", {"delta": {"text": "Hi"}})
    stream += encode_frame(headers, b'{"message": "no"}')
    *events, last = read(ConverseDialect(), stream, EVENTSTREAM)
    assert events == [ContentDelta("Hi")]
    assert isinstance(last, StreamFailed)
    error = last.error
    assert type(error) is error_class
    assert (error.status, error.error_type, error.provider_message) == (status, kind, "no")


def test_an_error_frame_and_a_flipped_bit_are_failures() -> None:
    headers = {":message-type": "error", ":error-code": "InternalFailure", ":error-message": "no"}
    last = read(ConverseDialect(), encode_frame(headers), EVENTSTREAM)[-1]
    assert isinstance(last, StreamFailed)
    assert last.error.error_type == "InternalFailure"
    stream = bytearray(stream_of({"text": "Hi"}))
    stream[-20] ^= 1
    last = read(ConverseDialect(), bytes(stream), EVENTSTREAM)[-1]
    assert isinstance(last, StreamFailed)
    assert isinstance(last.error, RemoteProtocolError)


def test_an_error_status_has_its_type_in_a_header() -> None:
    headers = (("x-amzn-ErrorType", "ThrottlingException:http://internal/"), ("x-amzn-requestid", "r1"))
    error = ConverseDialect().parse_error(429, headers, '{"message": "Too many requests."}')
    assert isinstance(error, RateLimitError)
    assert (error.error_type, error.provider_message) == ("ThrottlingException", "Too many requests.")


# Signatures.


def test_the_signature_is_the_one_that_aws_publishes() -> None:
    """The example "ListUsers" of the AWS documentation on Signature Version 4."""
    headers = (
        ("content-type", "application/x-www-form-urlencoded; charset=utf-8"),
        ("host", "iam.amazonaws.com"),
    )
    target = "/?Action=ListUsers&Version=2010-05-08"
    request = Request("GET", "https", "iam.amazonaws.com", 443, target, headers, b"")
    *_, date, authorization = sign(request, KEY, "us-east-1", "iam", NOW).headers
    assert date == ("x-amz-date", "20150830T123600Z")
    assert authorization[1] == (
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, "
        "SignedHeaders=content-type;host;x-amz-date, "
        "Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
    )


def test_a_request_is_signed_with_time_and_region_and_the_key_shows_nowhere() -> None:
    request = request_of(provider())
    assert request.url == f"{BASE}/model/anthropic.claude-x-v1%3A0/converse-stream"
    signed = provider().authorize(request, KEY, now=NOW)
    assert signed == provider().authorize(request, KEY, now=NOW)
    assert signed != provider().authorize(request, KEY, now=NOW + 1)
    headers = dict(signed.headers)
    assert "/20150830/eu-west-1/bedrock/aws4_request" in headers["authorization"]
    assert SECRET not in str(headers)


def test_the_family_is_one_short_file() -> None:
    assert len(Path(converse_like.__file__).read_text("utf-8").splitlines()) < 200


@pytest.mark.parametrize("part", [RefusalPart("No."), ImagePart(data=b"\x89PNG")])
def test_a_part_that_has_no_place_is_refused(part: RefusalPart | ImagePart) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        provider().prepare([Message(Role.USER, (TextPart("See:"), part))])
    assert caught.value.index == 0
    assert "part 1" in str(caught.value)


@pytest.mark.parametrize("key", [None, "", "no-colon-in-this-key", ":x", "a\nb:c"])
def test_a_key_of_another_form_is_refused_and_not_shown(key: str | None) -> None:
    with pytest.raises(ConfigError) as caught:
        provider().authorize(request_of(provider()), key)
    assert caught.value.field == "api_key_env"
    assert not key or key not in str(caught.value)
    trace = caught.value.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename != __file__ and key:
            assert key not in trace.tb_frame.f_locals.values()
        trace = trace.tb_next


# Requests.


def test_two_wire_families_of_one_type_are_distinguished_by_their_api() -> None:
    assert provider().dialect.origin == "my-bedrock/mine"
    other = provider(api="gemini")
    assert other.dialect.origin == "my-bedrock/gemini"
    assert request_of(other, model="g").target.endswith("/v1beta/models/g:streamGenerateContent?alt=sse")
    assert request_of(provider(), model="m/n", stream=False).target == "/model/m%2Fn/converse"
    with pytest.raises(ConfigError, match="mine, gemini"):
        provider(api="chat")


def test_a_whole_conversation_is_written() -> None:
    calls = (ToolCall("a", "f", {"x": 1}), InvalidToolCall("b", "g", "{cut", "cut"))
    body = body_of(
        provider(),
        [
            Message(Role.SYSTEM, "Be short."),
            Message(Role.USER, "Hi"),
            Message(Role.ASSISTANT, calls),
            Message(Role.TOOL, "1", tool_call_id="a"),
            Message(Role.TOOL, "no", tool_call_id="b"),
        ],
        tools=[WEATHER],
        temperature=0,
        max_tokens=9,
        stop="x",
    )
    assert body == {
        "system": [{"text": "Be short."}],
        "inferenceConfig": {"temperature": 0, "maxTokens": 9, "stopSequences": ["x"]},
        "toolConfig": {
            "tools": [{"toolSpec": {
                "name": "get_weather",
                "description": "The weather.",
                "inputSchema": {"json": {"type": "object"}},
            }}],
        },
        "messages": [
            {"role": "user", "content": [{"text": "Hi"}]},
            {"role": "assistant", "content": [
                {"toolUse": {"toolUseId": "a", "name": "f", "input": {"x": 1}}},
                {"toolUse": {"toolUseId": "b", "name": "g", "input": {"INVALID_JSON": "{cut"}}},
            ]},
            {"role": "user", "content": [
                {"toolResult": {"toolUseId": "a", "content": [{"text": "1"}]}},
                {"toolResult": {"toolUseId": "b", "content": [{"text": "no"}]}},
            ]},
        ],
    }  # fmt: skip


# To other providers and back.


@pytest.mark.parametrize("other", ["openai", "anthropic"])
def test_an_answer_goes_to_another_provider_with_one_report_a_loss(other: str) -> None:
    message = finished(read(ConverseDialect(), stream_of(*READ_IN_STREAMS), EVENTSTREAM))
    prepared = Provider(ProviderConfig(type=other, model="m")).prepare(answered(message))
    assert [(found.part, found.what) for found in prepared.left_out] == [
        (0, "ReasoningPart"),
        (1, "UnknownPart"),
        (3, "citations"),
        (4, "extra: type"),
        (6, "UnknownPart"),
        (None, "extra: metrics"),
    ]
    text = json.dumps(prepared.body)
    assert "It is sunny." in text
    assert "get_weather" in text
    assert "c2ln" not in text


@pytest.mark.parametrize("origin", ["openai/chat", "anthropic/messages"])
def test_an_answer_of_another_provider_comes_here_with_one_report_a_loss(origin: str) -> None:
    parts = (
        ReasoningPart("Hm.", {"signature": "c2ln"}),
        TextPart("Hi", (Citation("https://e"),)),
        ToolCall("call_1", "f", {"a": 1}, extra={"y": 1}),
    )
    answer = Message(Role.ASSISTANT, parts, origin=origin)
    prepared = provider().prepare(answered(answer))
    assert [(found.part, found.what) for found in prepared.left_out] == [
        (0, "ReasoningPart"),
        (1, "citations"),
        (2, "extra: y"),
    ]
    body: Any = prepared.body
    assert body["messages"][1]["content"] == [
        {"text": "Hi"},
        {"toolUse": {"toolUseId": "call_1", "name": "f", "input": {"a": 1}}},
    ]


# Over sockets.


def check_signed(request: Request) -> None:
    headers = dict(request.headers)
    at = datetime.strptime(headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    assert abs((datetime.now(UTC) - at).total_seconds()) < 600
    sent = tuple(
        (name, value) for name, value in request.headers if name not in ("x-amz-date", "authorization")
    )
    plain = Request(request.method, "http", request.host, request.port, request.target, sent, request.body)
    again = sign(plain, KEY, "us-east-1", "bedrock", at.timestamp())
    assert headers["authorization"] == dict(again.headers)["authorization"]


@pytest.mark.anyio
async def test_a_stream_over_a_socket() -> None:
    pieces = tuple(frame(*each) for each in frames_of(*BLOCKS))
    server = Canned(FakeResponse(headers=(("content-type", EVENTSTREAM),), pieces=pieces))
    async with serve_loopback(server) as loopback:
        config = ProviderConfig(type="my-bedrock", model=MODEL, base_url=loopback.url)
        async with create_provider(config, api_key=KEY) as facade, facade.stream(ASK) as stream:
            events = [event async for event in stream]
    assert events == read(ConverseDialect(), b"".join(pieces), EVENTSTREAM)
    check_signed(server.requests[0])


def test_a_blocking_stream_over_a_socket() -> None:
    pieces = tuple(frame(*each) for each in frames_of(*BLOCKS))
    server = Canned(FakeResponse(headers=(("content-type", EVENTSTREAM),), pieces=pieces))
    with loopback_thread(server) as loopback:
        config = ProviderConfig(type="my-bedrock", model=MODEL, base_url=loopback.url)
        with create_sync_provider(config, api_key=KEY) as facade, facade.stream(ASK) as stream:
            events = list(stream)
    assert events == read(ConverseDialect(), b"".join(pieces), EVENTSTREAM)
    check_signed(server.requests[0])


# Recorded traffic.


def check_golden(message: Message, expected: JSON) -> None:
    assert message.text == expected["text"]
    assert message.reasoning == expected["reasoning"]
    names = [call.name for call in message.tool_calls] + [call.name for call in message.invalid_tool_calls]
    assert names == [call["name"] for call in expected["tool_calls"]]
    for call, wanted in zip(message.tool_calls, expected["tool_calls"], strict=False):
        assert (call.id, call.arguments) == (wanted["id"], wanted["arguments"])
    assert message.raw_finish_reason == expected["stop_reason"]
    if expected["usage"] and message.usage is not None:
        usage = message.usage
        assert usage.input_tokens == expected["usage"].get("input_tokens", 0)
        assert usage.output_tokens == expected["usage"].get("output_tokens", 0)
        assert usage.cached_tokens == expected["usage"].get("cache_read", 0)


@for_each(corpus(FOLDER, "bcs"))
def test_a_recorded_stream(name: str) -> None:
    expected = golden(FOLDER, name)
    data = (SHARED / FOLDER / f"{name}.eventstream").read_bytes()
    last = read(ConverseDialect(), data, EVENTSTREAM)[-1]
    if isinstance(last, StreamFailed):
        assert expected["end"] != "message_stop" or expected.get("frame_error")
        assert last.error.partial is not None
        assert last.error.partial.text == expected["text"]
        if expected["error"]:
            assert last.error.error_type == expected["error"]["type"]
        return
    assert expected["end"] == "message_stop"
    check_golden(finished([last]), expected)


@for_each(corpus(FOLDER, "bcr"))
def test_a_recorded_answer(name: str) -> None:
    data = json.loads((SHARED / FOLDER / f"{name}.resp.json").read_bytes())
    message = ConverseDialect().parse_response(data)
    check_golden(message, golden(FOLDER, name))
    assert [block_of(part) for part in message.parts] == data["output"]["message"]["content"]


@for_each(corpus(FOLDER, "bce"))
def test_a_recorded_error(name: str) -> None:
    found = golden(FOLDER, name)
    expected = found["error"]
    headers = tuple((key, value) for key, value in (found.get("headers") or {}).items())
    body = (SHARED / FOLDER / f"{name}.resp.json").read_text("utf-8")
    error = ConverseDialect().parse_error(expected["status"], headers, body)
    assert (error.status, error.provider_message) == (expected["status"], expected["message"])
    assert error.error_type == expected["type"]
