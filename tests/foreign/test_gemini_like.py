"""A third wire family, added from outside: Google's `generateContent`."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from sansio import (
    APIStatusError,
    ConfigError,
    ContentDelta,
    FinishReason,
    ImagePart,
    InvalidRequestError,
    InvalidToolCall,
    Message,
    Provider,
    ProviderConfig,
    ProviderDefaults,
    ReasoningPart,
    RefusalPart,
    Role,
    ServerToolPart,
    StreamFailed,
    StreamTruncatedError,
    TextPart,
    ToolCall,
    UnknownPart,
)
from sansio.testing import FakeResponse, Sample, check_dialect
from tests.foreign import gemini_like
from tests.foreign.gemini_like import GeminiDialect, part_of, wire_of
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

SSE = "text/event-stream"
JSON_BODY = "application/json"
KEY = "AIza-a-key-of-google"
FOLDER = "corpus-gemini"
DEFAULTS = ProviderDefaults(
    base_url="https://generativelanguage.googleapis.com", api_key_env="GEMINI_API_KEY"
)
IMAGE = base64.b64encode(b"\x89PNG").decode()
PARTS: list[JSON] = [
    {"text": "Let me think.", "thought": True},
    {"text": "It is ", "thoughtSignature": "c2lnLXRleHQ="},
    {"executableCode": {"id": "x1", "language": "PYTHON", "code": "1+1"}, "thoughtSignature": "c2lnLWNvZGU="},
    {"codeExecutionResult": {"id": "x1", "outcome": "OUTCOME_OK", "output": "2\n"}},
    {"inlineData": {"mimeType": "image/png", "data": IMAGE}, "thoughtSignature": "c2lnLWltYWdl"},
    {"text": "sunny."},
    {"functionCall": {"name": "now", "args": {}}, "thoughtSignature": "c2lnLWNhbGw="},
    {"functionCall": {"name": "now", "args": {}}},
    {"functionCall": {"id": "fc_1", "name": "get_weather", "args": {"city": "Paris"}}},
    {"somethingNew": {"a": [1, None]}},
    {"text": "", "thoughtSignature": "c2lnLWVuZA=="},
]
USAGE = {
    "promptTokenCount": 10,
    "toolUsePromptTokenCount": 3,
    "candidatesTokenCount": 5,
    "thoughtsTokenCount": 7,
    "cachedContentTokenCount": 4,
    "totalTokenCount": 25,
}


def chunk(parts: Sequence[JSON], reason: str | None = None, **fields: Any) -> JSON:
    candidate: JSON = {"content": {"role": "model", "parts": list(parts)}, "index": 0}
    if reason is not None:
        candidate["finishReason"] = reason
    return {"candidates": [candidate], "modelVersion": "gemini-x", "responseId": "r1", **fields}


def sse(*chunks: JSON) -> bytes:
    return b"".join(b"data: " + json.dumps(each).encode() + b"\r\n\r\n" for each in chunks)


def whole(*parts: JSON, reason: str | None = "STOP") -> Message:
    return GeminiDialect().parse_response(chunk(parts, reason))


STREAM = sse(
    *(chunk([part], usageMetadata={"promptTokenCount": 99}) for part in PARTS),
    chunk([], "STOP", usageMetadata=USAGE),
)


@pytest.fixture(autouse=True)
def google() -> Iterator[None]:
    with registered("google-like", {"gemini-like": GeminiDialect}, DEFAULTS):
        yield


def provider(**fields: Any) -> Provider:
    return Provider(ProviderConfig(type="google-like", model="gemini-x", **fields))


# Laws.

SIGNED = st.sampled_from([{}, {"thoughtSignature": "c2ln"}])
VALUES = st.dictionaries(
    st.text(max_size=3), st.none() | st.integers(-9, 9) | st.text(max_size=3), max_size=2
)
WIRE_PARTS = st.one_of(
    st.builds(lambda text: {"text": text}, st.text(max_size=5).filter(str.strip)),
    st.builds(lambda text: {"text": text, "thought": True}, st.text(min_size=1, max_size=5)),
    st.builds(lambda args: {"functionCall": {"name": "f", "args": args}}, VALUES),
    st.builds(
        lambda args, i: {"functionCall": {"id": f"c{i}", "name": "g", "args": args}}, VALUES, st.uuids()
    ),
    st.sampled_from(PARTS[2:5] + PARTS[9:10]),
)
ANSWERS = st.lists(st.builds(lambda part, signed: part | signed, WIRE_PARTS, SIGNED), min_size=1, max_size=6)


WHOLE = json.dumps(chunk(PARTS, "STOP", usageMetadata=USAGE)).encode()
SAMPLES = [
    Sample(name="all.sse", data=sse(*(chunk([part]) for part in PARTS), chunk([], "STOP"))),
    Sample(name="usage.sse", data=sse(chunk([PARTS[5]]), chunk([], "STOP", usageMetadata=USAGE))),
    Sample(name="all.json", data=WHOLE, content_type=JSON_BODY),
    Sample(name="cut.sse", data=sse(chunk(PARTS[:6])), fails=True),
    Sample(name="error.sse", data=b'[{"error": {"code": 429, "message": "Slow down."}}]', fails=True),
]


def test_the_family_keeps_every_law() -> None:
    report = check_dialect(
        GeminiDialect,
        SAMPLES,
        config=ProviderConfig(type="google-like", model="m"),
        ignored={
            ".candidates[].content.role": "it is the same for every answer",
            ".candidates[].index": "one answer is asked for",
        },
        not_returned={".responseId": "ids of calls that are made up here follow from it"},
        tries=2,
    )
    assert report.ok, str(report)


@given(ANSWERS)
def test_a_stream_holds_what_its_parts_say(parts: list[JSON]) -> None:
    stream = sse(*(chunk([part]) for part in parts), chunk([], "STOP", usageMetadata=USAGE))
    message = finished(read(GeminiDialect(), stream, SSE))
    assert message.text == "".join(part["text"] for part in parts if "text" in part and "thought" not in part)
    assert len(message.tool_calls) == sum("functionCall" in part for part in parts)


@given(ANSWERS)
def test_parts_go_back_as_they_were(parts: list[JSON]) -> None:
    message = whole(*parts)
    back = body_of(provider(), answered(message))["contents"][1]["parts"]
    assert joined(back) == joined(parts)
    assert [part_of(wire_of(part) or {}) for part in message.parts] == [
        unmade(part) for part in message.parts
    ]


def joined(parts: list[JSON]) -> list[JSON]:
    """Parts with neighbouring plain texts as one, as a stream gives them."""
    found: list[JSON] = []
    for part in parts:
        if found and "text" in part and set(part) == set(found[-1]) <= {"text", "thought"}:
            found[-1] = {**part, "text": found[-1]["text"] + part["text"]}
        else:
            found.append(part)
    return found


def unmade(part: Any) -> Any:
    """A call that the wire gave no id has none on the wire, and its text of arguments is not sent."""
    if not isinstance(part, ToolCall):
        return part
    made: Any = part.extra.get("functionCall")
    return structs.replace(part, raw_arguments=None, id="" if made == {"id": None} else part.id)


# Reading.


def test_all_parts_of_a_stream_are_in_order_with_their_signatures() -> None:
    message = finished(read(GeminiDialect(), STREAM, SSE))
    first, second, third = message.tool_calls
    assert message.parts == (
        ReasoningPart("Let me think."),
        TextPart("It is ", extra={"thoughtSignature": "c2lnLXRleHQ="}),
        ServerToolPart(
            "executableCode",
            id="x1",
            input="1+1",
            extra={"executableCode": {"language": "PYTHON"}, "thoughtSignature": "c2lnLWNvZGU="},
        ),
        ServerToolPart("codeExecutionResult", id="x1", output="2\n", status="OUTCOME_OK"),
        ImagePart(data=b"\x89PNG", extra={"thoughtSignature": "c2lnLWltYWdl"}),
        TextPart("sunny."),
        first,
        second,
        third,
        UnknownPart("somethingNew", {"somethingNew": {"a": [1, None]}}),
        TextPart("", extra={"thoughtSignature": "c2lnLWVuZA=="}),
    )
    assert [call.name for call in message.tool_calls] == ["now", "now", "get_weather"]
    assert third.id == "fc_1"
    assert first.id != second.id
    assert first.extra["thoughtSignature"] == "c2lnLWNhbGw="
    assert (message.finish_reason, message.raw_finish_reason) == (FinishReason.TOOL_CALLS, "STOP")
    assert (message.model, message.response_id, message.origin) == (
        "gemini-x",
        "r1",
        "google-like/gemini-like",
    )


def test_usage_counts_thoughts_and_the_prompt_of_tools() -> None:
    usage = finished(read(GeminiDialect(), STREAM, SSE)).usage
    assert usage is not None
    assert (usage.input_tokens, usage.output_tokens) == (13, 12)
    assert (usage.cached_tokens, usage.reasoning_tokens) == (4, 7)
    assert usage.extra == {"totalTokenCount": 25}


def test_parts_may_follow_a_finish_reason() -> None:
    stream = sse(chunk([PARTS[2]], "STOP"), chunk([{"text": "Two."}], "STOP"))
    assert finished(read(GeminiDialect(), stream, SSE)).text == "Two."


def test_without_a_finish_reason_a_stream_was_cut() -> None:
    last = read(GeminiDialect(), sse(chunk([{"text": "Tw"}]), chunk([PARTS[6]])), SSE)[-1]
    assert isinstance(last, StreamFailed)
    assert isinstance(last.error, StreamTruncatedError)
    assert last.error.partial is not None
    assert (last.error.partial.text, last.error.partial.tool_calls) == ("Tw", ())


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("STOP", FinishReason.STOP),
        ("MAX_TOKENS", FinishReason.LENGTH),
        ("SAFETY", FinishReason.CONTENT_FILTER),
        ("MALFORMED_FUNCTION_CALL", FinishReason.ERROR),
        ("SOMETHING_NEW", FinishReason.OTHER),
    ],
)
def test_finish_reasons(said: str, meant: FinishReason) -> None:
    assert whole({"text": "Hi"}, reason=said).finish_reason is meant


def test_a_blocked_prompt_is_an_answer_without_parts() -> None:
    data = {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT", "blockReasonMessage": "No."}}
    message = finished(read(GeminiDialect(), sse(data), SSE))
    assert (message.parts, message.finish_reason) == ((), FinishReason.CONTENT_FILTER)
    assert message.extra == data


# Errors.

QUOTA = {
    "code": 429,
    "message": "Slow down.",
    "status": "RESOURCE_EXHAUSTED",
}


@pytest.mark.parametrize("form", ["{}", "[{}]"])
def test_an_error_status_is_understood(form: str) -> None:
    body = form.format(json.dumps({"error": QUOTA}, indent=2))
    error = GeminiDialect().parse_error(429, (), body)
    assert (error.status, error.error_type) == (429, "RESOURCE_EXHAUSTED")
    assert error.provider_message == "Slow down."


@pytest.mark.parametrize("form", [b"%s", b"[%s]\n", b"data: %s\r\n\r\n"])
def test_an_error_in_a_stream_is_seen_even_as_bare_json(form: bytes) -> None:
    indent = None if form.startswith(b"data") else 2
    error = form % json.dumps({"error": QUOTA}, indent=indent).encode()
    *events, last = read(GeminiDialect(), sse(chunk([{"text": "Tw"}])) + error, SSE)
    assert events == [ContentDelta("Tw")]
    assert isinstance(last, StreamFailed)
    assert isinstance(last.error, APIStatusError)
    assert (last.error.status, last.error.error_type) == (429, "RESOURCE_EXHAUSTED")


# Requests.


def test_the_model_is_in_the_path_and_the_key_in_googles_header() -> None:
    request = request_of(provider())
    assert request.url == (
        "https://generativelanguage.googleapis.com/v1beta/models/gemini-x:streamGenerateContent?alt=sse"
    )
    other = request_of(provider(), stream=False, model="gemini-y")
    assert other.target == "/v1beta/models/gemini-y:generateContent"
    signed = provider().authorize(request, KEY)
    assert signed.headers == (*request.headers, ("x-goog-api-key", KEY))
    for wrong in (None, "a\nb"):
        with pytest.raises(ConfigError):
            provider().authorize(request, wrong)


def test_portable_options_have_their_places() -> None:
    body = body_of(
        provider(reasoning=True),
        ASK,
        temperature=0,
        max_tokens=9,
        stop="x",
        top_k=3,
        reasoning_budget=-1,
    )
    assert body["generationConfig"] == {
        "temperature": 0,
        "maxOutputTokens": 9,
        "stopSequences": ["x"],
        "topK": 3,
        "thinkingConfig": {"includeThoughts": True, "thinkingBudget": -1},
    }
    with pytest.raises(InvalidRequestError, match="parallel_tool_calls"):
        provider().prepare(ASK, parallel_tool_calls=False)


def test_a_whole_conversation_is_written() -> None:
    calls = (ToolCall("a", "f", {"x": 1}), InvalidToolCall("b", "g", "{cut", "cut"))
    body = body_of(
        provider(),
        [
            Message(Role.SYSTEM, "Be short."),
            Message(Role.USER, (TextPart("See:"), ImagePart(data=b"\x89PNG"))),
            Message(Role.ASSISTANT, calls),
            Message(Role.TOOL, (TextPart("1"), ImagePart(data=b"\x89PNG")), tool_call_id="a"),
            Message(Role.TOOL, "no", tool_call_id="b", is_error=True),
        ],
        tools=[WEATHER],
    )
    assert body["systemInstruction"] == {"parts": [{"text": "Be short."}]}
    assert body["tools"] == [
        {"functionDeclarations": [{
            "name": "get_weather", "description": "The weather.", "parameters": {"type": "object"},
        }]},
    ]  # fmt: skip
    assert body["contents"] == [
        {"role": "user", "parts": [
            {"text": "See:"}, {"inlineData": {"mimeType": "image/png", "data": IMAGE}},
        ]},
        {"role": "model", "parts": [
            {"functionCall": {"id": "a", "name": "f", "args": {"x": 1}}},
            {"functionCall": {"id": "b", "name": "g", "args": {"INVALID_JSON": "{cut"}}},
        ]},
        {"role": "user", "parts": [
            {"functionResponse": {"id": "a", "name": "f", "response": {"output": "1"}}},
            {"inlineData": {"mimeType": "image/png", "data": IMAGE}},
            {"functionResponse": {"id": "b", "name": "g", "response": {"error": "no"}}},
        ]},
    ]  # fmt: skip


@pytest.mark.parametrize("part", [RefusalPart("No."), ImagePart(url="https://e/i.png")])
def test_a_part_that_has_no_place_is_refused(part: RefusalPart | ImagePart) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        provider().prepare([Message(Role.USER, (TextPart("See:"), part))])
    assert caught.value.index == 0
    assert "part 1" in str(caught.value)


def test_the_family_is_one_short_file() -> None:
    assert len(Path(gemini_like.__file__).read_text("utf-8").splitlines()) < 200


def test_a_result_names_no_id_that_was_made_up() -> None:
    message = finished(read(GeminiDialect(), STREAM, SSE))
    *_, results = body_of(provider(), answered(message)[:-1])["contents"]
    assert results["parts"] == [
        {"functionResponse": {"name": "now", "response": {"output": "sunny"}}},
        {"functionResponse": {"name": "now", "response": {"output": "sunny"}}},
        {"functionResponse": {"id": "fc_1", "name": "get_weather", "response": {"output": "sunny"}}},
    ]


# To other providers and back.


@pytest.mark.parametrize("other", ["openai", "anthropic"])
def test_an_answer_goes_to_another_provider_with_one_report_a_loss(other: str) -> None:
    message = finished(read(GeminiDialect(), STREAM, SSE))
    prepared = Provider(ProviderConfig(type=other, model="m")).prepare(answered(message))
    lost = sorted((found.part or 0, found.what) for found in prepared.left_out)
    assert lost == [
        (0, "ReasoningPart"),
        (1, "extra: thoughtSignature"),
        (2, "ServerToolPart"),
        (3, "ServerToolPart"),
        (4, "ImagePart"),
        (6, "extra: thoughtSignature, functionCall"),
        (7, "extra: functionCall"),
        (9, "UnknownPart"),
        (10, "TextPart" if other == "anthropic" else "extra: thoughtSignature"),
    ]
    text = json.dumps(prepared.body)
    assert "c2ln" not in text
    assert "get_weather" in text


@pytest.mark.parametrize("other", ["openai", "anthropic"])
def test_an_answer_of_another_provider_comes_here_with_one_report_a_loss(other: str) -> None:
    parts = (
        ReasoningPart("Hm.", {"signature": "c2ln"}),
        TextPart("Hi", extra={"x": 1}),
        ToolCall("call_1", "f", {"a": 1}, extra={"y": 1}),
        RefusalPart("No."),
        UnknownPart("z", {"type": "z"}),
    )
    origin = {"openai": "openai/chat", "anthropic": "anthropic/messages"}[other]
    prepared = provider().prepare(answered(Message(Role.ASSISTANT, parts, origin=origin, extra={"m": 1})))
    assert [(found.part, found.what) for found in prepared.left_out] == [
        (0, "ReasoningPart"),
        (1, "extra: x"),
        (2, "extra: y"),
        (3, "RefusalPart: sent as text"),
        (4, "UnknownPart"),
        (None, "extra: m"),
    ]
    body: Any = prepared.body
    assert body["contents"][1]["parts"] == [
        {"text": "Hi"},
        {"functionCall": {"id": "call_1", "name": "f", "args": {"a": 1}}},
        {"text": "No."},
    ]


# Over sockets.


def streamed(stream: bytes) -> Canned:
    pieces = tuple(stream[at : at + 50] for at in range(0, len(stream), 50))
    return Canned(FakeResponse(headers=(("content-type", SSE),), pieces=pieces))


@pytest.mark.anyio
async def test_a_stream_over_a_socket() -> None:
    server = streamed(STREAM)
    async with serve_loopback(server) as loopback:
        config = ProviderConfig(type="google-like", model="gemini-x", base_url=loopback.url)
        async with create_provider(config, api_key=KEY) as facade, facade.stream(ASK) as stream:
            events = [event async for event in stream]
    assert events == read(GeminiDialect(), STREAM, SSE)
    assert server.requests[0].target == "/v1beta/models/gemini-x:streamGenerateContent?alt=sse"
    assert dict(server.requests[0].headers)["x-goog-api-key"] == KEY


def test_a_blocking_call_over_a_socket() -> None:
    body = json.dumps(chunk(PARTS, "STOP", usageMetadata=USAGE)).encode()
    server = Canned(FakeResponse(headers=(("content-type", "application/json"),), pieces=(body,)))
    with loopback_thread(server) as loopback:
        config = ProviderConfig(type="google-like", model="gemini-x", base_url=loopback.url)
        with create_sync_provider(config, api_key=KEY) as facade:
            message = facade.complete(ASK)
    assert message == whole_of(body)
    assert server.requests[0].target == "/v1beta/models/gemini-x:generateContent"


def whole_of(body: bytes) -> Message:
    return GeminiDialect().parse_response(json.loads(body))


# Recorded traffic.

PARTIAL_ARGS = "gms-gemini-vercel-google_stream_no_args_tool_call_chunks-50b9"
"""Arguments in pieces with paths, which this example leaves out."""


def check_golden(message: Message, expected: JSON) -> None:
    assert message.text == expected["text"]
    assert message.reasoning == expected["reasoning"]
    names = [call.name for call in message.tool_calls] + [call.name for call in message.invalid_tool_calls]
    assert names == [call["name"] for call in expected["tool_calls"]]
    for call, wanted in zip(message.tool_calls, expected["tool_calls"], strict=False):
        assert call.arguments == wanted["arguments"]
        assert wanted["id"] in (None, call.id)
    if expected["usage"]:
        usage = message.usage
        assert usage is not None
        assert usage.input_tokens == expected["usage"].get("input_tokens", 0)
        assert usage.output_tokens == expected["usage"].get("output_tokens", 0)
        assert usage.reasoning_tokens == expected["usage"].get("reasoning_tokens", 0)


@for_each(corpus(FOLDER, "gms"))
def test_a_recorded_stream(name: str) -> None:
    path = SHARED / FOLDER / f"{name}.sse"
    if not path.exists() or name == PARTIAL_ARGS:
        return  # no recorded stream, or one asked for as an array
    expected = golden(FOLDER, name)
    last = read(GeminiDialect(), path.read_bytes(), SSE)[-1]
    if isinstance(last, StreamFailed):
        assert last.error.partial is not None
        assert last.error.partial.text == expected["text"]
        if expected["end"] == "error":
            assert last.error.status == expected["error"]["status"]
        else:
            assert expected["end"] is None
        return
    assert expected["end"] in ("finish", "blocked")
    check_golden(finished([last]), expected)


@for_each(corpus(FOLDER, "gmr"))
def test_a_recorded_answer(name: str) -> None:
    data = json.loads((SHARED / FOLDER / f"{name}.resp.json").read_bytes())
    message = GeminiDialect().parse_response(data)
    check_golden(message, golden(FOLDER, name))
    if message.invalid_tool_calls:  # a call of a tool that was not offered goes back as one that is wrong
        return
    parts = ((data.get("candidates") or [{}])[0].get("content") or {}).get("parts") or []
    assert joined([wire_of(part) or {} for part in message.parts]) == joined([
        part if "functionCall" not in part else with_args(part) for part in parts if part != {"text": ""}
    ])  # fmt: skip


def with_args(part: JSON) -> JSON:
    """Absent arguments and empty ones are equal forms."""
    return {**part, "functionCall": {"args": {}, **part["functionCall"]}}


@for_each(corpus(FOLDER, "gme"))
def test_a_recorded_error(name: str) -> None:
    expected = golden(FOLDER, name)["error"]
    body = (SHARED / FOLDER / f"{name}.resp.json").read_text("utf-8")
    error = GeminiDialect().parse_error(expected["status"], (), body)
    assert (error.error_type, error.status) == (expected["type"], expected["status"])
    assert error.provider_message == expected["message"]
