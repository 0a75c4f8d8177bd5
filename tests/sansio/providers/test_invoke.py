"""Claude by Bedrock's InvokeModel: addresses, bodies, versions, betas, options, and moving to and from it."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from sansio import (
    APIStatusError,
    ConfigError,
    DocumentPart,
    ImagePart,
    InvalidRequestError,
    Message,
    Part,
    Provider,
    ProviderConfig,
    RateLimitError,
    ReasoningPart,
    Role,
    Send,
    ServerToolPart,
    StreamComplete,
    StreamEvent,
    StreamFailed,
    StreamParser,
    TextPart,
    ToolCall,
    port,
)
from sansio.providers import dialect_named
from sansio.testing.eventstream import encode_frame
from sansio.translate import translate_request
from tests.sansio.wires import (
    ASK,
    WEATHER,
    Record,
    block,
    body_of,
    config,
    failure,
    refused,
    started,
    stopped,
)

MODEL = "eu.anthropic.claude-sonnet-4-5-20250929-v1:0"
RUNTIME = "https://bedrock-runtime.eu-west-1.amazonaws.com"
SIGNED = ReasoningPart("Hm.", {"signature": "c2ln"})


def provider(**fields: Any) -> Provider:
    given: Record = {"type": "bedrock", "api": "invoke", "region": "eu-west-1", "model": MODEL, **fields}
    return Provider(ProviderConfig.from_dict(given))


# Requests.


@pytest.mark.parametrize("stream", [True, False])
def test_the_model_and_the_stream_are_in_the_path_and_the_version_in_the_body(stream: bool) -> None:
    prepared = provider().prepare(ASK, [WEATHER], stream=stream, max_tokens=100)
    verb = "invoke-with-response-stream" if stream else "invoke"
    assert prepared.url == f"{RUNTIME}/model/eu.anthropic.claude-sonnet-4-5-20250929-v1%3A0/{verb}"
    assert "anthropic-version" not in prepared.headers
    messages = Provider(config("bedrock/messages", model=MODEL)).prepare(ASK, [WEATHER], max_tokens=100).body
    wanted = {name: value for name, value in messages.items() if name not in ("model", "stream")}
    assert prepared.body == {"anthropic_version": "bedrock-2023-05-31", **wanted}


def test_an_arn_is_one_segment_and_a_step_is_refused() -> None:
    arn = "arn:aws:bedrock:eu-west-1:1:application-inference-profile/abc"
    segment = "arn%3Aaws%3Abedrock%3Aeu-west-1%3A1%3Aapplication-inference-profile%2Fabc"
    assert provider(model=arn).prepare(ASK, stream=False).url == f"{RUNTIME}/model/{segment}/invoke"
    with pytest.raises(InvalidRequestError, match="model"):
        provider(model="..").prepare(ASK)


def test_the_version_is_bedrocks_own_or_a_later_date() -> None:
    assert provider(api_version="2023-06-01").prepare(ASK).body["anthropic_version"] == "bedrock-2023-05-31"
    own = provider(api_version="bedrock-2023-05-31").prepare(ASK, temperature=0.5)
    assert own.body["anthropic_version"] == "bedrock-2023-05-31"
    later = provider(api_version="2026-10-21")
    assert later.prepare(ASK).body["anthropic_version"] == "2026-10-21"
    with pytest.raises(InvalidRequestError, match="temperature"):
        later.prepare(ASK, temperature=0.5)
    headers = {"Anthropic-Version": "2026-10-21"}
    assert provider().prepare(ASK, extra_headers=headers).body["anthropic_version"] == "2026-10-21"
    for wrong in ("new", "bedrock-2024-01-01", "2026-13-10"):
        with pytest.raises(ConfigError, match="api_version") as caught:
            provider(api_version=wrong)
        assert caught.value.field == "api_version"


def test_betas_of_the_header_are_in_the_body() -> None:
    assert "anthropic_beta" not in provider().prepare(ASK).body
    made = provider(extra_headers={"Anthropic-Beta": "a-1"})
    assert made.prepare(ASK).body["anthropic_beta"] == ["a-1"]
    asked = made.prepare(ASK, extra_headers={"anthropic-beta": "b-2, c-3,"})
    assert asked.body["anthropic_beta"] == ["b-2", "c-3"]
    assert made.prepare(ASK).body["anthropic_beta"] == ["a-1"]
    guarded = made.prepare(ASK, extra_headers={"X-Amzn-Bedrock-GuardrailIdentifier": "g1"})
    assert guarded.headers["x-amzn-bedrock-guardrailidentifier"] == "g1"
    assert guarded.body["anthropic_beta"] == ["a-1"]


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("container", "container_1"),
        ("mcp_servers", []),
        ("inference_geo", "us"),
        ("service_tier", "auto"),
        ("speed", "fast"),
        ("workspace_id", "w"),
    ],
)
def test_options_of_anthropics_own_service_are_refused_or_reported(option: str, value: Any) -> None:
    with pytest.raises(InvalidRequestError, match=f"{option}: bedrock/invoke has no such option"):
        provider().prepare(ASK, **{option: value})
    dropped = provider().prepare(ASK, **{option: value}, unsupported="drop")
    assert [loss.option for loss in dropped.left_out] == [option]
    assert option not in dropped.body


def test_claudes_own_options_are_sent() -> None:
    thinking = {"type": "enabled", "budget_tokens": 2_000}
    options: Record = {"thinking": thinking, "context_management": {}, "user_profile_id": "u"}
    assert provider().prepare(ASK, **options).body.items() >= options.items()
    assert "cache_control" in json.dumps(provider().prepare(ASK, cache=True).body)
    form = {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}}
    assert "output_config" in provider().prepare(ASK, response_format=form).body
    forced = provider(model="anthropic.claude-3-haiku-20240307-v1:0").prepare(ASK, response_format=form)
    assert "tools" in forced.body
    assert provider(reasoning=True).prepare(ASK).body["thinking"] == {
        "type": "enabled",
        "budget_tokens": 4_096,
    }


FILES: list[Part] = [
    ImagePart(url="https://e/i.png"),
    ImagePart(file_id="file_1"),
    DocumentPart(url="https://e/d.pdf"),
    DocumentPart(file_id="file_1"),
]


@pytest.mark.parametrize("part", FILES)
def test_a_file_is_given_by_its_data_only(part: Part) -> None:
    with pytest.raises(InvalidRequestError, match="give its data"):
        provider().prepare([Message(Role.USER, (part,))])


def test_a_data_url_is_data() -> None:
    image = ImagePart(url="data:image/png;base64,iVBORw0KGgo=")
    sent: Any = provider().prepare([Message(Role.USER, (image,))]).body["messages"]
    assert sent[0]["content"][0]["source"]["data"] == "iVBORw0KGgo="


def test_tokens_are_counted_of_the_same_body() -> None:
    made = provider(extra_headers={"anthropic-beta": "a-1"})
    step = made.count_tokens(ASK, [WEATHER]).next_step()
    assert isinstance(step, Send)
    assert step.request.target.endswith("/count-tokens")
    counted = json.loads(step.request.body)["input"]["invokeModel"]["body"]
    assert json.loads(base64.b64decode(counted)) == body_of(made, ASK, [WEATHER])
    with pytest.raises(InvalidRequestError, match="message 0 holds half a surrogate pair"):
        made.count_tokens("\ud800")


def test_models_are_listed_at_the_control_plane() -> None:
    step = provider().list_models().next_step()
    assert isinstance(step, Send)
    assert (step.request.host, step.request.target) == (
        "bedrock.eu-west-1.amazonaws.com",
        "/foundation-models",
    )


# Answers.


def chunks(*events: Record) -> bytes:
    return b"".join(
        encode_frame(
            {":message-type": "event", ":event-type": "chunk"},
            json.dumps({"bytes": base64.b64encode(json.dumps(event).encode()).decode(), "p": "abc"}).encode(),
        )
        for event in events
    )


def parse(data: bytes, content_type: str = "") -> list[StreamEvent]:
    parser = StreamParser("bedrock", api="invoke", content_type=content_type)
    return parser.receive_data(data) + parser.receive_eof()


TEXT = block(0, {"type": "text", "text": ""}, {"type": "text_delta", "text": "Hi"})
METRICS: Record = {"inputTokenCount": 7, "outputTokenCount": 20, "invocationLatency": 90}


@pytest.mark.parametrize("content_type", ["", "application/vnd.amazon.eventstream"])
def test_each_chunk_is_an_event_of_claudes_messages_and_its_metrics_are_kept(content_type: str) -> None:
    *rest, stop = [started(), *TEXT, *stopped()]
    last = parse(chunks(*rest, {**stop, "amazon-bedrock-invocationMetrics": METRICS}), content_type)[-1]
    assert isinstance(last, StreamComplete)
    assert (last.message.text, last.message.origin) == ("Hi", "bedrock/invoke")
    assert last.message.extra["amazon-bedrock-invocationMetrics"] == METRICS


def test_a_proxy_may_send_server_sent_events() -> None:
    stream = b"".join(b"data: %b\n\n" % json.dumps(each).encode() for each in [started(), *TEXT, *stopped()])
    last = parse(stream, "text/event-stream")[-1]
    assert isinstance(last, StreamComplete)
    assert last.message.text == "Hi"


def exception(kind: str, payload: bytes) -> bytes:
    return encode_frame({":message-type": "exception", ":exception-type": kind}, payload)


def test_an_exception_between_chunks_is_an_error_with_what_arrived() -> None:
    begun = chunks(started(), *TEXT)
    error = failure(parse(begun + exception("throttlingException", b'{"message":"Too many."}')))
    assert isinstance(error, RateLimitError)
    assert (error.error_type, error.provider_message) == ("throttlingException", "Too many.")
    assert error.partial is not None
    assert error.partial.text == "Hi"
    silent = failure(parse(begun + exception("modelStreamErrorException", b"")))
    assert silent.status == 424
    untold = failure(parse(begun + exception("x", b"[]")))
    assert (type(untold), untold.error_type) == (APIStatusError, "x")


def test_a_type_of_event_that_nobody_knows_is_passed_over_and_an_error_in_a_chunk_is_anthropics() -> None:
    unknown = encode_frame({":event-type": "somethingNew"}, b'{"a":1}')
    last = parse(chunks(started(), *TEXT) + unknown + chunks(*stopped()))[-1]
    assert isinstance(last, StreamComplete)
    overloaded: Record = {"type": "error", "error": {"type": "overloaded_error", "message": "no"}}
    failed = parse(chunks(started(), overloaded))[-1]
    assert isinstance(failed, StreamFailed)
    assert failed.error.status == 529


def test_the_type_of_an_error_is_in_a_header() -> None:
    headers = (("x-amzn-errortype", "ThrottlingException:http://internal.amazon.com/coral/"),)
    error = dialect_named("bedrock/invoke").parse_error(429, headers, '{"message":"Slow down."}')
    assert isinstance(error, RateLimitError)
    assert (error.error_type, error.provider_message) == ("ThrottlingException", "Slow down.")


# Between hosts.


@pytest.mark.parametrize("other", ["anthropic/messages", "azure/messages", "bedrock/messages"])
def test_reasoning_of_claude_moves_both_ways_with_its_signature_and_nothing_else(other: str) -> None:
    searched = ServerToolPart("server_tool_use", "srv_1", "web_search", {"query": "tower"})
    for origin, target in ((other, "bedrock/invoke"), ("bedrock/invoke", other)):
        parts = (SIGNED, searched, TextPart("Hi", extra={"x": 1}))
        answer = Message(Role.ASSISTANT, parts, origin=origin, extra={"amazon-bedrock-trace": {"a": 1}})
        prepared = Provider(config(target)).prepare([*ASK, answer, *ASK])
        sent: Any = prepared.body["messages"]
        assert sent[1]["content"][0] == {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}
        lost = {loss.what for loss in prepared.left_out}
        assert lost == {"ServerToolPart", "extra: x", "extra: amazon-bedrock-trace"}


def test_its_own_answer_goes_back_unchanged_and_an_unsigned_one_without_its_reasoning() -> None:
    call = ToolCall("toolu_1", "f", {"a": 1})
    for thought, left in ((SIGNED, []), (ReasoningPart("Hm."), ["ReasoningPart"])):
        answer = Message(
            Role.ASSISTANT, (thought, call), origin="bedrock/invoke", extra={"stop_sequence": "x"}
        )
        history = [*ASK, answer, Message(Role.TOOL, "ok", tool_call_id="toolu_1")]
        _, report = port(history, provider().dialect)
        assert [loss.what for loss in report] == left


def test_a_request_of_claudes_messages_is_translated_without_a_loss() -> None:
    said: Record = {
        "model": "claude",
        "max_tokens": 9,
        "stream": True,
        "thinking": {"type": "disabled"},
        "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
        "messages": [
            {"role": "user", "content": "Hi"},
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"},
                    {"type": "text", "text": "Yes?"},
                ],
            },
            {"role": "user", "content": "Go on."},
        ],
    }
    translated = translate_request("messages", said, provider())
    assert translated.prepared.left_out == ()
    wanted = {name: value for name, value in said.items() if name not in ("model", "stream")}
    assert translated.prepared.body == {"anthropic_version": "bedrock-2023-05-31", **wanted}


@pytest.mark.parametrize("kind", ["anthropic/messages", "bedrock/invoke", "vllm/messages"])
def test_a_refusal_names_the_type_and_the_api_that_were_asked(kind: str) -> None:
    for form in ({"type": "json_object"}, {"type": "own"}):
        assert kind in str(refused(kind, *ASK, response_format=form))
    for message in (Message(Role.USER, " "), Message(Role.SYSTEM, "Hi")):
        assert kind in str(refused(kind, message))


def test_headers_of_a_call_add_to_those_of_the_config_in_the_body() -> None:
    made = provider(extra_headers={"Anthropic-Beta": "one, two", "x-mine": "yes"})
    plain = made.prepare(ASK)
    assert (plain.body["anthropic_beta"], plain.headers["x-mine"]) == (["one", "two"], "yes")
    dated: Any = made.prepare(ASK, extra_headers={"anthropic-version": "2024-01-01"}).body
    assert (dated["anthropic_version"], dated["anthropic_beta"]) == ("2024-01-01", ["one", "two"])
    other: Any = made.prepare(ASK, extra_headers={"anthropic-beta": "three"}).body
    assert other["anthropic_version"] == "bedrock-2023-05-31"
    assert "three" in other["anthropic_beta"]


def test_an_exception_is_a_step_of_progress() -> None:
    reader = dialect_named("bedrock/invoke").open_stream()
    with pytest.raises(RateLimitError):
        reader.receive(b'{"message": "no"}', [], "exception:throttlingException")
    assert reader.progress == 1


def test_a_body_that_cannot_be_encoded_is_left_to_the_error_that_names_its_place() -> None:
    deep: Any = "x"
    for _ in range(100_000):
        deep = [deep]
    wrongs: list[Any] = [{"a": object()}, {"a": deep}]
    for wrong in wrongs:
        counted: Any = provider().dialect.count_tokens(wrong).body
        assert counted["input"]["invokeModel"]["body"] is wrong
